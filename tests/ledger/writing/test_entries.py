"""A command whose event would be too large is refused alone, and nothing of it is recorded."""

from typing import Any

import pytest

from ledger.application import Ledger
from ledger.common.context import Receipt
from ledger.common.errors import Invalid, InvalidValues
from ledger.core.commands import Command
from ledger.log.bounds import (
    MAX_SUBJECTS,
    NAME_BYTES,
    PAYLOAD_BYTES,
    SOURCE_BYTES,
    OnceTooLong,
    PayloadTooLarge,
    SourceTooLarge,
    StreamTooLong,
    SubjectTooLong,
    TooManySubjects,
)
from ledger.log.store import Store
from tests.support.batches import outcomes
from tests.support.envelopes import context
from tests.support.jars import JarUnknown, ShakeJars, adding, opening, sealing
from tests.support.soundness import must_be_sound

FRAME = len(b'{"reason":""}')


def shaking(**fields: Any) -> ShakeJars:
    """A jar is shaken."""
    return ShakeJars(**fields)


COMMANDS: dict[str, tuple[Command, Command, type[Invalid]]] = {
    "payload": (sealing(reason="x" * (PAYLOAD_BYTES - FRAME)),
                sealing(reason="x" * (PAYLOAD_BYTES - FRAME + 1)), PayloadTooLarge),
    "stream": (shaking(jars=("jar:" + "x" * (NAME_BYTES - 4),)),
               shaking(jars=("jar:fine", "jar:" + "x" * (NAME_BYTES - 3))), StreamTooLong),
    "once": (shaking(once=("x" * NAME_BYTES,)), shaking(once=("fine", "x" * (NAME_BYTES + 1))),
             OnceTooLong),
}
"""By what is bounded: a command at the bound, one that is above, and its error."""


@pytest.mark.parametrize(("most", "above", "error"), COMMANDS.values(), ids=COMMANDS)
def test_bounds__of_a_command_are_exact_and_cost_nobody_else(
    ledger: Ledger, store: Store, most: Command, above: Command, error: type[Invalid]
) -> None:
    """R-LOG-21 to R-LOG-24, in one batch with others."""
    ledger.handle(opening(), context())
    results = outcomes(ledger, opening(2), above, most, opening(3))
    assert [type(result) for result in results] == [Receipt, error, Receipt, Receipt]
    rows = must_be_sound(store)
    assert len(rows) == 4
    assert not any(row.stream.startswith(("command:", "jar:fine")) for row in rows)


CONTEXTS: dict[str, tuple[dict[str, Any], dict[str, Any], type[Invalid]]] = {
    "source": ({"source": {"import": "x" * (SOURCE_BYTES - len('{"import":""}'))}},
               {"source": {"import": "x" * (SOURCE_BYTES - len('{"import":""}') + 1)}},
               SourceTooLarge),
    "subject": ({"subjects": ("x" * NAME_BYTES,)}, {"subjects": ("x" * (NAME_BYTES + 1),)},
                SubjectTooLong),
    "subjects": ({"subjects": tuple(map(str, range(MAX_SUBJECTS - 4)))},
                 {"subjects": tuple(map(str, range(MAX_SUBJECTS - 3)))}, TooManySubjects),
}
"""By what is bounded: a context at the bound, one that is above, and its error. A jar that is
opened names four subjects of its own: itself, its shelf, that as an account, and what it holds."""


@pytest.mark.parametrize(("most", "above", "error"), CONTEXTS.values(), ids=CONTEXTS)
def test_bounds__of_a_context_are_exact(
    ledger: Ledger, store: Store, most: dict[str, Any], above: dict[str, Any],
    error: type[Invalid],
) -> None:
    with pytest.raises(error):
        ledger.handle(opening(), context(**above))
    assert must_be_sound(store) == []
    assert ledger.handle(opening(), context(**most)).positions == (2,)


def test_bounds__of_a_name_do_not_lose_the_refusal_of_a_command(
    ledger: Ledger, store: Store
) -> None:
    """A refused command that names what no event can name goes on record without that name."""
    name = "jar:" + "x" * NAME_BYTES
    with pytest.raises(JarUnknown):
        ledger.handle(adding(name.removeprefix("jar:")), context())
    (row,) = must_be_sound(store)
    assert row.type == "command.refused.v1"
    assert name not in row.subjects + row.payload.decode()


def test_event__rejected_that_names_an_account_and_posts_nothing(ledger: Ledger) -> None:
    """An account is named by what posts to it or observes it, and by nothing else."""
    with pytest.raises(InvalidValues, match="is about stock:hz:A1, and only what posts to it"):
        ledger.handle(opening(), context(subjects=("stock:hz:A1",)))
    assert ledger.head().position == 1
