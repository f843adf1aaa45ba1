"""Whatever can be said of a single value is said in Chinese, too."""

import ast
import re
from collections.abc import Iterator

import pytest

from api.fault_words import WORDS, fault_said
from tests.support import source
from tests.support.messages import catalogue

NOT_OF_VALUES = ("ledger/policies/", "ledger/imports/")
"""Policy files and profiles are written by those who read English files; rows have words of their
own."""


def said() -> Iterator[tuple[str, str]]:
    """The message of every fault in the code, with 7 wherever something is filled in."""
    for path in source.code():
        if source.name(path).startswith(NOT_OF_VALUES):
            continue
        for node in ast.walk(source.tree(path)):
            if not isinstance(node, ast.Call):
                continue
            called, place = ast.unparse(node.func).split(".")[-1], None
            if called in ("fault", "Fault") and len(node.args) >= 3:
                place = node.args[2]
            elif called == "ValidationError" and node.args:
                place = node.args[0]
            for one in (place.body, place.orelse) if isinstance(place, ast.IfExp) else (place,):
                if isinstance(one, ast.Constant | ast.JoinedStr):
                    yield f"{source.name(path)}:{node.lineno}", "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "7"
                        for part in (one.values if isinstance(one, ast.JoinedStr) else [one]))


@pytest.mark.parametrize(("english", "chinese"), [
    ("is 'look', not one of pick, check", "为 'look'，不是 pick, check 之一"),
    ("is 'seen', not not_counted", "为 'seen'，不是 not_counted"),
    ("is the text '2', not a whole number", "为文本 '2'，不是整数"),
    ("is 2.5, not a whole number", "为 2.5，不是整数")])
def test_fault__is_said_in_chinese_all_of_it(
    english: str, chinese: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.messages.language", lambda: "zh")
    monkeypatch.setattr("api.fault_words.language", lambda: "zh")
    assert fault_said(english) == chinese


def test_faults__are_said_in_chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.messages.language", lambda: "zh")
    monkeypatch.setattr("api.fault_words.language", lambda: "zh")
    found = list(said())
    assert len(found) > 40
    source.check(f"{place}: {message}" for place, message in found
                 if fault_said(message) == message)


def test_words__speak_no_python_and_begin_alike() -> None:
    """Each goes on after a place: no sentence of a library does."""
    source.check(iter(words for words in WORDS if re.match("[A-Z]", words)
                      or re.search(r"\b(int|str|float|NoneType|dict)\b", words)))


ONE_WORD = {
    "成员": "员工", "货位": "库位", "邮费": "运费", "顶班": "顶替", "代班": "顶替",
    "直接上级": "直属上级", "库存卡片": "库存台账", "阈值": "预警值", "送达": "签收",
    "纠纷": "争议", "验收": "质检", "其所有人": "其持有人"}
"""What a term of the shop is not called, and what it is: a thing has one name. 所有人 is everybody;
who has a key is its 持有人. A profile is an 导入配置; 模板 is the empty file made of it."""


def test_catalogue__has_one_word_for_a_term() -> None:
    source.check(f"{word} for {right}: {chinese}" for chinese in catalogue().values()
                 for word, right in ONE_WORD.items() if word in chinese)
    source.check(f"{english}: {chinese}" for english, chinese in catalogue().items()
                 if "{owner}" in english and "所有人" in chinese)
    source.check(f"{english}: {chinese}" for english, chinese in catalogue().items()
                 if re.search(r"\bprofiles?\b", english) and "模板" in chinese)
