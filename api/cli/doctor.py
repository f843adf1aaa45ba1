"""What an operator asks of an installation: is the log sound, is everything in its place?"""

import os
import shutil
import stat
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from difflib import get_close_matches
from functools import partial
from pathlib import Path
from typing import Any

from api.cli import calendars, issuing
from api.cli.output import progress
from api.http.binding import bind_of
from api.messages import counted, explain, tr
from ledger.common.errors import LedgerError, Misconfigured
from ledger.log import sqlite
from ledger.log.clock import Clock, ClockSuspect
from ledger.log.damage import attempt
from ledger.log.master_key import beside
from ledger.log.milestones import opened_as
from ledger.log.store import SUFFIX, Head, LedgerUnknown, Store
from ledger.log.verify import Expectation, Problem, Report, verify_with_access
from ledger.log.verify_keys import KeysReport, verify_keys
from ledger.log.wrapping import KeyDamaged
from ledger.settings import (
    NAMES,
    Opened,
    Settings,
    clock_of,
    masked,
    open_copy,
    open_ledger,
    sqlite_path,
)
from ledger.stock.account import StockAccount
from ledger.writing.continuing import must_take_commands
from ledger.writing.genesis import keys_of
from ledger.writing.reading import odd_balances
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels, Status

Finding = dict[str, Any]

OF_THE_LOG = ("writable", "guards", "pages", "durability", "calendars", "clock", "roles",
              "read models")
"""The checks that need the database."""


def expectation(head: Head) -> str:
    """POSITION:ROOT of a head, as `ledger verify --expect` takes it."""
    return f"{head.position}:{head.root.hex()}"


def verify_all(
    ledger: str, expected: list[Expectation], file: Path | None = None
) -> dict[str, Any]:
    """Verify the log; the ledger of its keys and readings, also against what the log says of it;
    and, where the log is sound, the balances of accounts against a fold, and the read models
    against a rebuild. Of a copy in a file, only what is in it: that needs nothing but the file, and
    changes nothing.

    Shapes: {"ok", "events", "position", "root", "problems": [{"position", "what"}]}; `expected` is
    how many different kept lines were given and `fitting` how many of them fit; `unread` is why
    read models cannot be looked at, else None; and `access` with events to problems, None where the
    database holds no such ledger. It needs no keys, so that an auditor can run it who has none.
    """
    store = (Settings.from_environment().find_store(ledger) if file is None
             else open_copy(file, ledger))
    try:
        with progress(tr("verify")) as step:
            report, access = verify_with_access(store, ledger, expected=expected, progress=step)
        problems, unread = list(report.problems), None
        if report.ok:
            problems += _balance_problems(store, ledger)
        if report.ok:
            problems += _balance_problems(store, ledger)
        if report.ok and file is None:
            try:
                problems += _read_model_problems(store, ledger)
            except LedgerError as error:
                unread = explain(error)
        return {"ok": not problems and unread is None and (access is None or access.ok),
                **_found(report, problems), "expected": len(set(expected)),
                "fitting": report.fitting, "unread": unread,
                "access": None if access is None else _found(access, access.problems)}
    finally:
        store.close()


def verify_keys_of(ledger: str) -> dict[str, Any]:
    """Open all that is sealed in a ledger, and in that of its keys and readings. Shapes: {"ok",
    "events", "fields", "persons", "erased", "lost", "never_backed_up", "problems": [{"position",
    "what"}]}; and `access` with the same of the other ledger, None where there is none."""
    with closing(open_ledger(name=ledger, make=False)) as found, progress(tr("verify")) as step:
        report = _opened_all(verify_keys(found.store, found.ledger.keys, step))
        access = (None if found.store.known(ledger + SUFFIX) is None
                  else _access_opened(found, ledger + SUFFIX))
    return {**report, "ok": report["ok"] and (access is None or access["ok"]), "access": access}


def _access_opened(found: Opened, name: str) -> Finding:
    try:
        keys = keys_of(found.store, found.keys, name)
    except (Misconfigured, KeyDamaged) as error:
        problem = Problem(1, explain(error))
        return _opened_all(KeysReport(False, 0, 0, 0, 0, 0, 0, [problem]))
    return _opened_all(verify_keys(found.store, keys))


def _opened_all(report: KeysReport) -> Finding:
    return {**report._asdict(), "problems": [one._asdict() for one in report.problems]}


def _found(report: Report, problems: list[Problem]) -> Finding:
    return {"events": report.events, "position": report.position, "root": report.root.hex(),
            "problems": [problem._asdict() for problem in problems]}


def examine(ledger: str) -> list[Finding]:
    """Look at everything that can be wrong with an installation.

    Shapes: a list of {"check", "ok", "detail"}; `ok` is None where there is nothing to judge. Where
    an earlier check failed, the last finding says what was not looked at for that.
    """
    findings: list[Finding] = []

    def check(name: str, look: Callable[[], tuple[bool | None, str]]) -> bool:
        try:
            ok, detail = look()
        except LedgerError as error:
            ok, detail = False, explain(error)
        findings.append({"check": name, "ok": ok, "detail": detail})
        return ok is not False

    def without(*names: str) -> list[Finding]:
        return [*findings, _not_looked_at(*names)]

    check("version", _version)
    sqlite_good = check("sqlite", _sqlite)
    if not check("settings", _settings):
        return without("database", "disk", "master_key", "keys", *OF_THE_LOG)
    settings = Settings.from_environment()
    found = sqlite_good and check("database", lambda: _database(settings, ledger))
    check("disk", lambda: _disk(settings))
    check("master_key", lambda: _master_key(settings, needed=found))
    if not found:
        return without("keys", *OF_THE_LOG)
    if check("keys", lambda: _keys(settings, ledger)):
        check("erasures", lambda: _erasures(settings, ledger))
        check("writers", lambda: _writers(settings, ledger))
    else:
        findings += [_not_looked_at("erasures"), _not_looked_at("writers")]
    with closing(settings.find_store(ledger)) as store:
        check("writable", lambda: _writable(store))
        check("guards", lambda: _guards(store))
        check("pages", lambda: _pages(store))
        check("durability", lambda: _durability(store))
        check("calendars", lambda: calendars.look(store, ledger))
        check("clock", lambda: _clock(store, ledger, clock_of(settings, store, ledger)))
        with closing(ReadModels(store, PROJECTIONS)) as models:
            try:
                statuses = models.status(ledger)
            except LedgerError as error:
                statuses = []
                findings.append({"check": "read models", "ok": False, "detail": explain(error)})
            check("roles", lambda: issuing.look(models, store, ledger.removesuffix(SUFFIX)))
            for status in statuses:
                check(f"read model {status.projection}", partial(_read_model, status))
    return findings


def _not_looked_at(*names: str) -> Finding:
    detail = tr("Mend what is wrong above, then ask again.")
    return {"check": ", ".join(names), "ok": None, "detail": f"{tr('Not looked at.')} {detail}"}


def _version() -> tuple[bool | None, str]:
    return None, tr("Event types and fields are drafts until 1.0; the envelope is frozen.")


def _settings() -> tuple[bool | None, str]:
    Settings.from_environment()
    bind_of()
    unknown = sorted(name for name in os.environ
                     if name.startswith("LEDGER_") and name not in NAMES)
    if not unknown:
        return True, tr("Every LEDGER_ variable that is set is one of the program's.")
    return None, " ".join(
        tr("{name} is not a setting: the nearest is {near}.", name=name,
           near=get_close_matches(name, NAMES, n=1, cutoff=0)[0]) for name in unknown)


def _sqlite() -> tuple[bool, str]:
    module = sqlite.driver()
    return True, f"{module.__name__} {module.sqlite_version}"


def _database(settings: Settings, ledger: str) -> tuple[bool, str]:
    store = settings.find_store(ledger)
    try:
        found, _ = store.schema()
        return True, f"{masked(settings.database_url)}, schema {found}"
    finally:
        store.close()


def _disk(settings: Settings) -> tuple[bool | None, str]:
    path = sqlite_path(settings.database_url)
    if path is None:
        return None, tr("The database server's disk is its own to watch.")
    if not path.parent.is_dir():
        return None, tr("There is no folder {path} yet.", path=path.parent)
    free = shutil.disk_usage(path.parent).free
    return free > 256 * 2**20, tr("{mib} MiB free", mib=free // 2**20)


def _master_key(settings: Settings, *, needed: bool) -> tuple[bool | None, str]:
    """`needed`: there is a ledger, whose keys it unwraps."""
    path = settings.master_key_file
    if path is None or not path.exists():
        if path is not None and needed:
            return False, tr("There is no file {path}: without it no key of the ledger can be "
                             "read. Restore it from where you keep its copy.", path=path)
        return None, tr("No master key file yet.")
    if not os.access(path, os.R_OK):
        return False, tr("{path} cannot be read by the user who runs this.", path=path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        return False, tr("{path} can be read by others (mode {mode}): chmod 600 it.",
                         path=path, mode=oct(mode))
    return True, tr("{path}: keep a copy elsewhere, without it personal values are lost.",
                    path=path)


def _keys(settings: Settings, ledger: str) -> tuple[bool, str]:
    opened = open_ledger(settings, name=ledger, make=False)
    try:
        return True, f"{masked(settings.keys_url)}, {opened.ledger.keys.id.hex()[:16]}"
    finally:
        opened.close()


def _erasures(settings: Settings, ledger: str) -> tuple[bool | None, str]:
    """What erasures still wait for. The keys follow the log when the ledger is opened."""
    with closing(open_ledger(settings, name=ledger, make=False)) as opened:
        waits_for, file = opened.ledger.keys.pending(), opened.keys.key_file
    if not waits_for:
        return True, tr("No erasure waits for anything.")
    said = []
    if "master" in waits_for:
        said.append(tr("The master key was not changed since somebody was erased, so older copies "
                       "of the keys open what was theirs. Run `ledger keys rotate-master`, and "
                       "destroy the copies of the old master key and the backups of the keys."))
    if "old_master" in waits_for and file is not None:
        said.append(tr("{path} holds an old master key. Ask again as the user who owns it, which "
                       "destroys it unless the master key is just being changed; if it stays "
                       "and no other keys need it, remove it.", path=beside(file.resolve(), "old")))
    return None, " ".join(said)


def _writers(settings: Settings, ledger: str) -> tuple[bool, str]:
    """What the writers of both ledgers say before they record anything, as a command meets it."""
    owner = ledger.removesuffix(SUFFIX)
    with closing(open_ledger(settings, name=owner, make=False)) as opened:
        for name in (owner, owner + SUFFIX):
            must_take_commands(opened.store, opened.keys, name)
        access = opened_as(opened.store, opened.ledger.id, owner).access
        if access not in (None, opened.store.id_of(owner + SUFFIX).hex()):
            raise LedgerUnknown(ledger=access)
    return True, tr("Both ledgers take what is sent.")


def _writable(store: Store) -> tuple[bool, str]:
    why = store.refuses_writes()
    if why is not None:
        return False, tr("Nothing can be recorded: {why}. Check the permissions of the file and of "
                         "its folder, and how the disk is mounted.", why=why)
    return True, tr("The database takes writes.")


def _guards(store: Store) -> tuple[bool, str]:
    missing = store.missing_guards()
    if missing:
        return False, tr("Missing or changed triggers: {names}. Someone can change history unseen "
                         "by the database; restore a backup into a new one.",
                         names=", ".join(missing))
    return True, tr("The database refuses changes to events.")


def _pages(store: Store) -> tuple[bool | None, str]:
    """By SQLite's quick check. Nothing is hashed, so that this can run often."""
    found = store.damage(quickly=True)
    if found:
        return False, tr("The database is damaged: {why}. Keep a copy of it as it is. Then `ledger "
                         "backup` it and `ledger restore` that into a new place, or restore an "
                         "older backup; `ledger verify` says more.", why=found[0])
    if found is None:
        return None, tr("The database server's pages are its own to check. No event was hashed "
                        "either: `ledger verify` does that.")
    return True, tr("SQLite's quick check finds nothing wrong. No event was hashed: `ledger "
                    "verify` does that.")


def _durability(store: Store) -> tuple[bool, str]:
    found = store.durability()
    weak = _set(found, [name for name, value in found.items() if value in ("off", "0", "local")])
    if weak:
        return False, tr("Commits are not durable: {weak}. Set it to on for the server, and for "
                         "this database and role (ALTER SYSTEM, ALTER DATABASE, ALTER ROLE … SET).",
                         weak=weak)
    if "standbys" in found and not found["synchronous_standby_names"].strip():
        return False, tr("No commit waits for a standby, though some are attached ({standbys}): "
                         "after a fail-over the last events may be gone, and their positions given "
                         "to others. Let synchronous_standby_names name one (ALTER SYSTEM SET "
                         "synchronous_standby_names = 'ANY 1 (*)'; SELECT pg_reload_conf()), or "
                         "treat the standbys as copies that may lack the last events.",
                         standbys=found["standbys"])
    return True, _set(found, found)


def _set(found: Mapping[str, str], names: Iterable[str]) -> str:
    return ", ".join(f"{name} = {found[name]}" for name in names)


def _clock(store: Store, ledger: str, clock: Clock) -> tuple[bool, str]:
    last = store.head(ledger).recorded_at
    behind = (last - clock.wall()) / 1e6
    if behind > 5:
        return False, tr("It is {behind:.0f} s behind the last event.", behind=behind)
    try:
        clock.must_continue(last)
    except ClockSuspect:
        return False, tr("More than {days} days have passed since the last event, or the clock is "
                         "wrong. Nothing is recorded until an admin accepts it (`ledger "
                         "accept-clock --reason …`).", days=clock.ahead_days)
    return True, tr("It is not behind the last event.")


def _read_model(status: Status) -> tuple[bool, str]:
    if status.error is not None:
        return False, tr("It stopped before position {position}: {error}",
                         position=status.error_position, error=status.error)
    return True, tr("{events} behind the log.", events=counted(status.lag))


def _balance_problems(store: Store, ledger: str) -> list[Problem]:
    """Which balances are not what the events made of their accounts; a copy may be older than any.
    """
    found, needed = store.schema()
    if found != needed:
        return []
    odd = attempt(store, lambda: list(odd_balances(store, ledger, [StockAccount])))
    if odd is None:
        return [Problem(0, "the database cannot read `balances`: delete its rows, nothing is lost")]
    return [Problem(one.position, f"the balance of {one.subject} is not what the events up to here "
                    "made of it: delete its row in `balances`, and it is made again")
            for one in odd]


def _read_model_problems(store: Store, ledger: str) -> list[Problem]:
    """Where live read models part from a rebuild, or have stopped."""
    with closing(ReadModels(store, PROJECTIONS)) as models, progress(tr("rebuild")) as step:
        stopped = [Problem(status.error_position or 0,
                           f"the read model {status.projection} stopped here: {status.error}")
                   for status in models.status(ledger) if status.error is not None]
        return stopped + [
            Problem(parting.position, f"the read model {parting.projection} is not what the log "
                    f"says, from this event on")
            for parting in models.compare_with_rebuild(ledger, step)]
