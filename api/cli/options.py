"""What the commands of the command line share: errors as messages, options, the opened ledger."""

import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from copy import copy
from functools import cached_property, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.fault_words import fault_said
from api.messages import explain, language, tr
from ledger.common.errors import InvalidValues, LedgerError
from ledger.policies.errors import PolicyUnsound
from projections.asking.names import FROM, OPTIONS, SAID, TO

if TYPE_CHECKING:
    from ledger.common.context import Context
    from ledger.common.days import Days
    from ledger.settings import Opened

Command = Callable[..., Any]


class _Translated(click.Command):
    """A command whose help is in the user's language, and that takes each option once: of two
    values the first would otherwise be dropped without a word."""

    def make_parser(self, ctx: click.Context) -> Any:
        """What reads its arguments. Errors: UsageError for an option that is given twice
        (R-PRJ-31)."""
        parser: Any = super().make_parser(ctx)
        for option in {id(one): one for one in (
                *parser._short_opt.values(), *parser._long_opt.values())}.values():
            if option.action == "store":
                option.process = _once(option, ctx)
        return parser

    def get_help(self, ctx: click.Context) -> str:
        """Its help; the catalogue's keys have their white space folded."""
        if language() != "zh":
            return super().get_help(ctx)
        translated = copy(self)
        translated.params = [copy(param) for param in self.params]
        for part in (translated, *translated.params):
            if words := getattr(part, "help", None):
                setattr(part, "help", _in_language(words))  # noqa: B010
        return super(_Translated, translated).get_help(ctx)

    def get_short_help_str(self, limit: int = 45) -> str:
        """Its help in a list: the first sentence, which may take more than one line."""
        return re.split(r"\.(?= |$)|[。；]", _in_language(self.help or ""))[0]


def _once(option: Any, ctx: click.Context) -> Callable[[Any, Any], None]:
    process, seen = option.process, False

    def processed(value: Any, state: Any) -> None:
        nonlocal seen
        if seen:
            ctx.fail(tr("{option} is given twice. Give it once.", option=max(
                option.obj.opts, key=len)))
        seen = True
        process(value, state)

    return processed


class Group(_Translated, click.Group):
    """Commands in the order in which they were added, with help in the user's language."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return list(self.commands)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that is named; one that is mistyped is refused with the nearest."""
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            near = nearest(args[0], self.commands)
            if near:
                ctx.fail(tr("There is no command {name!r}. Did you mean {near}?", name=args[0],
                            near=near))
        return super().resolve_command(ctx, args)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The name that was meant: the shortest that goes on from there, else the most alike; None
    where none is near."""
    from difflib import get_close_matches

    known = sorted(known, key=len)
    longer = [one for one in known if name and one.startswith(name)]
    return next(iter([*longer, *get_close_matches(name, known, n=1)]), None)


def _in_language(words: str) -> str:
    template = " ".join(words.split())
    return tr(template)


def command(name: str, *, epilog: str | None = None) -> Callable[[Command], click.Command]:
    """A command whose errors are messages and exit code 1; its help is its docstring."""

    def decorate(function: Command) -> click.Command:
        @wraps(function)
        def guarded(*arguments: Any, **options: Any) -> Any:
            try:
                return function(*arguments, **options)
            except (InvalidValues, PolicyUnsound) as error:
                rule = f"{error.rule}, " if isinstance(error, InvalidValues) else ""
                for fault in error.faults:
                    click.echo(f"{_typed(fault.where)}: {fault_said(fault.message)} "
                               f"[{rule}{fault.code}]", err=True)
                sys.exit(1)
            except LedgerError as error:
                if error.code in ("bad_time", "day_needed", "plus_lost"):
                    error.details["name"] = _typed(error.details["name"])
                click.echo(explain(error), err=True)
                sys.exit(1)
            except BrokenPipeError:
                raise  # click ends quietly: whoever read the output has read enough
            except (OSError, UnicodeError) as error:
                click.echo(tr("A file or a text cannot be used: {why}", why=error), err=True)
                sys.exit(1)

        return click.command(name, cls=_Translated, epilog=epilog)(guarded)

    return decorate


def _typed(where: str) -> str:
    """Where a fault is, as whoever typed the command knows it: a field that an option or an
    argument of this command fills, or is named like, is called by that."""
    params = click.get_current_context().command.params
    options = {param.name: param.human_readable_name for param in params
               if isinstance(param, click.Argument)}
    options |= {name: option for param in params
                if isinstance(param, click.Option) and (option := max(param.opts, key=len))
                for name in (option.strip("-").replace("-", "_"), param.name)}
    field, slash, rest = where.removeprefix("/").partition("/")
    return f"{options[field]}{slash}{rest}" if field in options else where


class Names(click.Choice[str]):
    """A choice among names that are known only after much was imported; they are looked up when
    somebody chooses."""

    def __init__(self, look_up: Callable[[], Iterable[str]]) -> None:
        self.look_up = look_up
        self.case_sensitive = True

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        """The name; one that is mistyped is refused with the nearest."""
        if value not in self.choices and (near := nearest(str(value), self.choices)):
            self.fail(tr("There is no {name!r}. Did you mean {near}?", name=value, near=near),
                      param, ctx)
        return super().convert(value, param, ctx)

    @cached_property
    def choices(self) -> tuple[str, ...]:  # type: ignore[override]
        """The names."""
        return tuple(self.look_up())


ledger_option = click.option("--ledger", "ledger_name", default="main", show_default=True,
                             metavar="NAME", help="Which ledger of the database.")
def roles() -> tuple[str, ...]:
    """The roles in which something is done: those of keys."""
    from ledger.access.keys import ROLES

    return ROLES


_new_ledger_option = click.option(
    "--new-ledger", "new", is_flag=True, help="Begin the ledger if it is not there. The first one "
    "of a database begins without.")
_zone_option = click.option(
    "--zone", metavar="ZONE", help="The time zone in which the ledger begins, such as "
    "Europe/Berlin: its days are those of that zone, for ever. Default: Asia/Shanghai.")


def new_ledger_options(function: Command) -> Command:
    """`--new-ledger`, and `--zone` of a ledger that begins."""
    return _new_ledger_option(_zone_option(function))


preview_option = click.option(
    "--preview", is_flag=True, help="Record nothing: say what would be recorded, and what it would "
    "touch.")
actor_option = click.option("--actor", metavar="ID", help="Who does it: a pseudonymous id. "
                            "Default: a pseudonym of the login.")


def form_option(forms: list[str]) -> Callable[[Command], Command]:
    """`--format` with these forms, and `--json` short for `--format json`."""

    def decorate(function: Command) -> Command:
        function = click.option("--json", "form", flag_value="json",
                                help="Short for --format json.")(function)
        return click.option("--format", "form", type=click.Choice(forms), default=forms[0],
                            show_default=True)(function)

    return decorate


append_option = click.option(
    "--append-to", "append_to", metavar="FILE", type=click.Path(path_type=Path),
    help="Append the line POSITION:ROOT to FILE, on disk when this ends. Keep it elsewhere.")


@contextmanager
def noting(path: Path | None, *copies: Path) -> "Iterator[Callable[[str], None]]":
    """What appends a line to a file, which is open before the work begins; without one, nothing.
    `copies` of the log are no such file.

    Errors: OwnFile (R-SET-08), CannotNote (R-VFY-03); of what it yields, NotNoted (R-VFY-04).
    """
    if path is None:
        yield lambda line: None
        return
    from api.cli.files import must_be_elsewhere
    from ledger.log.noted import Notes

    must_be_elsewhere(path, *copies)
    notes = Notes(path)
    try:
        yield notes.append
    finally:
        notes.close()


format_options = form_option(["table", "json"])


def as_of_options(function: Command) -> Command:
    """The two clocks of a question."""
    function = click.option("--occurred-as-of", metavar="TIME",
                            help="Only what had happened by then.")(function)
    function = click.option("--recorded-as-of", metavar="TIME",
                            help="Only what the ledger knew by then.")(function)
    return click.option("--position", metavar="N", type=int,
                        help="Only the first N events.")(function)


def filter_options(function: Command) -> Command:
    """What reports are narrowed by, besides the options that have another help of their own."""
    for field in sorted(SAID, reverse=True):
        function = click.option(OPTIONS[field], metavar=_metavar(field),
                                help=SAID[field])(function)
    return function


ASKED = (
    click.option("--channel", metavar="NAME", help="Only this channel's."),
    click.option("--shop", metavar="NAME", help="Only this shop's."),
    click.option("--from", "since", metavar="DAY", help="The first day of the period."),
    click.option("--to", "until", metavar="DAY", help="The last day of the period, included."),
    click.option("--month", metavar="YYYY-MM", help="Which month. Default for scores: the last "
                 "closed one; for attendance: this one; where a period is taken: the whole log."),
    click.option("--day", metavar="DAY", help="Of staff and shifts: which day. Default: "
                 "today; of the past, its last day."),
    click.option("--post", metavar="NAME", help="Only of this post."),
    click.option("--status", metavar="WORD", help="Of queues: only orders of this status."),
    click.option("--owner", metavar="ID", help="Only what this member looks after."),
    click.option("--older-than", metavar="AGE", help="Only what was placed, opened or sent so "
                 "long ago: 30m, 2h, 3d."),
    click.option("--sku", metavar="SKU", help="Only with this SKU; in queues, with pieces of it "
                 "to be done."),
    click.option("--by", metavar="WAY",
                 help="Of revenue: by shop, agent or day. Default: by shop."),
    click.option("--sort", metavar="COLUMN", help="In the order of this column, of -COLUMN with "
                 "the last first. Default: what has a time, the newest first."),
)
"""What is asked of reports, besides filters and clocks."""


def question_options(function: Command) -> Command:
    """All that a question can say of a report."""
    function = filter_options(as_of_options(function))
    for option in reversed(ASKED):
        function = option(function)
    return function


def _metavar(field: str) -> str:
    if field.endswith((FROM, TO)):
        return "DAY"
    return "WORD" if field.endswith(("status", "state", "kind", "exception")) else "NAME"


@contextmanager
def opened(name: str, *, writes: bool = False) -> "Iterator[Opened]":
    """The ledger of the settings, which is there, closed at the end: with `writes` to take
    commands.

    Errors: MissingLedger (R-SET-03); with `writes`, BadLedgerName (R-LDG-09).
    """
    from ledger.log.store import must_be_owner
    from ledger.settings import open_ledger

    if writes:
        must_be_owner(name)
    found = open_ledger(name=name, make=False)
    try:
        yield found
    finally:
        found.close()


def days_here(name: str) -> "Days":
    """The days of the ledger of the settings; where it is not there, those it would begin with."""
    from ledger.common.days import Days
    from ledger.log.zones import days_of
    from ledger.settings import MissingLedger, Settings
    from ledger.writing.genesis import DEFAULT_ZONE

    try:
        with closing(Settings.from_environment().find_store(name)) as store:
            return days_of(store, name)
    except MissingLedger:
        return Days(DEFAULT_ZONE)


@contextmanager
def begun(
    name: str, *, new: bool, zone: str | None, access: bool = False
) -> "Iterator[Opened]":
    """The ledger of the settings, or that of its keys and readings, closed at the end. It begins
    now, in a zone, if it is the first of its database, or `new`: that is said.

    Errors: BadLedgerName (R-LDG-09), OtherLedgers (R-SET-10), UnknownZone (R-LDG-11), ZoneFixed
    (R-LDG-12) where it is there and has another zone.
    """
    from ledger.common.days import zone_of
    from ledger.log.store import SUFFIX, must_be_owner
    from ledger.settings import Settings, masked, open_ledger

    must_be_owner(name)
    if zone is not None:
        zone_of(zone)  # before anything is made
    settings = Settings.from_environment()
    found = open_ledger(settings, name=name + SUFFIX if access else name, another=new,
                        zone=zone)
    try:
        if found.begun:
            click.echo(tr("Began ledger {ledger!r} in {url}. Its days are those of {zone}, for "
                          "ever.", ledger=name, url=masked(settings.database_url),
                          zone=found.ledger.days.zone), err=True)
        yield found
    finally:
        found.close()


def context_of(found: "Opened", actor: str | None, role: str) -> "Context":
    """Who works here and now, through the command line."""
    from ledger.application import default_actor
    from ledger.common.context import Context

    if actor is None:
        actor = default_actor(found.ledger)
    return Context(actor=actor, role=role, client="cli")
