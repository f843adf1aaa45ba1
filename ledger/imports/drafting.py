"""A draft of a profile, guessed from the header of a file and the rows below it.

It says what the columns seem to be, and leaves the others out by name: whoever uses it reads it
first. Nothing is taken for what it is not: a column of an unknown name becomes no fact.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from ledger.common.errors import Invalid
from ledger.common.phrases import Phrase
from ledger.imports.amounts import COMMA, MARKS, POINT, number_parser
from ledger.imports.packed import Unreadable
from ledger.imports.profile import DELIMITERS, Layout
from ledger.imports.sources import CSV, Broken, Source, identify
from ledger.imports.synonyms import BY_NAME, MEANING, STATUSES, Known, called, plain
from ledger.imports.tables import open_table
from ledger.imports.times import looks_like

ENCODINGS = ("utf-8", "gb18030")
SIGNS = ("元", "¥", "￥", "$", "€", "£")
CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP"}
LOOKED_AT, SAMPLED = 30, 2_000
FORMATS = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M")
NEEDED = ("number", "placed")
PLAIN_FACTS = ("shop", "account", "recipient", "phone", "province", "address", "buyer_remark",
               "remark", "courier", "waybill")


class NothingToDraft(Invalid):
    """No profile can be drafted of {path}: {why}. docs/profiles.md explains how to write one."""

    code = "nothing_to_draft"
    rule = "R-IMP-37"


class _Column(NamedTuple):
    """A column of the file: its name, the field that it fills, if it is known, and its cells."""

    name: str
    known: Known | None
    cells: list[str]


def drafted(path: Path) -> str:
    """A profile in YAML for files like one. Errors: NothingToDraft (R-IMP-37)."""
    source = identify(path, ENCODINGS)
    if source.fault is not None:
        raise NothingToDraft(path=path, why=source.fault.reason)
    try:
        layout = _layout(source)
        columns = list(_columns(source, layout))
    except Unreadable as error:
        raise NothingToDraft(path=path, why=error.code) from None
    names = [column.name for column in columns]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise NothingToDraft(path=path, why=Phrase(
            "columns stand twice: {names}", names=", ".join(twice)))
    found = {column.known.field for column in columns if column.known}
    if missing := [field for field in NEEDED if field not in found]:
        raise NothingToDraft(path=path, why=Phrase(
            "no column is called by a name that is known for {names}",
            names=" or ".join(f"{field} ({', '.join(called(field))})" for field in missing)))
    return "\n".join(_lines(path, layout, columns)) + "\n"


def _layout(source: Source) -> Layout:
    """Where the header stands: where most of the names are known."""
    best, most = Layout(), 0
    for delimiter in DELIMITERS if source.kind == CSV else ["comma"]:
        with open_table(source, Layout(delimiter), ".") as table:
            for number, cells in enumerate(islice(table.records, LOOKED_AT), 1):
                known = 0 if isinstance(cells, Broken) else sum(
                    plain(cell.lstrip("\ufeff")) in BY_NAME for cell in cells)
                if known > most:
                    best, most = Layout(delimiter, number), known
    return best


def _columns(source: Source, layout: Layout) -> Iterator[_Column]:
    """The columns with what they seem to be, each field once."""
    with open_table(source, layout, ".") as table:
        rows = [cells for cells in islice(table.records, layout.header_row - 1, SAMPLED)
                if not isinstance(cells, Broken)]
    if not rows:
        return
    taken = set[str]()
    for place, cell in enumerate(rows[0]):
        name = cell.lstrip("\ufeff").strip()
        cells = [row[place].strip() for row in rows[1:] if place < len(row) and row[place].strip()]
        known = BY_NAME.get(plain(name))
        if known is not None and (known.field in taken or not _may_be(known, cells)):
            known = None
        if known is not None:
            taken.add(known.field)
        if name:
            yield _Column(name, known, cells)


def _may_be(known: Known, cells: Sequence[str]) -> bool:
    """Whether a column may hold what its name says: one of amounts has some, if it has anything."""
    return known.kind != "money" or not cells or any(
        number_parser(decimal, SIGNS)(cell) for decimal in MARKS for cell in cells)


def _lines(path: Path, layout: Layout, columns: Sequence[_Column]) -> Iterator[str]:
    """The profile, line by line."""
    by_field = {one.known.field: one for one in columns if one.known}
    status = next((one for one in columns if plain(one.name) in STATUSES), None)
    ended = status is not None and all(plain(cell) in MEANING for cell in status.cells)
    amounts = [cell for one in columns if one.known and one.known.kind == "money"
               for cell in one.cells]
    times = [cell for one in columns if one.known and one.known.kind == "time"
             for cell in one.cells]
    used = status if ended else None
    yield "# A draft, guessed from a header: read it, and change what is not so (docs/profiles.md)."
    if status is not None and not ended:
        yield (f"# The column {status.name} says how orders end, in words that are not known: as "
               "long as it is ignored, none is cancelled.")
    yield f"name: {_name(path.stem)}"
    yield "version: 1"
    yield "about: Drafted from a header"
    yield "channel: own"
    yield "shop: own"
    yield _money(amounts)
    formats, doubt = _formats(times)
    yield f"times: {{formats: {json.dumps(formats)}}}{doubt}"
    yield "encodings: [utf-8, gb18030]"
    yield "files:"
    yield "  orders:"
    if layout.delimiter != "comma":
        yield f"    delimiter: {layout.delimiter}"
    if layout.header_row > 1:
        yield f"    header_row: {layout.header_row}"
    yield "    columns:"
    for one in columns:
        if one.known is not None:
            field = f"field: {one.known.field}, kind: {one.known.kind}"
            more = f", {one.known.more}" if one.known.more else ""
            yield f"      {_quoted(one.name)}: {{{field}{more}}}"
    if used is not None:
        words = {cell: MEANING[plain(cell)] for cell in used.cells}
        yield (f"      {_quoted(used.name)}: {{field: status, kind: choice, values: "
               f"{json.dumps(words, ensure_ascii=False)}}}")
    ignored = [one.name for one in columns if one.known is None and one is not used]
    if ignored:
        yield f"    ignored: {json.dumps(ignored, ensure_ascii=False)}"
    yield from _order(by_field, [] if used is None else used.cells)


def _order(found: dict[str, _Column], statuses: Sequence[str]) -> Iterator[str]:
    """How an order is made of the fields."""
    yield "order:"
    yield "  file: orders"
    yield "  number: number"
    lines = "sku" in found and "quantity" in found
    for fact in PLAIN_FACTS:
        if fact in found:
            yield f"  {fact}: {fact}"
    if lines:
        parts = [f"{part}: {part}" for part in ("line", "sku", "title", "attributes", "quantity")
                 if part in found]
        parts += ["unit_price: price"] if "price" in found else [
            "amount_minor: amount"] if "amount" in found else []
        yield f"  lines: {{of: orders, {', '.join(parts)}}}"
        if "price" in found or "amount" in found:
            yield "  goods_minor: {lines: goods}"
    for fact in ("postage", "discount", "total"):
        if fact in found:
            yield f"  {fact}_minor: {fact}"
    yield "  placed: {at: placed}"
    times = [name for name in ("placed", "paid_at", "refunded_at", "dispatched", "delivered")
             if name in found]
    yield f"  declared: {{inferred_from: [{', '.join(times)}]}}"
    if "paid_at" in found:
        yield "  paid: {at: paid_at}"
        if amount := next((name for name in ("paid", "total") if name in found), ""):
            yield f"  paid_minor: {{of: {amount}, when: paid_at}}"
        else:
            yield "  # nothing says how much was paid: without `paid_minor` no payment is recorded"
        if "payment" in found:
            yield "  paid_reference: payment"
    if "refund" in found:
        yield "  refunded: {at: refunded_at}" if "refunded_at" in found else (
            f"  refunded: {{inferred_from: [{', '.join(times[:2])}], when: refund}}")
        yield "  refunded_minor: refund"
    for fact in ("dispatched", "delivered"):
        if fact in found:
            yield f"  {fact}: {{at: {fact}}}"
    ends = sorted({MEANING[plain(cell)] for cell in statuses} - {""})
    if ends:
        yield "  ended:"
        yield "    by: status"
        for word in ends:
            yield f"    {word}: {{inferred_from: [{', '.join(times)}]}}"


def _money(amounts: Sequence[str]) -> str:
    """The money of a profile: the signs that amounts have, and what stands before decimals."""
    signs = [sign for sign in SIGNS if any(sign in cell for cell in amounts)]
    currency = next((CURRENCIES[sign] for sign in signs if sign in CURRENCIES), "CNY")

    def fitting(decimal: str) -> int:
        parse = number_parser(decimal, tuple(signs))
        return sum(parse(cell) is not None for cell in amounts)

    decimal = max((POINT, COMMA), key=fitting)
    more = "" if decimal == POINT else f", decimal: {decimal}"
    return (f"money: {{currency: {currency}, exponent: 2, signs: "
            f"{json.dumps(signs, ensure_ascii=False)}{more}}}  # amounts in {currency}"
            f", decimals after {MARKS[decimal]!r}: see that it is so")


def _formats(times: Sequence[str]) -> tuple[list[str], str]:
    """The fewest formats that read the times, the usual ones where there are none; and what to look
    at: which of two numbers is the day, where every one could be the month."""
    left = {text: [form for form in looks_like(text).split(" or ") if form] for text in times}
    chosen, doubt = list[str](), ""
    while forms := Counter(form for some in left.values() for form in some):
        best = max(forms, key=lambda form: (forms[form], form in FORMATS))
        if others := [form for form in forms if form != best and forms[form] == forms[best]
                      and form not in FORMATS]:
            doubt = f"  # or {others[0]}: see which of the two it is"
        chosen.append(best)
        left = {text: some for text, some in left.items() if best not in some}
    return chosen or list(FORMATS), doubt


def _name(stem: str) -> str:
    """What a draft is called: as its file is, as far as a profile may be called so."""
    plainly = re.sub("[^a-z0-9_-]+", "-", stem.lower()).lstrip("-_0123456789")[:40].rstrip("-")
    return plainly or "own"


def _quoted(name: str) -> str:
    return json.dumps(name, ensure_ascii=False)
