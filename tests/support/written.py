"""What people wrote, followed into the facts of a command: whose it is, and that none can read it.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from ledger.application import Ledger
from ledger.common.personal import Personal
from ledger.core.commands import Command
from projections.asking.written import IsErased, Reveal
from tests.support.stories import Story


def opening(ledger: Ledger) -> tuple[Reveal, IsErased]:
    """What opens the sealed texts of a report's rows."""
    return ledger.keys.reveal, ledger.keys.is_erased


WORDS = "李雷 13800000000"
"""What is written in every test: it must not stand in the open."""


def sealed_for(story: Story, command: Command) -> set[str]:
    """Take a command that names something personal; whose values its facts hold, without
    `person:`. None of what it names so is readable in them, and all of it is sealed."""
    story.when(command)
    assert story.error is None, story.error
    named = {name for name in command.PERSONAL if command.said(name) is not None}
    assert named, command
    found = {(name, value) for fact in story.facts for name, value in _sealed(fact)}
    assert {name for name, _ in found} >= named, (named, story.facts)
    for fact in story.facts:
        fields = msgspec.structs.asdict(fact)
        open_ = msgspec.json.encode({
            name: value for name, value in fields.items() if not isinstance(value, Personal)})
        assert WORDS not in open_.decode(), fact
    return {value.p.removeprefix("person:") for _, value in found}


def _sealed(fact: Any) -> Iterator[tuple[str, Personal]]:
    for name in type(fact).PERSONAL:
        if (value := getattr(fact, name)) is not None:
            yield name, value
