"""From the rows of an order to the command that tells the ledger all of them.

What a profile says under `order:` is compiled once into small functions; each takes the values of
the main row and those of the joined rows, and gives one field of `RecordOrder`.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from ledger.errors import InvalidValues
from ledger.importing.faults import HIDDEN, RowFault, reason, shown
from ledger.importing.profiles import Field, Profile
from ledger.moments import Moment
from ledger.order_history import RecordOrder
from ledger.order_values import AMOUNT_FIELDS, Amounts, Line, Payment
from ledger.values import from_us

Row = Sequence[Any]
Parts = Mapping[str, Sequence[Row]]
Get = Callable[[Row, Parts], Any]

TEXT_FIELDS = ("number", "shop", "province", "account", "recipient", "phone", "address",
               "buyer_remark", "remark", "courier", "waybill", "reason")
SUM_FIELDS = ("pieces", "points", "paid_minor", "refunded_minor")
MOMENTS = ("placed", "told", "paid", "refunded", "dispatched", "delivered")
TIMES_OF = {"paid_minor": "paid", "refunded_minor": "refunded"}


class Problem(NamedTuple):
    """What is wrong with a statement: the field of the command and the fault's words."""

    field: str
    code: str
    rule: str
    reason: str


class BadStatement(Exception):
    """The rows of an order do not make a statement."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = problems
        super().__init__(f"{len(problems)} problems")


class Assembler:
    """Makes `RecordOrder` commands as a profile says."""

    def __init__(self, profile: Profile, shop: str | None) -> None:
        self.profile = profile
        self.shop = shop or profile.shop
        self.slots = {file.kind: {name: slot for slot, name in enumerate(file.fields())}
                      for file in profile.files}
        order = profile.order
        self._number = self._text(order["number"])
        self._shop = self._text(order["shop"]) if "shop" in order else None
        self.texts = [(name, self._text(order[name])) for name in TEXT_FIELDS if name in order]
        self.sums = [(name, self._sum(order[name])) for name in SUM_FIELDS if name in order]
        self.amounts = [(name, self._sum(order[name]))
                        for name in AMOUNT_FIELDS if name in order]
        self.moments = [(name, self._moment(order[name])) for name in MOMENTS if name in order]
        self.ended = self._ended(order.get("ended"))
        self.lines = self._lines(order.get("lines"))
        self.payments = self._payments(order.get("payments"))

    def order_key(self, values: Row) -> tuple[str, str] | None:
        """Shop and number of a main row; None where its number could not be read."""
        number = self._number(values, {})
        shop = None if self._shop is None else self._shop(values, {})
        return None if number is None else (shop or self.shop, number)

    def statement(self, main: Row, parts: Parts) -> RecordOrder:
        """The command for a main row and the rows joined to it. Errors: BadStatement."""
        told: dict[str, Any] = {}
        for name, get in self.texts:
            if (value := get(main, parts)) is not None:
                told[name] = value
        for name, get in self.sums:
            told[name] = get(main, parts)
        for name, get in self.moments:
            told[name] = get(main, parts)
        told["amounts"] = Amounts(**{name: get(main, parts) for name, get in self.amounts})
        if self.ended is not None:
            told["ended_as"], told["ended"] = self.ended(main, parts)
        if self.lines is not None:
            told["lines"] = self.lines(main, parts)
        if self.payments is not None:
            told["payments"] = self.payments(main, parts)
        _pair(told)
        told.setdefault("shop", self.shop)
        try:
            return RecordOrder(channel=self.profile.channel, currency=self.profile.currency,
                               reuse_gap_days=self.profile.reuse_gap_days, **told)
        except InvalidValues as error:
            raise BadStatement([Problem(fault.where, fault.code, error.rule, fault.message)
                                for fault in error.faults]) from None

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

    def _text(self, told: Mapping[str, Any]) -> Get:
        gets = [self._get(name) for name in told["names"]]
        if len(gets) == 1:
            return gets[0]
        if told["how"] == "join":
            def join(main: Row, parts: Parts) -> str | None:
                found = [get(main, parts) for get in gets]
                return " ".join(text for text in found if text is not None) or None
            return join

        def first(main: Row, parts: Parts) -> Any:
            return next((v for get in gets if (v := get(main, parts)) is not None), None)
        return first

    def _sum(self, told: Mapping[str, Any]) -> Get:
        """A sum; None where one of its terms is unknown or has no row."""
        if len(told["sum"]) == 1 and not told["less"] and "." not in told["sum"][0]:
            return self._get(told["sum"][0])
        terms = [(self._all(name), 1) for name in told["sum"]]
        terms += [(self._all(name), -1) for name in told["less"]]

        def total(main: Row, parts: Parts) -> int | None:
            amount = 0
            for values, sign in terms:
                found = values(main, parts)
                if not found or None in found:
                    return None
                amount += sign * sum(found)
            return amount

        return total

    def _moment(self, told: Mapping[str, Any]) -> Get:
        at = None if told["at"] is None else self._get(told["at"])
        others = [self._get(name) for name in told["inferred_from"]]
        when = None if told["when"] is None else self._get(told["when"])

        def moment(main: Row, parts: Parts) -> Moment | None:
            if when is not None and not when(main, parts):
                return None
            if at is not None and (exact := at(main, parts)) is not None:
                return Moment(from_us(exact[0]), exact[1])
            known = [time[0] for get in others if (time := get(main, parts)) is not None]
            return Moment(from_us(max(known)), "", True) if known else None

        return moment

    def _ended(self, told: Mapping[str, Any] | None) -> Get | None:
        if told is None:
            return None
        by = self._get(told["by"])
        moments = {state: self._moment(told[state])
                   for state in ("completed", "closed", "cancelled") if state in told}

        def ended(main: Row, parts: Parts) -> tuple[str, Moment | None]:
            state = by(main, parts)
            return (state, moments[state](main, parts)) if state in moments else ("", None)

        return ended

    def _lines(self, told: Mapping[str, Any] | None) -> Get | None:
        if told is None:
            return None
        kind, slots, scale = told["of"], self.slots[told["of"]], self.profile.exponent
        line_at, price_at = slots[told["line"]], slots[told["unit_price"]]
        sku_at, title_at = slots.get(told.get("sku", "")), slots.get(told.get("title", ""))
        fixed = int(told["quantity"]) if told["quantity"].isdigit() else None
        quantity_at = slots.get(told["quantity"], 0)

        def lines(main: Row, parts: Parts) -> list[Line] | None:
            found = []
            for row in parts[kind]:
                quantity = row[quantity_at] if fixed is None else fixed
                found.append(Line(
                    line=row[line_at], sku=None if sku_at is None else row[sku_at],
                    title=None if title_at is None else row[title_at], quantity=quantity,
                    unit_price=row[price_at], unit_price_scale=scale,
                    amount_minor=quantity * row[price_at]))
            return found or None

        return lines

    def _payments(self, told: Mapping[str, Any] | None) -> Get | None:
        if told is None:
            return None
        slots, kind = self.slots[told["of"]], told["of"]
        method, amount = slots[told["method"]], slots[told["amount_minor"]]
        return lambda main, parts: [Payment(method=row[method], amount_minor=row[amount])
                                    for row in parts[kind]]

    # -- faults -----------------------------------------------------------------------------------

    def column_of(self, field: str) -> tuple[str, str, Field | None]:
        """What a field of the command is made from first.

        Shapes: (name as `order:` writes it, column, field of the profile); blank where the rows of
        a joined file make it together.
        """
        told = self.profile.order.get(field)
        if not isinstance(told, Mapping):
            return "", "", None
        names = [*told.get("names", ()), *told.get("sum", ()), told.get("at"),
                 told.get("when"), told.get("by"), *told.get("inferred_from", ())]
        name = next((name for name in names if name), "")
        kind, _, short = name.rpartition(".")
        files = {file.kind: file for file in self.profile.files}
        file = files.get(kind or self.profile.main.kind)
        if file is None or short not in file.fields():
            return "", "", None
        return name, file.column_of(short), file.fields()[short]

    def fault(self, problem: Problem, name: str, row: int, source: tuple[Row, Parts]) -> RowFault:
        """A problem of a statement as a fault of its main row."""
        parts = problem.field.strip("/").split("/")
        told, column, field = self.column_of(parts[1] if parts[0] == "amounts" else parts[0])
        value = HIDDEN
        if field is not None and not field.personal:
            value = shown(self._printed(field, self._get(told)(*source)), personal=False)
        return RowFault(name, row, column, value, problem.code, problem.rule, problem.reason)

    def _printed(self, field: Field, value: Any) -> str:
        """A staged value as people write it."""
        if value is None:
            return ""
        if field.kind == "time":
            return str(value[1])
        if field.kind == "money":
            return str(Decimal(value).scaleb(-self.profile.exponent))
        return str(value)


def _pair(told: dict[str, Any]) -> None:
    """An amount and its time belong together. Errors: BadStatement (R-IMP-13)."""
    for amount, time in TIMES_OF.items():
        if told.get(time) is None and told.get(amount):
            rule, words = reason("amount_without_time", {"what": time})
            raise BadStatement([Problem(amount, "amount_without_time", rule, words)])
    if told.get("paid") is None or told.get("paid_minor") is None:
        told["paid"] = told["paid_minor"] = None
