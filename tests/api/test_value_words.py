"""What is filled into a message is said in the language of the message: phrases, states, kinds."""

import ast
import re
from collections.abc import Iterator

import pytest

from api.messages import explain, tr
from api.value_words import VALUES
from ledger.common.phrases import Phrase, there_are
from ledger.deductions.values import STATES as OF_DEDUCTIONS
from ledger.orders.errors import NotThatMany, OrderEnded, OrderNotReady
from ledger.orders.values import ENDED, ON_ITS_WAY, UNSENT_PARCELS
from ledger.orders.values import STATES as OF_PIECES
from ledger.people.attendance import KINDS
from ledger.people.member import LEAVE_STATES
from ledger.policies.errors import DeadlineUnknown
from ledger.returns.values import DISPOSITIONS
from ledger.stock.movements import APPROVED, REFUSED, WAITS
from tests.support import source

PROSE = re.compile(r"[a-z]{2,} [a-z]{2,}")

LEFT = {
    "ledger/handlers/corrections.py", "ledger/handlers/deductions.py", "ledger/handlers/scores.py",
    "ledger/stock", "ledger/log", "ledger/writing", "ledger/settings.py", "ledger/erasure",
    "ledger/imports", "ledger/handlers/erasure.py", "ledger/policies/reader.py"}
"""Where the details of errors still have English words in them."""


@pytest.fixture(autouse=True)
def chinese(monkeypatch: pytest.MonkeyPatch) -> None:
    """Messages are in Chinese."""
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")


@pytest.mark.parametrize("words", [
    ENDED, OF_PIECES, ON_ITS_WAY, UNSENT_PARCELS, OF_DEDUCTIONS, KINDS, LEAVE_STATES, DISPOSITIONS,
    (WAITS, APPROVED, REFUSED)])
def test_values__of_data_have_their_names_in_messages(words: tuple[str, ...]) -> None:
    assert {*words} - {"approved"} <= VALUES
    assert not [word for word in words if re.search("[a-z]", tr(word))]


def test_values__are_said_in_chinese_alone_or_with_others() -> None:
    ended = explain(OrderEnded(order="order:a:b:1", state="completed"))
    assert "交易成功" in ended
    assert "completed" not in ended
    many = explain(NotThatMany(order="o", line="1", wanted=2, there=1, state="picked or packed"))
    assert "已拣货 或 已打包" in many
    assert tr("{a}; {b}", a="x", b="SH-001 or other") == "x；SH-001 or other"


def test_phrases__are_said_in_chinese_however_deep() -> None:
    approved = Phrase("reviewed and approved")
    not_ready = explain(OrderNotReady(order="o", step=approved, command="order.approve"))
    assert not_ready.startswith("o 尚未审单通过。请先完成（order.approve）。")
    known = explain(DeadlineUnknown(version=1, name="x", known=there_are(["a", "b"])))
    assert "已有的是：a, b。" in known
    assert "there are" not in known.lower()


def test_errors__are_filled_with_no_plain_english() -> None:
    """Words in the details of an error are a `Phrase`, so that they are translated with it."""
    source.check(_prose())


def _prose() -> Iterator[str]:
    names = {cls.__name__ for cls in source.errors()}
    for path in source.python_files("ledger"):
        name = source.name(path)
        if any(name.startswith(left) for left in LEFT):
            continue
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in names:
                yield from (f"{name}:{node.lineno}: {text!r}" for keyword in node.keywords
                            for text in _texts(keyword.value) if PROSE.search(text))


def _texts(node: ast.AST) -> Iterator[str]:
    """The literals of an expression that stand in no `Phrase`."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "Phrase":
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    for inner in ast.iter_child_nodes(node):
        yield from _texts(inner)


DOING = re.compile(
    r"(^|[.;:,] |, or |and |else )(let|give|use|check|name|record|open|close|set|publish|correct"
    r"|ask|send|take|put|look|refund|raise|lift|change|end|cancel|approve|place|register|issue"
    r"|withdraw|do that|deliver|void|wait|end|declare|write|move|pack|receive|sign|leave the"
    r"|read it|refuse|inspect|if |once)\b|`ledger |\(\w+\.\w+|\{(why|known|what|how)\}|can be"
    r"|is put right|can begin|instead|it is on record|nothing to|asked for afterwards|belongs in"
    r"|under a new number|\{summary\}|has nothing approved|nothing to review", re.I)
"""What an answer to *what now?* has in it: something to do, a command, or words filled in."""

FOR_PEOPLE = ("ledger.orders", "ledger.people", "ledger.policies", "ledger.returns")


def test_errors__of_orders_people_policies_and_returns_say_what_to_do() -> None:
    source.check(f"{cls.__name__}: {source.template(cls)}" for cls in source.errors()
                 if cls.__module__.startswith(FOR_PEOPLE)
                 and not DOING.search(source.template(cls).partition(". ")[2]
                                      or source.template(cls)))
