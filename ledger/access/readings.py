"""Who read what: facts of the ledger `NAME.access`. Reading never moves the head of the ledger that
is read, which is why readings are recorded in a ledger of their own.
"""

from datetime import datetime
from typing import Annotated, Any, ClassVar

from ledger.access.keys import KeyId
from ledger.common.bounds import IdText, Items, Subject, Tally, Text, Words
from ledger.common.errors import Unavailable
from ledger.common.values import subject
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import OnStream
from ledger.core.postings import mention_of

IMPORT = "import"
"""What faulty rows of an import are opened for: to be mended."""

PURPOSES = ("pick", "check", "pack", "label", "service", "complaint", "dispute", "audit")
"""What somebody opens the slip of an order for. A note stays for ever and is about whomever it is
about, so it takes none of a caller's own words. The list may grow."""

Purpose = Annotated[str, Words(*PURPOSES, IMPORT)]

PERSONS = 1_000
"""The most persons in one note; a reading of more leaves several."""


class ReadingNotNoted(Unavailable):
    """Whoever reads this is noted before it is shown, and no note can be written now. What needs
    none can be read. Why: {why}"""

    code: ClassVar[str] = "reading_not_noted"
    rule: ClassVar[str] = "R-ACC-05"


class Reading(Aggregate):
    """That somebody read what people wrote, records of staff, evidence or money. Each reading has a
    stream of its own, `reading:<id>`: to note one never takes longer for those before it."""

    KIND = "reading"

    def begin(self) -> None:
        """It was not noted."""

    class Noted(Aggregate.Event):
        """Somebody was about to be shown the answer of a route, such as /v1/orders/<order>, as of a
        position: about which subjects it was asked, which filters were named, and whose sealed
        values were opened for it. Where a purpose is asked for, it is there, with the names of the
        fields that were opened. Values are in no note."""

        TOPIC = "reading.noted.v1"
        route: str
        position: int
        filters: list[str] = []
        subjects: list[str] = []
        persons: list[str] = []
        purpose: Purpose | None = None
        fields: list[str] = []

        def about(self) -> list[str]:
            """What was asked for, and whose values were opened."""
            return [*map(mention_of, self.subjects), *self.persons]

    @event(Noted)
    def _noted(self):
        pass

    def note(self, facts: dict[str, Any], *, occurred_at: datetime) -> None:
        """Somebody is about to read."""
        self._noted(**facts, occurred_at=occurred_at)


class NoteReading(OnStream, frozen=True, kw_only=True):
    """Note a reading, before its answer is given. `reading` is an id of its own. `route` is how the
    route is registered, `filters` and `fields` are names: all are as short as the code writes them,
    whatever a client asks for. `purpose` is what sealed values are opened for, and `fields` are
    those that were."""

    NAME: ClassVar[str] = "reading.note"
    AGGREGATE = Reading
    reading: KeyId
    route: Annotated[str, Text(longest=200)]
    filters: Annotated[list[Annotated[str, Text(longest=100)]], Items(most=100)] = []
    subjects: Annotated[list[Subject], Items(most=100)] = []
    people: Annotated[list[Annotated[str, IdText(longest=100)]], Items(most=PERSONS)] = []
    purpose: Purpose | None = None
    fields: Annotated[list[Annotated[str, Text(longest=100)]], Items(most=100)] = []
    position: Tally

    @property
    def subject(self) -> str:
        """The reading's stream."""
        return subject("reading", self.reading)
