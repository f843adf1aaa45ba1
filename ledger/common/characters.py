"""Characters that names and ids are refused for: two texts that look alike must be the same name.

The sets are fixed, so that a later Unicode version cannot refuse what an earlier one took.
"""

import re
from urllib.parse import unquote

from ledger.common.values import Checks

INVISIBLE = ("\x01-\x1f\x7f-\x9f\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e"
             "\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb"
             "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3"
             "\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f")
"""Control characters (but NUL, which no text may hold), format characters (Unicode's Cf, as of
16.0) and the two separators of lines, as a class of a regular expression."""

FULL_WIDTH = "\uff10-\uff19\uff21-\uff3a\uff41-\uff5a"
"""The full-width forms of the digits and letters of ASCII, as a class of a regular expression."""

TO_ASCII = {code: code - 0xFEE0
            for first, last in ((0xFF10, 0xFF19), (0xFF21, 0xFF3A), (0xFF41, 0xFF5A))
            for code in range(first, last + 1)}
"""What each full-width form stands for, for `str.translate`."""

find_invisible = re.compile(f"[{INVISIBLE}]").search
find_full_width = re.compile(f"[{FULL_WIDTH}]").search
find_odd = re.compile(f"[{INVISIBLE}{FULL_WIDTH}]").search


def note_invisible(checks: Checks, where: str, value: str) -> None:
    """Note a character that cannot be seen: the first one."""
    if found := find_invisible(value):
        checks.fault(where, "invisible", f"holds U+{ord(found[0]):04X} after {found.start()} "
                                         "character(s), which cannot be seen: remove it")


def note_full_width(checks: Checks, where: str, value: str) -> None:
    """Note a full-width letter or digit: the first one."""
    if found := find_full_width(value):
        checks.fault(where, "full_width", f"holds U+{ord(found[0]):04X} ({found[0]}), a full-width "
                                          f"form: write {found[0].translate(TO_ASCII)}")


def note_odd(checks: Checks, where: str, value: str) -> None:
    """Note both in an id."""
    note_invisible(checks, where, value)
    note_full_width(checks, where, value)


def is_stream_plain(text: str) -> bool:
    """Whether the name of a stream holds neither, also where it is percent-encoded. The name of a
    shop in it may hold full-width letters, which are always encoded there."""
    return not (find_odd(text) or find_invisible(decoded := unquote(text))
                or find_full_width(decoded.rpartition(":")[2]))


def note_odd_in_stream(checks: Checks, where: str, value: str) -> None:
    """Note what `is_stream_plain` refuses."""
    decoded = unquote(value)
    note_invisible(checks, where, value if find_invisible(value) else decoded)
    note_full_width(checks, where, value if find_full_width(value) else decoded.rpartition(":")[2])
