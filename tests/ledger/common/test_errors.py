"""Errors as values: they go to another process and come back as they were."""

import pickle
from string import Formatter

import pytest

from ledger.common.errors import Fault, InvalidValues, LedgerError
from ledger.common.phrases import Phrase
from tests.support import source


@pytest.mark.parametrize("kind", source.errors(), ids=lambda kind: kind.__name__)
def test_error__comes_whole_from_another_process(kind: type[LedgerError]) -> None:
    """Whatever its own way of being made."""
    error = kind.__new__(kind)
    names = {name for _, name, _, _ in Formatter().parse(error.template) if name}
    error.details = {name.split("!")[0]: Phrase("{many} {{words}}", many=2) for name in names}
    error.args = ("said",)
    back = pickle.loads(pickle.dumps(error))
    assert type(back) is kind
    assert (back.details, back.args, str(back)) == (error.details, error.args, "said")


def test_error__comes_with_its_faults() -> None:
    error = InvalidValues([Fault("/lines/0/sku", "missing", "is missing")] * 2)
    back = pickle.loads(pickle.dumps(error))
    assert (back.faults, back.left_out, str(back)) == (error.faults, error.left_out, str(error))


def test_phrase__comes_with_what_fills_it() -> None:
    phrase = Phrase("{name} has no {{part}}", name=Phrase("a {thing}", thing="{x}"))
    back = pickle.loads(pickle.dumps(phrase))
    assert (back, back.template, back.details) == (phrase, phrase.template, phrase.details)
    assert back.details["name"].details == {"thing": "{x}"}
