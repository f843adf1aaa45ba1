"""SKUs: other names, bundles, thresholds: data of the shop, never guessed."""

from datetime import datetime
from typing import ClassVar

from ledger.common.values import Checks
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import Command, Handler, Work
from ledger.stock.errors import AliasOfAlias, BundleInsideItself, BundleTooLarge
from ledger.stock.parts import Part, sku_of

MAX_PARTS = 100
MAX_DEEP = 10
MAX_PIECES = 10_000


class Sku(Aggregate):
    """A SKU; its stream is `sku:<sku>`."""

    KIND = "sku"

    def begin(self) -> None:
        """Nothing is known of it."""
        self.registered = False
        self.target = ""
        self.parts: tuple[Part, ...] = ()
        self.threshold: int | None = None

    # -- facts ------------------------------------------------------------------------------------

    class Registered(Aggregate.Event):
        """The shop knows it."""

        TOPIC = "sku.registered.v1"
        sku: str
        title: str | None = None

    class Aliased(Aggregate.Event):
        """It is another name of a SKU; without a target, it is a SKU of its own again."""

        TOPIC = "sku.aliased.v1"
        sku: str
        target: str

        def about(self) -> list[str]:
            """The SKU that it names."""
            return [sku_of(self.target)] if self.target else []

    class Bundled(Aggregate.Event):
        """It is a bundle of these parts; without any, it is none any more."""

        TOPIC = "sku.bundled.v1"
        sku: str
        parts: list[Part]

        def about(self) -> list[str]:
            """The parts."""
            return [sku_of(part.sku) for part in self.parts]

    class ThresholdSet(Aggregate.Event):
        """Fewer available pieces than this are too few."""

        TOPIC = "sku.threshold_set.v1"
        sku: str
        threshold: int

    # -- mutators ---------------------------------------------------------------------------------

    @event(Registered)
    def _registered(self):
        self.registered = True

    @event(Aliased)
    def _aliased(self, target):
        self.target = target

    @event(Bundled)
    def _bundled(self, parts):
        self.parts = tuple(parts)

    @event(ThresholdSet)
    def _threshold_set(self, threshold):
        self.threshold = threshold

    # -- rules ------------------------------------------------------------------------------------

    def register(self, sku: str, title: str | None, *, occurred_at: datetime) -> None:
        """Make it known, once."""
        if not self.registered:
            self._registered(sku=sku, title=title, occurred_at=occurred_at)

    def alias(self, sku: str, target: str, *, occurred_at: datetime) -> None:
        """Errors: AliasOfAlias (R-STK-07)."""
        if self.target == target:
            return
        if sku == target or self.parts:
            why = "it is that SKU" if sku == target else "it is a bundle"
            raise AliasOfAlias(sku=sku, target=target, why=why)
        self._aliased(sku=sku, target=target, occurred_at=occurred_at)

    def bundle(self, sku: str, parts: list[Part], *, occurred_at: datetime) -> None:
        """Errors: AliasOfAlias (R-STK-07)."""
        if self.target:
            raise AliasOfAlias(sku=sku, target=self.target, why="it is that SKU's name")
        if self.parts != tuple(parts):
            self._bundled(sku=sku, parts=parts, occurred_at=occurred_at)

    def set_threshold(self, sku: str, threshold: int, *, occurred_at: datetime) -> None:
        """Units: pieces."""
        if self.threshold != threshold:
            self._threshold_set(sku=sku, threshold=threshold, occurred_at=occurred_at)


def parts_of(work: Work, sku: str) -> tuple[Part, ...]:
    """The real SKUs behind a name and how many of each: aliases resolved, bundles taken apart.

    Errors: BundleInsideItself (R-STK-06), BundleTooLarge (R-STK-09).
    """
    return _apart(work, sku, {})


def _apart(work: Work, sku: str, seen: dict[str, tuple[Part, ...]]) -> tuple[Part, ...]:
    """`seen` holds what was taken apart already; what is being taken apart is empty there."""
    known: Sku = work.load(Sku, sku_of(sku))
    if not (known.target or known.parts):
        return (Part(sku, 1),)
    if seen.get(sku):
        return seen[sku]
    path = [name for name, parts in seen.items() if not parts]
    if sku in path:
        raise BundleInsideItself(sku=sku, path=" > ".join((*path, sku)))
    if len(path) >= MAX_DEEP:
        raise BundleTooLarge(sku=sku, most_deep=MAX_DEEP, most_pieces=MAX_PIECES)
    seen[sku] = ()
    found: dict[str, int] = {}
    for part in (Part(known.target, 1),) if known.target else known.parts:
        for inner in _apart(work, part.sku, seen):
            found[inner.sku] = found.get(inner.sku, 0) + part.each * inner.each
    if max(found.values()) > MAX_PIECES:
        raise BundleTooLarge(sku=sku, most_deep=MAX_DEEP, most_pieces=MAX_PIECES)
    seen[sku] = tuple(Part(name, each) for name, each in found.items())
    return seen[sku]


# -- commands -------------------------------------------------------------------------------------


class _OnSku(Command, frozen=True, kw_only=True):
    """A command on a SKU."""

    sku: str
    occurred_at: datetime

    @property
    def subject(self) -> str:
        """The SKU's stream."""
        return sku_of(self.sku)

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [(Sku, self.subject)]

    def check(self, checks: Checks) -> None:
        checks.text("/sku", self.sku, longest=100)
        checks.moment("/occurred_at", self.occurred_at)


class RegisterSku(_OnSku, frozen=True, kw_only=True):
    """Make a SKU known before anything of it comes in."""

    NAME: ClassVar[str] = "sku.register"
    title: str | None = None

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if self.title is not None:
            checks.text("/title", self.title, longest=500)


class AliasSku(_OnSku, frozen=True, kw_only=True):
    """Say that a name is another one's: 85123a is 85123A. An empty target undoes it."""

    NAME: ClassVar[str] = "sku.alias"
    target: str

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.text("/target", self.target, longest=100, empty=True)

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [*super().streams(), (Sku, sku_of(self.target))]


class BundleSku(_OnSku, frozen=True, kw_only=True):
    """Say what a bundle is made of. No parts undo it."""

    NAME: ClassVar[str] = "sku.bundle"
    parts: list[Part]

    def check(self, checks: Checks) -> None:
        super().check(checks)
        if len(self.parts) > MAX_PARTS:
            checks.fault("/parts", "too_many", f"are {len(self.parts)}, {MAX_PARTS} are allowed")
        for index, part in enumerate(self.parts):
            checks.text(f"/parts/{index}/sku", part.sku, longest=100)
            checks.integer(f"/parts/{index}/each", part.each, least=1, most=MAX_PIECES)

    def streams(self) -> list[tuple[type[Aggregate], str]]:
        return [*super().streams(), *((Sku, sku_of(part.sku)) for part in self.parts)]


class SetThreshold(_OnSku, frozen=True, kw_only=True):
    """Say below how many available pieces a SKU is low."""

    NAME: ClassVar[str] = "sku.set_threshold"
    threshold: int

    def check(self, checks: Checks) -> None:
        super().check(checks)
        checks.integer("/threshold", self.threshold, least=0, most=10**9)


def register_sku(command: RegisterSku, work: Work) -> list[Aggregate]:
    """A repeat changes nothing."""
    sku: Sku = work.load(Sku, command.subject)
    sku.register(command.sku, command.title, occurred_at=command.occurred_at)
    return [sku]


def alias_sku(command: AliasSku, work: Work) -> list[Aggregate]:
    """Errors: BundleInsideItself (R-STK-06), AliasOfAlias (R-STK-07), BundleTooLarge (R-STK-09)."""
    sku: Sku = work.load(Sku, command.subject)
    target: Sku = work.load(Sku, sku_of(command.target))
    if target.target:
        raise AliasOfAlias(sku=command.sku, target=command.target,
                           why=f"that is another name of {target.target} itself")
    sku.alias(command.sku, command.target, occurred_at=command.occurred_at)
    parts_of(work, command.sku)
    return [sku]


def bundle_sku(command: BundleSku, work: Work) -> list[Aggregate]:
    """Errors: BundleInsideItself (R-STK-06), AliasOfAlias (R-STK-07), BundleTooLarge (R-STK-09)."""
    sku: Sku = work.load(Sku, command.subject)
    sku.bundle(command.sku, command.parts, occurred_at=command.occurred_at)
    parts_of(work, command.sku)
    return [sku]


def set_threshold(command: SetThreshold, work: Work) -> list[Aggregate]:
    """A repeat changes nothing."""
    sku: Sku = work.load(Sku, command.subject)
    sku.set_threshold(command.sku, command.threshold, occurred_at=command.occurred_at)
    return [sku]


HANDLERS: dict[type[Command], Handler] = {
    RegisterSku: register_sku,
    AliasSku: alias_sku,
    BundleSku: bundle_sku,
    SetThreshold: set_threshold,
}
