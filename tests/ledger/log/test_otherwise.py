"""A log as if some of it had not been recorded reads as one in which it was not."""

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.application import Ledger
from ledger.log.accounts import accounts_in
from ledger.log.envelope import Entry, Outline
from ledger.log.otherwise import Otherwise
from ledger.log.store import Store
from tests.support.builders import line, opened, pay, place, received, remark, sell, stream
from tests.support.projecting import put
from tests.support.thorough import tried

STOCK = "stock:main:SH-001"


@pytest.fixture
def entries(ledger: Ledger, store: Store) -> list[Entry]:
    """Goods, and orders of which two take some."""
    put(ledger, opened(), received(quantity=12), sell("1", line(quantity=2)),
        pay("1", 9980, reference="p1"), sell("2"), place("3"), remark("1"))
    return store.read("main")


@given(data=st.data())
@hypothesis_settings(max_examples=tried(30), deadline=None,
                     suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_if__reads_what_is_left(
    store: Store, entries: list[Entry], data: st.DataObject
) -> None:
    """Whatever is left out, by position or by time, and however small a page is."""
    without = data.draw(st.sets(st.sampled_from([one.position for one in entries])))
    until = data.draw(st.none() | st.sampled_from([one.occurred_at for one in entries]))
    limit, after = data.draw(st.integers(1, 4)), data.draw(st.integers(0, len(entries)))
    ledger = store.id_of("main")
    view = Otherwise(store, ledger, without=without, occurred_us=until)
    left = [one for one in entries if one.position not in without
            and (until is None or one.occurred_at <= until)]
    names = sorted({one.stream for one in entries})
    for which in (ledger, "main"):
        assert sorted(view.streams(which, names), key=_place) == left
        assert sorted(view.commands(which, sorted({one.command_id for one in entries})),
                      key=_place) == left
        assert view.balances(which, [STOCK]) == []
    taken = [one.once for one in entries if one.once is not None]
    assert taken
    assert view.once("main", taken) == {
        one.once: one.position for one in left if one.once is not None}
    own = [one for one in left if STOCK in accounts_in(one.subjects, ("stock:",))]
    assert view.accounts("main", [STOCK], after=after, limit=limit) == [
        one for one in own if one.position > after][:limit]
    assert view.accounts("main", [STOCK], after=after, limit=limit, descending=True) == [
        one for one in reversed(own) if one.position > after][:limit]
    assert view.touching("main", {STOCK: after}, limit=limit) == [
        Outline.of(one) for one in own if one.position > after][:limit]


def _place(entry: Entry) -> int:
    return entry.position


def test_what_if__has_one_event_in_the_place_of_another(
    store: Store, entries: list[Entry]
) -> None:
    paid = next(one for one in entries if one.type == "order.paid.v1")
    other = paid._replace(payload=paid.payload.replace(b"9980", b"1"))
    view = Otherwise(store, store.id_of("main"), instead={paid.position: other})
    assert other in view.streams("main", [stream("1")])
    assert paid not in view.streams("main", [stream("1")])
    assert paid in store.streams("main", [stream("1")])


def test_what_if__leaves_other_ledgers_as_they_are(store: Store, entries: list[Entry]) -> None:
    view = Otherwise(store, b"x" * 16, without={one.position for one in entries})
    names = sorted({one.stream for one in entries})
    assert sorted(view.streams("main", names), key=_place) == entries
    assert view.accounts("main", [STOCK]) == store.accounts("main", [STOCK])
    assert view.touching("main", {STOCK: 0}) == store.touching("main", {STOCK: 0})
    assert view.balances("main", [STOCK]) == store.balances("main", [STOCK])
