"""How a fact that was decided becomes an entry of the log, and what it must not hold."""

import re
from typing import Any, NamedTuple

import msgspec

from ledger.common.context import Context
from ledger.common.errors import Fault, InvalidValues, Refused
from ledger.common.values import from_us, to_us
from ledger.core.accounts import AHEAD_US
from ledger.core.postings import ACCOUNT_KINDS, held_in
from ledger.log.bounds import must_hold
from ledger.log.envelope import Entry, leaf_hash, payload_hash, spelled_subjects
from ledger.log.milestones import STREAM, Milestone
from ledger.log.randomness import random_16, uuid7
from ledger.log.store import Head
from ledger.writing.errors import OnceTaken

encode = msgspec.json.Encoder().encode

_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
"""A NUL as JSON writes it: PostgreSQL stores no text with one, so no read model could hold it."""


class OccurredInFuture(Refused):
    """{stream}: {occurred_at} is more than 5 minutes ahead of the ledger's clock ({now})."""

    code = "occurred_in_future"
    rule = "R-LOG-10"


class Origin(NamedTuple):
    """What all entries of one command have in common."""

    ledger: bytes
    now: int
    command_id: bytes
    request_hash: bytes | None
    context: Context


def check_times(facts: list[Any], wall: int) -> None:
    """Check that no fact, posting or observation lies in the future. Errors: OccurredInFuture
    (R-LOG-10)."""
    for fact in facts:
        latest = fact.occurred_at
        if fact.postings or fact.observations:
            latest = max((latest, *(one.at for one in (*fact.postings, *fact.observations)
                                    if one.at is not None)))
        if to_us(latest) > wall + AHEAD_US:
            raise OccurredInFuture(
                stream=fact.originator_id, occurred_at=latest.isoformat(),
                now=from_us(wall).isoformat())


def once_values(facts: list[Any], position: int) -> dict[str, int]:
    """The `once` values of facts that follow a position, with theirs. Errors: OnceTaken (R-LOG-11).
    """
    found: dict[str, int] = {}
    for at, fact in enumerate(facts, position + 1):
        value = fact.__dict__.get("once")
        if value is not None:
            must_be_free({value: at}, found)
            found[value] = at
    return found


def must_be_free(values: dict[str, int], taken: dict[str, int]) -> None:
    """Errors: OnceTaken (R-LOG-11)."""
    for value in values:
        if value in taken:
            raise OnceTaken(once=value, position=taken[value])


def entry_of(fact: Any, origin: Origin, position: int, seq: int) -> Entry:
    """The entry of a fact. Errors: InvalidValues (R-VAL-01), and those of `must_hold`."""
    context = origin.context
    source = context.source
    if printed := fact.__dict__.get("printed"):
        source = {**(source or {}), "printed": printed}
    salt = random_16()
    payload = encode(fact)
    if b"\\u0000" in payload and _NUL.search(payload):
        raise InvalidValues([Fault(f"/{fact.TOPIC}", "nul", "holds a NUL character")])
    correlation = context.correlation
    accounts = fact.accounts()
    subjects = {fact.originator_id, *fact.about(), *context.subjects}
    for one in subjects:
        if one.startswith(ACCOUNT_KINDS):
            raise InvalidValues([Fault(
                f"/{fact.TOPIC}", "account_named",
                f"is about {one}, and only what posts to it or observes it may be")])
    if accounts:
        subjects.update(accounts, map(held_in, accounts))
    fields = (
        origin.ledger, position, fact.originator_id, fact.originator_version, fact.TOPIC,
        origin.now, to_us(fact.occurred_at), origin.command_id, seq, origin.request_hash,
        fact.__dict__.get("once"), context.actor, context.role, context.client,
        origin.command_id if correlation is None else correlation.bytes, context.causation,
        spelled_subjects(subjects),
        None if source is None else encode(source).decode(), payload,
        salt, payload_hash(salt, payload))
    entry = Entry(*fields, b"")
    must_hold(entry)
    return Entry(*fields, leaf_hash(entry))


SYSTEM = Context(actor="system", role="system", client="ledger")
"""Who does what the ledger does of itself."""


def own_entry(
    fact: Milestone, ledger: bytes, head: Head, now: int, *, version: int = 1,
    occurred_at: int | None = None, context: Context = SYSTEM,
) -> Entry:
    """The entry of an event of the log itself, after a head. Units: `now` and `occurred_at`, by
    default the same, in microseconds since 1970."""
    salt, payload, command = random_16(), encode(fact), uuid7().bytes
    entry = Entry(
        ledger, head.position + 1, STREAM, version, fact.TOPIC, now,
        now if occurred_at is None else occurred_at, command, 1, None, None, context.actor,
        context.role, context.client, command, None, spelled_subjects([STREAM]), None, payload,
        salt, payload_hash(salt, payload), b"")
    return entry._replace(leaf_hash=leaf_hash(entry))
