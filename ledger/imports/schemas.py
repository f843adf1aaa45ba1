"""The shape of a profile's YAML, as marshmallow schemas. Unknown keys are refused."""

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import (
    Schema,
    ValidationError,
    fields,
    post_load,
    pre_load,
    validate,
    validates,
    validates_schema,
)

from ledger.common import bounds
from ledger.imports.encodings import NAMES
from ledger.imports.file_schemas import (
    ENCODINGS,
    NAME,
    FileSchema,
    MoneySchema,
    TimesSchema,
    bounded,
    is_format,
    name,
)
from ledger.imports.order_schemas import OrderSchema, ReturnSchema
from ledger.imports.profile import ORDER, RETURN, SECTIONS
from ledger.imports.stock_schemas import CountSchema, MovementSchema

NAME_OF = bounded(bounds.Name)
ID = bounded(bounds.Id)


class StockSchema(Schema):
    """Where the goods of these files are kept; the first import opens that warehouse."""

    warehouse = fields.String(required=True, validate=ID)


class StatedSchema(Schema):
    """How a file's name says when it was made: a pattern with one group, and the format of that
    group in the zone of `times`."""

    name = fields.String(required=True, validate=validate.Length(1, 200))
    format = fields.String(required=True, validate=is_format)

    @validates("name")
    def _one_group(self, value: str, **_: Any) -> None:
        try:
            groups = re.compile(value).groups
        except re.error as error:
            raise ValidationError(f"Not a pattern: {error}.") from None
        if groups != 1:
            raise ValidationError("Needs one group, in brackets: the time.")

    @post_load
    def _pair(self, data: Any, **_: Any) -> tuple[str, str]:
        return data["name"], data["format"]


class ProfileSchema(Schema):
    """A whole profile."""

    class Meta:
        """What is no name of Python's."""

        include = {RETURN: fields.Nested(ReturnSchema)}

    name = name(required=True)
    version = fields.Integer(required=True, strict=True, validate=validate.Range(1))
    about = fields.String()
    channel = fields.String(required=True, validate=ID)
    shop = fields.String(required=True, validate=NAME_OF)
    money = fields.Nested(MoneySchema, required=True)
    times = fields.Nested(TimesSchema, required=True)
    encodings = fields.List(fields.String(validate=validate.OneOf(NAMES)),
                            load_default=lambda: list(ENCODINGS),
                            validate=validate.Length(1, len(NAMES)))
    reuse_gap_days = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 36500))
    files = fields.Dict(fields.String(validate=NAME), fields.Nested(FileSchema), required=True,
                        validate=validate.Length(1, 10))
    order = fields.Nested(OrderSchema)
    count = fields.Nested(CountSchema)
    movement = fields.Nested(MovementSchema)
    stock = fields.Nested(StockSchema)
    stated = fields.Nested(StatedSchema)

    @pre_load
    def _is_mapping(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, Mapping):
            raise ValidationError("Not a mapping.")
        return data

    @validates_schema
    def _makes_one_thing(self, data: Any, **_: Any) -> None:
        made = [section for section in SECTIONS if section in data]
        if len(made) != 1 and made != [ORDER, RETURN]:
            raise ValidationError("Needs order, return, count or movement, of which only order and "
                                  "return go together.")
