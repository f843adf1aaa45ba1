"""The story of `ledger demo`: a shop's two monthly exports, its stock, its people."""

import os
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from api.demo import people as demo_people
from api.demo import scores as demo_scores
from api.demo import stock as demo_stock
from api.demo import warehouse as demo_warehouse
from api.http.starting import command_for
from api.messages import tr
from ledger.common.context import Context
from ledger.common.errors import Misconfigured
from ledger.common.values import to_us
from ledger.imports import profiles
from ledger.imports.importer import run_import
from ledger.log.clock import Clock
from ledger.log.store import SUFFIX
from ledger.log.verify import verify
from ledger.settings import Opened, Settings, open_ledger
from projections.asking.clocks import AsOf
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.reports import run as ask
from projections.store.models import ReadModels

EXPORTS = (
    ("ExportOrderList202608312359.csv", "2026-08-31T23:59:59+08:00"),
    ("ExportOrderList202609302359.csv", "2026-09-30T23:59:59+08:00"),
)
"""The order lists and when each was recorded."""

AUGUST_END = "2026-08-31"
COLUMNS = ("orders", "unpaid_orders", "paid_orders", "refunded_orders", "total_minor",
           "paid_minor", "refunded_minor", "net_minor")


class DemoNotEmpty(Misconfigured):
    """The demo needs an empty database, and {url} holds {events} events. Name another one in
    LEDGER_DATABASE_URL, or run `make demo`, which makes its own."""

    code = "demo_not_empty"
    rule = "R-DEM-01"


def samples() -> Path:
    """The folder of samples: in the package where it is installed, else in the project's folder."""
    installed = Path(__file__).parents[1] / "samples"
    return installed if installed.is_dir() else installed.parents[1] / "samples"


@contextmanager
def _at(settings: Settings, moment: str, name: str = "main") -> Iterator[Opened]:
    """A ledger with a clock stopped at a moment, so that the demo is the same every time."""
    now = to_us(datetime.fromisoformat(moment))
    opened = open_ledger(settings, name=name, clock=Clock(wall=lambda: now, steady=lambda: now))
    try:
        yield opened
    finally:
        opened.close()


MADE = "sqlite:///var/demo.db"
"""Where `make demo` records it."""


def run() -> None:
    """Record the sample in an empty database and tell its story. Errors: R-DEM-01."""
    settings = Settings.from_environment()
    store = settings.open_store()
    try:
        if events := store.head("main").position:
            raise DemoNotEmpty(url=settings.database_url, events=events)
    finally:
        store.close()
    _heading(1, tr("Two monthly exports of one shop go in, each recorded on the day it was made"))
    for name, moment in EXPORTS:
        _record(settings, name, moment)
    click.echo(tr("The second one lists 91 orders of August again, most of them with a newer "
                  "status: only what is new is recorded, nothing twice."))
    with _at(settings, EXPORTS[-1][1]) as opened, \
            closing(ReadModels(opened.store, PROJECTIONS)) as models:
        _show_sales(models)
        _heading(5, tr("Stock: counted, sold, sent, and never oversold"))
        demo_stock.run(opened)
        _heading(6, tr("The warehouse: a piece cancelled, a parcel refused, a bin counted"))
        with _at(settings, EXPORTS[-1][1], "main" + SUFFIX) as readings:
            demo_warehouse.run(opened, readings.ledger)
        _heading(7, tr("People: who works here, and what they are charged with"))
        demo_scores.charge(opened, demo_people.run(opened))
    _heading(8, tr("September: graded, sealed, appealed against, restated"))
    with _at(settings, demo_scores.SEALED_AT) as opened:
        demo_scores.close(opened)
    with _at(settings, demo_scores.RESTATED_AT) as opened:
        demo_scores.restate(opened)
    _prove(settings)


def _record(settings: Settings, name: str, moment: str) -> None:
    context = Context(actor="system", role="integration", client="demo")
    profile = profiles.find("taobao-orders")
    with _at(settings, moment) as opened, run_import(
        opened.ledger, [samples() / "taobao" / name], profile, context=context,
        staging_dir=Path(settings.database_url.removeprefix("sqlite:///")).parent,
    ) as summary:
        counts = ", ".join(f"{key} {value}" for key, value in summary.counts().items())
        click.echo(f"  {name}: {counts}")


def _show_sales(models: ReadModels) -> None:
    _heading(2, tr("What the shop sold in two months, to the fen"))
    _sums(models, AsOf())
    _heading(3, tr("August, in both clocks"))
    click.echo(tr("What had happened by 31 August, as the ledger knew it then:"))
    _sums(models, AsOf.parse(None, AUGUST_END, AUGUST_END))
    click.echo(tr("The same August, as it is known a month later (the second file dates refunds of "
                  "August's orders to their payment):"))
    _sums(models, AsOf.parse(None, None, AUGUST_END))
    _heading(4, tr("One order's history: who recorded what, when it happened, when it was known"))
    subject = _changed_order(models)
    answer = ask(models, "main", "timeline", Question(subject=subject))
    click.echo(f"  {subject}")
    for row in answer.rows:
        # To the second: each commit is a microsecond later, and their number is the machine's.
        recorded = row["recorded_at"][:len("2026-08-31T15:59:59")]
        click.echo(f"  {row['position']:>5}  {row['type']:<26} {row['occurred_at']}  "
                   f"recorded {recorded}Z  {_brief(row)}")


def _brief(row: dict[str, Any]) -> str:
    payload = row["payload"]
    names = ("amount_minor", "amounts", "reason", "courier", "inferred")
    return ", ".join(f"{name} {payload[name]}" for name in names if name in payload)


def _sums(models: ReadModels, as_of: AsOf) -> None:
    answer = ask(models, "main", "reconciliation", Question(as_of=as_of))
    for row in answer.rows:
        sums = "  ".join(f"{name} {row[name]}" for name in COLUMNS)
        click.echo(f"  {row['currency']}  {sums}")


def _changed_order(models: ReadModels) -> str:
    """The first order that was refunded and that the second file changed."""
    answer = ask(models, "main", "orders", Question())
    known = ask(models, "main", "orders", Question(as_of=AsOf.parse(None, AUGUST_END)))
    before = {row["subject"]: row["position"] for row in known.rows}
    return next(str(row["subject"]) for row in answer.rows
                if row["refunded_minor"] and before.get(row["subject"], row["position"])
                != row["position"])


def _prove(settings: Settings) -> None:
    """Let the computer's clock count from here on, so that whoever tries the demo can go on in it,
    and verify the log."""
    _heading(9, tr("The log proves itself"))
    opened = open_ledger(settings)
    try:
        opened.ledger.accept_clock("the story of the demo is over", Context(
            actor="system", role="admin", client="demo"))
        report = verify(opened.store, "main")
        assert report.ok
        click.echo(tr("  {events} events, each hashed again. Keep this line elsewhere: `ledger "
                      "verify --expect` proves later that nothing before it was changed:",
                      events=report.events))
        click.echo(f"  {report.position}:{report.root.hex()}")
    finally:
        opened.close()
    _heading(10, tr("Look at it yourself, in a browser. The server prints a link that signs in:"))
    click.echo(f"  {_served_by(settings)}")


def _served_by(settings: Settings, environment: Mapping[str, str] = os.environ) -> str:
    """The command that serves the demo: in a checkout, where `make` made it, a short one."""
    made = settings.database_url == MADE and Path("Makefile").is_file()
    return "make run" if made else f"{command_for(settings, environment)} serve"


def _heading(number: int, text: str) -> None:
    click.echo(f"\n{number}  {text}" if number > 1 else f"{number}  {text}")
