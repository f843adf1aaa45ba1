"""From the rows of an order to the command that records what they say.

What a profile says under `order:` is compiled once into small functions; each takes the values of
the main row and those of the rows that belong to it, and gives one field of a command. A row may be
a sale, a cancellation, or a write-off or find, which is not an order but is numbered like one.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from ledger.common.errors import InvalidValues
from ledger.core.commands import Command
from ledger.imports.assembling import BadStatement, Problem, RowsDiffer, problem
from ledger.imports.lines import Item, Lines, sent_of
from ledger.imports.profile import Profile
from ledger.imports.recipes import Get, Parts, Recipe, Row, Test
from ledger.imports.references import COME_BACK, MOMENTS
from ledger.imports.returning import ReturnAssembler
from ledger.orders.declared import RecordOrder
from ledger.orders.values import AMOUNT_FIELDS, CANCELLED, CLOSED, ENDED, Amounts, Line, Payment
from ledger.returns.commands import RecordReturn
from ledger.returns.values import CaseLine
from ledger.stock.pieces import Count
from ledger.stock.slips import RecordSlip, SlipLine

TEXT_FIELDS = ("number", "shop", "province", "account", "recipient", "phone", "address",
               "buyer_remark", "remark", "courier", "waybill", "reason")
REFERENCES = ("paid_reference", "refund_reference")
SUM_FIELDS = ("pieces", "points", "paid_minor", "refunded_minor")
TIMES_OF = {"paid_minor": "paid", "refunded_minor": "refunded"}
SALE, CANCELLATION = "sale", "cancellation"
GIVEN_UP = frozenset((CANCELLED, CLOSED))


class OrderAssembler:
    """Makes orders, returns and slips as a profile says under `order:`."""

    named = "number"

    def __init__(self, profile: Profile, shop: str | None, *, stock: bool) -> None:
        self.profile = profile
        self.shop = shop or profile.shop
        self.warehouse = profile.warehouse if stock and profile.warehouse else None
        self.recipe = recipe = Recipe(profile)
        self.slots = recipe.slots
        order = profile.recipe
        self._number = recipe.key(order["number"])
        self._shop = recipe.key(order["shop"]) if "shop" in order else None
        self.texts = [(name, recipe.text(order[name])) for name in TEXT_FIELDS if name in order]
        self.sums = [(name, recipe.sum(order[name])) for name in SUM_FIELDS if name in order]
        self.amounts = [(name, recipe.sum(order[name]))
                        for name in AMOUNT_FIELDS if name in order]
        self.references = [(name, recipe.text(order[name])) for name in REFERENCES if name in order]
        self.moments = [(name, recipe.moment(order[name])) for name in MOMENTS if name in order]
        self.ending = None if "ended" not in order else Ending(order["ended"], recipe)
        self.lines = None if "lines" not in order else Lines(order["lines"], recipe)
        self.printed = frozenset(name for name in TIMES_OF if _is_total(profile, name))
        self.payments = self._payments(order.get("payments"))
        self.returns = None if profile.returns is None else ReturnAssembler(
            profile, shop, stock=stock)
        self._kinds: list[tuple[str, Test]] = [
            (row["are"], recipe.tests(row["when"]))
            for row in order.get("rows", ())]

    def key(self, values: Row) -> tuple[str, ...] | None:
        """The shop, the number and the kind of row; of what comes back, those of its order."""
        if self.returns is not None and (kind := self._kind(values)) in COME_BACK:
            return self.returns.order_key(values, kind)
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

    def apart(self, values: Row) -> str:
        """What comes back follows its order, each case for itself."""
        if self.returns is None or not values or self._kind(values) not in COME_BACK:
            return ""
        return self.returns.number(values)

    def statement(
        self, main: Row, parts: Parts, stated_us: int | None = None
    ) -> tuple[Command, str]:
        """An order, a return or a slip, and its subject. Errors: BadStatement, RowsDiffer."""
        if self.returns is not None and (kind := self._kind(main)) in COME_BACK:
            return self.returns.statement_of(kind, main, parts)
        kind = self._kind(main)
        if found := self.recipe.differences(parts):
            raise RowsDiffer(found)
        facts: dict[str, Any] = {}
        for name, get in self.texts:
            if (value := get(main, parts)) is not None:
                facts[name] = value
        facts.setdefault("shop", self.shop)
        for name, get in self.moments:
            facts[name] = get(main, parts)
        if facts["placed"] is None:
            raise BadStatement([problem("placed", "empty")], "order")
        items = [] if self.lines is None else self.lines(main, parts)
        make: Callable[..., RecordOrder | RecordReturn | RecordSlip] = {
            SALE: self._order, CANCELLATION: self._return}.get(kind, self._slip)
        try:
            command = make(facts, items, main, parts)
            return command, command.subject
        except InvalidValues as error:
            raise BadStatement([
                Problem(_of_row(fault.where, items), fault.code, error.rule, fault.message)
                for fault in error.faults], "order") from None

    def without_pieces(self, parts: Parts) -> tuple[str, str, list[int]] | None:
        """Rows of lines that say 0 pieces."""
        if self.returns is not None and self._kind(parts[self.recipe.main][0]) in COME_BACK:
            return None
        if self.lines is None or not (places := self.lines.without_pieces(parts)):
            return None
        return self.lines.kind, self.lines.counted_by, places

    def _order(
        self, facts: dict[str, Any], items: list[Item], main: Row, parts: Parts
    ) -> RecordOrder:
        if self.ending is not None:
            facts |= self.ending(main, parts, items)
        gone = {count.line for count in facts.get("cancelled", ())}
        wanted = [item for item in items if item.line not in gone] if gone else items
        for name, get in self.sums:
            facts[name] = get(main, parts, wanted)
        for name, found in self.references:
            facts[name] = found(main, parts)
        facts["amounts"] = Amounts(**{name: get(main, parts, wanted) for name, get in self.amounts})
        if self.payments is not None:
            facts["payments"] = self.payments(main, parts)
        if sent := sent_of(items):
            facts["sent"] = sent
        _pair(facts, self.printed)
        return RecordOrder(
            channel=self.profile.channel, currency=self.profile.currency,
            lines=[Line(
                line=item.line, sku=item.sku, title=item.title, attributes=item.attributes,
                quantity=item.quantity, unit_price=item.unit_price, unit_price_scale=item.scale,
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
                line=item.line, sku=item.sku, title=item.title, quantity=abs(item.quantity),
                unit_price=item.unit_price, unit_price_scale=item.scale,
                amount_minor=abs(item.amount_minor), fee=item.fee) for item in items])

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

    def _payments(self, entry: Mapping[str, Any] | None) -> Get | None:
        if entry is None:
            return None
        slots, kind = self.slots[entry["of"]], entry["of"]
        method, amount = slots[entry["method"]], slots[entry["amount_minor"]]
        return lambda main, parts: [Payment(method=row[method], amount_minor=row[amount])
                                    for row in parts[kind]]


class Ending:
    """How an order ended, by a field of its rows. Where they say different things, those that were
    given up give up their own pieces, and the others say how the order ended, once they all do."""

    def __init__(self, entry: Mapping[str, Any], recipe: Recipe) -> None:
        self._moments = {state: recipe.moment(entry[state]) for state in ENDED if state in entry}
        self._kind, by = recipe.main, entry["by"]
        self._by_row = recipe.profile.grouped and by.rpartition(".")[0] in ("", recipe.main)
        self._get = recipe.key({"how": "first", "names": [by]}) if self._by_row else recipe.get(by)

    def __call__(self, main: Row, parts: Parts, items: Sequence[Item]) -> dict[str, Any]:
        """What it is as a part of the facts of an order."""
        if not self._by_row:
            return self._as(self._get(main, parts) or "", main, parts)
        states = [self._get(row, {}) for row in parts[self._kind]]
        said = {state for state in states if state is not None}
        if len(said) <= 1:
            return self._as(next(iter(said), ""), main, parts)
        left = said - GIVEN_UP
        if not left:
            return self._as(CLOSED, main, parts)
        gone = [Count(item.line, item.quantity) for item in items
                if states[item.row] in GIVEN_UP and not item.fee]
        return {**self._as(left.pop() if len(left) == 1 else "", main, parts), "cancelled": gone}

    def _as(self, state: str, main: Row, parts: Parts) -> dict[str, Any]:
        if state not in self._moments:
            return {"ended_as": "", "ended": None}
        return {"ended_as": state, "ended": self._moments[state](main, parts)}


def _is_total(profile: Profile, amount: str) -> bool:
    """Whether an amount is the order's own total: printed, whether it was paid or not. One of which
    another field says when it holds is not."""
    total, own = (profile.recipe.get(one, {}) for one in ("total_minor", amount))
    return bool(own.get("sum")) and own["when"] is None and all(
        {name.removeprefix(f"{profile.main.kind}.") for name in own[part]}
        == {name.removeprefix(f"{profile.main.kind}.") for name in total.get(part, ())}
        for part in ("sum", "less"))


def _of_row(where: str, items: Sequence[Item]) -> str:
    """The place of a fault by the row that a line is made of."""
    head, _, rest = where.removeprefix("/lines/").partition("/")
    return f"/lines/{items[int(head)].row}/{rest}" if where.startswith(
        "/lines/") and head.isdigit() else where


def _pair(facts: dict[str, Any], printed: Collection[str]) -> None:
    """An amount and its time belong together; one that is printed on every order, paid or not, says
    nothing without its time. Errors: BadStatement (R-IMP-13)."""
    for amount, time in TIMES_OF.items():
        if facts.get(time) is None and facts.get(amount) and amount not in printed:
            raise BadStatement(
                [problem(amount, "amount_without_time", what=time)], "order")
    if facts.get("paid") is None or facts.get("paid_minor") is None:
        facts["paid"] = facts["paid_minor"] = None
    if facts.get("refunded") is None and "refunded_minor" in printed:
        facts["refunded_minor"] = None
