"""A small domain of the tests' own, to try the engine with: jars that people put coins into.

It has what the engine has to cope with, and nothing of a shop: refusals, conflicts, personal
values, commands of several events and of several streams, `once`, and handlers with faults.
"""

import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, ClassVar

from ledger.common.errors import Conflict, Refused
from ledger.common.personal import Personal, Plain
from ledger.common.values import Checks, subject
from ledger.core.accounts import Account, Touch
from ledger.core.aggregate import Aggregate, event
from ledger.core.commands import Command, Handler, Wanted, Work
from ledger.core.postings import Posting
from ledger.handlers import clock
from tests.support.envelopes import NOON

FULL = 100
"""How many coins fill a jar."""


class JarUnknown(Refused):
    """{jar} was never opened."""

    code = "jar_unknown"
    rule = "R-TST-01"


class JarFull(Refused):
    """{jar} is full: it holds {held} coins."""

    code = "jar_full"
    rule = "R-TST-02"


class JarTooSmall(Refused):
    """{jar} is not made for {coins} coins."""

    code = "jar_too_small"
    rule = "R-TST-03"


class NotThatManyCoins(Refused):
    """{jar} holds {held} coins, not {wanted}."""

    code = "not_that_many_coins"
    rule = "R-TST-04"


class JarDiffers(Refused):
    """{jar} was opened at {opened_at}."""

    code = "jar_differs"
    rule = "R-TST-05"


class JarAlreadyOpen(Conflict):
    """{jar} is open already."""

    code = "jar_already_open"
    rule = "R-TST-06"


class Shelf(Account):
    """A shelf, which is an account: jars are posted to it as they are opened."""

    KIND = "stock"

    def begin(self) -> None:
        self.jars = 0

    def take(self, *touches: Touch) -> None:
        for touch in touches:
            self.jars += sum(one.quantity for one in touch.postings)
            self.position = touch.position


SHELF = subject("stock", "jars", "A")
"""The shelf of all jars."""


class Jar(Aggregate):
    """A jar of coins. It may be shaken before it is opened."""

    KIND = "jar"

    def begin(self) -> None:
        self.opened_at: datetime | None = None
        self.owner: Personal | None = None
        self.coins = 0
        self.sealed = False
        self.shaken = 0

    class Opened(Aggregate.Event):
        """A jar was opened on a shelf, which is an account, too: it posts one jar to it."""

        TOPIC = "jar.opened.v1"
        shelf: str
        opened_at: datetime
        coins: int = 0
        owner: Personal | None = None

        def about(self) -> list[str]:
            return [subject("shelf", self.shelf)]

    class CoinsAdded(Aggregate.Event):
        """Coins were put in."""

        TOPIC = "jar.coins_added.v1"
        coins: int

    class CoinsTaken(Aggregate.Event):
        """Coins were taken out."""

        TOPIC = "jar.coins_taken.v1"
        coins: int

    class Noted(Aggregate.Event):
        """Somebody noted something about the jar."""

        TOPIC = "jar.noted.v1"
        note: Personal

    class Sealed(Aggregate.Event):
        """The jar was sealed for good."""

        TOPIC = "jar.sealed.v1"
        reason: str = ""

    class Shaken(Aggregate.Event):
        """The jar was shaken."""

        TOPIC = "jar.shaken.v1"
        number: int

    def must_be_open(self) -> None:
        """Errors: JarUnknown (R-TST-01)."""
        if self.opened_at is None:
            raise JarUnknown(jar=self.id)

    def add(self, coins: int, occurred_at: datetime) -> None:
        """Errors: JarUnknown (R-TST-01), JarFull (R-TST-02)."""
        self.must_be_open()
        if self.coins >= FULL:
            raise JarFull(jar=self.id, held=self.coins)
        self._coins_added(coins=coins, occurred_at=occurred_at)

    def take(self, coins: int, occurred_at: datetime) -> None:
        """Errors: JarUnknown (R-TST-01), NotThatManyCoins (R-TST-04)."""
        self.must_be_open()
        if coins > self.coins:
            raise NotThatManyCoins(jar=self.id, held=self.coins, wanted=coins)
        self._coins_taken(coins=coins, occurred_at=occurred_at)

    def seal(self, reason: str, occurred_at: datetime) -> None:
        """Errors: JarUnknown (R-TST-01)."""
        self.must_be_open()
        if not self.sealed:
            self._sealed(reason=reason, occurred_at=occurred_at)

    @event(Opened)
    def _opened(self, opened_at, coins, owner):
        self.opened_at = opened_at
        self.coins = coins
        self.owner = owner

    @event(CoinsAdded)
    def _coins_added(self, coins):
        self.coins += coins

    @event(CoinsTaken)
    def _coins_taken(self, coins):
        self.coins -= coins

    @event(Noted)
    def _noted(self):
        pass

    @event(Sealed)
    def _sealed(self):
        self.sealed = True

    @event(Shaken)
    def _shaken(self):
        self.shaken += 1


# -- commands -------------------------------------------------------------------------------------


class OpenJar(Command, frozen=True, kw_only=True):
    """Open a jar."""

    NAME: ClassVar[str] = "jar.open"
    PERSONAL: ClassVar[tuple[str, ...]] = ("owner",)
    number: str
    occurred_at: datetime
    coins: int = 0
    owner: str = ""

    @property
    def jar(self) -> str:
        """The stream of the jar."""
        return subject("jar", self.number)

    def check(self, checks: Checks) -> None:
        checks.text("/number", self.number)
        checks.text("/owner", self.owner, longest=5000, empty=True)

    def streams(self) -> Wanted:
        return [(Jar, self.jar)]

    def persons(self) -> list[str]:
        return [f"owner:{self.owner}"] if self.owner else []


class FillJar(OpenJar, frozen=True, kw_only=True):
    """A jar's whole life as a file declares it: opened, filled, emptied, sealed; four events."""

    NAME: ClassVar[str] = "jar.fill"
    REFUSALS_KEPT: ClassVar[bool] = False
    sealed_at: datetime


class OnJar(Command, frozen=True, kw_only=True):
    """What all commands on a jar have in common."""

    jar: str
    occurred_at: datetime
    expected_version: int | None = None

    def streams(self) -> Wanted:
        return [(Jar, self.jar)]


class AddCoins(OnJar, frozen=True, kw_only=True):
    """Put coins in."""

    NAME: ClassVar[str] = "jar.add_coins"
    coins: int


class TakeCoins(OnJar, frozen=True, kw_only=True):
    """Take coins out."""

    NAME: ClassVar[str] = "jar.take_coins"
    coins: int
    reason: str = ""


class NoteJar(OnJar, frozen=True, kw_only=True):
    """Note something about a jar."""

    NAME: ClassVar[str] = "jar.note"
    PERSONAL: ClassVar[tuple[str, ...]] = ("note",)
    note: str

    def persons(self) -> list[str]:
        return [self.jar]


class SealJar(OnJar, frozen=True, kw_only=True):
    """Seal a jar for good. Its reason is checked by nobody."""

    NAME: ClassVar[str] = "jar.seal"
    reason: str = ""


class ShakeJars(Command, frozen=True, kw_only=True):
    """Shake jars, each as often as there are `once` values, and then do what a fault does."""

    NAME: ClassVar[str] = "jar.shake"
    jars: tuple[str, ...] = ("jar:shaky",)
    once: tuple[str | None, ...] = (None,)
    fault: str = ""


# -- handlers -------------------------------------------------------------------------------------


def open_jar(command: OpenJar, work: Work) -> list[Aggregate]:
    """Errors: JarAlreadyOpen (R-TST-06), JarTooSmall (R-TST-03)."""
    jar: Jar = work.load(Jar, command.jar)
    if jar.opened_at is not None:
        raise JarAlreadyOpen(jar=jar.id)
    if command.coins > FULL:
        raise JarTooSmall(jar=jar.id, coins=command.coins)
    owner = Plain(work.person(command.persons()[0]), command.owner) if command.owner else None
    jar._opened(shelf="A", opened_at=command.occurred_at, coins=command.coins, owner=owner,
                occurred_at=command.occurred_at)
    shelf: Shelf = work.load(Shelf, SHELF)
    jar.newest.postings = (Posting(account=shelf.id, quantity=1, source="supplier",
                                   target="available", cause="receipt"),)
    return [jar]


def fill_jar(command: FillJar, work: Work) -> list[Aggregate]:
    """Errors: JarDiffers (R-TST-05)."""
    jar: Jar = work.load(Jar, command.jar)
    if jar.opened_at == command.occurred_at:
        return []
    if jar.opened_at is not None:
        raise JarDiffers(jar=jar.id, opened_at=jar.opened_at.isoformat())
    open_jar(command, work)
    jar.add(FULL, command.occurred_at)
    jar.take(FULL, command.occurred_at)
    jar.seal("", command.sealed_at)
    return [jar]


def add_coins(command: AddCoins, work: Work) -> list[Aggregate]:
    """Errors: JarUnknown (R-TST-01), JarFull (R-TST-02), StaleVersion (R-LOG-02)."""
    jar: Jar = work.load(Jar, command.jar)
    jar.must_be_at(command.expected_version)
    jar.add(command.coins, command.occurred_at)
    return [jar]


def take_coins(command: TakeCoins, work: Work) -> list[Aggregate]:
    """Errors: JarUnknown (R-TST-01), NotThatManyCoins (R-TST-04)."""
    jar: Jar = work.load(Jar, command.jar)
    jar.take(command.coins, command.occurred_at)
    return [jar]


def note_jar(command: NoteJar, work: Work) -> list[Aggregate]:
    """Errors: JarUnknown (R-TST-01)."""
    jar: Jar = work.load(Jar, command.jar)
    jar.must_be_open()
    jar._noted(note=Plain(work.person(command.jar), command.note), occurred_at=command.occurred_at)
    return [jar]


def seal_jar(command: SealJar, work: Work) -> list[Aggregate]:
    """Errors: JarUnknown (R-TST-01)."""
    jar: Jar = work.load(Jar, command.jar)
    jar.seal(command.reason, command.occurred_at)
    return [jar]


FAULTS: dict[str, Callable[[list[Any]], object]] = {
    "raise": lambda changed: {}["no such key"],
    "forget": lambda changed: changed.clear(),
    "nul": lambda changed: setattr(changed[0].pending_events[0], "number", "\0"),
    "surrogate": lambda changed: changed[0].pending_events[0].__dict__.update(once="\ud800"),
    "exit": lambda changed: sys.exit("out of here"),
    "call back": lambda changed: changed[0]._sealer.call_back(),
}
"""What may be wrong with a handler."""


def shake_jars(command: ShakeJars, work: Work) -> list[Aggregate]:
    """One event for each jar and `once`, then the fault."""
    changed: list[Aggregate] = []
    for name in command.jars:
        jar: Jar = work.load(Jar, name)
        for number, once in enumerate(command.once):
            jar._shaken(number=number, occurred_at=NOON, once=once)
        changed.append(jar)
    if command.fault:
        FAULTS[command.fault](changed)
    return changed


HANDLERS: dict[type[Command], Handler] = {
    **clock.HANDLERS,
    OpenJar: open_jar,
    FillJar: fill_jar,
    AddCoins: add_coins,
    TakeCoins: take_coins,
    NoteJar: note_jar,
    SealJar: seal_jar,
    ShakeJars: shake_jars,
}


# -- commands in one line -------------------------------------------------------------------------


def name_of(number: object = "1") -> str:
    """The stream of the jar with this number."""
    return f"jar:{number}"


def opening(number: object = "1", **fields: Any) -> OpenJar:
    """A jar is opened."""
    return OpenJar(**{"number": str(number), "occurred_at": NOON, **fields})


def filling(number: object = "1", **fields: Any) -> FillJar:
    """A whole life: four events."""
    return FillJar(**{"number": str(number), "occurred_at": NOON,
                      "sealed_at": NOON + timedelta(days=9), **fields})


def adding(number: object = "1", coins: int = FULL, **fields: Any) -> AddCoins:
    """Coins, by default as many as fill the jar."""
    return AddCoins(**{"jar": name_of(number), "occurred_at": NOON, "coins": coins, **fields})


def taking(number: object = "1", coins: int = FULL, **fields: Any) -> TakeCoins:
    """Coins are taken, by default as many as fill the jar."""
    return TakeCoins(**{"jar": name_of(number), "occurred_at": NOON, "coins": coins, **fields})


def noting(number: object = "1", note: str = "很重") -> NoteJar:
    """A note about a jar."""
    return NoteJar(jar=name_of(number), occurred_at=NOON, note=note)


def sealing(number: object = "1", reason: str = "") -> SealJar:
    """A jar is sealed."""
    return SealJar(jar=name_of(number), occurred_at=NOON + timedelta(days=9), reason=reason)
