"""Bands of scores: no two overlap, and together they leave no gap."""

from collections.abc import Sequence
from decimal import Decimal

from ledger.common.decimals import check_decimal, is_decimal
from ledger.common.values import Checks
from ledger.policies.pay import Tier
from ledger.policies.values import Band


def check_bands(checks: Checks, at: str, bands: Sequence[Band | Tier], name: str) -> None:
    """No two bands overlap, and together they leave no gap."""
    ordered = sorted((_Range(band) for band in bands), key=lambda one: one.key)
    for index, band in enumerate(bands):
        for bound in (band.at_least, band.below):
            if bound is not None:
                check_decimal(checks, f"{at}/{index}", bound, least="-1000", most="1000")
    if not all(one.sound for one in ordered):
        checks.fault(at, "not_ordered",
                    f"{name} have a bound that is not a number, or the wrong way round")
        return
    reached: _Range | None = None
    if ordered[0].low is not None:
        checks.fault(at, "gap", f"{name} say nothing below {ordered[0].low}")
    for one in ordered:
        if reached is not None and reached.reaches_into(one):
            checks.fault(at, "overlap", f"{name} overlap: {reached} and {one}")
        elif reached is not None and reached.high != one.low:
            checks.fault(at, "gap", f"{name} say nothing from {reached.high} to {one.low}")
        if reached is None or one.ends_after(reached):
            reached = one
    if reached is not None and reached.high is not None:
        checks.fault(at, "gap", f"{name} say nothing from {reached.high} on")


class _Range:
    """The scores of a band: `low` and above, below `high`. None: no bound."""

    def __init__(self, band: Band | Tier) -> None:
        self.low = _number(band.at_least)
        self.high = _number(band.below)
        self.what = f"pays {band.pays}" if isinstance(band, Tier) else f"means {band.coefficient}"
        self.sound = (self.low is not None or band.at_least is None) and (
            self.high is not None or band.below is None) and not (
            self.low is not None and self.high is not None and self.low >= self.high)

    @property
    def key(self) -> tuple[Decimal, str]:
        """Where it begins, for sorting."""
        return (Decimal("-Infinity") if self.low is None else self.low), self.what

    def reaches_into(self, later: "_Range") -> bool:
        """Whether it holds where a later one begins."""
        return later.low is None or self.high is None or self.high > later.low

    def ends_after(self, other: "_Range") -> bool:
        """Whether it ends after another one."""
        return other.high is not None and (self.high is None or self.high > other.high)

    def __str__(self) -> str:
        low = "" if self.low is None else self.low
        high = "" if self.high is None else self.high
        return f"{low}–{high} {self.what}"


def _number(text: str | None) -> Decimal | None:
    return Decimal(text) if text is not None and is_decimal(text) else None
