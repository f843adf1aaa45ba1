"""The commands about erasing persons."""

from typing import Annotated, ClassVar

from ledger.common.bounds import At, Form, Items, MemberId, Reason, Stream, Tally, Words
from ledger.common.values import Checks, is_subject
from ledger.core.commands import Command, OnStream, Wanted
from ledger.erasure.record import GROUNDS, PersonRecord

MOST = 4_000
"""Persons whom one event may erase: each is one of its subjects."""

_PATTERN = "^person:[A-Za-z0-9_-]{1,90}$"


def check_person(checks: Checks, where: str, value: object) -> None:
    """Note what is not the id of a person."""
    kind, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    if kind != "person" or not (1 <= len(name) <= 90) or not name.isascii() or not (
            name.replace("-", "a").replace("_", "a").isalnum()):
        said = f"is {str(value)[:100]!r}, not a person such as person:Zk3f…"
        if kind not in ("", "person") and is_subject(about := str(value)[:100]):
            said += f"; `ledger person find {about}` or POST /v1/persons/find says whose it is"
        checks.fault(where, "not_person", said)


PersonId = Annotated[str, Form(check_person, pattern=_PATTERN)]
"""Whose data something is: an id at random."""


class _OnPerson(OnStream, frozen=True, kw_only=True):
    """A command on one person."""

    AGGREGATE = PersonRecord
    person: PersonId

    @property
    def subject(self) -> str:
        """The person."""
        return self.person


class RequestErasure(_OnPerson, frozen=True, kw_only=True):
    """Ask to erase a person. Nothing is erased before somebody else confirms it. `found_in` is a
    stream with something that is sealed for them, where their key is lost."""

    NAME: ClassVar[str] = "person.request_erasure"
    ground: Annotated[str, Words(*GROUNDS)]
    found_in: Stream | None = None


class WithdrawErasure(_OnPerson, frozen=True, kw_only=True):
    """No longer ask to erase a person."""

    NAME: ClassVar[str] = "person.withdraw_erasure"


Persons = Annotated[list[PersonId], Items(least=1, most=MOST)]
Members = Annotated[list[MemberId], Items(most=MOST)]
Streams = Annotated[list[Stream], Items(most=MOST)]


class ConfirmErasure(_OnPerson, frozen=True, kw_only=True):
    """Erase a person, and all who go together with them, for ever.

    `together` are all persons, as they were found up to the position `seen`, `members` those among
    them, and `bare` orders whose buyer is among them and that hold nothing sealed for them.
    """

    NAME: ClassVar[str] = "person.confirm_erasure"
    together: Persons
    members: Members = []
    bare: Streams = []
    seen: Tally

    def streams(self) -> Wanted:
        return [(PersonRecord, person) for person in {self.person, *self.together}]


class HoldPerson(_OnPerson, frozen=True, kw_only=True):
    """Let nobody erase a person for now, such as during a dispute."""

    NAME: ClassVar[str] = "person.hold"
    PERSONAL: ClassVar[tuple[str, ...]] = ("reason",)
    reason: Reason


class LiftPersonHold(_OnPerson, frozen=True, kw_only=True):
    """Let a person be erased again."""

    NAME: ClassVar[str] = "person.lift_hold"


class EraseRetained(Command, frozen=True, kw_only=True):
    """Erase the persons whom the policy keeps no longer. `checked` is all that they stand in; the
    rest is as in `ConfirmErasure`."""

    NAME: ClassVar[str] = "person.erase_retained"
    together: Persons
    members: Members = []
    bare: Streams = []
    checked: Streams = []
    seen: Tally
    occurred_at: At

    @property
    def subject(self) -> str:
        """One of them."""
        return self.together[0]

    def streams(self) -> Wanted:
        return [(PersonRecord, person) for person in self.together]
