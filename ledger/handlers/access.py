"""Keys of the API, and notes of who read what."""

from ledger.access.keys import ApiKey, IssueKey, NoteUse, RevokeKey
from ledger.access.readings import NoteReading, Reading
from ledger.common.values import subject
from ledger.core.aggregate import Aggregate
from ledger.core.commands import Command, Handler, Work


def issue_key(command: IssueKey, work: Work) -> list[Aggregate]:
    """Errors: R-ACC-01, R-ACC-02, R-ACC-04, R-LGN-10, all for the key that it replaces."""
    key: ApiKey = work.load(ApiKey, command.subject)
    key.issue({"owner": command.owner, "role": command.role, "digest": command.digest,
               "expires_at": command.expires_at, "replaces": command.replaces},
              occurred_at=command.occurred_at)
    if command.replaces is None:
        return [key]
    old: ApiKey = work.load(ApiKey, subject("key", command.replaces))
    old.must_open_at(command.replaces, command.occurred_at)
    old.must_be_no_session(command.replaces)
    old.expire(command.overlap_until or command.occurred_at, occurred_at=command.occurred_at)
    return [key, old]


def revoke_key(command: RevokeKey, work: Work) -> list[Aggregate]:
    """Errors: R-ACC-01."""
    key: ApiKey = work.load(ApiKey, command.subject)
    key.must_be_issued(command.key)
    key.revoke(command.reason, occurred_at=command.occurred_at)
    return [key]


def note_use(command: NoteUse, work: Work) -> list[Aggregate]:
    """The first use of a day is recorded. Errors: R-ACC-01."""
    key: ApiKey = work.load(ApiKey, command.subject)
    key.must_be_issued(command.key)
    key.note_use(command.day.isoformat(), occurred_at=command.occurred_at)
    return [key]


def note_reading(command: NoteReading, work: Work) -> list[Aggregate]:
    """Somebody is about to be shown something."""
    reading: Reading = work.load(Reading, command.subject)
    reading.note({"route": command.route, "filters": command.filters,
                  "subjects": command.subjects, "persons": command.people,
                  "purpose": command.purpose, "fields": command.fields,
                  "position": command.position}, occurred_at=command.occurred_at)
    return [reading]


HANDLERS: dict[type[Command], Handler] = {
    IssueKey: issue_key,
    RevokeKey: revoke_key,
    NoteUse: note_use,
    NoteReading: note_reading,
}
