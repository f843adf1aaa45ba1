"""Who goes together with whom: the same human being, and nobody else."""

from collections.abc import Collection

import msgspec
import pytest

from ledger.common.personal import Personal
from ledger.core import event_types
from ledger.erasure.traces import Traces, member_of
from tests.support.envelopes import entry

ORDER, CASE, DEDUCTION = "order:t:s:1", "case:t:s:9", "deduction:1"
OF = {"order": "order.remarked.v1", "case": "case.closed.v1", "deduction": "deduction.upheld.v1",
      "member": "member.left.v1", "attendance": "attendance.recorded.v1",
      "post": "post.term_ended.v1", "month": "month.bonus_set.v1"}
FIELDS = {"order": "remark", "deduction": "reason", "member": "reason", "post": "reason"}


class Known:
    """What the keys know: who shares a lookup, and whom a stream has of its own."""

    def __init__(self, own: dict[str, str] | None = None, *same: set[str]) -> None:
        self._own = own or {}
        self._same = same

    def sharing(self, person: str) -> set[str]:
        return {person}.union(*(one for one in self._same if person in one))

    def own(self, streams: Collection[str]) -> dict[str, str]:
        return {name: self._own[name] for name in streams if name in self._own}


def traces(*rows: tuple[str, str], orders: dict[str, str] | None = None) -> Traces:
    """A log with something sealed in streams for persons."""
    found, position = Traces(), 0
    for case, order in (orders or {}).items():
        position += 1
        found.add([entry(position, stream=case, type="case.matched.v1", subjects="[]",
                         payload=msgspec.json.encode({"order": order, "lines": []}))])
    for stream, person in rows:
        position += 1
        kind = stream.partition(":")[0]
        field = FIELDS.get(kind, "note")
        found.add([entry(position, stream=stream, type=OF[kind], subjects="[]",
                         payload=msgspec.json.encode({field: Personal(person, "", "", "")}))])
    return found


TOGETHER = {
    "an order's own person and the account's": (
        [(ORDER, "P"), (ORDER, "A")], Known({ORDER: "P"}), {}, {"P", "A"}),
    "an order's own person who stands in a case only": (
        [(CASE, "P"), (ORDER, "A")], Known({ORDER: "P"}), {CASE: ORDER}, {"P", "A"}),
    "a case's own person and the buyer of its order": (
        [(CASE, "C"), (CASE, "A"), (ORDER, "A")], Known({CASE: "C"}), {CASE: ORDER}, {"C", "A"}),
    "a case's own person and a buyer with two keys": (
        [(CASE, "C"), (CASE, "A"), (ORDER, "A"), (CASE, "B"), (ORDER, "B")], Known({CASE: "C"}),
        {CASE: ORDER}, {"A", "B", "C"}),
    "who shares a lookup": ([(ORDER, "A"), ("order:t:s:2", "B")], Known({}, {"A", "B"}), {},
                            {"A", "B"}),
    "a deduction's own person and its member": (
        [(DEDUCTION, "D"), (DEDUCTION, "M")], Known({DEDUCTION: "D"}), {}, {"D", "M"}),
    "a member before and after keys were lost": (
        [("member:1", "M"), ("member:1", "N"), ("attendance:1:2026-09", "N")], Known(), {},
        {"M", "N"}),
}
APART = {
    "two buyers who meet in a case": (
        [(CASE, "A"), (CASE, "B"), (ORDER, "A"), ("order:t:s:2", "B")], Known(), {CASE: ORDER}),
    "two buyers in a case that has a person of its own": (
        [(CASE, "A"), (CASE, "B"), (CASE, "C")], Known({CASE: "C"}), {}),
    "two members in a deduction": ([(DEDUCTION, "A"), (DEDUCTION, "B")], Known(), {}),
    "two members in a deduction with a person of its own": (
        [(DEDUCTION, "A"), (DEDUCTION, "B"), (DEDUCTION, "D")], Known({DEDUCTION: "D"}), {}),
    "two holders of a post": ([("post:keeper", "A"), ("post:keeper", "B")], Known(), {}),
    "a buyer's two accounts": ([(ORDER, "A"), ("order:t:s:2", "B")], Known(), {}),
}


@pytest.mark.parametrize("name", TOGETHER)
def test_group__is_one_human_being(name: str) -> None:
    rows, known, orders, expected = TOGETHER[name]
    found = traces(*rows, orders=orders)
    for person in expected:
        assert found.group(person, known).persons == expected


@pytest.mark.parametrize("name", APART)
def test_group__leaves_others_out(name: str) -> None:
    rows, known, orders = APART[name]
    found = traces(*rows, orders=orders)
    for _, person in rows:
        assert found.group(person, known).persons == {person}


def test_group__says_which_members_and_orders_it_is() -> None:
    found = traces(("member:1", "M"), ("attendance:1:2026-09", "M"), ("month:2:2026-09", "M"))
    found.members.add("member:3")
    group = found.group("M", Known({"member:3": "M"}))
    assert group.members == {"member:1", "member:2", "member:3"}
    assert group.streams == {"member:1", "attendance:1:2026-09", "month:2:2026-09"}
    bare = traces((CASE, "P"), orders={CASE: ORDER}).group("P", Known({ORDER: "P"}))
    assert (bare.bare, bare.streams) == ({ORDER}, {ORDER, CASE})
    assert traces((ORDER, "P")).group("P", Known({ORDER: "P"})).bare == frozenset()


def test_trace__is_the_last_of_each_stream() -> None:
    found = traces((ORDER, "A"), (CASE, "A"), (ORDER, "A"))
    assert (found.persons["A"].streams, found.persons["A"].last, found.seen) == (
        {ORDER: 3, CASE: 2}, 3, 3)
    assert found.persons["A"].last_at == entry(1).occurred_at
    assert member_of(ORDER) is None


def test_traces__read_every_personal_field_of_every_event() -> None:
    """A value that is overlooked would keep its person out of an erasure."""
    for topic, cls in event_types.known_types().items():
        for name in getattr(cls, "PERSONAL", ()):
            found = Traces()
            found.add([entry(1, stream="order:x", type=topic, subjects="[]", payload=
                             msgspec.json.encode({name: Personal("P", "", "", "")}))])
            assert list(found.persons) == ["P"], (topic, name)
