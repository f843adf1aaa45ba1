"""What every aggregate promises: the same, however its events are applied to it."""

import copy
import json
from collections.abc import Sequence
from typing import Any

import pytest
from eventsourcing.application import project_aggregate

from ledger.application import Ledger
from ledger.common.errors import LedgerError
from ledger.core import event_types
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command
from ledger.log.store import Store
from tests.support.envelopes import CONTEXT

OF_THE_ENVELOPE = {"originator_id", "originator_version", "timestamp", "occurred_at",
                   "originator_topic"}


def kinds_of(kind: type[Aggregate]) -> list[type[Aggregate]]:
    """All classes of aggregates."""
    return [kind, *(one for below in kind.__subclasses__() for one in kinds_of(below))]


def is_as_begun(kind: type[Aggregate]) -> bool:
    """Whether what the blanks of a class share is what it begins with."""
    if "BEGUN" not in vars(kind):
        return True
    fresh = object.__new__(kind)
    fresh.begin()
    return vars(fresh) == kind.BEGUN


def run(ledger: Ledger, commands: Sequence[Command]) -> None:
    """Let a ledger decide commands, whatever comes of each."""
    for result in ledger.handle_many([(command, CONTEXT) for command in commands]):
        assert not isinstance(result, LedgerError) or result.code != "ledger_error"


def check_replay(ledger: Ledger, store: Store, kind: type[Aggregate], stream: str) -> None:
    """What was decided, what is read back and what the library replays are the same."""
    decided = ledger._writer._cache.get(kind, stream)
    rows = store.streams("main", [stream])
    ours = kind.blank(stream)
    for entry in rows:
        event_types.decode(entry).mutate(ours)
    libraries = project_aggregate(None, map(event_types.decode, rows))
    one_by_one = None
    for entry in rows:
        one_by_one = event_types.decode(entry).mutate(one_by_one)
    assert decided == ours == libraries == one_by_one
    assert ours.version == len(rows)
    assert _state(ours) == _state(libraries)


def check_clone(
    ledger: Ledger, kind: type[Aggregate], stream: str, thrown_away: Sequence[Command],
    decided: Sequence[Command]
) -> None:
    """Commands decided later do not change what was kept: mutators replace, never change."""
    kept = ledger._writer._cache.get(kind, stream)
    assert kept is not None
    before = copy.deepcopy(_state(kept))
    ledger.preview([(command, CONTEXT) for command in thrown_away])
    run(ledger, decided)
    assert _state(kept) == before


def check_payloads(store: Store, stream: str) -> None:
    """A payload is compact JSON of texts and whole numbers, without what the envelope holds."""
    for entry in store.streams("main", [stream]):
        payload = json.loads(entry.payload, parse_float=lambda text: pytest.fail(text))
        assert all(name.isascii() for name in payload)
        assert not OF_THE_ENVELOPE & set(payload)
        assert json.dumps(payload, ensure_ascii=False, separators=(",", ":")
                          ).encode() == entry.payload


def _state(aggregate: Any) -> dict[str, Any]:
    """Everything that an aggregate holds."""
    return {name: value for name, value in vars(aggregate).items() if name != "_sealer"}
