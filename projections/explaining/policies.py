"""Where the numbers of a policy version stand: in the event that published the section of it that
still held.
"""

from collections.abc import Iterable
from decimal import Decimal

from ledger.core import event_types
from ledger.log.envelope import Entry
from ledger.policies.book import PolicyBook
from ledger.policies.values import Version
from projections.explaining.formulas import Event, Step, number

Sources = dict[str, Event]
"""The event that published each section, by its name."""


class PolicyEvents:
    """The policies of a ledger, and the event that each section of each version comes from."""

    def __init__(self, entries: Iterable[Entry]) -> None:
        self._book = PolicyBook.blank("policy:book")
        self._sources: dict[int, Sources] = {}
        for entry in entries:
            event = event_types.decode(entry)
            before = self._sources.get(self._book.latest.number, {})
            event.apply(self._book)
            if isinstance(event, PolicyBook.Published):
                published = Event(entry)
                self._sources[event.version] = {
                    **before, **dict.fromkeys(published.payload["sections"], published)}

    def of(self, version: Version) -> Sources:
        """The events of a version's sections."""
        return self._sources.get(version.number, {})


def said(sources: Sources, section: str, pointer: str, *, otherwise: str, what: str = "") -> Step:
    """A number of a section; where the policy does not say it, what holds `otherwise`."""
    event = sources.get(section)
    if event is not None:
        try:
            return event.read(f"/sections/{section}{pointer}", what)
        except (KeyError, IndexError):
            pass
    return number(Decimal(otherwise), what)
