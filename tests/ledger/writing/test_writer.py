"""The writer: one command at a time to its caller, whole batches to the log."""

import json
import os
import random
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from ledger.application import Ledger
from ledger.common.context import Context, Receipt
from ledger.common.errors import InvalidValues, LedgerError
from ledger.core import event_types
from ledger.core.aggregate import StaleVersion
from ledger.core.commands import Command
from ledger.log.persons import Keys
from ledger.log.store import Forked, Store
from ledger.writing import cache, writer
from ledger.writing.entries import OccurredInFuture
from ledger.writing.errors import CommandReused, LedgerClosed, OnceTaken, Overloaded
from ledger.writing.genesis import begun
from tests.support.batches import outcomes, paused, waiting
from tests.support.envelopes import CONTEXT, NOON, context, named
from tests.support.jars import (
    FULL,
    HANDLERS,
    SHELF,
    AddCoins,
    Jar,
    JarAlreadyOpen,
    JarUnknown,
    NotThatManyCoins,
    ShakeJars,
    adding,
    filling,
    name_of,
    noting,
    opening,
    sealing,
    taking,
)
from tests.support.soundness import changes, must_be_sound
from tests.support.waiting import eventually, in_thread

# -- one command --------------------------------------------------------------------------------


def test_handle__accepted(ledger: Ledger, store: Store) -> None:
    before = datetime.now(UTC)
    who = context(actor="member:7f3a", role="service", client="key:01", command_id=UUID(int=5),
                  correlation=UUID(int=9), causation=1, subjects=("import:1", "case:2"),
                  by_client=True, source={"import": "1", "rows": [2]})
    receipt = ledger.handle(opening(), who)
    (entry,) = must_be_sound(store)
    assert receipt == Receipt(
        UUID(int=5), (2,), {name_of(): 1, SHELF: 2}, 2, leaf=entry.leaf_hash)
    assert entry[:5] == (ledger.id, 2, name_of(), 1, "jar.opened.v1")
    assert before <= datetime.fromtimestamp(entry.recorded_at / 1e6, UTC) <= datetime.now(UTC)
    assert entry.occurred_at == int(NOON.timestamp() * 1e6)
    assert entry.command_id == UUID(int=5).bytes
    assert len(entry.request_hash or b"") == 32
    assert entry[10:18] == (None, "member:7f3a", "service", "key:01", UUID(int=9).bytes, 1,
                            f'["case:2","import:1","{name_of()}","shelf:A","sku:A","stock:jars:A"]',
                            '{"import":"1","rows":[2]}')


def test_handle__accepted_with_several_events(ledger: Ledger, store: Store) -> None:
    receipt = ledger.handle(filling(), CONTEXT)
    assert receipt.positions == (2, 3, 4, 5)
    assert receipt.versions == {name_of(): 4, SHELF: 2}  # of an account: what touched it last
    rows = must_be_sound(store)
    assert len({row.command_id for row in rows}) == 1
    assert {row.correlation for row in rows} == {receipt.command_id.bytes}


def test_handle__ignored_when_nothing_changes(ledger: Ledger, store: Store) -> None:
    ledger.handle(filling(), CONTEXT)
    receipt = ledger.handle(filling(), context(command_id=UUID(int=7)))
    assert receipt == Receipt(UUID(int=7), (), {}, 5)
    assert ledger.handle(sealing(), context(command_id=UUID(int=8))).positions == ()
    assert len(must_be_sound(store)) == 4


@pytest.mark.parametrize(("command", "error"), [
    (opening(), JarAlreadyOpen), (adding(2), JarUnknown),
    (adding(expected_version=7), StaleVersion),
    (adding(occurred_at=datetime.now(UTC) + timedelta(days=1)), OccurredInFuture),
    (AddCoins(jar="log:clock", occurred_at=NOON, coins=1), JarUnknown),
])
def test_handle__rejected_alone(
    ledger: Ledger, store: Store, command: Command, error: type[LedgerError]
) -> None:
    ledger.handle(opening(), CONTEXT)
    first, caught, last = outcomes(ledger, opening(8), command, opening(9))
    assert type(caught) is error
    assert first.positions + last.positions == (3, 4)
    assert [row.stream for row in changes(store)] == [name_of(), name_of(8), name_of(9)]


def test_handle__accepted_up_to_five_minutes_ahead(ledger: Ledger) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=4, seconds=50)
    assert ledger.handle(opening(occurred_at=soon), CONTEXT).positions == (2,)


def test_handle__rejected_whole_when_its_last_event_is_refused(
    ledger: Ledger, store: Store
) -> None:
    """R-LOG-10 strikes the fourth of four events: the three before it may not stay."""
    before = store.head("main")
    late = filling(sealed_at=datetime.now(UTC) + timedelta(days=1))
    with pytest.raises(OccurredInFuture):
        ledger.handle(late, CONTEXT)
    assert store.head("main") == before
    assert ledger.handle(filling(), CONTEXT).versions[name_of()] == 4
    must_be_sound(store)


def test_command__rejected_before_it_exists() -> None:
    with pytest.raises(InvalidValues):
        opening(owner="a\0b")
    with pytest.raises(InvalidValues):
        opening("\ud800")


def test_handle__rejected_when_a_text_holds_nul(ledger: Ledger, store: Store) -> None:
    """R-VAL-01, also for a text that its command does not look at."""
    ledger.handle(opening(), CONTEXT)
    for bad in ("\0", "a\\\0b", "\\\\\0"):
        with pytest.raises(InvalidValues, match="NUL"):
            ledger.handle(sealing(reason=bad), CONTEXT)
    for good in ("\\u0000", "\\\\u0000"):
        ledger.handle(opening(len(good)), CONTEXT)
        ledger.handle(sealing(len(good), good), CONTEXT)
    assert len(must_be_sound(store)) == 5


# -- many callers -------------------------------------------------------------------------------


def test_handle__accepted_in_the_order_of_calls(ledger: Ledger, store: Store) -> None:
    """Each command of a batch is decided on what the ones before it left."""
    results = outcomes(ledger, opening(), adding(coins=10), adding(coins=9),
                       noting(note="一"), opening(), adding(2), sealing("1"))
    assert [type(result) for result in results] == [
        Receipt, Receipt, Receipt, Receipt, JarAlreadyOpen, JarUnknown, Receipt]
    assert [row.version for row in changes(store)] == [1, 2, 3, 4, 5]
    jar = fold(store, name_of())
    assert (jar.coins, jar.sealed) == (19, True)


def fold(store: Store, name: str) -> Jar:
    """A jar from its rows."""
    jar = Jar.blank(name)
    for entry in store.streams("main", [name]):
        event_types.decode(entry).mutate(jar)
    return jar


def test_handle__accepted_from_many_threads(ledger: Ledger, store: Store) -> None:
    """Everyone wants the same jars: each is opened once, and filled once."""

    def work(seed: int) -> Counter[str]:
        numbers, outcomes = list(range(40)), Counter[str]()
        random.Random(seed).shuffle(numbers)
        for number in numbers:
            for command in (opening(number), adding(number, coins=FULL + number)):
                try:
                    ledger.handle(command, CONTEXT)
                    outcomes[type(command).__name__] += 1
                except LedgerError as error:
                    outcomes[error.code] += 1
        return outcomes

    threads = [in_thread(lambda seed=seed: work(seed)) for seed in range(8)]
    for thread in threads:
        thread.join()
    total = sum((thread.result for thread in threads), Counter())
    assert total == {"OpenJar": 40, "AddCoins": 40, "jar_already_open": 280,
                    "jar_full": 280}
    assert Counter(row.type for row in changes(store)) == {
        "jar.opened.v1": 40, "jar.coins_added.v1": 40}
    assert all(fold(store, name_of(n)).coins == FULL + n for n in range(40))


def test_handle_many__accepted(ledger: Ledger, store: Store) -> None:
    commands = [opening(n) for n in range(1200)] + [adding(5), opening(5), adding(5)]
    results = ledger.handle_many([(command, CONTEXT) for command in commands])
    assert [type(result) for result in results] == [
        *[Receipt] * 1201, JarAlreadyOpen, type(results[-1])]
    assert results[-1].code == "jar_full"
    assert len(changes(store)) == 1201
    assert ledger.handle_many([]) == []


def test_handle_many__accepted_with_other_callers_between(ledger: Ledger, store: Store) -> None:
    """A long list does not make a single command wait for its end."""
    started = threading.Event()

    def items() -> list[Any]:
        return [(opening(f"a{n}"), CONTEXT) for n in range(4 * writer.MAX_COMMANDS)]

    def load() -> None:
        started.set()
        ledger.handle_many(items())

    loading = in_thread(load)
    started.wait(10)
    eventually(lambda: store.head("main").position > 0)
    between = ledger.handle(opening(), CONTEXT)
    loading.join()
    assert between.position < len(must_be_sound(store))


def test_handle__rejected_when_too_many_wait(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING", 3)
    with paused(ledger):
        threads = [in_thread(lambda: ledger.handle(opening(0), CONTEXT))]
        eventually(lambda: len(ledger._writer._taken) == 1)
        for number in range(1, 4):
            threads.append(in_thread(lambda n=number: ledger.handle(opening(n), CONTEXT)))
            eventually(lambda: waiting(ledger) == len(threads))
        with pytest.raises(Overloaded):
            ledger.handle(opening(9), CONTEXT)
    for thread in threads:
        thread.join()
    ledger.handle(opening(9), CONTEXT)


# -- repeats ------------------------------------------------------------------------------------


def test_repeat__accepted_with_the_first_receipt(ledger: Ledger, store: Store) -> None:
    first = ledger.handle(filling(), named())
    ledger.handle(opening(2), CONTEXT)
    again = ledger.handle(filling(), named())
    assert again == first._replace(replayed=True, position=6, leaf=b"")
    assert not first.replayed
    assert len(must_be_sound(store)) == 5


def test_repeat__accepted_by_another_ledger_object(
    ledger: Ledger, store: Store, keys: Any
) -> None:
    first = ledger.handle(filling(), named())
    other = Ledger(store, begun(store, keys), handlers=HANDLERS)
    assert other.handle(filling(), named()) == first._replace(replayed=True)
    with pytest.raises(CommandReused):
        other.handle(filling(2), named())
    other.close()


def test_repeat__accepted_inside_one_batch(ledger: Ledger, store: Store) -> None:
    same = [(filling(), named())] * 3
    first, second, third = ledger.handle_many(same)
    assert isinstance(first, Receipt)
    assert second == third == first._replace(replayed=True)
    reused, other = ledger.handle_many([(filling(2), named()), (filling(2), named(2))])
    assert type(reused) is CommandReused
    assert isinstance(other, Receipt)
    assert len(must_be_sound(store)) == 8


def test_repeat__conflict_when_the_body_is_another(ledger: Ledger, store: Store) -> None:
    ledger.handle(opening(), named())
    for command in (opening(2), opening(owner="李四"), adding()):
        with pytest.raises(CommandReused):
            ledger.handle(command, named())
    later = NOON + timedelta(seconds=1)
    same = context(command_id=UUID(int=9), by_client=True, filled=frozenset({"occurred_at"}))
    first = ledger.handle(opening(3), same)
    assert ledger.handle(opening(3, occurred_at=later), same) == first._replace(replayed=True)
    assert len(must_be_sound(store)) == 2


def test_repeat__of_an_id_that_no_client_chose_bears_no_hash(
    ledger: Ledger, store: Store
) -> None:
    ours = context(command_id=UUID(int=9))
    first = ledger.handle(opening(), ours)
    assert ledger.handle(opening(), ours) == first._replace(replayed=True)
    ledger.handle(opening(2), CONTEXT)
    assert [row.request_hash for row in must_be_sound(store)] == [None, None]


def test_repeat__accepted_again_when_the_first_was_refused(ledger: Ledger, store: Store) -> None:
    """A refusal bears another id, so what was refused may be tried again under its own."""
    with pytest.raises(JarUnknown):
        ledger.handle(adding(), named())
    ledger.handle(opening(), CONTEXT)
    assert not ledger.handle(adding(), named()).replayed
    assert ledger.handle(adding(), named()).replayed


# -- several streams, faults, once ---------------------------------------------------------------


def test_handle__accepted_over_several_streams(ledger: Ledger, store: Store) -> None:
    receipt = ledger.handle(ShakeJars(jars=("jar:1", "jar:2",)), CONTEXT)
    assert receipt.versions == {"jar:1": 1, "jar:2": 1}
    assert [row.command_seq for row in must_be_sound(store)] == [1, 2]


@pytest.mark.parametrize(("fault", "error"), [
    ("raise", KeyError), ("forget", AssertionError), ("surrogate", UnicodeEncodeError),
    ("exit", SystemExit), ("call back", RuntimeError)])
def test_handle__rejected_alone_when_its_handler_has_a_fault(
    ledger: Ledger, store: Store, fault: str, error: type[BaseException]
) -> None:
    """A fault of ours hurts whom it concerns; the others of its batch are recorded."""
    ledger.keys.call_back = lambda: ledger.handle(opening(99), CONTEXT)  # type: ignore
    items = [(opening(n), CONTEXT) for n in range(40)]
    items.insert(23, (ShakeJars(fault=fault), CONTEXT))
    with pytest.raises(error):
        ledger.handle_many(items)
    assert len(must_be_sound(store)) == 40
    assert ledger.handle(ShakeJars(), CONTEXT).versions == {"jar:shaky": 1}


def test_handle__rejected_alone_when_its_stream_cannot_be_read(
    ledger: Ledger, store: Store, keys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LOG-01: one stream of a newer version does not stop the rest."""
    ledger.handle(ShakeJars(), CONTEXT)
    other = Ledger(store, begun(store, keys), handlers=HANDLERS)
    with monkeypatch.context() as newer:
        newer.delitem(event_types._decoders, Jar.Shaken.TOPIC)
        first, unknown, last = outcomes(other, opening(1), ShakeJars(), opening(2))
    assert type(unknown) is event_types.UnknownEventType
    assert first.positions + last.positions == (3, 4)
    assert other.handle(ShakeJars(), CONTEXT).versions == {"jar:shaky": 2}
    other.close()
    must_be_sound(store)


def test_once__conflict_when_taken(ledger: Ledger, store: Store) -> None:
    ledger.handle(ShakeJars(once=("a",)), CONTEXT)
    with pytest.raises(OnceTaken) as caught:
        ledger.handle(ShakeJars(jars=("jar:2",), once=("b", "a")), CONTEXT)
    assert caught.value.details == {"once": "a", "position": 2}
    with pytest.raises(OnceTaken):
        ledger.handle(ShakeJars(jars=("jar:2",), once=("c", "c")), CONTEXT)
    results = ledger.handle_many(
        [(ShakeJars(jars=(f"jar:{n}",), once=(once,)), CONTEXT)
         for n, once in enumerate(["d", "a", "d", "b", "c"], 2)])
    assert [getattr(result, "code", None) for result in results] == [
        None, "once_taken", "once_taken", None, None]
    rows = must_be_sound(store)
    assert [row.once for row in rows] == ["a", "d", "b", "c"]
    assert store.once("main", ["a", "b", "c", "d"]) == {"a": 2, "d": 3, "b": 4, "c": 5}


# -- the end ------------------------------------------------------------------------------------


def test_close__accepted_and_finishes_what_waits(ledger: Ledger, store: Store) -> None:
    with paused(ledger):
        threads = [in_thread(lambda n=n: ledger.handle(opening(n), CONTEXT)) for n in range(20)]
        eventually(lambda: waiting(ledger) == 20)
        closing = in_thread(ledger.close)
        eventually(lambda: ledger.closed)
        with pytest.raises(LedgerClosed):
            ledger.handle(opening(99), CONTEXT)
    closing.join()
    for thread in threads:
        thread.join()
    assert len(must_be_sound(store)) == 20
    with pytest.raises(LedgerClosed):
        ledger.handle_many([(opening(98), CONTEXT)])
    ledger.close()


def test_handle__rejected_when_the_writer_has_died(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever ends the thread, nobody is left waiting."""
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    with paused(ledger):
        threads = [in_thread(lambda n=n: outcome(ledger, n)) for n in range(5)]
        eventually(lambda: waiting(ledger) == 5)
        monkeypatch.setattr(ledger._writer, "_answer_or_retry", lambda *_: 1 // 0)
        monkeypatch.setattr(ledger._writer, "_open", lambda *_: 1 // 0)
    for thread in threads:
        thread.join()
        assert type(thread.result) is LedgerClosed
    with pytest.raises(LedgerClosed):
        ledger.handle(opening(9), CONTEXT)


def outcome(ledger: Ledger, number: int) -> Any:
    """A receipt or the error."""
    try:
        return ledger.handle(opening(number), CONTEXT)
    except LedgerError as error:
        return error


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_handle__rejected_in_a_forked_process(ledger: Ledger, store: Store) -> None:
    """R-LOG-15: the writer's thread is not there any more, and the connections are shared."""
    ledger.handle(opening(), CONTEXT)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        outcomes = []
        for use in (lambda: ledger.handle(opening(2), CONTEXT), ledger.head,
                    lambda: store.writing("main").__enter__(), ledger.close, store.close):
            try:
                use()
                outcomes.append("done")
            except BaseException as error:
                outcomes.append(type(error).__name__)
        os.write(writing, " ".join(outcomes).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    assert os.read(reading, 1000).decode() == " ".join([Forked.__name__] * 3 + ["done"] * 2)
    os.close(reading)
    assert ledger.handle(opening(3), CONTEXT).positions == (3,)
    must_be_sound(store)


def test_handle__accepted_when_the_cache_is_small(
    ledger: Ledger, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:

    monkeypatch.setattr(cache, "CACHED_AGGREGATES", 2)
    for number in range(6):
        ledger.handle(opening(number), CONTEXT)
    for number in range(6):
        ledger.handle(adding(number), CONTEXT)
    assert max(map(len, ledger._writer._cache._kept.values())) == 2
    assert len(must_be_sound(store)) == 12


def test_handle_many__rejected_on_what_the_commands_before_left(ledger: Ledger) -> None:
    """What is in no log yet counts as well: the second 60 of 100 coins are not there."""
    ledger.handle_many([(opening(), CONTEXT), (adding(coins=100), CONTEXT)])
    first, second = ledger.handle_many([(taking(coins=60), CONTEXT)] * 2)
    assert isinstance(first, Receipt)
    assert type(second) is NotThatManyCoins


# -- an id that a client chose --------------------------------------------------------------------


def chosen(number: int = 1) -> Context:
    """A context under an id that a client chose."""
    return context(command_id=UUID(int=number), by_client=True)


@pytest.mark.parametrize("together", [True, False])
def test_id__used_up_by_what_changed_nothing(
    ledger: Ledger, store: Store, together: bool
) -> None:
    """A repeat never undoes what somebody changed since, and no other command takes the id."""
    ledger.handle_many([(opening(), CONTEXT), (sealing(), CONTEXT)])
    other = sealing(reason="another")
    items = [(sealing(), chosen()), (adding(), CONTEXT), (sealing(), chosen()), (other, chosen())]
    found = (ledger.handle_many(items) if together
             else [one for item in items for one in ledger.handle_many([item])])
    first, _, again, reused = found
    assert isinstance(first, Receipt)
    assert isinstance(again, Receipt)
    assert (first.positions, first.versions, first.replayed) == ((), {}, False)
    assert (again.positions, again.versions, again.replayed) == ((), {}, True)
    assert type(reused) is CommandReused
    rows = must_be_sound(store)
    assert [row.type for row in rows] == [
        "jar.opened.v1", "jar.sealed.v1", "command.done.v1", "jar.coins_added.v1"]
    assert json.loads(rows[2].payload) == {"command": "jar.seal", "subjects": ["jar:1"]}
    assert (rows[2].stream, rows[2].command_id) == (f"command:{UUID(int=1)}", UUID(int=1).bytes)


def test_id__used_up_in_every_process(ledger: Ledger, store: Store, keys: Keys) -> None:
    ledger.handle_many([(opening(), CONTEXT), (sealing(), CONTEXT), (sealing(), chosen())])
    other = Ledger(store, begun(store, keys), handlers=HANDLERS)
    assert other.handle(sealing(), chosen()).replayed
    with pytest.raises(CommandReused):
        other.handle(adding(), chosen())
    assert other.preview([(sealing(), chosen())]) == [0]
    other.close()
    assert len(must_be_sound(store)) == 3


@pytest.mark.parametrize("who", [CONTEXT, context(command_id=UUID(int=1))])
def test_id__ignored_where_no_client_chose_it(
    ledger: Ledger, store: Store, who: Context
) -> None:
    """A row of a file that was imported before leaves nothing, though its id is always the same."""
    ledger.handle_many([(opening(), CONTEXT), (sealing(), CONTEXT), (sealing(), who)])
    assert len(must_be_sound(store)) == 2


@pytest.mark.parametrize("together", [True, False])
def test_id__free_after_whatever_was_not_accepted(
    ledger: Ledger, store: Store, together: bool
) -> None:
    """R-TST-01 is a refusal, R-LOG-02 a conflict: each is decided again, also of another body."""
    stale = adding(expected_version=9)
    items = [(adding(), chosen()), (adding(coins=1), chosen()), (opening(), CONTEXT),
             (stale, chosen()), (sealing(), chosen()), (sealing(), chosen()), (stale, chosen())]
    found = (ledger.handle_many(items) if together
             else [one for item in items for one in ledger.handle_many([item])])
    assert [type(one) for one in found] == [
        JarUnknown, JarUnknown, Receipt, StaleVersion, Receipt, Receipt, CommandReused]
    assert [getattr(one, "replayed", None) for one in found] == [
        None, None, False, None, False, True, None]
    assert sum(row.type == "command.refused.v1" for row in must_be_sound(store)) == 2


def test_id__free_after_more_refusals_than_are_recorded_one_by_one(ledger: Ledger) -> None:
    """No counter decides: the 21st attempt is answered as the first one was."""
    for _ in range(25):
        with pytest.raises(JarUnknown):
            ledger.handle(adding(), chosen())
    ledger.handle(opening(), CONTEXT)
    assert not ledger.handle(adding(), chosen()).replayed
    assert ledger.handle(adding(), chosen()).replayed


def test_id__used_up_after_a_refusal_of_the_same_batch(ledger: Ledger, store: Store) -> None:
    """The refusal goes on record after the batch, in the stream that says it was done at last."""
    ledger.handle(opening("2"), CONTEXT)
    ledger.handle_many([(sealing(), chosen()), (opening(), CONTEXT), (sealing(), CONTEXT),
                        (sealing(), chosen())])
    assert ledger.handle(sealing(), chosen()).replayed
    assert [row.type for row in must_be_sound(store)] == [
        "jar.opened.v1", "jar.opened.v1", "jar.sealed.v1", "command.done.v1",
        "command.refused.v1"]
