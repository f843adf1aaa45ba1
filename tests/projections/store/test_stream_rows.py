"""What read models keep of an aggregate is enough to go on with it."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import pytest

from ledger.common.values import subject
from ledger.core.aggregate import Aggregate
from ledger.deductions.deduction import Deduction
from ledger.deductions.kept import Kept as KeptDeduction
from ledger.orders.kept import Kept as KeptOrder
from ledger.orders.order import Order
from ledger.people.attendance import Attendance
from ledger.people.kept import KeptAttendance, KeptMember, KeptPost, KeptRoster
from ledger.people.member import Member
from ledger.people.posts import Post
from ledger.people.rosters import Roster
from ledger.returns.case import Case
from ledger.returns.kept import Kept as KeptCase
from ledger.scores.account import Account
from ledger.scores.kept import Kept as KeptAccount
from projections.catalogue import PROJECTIONS
from projections.store.stream_rows import StreamRows, text_of
from tests.support import source

NOT_KEPT: dict[type[Aggregate], set[str]] = {
    Order: {"parts", "check_failed", "placed_at", "currency", "lines", "province", "owner", "buyer",
            "written", "last_version", "freed", "claims", "awaited", "checked", "changed",
            "last_declared", "details_before", "lines_before", "province_before", "given_up",
            "stated", "references", "freed_references", "alike", "refunded_of", "approvers",
            "seen_minor", "refused_minor", "amounts_before", "recorded", "sums_before",
            "below", "sellers", "signed_below"},
    Case: {"parts", "account", "approvers"},
}
"""What an aggregate knows and no row keeps: no report that stands on the rows needs it, nor does
any event for those that do."""

WAYS: list[tuple[type[Aggregate], Callable[[Any], msgspec.Struct], Callable[[Any, str], Any]]] = [
    (Order,
     lambda order: KeptOrder.of(order, skus=dict.fromkeys(order.goods), imported=False),
     lambda kept, stream: kept.restored(
         stream, warehouse="warehouse", exceptions={"exceptions": "exceptions"})),
    *((cls, kept.of, lambda kept, stream: kept.restored(stream)) for cls, kept in (
        (Case, KeptCase), (Deduction, KeptDeduction), (Account, KeptAccount), (Member, KeptMember),
        (Post, KeptPost), (Roster, KeptRoster), (Attendance, KeptAttendance))),
]


@pytest.mark.parametrize(("cls", "keep", "restore"), WAYS, ids=lambda one: getattr(
    one, "__name__", ""))
def test_kept__holds_everything_but_what_is_named_here(
    cls: type[Aggregate], keep: Callable[[Any], Any], restore: Callable[[Any, str], Any]
) -> None:
    """A value of its own in every attribute must come back from what is kept."""
    aggregate = cls.blank(subject(cls.KIND, "a", "b"))
    names = {name for name in vars(aggregate) if not name.startswith("_")}
    for name in names:
        known = getattr(aggregate, name)
        own: Any = type(known)({name: name}) if isinstance(known, Mapping) else name
        setattr(aggregate, name, own)

    found = restore(keep(aggregate), aggregate.id)

    assert {name for name in names if getattr(found, name) != getattr(aggregate, name)} == (
        NOT_KEPT.get(cls, set()))


class One(msgspec.Struct, omit_defaults=True):
    """A part of a row."""

    a: int = 0
    b: str = ""


class Two(msgspec.Struct, omit_defaults=True):
    """Another part."""

    c: list[int] = []


@pytest.mark.parametrize(("parts", "text"), [
    ((One(1, "{"), Two([2])), '{"a":1,"b":"{","c":[2]}'),
    ((Two([2]), One(1)), '{"c":[2],"a":1}'), ((One(), Two([2])), '{"c":[2]}'),
    ((One(1), Two()), '{"a":1}'), ((One(), Two()), "{}")])
def test_text_of__is_one_object_from_which_each_part_is_decoded(
    parts: tuple[msgspec.Struct, ...], text: str
) -> None:
    assert text_of(*parts) == text
    assert tuple(msgspec.json.decode(text, type=type(part)) for part in parts) == parts


@pytest.mark.parametrize("name", ["deductions", "months", "people", "returns", "transfers"])
def test_stream_rows__take_every_event_of_the_streams_that_they_keep(name: str) -> None:
    """An aggregate may be made of parts, each with events of its own."""
    (model,) = (one for one in PROJECTIONS if one.name == name)
    assert isinstance(model, StreamRows)
    kinds = {topic.partition(".")[0] for topic in model.taken}
    assert model.taken == {one for one in source.events() if one.partition(".")[0] in kinds}
