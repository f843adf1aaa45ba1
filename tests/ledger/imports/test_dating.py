"""Which of two files is the older news: by their own times, never by who came first."""

import json
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ledger.common.values import from_us, rfc3339
from ledger.core import event_types
from ledger.imports.dating import FileNotYetMade
from ledger.imports.importer import REJECT_FAILED_ROWS
from ledger.imports.profile import Profile
from ledger.imports.profiles import InvalidProfile, parse
from ledger.orders.order import Order
from tests.support.shops import Shop
from tests.support.thorough import tried

HEADER = "Nr,Zeit,Bezahlt,Versandt,SKU,Menge,Preis,Summe,Adresse,Notiz"
PROFILE = """
name: weekly
version: 1
channel: x
shop: x
money: {currency: CNY, exponent: 2}
times: {zone: Asia/Shanghai, formats: ["%Y-%m-%d %H:%M:%S"]}
files:
  lines:
    columns:
      Nr: {field: number, kind: id, required: true}
      Zeit: {field: placed, kind: time, required: true}
      Bezahlt: {field: paid, kind: time}
      Versandt: {field: sent, kind: time}
      SKU: {field: sku, kind: id}
      Menge: {field: quantity, kind: integer, required: true}
      Preis: {field: price, kind: money, required: true}
      Summe: {field: total, kind: money}
      Adresse: {field: address, kind: text, personal: true}
      Notiz: {field: remark, kind: text, personal: true}
order:
  file: lines
  number: number
  address: address
  remark: remark
  lines: {of: lines, sku: sku, quantity: quantity, unit_price: price}
  total_minor: total
  placed: {at: placed}
  paid: {at: paid}
  paid_minor: total
  dispatched: {at: sent}
stated: {name: "week([0-9]{8})", format: "%Y%m%d"}
"""
WEEKLY: Profile = parse(PROFILE, "weekly")
PLACED, PAID, SENT = (f"2026-09-01 {hour:02d}:00:00" for hour in (9, 10, 11))


@pytest.fixture
def shop(tmp_path: Path) -> Any:
    """A ledger to import into."""
    made = Shop(tmp_path)
    yield made
    made.close()
    made.opened.close()


def row(sku: str = "A", price: str = "39.80", *, paid: str = PAID, sent: str = "",
        total: str = "60.00", address: str = "某路", remark: str = "") -> str:
    """A row of order 1."""
    return f"1,{PLACED},{paid},{sent},{sku},1,{price},{total},{address},{remark}"


def both(**more: str) -> list[str]:
    """The two lines of order 1."""
    return [row(**more), row("B", "20.20", **more)]


def order(shop: Shop) -> Any:
    """Order 1 as the log has it."""
    found = Order.blank("order:x:x:1").sealed_by(shop.opened.ledger.keys)
    for entry in shop.opened.store.streams("main", [found.id]):
        found.fold(event_types.decode(entry), entry.version)
    return found


def known(shop: Shop) -> dict[str, Any]:
    """What is known of order 1."""
    found = order(shop)
    return {
        "lines": sorted((line.sku, line.quantity) for line in found.lines.values()),
        "amounts": found.amounts, "paid": found.paid_minor, "sent": found.dispatched_at,
        "address": found.revealed("address"), "remark": found.revealed("remark")}


@pytest.mark.parametrize("turn", list(permutations(range(3))))
@pytest.mark.parametrize("together", [True, False])
def test_period_of_week1_and_week2__in_any_order_or_together(
    shop: Shop, turn: Sequence[int], together: bool
) -> None:
    """R-IMP-24. Two weeks without any time of their own, and one of them again."""
    files = [shop.file(rows, name, HEADER) for name, rows in (
        ("one.csv", both()), ("two.csv", both(sent=SENT)), ("again.csv", both()))]
    files = [files[at] for at in turn]
    for batch in [files] if together else [[file] for file in files]:
        assert shop.bring(*batch, profile=WEEKLY).ok
    found = known(shop)
    assert found["lines"] == [("A", 1), ("B", 1)]
    assert (found["paid"], found["amounts"].total_minor) == (6000, 6000)
    assert found["sent"] is not None


def test_period_of_files__rejected_with_both_rows_where_nothing_dates_them(shop: Shop) -> None:
    """R-IMP-24. Whichever is named first."""
    one = shop.file([*both(address="旧路")], "one.csv", HEADER)
    two = shop.file(["2" + row()[1:], *both(address="新路")], "two.csv", HEADER)
    for files in ((one, two), (two, one)):
        summary = shop.bring(*files, profile=WEEKLY, policy=REJECT_FAILED_ROWS, dry_run=True)
        assert {(fault.file, fault.row, fault.code) for fault in summary.faults} == {
            ("one.csv", 2, "files_disagree"), ("two.csv", 3, "files_disagree")}
        assert (summary.accepted, summary.rejected) == (1, 4)


@pytest.mark.parametrize("turn", list(permutations(range(3))))
def test_period_of_older_file__changes_nothing_and_fills_gaps(
    shop: Shop, turn: Sequence[int]
) -> None:
    """R-IMP-24. What the newest one is silent of is as the newest of the others says it."""
    weeks = [both(address="一路", remark="一", total="59.00"), both(address="二路", remark="二"),
             both(address="三路", sent=SENT)]
    for at in turn:
        shop.bring(shop.file(weeks[at], f"week2026090{at + 2}.csv", HEADER), profile=WEEKLY)
    found = known(shop)
    assert (found["address"], found["remark"]) == ("三路", "二")
    assert (found["amounts"].total_minor, found["paid"]) == (6000, 6000)
    assert found["sent"] is not None


def test_period_of_same_rows_in_a_newer_file__are_newer_news(shop: Shop) -> None:
    """What was true again last week is not undone by a file from between."""
    for week, address in (("20260902", "一路"), ("20260910", "一路"), ("20260905", "二路")):
        shop.bring(shop.file(both(address=address), f"week{week}.csv", HEADER), profile=WEEKLY)
    assert known(shop)["address"] == "一路"
    before = len(shop.log())
    again = shop.bring(shop.folder / "week20260910.csv", profile=WEEKLY)
    assert (again.events, len(shop.log())) == (0, before)


def test_period_of_older_file__is_counted_as_older_news(shop: Shop) -> None:
    """R-IMP-24: whoever imports an old export by mistake is told. What is on record is a repeat."""
    newer = shop.file(both(address="新路"), "week20260910.csv", HEADER)
    older = shop.file([*both(address="旧路"), "2" + row()[1:]], "week20260902.csv", HEADER)
    assert shop.bring(newer, profile=WEEKLY).older == 0
    found = shop.bring(older, profile=WEEKLY, dry_run=True)
    assert (found.accepted, found.duplicates, found.older) == (1, 2, 2)
    found = shop.bring(older, profile=WEEKLY)
    assert (found.accepted, found.duplicates, found.older) == (1, 2, 2)
    assert found.counts()["older"] == 2
    found = shop.bring(older, profile=WEEKLY)  # order 2 is a repeat by now, order 1 is older still
    assert (found.accepted, found.duplicates, found.older) == (0, 3, 2)
    assert shop.bring(newer, profile=WEEKLY).older == 0


def test_period_of_older_file__without_a_time_is_known_by_what_had_not_happened(shop: Shop) -> None:
    shop.bring(shop.file(both(sent=SENT), "two.csv", HEADER), profile=WEEKLY)
    found = shop.bring(shop.file(both(address="旧路"), "one.csv", HEADER), profile=WEEKLY)
    assert (found.events, found.duplicates, found.older) == (0, 2, 2)
    found = shop.bring(shop.file(["x" + row()], "bad.csv", HEADER.replace("Nr", "?")),
                       profile=WEEKLY)
    assert (found.rejected, found.older) == (1, 0)


def test_period_of_as_of__dates_files_whose_names_do_not(shop: Shop) -> None:
    newer, older = (shop.file(both(address=way), f"{way}.csv", HEADER) for way in ("新路", "旧路"))
    shop.bring(newer, profile=WEEKLY, as_of_us=1_790_000_000_000_000)
    shop.bring(older, profile=WEEKLY, as_of_us=1_789_000_000_000_000)
    assert known(shop)["address"] == "新路"


def test_period_of_file__rejected_when_it_is_said_not_to_be_made_yet(shop: Shop) -> None:
    """R-IMP-25."""
    with pytest.raises(FileNotYetMade, match="week29990101.csv"):
        shop.bring(shop.file(both(), "week29990101.csv", HEADER), profile=WEEKLY)
    shop.summary = None


@pytest.mark.parametrize("name", ["week(", "week", "(w)(k)"])
def test_period_of_profile__rejected_whose_pattern_has_not_one_group(name: str) -> None:
    with pytest.raises(InvalidProfile, match="/stated"):
        parse(PROFILE.replace("week([0-9]{8})", name), "weekly")


ways = st.sampled_from(["", "一路", "二路", "三路"])
weeks = st.lists(st.builds(
    lambda address, remark, total, sent: both(
        address=address, remark=remark, total=total, sent=sent),
    ways, ways, st.sampled_from(["59.00", "60.00"]), st.sampled_from(["", SENT])),
    min_size=2, max_size=4)


@hypothesis_settings(max_examples=tried(25), deadline=None)
@given(rows=weeks, data=st.data())
def test_period_of_dated_files__give_the_same_orders_in_any_order_and_grouping(
    rows: list[list[str]], data: st.DataObject
) -> None:
    """R-IMP-24. The oracle: one after another, the oldest first."""
    turn = data.draw(st.permutations(range(len(rows))))
    cuts = data.draw(st.lists(st.booleans(), min_size=len(rows), max_size=len(rows)))
    groups: list[list[int]] = []
    for at, alone in zip(turn, cuts, strict=True):
        if alone or not groups:
            groups.append([])
        groups[-1].append(at)
    found = []
    for batches in ([[at] for at in range(len(rows))], groups):
        with TemporaryDirectory() as folder:
            shop = Shop(Path(folder))
            for batch in batches:
                files = [shop.file(rows[at], f"week2026090{at + 2}.csv", HEADER) for at in batch]
                assert shop.bring(*files, profile=WEEKLY).ok
            found.append(known(shop))
            shop.close()
            shop.opened.close()
    # Sums paid only grow: that a file says less than an older one is no refund.
    for one in found:
        one.pop("paid")
    assert found[0] == found[1]


@pytest.mark.parametrize(("zone", "at"), [
    ("Asia/Shanghai", "2026-10-24T18:30:00Z"), ("Europe/Berlin", "2026-10-25T00:30:00Z"),
    ("America/New_York", "2026-10-25T06:30:00Z")])
def test_profile__without_a_zone_is_read_in_that_of_the_ledger(
    tmp_path: Path, zone: str, at: str
) -> None:
    """In Berlin 02:30 of that day comes twice: it is the earlier of the two, each time."""
    shop = Shop(tmp_path, zone)
    row = "1,2026-10-25 02:30:00,,,A,1,5.00,5.00,,"
    profile = parse(PROFILE.replace("zone: Asia/Shanghai, ", "").encode(), "it")
    shop.bring(shop.file([row], "week20261026.csv", HEADER), profile=profile)
    (placed,) = (entry for entry in shop.log() if entry.type == Order.Placed.TOPIC)
    assert rfc3339(from_us(placed.occurred_at)) == at
    assert json.loads(placed.source)["zone"] == zone
    again = shop.bring(shop.file([row, row.replace("1,2", "2,2", 1)], "week20261026.csv", HEADER),
                       profile=profile)
    assert (again.accepted, again.duplicates) == (1, 1)
    shop.close()
    shop.opened.close()
