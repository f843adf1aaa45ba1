"""What is said between fields, in the words of JSON Schema, is what the check of a command decides.
"""

from typing import Any, get_args, get_origin

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from api.http.writing import ROUTES, Route
from ledger.common.bounds import Bound, Whole, Words
from ledger.common.checking import split
from ledger.common.errors import InvalidValues
from ledger.core.commands import Command
from ledger.settings import Settings
from tests.support.samples import sample
from tests.support.thorough import tried
from tests.support.web import Web

TOLD = Web(Settings(database_url="memory:", keys_url="memory:", master_key_file=None)
           ).app.extensions["description"].spec

CHECKED = [route for route in ROUTES if route.command.check is not Command.check]

UNSAYABLE = {"later", "no_bin", "no_bins", "not_among", "not_ordered", "not_so", "not_sorted",
             "not_stock", "same", "same_place", "twice", "wrong_places"}
"""Codes of faults that JSON Schema has no words for: they compare values, or look into names."""


def validator_of(route: Route) -> Draft202012Validator:
    """What validates the bodies of a route."""
    path = route.path.replace("<", "{").replace(">", "}")
    body = TOLD["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    return Draft202012Validator({**body, "components": TOLD["components"]})


class Drawing:
    """Draws bodies whose fields are each sound alone."""

    def __init__(self, data: st.DataObject) -> None:
        self.data = data

    def one(self, *values: Any) -> Any:
        """One of some values."""
        return self.data.draw(st.sampled_from(values))

    def body(self, struct: type[msgspec.Struct]) -> dict[str, Any]:
        """A struct in which fields that need not be there are left out, null, or filled."""
        found = {}
        for field in msgspec.structs.fields(struct):
            _, _, optional = split(field.type)
            how = self.one("filled", *([] if field.required else ["left out"]),
                           *(["null"] if optional else []))
            if how != "left out":
                found[field.encode_name] = None if how == "null" else self.value(field.type)
        return found

    def value(self, annotated: Any) -> Any:
        """A value of a field."""
        kind, bounds, _ = split(annotated)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            return self.body(kind)
        if get_origin(kind) is list:
            return [self.value(get_args(kind)[0]) for _ in range(self.one(*_sizes(bounds)))]
        if kind is bool:
            return self.one(False, True)
        match bounds:
            case [Words(words=words)]:
                return self.one(*words)
            case [Whole(least=least, most=most)]:
                return self.one(*(one for one in (-1, 0, 1, 2) if least <= one <= most))
        return sample(annotated)


def _sizes(bounds: list[Bound]) -> list[int]:
    least = max((getattr(one, "least", 0) for one in bounds), default=0)
    return [one for one in (0, 1, 2) if one >= least]


@settings(max_examples=tried(1500), deadline=None)
@given(st.data())
def test_between__says_what_the_check_decides(data: st.DataObject) -> None:
    route = data.draw(st.sampled_from(CHECKED))
    told = Drawing(data).body(route.command)
    outside = {*route.given, *route.looked_up, "expected_version"}
    sent = {name: value for name, value in told.items() if name not in outside}
    valid = validator_of(route).is_valid(sent)
    try:
        msgspec.convert({"occurred_at": "2026-09-30T12:00:00Z", **told}, route.command)
        codes = set()
    except InvalidValues as error:
        codes = {fault.code for fault in error.faults}
    assert codes <= UNSAYABLE if valid else codes, (sent, codes)
