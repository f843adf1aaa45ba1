"""The first link: who starts a server on their own machine, where nobody was invited yet, gets in.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any

from api.cli.inviting import invite
from api.http.binding import bind_of
from ledger.access.logins import Login, stream_of
from ledger.common.context import Context
from ledger.common.errors import LedgerError
from ledger.log.store import SUFFIX, Store
from ledger.log.zones import days_of
from ledger.settings import Settings, open_ledger
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.people.reports import staff
from projections.rights import anybody_placed, rights_of
from projections.store.models import ReadModels

FIRST = "person:first"
"""Who comes in where no member of the shop can."""

MANAGER, READER = "manager", "auditor"
"""As what: where somebody holds a post, who holds none reads, and does nothing."""

HOURS = 1


def link(
    settings: Settings, environment: Mapping[str, str] = os.environ
) -> dict[str, Any] | None:
    """A link for whoever started the server, as `inviting.invite` gives it; None where others may
    see it, such as in the journal of a service, or where somebody was invited already, or nothing
    can be recorded now. A ledger begins for it in the default place only: its zone is for ever."""
    if not _is_at_home(settings, environment):
        return None
    with suppress(LedgerError):
        if (name := _ledger(settings, environment)) is None:
            return None
        found = open_ledger(settings, name=name + SUFFIX)
        try:
            owner, role = _whom(found.store, name)
            if not _was_invited(found.store, name, owner):
                by = Context(actor="system", role="admin", client="serve")
                return invite(found, name, by, owner=owner, roles=[role], hours=HOURS)
        finally:
            found.close()
    return None


def _is_at_home(settings: Settings, environment: Mapping[str, str]) -> bool:
    """Whether a server is reached from its own machine only, and speaks to a terminal."""
    host = bind_of(environment).rpartition(":")[0].strip("[]")
    try:
        is_here = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        is_here = False
    return (is_here and settings.database_url != "memory:"
            and not environment.get("NOTIFY_SOCKET"))


def _ledger(settings: Settings, environment: Mapping[str, str]) -> str | None:
    """Which ledger: `main`, or the first one that there is."""
    store = settings.open_store()
    try:
        known = sorted(name for name in store.ledgers() if not name.endswith(SUFFIX))
    finally:
        store.close()
    if known:
        return "main" if "main" in known else known[0]
    return None if environment.get("LEDGER_DATABASE_URL") else "main"


def _whom(store: Store, name: str) -> tuple[str, str]:
    """Who comes in, and as what: a member whose post makes them a manager; where nobody holds a
    post yet, whoever is to say who does."""
    day = days_of(store, name).day_of(datetime.now(UTC))
    models = ReadModels(store, PROJECTIONS)
    try:
        models.catch_up(name)
        if not anybody_placed(models, name):
            return FIRST, MANAGER
        for row in staff(models, name, Question(day=day)).rows:
            rights = rights_of(models, name, row["member"], day)
            if rights is not None and MANAGER in rights.roles:
                return row["member"], MANAGER
    finally:
        models.close()
    return FIRST, READER


def _was_invited(store: Store, name: str, owner: str) -> bool:
    """Whether somebody was invited already; who was given nothing but first links before, and
    followed none, was not."""
    access = name + SUFFIX
    streams = store.streams_of(access, Login.KIND, limit=2)
    if streams != [stream_of(owner)]:
        return bool(streams)
    return any(one.client != "serve" or one.type != Login.Invited.TOPIC
               for one in store.streams(access, streams))
