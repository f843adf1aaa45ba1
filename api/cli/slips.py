"""`ledger slip`: what whoever picks, packs and sends an order has to read; that is noted."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import TYPE_CHECKING, Any

import click
import msgspec

from api.cli.options import (
    Names,
    actor_option,
    command,
    context_of,
    format_options,
    ledger_option,
    opened,
)
from api.cli.output import as_json
from api.messages import tr
from ledger.common.characters import INVISIBLE
from ledger.common.values import from_us

if TYPE_CHECKING:
    from ledger.application import Ledger
    from ledger.common.context import Context
    from projections.slips import Slip

ROUTE = "ledger slip"
ROLES = ("warehouse", "warehouse_head", "service")


def _purposes() -> tuple[str, ...]:
    from ledger.access import PURPOSES

    return PURPOSES


@command("slip")
@click.argument("order", metavar="ORDER")
@click.option("--purpose", required=True, type=Names(_purposes), metavar="WORD",
              help="What for: pick, check, pack, label, service, complaint, dispute or audit. It "
                   "is noted.")
@click.option("--role", type=click.Choice(ROLES), default=ROLES[0], show_default=True,
              help="The role in which it is read.")
@ledger_option
@actor_option
@format_options
def slip_command(
    order: str, *, purpose: str, role: str, ledger_name: str, actor: str | None, form: str
) -> None:
    """The slip of ORDER, to read or to print: where it goes, what is in it, in which bins that
    lies, and what has changed since it was approved. Who reads it, what for, and which fields were
    opened for it, is noted in the ledger of keys and readings before anything is shown."""
    from api.cli.reports import raise_stopped
    from projections.catalogue import PROJECTIONS
    from projections.slips import slip_of
    from projections.stock.inventory import Stock
    from projections.store.models import ReadModels

    with opened(ledger_name, writes=True) as found:
        with closing(ReadModels(found.store, PROJECTIONS)) as models:
            for status in models.catch_up(ledger_name):
                if status.projection == Stock.name:
                    raise_stopped(status)
            slip = slip_of(models, ledger_name, order)
        slip = slip.opened(found.ledger.keys_to_read())
        _note_in(ledger_name, slip, purpose, context_of(found, actor, role))
        if form == "json":
            click.echo(as_json({"as_of": slip.as_of, "item": slip.item}))
        else:
            for line in lines_of(slip, purpose):
                click.echo(line)


def _note_in(ledger: str, slip: "Slip", purpose: str, context: "Context") -> None:
    """Note who reads a slip in the ledger of keys and readings, which may not open. Errors:
    ReadingNotNoted (R-ACC-05)."""
    from api.cli import issuing
    from api.http.problems import detail_of
    from ledger.access import ReadingNotNoted
    from ledger.common.errors import LedgerError

    try:
        with closing(issuing.opened(ledger)) as readings:
            note(readings.ledger, slip, purpose, context)
    except ReadingNotNoted:
        raise
    except LedgerError as error:
        raise ReadingNotNoted(why=detail_of(error)) from error


def note(readings: "Ledger", slip: "Slip", purpose: str, context: "Context") -> None:
    """Note who reads a slip, before anything of it is shown. Errors: ReadingNotNoted (R-ACC-05)."""
    from api.http.noting import Opened, notes_of
    from api.http.problems import detail_of
    from ledger.access import ReadingNotNoted
    from ledger.common.errors import LedgerError

    position = slip.as_of["position"]
    notes = notes_of(ROUTE, slip.item["order"], filters=(), persons=slip.persons, position=position,
                     opened=Opened(purpose, slip.fields))
    now = from_us(readings.clock.wall())
    try:
        for one in notes:
            readings.handle(msgspec.structs.replace(one, occurred_at=now), context)
    except LedgerError as error:
        raise ReadingNotNoted(why=detail_of(error)) from error


# -- as a text that can be printed ----------------------------------------------------------------


_unseen = re.compile(f"[{INVISIBLE}]+")


def lines_of(slip: "Slip", purpose: str) -> Iterator[str]:
    """A slip as lines of a text, in the user's language. What somebody wrote breaks no line, and
    tells a terminal nothing: else a buyer's remark could look like a line of the slip."""
    return (_unseen.sub(" ", line) for line in _lines_of(slip, purpose))


def _lines_of(slip: "Slip", purpose: str) -> Iterator[str]:
    from api.cli.reports import as_of_line

    item = slip.item
    yield tr("Slip of {order}, for {purpose}", order=item["order"], purpose=purpose)
    yield as_of_line(slip.as_of)
    yield ""
    yield from _head(item)
    yield ""
    for line in item["lines"]:
        yield from _line(line)
    if item["gifts"]:
        yield _said(tr("gifts"), ", ".join(item["gifts"]))
    yield from _parcels(item)
    yield from _changes(item["changed_since_approval"])


def _said(label: str, value: Any) -> str:
    return tr("{label}: {value}", label=label, value=_text(value))


def _text(value: Any) -> str:
    return "–" if value in (None, "") else str(value)


def _head(item: dict[str, Any]) -> Iterator[str]:
    yield _said(tr("warehouse"), item["warehouse"])
    yield _said(tr("placed at"), item["placed_at"])
    yield _said(tr("owner"), item["owner"])
    yield _said(tr("status"), ", ".join(
        (item["review_status"], item["payment_status"], item["fulfilment_status"])))
    yield _said(tr("terms"), item["terms"])
    if item["held"] is not None:
        yield _said(tr("ON HOLD, do not work on it"), item["held"])
    for one in item["exceptions"]:
        yield _said(tr("open exception {kind}", kind=one["kind"]), one["note"])
    yield ""
    yield _said(tr("recipient"), item["recipient"])
    yield _said(tr("phone"), item["phone"])
    yield _said(tr("address"), " ".join(filter(None, (item["province"], item["address"]))))
    yield _said(tr("the buyer's remark"), item["buyer_remark"])
    for one in item["remarks"]:
        yield _said(tr("remark of {at} by {by}", at=one["at"], by=one["by"]), one["remark"])


def _line(line: dict[str, Any]) -> Iterator[str]:
    yield tr("{line}. {goods} × {ordered}", line=line["line"], ordered=line["ordered"],
             goods=_goods(line))
    to_do = [tr("to pick: {pieces}", pieces=line["to_pick"]),
             tr("to pack: {pieces}", pieces=line["to_pack"]),
             tr("to send: {pieces}", pieces=line["to_send"])]
    yield "   " + "   ".join(to_do)
    for part in line["parts"]:
        if (part["sku"], part["each"]) != (line["sku"], 1):
            yield "   " + tr("in each {each} of {sku}, in all {quantity}", each=part["each"],
                             sku=part["sku"], quantity=part["quantity"])
        for one in part["bins"] if part["to_pick"] else ():
            yield "   " + tr("{sku} lies in {bin}: {quantity}", sku=part["sku"],
                             bin=one["bin"] or tr("no known bin"), quantity=one["quantity"])


def _goods(line: dict[str, Any]) -> str:
    return " ".join(filter(None, (line["sku"], line["title"], line["attributes"]))) or "–"


def _parcels(item: dict[str, Any]) -> Iterator[str]:
    for parcel in item["parcels"]:
        inside = ", ".join(f"{one['line']} × {one['quantity']}" for one in parcel["lines"])
        way = " ".join(filter(None, (parcel["courier"], parcel["waybill"])))
        yield _said(tr("parcel {name}, {state}", name=parcel["parcel"], state=parcel["state"]),
                    " ".join(filter(None, (way, f"({inside})"))))


def _changes(changes: list[dict[str, Any]] | None) -> Iterator[str]:
    if changes is None:
        yield ""
        yield tr("Nobody has approved this order.")
    elif changes:
        yield ""
        yield tr("CHANGED SINCE THE APPROVAL:")
    for one in changes or ():
        words = {"lines": tr("the lines"), "details": tr("the details"),
                 "price": tr("the price"), "remark": tr("a remark"),
                 "pieces": tr("pieces were cancelled")}
        what = words[one["what"]]
        if "fields" in one:
            what = f"{what} ({', '.join(one['fields'])})"
        elif "lines" in one:
            cancelled = ", ".join(f"{part['line']}. × {part['quantity']}" for part in one["lines"])
            what = f"{what} ({cancelled})"
        yield "   " + tr("{at} by {by}: {what}", at=one["at"], by=one["by"], what=what)
        for sign, name in (("-", "old"), ("+", "new")):
            for line in one.get(name, ()):
                yield f"      {sign} {line['line']}. {_goods(line)} × {line['ordered']}"
