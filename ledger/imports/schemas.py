"""The shape of a profile's YAML, as marshmallow schemas. Unknown keys are refused."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

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
from ledger.common.checking import split
from ledger.common.currencies import EXPONENTS
from ledger.common.values import Checks

KINDS = ("text", "id", "money", "integer", "time", "choice")
ENCODINGS = ("utf-8", "gb18030")
TOKENS = ("%Y", "%m", "%d", "%H", "%M", "%S")
NAME = validate.Regexp(r"[a-z][a-z0-9_-]{0,39}\Z")


def _bounded(bound: Any) -> Callable[[str], None]:
    """A validator that takes what a field of a command takes."""
    def keep(value: str) -> None:
        checks = Checks()
        for one in split(bound)[1]:
            one.note(checks, "", value)
        if checks.faults:
            raise ValidationError([fault.message for fault in checks.faults])
    return keep


NAME_OF = _bounded(bounds.Name)
ID = _bounded(bounds.Id)
ROWS = ("sale", "cancellation", "write_off", "found")
"""What a row may be: a line of an order, of a return, or of a slip (goods written off or found)."""

TESTS = validate.Regexp(r"(negative|zero|blank|begins \S+)\Z")


def _name(**more: Any) -> fields.String:
    return fields.String(validate=NAME, **more)


NAMED = _name()


def _names(**more: Any) -> fields.List[str]:
    return fields.List(fields.String(), **more)


class FieldSchema(Schema):
    """A field that a column fills."""

    field = _name(required=True)
    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    required = fields.Boolean(truthy={True}, falsy={False})
    personal = fields.Boolean(truthy={True}, falsy={False})
    optional = fields.Boolean(truthy={True}, falsy={False})
    first_word = fields.Boolean(truthy={True}, falsy={False})
    float_id = fields.Boolean(truthy={True}, falsy={False})
    negative = fields.Boolean(truthy={True}, falsy={False})
    volatile = fields.Boolean(truthy={True}, falsy={False})
    decimals = fields.Integer(strict=True, validate=validate.Range(0, 8))
    blank = _names()
    values = fields.Dict(fields.String(), fields.String())
    otherwise = fields.String()
    pad = fields.Integer(strict=True, validate=validate.Range(1, 100))

    @pre_load
    def _listed(self, data: Any, **_: Any) -> Any:
        """`values` may be a list of texts that mean themselves."""
        if isinstance(data, dict) and isinstance(data.get("values"), list):
            return {**data, "values": {value: value for value in data["values"]
                                       if isinstance(value, str)}}
        return data


class _Columns(fields.Field[Any]):
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
        if field.get("optional") and field.get("required"):
            raise ValidationError("A column that may be missing cannot be required.")


class JoinSchema(Schema):
    """Which own field names which field of the main file."""

    own = _name(required=True)
    main = _name(required=True)


class FileSchema(Schema):
    """One kind of file."""

    columns = _Columns(required=True)
    ignored = _names(load_default=list)
    join = fields.Nested(JoinSchema)
    key = _name()
    required = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class TextFrom(fields.Field[Any]):
    """A field's name, or {first: […]} (the first that is not blank), or {join: […]}."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if isinstance(value, str):
            return {"how": "first", "names": [value]}
        if isinstance(value, dict) and len(value) == 1:
            (how, names), = value.items()
            if how in ("first", "join") and _is_names(names):
                return {"how": how, "names": names}
        raise ValidationError("Not a field's name, {first: […]} or {join: […]}.")


class SumFrom(fields.Field[Any]):
    """A field's name, {sum: […], less: […]}, or {lines: goods|fees|all}: what lines add up to."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if isinstance(value, str):
            return {"sum": [value], "less": []}
        if value in ({"lines": "goods"}, {"lines": "fees"}, {"lines": "all"}):
            return value
        if isinstance(value, dict) and value.keys() <= {"sum", "less"} and "sum" in value:
            less = value.get("less", [])
            if _is_names(value["sum"]) and (not less or _is_names(less)):
                return {"sum": value["sum"], "less": less}
        raise ValidationError(
            "Not a field's name, {sum: […], less: […]} or {lines: goods|fees|all}.")


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)


class MomentSchema(Schema):
    """A time of its own, else inferred as the latest of others; only `when` a field is filled."""

    at = fields.String(load_default=None)
    inferred_from = _names(load_default=list)
    when = fields.String(load_default=None)


class EndedSchema(Schema):
    """How an order ended: the choice that says so, and the moment for each state."""

    by = fields.String(required=True)
    completed = fields.Nested(MomentSchema)
    closed = fields.Nested(MomentSchema)
    cancelled = fields.Nested(MomentSchema)


class LinesSchema(Schema):
    """Which file's rows are the lines of an order. `quantity` may be a number; without `line` they
    are numbered. `fees` are SKUs that are not goods; a trailing * stands for any ending."""

    of = _name(required=True)
    line = _name()
    sku = _name()
    title = _name()
    attributes = _name()
    quantity = fields.String(required=True)
    unit_price = _name(required=True)
    fees = _names(load_default=list)

    @pre_load
    def _number(self, data: Any, **_: Any) -> Any:
        if isinstance(data, dict) and type(data.get("quantity")) is int:
            return {**data, "quantity": str(data["quantity"])}
        return data


class PaymentsSchema(Schema):
    """Which file's rows are the payments of an order."""

    of = _name(required=True)
    method = _name(required=True)
    amount_minor = _name(required=True)


class RowsSchema(Schema):
    """What a row is if its fields pass tests: negative, zero, blank, or `begins TEXT`."""

    are = fields.String(required=True, validate=validate.OneOf(ROWS))
    when = fields.Dict(NAMED, fields.String(validate=TESTS), load_default=dict)


class OrderSchema(Schema):
    """How the fields of a row, and of those joined to it, make a statement about an order.

    Where its lines are rows of the main file itself, all rows with its number make it together.
    """

    file = _name(required=True)
    number = TextFrom(required=True)
    rows = fields.List(fields.Nested(RowsSchema), validate=validate.Length(1, 20))
    shop = TextFrom()
    province = TextFrom()
    account = TextFrom()
    recipient = TextFrom()
    phone = TextFrom()
    address = TextFrom()
    buyer_remark = TextFrom()
    remark = TextFrom()
    courier = TextFrom()
    waybill = TextFrom()
    reason = TextFrom()
    paid_reference = TextFrom()
    refund_reference = TextFrom()
    pieces = SumFrom()
    points = SumFrom()
    goods_minor = SumFrom()
    postage_minor = SumFrom()
    discount_minor = SumFrom()
    total_minor = SumFrom()
    paid_minor = SumFrom()
    refunded_minor = SumFrom()
    placed = fields.Nested(MomentSchema, required=True)
    declared = fields.Nested(MomentSchema)
    stated = fields.Nested(MomentSchema)
    paid = fields.Nested(MomentSchema)
    refunded = fields.Nested(MomentSchema)
    dispatched = fields.Nested(MomentSchema)
    delivered = fields.Nested(MomentSchema)
    ended = fields.Nested(EndedSchema)
    lines = fields.Nested(LinesSchema)
    payments = fields.Nested(PaymentsSchema)


class CountSchema(Schema):
    """How the fields of a row give the count of a SKU in a bin of a warehouse."""

    file = _name(required=True)
    warehouse = _name()
    sku = _name(required=True)
    quantity = _name(required=True)
    bin = _name()
    at = _name(required=True)
    document = _name()


class StockSchema(Schema):
    """Where the goods of these files are kept; the first import opens that warehouse."""

    warehouse = fields.String(required=True, validate=ID)


class MoneySchema(Schema):
    """The currency of all amounts, its decimals, and signs that may surround a number."""

    currency = fields.String(required=True, validate=_bounded(bounds.Currency))
    exponent = fields.Integer(required=True, strict=True, validate=validate.Range(0, 4))
    signs = _names(load_default=list)

    @validates_schema
    def _agree(self, data: Any, **_: Any) -> None:
        known = EXPONENTS[data["currency"]]
        if data["exponent"] != known:
            raise ValidationError(f"{data['currency']} has {known} decimals, not "
                                  f"{data['exponent']}.", "exponent")


class TimesSchema(Schema):
    """How times are written, and in which zone."""

    zone = fields.String(required=True)
    formats = _names(required=True, validate=validate.Length(1, 20))

    @validates("zone")
    def _known(self, value: str, **_: Any) -> None:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValidationError(f"Not a time zone: {value!r}.") from None

    @validates("formats")
    def _parts(self, value: list[str], **_: Any) -> None:
        for form in value:
            rest = form
            for token in TOKENS:
                rest = rest.replace(token, "", 1)
            if "%" in rest or not all(token in form for token in TOKENS[:3]):
                raise ValidationError(
                    f"Not %Y, %m, %d and perhaps %H, %M, %S, each once: {form!r}.")


class StatedSchema(Schema):
    """How a file's name says when it was made: a pattern with one group, and the format of that
    group in the zone of `times`."""

    name = fields.String(required=True, validate=validate.Length(1, 200))
    format = fields.String(required=True, validate=validate.Length(2, 40))

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

    name = _name(required=True)
    version = fields.Integer(required=True, strict=True, validate=validate.Range(1))
    about = fields.String()
    channel = fields.String(required=True, validate=ID)
    shop = fields.String(required=True, validate=NAME_OF)
    money = fields.Nested(MoneySchema, required=True)
    times = fields.Nested(TimesSchema, required=True)
    encodings = fields.List(fields.String(validate=validate.OneOf(ENCODINGS)),
                            load_default=lambda: list(ENCODINGS), validate=validate.Length(1, 2))
    reuse_gap_days = fields.Integer(load_default=0, strict=True, validate=validate.Range(0, 36500))
    files = fields.Dict(fields.String(validate=NAME), fields.Nested(FileSchema), required=True,
                        validate=validate.Length(1, 10))
    order = fields.Nested(OrderSchema)
    count = fields.Nested(CountSchema)
    stock = fields.Nested(StockSchema)
    stated = fields.Nested(StatedSchema)

    @pre_load
    def _is_mapping(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, Mapping):
            raise ValidationError("Not a mapping.")
        return data

    @validates_schema
    def _makes_one_thing(self, data: Any, **_: Any) -> None:
        if ("order" in data) == ("count" in data):
            raise ValidationError("Needs either order or count, not both.")
