"""From the rows of an order to the command that records what they say.

What a profile says under `order:` is compiled once into small functions; each takes the values of
the main row and those of the rows that belong to it, and gives one field of a command. A row may be
a sale, a cancellation, or a write-off or find, which is not an order but is numbered like one.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ledger.common.errors import InvalidValues
from ledger.common.moments import Moment
from ledger.common.values import from_us
from ledger.core.commands import Command
from ledger.imports import conditions
from ledger.imports.faults import reason
from ledger.imports.profile import Profile
from ledger.imports.references import MOMENTS
from ledger.orders.declared import RecordOrder
from ledger.orders.money import rounded
from ledger.orders.values import AMOUNT_FIELDS, Amounts, Line, Payment
from ledger.returns.commands import RecordReturn
from ledger.returns.values import CaseLine
from ledger.stock.slips import RecordSlip, SlipLine

Row = Sequence[Any]
Parts = Mapping[str, Sequence[Row]]
Get = Callable[[Row, Parts], Any]
Test = Callable[[Row], bool]

TEXT_FIELDS = ("number", "shop", "province", "account", "recipient", "phone", "address",
               "buyer_remark", "remark", "courier", "waybill", "reason")
REFERENCES = ("paid_reference", "refund_reference")
SUM_FIELDS = ("pieces", "points", "paid_minor", "refunded_minor")
TIMES_OF = {"paid_minor": "paid", "refunded_minor": "refunded"}
SALE, CANCELLATION = "sale", "cancellation"


class Problem(NamedTuple):
    """What is wrong with a statement: the field of the command, and why."""

    field: str
    code: str
    rule: str
    reason: str


class BadStatement(Exception):
    """The rows of an order do not make a statement."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(f"{len(problems)} problems")


class Item(NamedTuple):
    """A line as the rows have it. Units: see `Line`; negative where goods came back."""

    line: str
    sku: str | None
    title: str | None
    attributes: str | None
    quantity: int
    unit_price: int
    amount_minor: int
    fee: bool


Sum = Callable[[Row, Parts, Sequence[Item]], int | None]


class Assembler(Protocol):
    """Makes commands from rows as a profile says.

    Shapes: `slots` is the place of each field in the rows of a kind, `named` the field that
    identifies a statement, `warehouse` the one that the first import opens, if any.
    """

    profile: Profile
    shop: str
    warehouse: str | None
    slots: dict[str, dict[str, int]]
    named: str

    def key(self, values: Row) -> tuple[str, ...] | None:
        """What the rows of one statement have in common; None if it could not be read."""
        ...

    def statement(self, main: Row, parts: Parts) -> tuple[Command, str]:
        """The command for a main row and the rows that belong to it, and its subject.

        Errors: BadStatement.
        """
        ...


class OrderAssembler:
    """Makes orders, returns and slips as a profile says under `order:`."""

    named = "number"

    def __init__(self, profile: Profile, shop: str | None, *, stock: bool) -> None:
        self.profile = profile
        self.shop = shop or profile.shop
        self.warehouse = profile.warehouse if stock and profile.warehouse else None
        self.slots = {file.kind: {name: slot for slot, name in enumerate(file.fields())}
                      for file in profile.files}
        order = profile.recipe
        self._number = self._text(order["number"])
        self._shop = self._text(order["shop"]) if "shop" in order else None
        self.texts = [(name, self._text(order[name])) for name in TEXT_FIELDS if name in order]
        self.sums = [(name, self._sum(order[name])) for name in SUM_FIELDS if name in order]
        self.amounts = [(name, self._sum(order[name]))
                        for name in AMOUNT_FIELDS if name in order]
        self.references = [(name, self._text(order[name])) for name in REFERENCES if name in order]
        self.moments = [(name, self._moment(order[name])) for name in MOMENTS if name in order]
        self.ended = self._ended(order.get("ended"))
        self.items = self._items(order.get("lines"))
        self.payments = self._payments(order.get("payments"))
        self._kinds: list[tuple[str, Test]] = [
            (row["are"], _all([self._test(name, test) for name, test in row["when"].items()]))
            for row in order.get("rows", ())]

    def key(self, values: Row) -> tuple[str, ...] | None:
        """The shop, the number and the kind of row."""
        number = self._number(values, {})
        if number is None:
            return None
        shop = None if self._shop is None else self._shop(values, {})
        return shop or self.shop, number, self._kind(values)

    def _kind(self, values: Row) -> str:
        """The kind of a row: the first whose tests it passes."""
        for kind, is_one in self._kinds:
            if is_one(values):
                return kind
        return SALE

    def statement(self, main: Row, parts: Parts) -> tuple[Command, str]:
        """An order, a return or a slip, and its subject. Errors: BadStatement."""
        kind = self._kind(main)
        facts: dict[str, Any] = {}
        for name, get in self.texts:
            if (value := get(main, parts)) is not None:
                facts[name] = value
        facts.setdefault("shop", self.shop)
        for name, get in self.moments:
            facts[name] = get(main, parts)
        items = [] if self.items is None else self.items(main, parts)
        make: Callable[..., RecordOrder | RecordReturn | RecordSlip] = {
            SALE: self._order, CANCELLATION: self._return}.get(kind, self._slip)
        try:
            command = make(facts, items, main, parts)
            return command, command.subject
        except InvalidValues as error:
            raise BadStatement([Problem(fault.where, fault.code, error.rule, fault.message)
                                for fault in error.faults]) from None

    def _order(
        self, facts: dict[str, Any], items: list[Item], main: Row, parts: Parts
    ) -> RecordOrder:
        for name, get in self.sums:
            facts[name] = get(main, parts, items)
        for name, found in self.references:
            facts[name] = found(main, parts)
        facts["amounts"] = Amounts(**{name: get(main, parts, items) for name, get in self.amounts})
        if self.ended is not None:
            facts["ended_as"], facts["ended"] = self.ended(main, parts)
        if self.payments is not None:
            facts["payments"] = self.payments(main, parts)
        _pair(facts)
        return RecordOrder(
            channel=self.profile.channel, currency=self.profile.currency,
            lines=[Line(
                line=item.line, sku=item.sku, title=item.title, attributes=item.attributes,
                quantity=item.quantity, unit_price=item.unit_price, unit_price_scale=self.scale,
                amount_minor=item.amount_minor, fee=item.fee) for item in items] or None,
            warehouse=self.warehouse, reuse_gap_days=self.profile.reuse_gap_days, **facts)

    def _return(
        self, facts: dict[str, Any], items: list[Item], main: Row, parts: Parts
    ) -> RecordReturn:
        return RecordReturn(
            channel=self.profile.channel, currency=self.profile.currency, shop=facts["shop"],
            number=facts["number"], account=facts.get("account"), reason=facts.get("reason"),
            at=facts["placed"], warehouse=self.warehouse,
            lines=[CaseLine(
                line=item.line, sku=item.sku, title=item.title, quantity=-item.quantity,
                unit_price=item.unit_price, unit_price_scale=self.scale,
                amount_minor=-item.amount_minor, fee=item.fee) for item in items])

    def _slip(
        self, facts: dict[str, Any], items: list[Item], main: Row, parts: Parts
    ) -> RecordSlip:
        kind = self._kind(main)
        sign = -1 if kind == "write_off" else 1
        return RecordSlip(
            channel=self.profile.channel, currency=self.profile.currency, shop=facts["shop"],
            number=facts["number"], kind=kind, at=facts["placed"], warehouse=self.warehouse,
            reason=facts.get("reason"),
            lines=[SlipLine(line=item.line, sku=item.sku or "", title=item.title,
                            quantity=sign * item.quantity, fee=item.fee) for item in items])

    # -- compiling --------------------------------------------------------------------------------

    def _get(self, name: str) -> Get:
        kind, _, field = name.rpartition(".")
        if not kind or kind == self.profile.main.kind:
            slot = self.slots[self.profile.main.kind][field]
            return lambda main, parts: main[slot]
        slot = self.slots[kind][field]

        def first(main: Row, parts: Parts) -> Any:
            rows = parts[kind]
            return rows[0][slot] if rows else None

        return first

    def _all(self, name: str) -> Callable[[Row, Parts], list[Any]]:
        """All values of a field: one of the main row, one of each joined row."""
        kind, _, field = name.rpartition(".")
        if not kind or kind == self.profile.main.kind:
            get = self._get(name)
            return lambda main, parts: [get(main, parts)]
        slot = self.slots[kind][field]
        return lambda main, parts: [row[slot] for row in parts[kind]]

    def _text(self, entry: Mapping[str, Any]) -> Get:
        gets = [self._get(name) for name in entry["names"]]
        if len(gets) == 1:
            return gets[0]
        if entry["how"] == "join":
            def join(main: Row, parts: Parts) -> str | None:
                found = [get(main, parts) for get in gets]
                return " ".join(text for text in found if text is not None) or None
            return join

        def first(main: Row, parts: Parts) -> Any:
            return next((v for get in gets if (v := get(main, parts)) is not None), None)
        return first

    def _sum(self, entry: Mapping[str, Any]) -> Sum:
        """A sum; None where one of its terms is unknown or has no row."""
        if "lines" in entry:
            return _sum_of_lines(entry["lines"])
        if len(entry["sum"]) == 1 and not entry["less"] and "." not in entry["sum"][0]:
            get = self._get(entry["sum"][0])
            return lambda main, parts, items: get(main, parts)
        terms = [(self._all(name), 1) for name in entry["sum"]]
        terms += [(self._all(name), -1) for name in entry["less"]]

        def total(main: Row, parts: Parts, items: Sequence[Item]) -> int | None:
            amount = 0
            for values, sign in terms:
                found = values(main, parts)
                if not found or None in found:
                    return None
                amount += sign * sum(found)
            return amount

        return total

    def _test(self, name: str, test: conditions.Test) -> Test:
        """A function that says whether a field of a row passes a test."""
        slot, is_so = self.slots[self.profile.main.kind][name], conditions.passes(test)
        return lambda row: is_so(row[slot])

    def _moment(self, entry: Mapping[str, Any]) -> Get:
        at = None if entry["at"] is None else self._get(entry["at"])
        others = [self._get(name) for name in entry["inferred_from"]]
        when = None if entry["when"] is None else self._get(entry["when"])

        def moment(main: Row, parts: Parts) -> Moment | None:
            if when is not None and not when(main, parts):
                return None
            if at is not None and (exact := at(main, parts)) is not None:
                return Moment(from_us(exact[0]), exact[1])
            known = [time[0] for get in others if (time := get(main, parts)) is not None]
            return Moment(from_us(max(known)), "", True) if known else None

        return moment

    def _ended(self, entry: Mapping[str, Any] | None) -> Get | None:
        if entry is None:
            return None
        by = self._get(entry["by"])
        moments = {state: self._moment(entry[state])
                   for state in ("completed", "closed", "cancelled") if state in entry}

        def ended(main: Row, parts: Parts) -> tuple[str, Moment | None]:
            state = by(main, parts)
            return (state, moments[state](main, parts)) if state in moments else ("", None)

        return ended

    def _items(self, entry: Mapping[str, Any] | None) -> Callable[[Row, Parts], list[Item]] | None:
        self.scale = self.profile.exponent
        if entry is None:
            return None
        kind, slots = entry["of"], self.slots[entry["of"]]
        files = {file.kind: file for file in self.profile.files}
        decimals = files[kind].fields()[entry["unit_price"]].decimals
        self.scale = self.profile.exponent if decimals is None else decimals
        finer = self.scale - self.profile.exponent
        line_at, price_at = slots.get(entry.get("line", "")), slots[entry["unit_price"]]
        sku_at, title_at, attributes_at = (
            slots.get(entry.get(name, "")) for name in ("sku", "title", "attributes"))
        fixed = int(entry["quantity"]) if entry["quantity"].isdigit() else None
        quantity_at = slots.get(entry["quantity"], 0)
        is_fee = _fees(entry["fees"])

        def items(main: Row, parts: Parts) -> list[Item]:
            found = []
            for number, row in enumerate(parts[kind], 1):
                quantity = row[quantity_at] if fixed is None else fixed
                sku = None if sku_at is None else row[sku_at]
                found.append(Item(
                    line=str(number) if line_at is None else row[line_at], sku=sku,
                    title=None if title_at is None else row[title_at],
                    attributes=None if attributes_at is None else row[attributes_at],
                    quantity=quantity,
                    unit_price=row[price_at], fee=is_fee(sku),
                    amount_minor=rounded(quantity * row[price_at], finer)))
            return found

        return items

    def _payments(self, entry: Mapping[str, Any] | None) -> Get | None:
        if entry is None:
            return None
        slots, kind = self.slots[entry["of"]], entry["of"]
        method, amount = slots[entry["method"]], slots[entry["amount_minor"]]
        return lambda main, parts: [Payment(method=row[method], amount_minor=row[amount])
                                    for row in parts[kind]]


def _all(tests: list[Test]) -> Test:
    """A test that a row passes if it passes all of these."""
    if len(tests) == 1:
        return tests[0]
    return lambda row: all(test(row) for test in tests)


def _sum_of_lines(which: str) -> Sum:
    """What the goods, the fees or all lines add up to."""
    return lambda main, parts, items: sum(
        item.amount_minor for item in items if which == "all" or item.fee == (which == "fees"))


def _fees(skus: Sequence[str]) -> Callable[[str | None], bool]:
    """A function that says whether a SKU is a fee and not goods."""
    exact = frozenset(name for name in skus if not name.endswith("*"))
    begins = tuple(name[:-1] for name in skus if name.endswith("*"))
    return lambda sku: sku is not None and (sku in exact or sku.startswith(begins))


def _pair(facts: dict[str, Any]) -> None:
    """An amount and its time belong together. Errors: BadStatement (R-IMP-13)."""
    for amount, time in TIMES_OF.items():
        if facts.get(time) is None and facts.get(amount):
            rule, words = reason("amount_without_time", {"what": time})
            raise BadStatement([Problem(amount, "amount_without_time", rule, words)])
    if facts.get("paid") is None or facts.get("paid_minor") is None:
        facts["paid"] = facts["paid_minor"] = None
