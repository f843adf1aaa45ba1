"""Levels, bins, waits and notices at any pair of clocks: those of a fold of the raw payloads."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from urllib.parse import unquote

import msgspec
import pytest

from ledger.common.errors import LedgerError
from ledger.common.values import from_us, rfc3339, to_us
from ledger.core.commands import Command
from ledger.fulfilment.commands import (
    CheckOrder,
    DeliverParcel,
    DispatchParcel,
    LoseParcel,
    PackOrder,
    PickOrder,
    RefuseParcel,
    ReleaseBackOrders,
    ReleaseReservation,
    ReserveOrder,
)
from ledger.log.envelope import Entry
from ledger.log.store import Store
from ledger.orders.commands import ApproveOrder, HoldOrder, LiftHold, SubmitOrder
from ledger.orders.values import PickedFrom
from ledger.settings import Settings, open_ledger
from ledger.stock.corrections import DID_NOT_OCCUR, INCORRECT_DATA, CorrectStock
from ledger.stock.counts import CountLine, CountStock
from ledger.stock.movements import MoveStock, StockMove
from ledger.stock.pieces import Count, Part
from ledger.stock.skus import BundleSku, SetThreshold
from ledger.stock.transfers import Arrival, ReceiveTransfer, Sending, SendTransfer
from projections import reports
from projections.asking.clocks import AsOf
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.support.builders import CONTEXT, HOUSE, NOON, line, opened, place, stream

PAIRS = 300
NOTICED = 60
"""Of so many pairs the notices are compared too: for each of them the log is folded again."""

STEPS = 700
HOUSES, GOODS, BINS = (HOUSE, "north"), ("A", "B"), ("", "", "S1", "S2")
FIRST, LAST = NOON, NOON + timedelta(days=4)
ON_HAND = {"available", "reserved", "picked", "packed", "returns_inspection", "quarantine",
           "damaged"}
INSIDE = ON_HAND | {"receiving"}
KEPT = (*sorted(INSIDE), "between_warehouses", "waiting")
PHYSICAL = INSIDE | {"between_warehouses", "with_courier"}
SHELF = {"available", "reserved"}


# -- a random history -----------------------------------------------------------------------------


def history(chance: Random) -> Iterator[Command]:
    """Commands of a shop with two warehouses, told at times in any order; some are refused."""
    yield from (opened(house) for house in HOUSES)
    yield BundleSku(sku="SET", parts=[Part("A", 2), Part("B", 1)], occurred_at=NOON)
    orders: list[Iterator[Command]] = []
    for number in range(STEPS):
        if chance.random() < 0.65:
            if len(orders) < 12 and chance.random() < 0.4:
                orders.append(an_order(chance, number))
            if orders:
                walk = chance.choice(orders)
                if (step := next(walk, None)) is None:
                    orders.remove(walk)
                else:
                    yield step
        else:
            yield of_stock(chance)
    on = {"order": stream(STEPS), "occurred_at": LAST}  # it waits to the end
    yield place(STEPS, lines=[line("A", quantity=900)])
    yield from (ApproveOrder(**on), SubmitOrder(**on, warehouse=HOUSE),
                ReserveOrder(**on, warehouse=HOUSE))


def moment(chance: Random) -> datetime:
    """A full hour: so that many things happen at the same one."""
    return FIRST + timedelta(hours=chance.randrange(72))


def an_order(chance: Random, number: int) -> Iterator[Command]:
    """An order on its way, as far as it comes."""
    quantity, order = chance.randint(1, 4), stream(number)

    def on(cls: type[Any], **fields: Any) -> Command:
        made: Command = cls(**{"order": order, "occurred_at": moment(chance), **fields})
        return made

    yield place(number, lines=[line(chance.choice((*GOODS, "SET")), quantity=quantity)],
                occurred_at=moment(chance), terms="on_delivery")
    yield on(ApproveOrder)
    yield on(SubmitOrder, warehouse=HOUSE)
    yield on(ReserveOrder, warehouse=HOUSE)
    if chance.random() < 0.2:
        yield on(HoldOrder, reason="等")
        yield on(LiftHold)
    if chance.random() < 0.15:
        yield on(ReleaseReservation, reason="不要了")
    for name in chance.sample(sorted(set(BINS)), 3):  # until it is the right one
        yield on(PickOrder, lines=[PickedFrom("1", quantity, name)])
    yield on(CheckOrder, passed=True)
    yield on(PackOrder, parcel="P1", lines=[Count("1", quantity)])
    yield on(DispatchParcel, parcel="P1", courier="顺丰", waybill=f"SF{number}")
    yield chance.choice((on(DeliverParcel, parcel="P1"), on(LoseParcel, parcel="P1", reason="丢"),
                         on(RefuseParcel, parcel="P1", reason="拒收")))


def of_stock(chance: Random) -> Command:
    """Something that happens to goods of no order."""
    sku, house, at = chance.choice(GOODS), chance.choice((HOUSE, *HOUSES)), moment(chance)
    quantity, where = chance.randint(1, 9), chance.choice(BINS)
    late = chance.choice(("", "", "", "not_counted"))

    def move(source: str, target: str, cause: str, **fields: Any) -> Command:
        one = StockMove(sku=sku, quantity=quantity, source=source, target=target, cause=cause,
                        **fields)
        return MoveStock(warehouse=house, moves=[one], reason="试", occurred_at=at, late=late)

    def count() -> Command:
        lines = [CountLine(sku=sku, quantity=chance.randint(0, 25), bin=name) for name in
                 sorted(set(chance.choices(BINS, k=2)))]
        lines += [CountLine(sku=sku, quantity=quantity, place="damaged")] * (quantity < 4)
        return CountStock(warehouse=house, counts=lines, occurred_at=at)

    sent = {"number": str(chance.randint(1, 5)), "occurred_at": at}
    came = {**sent, "occurred_at": max(at, moment(chance), moment(chance))}
    return chance.choice((
        *[lambda: move("supplier", "available", "receipt", to_bin=where)] * 4,
        lambda: move("supplier", "receiving", "receipt"),
        lambda: move("receiving", "available", "put_away", to_bin=where),
        lambda: move("available", "written_off", "write_off", bin=where),
        lambda: move("available", "damaged", "damage", bin=where),
        lambda: move("available", "available", "bin_move", bin=where, to_bin="S3"),
        count, count,
        lambda: SetThreshold(sku=sku, threshold=quantity, occurred_at=at),
        lambda: ReleaseBackOrders(warehouse=house, sku=sku, occurred_at=at),
        lambda: SendTransfer(source=HOUSE, target="north", lines=[
            Sending(sku=sku, quantity=quantity, bin=where)], **sent, late=late),
        lambda: ReceiveTransfer(reason="少", **came, lines=[Arrival(
            sku=sku, quantity=chance.randint(1, 3), bin=where if gone == "available" else "",
            place=gone) for gone in [chance.choice(("available", "written_off"))]]),
    ))()


def correction(chance: Random, wrong: Entry) -> Command:
    """An event of a document of stock is taken back, or told otherwise."""
    payload: dict[str, Any] = msgspec.json.decode(wrong.payload)
    fields: dict[str, Any] = {}
    kind = chance.choice((DID_NOT_OCCUR, INCORRECT_DATA))
    if not wrong.stream.startswith(("movement:", "count:")):
        kind = DID_NOT_OCCUR
    if kind == INCORRECT_DATA:
        one = payload.get("postings", [{"account": "stock:main:A"}])[0]
        sku = one["account"].split(":")[2]
        fields = {"counts": [CountLine(sku=sku, quantity=chance.randint(0, 9))]} if (
            wrong.stream.startswith("count:")) else {"moves": [StockMove(
                sku=sku, quantity=2, source="supplier", target="available", cause="receipt")]}
    return CorrectStock(document=wrong.stream, position=wrong.position, reason="错",
                        kind=kind, occurred_at=moment(chance), **fields)


class Shop(NamedTuple):
    """A shop with a history, and its read models."""

    store: Store
    models: ReadModels
    entries: list[Entry]


@pytest.fixture(scope="module", params=[1, 2])
def shop(request: pytest.FixtureRequest) -> Iterator[Shop]:
    """A history in which all that matters happened."""
    here = open_ledger(Settings(database_url="memory:", keys_url="memory:", master_key_file=None))
    chance = Random(request.param)
    for command in history(chance):
        (result,) = here.ledger.handle_many([(command, CONTEXT)])
        assert not isinstance(result, LedgerError) or result.rule not in ("", "R-LOG-04"), result
        if chance.random() < 0.05:
            documents = [one for one in here.store.read("main", limit=10_000)
                         if one.type.startswith(("stock.", "transfer."))]
            wrong = chance.choice(documents[-30:]) if documents else None
            if wrong is not None:
                here.ledger.handle_many([(correction(chance, wrong), CONTEXT)])
    models = ReadModels(here.store, PROJECTIONS)
    models.catch_up("main")
    yield Shop(here.store, models, here.store.read("main", limit=10_000))
    models.close()
    here.close()


# -- the fold of raw payloads ---------------------------------------------------------------------


class Raw(NamedTuple):
    """A posting as it stands in a payload, or an observation, which moves nothing."""

    position: int
    document: str
    account: tuple[str, str]
    at: int
    posting: dict[str, Any]


def raw_of(entries: list[Entry]) -> list[Raw]:
    """What entries post and observe, in order."""
    found = []
    for one in entries:
        payload = msgspec.json.decode(one.payload)
        for name in ("postings", "observations"):
            for part in payload.get(name, ()):
                _, house, sku = part["account"].split(":")
                at = to_us(datetime.fromisoformat(part["at"])) if "at" in part else one.occurred_at
                found.append(Raw(one.position, one.stream, (unquote(sku), house), at,
                                 part if name == "postings" else {}))
    return found


def changes_of(posting: dict[str, Any]) -> list[tuple[str, int, str]]:
    """Which places a posting changes by how much, and through which bin."""
    if not posting:
        return []
    pieces = posting["quantity"]
    return [(posting["from"], -pieces, posting.get("bin", "")),
            (posting["to"], pieces, posting.get("to_bin", ""))]


class Books(NamedTuple):
    """What a cut of the log says: pieces by place, and by bin of the shelf."""

    levels: dict[tuple[str, str], Counter[str]]
    bins: dict[tuple[str, str], Counter[str]]


def books(raw: list[Raw], position: int, at: int) -> Books:
    """What was posted up to a position, at times up to another."""
    found = Books(defaultdict(Counter), defaultdict(Counter))
    for one in raw:
        if one.position <= position and one.at <= at:
            found.levels[one.account].update()
            for where, change, name in changes_of(one.posting):
                found.levels[one.account][where] += change
                if where in SHELF:
                    found.bins[one.account][name] += change
    return found


def listed_bins(found: Books) -> list[tuple[str, str, str, str, int]]:
    """The rows of the report on bins."""
    rows = [(*item, "shelf", name, pieces) for item, known in found.bins.items()
            for name, pieces in known.items() if pieces]
    rows += [(*item, where, "", pieces) for item, known in found.levels.items()
             for where, pieces in known.items() if where in INSIDE - SHELF and pieces]
    return sorted(rows)


class Noticed(NamedTuple):
    """A notice: of what, since which event and time, how low, and until which event."""

    item: tuple[str, str]
    place: str
    bin: str
    opened: tuple[int, int]
    lowest: int
    closed: int | None


def noticed(shop: Shop, position: int, at: int) -> list[Noticed]:
    """Every notice that was opened: after each event it is looked at all levels."""
    limits, done = Counter[str](), []
    raw = defaultdict(list)
    for one in raw_of(shop.entries):
        raw[one.position].append(one)
    levels: dict[tuple[str, str, str, str], int] = {}
    opened: dict[tuple[str, str, str, str], Noticed] = {}
    for entry in shop.entries[:position]:
        times: dict[tuple[str, str], int] = {}
        for one in (one for one in raw[entry.position] if one.at <= at):
            times[one.account] = max(times.get(one.account, 0), one.at)
            levels.setdefault((*one.account, "", ""), 0)
            for where, change, name in changes_of(one.posting):
                keys = [(*one.account, where, "")] if where in PHYSICAL else []
                keys += [(*one.account, "", "")] if where == "available" else []
                keys += [(*one.account, "shelf", name)] if where in SHELF and name else []
                for key in keys:
                    levels[key] = levels.get(key, 0) + change
        if entry.type == "sku.threshold_set.v1" and entry.occurred_at <= at:
            payload = msgspec.json.decode(entry.payload)
            limits[payload["sku"]] = payload["threshold"] - 10
            times |= {key[:2]: entry.occurred_at for key in levels if key[0] == payload["sku"]}
        for key, level in levels.items():
            if key[:2] not in times:
                continue
            least = 10 + limits[key[0]] if key[2] == "" else 0
            known = opened.pop(key, None)
            if level < least:
                opened[key] = known._replace(lowest=min(known.lowest, level)) if known else Noticed(
                    key[:2], *key[2:], (entry.position, times[key[:2]]), level, None)
            elif known:
                done.append(known._replace(closed=entry.position))
    return sorted([*done, *opened.values()], key=repr)


# -- both are the same ----------------------------------------------------------------------------


def clocks(shop: Shop, chance: Random) -> Iterator[tuple[AsOf, int, datetime]]:
    """Random pairs: a position or a time of recording, and a time of the business."""
    for number in range(PAIRS):
        position = chance.randint(1, len(shop.entries))
        occurred = FIRST + chance.random() * (LAST - FIRST)
        occurred = occurred.replace(minute=0, second=0, microsecond=0)
        recorded = shop.entries[position - 1].recorded_at
        if number % 2:
            yield AsOf.parse(position, None, rfc3339(occurred)), position, occurred
        else:
            yield (AsOf.parse(None, rfc3339(from_us(recorded)), rfc3339(occurred)),
                   sum(one.recorded_at <= recorded for one in shop.entries), occurred)


def asked(shop: Shop, name: str, as_of: AsOf, **fields: Any) -> list[dict[str, Any]]:
    """The rows of a report."""
    return reports.REPORTS[name](shop.models, "main", Question(as_of=as_of, **fields)).rows


def test_history__holds_all_that_may_make_a_difference(shop: Shop) -> None:
    types, raw = {one.type for one in shop.entries}, raw_of(shop.entries)
    assert types >= {
        "stock.counted.v1", "transfer.sent.v1", "transfer.received.v1", "order.picked.v1",
        "order.reservation_taken_back.v1", "order.parcel_refused.v1", "sku.threshold_set.v1"}
    causes = Counter(one.posting["cause"] for one in raw if one.posting)
    assert types >= {"movement.corrected.v1", "count.corrected.v1"}
    assert causes.keys() >= {"already_counted", "correction", "back_order",
                             "back_order_ended", "count", "loss"}
    own = {one.position: one.occurred_at for one in shop.entries}
    assert sum(one.at != own[one.position] for one in raw) > 10


def test_levels_bins_and_waits__equal_a_fold_of_raw_payloads_at_any_pair_of_clocks(
    shop: Shop
) -> None:
    raw, compared = raw_of(shop.entries), 0
    for as_of, position, occurred in clocks(shop, Random(3)):
        wanted = books(raw, position, to_us(occurred))
        rows = asked(shop, "inventory", as_of)
        assert {(row["sku"], row["warehouse"]): tuple(row[name] for name in KEPT)
                for row in rows} == {item: tuple(known[name] for name in KEPT)
                                     for item, known in wanted.levels.items()}
        for row in rows:
            known = wanted.levels[row["sku"], row["warehouse"]]
            assert row["on_hand"] == sum(known[name] for name in ON_HAND)
            assert row["discrepancy"] == -sum(min(0, known[name]) for name in PHYSICAL)
        assert [(row["sku"], row["warehouse"], row["place"], row["bin"], row["quantity"])
                for row in asked(shop, "bins", as_of)] == listed_bins(wanted)
        for row in asked(shop, "stock-ledger", as_of):
            known = wanted.levels[row["sku"], row["warehouse"]]
            assert row["closing"] == sum(known[name] for name in ON_HAND)
            assert row["between_closing"] == known["between_warehouses"]
        compared += len(rows)
    assert compared > PAIRS


def test_levels__of_now_are_those_of_everything(shop: Shop) -> None:
    last = to_us(LAST)
    wanted = books(raw_of(shop.entries), len(shop.entries), last)
    rows = asked(shop, "inventory", AsOf())
    assert [row["waiting"] for row in rows] == [
        wanted.levels[row["sku"], row["warehouse"]]["waiting"] for row in rows]
    assert any(row["waiting"] for row in rows)
    assert [tuple(row[name] for name in ("sku", "warehouse", "place", "bin", "quantity"))
            for row in asked(shop, "bins", AsOf())] == listed_bins(wanted)


def test_notices__are_those_of_all_levels_after_each_event_at_any_pair_of_clocks(
    shop: Shop
) -> None:
    kinds: Counter[str] = Counter()
    pairs = [(AsOf(), len(shop.entries), LAST), *clocks(shop, Random(4))][:NOTICED]
    for as_of, position, occurred in pairs:
        found = []
        for name in ("low-stock", "discrepancies"):
            rows = asked(shop, name, as_of)
            assert all(row["open"] is (row["closed_position"] is None) for row in rows)
            found += [Noticed(
                (row["sku"], row["warehouse"]), row.get("place", ""), row.get("bin", ""),
                (row["opened_position"], to_us(datetime.fromisoformat(row["opened_at"]))),
                row["lowest"], row["closed_position"]) for row in rows]
        assert sorted(found, key=repr) == noticed(shop, position, to_us(occurred))
        kinds.update(one.place + bool(one.bin) * "+" for one in found)
    assert kinds.keys() >= {"", "available", "shelf+"}


def test_stock_card__has_a_line_for_each_document_and_time_that_adds_up(shop: Shop) -> None:
    raw = raw_of(shop.entries)
    for sku in GOODS:
        rows = asked(shop, "stock-card", AsOf(), subject=f"sku:{sku}")
        assert sorted((row["position"], row["document"], row["warehouse"], row["occurred_at"])
                      for row in rows) == sorted({
            (one.position, one.document, one.account[1], rfc3339(from_us(one.at)))
            for one in raw if one.account[0] == sku})
        last = {row["warehouse"]: (row["on_hand"], row["available"]) for row in rows}
        wanted = books(raw, len(shop.entries), to_us(LAST)).levels
        assert last == {house: (sum(wanted[sku, house][name] for name in ON_HAND),
                                wanted[sku, house]["available"]) for house in last}
