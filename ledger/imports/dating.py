"""When a file was made: what decides which of two statements about an order is the older news.

It is said by a column of its rows, by its name, in the way that the profile says, or by whoever
imports it. When it was copied or last saved, and which file was named first, decide nothing.
"""

import re
from collections.abc import Sequence
from typing import Any

from ledger.common.errors import Invalid
from ledger.common.moments import Moment
from ledger.common.values import from_us, rfc3339, to_us
from ledger.core.commands import Command
from ledger.imports.profile import Profile
from ledger.imports.times import reader
from ledger.orders.comparing import are_the_same
from ledger.orders.declared import RecordOrder


class FileNotYetMade(Invalid):
    """{file} is said to be of {at}, which is still to come. Say when it was made (`--as-of`), or
    put right its name or the profile's pattern for it."""

    code = "file_not_yet_made"
    rule = "R-IMP-25"


def stated_at(profile: Profile, name: str, given_us: int | None, latest_us: int) -> int | None:
    """When a file was made, by its name or else as given. Units: microseconds since 1970; None
    where nothing says it. Errors: FileNotYetMade (R-IMP-25)."""
    found = _of_name(profile, name)
    at = given_us if found is None else found
    if at is not None and at > latest_us:
        raise FileNotYetMade(file=name, at=rfc3339(from_us(at)))
    return at


def _of_name(profile: Profile, name: str) -> int | None:
    """The time in a file's name; None where the profile's pattern does not find one."""
    if profile.stated is None:
        return None
    pattern, form = profile.stated
    matched = re.search(pattern, name)
    return None if matched is None else reader([form], profile.clock)(matched[1])


def dated(command: Command, at: int | None) -> Command:
    """A statement as of when its file was made, unless a column of it says that."""
    if at is None or not isinstance(command, RecordOrder) or command.stated is not None:
        return command
    fields = {name: getattr(command, name) for name in command.__struct_fields__}
    return type(command)(**{**fields, "stated": Moment(from_us(at))})


def in_turn(commands: Sequence[tuple[Command, Any]]) -> list[tuple[Command, Any]]:
    """Statements about one order, each with what it is of, the oldest first; those without a time
    stay in front, as they are; what comes back of it comes last."""
    return sorted(commands, key=lambda one: (
        not isinstance(one[0], RecordOrder), _time(one[0]) or 0))


def _time(command: Command) -> int | None:
    stated = command.stated if isinstance(command, RecordOrder) else None
    return None if stated is None else to_us(stated.at)


def disagree(one: Command, other: Command) -> bool:
    """Whether two statements say different things of one order, and no time says which holds. What
    one of them does not say, since it was not sent by then, does not count."""
    if not (isinstance(one, RecordOrder) and isinstance(other, RecordOrder)):
        return False
    if None not in (_time(one), _time(other)) and _time(one) != _time(other):
        return False
    lines = one.lines, other.lines
    if None not in lines and not are_the_same(*lines):  # type: ignore[arg-type]
        return True
    said = ({**command.personal(), "province": command.province, "remark": command.remark,
             "ended": command.ended_as or None,
             **{name: getattr(command.amounts, name)
                for name in command.amounts.__struct_fields__}}
            for command in (one, other))
    mine, others = said
    return any(value is not None and others.get(name) not in (None, value)
               for name, value in mine.items())
