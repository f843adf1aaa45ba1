"""Personal values: sealed for their person and place, opened again, and nowhere in the clear."""

import os
import stat
from collections.abc import Iterator
from itertools import permutations
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError

from ledger.application import Ledger
from ledger.common.personal import Person, Personal, Plain
from ledger.core import event_types
from ledger.log import randomness, sealing, wrapping
from ledger.log.key_tables import erased
from ledger.log.keys_backup import backup_keys, restore_keys
from ledger.log.master_key import (
    BadMasterKey,
    MasterKeyRequired,
    MissingMasterKey,
    NoMasterKeyYet,
    read_master_key,
)
from ledger.log.missing_keys import MissingKeys
from ledger.log.persons import (
    Keys,
    LedgerKeys,
    PersonErased,
    PersonLost,
    WrongKeys,
    new_person,
)
from ledger.log.store import LogConflict, Store
from ledger.log.wrapping import KeyDamaged, WrongMasterKey
from ledger.orders.commands import RefundOrder
from ledger.orders.declared import RecordOrder
from ledger.orders.order import Order
from ledger.settings import Settings, open_ledger
from tests.conftest import durable, on_postgres, on_sqlite
from tests.support.builders import CONTEXT, NOON, place, record, remark, stream
from tests.support.envelopes import known
from tests.support.thorough import tried
from tests.support.waiting import in_thread

BUYER = {"account": "云中锦书", "recipient": "欧阳若雪", "phone": "13912345678",
        "address": "西湖区文三路 259 号", "buyer_remark": "放门口就好"}

on_any = pytest.mark.parametrize("backend", ["sqlite"], indirect=True)
"""For tests of the keys alone: it does not matter which log goes with them."""


def met(keys: LedgerKeys, lookups: list[str]) -> dict[str, Person]:
    """The persons under some lookups; who is not known is made, as the writer does."""
    while True:
        found = keys.find(lookups)
        drafts = {name: new_person() for name in lookups if name not in found}
        try:
            if drafts:
                keys.make(drafts, 0)
        except LogConflict:  # another process was faster
            continue
        return {**found, **drafts}


def sealed(store: Store) -> Iterator[tuple[str, int, str, Personal]]:
    """Every sealed value in the log with its place."""
    for entry in store.read("main"):
        for name, value in msgspec.json.decode(entry.payload).items():
            if isinstance(value, dict) and set(value) == {"p", "n", "c", "h"}:
                yield entry.stream, entry.version, f"/{name}", Personal(**value)


def test_values__accepted_and_revealed(ledger: Ledger, store: Store) -> None:
    ledger.handle(place(**BUYER), CONTEXT)
    ledger.handle(remark(text="已联系买家"), CONTEXT)
    ledger.handle(place(2, account=BUYER["account"]), CONTEXT)
    found = list(sealed(store))
    opened = [ledger.keys.reveal(value, *place_) for *place_, value in found]
    assert opened == [*BUYER.values(), "已联系买家", BUYER["account"]]
    assert len({value.p for *_, value in found}) == 1
    assert found[0][3].p.startswith("person:")
    assert len({value.n for *_, value in found}) == len(found)
    assert len({value.h for *_, value in found}) == len(found)


def test_values__accepted_under_a_person_per_account(ledger: Ledger, store: Store) -> None:
    ledger.handle(place(1, account="a", recipient="x"), CONTEXT)
    ledger.handle(place(2, account="b", recipient="x"), CONTEXT)
    ledger.handle(place(3, recipient="x"), CONTEXT)
    ledger.handle(place(4, recipient="x"), CONTEXT)
    ledger.handle(remark(3, text="x"), CONTEXT)
    ledger.handle(place(5), CONTEXT)
    ledger.handle(remark(5, text="x"), CONTEXT)
    persons: dict[str, set[str]] = {}
    for name, _, _, value in sealed(store):
        persons.setdefault(name, set()).add(value.p)
    assert [len(found) for found in persons.values()] == [1] * 5
    assert len(set.union(*persons.values())) == 5


@on_any
def test_values__rejected_out_of_their_place(ledger: Ledger, store: Store) -> None:
    """Two ciphertexts swapped between streams, versions, fields or persons open nowhere."""
    ledger.handle(place(1, **BUYER), CONTEXT)
    ledger.handle(remark(1, text="一"), CONTEXT)
    ledger.handle(remark(1, text="二"), CONTEXT)
    ledger.handle(place(2, account="另一位", recipient=BUYER["recipient"]), CONTEXT)
    found = list(sealed(store))
    for (*where, _), (*_, moved) in permutations(found, 2):
        with pytest.raises(ValueError, match="not sealed for this place"):
            ledger.keys.reveal(moved, *where)
    *where, value = found[0]
    someone = found[-1][3].p
    for changes in ({"p": someone}, {"n": found[1][3].n}, {"c": found[1][3].c}):
        with pytest.raises(ValueError, match="not sealed for this place"):
            ledger.keys.reveal(msgspec.structs.replace(value, **changes), *where)
    with pytest.raises(ValueError, match="hash disagree"):
        ledger.keys.reveal(msgspec.structs.replace(value, h=found[1][3].h), *where)


@on_any
def test_values__rejected_in_another_ledger(keys: Keys) -> None:
    one, other = (keys.of(known(name), keys_id=None) for name in ("one", "other"))
    person = met(one, ["buyer:1"])["buyer:1"]
    value = one.seal(Plain(person, "张三"), "s", 1, "/f")
    assert one.reveal(value, "s", 1, "/f") == "张三"
    assert other.reveal(value, "s", 1, "/f") is None
    assert met(other, ["buyer:1"])["buyer:1"] != person
    forged = other.seal(Plain(person, "张三"), "s", 1, "/f")
    with pytest.raises(ValueError, match="not sealed for this place"):
        one.reveal(forged, "s", 1, "/f")


@on_any
@given(value=st.text(st.characters(exclude_categories=["Cs"])), field=st.text(max_size=5))
@hypothesis_settings(max_examples=tried(50),
                     suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_values__accepted_whatever_they_hold(keys: Keys, value: str, field: str) -> None:
    own = keys.of(known(), keys_id=None)
    person = met(own, ["buyer:1"])["buyer:1"]
    made = own.seal(Plain(person, value), "s", 1, field)
    assert own.reveal(made, "s", 1, field) == value
    again = own.seal(Plain(person, value), "s", 1, field)
    assert {made.n, made.c, made.h}.isdisjoint({again.n, again.c, again.h})


@on_any
def test_values__ignored_when_the_key_is_gone(settings: Settings) -> None:
    """R-KEY-06: what was sealed stays in the log and says nothing any more."""
    opened = open_ledger(settings)
    opened.ledger.handle(place(**BUYER), CONTEXT)
    opened.ledger.handle(place(2, account="另一位"), CONTEXT)
    found = list(sealed(opened.store))
    with opened.keys.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM persons WHERE person = ?", (found[0][3].p,))
    opened.close()
    opened = open_ledger(settings)
    revealed = [opened.ledger.keys.reveal(value, *where) for *where, value in found]
    assert revealed == [None] * len(BUYER) + ["另一位"]
    with pytest.raises(PersonLost):
        opened.ledger.handle(remark(), CONTEXT)
    assert opened.ledger.head().position == 3
    opened.close()


@durable
def test_values__ignored_by_every_byte_on_disk(settings: Settings, tmp_path: Path) -> None:
    """Nothing personal lies in the clear in the log, in the keys, or in the write-ahead logs."""
    opened = open_ledger(settings)
    opened.ledger.handle(place(**BUYER), CONTEXT)
    opened.ledger.handle(remark(text="请王师傅再核对"), CONTEXT)
    declared = RecordOrder(**{**msgspec.structs.asdict(record(2, **BUYER)),
                              "remark": "客服小周跟进"})
    opened.ledger.handle(declared, CONTEXT)
    opened.ledger.handle(RefundOrder(order=stream(2), occurred_at=NOON, amount_minor=1,
                                      reference="R1",
                                     account="alipay-13700001111"), CONTEXT)
    secrets = [*BUYER.values(), "请王师傅再核对", "客服小周跟进", "alipay-13700001111",
               "欧阳", "文三路", "1391234"]
    kept = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    kept += [repr(entry).encode() + entry.payload for entry in opened.store.read("main")]
    assert any(b"order.placed.v1" in raw for raw in kept)
    assert any("云杉书店".encode() in raw for raw in kept)
    for secret in secrets:
        for form in (secret.encode(), secret.encode("gb18030"), secret.encode("utf-16-le"),
                     msgspec.json.encode(secret).strip(b'"'), ascii(secret).strip("'").encode()):
            assert not any(form in raw for raw in kept), secret
    opened.close()


def test_values__ignored_in_what_is_raised(ledger: Ledger) -> None:
    ledger.handle(place(**BUYER), CONTEXT)
    with pytest.raises(Exception) as caught:
        ledger.handle(place(**BUYER), CONTEXT)
    assert not any(value in str(caught.value) + repr(caught.value) for value in BUYER.values())


@on_any
def test_persons__accepted_once_from_many_threads(settings: Settings) -> None:
    """Two processes meet the same buyers at the same time: each gets one key."""
    both = [settings.open_keys() for _ in range(2)]
    own = [keys.of(known(), keys_id=None) for keys in both]
    names = [f"buyer:{number}" for number in range(50)]
    threads = [in_thread(lambda k=k, turn=turn: met(k, names[::turn]))
               for k in own for turn in (1, -1)]
    for thread in threads:
        thread.join()
        assert thread.result == threads[0].result
    assert len({person.key for person in threads[0].result.values()}) == 50
    for keys in both:
        keys.close()


@on_any
def test_persons__accepted_when_more_than_the_cache_holds(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger.log import persons

    monkeypatch.setattr(persons, "_CACHED", 3)
    own = keys.of(known(), keys_id=None)
    names = [f"buyer:{number}" for number in range(10)]
    first = met(own, names)
    made = {name: own.seal(Plain(person, name), "s", 1, "/f") for name, person in first.items()}
    assert len(own._by_lookup) <= 3
    assert len(own._by_id) <= 3
    assert met(own, names) == first
    assert {name: own.reveal(value, "s", 1, "/f") for name, value in made.items()} == {
        name: name for name in names}


# -- erasure --------------------------------------------------------------------------------------


@durable
def test_destroyed__leaves_a_tombstone_and_no_key(settings: Settings) -> None:
    """R-KEY-09: neither what was held in memory nor another process opens it again."""
    keys = settings.open_keys()
    own = keys.of(known(), keys_id=None)
    one, two = met(own, ["buyer:1", "buyer:2"]).values()
    value = own.seal(Plain(one, "张三"), "s", 1, "/f")
    assert own.reveal(value, "s", 1, "/f") == "张三"
    assert not own.is_erased(one.id)
    own.destroy({one.id: 7, "person:of-old": 7})
    other = settings.open_keys()
    for reader in (own, other.of(known(), keys_id=None)):
        assert [reader.is_erased(name) for name in (one.id, two.id, "person:of-old", "x")] == [
            True, False, True, False]
        assert reader.reveal(value, "s", 1, "/f") is None
        assert reader.find(["buyer:1", "buyer:2"]) == {"buyer:2": two}
        with pytest.raises(PersonErased):
            reader.by_id(one.id)
        with pytest.raises(PersonLost) as lost:
            reader.by_id("x")
        assert type(lost.value) is PersonLost
        assert reader.by_id(two.id) == two
    own.destroy({one.id: 9})
    with keys.engine.connect() as connection:
        rows = connection.execute(select(erased.c.person, erased.c.position)).fetchall()
    assert dict(map(tuple, rows)) == {one.id: 7, "person:of-old": 7}
    assert met(own, ["buyer:1"])["buyer:1"].id != one.id
    for one_of in (keys, other):
        one_of.close()


@on_any
def test_sharing__is_who_has_the_same_lookup(keys: Keys, tmp_path: Path) -> None:
    own = keys.of(known(), keys_id=None)
    old, other = met(own, ["buyer:1", "buyer:2"]).values()
    backup_keys(keys, tmp_path / "keys.gz")
    with keys.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM persons")
    own = keys.of(known(), keys_id=None)
    new = new_person()
    own.make({"buyer:1": new}, 1)
    restore_keys(keys, tmp_path / "keys.gz")
    assert own.sharing(old.id) == own.sharing(new.id) == {old.id, new.id}
    assert own.sharing(other.id) == {other.id}
    assert own.sharing("person:unknown") == {"person:unknown"}


# -- keys and the files they lie in -------------------------------------------------------------


@on_sqlite
def test_master_key__accepted_as_a_file_for_its_owner_alone(settings: Settings) -> None:
    assert settings.master_key_file is not None
    umask = os.umask(0)
    try:
        settings.open_keys().close()
    finally:
        os.umask(umask)
    file = settings.master_key_file
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_bytes()) == 32
    assert [path.name for path in file.parent.iterdir() if "master" in path.name] == [file.name]


def test_master_key__accepted_whole_by_all_who_start_at_once(tmp_path: Path) -> None:
    file = tmp_path / "master.key"
    threads = [in_thread(lambda: read_master_key(file, make=True)) for _ in range(16)]
    for thread in threads:
        thread.join()
    assert {thread.result for thread in threads} == {file.read_bytes()}
    assert os.listdir(tmp_path) == ["master.key"]


@durable
def test_master_key__rejected_when_missing_wrong_or_short(settings: Settings) -> None:
    """R-KEY-01, R-KEY-03, R-KEY-04: and nothing is made in its place."""
    opened = open_ledger(settings)
    opened.ledger.handle(place(**BUYER), CONTEXT)
    opened.close()
    file = settings.master_key_file
    assert file is not None
    right = file.read_bytes()
    file.unlink()
    with pytest.raises(MissingMasterKey):
        open_ledger(settings)
    assert not file.exists()
    for wrong, error in ((b"", BadMasterKey), (right[:31], BadMasterKey),
                         (right + b"\n", BadMasterKey), (bytes(32), WrongMasterKey)):
        file.write_bytes(wrong)
        with pytest.raises(error):
            open_ledger(settings)
        assert file.read_bytes() == wrong
    file.write_bytes(right)
    open_ledger(settings).close()


@on_postgres
def test_master_key__rejected_when_nobody_names_one(settings: Settings, tmp_path: Path) -> None:
    """R-KEY-02, R-KEY-14: with a server none is made on its own, where nobody would look after it.
    """
    from dataclasses import replace

    with pytest.raises(MasterKeyRequired):
        open_ledger(replace(settings, master_key_file=None))
    with pytest.raises(NoMasterKeyYet, match=f"head -c 32 /dev/urandom > {tmp_path}/none;"):
        open_ledger(replace(settings, master_key_file=tmp_path / "none"))
    assert not (tmp_path / "none").exists()


@durable
def test_keys__rejected_when_they_are_of_another_log(
    settings: Settings, tmp_path: Path
) -> None:
    from dataclasses import replace

    opened = open_ledger(settings)
    opened.ledger.handle(place(**BUYER), CONTEXT)
    main = opened.store.known("main")
    assert main is not None
    opened.close()
    empty = replace(settings, keys_url=f"sqlite:///{tmp_path}/empty.keys.db")
    with pytest.raises(MissingKeys):
        open_ledger(empty)
    empty.open_keys().close()
    with pytest.raises(WrongKeys):
        open_ledger(empty)
    other = replace(settings, keys_url=f"sqlite:///{tmp_path}/other.keys.db")
    keys = other.open_keys()
    keys.of(main, keys_id=None)
    keys.close()
    with pytest.raises(WrongKeys):
        open_ledger(other)
    open_ledger(settings).close()


@on_any
def test_keys__accepted_only_where_they_were_wrapped(keys: Keys) -> None:
    """A wrapped key that someone moves to another person or ledger does not open."""
    own = keys.of(known(), keys_id=None)
    one, other = met(own, ["buyer:1", "buyer:2"]).values()
    with keys.engine.connect() as connection:
        connection.exec_driver_sql(
            "UPDATE persons SET wrapped = (SELECT wrapped FROM persons WHERE person = ?)"
            " WHERE person = ?", (one.id, other.id))
    assert own.by_id(one.id) == one
    with pytest.raises(KeyDamaged):
        own.by_id(other.id)


@on_any
@pytest.mark.parametrize("column", ["ledger", "person", "lookup"])
def test_keys__rejected_in_another_place(keys: Keys, column: str) -> None:
    """Ledger, person and lookup are bound in the wrapping: a row that was moved opens nothing."""
    own = keys.of(known(), keys_id=None)
    keys.of(known("other"), keys_id=None)
    (one,) = met(own, ["buyer:1"]).values()
    moved = {"ledger": known("other").id, "person": "person:moved", "lookup": bytes(32)}
    with keys.engine.connect() as connection:
        connection.exec_driver_sql(f"UPDATE persons SET {column} = ?", (moved[column],))
    reader = keys.of(known("other") if column == "ledger" else known(), keys_id=None)
    with pytest.raises(KeyDamaged):
        reader.by_id("person:moved" if column == "person" else one.id)


@on_any
def test_kinds__open_only_as_what_they_are(keys: Keys) -> None:
    """No wrapped key is another kind of key or a personal value, whatever its place is called."""
    own = keys.of(known(), keys_id=None)
    person = met(own, ["buyer:1"])["buyer:1"]
    with keys.engine.connect() as connection:
        lookup, key = connection.exec_driver_sql("SELECT lookup, wrapped FROM persons").fetchone()
        place = wrapping.of_person(own.ledger, person.id, lookup)
        connection.exec_driver_sql("UPDATE ledger_secrets SET wrapped = ?", (
            keys._master.wrap(person.key, place),))
    assert keys._master.unwrap(key, place) is not None
    with pytest.raises(KeyDamaged):
        keys.of(known(), keys_id=None)
    assert own.by_id(person.id) == person
    places = [sealing.place(own.ledger, "s", 1, "/f", person="p"),
              wrapping.of_person(own.ledger, "p", bytes(32)), wrapping.of_secret(own.ledger)]
    tags = [place.split(b"\0")[0] for place in places]
    assert len(set(tags)) == len(tags) == 3
    assert not any(one != other and one.startswith(other) for one in tags for other in tags)


@on_any
def test_nonces__differ_when_a_machine_was_cloned(
    keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clone has what the pool of random bytes has left: neither nonces nor what they go with, nor
    the ids of persons, may come from it."""
    own = keys.of(known(), keys_id=None)
    person = met(own, ["buyer:1"])["buyer:1"]
    drawn = []
    for lookup in ("buyer:2", "buyer:3"):
        monkeypatch.setattr(randomness, "_spare", [bytes(16)] * 64)
        sealed_ = own.seal(Plain(person, "x"), "s", 1, "/f")
        made = met(own, [lookup])[lookup]
        with keys.engine.connect() as connection:
            wrapped = connection.exec_driver_sql(
                "SELECT wrapped FROM persons WHERE person = ?", (made.id,)).scalar()
        assert wrapped is not None
        drawn.append((sealed_.n, sealed_.c, sealed_.h, made.id, wrapped[:12]))
    assert all(one != other for one, other in zip(*drawn, strict=True))


@on_any
def test_restored_keys__of_one_lookup_all_open_and_the_newest_counts(
    keys: Keys, tmp_path: Path
) -> None:
    """Somebody placed an order after the keys were lost, and then their backup was found."""
    own = keys.of(known(), keys_id=None)
    old = met(own, ["buyer:1"])["buyer:1"]
    before = own.seal(Plain(old, "旧"), "s", 1, "/f")
    backup_keys(keys, tmp_path / "keys.gz")
    with keys.engine.connect() as connection:
        connection.exec_driver_sql("DELETE FROM persons")
    own = keys.of(known(), keys_id=None)
    assert own.reveal(before, "s", 1, "/f") is None
    new = new_person()
    own.make({"buyer:1": new}, 1)
    after = own.seal(Plain(new, "新"), "s", 2, "/f")
    assert restore_keys(keys, tmp_path / "keys.gz").keys == 2
    own = keys.of(known(), keys_id=None)
    assert own.reveal(before, "s", 1, "/f") == "旧"
    assert own.reveal(after, "s", 2, "/f") == "新"
    assert own.find(["buyer:1"]) == {"buyer:1": new}
    with pytest.raises(LogConflict):
        own.make({"buyer:1": new_person()}, 2)


@on_any
@pytest.mark.parametrize("statement", [
    "UPDATE persons SET lookup = x'00'", "UPDATE persons SET wrapped = x'00'",
    "UPDATE persons SET wrapped = 'text'", "UPDATE persons SET created_at = 'soon'",
    "UPDATE persons SET person = ''", "UPDATE persons SET ledger = x'00'",
    "UPDATE persons SET current = 2", "UPDATE ledger_secrets SET wrapped = x'00'",
    "UPDATE ledger_secrets SET ledger = x'00'",
])
def test_keys__have_lengths_and_types_that_the_database_holds(keys: Keys, statement: str) -> None:
    met(keys.of(known(), keys_id=None), ["buyer:1"])
    with keys.engine.connect() as connection, pytest.raises(DBAPIError):
        connection.exec_driver_sql(statement)


@on_any
def test_lookups__ignored_by_who_reads_the_keys(keys: Keys) -> None:
    """The keys database tells no account: a lookup stands there as a MAC of its own per ledger,
    which nobody can compute with the ledger's secret alone."""
    names, macs = {}, set()
    for ledger in ("one", "other"):
        own: LedgerKeys = keys.of(known(ledger), keys_id=None)
        met(own, ["buyer:taobao:欧阳若雪"])
        mac = own.mac("person", "buyer:taobao:欧阳若雪".encode())
        macs.add(mac)
        names[own.ledger] = keys._master.lookup(mac)
    with keys.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT ledger, lookup FROM persons").fetchall()
    assert {bytes(own): bytes(lookup) for own, lookup in rows} == names
    assert len({*names.values(), *macs}) == 4


def test_order__accepted_with_its_values_after_a_replay(ledger: Ledger, store: Store) -> None:
    ledger.handle(place(**BUYER), CONTEXT)
    order = Order.blank(stream()).sealed_by(ledger.keys)
    for entry in store.streams("main", [stream()]):
        event_types.decode(entry).mutate(order)
    assert {name: ledger.keys.reveal(value, order.id, version, field)
            for name, (value, version, field) in order.buyer.items()} == BUYER
