"""The shape of what a profile says of files: columns, cells, money and times."""

from collections.abc import Callable
from typing import Any

from marshmallow import (
    Schema,
    ValidationError,
    fields,
    pre_load,
    validate,
    validates,
    validates_schema,
)

from ledger.common import bounds
from ledger.common.checking import split
from ledger.common.currencies import EXPONENTS
from ledger.common.days import UnknownZone, zone_of
from ledger.common.values import Checks
from ledger.imports import products
from ledger.imports.amounts import MARKS
from ledger.imports.conditions import OF_RAW, TestOf
from ledger.imports.profile import DELIMITERS
from ledger.imports.times import wrong_in

KINDS = ("text", "id", "money", "integer", "time", "choice", "currency", "products")
ENCODINGS = ("utf-8", "gb18030")
"""Those that are tried where a profile names none."""
NAME = validate.Regexp(
    r"[a-z][a-z0-9_-]{0,39}\Z",
    error="Not a name: a letter of a to z, then such letters, digits, - and _, at most 40 in all.")


def bounded(bound: Any) -> Callable[[str], None]:
    """A validator that takes what a field of a command takes."""
    def keep(value: str) -> None:
        checks = Checks()
        for one in split(bound)[1]:
            one.note(checks, "", value)
        if checks.faults:
            raise ValidationError([fault.message for fault in checks.faults])
    return keep


def name(**more: Any) -> fields.String:
    """A name of the profile's own, such as that of a field."""
    return fields.String(validate=NAME, **more)


def names(**more: Any) -> fields.List[str]:
    """A list of texts."""
    return fields.List(fields.String(), **more)


def is_format(value: str) -> None:
    """A validator that takes what `times` can read by."""
    if wrong := wrong_in(value):
        raise ValidationError(wrong)


def formats(**more: Any) -> fields.List[str]:
    """Formats of times."""
    return fields.List(fields.String(validate=is_format), validate=validate.Length(1, 20), **more)


def is_pattern(value: str) -> None:
    """A validator that takes what `products` can read by."""
    if wrong := products.wrong_in(value):
        raise ValidationError(wrong)


class _CellSchema(Schema):
    """What a cell holds."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    required = fields.Boolean(truthy={True}, falsy={False})
    personal = fields.Boolean(truthy={True}, falsy={False})
    optional = fields.Boolean(truthy={True}, falsy={False})
    first_word = fields.Boolean(truthy={True}, falsy={False})
    float_id = fields.Boolean(truthy={True}, falsy={False})
    negative = fields.Boolean(truthy={True}, falsy={False})
    volatile = fields.Boolean(truthy={True}, falsy={False})
    decimals = fields.Integer(strict=True, validate=validate.Range(0, 8))
    blank = names()
    values = fields.Dict(fields.String(), fields.String())
    otherwise = fields.String()
    pad = fields.Integer(strict=True, validate=validate.Range(1, 100))
    default = fields.String(validate=validate.Length(1, 200))
    formats = formats()
    across_rows = fields.String(validate=validate.OneOf(
        ("same", "first", "last", "sum", "least", "most")))
    pattern = fields.String(validate=is_pattern)
    between = fields.String(validate=validate.Length(1, 10))

    @pre_load
    def _listed(self, data: Any, **_: Any) -> Any:
        """`values` may be a list of texts that mean themselves; `default` may be a number."""
        if isinstance(data, dict) and isinstance(data.get("values"), list):
            data = {**data, "values": {value: value for value in data["values"]
                                       if isinstance(value, str)}}
        if isinstance(data, dict) and type(data.get("default")) is int:
            data = {**data, "default": str(data["default"])}
        return data


class FieldSchema(_CellSchema):
    """A field that a column fills."""

    field = name(required=True)


class ConstantSchema(_CellSchema):
    """A field that no column fills, with its value in every row."""

    value = fields.String(required=True, validate=validate.Length(1, 200))

    @validates_schema
    def _fits(self, data: Any, **_: Any) -> None:
        _check_choices([data])


class Columns(fields.Field[Any]):
    """Column name -> one field, or a list of them."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if not isinstance(value, dict) or not value:
            raise ValidationError("Not a mapping of column names to fields.")
        faults: dict[Any, Any] = {}
        found = {}
        for column, given in value.items():
            try:
                if not isinstance(column, str):
                    raise ValidationError("A column's name must be text: put it in quotes.")
                many = given if isinstance(given, list) else [given]
                found[column.strip()] = FieldSchema(many=True).load(many)
                _check_choices(found[column.strip()])
            except ValidationError as error:
                faults[column] = error.messages
        if faults:
            raise ValidationError(faults)
        return found


def _check_choices(loaded: list[dict[str, Any]]) -> None:
    for field in loaded:
        if (field["kind"] == "choice") != ("values" in field):
            raise ValidationError("A choice, and nothing else, has values.")
        if "decimals" in field and field["kind"] != "money":
            raise ValidationError("Only money has decimals.")
        if "negative" in field and field["kind"] not in ("money", "integer"):
            raise ValidationError("Only a number can be negative.")
        if field.get("across_rows") == "sum" and field["kind"] not in ("money", "integer"):
            raise ValidationError("Only a number can be summed across rows.")
        if field.get("across_rows") in ("least", "most") \
                and field["kind"] not in ("money", "integer", "time"):
            raise ValidationError("Only a number or a time is least or most across rows.")
        if field.get("optional") and field.get("required"):
            raise ValidationError("A column that may be missing cannot be required.")
        if "formats" in field and field["kind"] != "time":
            raise ValidationError("Only a time has formats.")
        if (field["kind"] == "products") != ("pattern" in field):
            raise ValidationError("Products, and nothing else, have a pattern.")
        if "default" in field and (field.get("required") or field["kind"] in ("time", "currency")):
            raise ValidationError("What is required, a time or a currency has no default.")


class JoinSchema(Schema):
    """Which own field names which field of the main file."""

    own = name(required=True)
    main = name(required=True)


class FileSchema(Schema):
    """One kind of file."""

    columns = Columns(required=True)
    ignored = names(load_default=list)
    join = fields.Nested(JoinSchema)
    key = name()
    constants = fields.Dict(name(), fields.Nested(ConstantSchema), validate=validate.Length(1, 20))
    required = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    delimiter = fields.String(validate=validate.OneOf(list(DELIMITERS)))
    header_row = fields.Integer(strict=True, validate=validate.Range(1, 1000))
    sheet = fields.String(validate=validate.Length(1, 31))
    headers = fields.String(validate=validate.OneOf(("exact", "tolerant")))
    ignored_rows = fields.List(
        fields.Dict(fields.String(), TestOf(OF_RAW), validate=validate.Length(1)),
        validate=validate.Length(1, 20))


class MoneySchema(Schema):
    """The currency of all amounts, its decimals, signs that may surround a number, and what stands
    before the decimals."""

    currency = fields.String(required=True, validate=bounded(bounds.Currency))
    exponent = fields.Integer(required=True, strict=True, validate=validate.Range(0, 4))
    signs = names(load_default=list)
    decimal = fields.String(validate=validate.OneOf(list(MARKS)))

    @validates_schema
    def _agree(self, data: Any, **_: Any) -> None:
        known = EXPONENTS[data["currency"]]
        if data["exponent"] != known:
            raise ValidationError(f"{data['currency']} has {known} decimals, not "
                                  f"{data['exponent']}.", "exponent")


class TimesSchema(Schema):
    """How times are written, and in which zone: by default in that of the shop."""

    zone = fields.String()
    formats = formats(required=True)

    @validates("zone")
    def _known(self, value: str, **_: Any) -> None:
        try:
            zone_of(value)
        except UnknownZone:
            raise ValidationError(f"Not a time zone: {value!r}.") from None
