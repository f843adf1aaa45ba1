"""The tables of docs/time.md are what the code answers, and what its script finds in the file."""

import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ledger.application import Ledger
from ledger.common.context import Context
from ledger.common.moments import Moment
from ledger.common.values import to_us
from ledger.core.clock import DayLog
from ledger.core.commands import Command
from ledger.log.clock import Clock
from ledger.orders.values import Amounts
from ledger.settings import Opened, Settings, open_ledger
from projections import reports
from projections.asking.clocks import AsOf
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.support.builders import CONTEXT, pay, place
from tests.support.projecting import IMPORT, bring, correct, put, refund, tell
from tests.support.real import TMALL, needs

PAGE = (Path(__file__).parents[2] / "docs/time.md").read_text("utf-8")
SHANGHAI = ZoneInfo("Asia/Shanghai")
NOT_ASKED = "–"


def table(name: str) -> list[list[str]]:
    """The cells of a table of the page, without its head."""
    lines = PAGE.split(f"<!-- table: {name} -->\n")[1].split("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


class Shop:
    """A ledger whose clock the test sets."""

    def __init__(self, begins: datetime) -> None:
        self.now = to_us(begins)
        self.opened: Opened = open_ledger(
            Settings(database_url="memory:", keys_url="memory:", master_key_file=None),
            clock=Clock(wall=lambda: self.now, steady=lambda: self.now))
        self.models = ReadModels(self.opened.store, PROJECTIONS)

    @property
    def ledger(self) -> Ledger:
        """The ledger."""
        return self.opened.ledger

    def tell(self, recorded: datetime, command: Command, context: Context = CONTEXT) -> None:
        """Record a command at a moment."""
        self.now = to_us(recorded)
        put(self.ledger, command, context=context)

    def ask(self, name: str, recorded: str | None, occurred: str | None,
            **more: Any) -> list[dict[str, Any]]:
        """The rows of a report as of both moments."""
        as_of = AsOf.parse(None, recorded, occurred)
        return reports.run(self.models, "main", name, Question(as_of=as_of, **more)).rows

    def close(self) -> None:
        """Let go of everything."""
        self.models.close()
        self.opened.close()


@pytest.fixture
def shop() -> Iterator[Shop]:
    found = Shop(at(1, 9))
    yield found
    found.close()


def at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment of the shop's October."""
    return datetime(2026, 10, day, hour, minute, tzinfo=SHANGHAI)


def a_week(shop: Shop) -> None:
    """The events of the first two tables."""
    shop.tell(at(1, 10), _place("A", 100, at(1, 10)))
    shop.tell(at(1, 10, 5), pay("A", 10000, occurred_at=at(1, 10, 5)))
    shop.tell(at(2, 9), _place("B", 60, at(2, 9)))
    shop.tell(at(3, 9), tell("C", amounts=Amounts(total_minor=4000), placed=Moment(at(1, 20)),
                             paid=Moment(at(1, 20, 10)), paid_minor=4000, refunded_minor=0))
    shop.tell(at(4, 11), refund("A", 3000, occurred_at=at(2, 12)))
    shop.tell(at(5, 9), pay("B", 6000, occurred_at=at(3, 18)))
    shop.tell(at(6, 10), correct("A", "paid", 9000, occurred_at=at(6, 10)))


def two_ends(shop: Shop) -> None:
    """The events of the next two."""
    told: dict[str, Any] = {"amounts": Amounts(total_minor=1000), "placed": Moment(at(7, 9))}
    shop.tell(at(7, 9), tell("E", **told), IMPORT)
    shop.tell(at(8, 12), tell("E", **told, ended=Moment(at(8, 10)), ended_as="closed"), IMPORT)
    shop.tell(at(9, 12), tell("E", **told, ended=Moment(at(7, 15)), ended_as="completed"), IMPORT)


def _place(number: str, total: int, occurred_at: datetime) -> Command:
    return place(number, lines=None, amounts=Amounts(total_minor=100 * total),
                 occurred_at=occurred_at)


def end_of(day: str) -> str | None:
    """`3rd` as the day that a question names."""
    return None if day == NOT_ASKED else f"2026-10-{int(re.sub('[a-z]', '', day)):02}"


def test_events__are_those_of_the_page(shop: Shop) -> None:
    a_week(shop)
    two_ends(shop)
    listed = re.findall(r"^\| (\d+) \| (\d+).. (\S+) \| (\d+).. (\S+) \|", PAGE, re.MULTILINE)
    moments = [(one.position, one.recorded_at, one.occurred_at)
               for one in shop.opened.store.read("main", after=1)
               if one.type != DayLog.DayClosed.TOPIC]
    assert moments == [
        (int(position), *(to_us(at(int(day), *map(int, time.split(":"))))
                          for day, time in ((told, told_at), (happened, happened_at))))
        for position, told, told_at, happened, happened_at in listed]


@pytest.mark.parametrize("row", table("week"), ids=lambda row: f"{row[0]}-{row[1]}")
def test_week__answers_as_derived_by_hand(shop: Shop, row: list[str]) -> None:
    a_week(shop)
    recorded, occurred, positions, *figures = row
    (found,) = shop.ask("reconciliation", end_of(recorded), end_of(occurred))
    assert found["orders"] - found["paid_orders"] == found["unpaid_orders"]
    assert [found["orders"], found["paid_orders"]] == [int(cell) for cell in figures[:2]]
    assert [found[f"{name}_minor"] for name in ("total", "paid", "refunded", "net")] == [
        100 * int(cell) for cell in figures[2:]]
    subjects = [f"order:taobao:云杉书店:{number}" for number in "ABC"]
    taken = [event["position"] for subject in subjects
             for event in _timeline(shop, subject, end_of(recorded), end_of(occurred))]
    assert sorted(taken) == [int(position) for position in positions.split()]


def _timeline(shop: Shop, subject: str, recorded: str | None, occurred: str | None) -> Any:
    return shop.ask("timeline", recorded, occurred, subject=subject)


@pytest.mark.parametrize("row", table("ends"), ids=lambda row: f"{row[0]}-{row[1]}")
def test_ends__answer_as_derived_by_hand(shop: Shop, row: list[str]) -> None:
    a_week(shop)
    two_ends(shop)
    subject = "order:taobao:云杉书店:E"
    recorded, occurred, positions, status = row
    moments = end_of(recorded), end_of(occurred)
    (found,) = shop.ask("orders", *moments, subject=subject)
    assert found["review_status"] == status
    assert [event["position"] for event in _timeline(shop, subject, *moments)] == [
        int(position) for position in positions.split()]


HALVES = {"first half": datetime(2020, 3, 10, 9, tzinfo=SHANGHAI),
          "second half": datetime(2020, 3, 11, 9, tzinfo=SHANGHAI)}


@pytest.fixture
def report(tmp_path: Path) -> Iterator[Shop]:
    """The real report, imported in two halves."""
    folder, found = tmp_path, Shop(HALVES["first half"])
    lines = TMALL.read_text("utf-8").splitlines(keepends=True)
    for (name, moment), rows in zip(HALVES.items(), (lines[1:14006], lines[14006:]), strict=True):
        found.now = to_us(moment)
        path = folder / f"{name}.csv"
        path.write_text(lines[0] + "".join(rows), "utf-8", newline="")
        bring(found.ledger, path, profile="tmall-report", folder=folder)
    yield found
    found.close()


@needs(TMALL)
def test_tmall__has_its_control_totals_and_answers_as_derived_by_the_script(report: Shop) -> None:
    assert report.ask("reconciliation", None, None) == [{
        "currency": "CNY", "orders": 28010, "unpaid_orders": 3923, "paid_orders": 24087,
        "refunded_orders": 5646, "fully_refunded_orders": 5132, "goods_minor": None,
        "postage_minor": None, "discount_minor": None, "total_minor": 299576061,
        "paid_minor": 247482307, "refunded_minor": 57233592, "net_minor": 190248715,
        "lines": None, "pieces_sold": None, "pieces_cancelled": None, "pieces_written_off": None,
        "pieces_found": None, "value": None}]
    assert report.models.compare_with_rebuild("main") == []
    asked = 0
    for half, occurred, *figures in table("tmall"):
        recorded = (HALVES[half] + timedelta(hours=1)).isoformat()
        (found,) = report.ask("reconciliation", recorded,
                              None if occurred == NOT_ASKED else occurred)
        names = ("orders", "unpaid_orders", "paid_orders", "refunded_orders",
                 "fully_refunded_orders", "total_minor", "paid_minor", "refunded_minor",
                 "net_minor")
        assert [found[name] for name in names] == [
            int(cell.replace(".", "")) for cell in figures], (half, occurred)
        asked += 1
    assert asked == 6
    assert report.ask("reconciliation", "2020-03-10T08:59:59+08:00", None) == []


@needs(TMALL)
def test_script__finds_the_figures_of_the_table(tmp_path: Path) -> None:
    script = tmp_path / "figures.py"
    script.write_text(PAGE.split("```python\n")[1].split("```")[0], "utf-8")
    printed = subprocess.run([sys.executable, "-I", str(script), str(TMALL)], check=True,
                             capture_output=True, text=True).stdout
    assert [[float(cell) for cell in line.split()] for line in printed.splitlines()] == [
        [float(cell) for cell in row[2:]] for row in table("tmall")]
