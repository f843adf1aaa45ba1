"""What is asked between the fields of a command, in the words of JSON Schema.

The check of a command decides; these words say the same to those who make one, as far as they go.
"""

from collections.abc import Mapping
from typing import Any

Said = Mapping[str, Any]
"""A part of a JSON schema."""


OPEN: Said = {"unevaluatedProperties": True}
"""What stands in a part about some fields, for those who hold that a part names all: which others
there may be, the whole says."""


def given(*names: str, **schema: Any) -> Said:
    """Fields have to be there, as a schema says."""
    return {"required": list(names), "properties": dict.fromkeys(names, schema)}


def empty(*names: str) -> Said:
    """None of some fields is given."""
    return {"properties": {name: {"type": "null"} for name in names}}


def among(name: str, *values: Any) -> Said:
    """A field is given, and one of some values."""
    return given(name, enum=list(values))


def fork(condition: Said, then: Said | bool | None = None, otherwise: Said | None = None) -> Said:
    """What is asked where a condition holds, and what where it does not."""
    parts = {"if": condition, "then": then, "else": otherwise}
    return {name: said if isinstance(said, bool) else {**said, **OPEN}
            for name, said in parts.items() if said is not None}


OF_GOODS = fork(among("fee", True), otherwise={
    "properties": {"unit_price": {"minimum": 0}, "amount_minor": {"minimum": 0}}})
"""Goods cost no less than nothing; a fee may, such as a voucher."""
