"""Characters that names and ids are refused for: two texts that look alike must be the same name.

The sets are fixed, so that a later Unicode version cannot refuse what an earlier one took.
"""

import re
from urllib.parse import unquote

from ledger.common.values import Checks

NUL = r"\u0000"
"""The character that no text may hold, as patterns name it."""

INVISIBLE = ("\x01-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
             "\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
             "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
             "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f")
"""Control characters (but NUL, which no text may hold), format characters (Unicode's Cf, as of
16.0) and the two separators of lines, as a class of a regular expression."""

IGNORABLE = ("\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u2065\u3164\ufe00-\ufe0f\uffa0"
             "\ufff0-\ufff8\U000e0000\U000e0002-\U000e001f\U000e0080-\U000e0fff")
"""What else may be shown as nothing at all: Unicode's Default_Ignorable_Code_Point, as of 16.0
(DerivedCoreProperties.txt), without what is in `INVISIBLE`; as a class of a regular expression. In
names they have a use, such as in the written form of a character; in ids they have none."""

BLANK = "\xa0\u1680\u2000-\u200a\u202f\u205f\u2800\u3000"
"""Blanks other than U+0020: Unicode's Zs, as of 16.0, and the empty Braille pattern."""

FULL_WIDTH = "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
"""The full-width forms of the digits and letters of ASCII, as a class of a regular expression."""

TO_ASCII = {code: code - 0xFEE0
            for first, last in ((0xFF10, 0xFF19), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A))
            for code in range(first, last + 1)}
"""What each full-width form stands for, for `str.translate`."""

READ_AS = {**TO_ASCII, 0xA0: 0x20, 0x3000: 0x20}
"""The same, and the two blanks that exports hold, for the ids in an imported file."""

find_invisible = re.compile(f"[{INVISIBLE}]").search
find_read_otherwise = re.compile(f"[{FULL_WIDTH}\xa0\u3000]").search
find_misleading = re.compile(f"[{FULL_WIDTH}{IGNORABLE}{BLANK}]").search
find_odd = re.compile(f"[{INVISIBLE}{FULL_WIDTH}{IGNORABLE}{BLANK}]").search
_find_full_width = re.compile(f"[{FULL_WIDTH}]").search
_find_ignorable = re.compile(f"[{IGNORABLE}]").search
_find_blank = re.compile(f"[{BLANK}]").search

_SPELLED = "|".join((
    "2[0-9A-CF]|3[A-F]|40|5[BCDE]|60|7[B-E]",
    "C2%[AB][0-9A-F]", "(C[3-9A-F]|D[0-9A-F])%[89AB][0-9A-F]",
    "E[0-2A-F](%[89AB][0-9A-F]){2}", "E3%8[0-9A-F]%[89AB][0-9A-F]", "F[0-4](%[89AB][0-9A-F]){3}"))
"""What is spelled out in a subject: the bytes of UTF-8 of what may not stand there itself."""

SUBJECT = f"^[a-z]+(:([0-9A-Za-z\u3400-\u9fff._~-]|%({_SPELLED}))+)+$"
"""The form of a subject."""


def filled(refused: str, *, blank: bool = False) -> str:
    """The pattern of a text without some characters, and not blank unless that is allowed."""
    inner = f"[^{refused}]*"
    return f"^{inner}$" if blank else f"^{inner}[^\\s{refused}]{inner}$"


def note_invisible(checks: Checks, where: str, value: str) -> None:
    """Note a character that cannot be seen: the first one."""
    _note_unseen(checks, where, find_invisible(value))


def _note_unseen(checks: Checks, where: str, found: re.Match[str] | None) -> None:
    if found is not None:
        checks.fault(where, "invisible", f"holds U+{ord(found[0]):04X} after {found.start()} "
                                         "character(s), which cannot be seen: remove it")


def note_misleading(checks: Checks, where: str, value: str) -> None:
    """Note what else makes an id look like another one: of each kind the first."""
    _note_unseen(checks, where, _find_ignorable(value))
    if found := _find_blank(value):
        checks.fault(where, "odd_blank", f"holds U+{ord(found[0]):04X} after {found.start()} "
                                         "character(s), which looks like a blank: write U+0020")
    if found := _find_full_width(value):
        checks.fault(where, "full_width", f"holds U+{ord(found[0]):04X} ({found[0]}), a full-width "
                                          f"form: write {found[0].translate(TO_ASCII)}")


def note_odd(checks: Checks, where: str, value: str) -> None:
    """Note all of them in an id."""
    note_invisible(checks, where, value)
    note_misleading(checks, where, value)


def is_stream_plain(text: str) -> bool:
    """Whether the name of a stream holds none of them, also where it is percent-encoded. The name
    of a shop in it may hold what a name may, which is always encoded there."""
    return not (find_odd(text) or find_invisible(decoded := unquote(text)) or "\0" in decoded
                or find_misleading(decoded.rpartition(":")[2]))


def note_odd_in_stream(checks: Checks, where: str, value: str) -> None:
    """Note what `is_stream_plain` refuses."""
    decoded = unquote(value)
    if "\0" in decoded and "\0" not in value:
        checks.fault(where, "nul", "holds a NUL character")
    note_invisible(checks, where, value if find_invisible(value) else decoded)
    note_misleading(checks, where, value if find_misleading(value) else decoded.rpartition(":")[2])
