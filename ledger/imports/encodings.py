"""The encodings of texts that a profile may name, and which of them a file can be in."""

import codecs
from collections.abc import Mapping

HEAD = 4096
"""Bytes at the beginning of a file that are looked at."""

UTF_8, UTF_16, GB18030 = "utf-8", "utf-16", "gb18030"

CODECS: Mapping[str, str] = {
    UTF_8: UTF_8, GB18030: GB18030, UTF_16: UTF_16, "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be", "big5": "cp950", "shift_jis": "cp932", "euc_kr": "cp949",
    "cp1252": "cp1252"}
"""Each encoding and the codec that reads it: of those of East Asia the one that Windows has, which
knows more characters than the standard does."""

NAMES = tuple(name for name in CODECS if not name.startswith("utf-16-"))
"""What a profile may name."""

_HINT = " (the file is UTF-16: add `utf-16` to `encodings`)"


def usable_encodings(start: bytes, wanted: tuple[str, ...]) -> tuple[tuple[str, ...], str]:
    """Those of the encodings that a file which begins so can be in, and a hint where it is in one
    that is not among them. A byte order mark, or every second byte being zero, decides."""
    if start.startswith(codecs.BOM_UTF8):
        return (UTF_8,), ""
    if found := _utf_16(start):
        return ((found,), "") if UTF_16 in wanted else ((), _HINT)
    return tuple(encoding for encoding in wanted if encoding != UTF_16), ""


def _utf_16(start: bytes) -> str:
    """Which UTF-16 a text is in; empty if it is in none. Commas and line ends are ASCII, so that
    half of their bytes are zero."""
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return UTF_16
    even, odd = start[::2].count(0), start[1::2].count(0)
    if even + odd < 2 or min(even, odd) * 10 > max(even, odd):
        return ""
    if max(even, odd) * 20 < len(start):
        return ""
    return "utf-16-be" if even > odd else "utf-16-le"
