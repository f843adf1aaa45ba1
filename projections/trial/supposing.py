"""What is supposed of a history: that events had not been recorded, that further commands had been
sent, that another version of the policies had been in force. Nothing here writes.

The log is read as it would be then; the commands are decided on it by the rules, and the facts come
of what is left and what they would record. So it says what the reports would say.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from copy import copy
from typing import Any, NamedTuple, cast

import msgspec

from ledger.common.context import Context
from ledger.common.decoding import any_json, sent_json
from ledger.common.errors import Unanswerable
from ledger.common.phrases import Phrase
from ledger.common.values import from_us, repeated_name
from ledger.core.commands import Command
from ledger.handlers.table import SENT
from ledger.log.beyond import Beyond, head_at
from ledger.log.envelope import Entry
from ledger.log.otherwise import Otherwise
from ledger.log.store import Head, Store
from ledger.orders.order import Order
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.commands import PublishPolicy
from ledger.scores.account import Account
from ledger.scores.closings import CLOSINGS
from ledger.writing.preview import Foreseen
from projections.asking.clocks import Cut
from projections.asking.past import NothingRecorded
from projections.policies import book_of
from projections.trial.facts import Matter, history_about

MOST_SUPPOSED = 100
"""As many commands are supposed at a time, and as many events left out."""

ALWAYS = "1000-01-01"
"""From a version's day on it is in force; one that is supposed was so before all else."""

DECIDED: Mapping[str, Phrase] = {
    Account.KIND: Phrase("its score"), Order.KIND: Phrase("until when it is to be dispatched")}
"""Kinds of subjects of which a policy decides something that reports compute, and what."""


class BadSupposition(Unanswerable):
    """Command {number} of what is supposed cannot be read: {why}. Each is an object with the name
    of the command, and its fields, such as {{"command": "order.pay", …}}; `ledger do` lists
    all."""

    code = "bad_supposition"
    rule = "R-SUP-01"


class NothingSupposed(Unanswerable):
    """Nothing is supposed. Leave an event out, add a command, or name a version of the policies."""

    code = "nothing_supposed"
    rule = "R-SUP-02"


class TooMuchSupposed(Unanswerable):
    """{count} commands are supposed. At most {most} are at a time."""

    code = "too_much_supposed"
    rule = "R-SUP-03"


class LeftOutAndNamed(Unanswerable):
    """Position {position} is left out, and {command} names it. Leave it in, or do not send that."""

    code = "left_out_and_named"
    rule = "R-SUP-04"


class TwoPolicies(Unanswerable):
    """Version {version} of the policies is supposed to be in force, and another one to be
    published. Suppose only one of them."""

    code = "two_policies"
    rule = "R-SUP-05"


class NoPolicyDecides(Unanswerable):
    """No report computes anything of {subject} by a policy: what was decided of it stays as it was
    recorded. Ask about {kinds}."""

    code = "no_policy_decides"
    rule = "R-SUP-06"


class Hypothesis(NamedTuple):
    """What is supposed: that the events at some positions had not been recorded; that commands had
    been sent at the end, each an object with `command` for its name, its fields, and `actor` for
    who sends it; that a version of the policies had been in force on every day."""

    without: Collection[int] = ()
    commands: Sequence[Any] = ()
    policy: int | None = None

    def __bool__(self) -> bool:
        return bool(self.without or self.commands or self.policy is not None)


REALITY = Hypothesis()
"""Nothing is supposed."""

Decide = Callable[[Sequence[tuple[Command, Context]], Store, Head, int], Foreseen]
"""Decides commands in a log as a view reads it, which ends at a head, at a time in microseconds
since 1970: `Ledger.suppose`."""


class Means(NamedTuple):
    """What decides commands, and who sends them where they do not say so. Units: `now` in
    microseconds since 1970."""

    decide: Decide
    sender: Context
    now: int


def commands_of(text: str) -> list[Any]:
    """The commands of a text: a JSON object, a list of them, or one per line. Errors:
    BadSupposition (R-SUP-01)."""
    try:
        return _listed(_objects(text, 1))
    except msgspec.DecodeError:
        pass
    found: list[Any] = []
    for number, line in enumerate(text.splitlines(), 1):
        try:
            found += _listed(_objects(line, number)) if line.strip() else []
        except msgspec.DecodeError as error:
            raise BadSupposition(number=number, why=error) from None
    return found


def _objects(text: str, number: int) -> Any:
    any_json(text)
    if (twice := repeated_name(text)) is not None:
        raise BadSupposition(number=number, why=Phrase(
            "the name {name!r} stands twice", name=twice))
    return sent_json(text)


def _listed(found: Any) -> list[Any]:
    return found if isinstance(found, list) else [found]


class Supposed(NamedTuple):
    """A subject as it would be, the same as it is, the entries that would be recorded, and what is
    to be said of it. `elsewhere` are the positions of what makes it so without being about it: a
    version of the policies, or what would be recorded."""

    matter: Matter
    real: Matter
    added: Sequence[Entry] = ()
    notes: Sequence[Phrase] = ()
    elsewhere: Sequence[int] = ()


def suppose(matter: Matter, given: Hypothesis, means: Means | None = None) -> Supposed:
    """A subject as it would be, as of the same cut. `means` are needed for commands.

    Errors: BadSupposition (R-SUP-01), TooMuchSupposed (R-SUP-03), LeftOutAndNamed (R-SUP-04),
    TwoPolicies (R-SUP-05), NoPolicyDecides (R-SUP-06), VersionUnknown (R-POL-07); whatever refuses
    the first of the commands that is refused.
    """
    models, ledger, subject, cut, _ = matter
    store, own = models.store, models.store.id_of(ledger)
    dropped, instead, notes = _policy(matter, given)
    view = Otherwise(store, own, without={*given.without, *dropped}, instead=instead,
                     occurred_us=cut.occurred_us)
    head = head_at(store, own, cut.position)
    added: list[Entry] = []
    if given.commands:
        assert means is not None
        now = head.recorded_at + 1 if cut.closed else max(means.now, head.recorded_at + 1)
        happens = now if cut.occurred_us is None else min(now, cut.occurred_us)
        items = list(_read(given, means.sender, happens))
        added = means.decide(items, cast(Store, view), head, now).entries
        notes += _said_of([command for command, _ in items], added)
    if given.without:
        notes.insert(0, Phrase(
            "without the events at {positions}: what follows is taken as it was recorded, and no "
            "rule is asked again", positions=", ".join(map(str, sorted(given.without)))))
        notes += _kept_together(store, own, given.without, cut)
    seals = [] if matter.kind != Account.KIND else store.streams(own, [CLOSINGS])
    unsealed = {one.position for one in seals if cut.takes(one)}
    if unsealed:
        notes.append(Phrase("the figures are computed, as if no month were sealed"))
    real = Otherwise(store, own, without=unsealed)
    seen = Otherwise(store, own, without={*view.without, *unsealed}, instead=instead)
    whole = Beyond(cast(Store, seen), own, head, added)
    would = _through(matter, cast(Store, whole), cut._replace(
        position=head.position + len(added), head=whole.head(own)))._replace(without=given.without)
    if added and not _is_about_any(would, added):
        notes.append(Phrase("nothing of what would be recorded is about {subject}",
                            subject=subject))
    return Supposed(would, _through(matter, cast(Store, real), cut) if unsealed else matter,
                    added, notes, [*instead, *(one.position for one in added)])


def _is_about_any(matter: Matter, added: Sequence[Entry]) -> bool:
    """Whether what would be recorded is about a subject, or decides what is known of it."""
    try:
        history = {one.position for one in history_about(matter)}
    except NothingRecorded:
        return False
    return any(one.position in history for one in added)


def _through(matter: Matter, view: Store, cut: Cut) -> Matter:
    """A subject as a view of the log has it."""
    models = copy(matter.models)
    models.store = view
    return matter._replace(models=models, cut=cut)


def _policy(
    matter: Matter, given: Hypothesis
) -> tuple[set[int], dict[int, Entry], list[Phrase]]:
    """The events of the policies that are left out, and those that say something else, if one
    version had always been in force."""
    if given.policy is None:
        return set(), {}, []
    models, ledger, subject, cut, _ = matter
    if matter.kind not in DECIDED:
        raise NoPolicyDecides(subject=subject, kinds=", ".join(sorted(DECIDED)))
    version = book_of(models.store, ledger, cut).must_know(given.policy).number
    dropped, instead = set(), {}
    for entry in models.store.streams(ledger, [BOOK]):
        said = any_json(entry.payload)
        if said["version"] > version or not cut.takes(entry):
            dropped.add(entry.position)
        elif said["version"] == version and entry.type == PolicyBook.Published.TOPIC:
            instead[entry.position] = entry._replace(
                payload=msgspec.json.encode({**said, "effective_from": ALWAYS}))
    return dropped, instead, [Phrase(
        "as if version {version} of the policies had been in force on every day: {what} is "
        "computed by it, and what was decided stays as it was recorded", version=version,
        what=DECIDED[matter.kind])]


def _read(
    given: Hypothesis, sender: Context, at: int
) -> Iterator[tuple[Command, Context]]:
    """The commands that are supposed, each with who sends it. Units: `at` in microseconds."""
    if len(given.commands) > MOST_SUPPOSED:
        raise TooMuchSupposed(count=len(given.commands), most=MOST_SUPPOSED)
    for number, said in enumerate(given.commands, 1):
        if not (isinstance(said, Mapping) and isinstance(said.get("command"), str)
                and said["command"] in SENT):
            raise BadSupposition(number=number, why=Phrase("it names no command"))
        cls, context = SENT[said["command"]], sender
        fields = {name: value for name, value in said.items() if name not in ("command", "actor")}
        if "occurred_at" in cls.__struct_fields__:
            fields.setdefault("occurred_at", from_us(at))
        if unknown := fields.keys() - {one.encode_name for one in msgspec.structs.fields(cls)}:
            raise BadSupposition(number=number, why=Phrase(
                "{name} is no field of it", name=", ".join(sorted(unknown))))
        try:
            command = msgspec.convert(fields, cls)
            if said.get("actor") is not None:
                context = msgspec.structs.replace(sender, actor=said["actor"])
        except (msgspec.ValidationError, TypeError) as error:
            raise BadSupposition(number=number, why=error) from None
        if issubclass(cls, PublishPolicy) and given.policy is not None:
            raise TwoPolicies(version=given.policy)
        if (named := fields.get("position")) in given.without:
            raise LeftOutAndNamed(position=named, command=cls.NAME)
        yield command, context


def _said_of(commands: Sequence[Command], added: Sequence[Entry]) -> Iterator[Phrase]:
    """What is to be said of commands that are supposed."""
    yield Phrase("with {commands}: decided by the rules on what was known then; nothing is "
                 "recorded", commands=", ".join(command.NAME for command in commands))
    if not added:
        yield Phrase("nothing would be recorded")


def _kept_together(
    store: Store, own: bytes, without: Collection[int], cut: Cut
) -> Iterator[Phrase]:
    """That events are kept which came of the same commands as some that are left out."""
    left_out = [one for at in sorted(without) for one in store.read(own, after=at - 1, limit=1)]
    kept = [one.position for one in store.commands(own, [one.command_id for one in left_out])
            if one.position not in without and cut.takes(one)]
    if kept:
        yield Phrase("the events at {positions} came of the same commands, and are kept",
                     positions=", ".join(map(str, kept)))
