"""How much one event holds: what every store promises, and every writer checks before it writes.

The databases hold the same bounds themselves (`schema.py`); a check here comes first, so that an
event that is too large costs its own command only, and its caller learns what to do.
"""

from ledger.common import values
from ledger.common.errors import Invalid
from ledger.log.envelope import Entry, listed_subjects
from ledger.log.store import ValueNotStored

_ID, _HASH = 16, 32
WIDTHS = {"ledger": _ID, "command_id": _ID, "request_hash": _HASH, "correlation": _ID, "salt": _ID,
          "payload_hash": _HASH, "leaf_hash": _HASH}
"""The columns of a fixed length. Units: bytes."""

PAYLOAD_BYTES = 1 << 20
SOURCE_BYTES = 1 << 16
NAME_BYTES = values.NAME_BYTES
"""The longest stream, `once` or subject, in UTF-8."""

MAX_SUBJECTS = 4_100
SUBJECTS_BYTES = MAX_SUBJECTS * (NAME_BYTES + 3) + 1
"""The longest spelling of all subjects: in quotes, with commas and brackets."""

MOST = {"stream": NAME_BYTES, "once": NAME_BYTES, "subjects": SUBJECTS_BYTES,
        "source": SOURCE_BYTES, "payload": PAYLOAD_BYTES}
"""The columns of a bounded length. Units: bytes."""

_SHORT = NAME_BYTES // 4
_SHORT_SOURCE = SOURCE_BYTES // 4
"""So many characters are never more than four times as many bytes."""


class PayloadTooLarge(Invalid):
    """{type}: one event would hold {found} bytes, and {most} is the most. Shorten its texts, or
    send it in parts."""

    code = "payload_too_large"
    rule = "R-LOG-21"


class SourceTooLarge(Invalid):
    """{type}: what says where it comes from is {found} bytes long, and {most} is the most. Name
    fewer rows, or a shorter file."""

    code = "source_too_large"
    rule = "R-LOG-22"


class StreamTooLong(Invalid):
    """The name of what {type} changes, {text}…, is {found} bytes long, and {most} is the most. Use
    a shorter number or name."""

    code = "stream_too_long"
    rule = "R-LOG-23"


class OnceTooLong(Invalid):
    """{type}: the mark of what happens only once, {text}…, is {found} bytes long, and {most} is the
    most. Use a shorter number or name."""

    code = "once_too_long"
    rule = "R-LOG-24"


class SubjectTooLong(Invalid):
    """{type}: a name of what it is about, {text}…, is {found} bytes long, and {most} is the most.
    Use a shorter number or name."""

    code = "subject_too_long"
    rule = "R-LOG-25"


class TooManySubjects(Invalid):
    """{type} is about {found} things, and {most} is the most for one event. Send it in parts."""

    code = "too_many_subjects"
    rule = "R-LOG-26"


def must_hold(entry: Entry) -> None:
    """Check what an entry holds against the bounds.

    Errors: PayloadTooLarge (R-LOG-21), SourceTooLarge (R-LOG-22), StreamTooLong (R-LOG-23),
    OnceTooLong (R-LOG-24), SubjectTooLong (R-LOG-25), TooManySubjects (R-LOG-26).
    """
    once, source = entry.once, entry.source
    if (len(entry.payload) <= PAYLOAD_BYTES and len(entry.subjects) <= _SHORT
            and len(entry.stream) <= _SHORT and (once is None or len(once) <= _SHORT)
            and (source is None or len(source) <= _SHORT_SOURCE)):
        return  # nearly every event: no text has to be encoded to count its bytes
    if (found := len(entry.payload)) > PAYLOAD_BYTES:
        raise PayloadTooLarge(type=entry.type, found=found, most=PAYLOAD_BYTES)
    if source is not None and (found := len(source.encode())) > SOURCE_BYTES:
        raise SourceTooLarge(type=entry.type, found=found, most=SOURCE_BYTES)
    _short_enough(StreamTooLong, entry, entry.stream)
    _short_enough(OnceTooLong, entry, once or "")
    if len(entry.subjects.encode()) > NAME_BYTES:
        _must_hold_subjects(entry)


def _must_hold_subjects(entry: Entry) -> None:
    subjects = listed_subjects(entry.subjects)
    if len(subjects) > MAX_SUBJECTS:
        raise TooManySubjects(type=entry.type, found=len(subjects), most=MAX_SUBJECTS)
    for subject in subjects:
        _short_enough(SubjectTooLong, entry, subject)
    if (found := len(entry.subjects.encode())) > SUBJECTS_BYTES:  # many, and full of escapes
        raise SubjectTooLong(type=entry.type, text=entry.subjects[:40], found=found,
                             most=SUBJECTS_BYTES)


def _short_enough(error: type[Invalid], entry: Entry, text: str) -> None:
    if (found := len(text.encode())) > NAME_BYTES:
        raise error(type=entry.type, text=text[:40], found=found, most=NAME_BYTES)


def _has_widths(entry: Entry) -> bool:
    """Whether all columns of a fixed length have it, as those of nearly every event."""
    request = entry.request_hash
    return (len(entry.ledger) == len(entry.command_id) == len(entry.correlation)
            == len(entry.salt) == _ID
            and len(entry.payload_hash) == len(entry.leaf_hash) == _HASH
            and (request is None or len(request) == _HASH))


def must_be_storable(entry: Entry) -> None:
    """Check an entry as the databases check a row. Errors: ValueNotStored (R-LOG-14)."""
    if not _has_widths(entry):
        for name, width in WIDTHS.items():
            value = getattr(entry, name)
            if value is not None and len(value) != width:
                raise ValueNotStored(why=f"{name} is {len(value)} bytes long, not {width}")
    try:
        must_hold(entry)
    except Invalid as error:
        raise ValueNotStored(why=str(error)) from None
