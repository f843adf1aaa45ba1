"""The slip of an order as a text that can be printed, and the note of who reads it so."""

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import msgspec

from api.http.noting import Opened, notes_of
from api.http.problems import detail_of
from api.messages import as_of_line, tr
from ledger.access.readings import NoteReading, ReadingNotNoted
from ledger.application import Ledger
from ledger.common.characters import INVISIBLE
from ledger.common.context import Context
from ledger.common.days import Days
from ledger.common.errors import LedgerError
from ledger.common.values import from_us
from projections.slips import Slip

ROUTE = "ledger slip"


@contextmanager
def must_be_noted() -> Iterator[None]:
    """Errors: ReadingNotNoted (R-ACC-05), whatever keeps a note from being taken."""
    try:
        yield
    except LedgerError as error:
        raise ReadingNotNoted(why=detail_of(error)) from error


def note(readings: Ledger, slip: Slip, purpose: str, context: Context) -> None:
    """Note who reads a slip, before anything of it is shown."""
    take(readings, context, notes_of(
        ROUTE, slip.item["order"], filters=(), persons=slip.persons,
        position=slip.as_of["position"], opened=Opened(purpose, slip.fields)))


def take(readings: Ledger, context: Context, notes: Iterable[NoteReading]) -> None:
    """Take notes of who reads something through the command line."""
    now = from_us(readings.clock.wall())
    for one in notes:
        readings.handle(msgspec.structs.replace(one, occurred_at=now), context)


_unseen = re.compile(f"[{INVISIBLE}]+")


def lines_of(slip: Slip, purpose: str, days: Days) -> Iterator[str]:
    """A slip as lines of a text, in the user's language and by the shop's clock. What somebody
    wrote breaks no line, and tells a terminal nothing: else a buyer's remark could look like a line
    of the slip."""
    return (_unseen.sub(" ", line) for line in _lines_of(slip, purpose, days))


def _lines_of(slip: Slip, purpose: str, days: Days) -> Iterator[str]:
    item = slip.item
    yield tr("Slip of {order} (purpose: {purpose})", order=item["order"], purpose=purpose)
    yield as_of_line(slip.as_of)
    yield ""
    yield from _head(item, days)
    yield ""
    for line in item["lines"]:
        yield from _line(line)
    if item["gifts"]:
        yield _said(tr("gifts"), tr(", ").join(item["gifts"]))
    yield from _parcels(item)
    yield from _changes(item["changed_since_approval"], days)


def _said(label: str, value: Any) -> str:
    return tr("{label}: {value}", label=label, value=_text(value))


def _text(value: Any) -> str:
    return "–" if value in (None, "") else str(value)


def _head(item: dict[str, Any], days: Days) -> Iterator[str]:
    yield _said(tr("warehouse"), item["warehouse"])
    yield _said(tr("placed at"), _at(item["placed_at"], days))
    yield _said(tr("owner"), item["owner"])
    yield _said(tr("status"), tr(", ").join(
        (item["review_status"], item["payment_status"], item["fulfilment_status"])))
    yield _said(tr("terms"), item["terms"])
    if item["held"] is not None:
        yield _said(tr("ON HOLD, do not work on it"), item["held"])
    for one in item["exceptions"]:
        yield _said(tr("open exception {kind}", kind=one["kind"]), one["note"])
    yield ""
    yield _said(tr("recipient"), item["recipient"])
    yield _said(tr("phone"), item["phone"])
    yield _said(tr("address"), _address(item["province"], item["address"]))
    yield _said(tr("the buyer's remark"), item["buyer_remark"])
    for one in item["remarks"]:
        said = tr("remark of {at} by {by}", at=_at(one["at"], days), by=one["by"])
        yield _said(said, one["remark"])


def _at(time: str | None, days: Days) -> str | None:
    """A time by the shop's clock."""
    return None if time is None else days.shown(datetime.fromisoformat(time))


def _address(province: str | None, address: str | None) -> str | None:
    """Both; platforms begin an address with its province, which is not said twice then."""
    if province and address and not address.startswith(province):
        return f"{province} {address}"
    return address or province


def _line(line: dict[str, Any]) -> Iterator[str]:
    yield tr("{line}. {goods} × {ordered}", line=line["line"], ordered=line["ordered"],
             goods=_goods(line))
    to_do = [tr("to pick: {pieces}", pieces=line["to_pick"]),
             tr("to pack: {pieces}", pieces=line["to_pack"]),
             tr("to send: {pieces}", pieces=line["to_send"])]
    if missing := sum(line["pieces"].get(state, 0) for state in ("unreserved", "short")):
        to_do.append(tr("not reserved: {pieces}", pieces=missing))
    yield "   " + "   ".join(to_do)
    for part in line["parts"]:
        if (part["sku"], part["each"]) != (line["sku"], 1):
            yield "   " + tr("in each {each} of {sku}, in all {quantity}", each=part["each"],
                             sku=part["sku"], quantity=part["quantity"])
        for one in part["bins"] if part["to_pick"] else ():
            yield "   " + (tr("{sku} lies in {bin}: {quantity}", sku=part["sku"], **one)
                           if one["bin"] else tr("{sku} lies in no known bin: {quantity}",
                                                 sku=part["sku"], quantity=one["quantity"]))


def _goods(line: dict[str, Any]) -> str:
    return " ".join(filter(None, (line["sku"], line["title"], line["attributes"]))) or "–"


def _parcels(item: dict[str, Any]) -> Iterator[str]:
    for parcel in item["parcels"]:
        inside = tr(", ").join(f"{one['line']} × {one['quantity']}" for one in parcel["lines"])
        way = " ".join(filter(None, (parcel["courier"], parcel["waybill"])))
        yield _said(tr("parcel {name}, {state}", name=parcel["parcel"], state=parcel["state"]),
                    " ".join(filter(None, (way, tr("({inside})", inside=inside)))))


def _changes(changes: list[dict[str, Any]] | None, days: Days) -> Iterator[str]:
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
            what = tr("{what} ({which})", what=what, which=tr(", ").join(one["fields"]))
        elif "lines" in one:
            cancelled = (f"{part['line']}. × {part['quantity']}" for part in one["lines"])
            what = tr("{what} ({which})", what=what, which=tr(", ").join(cancelled))
        yield "   " + tr("{at} by {by}: {what}", at=_at(one["at"], days), by=one["by"], what=what)
        for sign, name in (("-", "old"), ("+", "new")):
            for line in one.get(name, ()):
                yield f"      {sign} {line['line']}. {_goods(line)} × {line['ordered']}"
