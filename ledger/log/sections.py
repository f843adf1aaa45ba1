"""What the first line of a log's backup says of the ledgers in it, and whether they do, too."""

from pathlib import Path
from typing import Any, NamedTuple

from ledger.common.errors import Invalid
from ledger.log import merkle
from ledger.log.envelope import Entry
from ledger.log.milestones import ID_BYTES, opening, said
from ledger.log.store import SUFFIX, Known, must_be_name
from ledger.log.verify import MAX_POSITION


class BadBackup(Invalid):
    """{path} is damaged, incomplete or not a backup: {why}"""

    code = "bad_backup"
    rule = "R-BAK-01"


class KeysBackup(BadBackup):
    """{path} is a backup of keys, not of a log. Add them with `ledger restore --keys FILE`."""

    code = "keys_backup"
    rule = "R-BAK-06"


class LogBackup(BadBackup):
    """{path} is a backup of a log, not of keys. Restore it without `--keys`: `ledger restore FILE
    --reason …`."""

    code = "log_backup"
    rule = "R-BAK-07"


class Section(NamedTuple):
    """What the first line of a backup says of one ledger."""

    known: Known
    events: int
    keys_id: bytes | None


def sections_of(path: Path, line: dict[str, Any] | None) -> list[Section]:
    """The ledgers of a backup, one and that of its keys and readings, or one of the two alone.

    Errors: BadBackup (R-BAK-01).
    """
    if line is None:
        raise BadBackup(path=path, why="it is empty")
    try:
        found = [_section(one) for one in line["ledgers"]]
        if found and [one.known for one in found] == _as_named(found):
            return found
    except (LookupError, AttributeError, TypeError, ValueError):
        pass
    raise BadBackup(path=path, why="its first line does not name the ledgers, the number of their "
                    "events and their keys")


def _section(line: dict[str, Any]) -> Section:
    of, keys_id = line["of"], line["keys_id"]
    known = Known(bytes.fromhex(line["id"]), line["name"], None if of is None else
                  bytes.fromhex(of))
    keys = None if keys_id is None else bytes.fromhex(keys_id)
    events = line["events"]
    if not (known.name.encode() and len(known.id) == ID_BYTES and type(events) is int
            and 0 < events <= MAX_POSITION
            and (known.of is None or len(known.of) == ID_BYTES)
            and (keys is None or len(keys) == merkle.HASH_BYTES)):
        raise ValueError
    return Section(known, events, keys)


def _as_named(found: list[Section]) -> list[Known]:
    """What the names and belongings of these ledgers must be."""
    own = found[0].known
    if len({one.known.id for one in found}) < len(found):
        return []
    if own.of is not None:
        return [own] if own.name.endswith(SUFFIX) else []
    return [own, Known(found[-1].known.id, own.name + SUFFIX, own.id)][: len(found)]


def called(sections: list[Section], name: str | None) -> list[Section]:
    """The same ledgers as they are to be called here: by their own names, or another one.

    Errors: BadLedgerName (R-LDG-09).
    """
    own = sections[0].known
    was = own.name if own.of is None else own.name.removesuffix(SUFFIX)
    must_be_name(was if name is None else name)
    return sections if name is None else [one._replace(known=one.known._replace(
        name=name + one.known.name.removeprefix(was))) for one in sections]


def must_say(
    path: Path, section: Section, first: Entry | None, last: Entry | None, *, access: str | None
) -> str | None:
    """Whether a section says of a ledger what the ledger's own log does, by the first and the last
    event in which it speaks of itself. `access` is which ledger of keys and readings the section
    before it names. Returns the one that this one names. Errors: BadBackup (R-BAK-01).
    """
    known, opened = section.known, opening(first, section.known.name)
    if opened.of != (known.of and known.of.hex()) or access not in (None, opened.id):
        raise BadBackup(path=path, why=f"its first line says otherwise than ledger {opened.id} "
                        "itself which ledgers belong together")
    keys_id = section.keys_id
    if last is not None and keys_id is not None and said(last).keys_id != keys_id.hex():
        raise BadBackup(path=path, why=f"its first line names other keys than ledger {opened.id} "
                        "itself")
    return opened.access
