"""Each error of the ledger has its status, code and sentence, and what nobody sees is logged."""

import logging
from string import Formatter

import pytest
from flask import Flask

from api.http.edge_errors import EDGE
from api.http.problems import FOR_THE_KEEPER, HIDDEN, PLACES, of_ledger
from ledger.common.errors import LedgerError, Misconfigured
from ledger.writing.errors import CommandReused
from tests.support import source

APP = Flask(__name__)


def an_error(cls: type[LedgerError]) -> LedgerError:
    """An error of a class, each detail of which says its own name."""
    error = cls.__new__(cls)
    template = " ".join((cls.__doc__ or "").split())
    LedgerError.__init__(error, **{
        name: f"the {name}" for _, name, _, _ in Formatter().parse(template) if name})
    return error


@pytest.mark.parametrize("cls", source.errors(), ids=lambda cls: cls.code)
def test_error__of_every_class_is_answered_with_its_code_and_sentence_or_logged_with_them(
    cls: type[LedgerError], caplog: pytest.LogCaptureFixture
) -> None:
    error = an_error(cls)
    with caplog.at_level(logging.ERROR), APP.test_request_context("/v1/orders"):
        answer = of_ledger(error)
    body = answer.get_json()
    if answer.status_code == 500:
        assert cls.code in ("ledger_error", "value_not_stored")  # faults of the code, no others
        assert (body["code"], body["detail"]) == ("our_fault", EDGE["our_fault"].words)
    else:
        assert (body["code"], body["rule"], body["status"]) == (
            cls.code, cls.rule, answer.status_code)
        places = PLACES & error.details.keys() if issubclass(cls, Misconfigured) else set()
        hidden = {name: HIDDEN if name in places else value
                  for name, value in error.details.items()}
        words = EDGE[cls.code].words if cls is CommandReused else error.template
        assert body["detail"] == words.format(**hidden)
    logged = answer.status_code == 500 or isinstance(error, FOR_THE_KEEPER)
    assert [one.getMessage() for one in caplog.records] == (
        [f"{cls.code} ({cls.rule}): {error}"] if logged else [])
