"""The parts of sentences: values in words, what is masked or missing, things in a row."""

import pytest

from api.console.sentences.telling import Event, aside, goods, joined, listed, pieces, subject


def event(**payload: object) -> Event:
    """An event that holds this."""
    return Event({"payload": payload, "actor": "member:1", "stream": "order:a:b:1"}, "CNY")


def test_event__shows_nothing_that_is_masked_or_missing() -> None:
    masked = event(reason="‹personal›", lines="‹personal›", new=None)
    assert (masked.text("reason"), masked.each("lines"), masked.inner("new")) == ("", [], {})
    assert masked.text("note") == masked.money("amount_minor") == masked.who("owner") == ""


def test_event__takes_its_own_currency_before_any_other() -> None:
    assert event(amount_minor=5, currency="JPY").money("amount_minor") == "JPY 5"
    assert event(amount_minor=5).money("amount_minor") == "¥0.05"
    assert Event({"payload": {"amount_minor": 5}}).money("amount_minor") == ""


def test_event__names_members_but_not_who_recorded_it() -> None:
    assert event(approved_by="member:2").who("approved_by") == "member 2"
    assert event(approved_by="member:1").who("approved_by") == ""
    assert event(members=["member:1", "member:3"]).who("members") == "member 3"


def test_goods__are_those_of_lines_or_else_what_is_moved() -> None:
    postings = [{"account": "stock:hz:QM-1", "quantity": 2}]
    assert event(lines=[{"line": "1", "quantity": 2}], postings=postings).goods() == (
        "2 pieces of QM-1")
    assert event(lines=[{"sku": "A", "quantity": 1}], postings=postings).goods() == "1 piece of A"
    assert event().goods() == ""


def test_goods__of_many_skus_name_the_first() -> None:
    assert goods(9, ["A", "B", "C", "D", "E"]) == "9 pieces of A, B, C and 2 more"
    assert goods(1, []) == pieces(1) == "1 piece"


def test_joined__leaves_out_what_says_nothing() -> None:
    assert joined("Sent ", "", None, False, 0, "by  air") == "Sent, by air"
    assert aside("A", "", None) == "A"
    assert aside("A", "b", "c") == "A (b, c)"
    assert listed([]) == ""


def test_prose__calls_streams_by_their_names() -> None:
    assert event(reason="see order:taobao:栖墨:7, ratio 1:2").prose("reason") == (
        "see order 7, ratio 1:2")


@pytest.mark.parametrize(("stream", "said"), [
    ("system", "the ledger itself"), ("member:2c91", "member 2c91"), ("", "")])
def test_subject__is_what_a_stream_is_called(stream: str, said: str) -> None:
    assert subject(stream) == said
