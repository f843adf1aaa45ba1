"""What people wrote, as read models keep it and reports show it: sealed, and masked until opened.

A read model stores the sealed value with its place in the log, and never what it says. Who may see
it has it opened when it is read, with the key of the person whose it is; without that key it reads
as erased, or as lost, in the past as well.
"""

from collections.abc import Callable
from typing import Any, Self

import msgspec

from ledger.common.personal import Personal
from ledger.common.phrases import Phrase
from ledger.log.envelope import Entry, Outline

PERSONAL = "‹personal›"
"""What stands for a value that is not opened."""

ERASED = "‹erased›"
"""What stands for a value of a person who was erased."""

LOST = "‹lost›"
"""What stands for a value whose person's key is gone, while no erasure of them is on record."""

Reveal = Callable[[Personal, str, int, str], str | None]
"""Opens a sealed value of a place, as `LedgerKeys.reveal` does; None where the key is gone."""

IsErased = Callable[[str], bool]
"""Whether a person was erased: `LedgerKeys.is_erased`."""


class Sealed(msgspec.Struct, frozen=True, array_like=True):
    """A sealed value with its place: stream, version and field of its event."""

    value: Personal
    stream: str
    version: int
    field: str

    @classmethod
    def of(cls, entry: Entry | Outline, value: Personal | None, field: str) -> Self | None:
        """The value of a field of an event, which may have none."""
        return None if value is None else cls(value, entry.stream, entry.version, f"/{field}")


class Hidden(str):
    """What stands for a sealed value: as a text it is `PERSONAL`, and yet it equals no other that
    stands for another value. So what changed can be seen where nobody sees to what."""

    __slots__ = ("value",)
    value: Personal

    @classmethod
    def of(cls, value: Personal) -> Self:
        """What stands for a value."""
        found = cls(PERSONAL)
        found.value = value
        return found

    def __eq__(self, other: object) -> bool:
        return self.value == other.value if isinstance(other, Hidden) else str.__eq__(self, other)

    __hash__ = str.__hash__


class Written(str):
    """A text of a report's row that is sealed, with its place in the log; as a text it is
    `PERSONAL`."""

    __slots__ = ("sealed",)
    sealed: Sealed

    @classmethod
    def of(cls, sealed: Sealed | None) -> Self | None:
        """A sealed value on its way into a row; None where there is none."""
        if sealed is None:
            return None
        found = cls(PERSONAL)
        found.sealed = sealed
        return found


def opened(sealed: Sealed, reveal: Reveal, is_erased: IsErased) -> str:
    """What a sealed value says, or what stands for it."""
    text = reveal(sealed.value, sealed.stream, sealed.version, sealed.field)
    return without_key(sealed, is_erased) if text is None else text


def without_key(sealed: Sealed, is_erased: IsErased) -> str:
    """What stands for a value whose person's key is gone. Whether it was erased or is lost is
    decided here alone."""
    return ERASED if is_erased(sealed.value.p) else LOST


def revealed(value: Any, reveal: Reveal, is_erased: IsErased) -> Any:
    """A value of a row with every sealed text in it opened, or marked as erased or lost."""
    if type(value) is Written:
        return opened(value.sealed, reveal, is_erased)
    if isinstance(value, dict):
        return {name: revealed(part, reveal, is_erased) for name, part in value.items()}
    if isinstance(value, list):
        return [revealed(part, reveal, is_erased) for part in value]
    return value


def noting_hidden(as_of: dict[str, Any], rows: Any) -> dict[str, Any]:
    """A header, which says where something in what it is of is not opened. Shapes: `notes` is a
    list."""
    return as_of if not hides(rows) else {**as_of, "notes": [Phrase(
        "what is marked {mark} is sealed, and not shown here", mark=PERSONAL), *as_of["notes"]]}


def hides(value: Any) -> bool:
    """Whether something sealed is among what a value holds."""
    if isinstance(value, dict):
        return any(map(hides, value.values()))
    if isinstance(value, list | tuple):
        return any(map(hides, value))
    return isinstance(value, str) and PERSONAL in value


_PLAIN = frozenset({str, int, bool, type(None)})
"""Of what most of a page is: neither sealed nor with something sealed in it."""


def persons_in(value: Any) -> set[str]:
    """The ids of the persons whose keys are needed to open a value."""
    found: set[str] = set()
    left = [value]
    for one in left:  # which grows meanwhile
        if type(one) is Written:
            found.add(one.sealed.value.p)
        else:
            parts = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
            left += [part for part in parts if part and type(part) not in _PLAIN]
    return found
