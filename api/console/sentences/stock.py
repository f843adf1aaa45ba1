"""What happened to stock, in sentences: movements, counts, transfers, slips, SKUs, warehouses."""

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

from api.console.sentences.telling import Event, Sentence, aside, goods, joined, listed, pieces
from api.console.words import word
from api.messages import tr

Moves = dict[tuple[str, str, str], list[tuple[str, int]]]
"""SKUs and their pieces, by where they left, where they went and why."""


def _moves(found: Iterable[Mapping[str, Any]]) -> str:
    """Movements of goods as a sentence has them, those of a kind together."""
    moves: Moves = {}
    for one in found:
        sku = one.get("sku") or unquote(str(one.get("account", "")).rpartition(":")[2])
        way = one.get("from", ""), one.get("to", ""), one.get("cause", "")
        moves.setdefault(way, []).append((sku, one.get("quantity", 0)))
    return listed(_moved(way, skus) for way, skus in moves.items())


def _moved(way: tuple[str, str, str], skus: list[tuple[str, int]]) -> str:
    source, target, cause = way
    what = goods(sum(count for _, count in skus), dict.fromkeys(sku for sku, _ in skus))
    why = word(cause, "cause")
    if source == target:
        return tr("{goods} to another bin", goods=what)
    return tr("{goods} from {source} to {target} ({cause})", goods=what, cause=why,
              source=word(source, "place"), target=word(target, "place"))


def _signed(e: Event, *names: tuple[str, str]) -> str:
    """Who asked and who signed, where it is not who recorded it."""
    return listed(text for name, template in names for text in [
        e.who(name) and _SIGNED[template](e.who(name))] if text)


_SIGNED = {
    "asked": lambda member: tr("asked for by {member}", member=member),
    "signed": lambda member: tr("signed by {member}", member=member),
}


def _paper(e: Event) -> str:
    return e.has("document") and tr("paper {paper}", paper=e.prose("document"))


def _stock_moved(e: Event) -> str:
    return joined(
        tr("Moved: {moves}", moves=_moves(e.each("postings"))) if e.each("postings")
        else tr("Moved"), _paper(e),
        _signed(e, ("requested_by", "asked"), ("approved_by", "signed")), _uncounted(e))


def _uncounted(e: Event) -> str:
    return e.has("not_counted") and tr("a count since has not seen it")


def _requested(e: Event) -> str:
    return joined(
        tr("Asked to move: {moves}", moves=_moves(e.each("moves"))) if e.each("moves")
        else tr("Asked to move goods"), tr("waits for a second person"), _paper(e))


def _corrected(e: Event) -> str:
    return joined(
        tr("Taken back"),
        e.each("postings") and tr("posted: {moves}", moves=_moves(e.each("postings"))),
        _signed(e, ("requested_by", "asked"), ("approved_by", "signed")), _uncounted(e))


def _counted(e: Event) -> str:
    lines = e.each("lines")
    return joined(
        tr("Counted {lines}", lines=listed(map(_line, lines))) if lines else tr("Counted"),
        _paper(e))


def _line(line: Mapping[str, Any]) -> str:
    """What was counted of a SKU, and by how much that is not what the books say."""
    return aside(
        goods(line.get("counted", 0), [line.get("sku", "")]),
        line.get("bin") and tr("bin {bin}", bin=line["bin"]),
        line.get("place") not in (None, "", "shelf") and word(line["place"], "place"),
        _variance(line.get("variance") or 0, line.get("book") or 0))


def _variance(variance: int, book: int) -> str:
    """By how much a count differs from the books; where they had nothing, it begins them."""
    if not variance or (not book and variance > 0):
        return ""
    return (tr("{count} missing", count=-variance) if variance < 0
            else tr("{count} too many", count=variance))


def _arrived(e: Event) -> str:
    by_place: dict[str, list[Mapping[str, Any]]] = {}
    for line in e.each("lines"):
        by_place.setdefault(line.get("place") or "available", []).append(line)
    return joined(tr("Arrived: {goods}", goods=listed(
        _at(place, lines) for place, lines in by_place.items())), _uncounted(e))


def _at(place: str, lines: list[Mapping[str, Any]]) -> str:
    what = goods(sum(one.get("quantity", 0) for one in lines),
                 dict.fromkeys(str(one.get("sku", "")) for one in lines))
    return aside(what, place != "available" and word(place, "place"))


def _transfer_corrected(e: Event) -> str:
    underway = e.inner("underway")
    return joined(tr("Taken back"), underway and tr(
        "still under way: {goods}", goods=goods(sum(underway.values()), underway)), _uncounted(e))


def _slip(e: Event) -> str:
    what = e.goods()
    return (tr("Written off: {goods}", goods=what) if e.has("kind") == "write_off"
            else tr("Found again: {goods}", goods=what) if e.has("kind") == "found"
            else tr("Recorded: {goods}", goods=what))


def _bundled(e: Event) -> str:
    parts = listed(f"{part.get('sku', '')} × {part.get('each', '')}" for part in e.each("parts"))
    return tr("A bundle of {parts}", parts=parts) if parts else tr("No longer a bundle")


def _priced(e: Event) -> str:
    return joined(
        tr("Costs {amount} from now on", amount=e.money("amount_minor"))
        if e.money("amount_minor") else tr("Has a new price"),
        e.money("floor_minor") and tr("not below {amount} without a signature",
                                      amount=e.money("floor_minor")),
        _signed(e, ("by", "signed")))


def _registered(e: Event) -> str:
    return joined(tr("Registered {what}", what=e.text("title") or e.text("sku")),
                  e.has("unit") and tr("in {unit}", unit=e.word("unit")))


SENTENCES: Mapping[str, Sentence] = {
    "stock.moved": _stock_moved,
    "movement.requested": _requested,
    "movement.request_refused": lambda e: joined(
        tr("Not done"), e.who("refused_by") and tr("refused by {member}",
                                                   member=e.who("refused_by"))),
    "movement.correction_requested": lambda e: joined(
        tr("Asked to take it back"), e.each("moves") and tr(
            "right would be: {moves}", moves=_moves(e.each("moves"))),
        tr("waits for a second person")),
    "movement.corrected": _corrected,
    "stock.counted": _counted,
    "count.corrected": lambda e: joined(
        tr("Count taken back"),
        e.each("lines") and tr("counted in truth: {lines}",
                               lines=listed(map(_line, e.each("lines"))))),
    "transfer.sent": lambda e: joined(
        tr("{goods} left {source} for {target}", goods=e.goods() or pieces(0),
           source=e.text("source"), target=e.text("target")) if e.has("source")
        else tr("Sent {goods}", goods=e.goods()), _uncounted(e)),
    "transfer.received": _arrived,
    "transfer.corrected": _transfer_corrected,
    "slip.recorded": _slip,
    "slip.corrected": lambda e: tr("What the slip posted is put right"),
    "sku.registered": _registered,
    "sku.aliased": lambda e: tr("Another name of {sku}", sku=e.text("target"))
    if e.has("target") else tr("A SKU of its own"),
    "sku.bundled": _bundled,
    "sku.priced": _priced,
    "sku.threshold_set": lambda e: tr("Low with fewer than {count} available",
                                      count=e.text("threshold")),
    "prices.begun": lambda e: tr("The first price of all: {sku}", sku=e.text("sku")),
    "warehouse.opened": lambda e: tr("Warehouse {name} opened",
                                     name=e.text("title") or e.text("name")),
}
"""By the type of an event, what makes a sentence of it."""
