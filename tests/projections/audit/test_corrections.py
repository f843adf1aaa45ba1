"""Which event another one corrects, for every type of event that could."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest

from ledger.application import Ledger
from ledger.log.envelope import Entry
from ledger.log.store import Store
from ledger.orders.commands import CorrectOrder
from ledger.orders.values import Amounts
from ledger.stock.corrections import CorrectStock
from projections.asking.clocks import NOW, AsOf
from projections.asking.questions import Question
from projections.audit.corrections import KINDS, NAMED, Corrections, corrections_in
from projections.audit.trail import Asked, found, rows
from projections.catalogue import PROJECTIONS
from projections.reports import run as ask
from projections.store.models import ReadModels
from projections.trial import asking
from tests.support import source
from tests.support.builders import NOON, opened, pay, place, received, stream
from tests.support.docs import DOCS
from tests.support.projecting import put

BY_POSITION = {f"{one}.v1" for one in (
    "count.corrected", "movement.corrected", "order.step_corrected", "slip.corrected",
    "transfer.corrected")}
"""Types whose events name by its position what they correct: any type may."""

WAS_SO = {f"{name}.v1": why for name, why in {
    "case.withdrawn": "the buyer had wanted it",
    "closings.month_reopened": "the figures stay until the month is restated",
    "key.revoked": "the key had opened what it did",
    "login.ended": "whoever it was had signed in with it",
    "login.invited": "the links before it had been given out",
    "member.leave_withdrawn": "the leave had been asked for",
    "month.bonus_set": "a new value, such as 0, takes the place of the last one",
    "month.effect_carried": "what was carried before counts, too",
    "movement.correction_requested": "nothing is corrected before somebody approves it",
    "movement.request_refused": "it had been asked for",
    "order.cancelled": "the order had been placed",
    "order.hold_lifted": "it had been held",
    "order.parcel_voided": "the parcel had been packed",
    "order.pieces_cancelled": "they had been ordered",
    "order.reservation_released": "they had been reserved",
    "order.reservation_taken_back": "they had been reserved; a document corrected the stock",
    "order.unpicked": "they had been picked",
    "person.erasure_withdrawn": "it had been asked for",
    "person.hold_lifted": "they had been held",
    "policy.withdrawn": "it had been published",
}.items()}
"""Types that end or undo something which had been so, and correct nothing."""

SPEAKS_OF_IT = re.compile(
    r"correct|tak(?:es?|en)(?: \w+)? back|reduced|overturn|revers|restate?m?e?n?t?|reopen|withdraw|"
    r"void|lifted|supersede|unpick|released|revoked|cancelled\.v|pieces_cancelled", re.IGNORECASE)


def described() -> Iterator[tuple[str, str]]:
    """The types of events, and what docs/events.md says of each."""
    for part in source.text(DOCS / "events.md").split("\n### ")[1:]:
        name, _, rest = part.partition("\n")
        if re.fullmatch(r"[a-z_.]+\.v\d+", name):
            yield name, f"{name} {rest.partition('| field')[0]}"


def test_corrections__are_decided_for_every_type_that_speaks_of_one() -> None:
    """Whoever adds a type that corrects or takes back says here whether it corrects an event."""
    speaking = {name for name, said in described() if SPEAKS_OF_IT.search(said)}
    assert speaking - {*NAMED, *BY_POSITION, *WAS_SO} == set()
    assert {*NAMED, *BY_POSITION, *WAS_SO} - {name for name, _ in described()} == set()
    assert {*NAMED} & BY_POSITION == {*NAMED, *BY_POSITION} & {*WAS_SO} == set()


@pytest.fixture
def models(store: Store) -> Iterator[ReadModels]:
    """Read models that catch up when they are asked."""
    found_models = ReadModels(store, PROJECTIONS)
    yield found_models
    found_models.close()


def last(store: Store) -> Entry:
    """What was recorded last."""
    return store.read("main", after=store.head("main").position - 1)[0]


MONEY = ("order.placed.v1", "order.paid.v1", "order.corrected.v1")


@pytest.fixture
def order(ledger: Ledger, store: Store) -> dict[str, int]:
    """The positions of an order's events: of two payments the first was another order's, the rest
    was wrong in all, twice, and so was what it costs."""
    at: dict[str, int] = {}
    for name, command in {
            "placed": place(1, amounts=Amounts(total_minor=4990)),
            "first": pay(1, 3000, reference="a"), "second": pay(1, 1990, reference="b"),
            "other": CorrectOrder(order=stream(1), fact="paid", amount_minor=1990, reference="a",
                                  reason="another order's", occurred_at=NOON + timedelta(days=1)),
            "in_all": CorrectOrder(order=stream(1), fact="paid", amount_minor=2000, reason="typed",
                                   occurred_at=NOON + timedelta(days=2)),
            "amounts": CorrectOrder(
                order=stream(1), fact="amounts", reason="typed",
                amounts=Amounts(total_minor=4000, discount_minor=990),
                occurred_at=NOON + timedelta(days=3))}.items():
        put(ledger, command)
        at[name] = max(one.position for one in store.read("main") if one.type in MONEY)
    return at


def test_corrections__of_an_order_name_an_event_by_its_version(
    store: Store, order: dict[str, int]
) -> None:
    assert corrections_in(store.read("main")) == {
        order["other"]: order["first"], order["in_all"]: order["other"],
        order["amounts"]: order["placed"]}


def test_corrections__are_shown_from_both_sides_by_every_history(
    ledger: Ledger, store: Store, models: ReadModels, order: dict[str, int]
) -> None:
    """Property: of steps, history, timeline, trail and a single event, each says the same."""
    put(ledger, opened(), received(quantity=7))
    wrong = last(store)
    put(ledger, CorrectStock(document=wrong.stream, position=wrong.position, kind="did_not_occur",
                             reason="counted twice", occurred_at=NOON))
    right, cut = last(store).position, NOW.resolve(store, "main")
    models.catch_up("main")
    expected = {**corrections_in(store.read("main"))}
    assert expected[right] == wrong.position
    for subject in (stream(1), wrong.stream, "stock:main:SH-001"):
        entries = found(models, "main", Asked(subject=subject), cut).entries
        histories = [
            asking.history(models, "main", subject, NOW).rows,
            ask(models, "main", "timeline", Question(subject=subject)).rows,
            list(rows(models, "main", entries, cut, subject=subject)),
            [asking.event(models, "main", one.position)[1] for one in entries]]
        for history in histories:
            assert [(row["corrects"], row["corrected_by"]) for row in history] == [
                (expected.get(row["position"]), sorted(
                    one for one, other in expected.items() if other == row["position"]))
                for row in history]
            assert any(row["corrected_by"] for row in history)


def test_corrections__are_not_there_before_they_were_recorded_or_happened(
    ledger: Ledger, store: Store, models: ReadModels, order: dict[str, int]
) -> None:
    models.catch_up("main")
    for as_of in (AsOf(position=order["other"] - 1),
                  AsOf.parse(None, None, (NOON + timedelta(hours=1)).isoformat())):
        then = asking.history(models, "main", stream(1), as_of).rows
        assert {(row["corrects"], *row["corrected_by"]) for row in then} == {(None,)}
        assert then


def test_corrections__cost_what_their_own_streams_do(
    ledger: Ledger, store: Store, order: dict[str, int]
) -> None:
    """What names an event by its position is looked up by what it takes once."""
    put(ledger, opened(), received(quantity=7))
    wrong = last(store)
    put(ledger, CorrectStock(document=wrong.stream, position=wrong.position, kind="did_not_occur",
                             reason="counted twice", occurred_at=NOON))
    right, cut = last(store).position, NOW.resolve(store, "main")
    assert wrong.stream.partition(":")[0] not in KINDS
    assert Corrections.about(store, "main", [wrong], takes=cut.takes).of(wrong.position) == {
        "corrects": None, "corrected_by": [right]}
    assert Corrections.about(store, "main", [], takes=cut.takes) == ({}, {})
