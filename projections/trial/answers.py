"""What questions about a subject's history answer: a class a row, and the rows themselves."""

from typing import Annotated, Any

from projections.asking.columns import Columns, Hash, Late, Subject, Time, says
from projections.asking.headers import Header
from projections.audit.answers import CORRECTED_BY, CORRECTS, TrailRow


class FactChange(Columns):
    """A fact before and after an event."""

    field: Annotated[str, says("The fact, by its path: paid_minor, lines/1/delivered.")]
    before: Annotated[Any, says("What was known before; null: nothing. Of any type.")]
    after: Annotated[Any, says("What is known after it; null: nothing. Of any type.")]


class StepRow(Columns):
    """An event about a subject, and what it changed of what is known of that."""

    position: Annotated[int, says("Its position in the log.")]
    type: str
    stream: Subject
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
    changes: Annotated[list[FactChange], says("What it changed, by fact.")]


class DueRow(Columns):
    """A fact, and the event that made it what it is."""

    field: Annotated[str, says("The fact, by its path: paid_minor, lines/1/delivered.")]
    value: Annotated[Any, says("What is known; null: it is not known any more. Of any type.")]
    position: Annotated[int, says("The position of the event.")]
    type: str
    actor: str
    occurred_at: Time
    recorded_at: Time
    late: Late


class DifferenceRow(FactChange):
    """A fact in which two moments differ."""

    because: Annotated[list[int], says(
        "The positions of the events that made the difference: they changed the fact, and belong "
        "to one of both moments only.")]


class SupposedEvent(Columns):
    """An event that would be recorded."""

    type: str
    stream: Subject
    position: Annotated[int, says("Where it would stand: behind all that was recorded by then.")]
    occurred_at: Time


class DifferencesHeader(Header):
    """As of what two moments were compared: the second one, and `before` the first."""

    before: Annotated[Header, says("As of what the first moment is.")]
    came: Annotated[list[int], says("The events that only the second moment has.")]
    went: Annotated[list[int], says("The events that only the first moment has.")]
    supposed: Annotated[list[SupposedEvent], says(
        "The events that the commands would record that are supposed.")]


class SubjectDifferences(Columns):
    """A subject that differs between two moments."""

    subject: Subject
    events: Annotated[list[int], says(
        "The positions of the events between both moments that are about it.")]
    differences: Annotated[list[DifferenceRow], says("In what it differs, by fact.")]
    too_long: Annotated[bool, says(
        "Whether it has too many events to be compared here; its own history comes in pages.")]


class DifferingFact(Columns):
    """A fact of a subject that differs between two moments, as a line of a table."""

    subject: Subject
    field: Annotated[str | None, says(
        "The fact, by its path: paid_minor, lines/1/delivered; null where none differs.")]
    before: Annotated[str | None, says("What was known before; null: nothing.")]
    after: Annotated[str | None, says("What is known after it; null: nothing.")]
    because: Annotated[list[int], says(
        "The positions of the events that made the difference.")]


class BetweenHeader(Header):
    """As of what two moments a whole ledger was compared: the second one, and `before` the first.
    """

    before: Annotated[Header, says("As of what the first moment is.")]


class TurnRow(Columns):
    """An event at which a condition began, or ended, to hold."""

    position: Annotated[int, says("Its position in the log.")]
    holds: Annotated[bool, says("Whether the condition holds from it on.")]
    value: Annotated[Any, says("The fact after it; null: nothing is known. Of any type.")]
    type: str
    actor: str
    occurred_at: Time
    recorded_at: Time
    late: Late


class EventShown(TrailRow):
    """One event, what it changed, what it came of and what came of it."""

    leaf_hash: Annotated[Hash, says("Its leaf in the tree over the log.")]
    together: Annotated[list[int], says("The events that the same command recorded.")]
    caused: Annotated[list[int], says("The events that came of its command, by other commands.")]
