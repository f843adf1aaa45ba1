"""What histories, timelines and the trail hold: a class a row, see `projections.asking.columns`."""

from typing import Annotated, Any

from ledger.erasure.record import GROUNDS
from projections.asking.columns import Columns, Currency, Hash, Late, Subject, Time, code, says

CORRECTS = "The position of the event that it corrects; null: it corrects none."
CORRECTED_BY = "The positions of the events that correct it, as far as the answer knows."

OPEN = "Its members are those of the event's type: docs/events.md lists them."
"""Why an object has no members of its own here."""


class EventRow(Columns):
    """An event about a subject."""

    position: Annotated[int, says("Its position in the log.")]
    type: str
    stream: Subject
    version: int
    occurred_at: Time
    recorded_at: Time
    late: Late
    corrects: Annotated[int | None, says(CORRECTS)]
    corrected_by: Annotated[list[int], says(CORRECTED_BY, "corrected_by_event")]
    actor: str
    role: str
    client: str
    causation: Annotated[str | None, says("The command that it came of, where that is another.")]
    summary: str
    payload: Annotated[dict[str, Any], says(f"What it says; what is personal is masked. {OPEN}")]
    subjects: list[Subject]
    source: Annotated[dict[str, Any] | None, says(
        "Where it was read, such as the rows of a file; null where nobody says.")]


class Change(Columns):
    """A fact before and after an event."""

    before: Annotated[Any, says("What was known before; of any type.")]
    after: Annotated[Any, says("What is known after it; of any type.")]


class TrailRow(EventRow):
    """An event with what it changed."""

    command_id: str
    currency: Annotated[Currency | None, says(
        "That of the amounts in it: of its order, case or slip; null where it has none, or where "
        "too many events come before it.")]
    changes: Annotated[dict[str, Change] | None, says(
        "What it changed of its stream, by fact; null where too many events come before it.")]


class PersonEvent(Columns):
    """An event about a person, with what is sealed for them opened."""

    position: Annotated[int, says("Its position in the log.")]
    stream: Subject
    version: int
    type: str
    occurred_at: Time
    recorded_at: Time
    late: Late
    event: Annotated[dict[str, Any], says(f"What it says. {OPEN}")]


class PersonEvents(Columns):
    """All that is held on a person."""

    person: Subject
    together: list[Subject]
    events: Annotated[list[PersonEvent], says("Each event about them.")]


class PersonStatus(Columns):
    """What was decided about a person."""

    person: Subject
    requested: Annotated[Annotated[str, code(*GROUNDS)] | None, says(
        "On what ground somebody asks to erase them; null: nobody does.")]
    requested_by: Annotated[str | None, says("Who asks for it.")]
    held: Annotated[bool, says("Whether they are held, so that nobody may erase them.")]
    erased: Annotated[bool, says("Whether they are erased.")]
    waits_for: Annotated[list[Annotated[str, code("keys", "master", "old_master")]], says(
        "What the erasure still waits for: that the keys follow it, that the master key is "
        "changed, that its old file is removed.")]


class Root(Columns):
    """The root of the tree over the first events of the log."""

    position: Annotated[int, says("Over how many events.")]
    root: Annotated[Hash, says("The root of the tree.")]
    expect: Annotated[str, says("Both, as `ledger verify --expect` takes them.")]
    recorded_at: Annotated[Time | None, says(
        "When the last of them was recorded; null of none.")]
