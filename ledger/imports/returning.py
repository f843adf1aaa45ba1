"""From the rows of what comes back to the commands that record it: cases, mostly of a known order.

They are what `return:` of a profile says: of a file of their own, or of those rows of a list of
orders that `rows` of `order:` says so of.
"""

from collections.abc import Sequence
from typing import Any

from ledger.common.errors import InvalidValues
from ledger.common.values import subject
from ledger.core.commands import Command
from ledger.imports.assembling import BadStatement, RowsDiffer, problem, problems_of
from ledger.imports.lines import Item, Lines
from ledger.imports.profile import RETURN, Profile
from ledger.imports.recipes import Parts, Recipe, Row, Test
from ledger.imports.references import COME_BACK, REFUNDED, RETURNED
from ledger.returns.commands import RecordReturn
from ledger.returns.declared import DeclareCase
from ledger.returns.values import CaseLine, Outcome

SUMS = ("refund_minor", "refunded_minor")
MOMENTS = ("requested", "came", "refunded", "closed")


class ReturnAssembler:
    """Makes cases as a profile says under `return:`."""

    named = "number"

    def __init__(self, profile: Profile, shop: str | None, *, stock: bool) -> None:
        entry = profile.recipe if profile.returns is None else profile.returns
        self.profile = profile
        self.shop = shop or profile.shop
        self.warehouse = profile.warehouse if stock and profile.warehouse else None
        self.recipe = recipe = Recipe(profile)
        self.slots = recipe.slots
        self._number = recipe.key(entry["number"])
        self._order = _none if "order" not in entry else recipe.key(entry["order"])
        self._shop = _none if "shop" not in entry else recipe.key(entry["shop"])
        self.texts = [(name, recipe.text(entry[name])) for name in (
            "account", "reason", "refund_reference") if name in entry]
        self.sums = [(name, recipe.sum(entry[name])) for name in SUMS if name in entry]
        self.moments = [(name, recipe.moment(entry[name])) for name in MOMENTS if name in entry]
        self.lines = None if "lines" not in entry else Lines(entry["lines"], recipe)
        self._kinds: list[tuple[str, Test]] = [
            (row["are"], recipe.tests(row["when"])) for row in entry.get("rows", ())]

    def key(self, values: Row) -> tuple[str, ...] | None:
        """The shop and the number of the case."""
        number = self._number(values, {})
        return None if number is None else (self._shop(values, {}) or self.shop, number)

    def order_key(self, values: Row, kind: str) -> tuple[str, ...] | None:
        """The key of the rows of its order; where there is none, one of its own."""
        order = self._order(values, {})
        if order is not None:
            return self._shop(values, {}) or self.shop, order, "sale"
        key = self.key(values)
        return None if key is None else (*key, kind)

    def number(self, values: Row) -> str:
        """The number of the case of a row."""
        return str(self._number(values, {}) or "")

    def apart(self, values: Row) -> str:
        """Nothing: all rows with one key are one case."""
        return ""

    def statement(
        self, main: Row, parts: Parts, stated_us: int | None = None
    ) -> tuple[Command, str]:
        """A case, and its subject. Errors: BadStatement, RowsDiffer."""
        return self.statement_of(self.kind(main), main, parts)

    def kind(self, values: Row) -> str:
        """What a row of a file of returns says: the first whose tests it passes."""
        return next((kind for kind, is_one in self._kinds if is_one(values)), RETURNED)

    def statement_of(self, kind: str, main: Row, parts: Parts) -> tuple[Command, str]:
        """A case of a kind, and its subject. Errors: BadStatement, RowsDiffer."""
        if found := self.recipe.differences(parts):
            raise RowsDiffer(found)
        facts: dict[str, Any] = {name: get(main, parts) for name, get in self.texts}
        facts |= {name: get(main, parts) for name, get in self.moments}
        if self._number(main, {}) is None or facts["requested"] is None:
            raise BadStatement([problem("requested" if self.number(main) else "number", "empty")],
                               RETURN)
        items = [] if self.lines is None else self.lines(main, parts)
        facts |= {name: get(main, parts, items) or None for name, get in self.sums}
        if facts.get("refunded") is None and facts.get("refunded_minor"):
            raise BadStatement([problem(
                "refunded_minor", "amount_without_time", what="refunded")], RETURN)
        facts |= {"channel": self.profile.channel, "currency": self.profile.currency,
                  "shop": self._shop(main, {}) or self.shop, "number": self.number(main),
                  "lines": [_case_line(item) for item in items], "warehouse": self.warehouse}
        try:
            command = self._case(kind, facts, self._order(main, {}), items)
            return command, command.subject
        except InvalidValues as error:
            raise BadStatement(problems_of(error), RETURN) from None

    def _case(
        self, kind: str, facts: dict[str, Any], order: str | None, items: Sequence[Item]
    ) -> Command:
        if order is None:
            known: dict[str, Any] = {name: facts.get(name) for name in (
                "channel", "shop", "number", "currency", "lines", "warehouse", "reason", "account")}
            return RecordReturn(at=facts.get("came") or facts["requested"], **known)
        return DeclareCase(
            order=subject("order", facts["channel"], facts["shop"], order), kind=COME_BACK[kind],
            outcomes=[Outcome(item.line, abs(item.quantity), item.disposition)
                      for item in items if item.disposition and facts.get("came") is not None],
            **{name: value for name, value in facts.items() if name != "account"})

    def without_pieces(self, parts: Parts) -> tuple[str, str, list[int]] | None:
        """Rows that say 0 pieces, but for those that are about money alone."""
        if self.lines is None or not (places := self.lines.without_pieces(parts)):
            return None
        rows = parts[self.lines.kind]
        places = [at for at in places if self.kind(rows[at]) != REFUNDED]
        return (self.lines.kind, self.lines.counted_by, places) if places else None


def _none(main: Row, parts: Parts) -> None:
    """What a profile does not say."""


def _case_line(item: Item) -> CaseLine:
    return CaseLine(
        line=item.line, sku=item.sku, title=item.title, quantity=abs(item.quantity),
        order_line=item.order_line, unit_price=abs(item.unit_price), unit_price_scale=item.scale,
        amount_minor=abs(item.amount_minor), fee=item.fee)
