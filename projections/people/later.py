"""What rests on other news: facts about people that came after a decision, with effect before it.

What was decided stays as it was decided; whoever reads it is shown that the facts it stood on are
known otherwise by now.
"""

from collections.abc import Iterator
from typing import NamedTuple

from ledger.common.days import day_after
from ledger.core import event_types
from ledger.people.member import Member
from ledger.people.posts import Post, post_of
from projections.asking.answering import Reading

POST, SUPERVISOR, LEFT = WORDS = (
    "post_known_later", "supervisor_known_later", "left_known_later")
"""Why what was decided rests on other news."""


class News(NamedTuple):
    """A fact about people: where it was recorded, which reason it gives, about whom, and from which
    day on it has effect."""

    position: int
    reason: str
    member: str
    since: str


class Later:
    """The facts about people as of the cut of a reading; each stream is read once."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._news: dict[str, list[News]] = {}

    def rests_on(self, members: dict[str, str], day: str, decided_at: int) -> list[str]:
        """Why what was decided at a position about a day rests on other news, in words, sorted.

        Shapes: `members` maps each member to the post in which they are charged.
        """
        found = set()
        for member, post in members.items():
            news = [*self._of(member), *self._of(post_of(post))]
            found |= {one.reason for one in news
                      if one.member == member and one.position > decided_at and one.since <= day}
        return sorted(found)

    def _of(self, stream: str) -> list[News]:
        if stream not in self._news:
            self._news[stream] = list(self._read(stream))
        return self._news[stream]

    def _read(self, stream: str) -> Iterator[News]:
        reading = self._reading
        for entry in reading.models.store.streams(reading.ledger, [stream]):
            if not reading.cut.takes(entry):
                continue
            match event := event_types.decode(entry):
                case Post.Assigned():
                    yield News(entry.position, POST, event.member, event.since)
                case Post.TermEnded():
                    yield News(entry.position, POST, event.member, day_after(event.until))
                case Member.SupervisorSet():
                    yield News(entry.position, SUPERVISOR, stream, event.since)
                case Member.Left():
                    yield News(entry.position, LEFT, stream, day_after(event.last_day))
