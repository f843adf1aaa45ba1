"""What happened to an order's goods, in sentences: from the shelf to the buyer, and back."""

from collections.abc import Mapping

from api.console.sentences.telling import Event, Sentence, aside, joined, listed, pieces
from api.console.words import word
from api.messages import tr


def _bins(e: Event) -> str:
    return listed(dict.fromkeys(
        bin_ for line in e.each("lines") for bin_ in (
            line.get("bin"), *(part.get("bin") for part in line.get("parts", ())))
        if bin_))


def _parcel(e: Event) -> str:
    return e.has("parcel") and tr("parcel {parcel}", parcel=e.text("parcel"))


def _reserved(e: Event) -> str:
    return joined(
        tr("Reserved in {warehouse}: {goods}", warehouse=e.text("warehouse"), goods=e.goods())
        if e.pieces() else tr("Nothing could be reserved in {warehouse}",
                              warehouse=e.text("warehouse")) if e.pieces("short")
        else tr("Reserved"),
        e.pieces("short") and tr("waiting for {goods}", goods=pieces(e.pieces("short"))))


def _released(e: Event) -> str:
    if e.has("moved_to"):
        return tr("Reserved in {warehouse} instead: {goods}", warehouse=e.text("moved_to"),
                  goods=e.goods())
    return joined(
        tr("No longer reserved: {goods}", goods=e.goods()) if e.pieces()
        else "" if e.pieces("short") else tr("No longer reserved"),
        e.pieces("short") and tr("no longer waited for: {goods}",
                                 goods=pieces(e.pieces("short"))))


def _picked(e: Event) -> str:
    return joined(tr("Picked {goods}", goods=e.goods()),
                  _bins(e) and tr("from {bins}", bins=_bins(e)))


def _unpicked(e: Event) -> str:
    return joined(tr("Put back on the shelf: {goods}", goods=e.goods()),
                  _bins(e) and tr("into {bins}", bins=_bins(e)))


def _checked(e: Event) -> str:
    faulty = e.pieces("faulty")
    return joined(
        tr("Check passed") if e.has("passed") else tr("Check failed")
        if e.has("passed") is False else tr("Checked"),
        faulty and tr("faulty: {goods}", goods=e.goods("faulty")))


def _dispatched(e: Event) -> str:
    by = " ".join(filter(None, (e.text("courier"), e.text("waybill"))))
    return joined(
        tr("Sent by {courier}", courier=by) if by else tr("Sent"), _parcel(e),
        e.pieces() and pieces(e.pieces()),
        e.has("part") and tr("only part of it"),
        e.has("warehouse") and tr("from {warehouse}", warehouse=e.text("warehouse")),
        e.has("merged_with") and tr("in the parcel of {order}", order=e.stream_of("merged_with")))


def _delivered(e: Event) -> str:
    return joined(tr("Delivered"), _parcel(e), e.has("loose") and tr("what lay in no parcel"))


def _step_corrected(e: Event) -> str:
    parcels = listed(aside(
        str(one.get("parcel") or tr("what lay in no parcel")), word(one.get("state"), "state"))
        for one in e.each("parcels"))
    return joined(
        tr("A step did not happen"), e.pieces("moved") and tr(
            "{goods} are where they were before", goods=pieces(e.pieces("moved"))),
        parcels and tr("again as before: {parcels}", parcels=parcels),
        e.has("unsent") and tr("nothing was sent"),
        e.has("undelivered") and tr("nothing was delivered"),
        e.has("check_failed") and tr("the last check failed"))


def _return(e: Event, text: str) -> str:
    return joined(text, e.has("case") and tr("for {thing}", thing=e.stream_of("case")))


def _return_expected(e: Event) -> str:
    return _return(e, tr("On its way back, refused by the buyer: {goods}", goods=e.goods())
                   if e.has("refused") else tr("To come back: {goods}", goods=e.goods()))


def _return_received(e: Event) -> str:
    return joined(
        _return(e, tr("Came back, refused by the buyer: {goods}", goods=e.goods())
                if e.has("refused") else tr("Came back: {goods}", goods=e.goods())),
        e.has("unannounced") and tr("nobody had announced it"))


def _return_ended(e: Event) -> str:
    return _return(e, tr("Stays with the courier: {goods}", goods=e.goods())
                   if e.has("refused") else tr("Stays with the buyer: {goods}", goods=e.goods()))


SENTENCES: Mapping[str, Sentence] = {
    "order.reserved": _reserved,
    "order.reservation_released": _released,
    "order.reservation_taken_back": lambda e: joined(
        tr("Fewer are there than were reserved, waiting again for {goods}", goods=e.goods()),
        e.has("document") and tr("as of {document}", document=e.stream_of("document"))),
    "order.picked": _picked,
    "order.unpicked": _unpicked,
    "order.checked": _checked,
    "order.packed": lambda e: joined(tr("Packed {goods}", goods=e.goods()), _parcel(e)),
    "order.parcel_voided": lambda e: joined(tr("Parcel opened again"), _parcel(e)),
    "order.dispatched": _dispatched,
    "order.transit_reported": lambda e: joined(
        tr("The courier says where it is"), _parcel(e)),
    "order.delivered": _delivered,
    "order.parcel_lost": lambda e: joined(tr("Lost by the courier"), _parcel(e)),
    "order.parcel_refused": lambda e: joined(
        tr("Refused by the buyer, on its way back"), _parcel(e)),
    "order.step_corrected": _step_corrected,
    "order.return_expected": _return_expected,
    "order.return_received": _return_received,
    "order.return_ended": _return_ended,
}
"""By the type of an event, what makes a sentence of it."""
