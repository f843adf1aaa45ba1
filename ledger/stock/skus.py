"""SKUs, their other names, bundles and thresholds: data of the shop, never guessed."""

from datetime import datetime
from operator import itemgetter
from typing import Annotated, ClassVar, NamedTuple

from ledger.common.bounds import Id, IdOrNone, Items, Level, Title
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import OnStream, Wanted, Work
from ledger.stock.account import StockAccount
from ledger.stock.errors import (
    AliasOfAlias,
    BundleHasNoStock,
    BundleInsideItself,
    BundleTooDeep,
    BundleTooLarge,
    FloorAbovePrice,
    PriceOfAlias,
    SkuIsAlias,
    SkuUnknown,
    ThresholdOfNoStock,
    UnitFixed,
)
from ledger.stock.pieces import MAX_PIECES, PIECE, Part, Unit, sku_of
from ledger.stock.places import PHYSICAL, WAITING, stock_of

MAX_PARTS = 100
MAX_DEEP = 10


class Price(NamedTuple):
    """What a piece costs from a time on, and below what it is not sold without a signature. Units:
    minor units."""

    since: datetime
    amount_minor: int
    currency: str
    floor_minor: int | None


class Sku(Aggregate):
    """A SKU; its stream is `sku:<sku>`. `prices` are all that it ever had, and `names` what it was
    another name of, each from a time on and in the order of these times."""

    KIND = "sku"

    def begin(self) -> None:
        """Nothing is known of it."""
        self.registered = False
        self.unit = PIECE
        self.target = ""
        self.parts: tuple[Part, ...] = ()
        self.threshold: int | None = None
        self.prices: tuple[Price, ...] = ()
        self.names: tuple[tuple[datetime, str], ...] = ()

    # -- facts ------------------------------------------------------------------------------------

    class Registered(Aggregate.Event):
        """The shop registered it. Every quantity of it is a whole number of its unit."""

        TOPIC = "sku.registered.v1"
        sku: str
        title: str | None = None
        unit: Unit = PIECE

    class Aliased(Aggregate.Event):
        """It is another name of a SKU; without a target, it is a SKU of its own again."""

        TOPIC = "sku.aliased.v1"
        sku: str
        target: str

        def about(self) -> list[str]:
            """The SKU that it names."""
            return [sku_of(self.target)] if self.target else []

    class Bundled(Aggregate.Event):
        """It is a bundle of these parts; without any, it is no longer a bundle."""

        TOPIC = "sku.bundled.v1"
        sku: str
        parts: list[Part]

        def about(self) -> list[str]:
            """The parts."""
            return [sku_of(part.sku) for part in self.parts]

    class ThresholdSet(Aggregate.Event):
        """With fewer available pieces than this, it is low."""

        TOPIC = "sku.threshold_set.v1"
        sku: str
        threshold: int

    class Priced(Aggregate.Event):
        """A piece costs so much from then on, until the next price; it is not sold below its floor
        without a signature. Without a floor, it may be. Units: minor units."""

        TOPIC = "sku.priced.v1"
        sku: str
        amount_minor: int
        currency: str
        by: str
        floor_minor: int | None = None
        reason: str | None = None

    # -- mutators ---------------------------------------------------------------------------------

    @event(Registered)
    def _registered(self, unit):
        self.registered = True
        self.unit = unit

    @event(Aliased)
    def _aliased(self, target, occurred_at):
        self.target = target
        self.names = tuple(sorted((*self.names, (occurred_at, target)), key=itemgetter(0)))

    @event(Bundled)
    def _bundled(self, parts):
        self.parts = tuple(parts)

    @event(ThresholdSet)
    def _threshold_set(self, threshold):
        self.threshold = threshold

    @event(Priced)
    def _priced(self, amount_minor, currency, floor_minor, occurred_at):
        price = Price(occurred_at, amount_minor, currency, floor_minor)
        self.prices = tuple(sorted((*self.prices, price), key=itemgetter(0)))

    # -- rules ------------------------------------------------------------------------------------

    @property
    def stands_for_others(self) -> bool:
        """Whether it is another name or a bundle."""
        return bool(self.target or self.parts)

    def register(
        self, sku: str, title: str | None, unit: str = PIECE, *, occurred_at: datetime
    ) -> None:
        """Make it known, once. Errors: UnitFixed (R-STK-14)."""
        if not self.registered:
            self._registered(sku=sku, title=title, unit=unit, occurred_at=occurred_at)
        elif unit != self.unit:
            raise UnitFixed(sku=sku, known=self.unit, unit=unit)

    def alias(
        self, sku: str, target: str, unit: str = PIECE, *, occurred_at: datetime
    ) -> None:
        """`unit` is the target's. Errors: AliasOfAlias (R-STK-07)."""
        if self.target == target:
            return
        if target and self.registered and unit != self.unit:
            why = f"it is counted in {self.unit}, and {target} in {unit}"
            raise AliasOfAlias(sku=sku, target=target, why=why)
        if sku == target or self.parts:
            why = "it is that SKU" if sku == target else "it is a bundle"
            raise AliasOfAlias(sku=sku, target=target, why=why)
        self._aliased(sku=sku, target=target, occurred_at=occurred_at)

    def bundle(self, sku: str, parts: list[Part], *, occurred_at: datetime) -> None:
        """Errors: SkuIsAlias (R-STK-11)."""
        if self.target:
            raise SkuIsAlias(sku=sku, target=self.target)
        if self.parts != tuple(parts):
            self._bundled(sku=sku, parts=parts, occurred_at=occurred_at)

    def set_threshold(self, sku: str, threshold: int, *, occurred_at: datetime) -> None:
        """Units: pieces. Errors: ThresholdOfNoStock (R-STK-23)."""
        if self.stands_for_others:
            others = [self.target] if self.target else [part.sku for part in self.parts]
            raise ThresholdOfNoStock(sku=sku, others=", ".join(others))
        if self.threshold != threshold:
            self._threshold_set(sku=sku, threshold=threshold, occurred_at=occurred_at)

    def named_at(self, at: datetime) -> str:
        """The SKU that it was another name of at a time; empty if of none."""
        return next((target for since, target in reversed(self.names) if since <= at), "")

    def price_at(self, at: datetime) -> Price | None:
        """The price that was in force at a time; None if there was none."""
        return next((price for price in reversed(self.prices) if price.since <= at), None)

    def price(self, sku: str, price: Price, by: str, reason: str | None) -> None:
        """A price from its time on; the same from the same time again changes nothing. What is in
        force then anyway is recorded: another price may yet be said for before. Errors:
        FloorAbovePrice (R-STK-24), PriceOfAlias (R-STK-25)."""
        if target := self.named_at(price.since):
            raise PriceOfAlias(sku=sku, target=target)
        if price.floor_minor is not None and price.floor_minor > price.amount_minor:
            raise FloorAbovePrice(sku=sku, floor_minor=price.floor_minor, currency=price.currency,
                                  amount_minor=price.amount_minor)
        if self.price_at(price.since) != price:
            self._priced(sku=sku, amount_minor=price.amount_minor, currency=price.currency,
                         floor_minor=price.floor_minor, by=by, reason=reason,
                         occurred_at=price.since)


def parts_of(work: Work, sku: str) -> tuple[Part, ...]:
    """The real SKUs behind a name and how many of each: aliases resolved, bundles taken apart.

    Errors: BundleInsideItself (R-STK-06), BundleTooLarge (R-STK-09), BundleTooDeep (R-STK-12).
    """
    return _apart(work, sku, {})


def _apart(work: Work, sku: str, seen: dict[str, tuple[Part, ...]]) -> tuple[Part, ...]:
    """`seen` holds what was taken apart already; what is being taken apart is empty there.

    Remembering it keeps bundles that share parts from being taken apart once for each way to them.
    """
    known: Sku = work.see(Sku, sku_of(sku))
    if not (known.target or known.parts):
        return (Part(sku, 1),)
    if seen.get(sku):
        return seen[sku]
    path = [name for name, parts in seen.items() if not parts]
    if sku in path:
        raise BundleInsideItself(sku=sku, path=" > ".join((*path, sku)))
    if len(path) >= MAX_DEEP:
        raise BundleTooDeep(sku=path[0], most=MAX_DEEP, path=" > ".join((*path, sku)))
    seen[sku] = ()
    found: dict[str, int] = {}
    for part in (Part(known.target, 1),) if known.target else known.parts:
        for inner in _apart(work, part.sku, seen):
            found[inner.sku] = found.get(inner.sku, 0) + part.each * inner.each
    most = max(found, key=found.__getitem__)
    if found[most] > MAX_PIECES:
        raise BundleTooLarge(sku=sku, most=MAX_PIECES, part=most)
    seen[sku] = tuple(Part(name, each) for name, each in found.items())
    return seen[sku]


# -- commands -------------------------------------------------------------------------------------


class OnSku(OnStream, frozen=True, kw_only=True):
    """A command on a SKU."""

    AGGREGATE = Sku
    sku: Id

    @property
    def subject(self) -> str:
        """The SKU's stream."""
        return sku_of(self.sku)


class RegisterSku(OnSku, frozen=True, kw_only=True):
    """Make a SKU known before anything of it comes in. What is not counted in pieces has to be: its
    unit never changes, and one that was never registered is counted in pieces."""

    NAME: ClassVar[str] = "sku.register"
    title: Title | None = None
    unit: Unit = PIECE


class AliasSku(OnSku, frozen=True, kw_only=True):
    """Say that a name is another one's: 85123a is 85123A. An empty target undoes it."""

    NAME: ClassVar[str] = "sku.alias"
    target: IdOrNone

    def streams(self) -> Wanted:
        return [*super().streams(), (Sku, sku_of(self.target))]


class BundleSku(OnSku, frozen=True, kw_only=True):
    """Say what a bundle is made of. No parts undo it."""

    NAME: ClassVar[str] = "sku.bundle"
    parts: Annotated[list[Part], Items(most=MAX_PARTS)]

    def streams(self) -> Wanted:
        return [*super().streams(), *((Sku, sku_of(part.sku)) for part in self.parts)]


class SetThreshold(OnSku, frozen=True, kw_only=True):
    """Say below how many available pieces a SKU is low."""

    NAME: ClassVar[str] = "sku.set_threshold"
    threshold: Level


def held_by(account: StockAccount) -> dict[str, int]:
    """The pieces of a SKU that a warehouse has to account for, by place, and how many of it orders
    wait for; what is zero is left out."""
    waited_for = sum(one.quantity for one in account.waiting.values())
    held = {place: level for place, level in account.levels.items() if place in PHYSICAL}
    return {**held, **({WAITING: waited_for} if waited_for else {})}


def real_sku(work: Work, warehouse: str, sku: str, *, new: bool) -> str:
    """The SKU that a name stands for; it has to be known, unless it may be `new`. What lies under
    the name itself, since it came back or was there before, is moved and counted under it.

    Errors: SkuUnknown (R-STK-03), BundleHasNoStock (R-STK-08).
    """
    known: Sku = work.see(Sku, sku_of(sku))
    if known.stands_for_others and held_by(work.load(StockAccount, stock_of(warehouse, sku))):
        return sku
    if known.parts:
        raise BundleHasNoStock(sku=sku)
    if known.target:
        return real_sku(work, warehouse, known.target, new=new)
    if not (new or known.version or work.load(StockAccount, stock_of(warehouse, sku)).position):
        raise SkuUnknown(sku=sku, warehouse=warehouse)
    return sku
