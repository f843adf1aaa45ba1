"""Ids that look alike are the same id: no command takes an invisible or a full-width character
into the name of a stream."""

import re
import sys
import unicodedata
from typing import Any
from urllib.parse import quote

import msgspec
import pytest

from ledger.common.characters import BLANK, FULL_WIDTH, IGNORABLE, INVISIBLE, TO_ASCII
from ledger.common.errors import Fault, InvalidValues
from ledger.core.commands import Command
from ledger.handlers.table import HANDLERS
from tests.support.samples import Leaf, fitting, holds, inside, leaves, pointer, replaced

COMMANDS = sorted(HANDLERS, key=lambda cls: cls.NAME)
ODD = {"invisible": "\u200b", "full_width": "\uff11", "odd_blank": "\xa0"}
IDS = {"number", "sku", "waybill", "line", "order_line", "parcel", "warehouse", "post", "channel",
       "key", "import_id", "exception", "roster", "rule", "profile"}
STREAMS = {"order", "case", "deduction", "renews", "about"}
NAMES = {"shop", "bin", "to_bin"}


def faults(command: type[Command], leaf: Leaf, value: Any) -> list[Fault]:
    """What is wrong with a command whose leaf has this value."""
    try:
        msgspec.convert(replaced(fitting(command), leaf.path, value), command)
    except InvalidValues as error:
        return [fault for fault in error.faults if fault.where == pointer(leaf.path)]
    return []


def texts(command: type[Command]) -> list[Leaf]:
    """The texts inside a command, but for those of a policy, which names no stream, and those that
    others exclude: they are texts of other commands, too."""
    whole = fitting(command)
    return [leaf for leaf in leaves(command) if leaf.kind is str and "policy" not in leaf.path
            and holds(whole, leaf.path)]


def test_invisible__are_all_that_this_unicode_calls_format_characters() -> None:
    known = re.compile(f"[{INVISIBLE}]").fullmatch
    for code in range(1, sys.maxunicode + 1):
        character = chr(code)
        if unicodedata.category(character) in ("Cf", "Cc", "Zl", "Zp"):
            assert known(character), f"U+{code:04X}"
        if known(character):
            assert not character.isprintable(), f"U+{code:04X}"


def test_full_width__stand_for_ascii_as_unicode_has_it() -> None:
    known = re.compile(f"[{FULL_WIDTH}]").fullmatch
    for code, ascii_code in TO_ASCII.items():
        assert known(chr(code))
        assert unicodedata.normalize("NFKC", chr(code)) == chr(ascii_code)
    assert len(TO_ASCII) == 62


def test_blank__is_every_one_that_this_unicode_knows() -> None:
    known = re.compile(f"[{BLANK}]").fullmatch
    for code in range(0x21, sys.maxunicode + 1):
        if unicodedata.category(chr(code)) == "Zs" or code == 0x2800:
            assert known(chr(code)), f"U+{code:04X}"
        elif known(chr(code)):
            raise AssertionError(f"U+{code:04X}")


DEFAULT_IGNORABLE = (
    "AD 34F 61C 115F-1160 17B4-17B5 180B-180F 200B-200F 202A-202E 2060-206F 3164 FE00-FE0F FEFF"
    " FFA0 FFF0-FFF8 1BCA0-1BCA3 1D173-1D17A E0000-E0FFF")
"""Unicode 16.0, DerivedCoreProperties.txt: the standard library does not have it."""


def test_ignorable__are_all_that_unicode_lets_one_show_as_nothing() -> None:
    known = re.compile(f"[{IGNORABLE}]").fullmatch
    ends = [[int(end, 16) for end in one.split("-")] for one in DEFAULT_IGNORABLE.split()]
    ignorable = {code for first, *last in ends for code in range(first, (last or [first])[0] + 1)}
    assert len(ignorable) == 4174
    assert {code for code in range(sys.maxunicode + 1) if known(chr(code))} == {
        code for code in ignorable if not re.fullmatch(f"[{INVISIBLE}]", chr(code))}


@pytest.mark.parametrize("character", ["\ufe0f", "\u034f", "\u3164", "\uffa0", "\U000e0100"])
def test_id__rejected_with_what_may_be_shown_as_nothing(character: str) -> None:
    """In the name of a shop such a character may stand: it may belong to how a name is written."""
    (command,) = (command for command in COMMANDS if command.NAME == "order.place")
    codes = {str(leaf.path[-1]): [fault.code for fault in faults(command, leaf, f"x{character}1")]
             for leaf in texts(command)}
    assert (codes["number"], codes["shop"]) == (["invisible"], [])


@pytest.mark.parametrize("command", COMMANDS, ids=lambda cls: cls.NAME)
@pytest.mark.parametrize("code", ODD)
def test_command__takes_no_odd_character_into_the_name_of_a_stream(
    command: type[Command], code: str
) -> None:
    for leaf in texts(command):
        whole = fitting(command)
        told = replaced(whole, leaf.path, f"{inside(whole, leaf.path)}{ODD[code]}1")
        try:
            made = msgspec.convert(told, command)
        except InvalidValues:
            continue
        if leaf.path[-1] == "shop" and code != "invisible":
            continue
        for stream in (made.subject, *(stream for _, stream in made.streams())):
            assert ODD[code] not in stream, leaf.path
            assert quote(ODD[code]) not in stream, leaf.path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda cls: cls.NAME)
def test_id__rejected_with_the_character_that_is_odd(command: type[Command]) -> None:
    for leaf in texts(command):
        name = leaf.path[-1]
        shown = {"invisible": "U+200B", "full_width": "U+FF11 (１)", "odd_blank": "U+00A0"}
        for code, character in ODD.items():
            if name in IDS | STREAMS or (name in NAMES and code == "invisible"):
                found = faults(command, leaf, f"x{character}1")
                assert [fault.code for fault in found][:1] == [code], leaf.path
                assert shown[code] in found[0].message
            if name in STREAMS:
                found = faults(command, leaf, f"order:taobao:{quote(character)}:{quote(character)}")
                assert [fault.code for fault in found] == [code], leaf.path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda cls: cls.NAME)
def test_id__rejected_when_it_is_too_long(command: type[Command]) -> None:
    for leaf in texts(command):
        if leaf.path[-1] in IDS | STREAMS | NAMES:
            found = faults(command, leaf, "x" * 2001)
            assert [fault.code for fault in found][:1] == ["too_long"], leaf.path


def test_name__accepted_with_full_width_characters() -> None:
    (command,) = (command for command in COMMANDS if command.NAME == "stock.count")
    for leaf in texts(command):
        if leaf.path[-1] in NAMES:
            assert faults(command, leaf, "Ａ区（１）－３") == []
