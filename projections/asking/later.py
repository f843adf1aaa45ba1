"""What a read model has not taken in yet: recorded events that its rows do not hold."""

from collections.abc import Sequence

from ledger.common.errors import Unavailable
from ledger.log.envelope import Outline, listed_subjects
from ledger.log.store import Store

LOOKED = 2_000
"""Events that are looked through for a subject, and folded by whoever asks for it, at most."""


class NotYetKnown(Unavailable):
    """The read model {projection} has taken in {position} of {head} events, and does not know yet
    what the others say of {subject}. Ask again; if it stopped, `ledger doctor` says why."""

    code = "not_yet_known"
    rule = "R-PRJ-18"


def must_know(
    store: Store, ledger: str, projection: str, subjects: Sequence[str], *,
    between: tuple[int, int],
) -> None:
    """Check that no event after the one position, up to which a projection has folded, until the
    other is about subjects: only then is there nothing about them. Errors: NotYetKnown (R-PRJ-18),
    also where these are too many to look through."""
    if is_spoken_of(store, ledger, subjects, between) is not False:
        folded, head = between
        raise NotYetKnown(projection=projection, subject=subjects[0], position=folded, head=head)


def is_spoken_of(
    store: Store, ledger: str, subjects: Sequence[str], between: tuple[int, int]
) -> bool | None:
    """Whether an event after one position, up to another, is about subjects; None where they are
    too many to look through."""
    after, until = between
    if after >= until:
        return False
    found = store.outlines(ledger, after=after, until=until, limit=LOOKED)
    if len(found) < until - after:
        return None
    return any(_is_about(one, subjects) for one in found)


def _is_about(one: Outline, subjects: Sequence[str]) -> bool:
    return one.stream in subjects or not set(subjects).isdisjoint(listed_subjects(one.subjects))
