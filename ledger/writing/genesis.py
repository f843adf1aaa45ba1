"""How a ledger begins: with an id of its own, together with the ledger of its keys and readings."""

import os
from typing import NamedTuple

from ledger import __version__
from ledger.common.days import Days
from ledger.common.errors import Conflict, Misconfigured
from ledger.log.append import append
from ledger.log.clock import Clock
from ledger.log.milestones import (
    FORMAT,
    ID_BYTES,
    Opened,
    Origin,
    last_own,
    opened_as,
    said,
)
from ledger.log.persons import Keys, LedgerKeys
from ledger.log.store import (
    SUFFIX,
    Head,
    Known,
    LedgerTaken,
    LedgerUnknown,
    Store,
    must_be_name,
    must_be_owner,
)
from ledger.log.zones import days_in, days_of
from ledger.writing.entries import own_entry
from ledger.writing.following import follow


class OtherFormat(Misconfigured):
    """Ledger {ledger!r} has format {found}, and this version reads format {format}. Use the
    version that made it."""

    code = "other_format"
    rule = "R-LDG-04"


DEFAULT_ZONE = "Asia/Shanghai"
"""The zone of a ledger that begins where nobody names another."""


class ZoneFixed(Conflict):
    """The days of ledger {ledger!r} are those of {found} since it began, and never those of {zone}:
    deadlines, months and what was signed of them hang on them. Leave the zone out, or begin another
    ledger in {zone} and import the files into that."""

    code = "zone_fixed"
    rule = "R-LDG-12"


class _Ledger(NamedTuple):
    """A ledger that is about to begin."""

    known: Known
    fact: Opened
    keys: LedgerKeys


def begun(
    store: Store, keys: Keys, name: str = "main", *, clock: Clock | None = None,
    continues: list[Origin] | None = None, zone: str | None = None,
) -> LedgerKeys:
    """The keys of a ledger, which begins now if no ledger has this name: it and its access
    ledger, both or neither, in a zone. Of two processes that begin one at once, one reads what the
    other made.

    Errors: those of `keys_of`; LedgerTaken (R-LDG-03) where there is an access ledger of this name
    without the ledger; BadLedgerName (R-LDG-09); UnknownZone (R-LDG-11), ZoneFixed (R-LDG-12) where
    the ledger began in another zone.
    """
    days = Days(zone or DEFAULT_ZONE)
    owner = name.removesuffix(SUFFIX)
    must_be_owner(owner)
    if store.known(owner) is None:
        must_be_name(owner)
        own = Known(os.urandom(ID_BYTES), owner)
        access = Known(os.urandom(ID_BYTES), owner + SUFFIX, own.id)
        host = store.host()
        first = _about_to_begin(keys, own, host, zone=days.zone, access=access.id.hex(),
                                 continues=continues)
        second = _about_to_begin(keys, access, host, zone=days.zone, of=own.id.hex())
        _begin(store, (first, second), (clock or Clock()).wall())
    must_be_in(zone, store, owner)
    return keys_of(store, keys, name)


def must_be_in(zone: str | None, store: Store, name: str) -> None:
    """Check that a ledger has the zone that is named for it, if one is. Errors: UnknownZone
    (R-LDG-11), ZoneFixed (R-LDG-12)."""
    if zone is not None and (found := days_of(store, name)) != Days(zone):
        raise ZoneFixed(ledger=name, found=found.zone, zone=zone)


def keys_of(store: Store, keys: Keys, name: str) -> LedgerKeys:
    """The keys of a ledger that is here, without those of whom its log says to be erased.

    Errors: LedgerUnknown (R-LDG-02), BadOpening (R-LDG-01), BadContinuation (R-LDG-07),
    OtherFormat (R-LDG-04), OtherZone (R-LDG-05), WrongKeys (R-KEY-05), WrongMasterKey (R-KEY-03),
    BadErasure (R-KEY-10).
    """
    known = store.known(name)
    if known is None:
        raise LedgerUnknown(ledger=name)
    first = opened_as(store, known.id, name)
    last = said(last_own(store, known.id, name))
    if last.format != FORMAT:
        raise OtherFormat(ledger=name, found=last.format, format=FORMAT)
    days_in(first, name)
    found = keys.of(known, keys_id=bytes.fromhex(last.keys_id))
    follow(store, found)
    return found


def _about_to_begin(
    keys: Keys, known: Known, host: str, *, zone: str, access: str | None = None,
    of: str | None = None, continues: list[Origin] | None = None,
) -> _Ledger:
    """With keys that are durable, before anything names them."""
    own = keys.of(known, keys_id=None)
    return _Ledger(known, Opened(
        id=known.id.hex(), format=FORMAT, keys_id=own.id.hex(), program=__version__, host=host,
        zone=zone, access=access, of=of, continues=continues or []), own)


def _begin(store: Store, ledgers: tuple[_Ledger, ...], now: int) -> None:
    try:
        with store.beginning(*(one.known for one in ledgers)) as writings:
            for one, writing in zip(ledgers, writings, strict=True):
                append(writing, Head(0, 0, b"", one.keys.id),
                       [own_entry(one.fact, one.known.id, Head(0, 0, b""), now)])
    except LedgerTaken:
        for one in ledgers:
            one.keys.forget()
        if store.known(ledgers[0].known.name) is None:
            raise
