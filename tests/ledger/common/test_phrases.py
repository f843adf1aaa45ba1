"""Phrases: text that knows what it is made of."""

from ledger.common.phrases import Phrase, there_are


def test_phrases__are_text_and_know_their_template() -> None:
    found = Phrase("for {who}", who=Phrase("{a} and {b}", a="x", b="y"))
    assert found == "for x and y"
    assert (found.template, found.details["who"].template) == ("for {who}", "{a} and {b}")


def test_lists__of_nothing_say_so() -> None:
    assert there_are(["a", "b"]) == "There are: a, b."
    assert there_are([]) == "There is none yet."
