"""Persons over HTTP: found by what they stand in, held, erased by two, and shown what is held."""

from collections.abc import Mapping
from typing import Annotated, Any

import marshmallow
import orjson
from flask import Response

from api.http import shapes, writing
from api.http.fields import Bounded, Text
from api.http.noting import note_reading
from api.http.reading import NoQuery, at_position
from api.http.routes import Blueprint, caller, edge
from api.http.writing import Route
from ledger.common.between import fork, given
from ledger.common.bounds import StreamText
from ledger.common.values import Checks
from ledger.erasure.commands import (
    ConfirmErasure,
    HoldPerson,
    LiftPersonHold,
    RequestErasure,
    WithdrawErasure,
    check_person,
)
from ledger.erasure.errors import PersonUnknown
from ledger.erasure.finding import (
    confirmation_of,
    person_of_account,
    persons_of,
    request_of,
    status_of,
    together_with,
)
from ledger.log.persons import LedgerKeys
from ledger.log.zones import days_of
from projections.asking.clocks import NOW, Cut, header
from projections.asking.columns import Columns, Subject, says
from projections.audit.answers import PersonEvents, PersonStatus
from projections.audit.persons import held_on

OFFICE = {"admin", "manager"}
"""Who decides about persons."""

READS = {"manager"}
"""Who sees what is held on them: it is what they bought and wrote, so no admin."""

ONE = "/v1/persons/<person>"
GIVEN = ("person",)

group = Blueprint("persons", __name__, description="Whose data it is, and that it is erased.")


def _keys() -> LedgerKeys:
    """Errors: BadErasure (R-KEY-10), StorageFailed (R-LOG-04)."""
    return edge().ledger(caller().ledger).keys_to_read()


def _found_in(values: Mapping[str, Any]) -> Mapping[str, Any]:
    command = request_of(edge().store, _keys(), values["person"], ground=values["ground"],
                         occurred_at=values["occurred_at"])
    return {"found_in": command.found_in}


def _together(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Errors: PersonUnknown (R-ERA-01), TooManyTogether (R-ERA-10)."""
    command = confirmation_of(
        edge().store, _keys(), values["person"], occurred_at=values["occurred_at"])
    return {name: getattr(command, name) for name in TOGETHER}


TOGETHER = ("together", "members", "bare", "seen")

writing.add(group, [
    Route(f"{ONE}/erasure-requests", RequestErasure, OFFICE, GIVEN,
          looked_up=("found_in",), look_up=_found_in,
          said="Ask to erase a person. Nothing is erased before somebody else confirms it."),
    Route(f"{ONE}/erasure-withdrawals", WithdrawErasure, OFFICE, GIVEN),
    Route(f"{ONE}/erasure-confirmations", ConfirmErasure, OFFICE, GIVEN,
          looked_up=TOGETHER, look_up=_together,
          said="Erase a person, and all who go together with them, for ever.\n\nSomebody else "
               "asked for it. Who goes together with them is looked up in the log when this is "
               "sent; where that changes meanwhile it is 409 `group_changed`, and sent again."),
    Route(f"{ONE}/holds", HoldPerson, OFFICE, GIVEN),
    Route(f"{ONE}/hold-lifts", LiftPersonHold, OFFICE, GIVEN),
])


class FindBody(marshmallow.Schema):
    """Whom to find: by a stream such as order:…, or by an account on a channel."""

    between = fork(given("about"), {"maxProperties": 1}, given("channel", "account"))
    about = Bounded(StreamText())
    channel = Text(longest=100)
    account = Text(longest=2000)

    @marshmallow.validates_schema
    def check_one(self, data: Mapping[str, Any], **_: Any) -> None:
        """Either the one or the other."""
        if set(data) not in ({"about"}, {"channel", "account"}):
            raise marshmallow.ValidationError(
                "is needed alone, or `channel` and `account` in its place", "about")


class FoundPersons(Columns):
    """Persons who were found."""

    persons: Annotated[list[Subject], says("Them.")]


@group.permit("/v1/persons/find", OFFICE, name="find", method="POST")
@group.arguments(NoQuery(), location="query")
@group.arguments(FindBody())
@group.response(200, shapes.one(FoundPersons))
def find(query: Mapping[str, str], body: Mapping[str, str]) -> Response:
    """The persons of a stream or of an account. What is asked for stands in the body, so that no
    address holds an account. Who found whom is noted, without what was asked for."""
    cut = _now()
    found = (persons_of(edge().store, _keys(), body["about"]) if "about" in body else
             [person_of_account(_keys(), body["channel"], body["account"])])
    note_reading(cut.position, persons=found)
    return Response(orjson.dumps({"persons": found}), content_type="application/json")


def _now() -> Cut:
    """The log as it is now. Whoever is erased is so at every position, so there is no other."""
    return NOW.resolve(edge().store, caller().ledger)


def _answer(cut: Cut, item: Mapping[str, Any]) -> Response:
    as_of = header(edge().store, caller().ledger, cut)
    return at_position(as_of, {"as_of": as_of, "item": item})


def _must_be_person(person: str) -> None:
    """Errors: PersonUnknown (R-ERA-01)."""
    checks = Checks()
    check_person(checks, "", person)
    if checks.faults:
        raise PersonUnknown(person=person[:100])


@group.permit(ONE, OFFICE, name="person")
@group.arguments(NoQuery(), location="query")
@group.response(200, shapes.item(PersonStatus))
def read_person(query: Mapping[str, str], person: str) -> Response:
    """Whether somebody asks to erase a person, whether they are held, whether they are erased."""
    _must_be_person(person)
    cut = _now()
    return _answer(cut, status_of(edge().store, _keys(), person, cut.head))


@group.permit(f"{ONE}/events", READS, name="events")
@group.arguments(NoQuery(), location="query")
@group.response(200, shapes.item(PersonEvents))
def read_events(query: Mapping[str, str], person: str) -> Response:
    """All that is held on a person: each event about them with what is sealed for them opened. Who
    read it is noted."""
    _must_be_person(person)
    cut = _now()
    together, _ = together_with(edge().store, _keys(), person, cut.head)
    events = list(held_on(edge().store, _keys(), together, cut.position,
                          days=days_of(edge().store, caller().ledger)))
    note_reading(cut.position, persons=together.persons)
    return _answer(cut, {"person": person, "together": sorted(together.persons), "events": events})
