"""What is asked between the fields of a command, in the words of JSON Schema.

The check of a command decides; these words say the same to those who make one, as far as they go.
"""

from collections.abc import Mapping
from typing import Any

Said = Mapping[str, Any]
"""A part of a JSON schema."""


def given(name: str, **schema: Any) -> Said:
    """A field has to be there, as a schema says."""
    return {"required": [name], "properties": {name: schema}}


def empty(*names: str) -> Said:
    """None of some fields is given."""
    return {"properties": {name: {"type": "null"} for name in names}}


def among(name: str, *values: Any) -> Said:
    """A field is given, and one of some values."""
    return given(name, enum=list(values))


def fork(condition: Said, then: Said | bool | None = None, otherwise: Said | None = None) -> Said:
    """What is asked where a condition holds, and what where it does not."""
    both = {"then": then, "else": otherwise}
    return {"if": condition, **{name: said for name, said in both.items() if said is not None}}


OF_GOODS = fork(among("fee", True), otherwise={
    "properties": {"unit_price": {"minimum": 0}, "amount_minor": {"minimum": 0}}})
"""Goods cost no less than nothing; a fee may, such as a voucher."""
