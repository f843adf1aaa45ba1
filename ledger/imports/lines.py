"""From rows to the lines of an order, a return or a slip."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ledger.common.moments import Moment
from ledger.common.values import from_us
from ledger.imports.products import Product
from ledger.imports.recipes import Parts, Recipe, Row
from ledger.orders.declared import Sent
from ledger.orders.money import rounded
from ledger.stock.pieces import Count

FINEST = 8
"""The most decimals of a price."""


class Item(NamedTuple):
    """A line as the rows have it. Units: see `Line`; negative where goods came back. `row` is the
    place of its row among those of its kind, `sent` when its pieces went out (see `cells`)."""

    line: str
    sku: str | None
    title: str | None
    attributes: str | None
    quantity: int
    unit_price: int
    scale: int
    amount_minor: int
    fee: bool
    row: int
    sent: list[Any] | None = None
    courier: str | None = None
    waybill: str | None = None
    order_line: str | None = None
    disposition: str | None = None


Price = Callable[[Row, int], tuple[int, int, int]]
"""The price of a piece, its scale, and what so many pieces cost."""


class Lines:
    """Makes lines as a profile says under `lines:`. `counted_by` says how many pieces they have."""

    def __init__(self, entry: Mapping[str, Any], recipe: Recipe) -> None:
        self.kind = kind = entry["of"]
        profile, slots = recipe.profile, recipe.slots[kind]
        self._file = next(file for file in profile.files if file.kind == kind)
        self._line = slots.get(entry.get("line", ""))
        self._sku = slots.get(entry.get("sku", ""))
        self._title = recipe.of_rows(kind, entry.get("title"))
        self._attributes = recipe.of_rows(kind, entry.get("attributes"))
        quantity = entry.get("quantity", "")
        self.counted_by = quantity or entry.get("products", "")
        self._fixed = int(quantity) if quantity.isdigit() else None
        self._quantity = slots.get(quantity, 0)
        self._cell, self._exponent = slots.get(entry.get("products", "")), profile.exponent
        self._price = self._priced(entry, slots, profile.exponent)
        self._is_fee = _fees(entry.get("fees", ()))
        self._sent, self._courier, self._waybill = (
            recipe.of_rows(kind, entry.get(name)) for name in ("dispatched", "courier", "waybill"))
        self._order_line, self._disposition = (
            slots.get(entry.get(name, "")) for name in ("order_line", "disposition"))
        own = self._file.key if kind == recipe.main else None
        self._id = self._line if own is None else slots[own]

    def __call__(self, main: Row, parts: Parts) -> list[Item]:
        """The lines, each with its row. A row of no pieces makes none, and one that stands there
        twice is one, if rows have ids."""
        found: list[Item] = []
        seen = set[str]()
        for at, row in enumerate(parts[self.kind]):
            if self._id is not None:
                if (said := repr(row)) in seen:
                    continue
                seen.add(said)
            for product, (price, scale, amount) in self._products(row):
                found.append(Item(
                    line=str(len(found) + 1) if self._line is None else row[self._line],
                    sku=product.sku, title=product.title, attributes=product.attributes,
                    quantity=product.quantity, unit_price=price, scale=scale, amount_minor=amount,
                    fee=self._is_fee(product.sku), row=at, sent=self._sent(row),
                    courier=self._courier(row), waybill=self._waybill(row),
                    order_line=_at(row, self._order_line),
                    disposition=_at(row, self._disposition)))
        return found

    def _products(self, row: Row) -> Sequence[tuple[Product, tuple[int, int, int]]]:
        """What a row is of, with the price of a piece, its scale, and what all cost."""
        if self._cell is not None:
            found = [Product(*values) for values in row[self._cell]]
            return [(one, (one.price or 0, self._exponent, one.quantity * (one.price or 0)))
                    for one in found if one.quantity]
        if not (quantity := self._pieces(row)):
            return ()
        sku = None if self._sku is None else row[self._sku]
        return ((Product(sku, quantity, None, self._title(row), self._attributes(row)),
                 self._price(row, quantity)),)

    def _pieces(self, row: Row) -> int:
        pieces: int = row[self._quantity] if self._fixed is None else self._fixed
        return pieces

    def without_pieces(self, parts: Parts) -> list[int]:
        """The places of rows that say 0 pieces."""
        if self._cell is not None:
            return [at for at, row in enumerate(parts[self.kind])
                    if not any(Product(*values).quantity for values in row[self._cell])]
        return [at for at, row in enumerate(parts[self.kind]) if self._pieces(row) == 0]

    def _priced(self, entry: Mapping[str, Any], slots: Mapping[str, int], exponent: int) -> Price:
        if not entry.keys() & {"unit_price", "amount_minor"}:
            return lambda row, quantity: (0, exponent, 0)
        of_piece = "unit_price" in entry
        named = entry["unit_price" if of_piece else "amount_minor"]
        slot, decimals = slots[named], self._file.fields()[named].decimals
        scale = exponent if decimals is None else decimals

        def of_a_piece(row: Row, quantity: int) -> tuple[int, int, int]:
            price = row[slot] or 0
            return price, scale, rounded(quantity * price, scale - exponent)

        def of_all(row: Row, quantity: int) -> tuple[int, int, int]:
            amount = rounded(row[slot] or 0, scale - exponent)
            return *price_of(amount, quantity, exponent), amount

        return of_a_piece if of_piece else of_all


def _at(row: Row, slot: int | None) -> Any:
    """The value in a slot; None where no field is named."""
    return None if slot is None else row[slot]


def sent_of(items: Sequence[Item]) -> list[Sent]:
    """What went out together: at one time, with one courier, under one waybill."""
    found: dict[tuple[Any, ...], list[Item]] = {}
    for item in items:
        if item.sent is not None and not item.fee:
            found.setdefault((*item.sent, item.courier, item.waybill), []).append(item)
    return [Sent(at=Moment(from_us(us), printed), courier=courier, waybill=waybill,
                 lines=[Count(item.line, item.quantity) for item in together])
            for (us, printed, courier, waybill), together in found.items()]


def price_of(amount_minor: int, quantity: int, exponent: int) -> tuple[int, int]:
    """The price of a piece with as few decimals as make it cost this for so many, and how many
    these are; beyond `FINEST` the nearest one."""
    for scale in range(exponent, FINEST + 1):
        price = _nearest(amount_minor * 10 ** (scale - exponent), quantity)
        if rounded(price * quantity, scale - exponent) == amount_minor:
            break
    return price, scale


def _nearest(dividend: int, divisor: int) -> int:
    return (2 * dividend + divisor) // (2 * divisor)


def _fees(skus: Sequence[str]) -> Callable[[str | None], bool]:
    """A function that says whether a SKU is a fee and not goods."""
    exact = frozenset(name for name in skus if not name.endswith("*"))
    begins = tuple(name[:-1] for name in skus if name.endswith("*"))
    return lambda sku: sku is not None and (sku in exact or sku.startswith(begins))
