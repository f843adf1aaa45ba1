"""The shape of what a profile says of orders and of what comes back: where each fact comes from."""

from collections.abc import Sequence
from typing import Any

from marshmallow import (
    Schema,
    ValidationError,
    fields,
    pre_load,
    validate,
    validates_schema,
)

from ledger.imports.conditions import TestOf
from ledger.imports.file_schemas import name, names
from ledger.imports.references import COME_BACK

ROWS = ("sale", "cancellation", "write_off", "found", *COME_BACK)
"""What a row may be: a line of an order, of a return, or of a slip (goods written off or found)."""

NAMED = name()


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
    """A field's name; {of: FIELD, when: FIELD}, which holds where the second is filled; {sum: […],
    less: […], when: FIELD}, of one field a sum of the rows in which that is so; or {lines:
    goods|fees|all}: what lines add up to."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **more: Any) -> Any:
        if isinstance(value, str):
            return _sum([value])
        if value in ({"lines": "goods"}, {"lines": "fees"}, {"lines": "all"}):
            return value
        if isinstance(value, dict) and type(value.get("when", "")) is str:
            when, rest = value.get("when"), value.keys() - {"when"}
            if rest == {"of"} and type(value["of"]) is str:
                return _sum([value["of"]], when=when)
            less = value.get("less", [])
            if "sum" in rest <= {"sum", "less"} and _is_names(value["sum"]) and (
                    not less or _is_names(less)):
                return _sum(value["sum"], less, when=when, adds_rows=True)
        raise ValidationError(
            "Not a field's name, {of: FIELD, when: FIELD}, {sum: […], less: […], when: FIELD} or "
            "{lines: goods|fees|all}.")


def _sum(
    names: list[str], less: Sequence[str] = (), *, when: str | None = None, adds_rows: bool = False
) -> dict[str, Any]:
    return {"sum": names, "less": list(less), "when": when, "adds_rows": adds_rows}


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)


class MomentSchema(Schema):
    """A time of its own, else inferred as the latest of others; only `when` a field is filled."""

    at = fields.String(load_default=None)
    inferred_from = names(load_default=list)
    when = fields.String(load_default=None)


class EndedSchema(Schema):
    """How an order ended: the choice that says so, and the moment for each state."""

    by = fields.String(required=True)
    completed = fields.Nested(MomentSchema)
    closed = fields.Nested(MomentSchema)
    cancelled = fields.Nested(MomentSchema)


class LinesSchema(Schema):
    """Which file's rows are the lines of an order. `quantity` may be a number; without `line` they
    are numbered. Either the price of a piece is given, or the amount of the line. `fees` are SKUs
    that are not goods; a trailing * stands for any ending. `dispatched`, with `courier` and
    `waybill`, says of each line when its pieces went out."""

    of = name(required=True)
    line = name()
    sku = name()
    title = TextFrom()
    attributes = TextFrom()
    quantity = fields.String()
    unit_price = name()
    amount_minor = name()
    products = name()
    dispatched = TextFrom()
    courier = TextFrom()
    waybill = TextFrom()
    fees = names(load_default=list)

    @validates_schema
    def _one_price(self, data: Any, **_: Any) -> None:
        own = data.keys() & {"line", "sku", "title", "attributes", "quantity", "unit_price",
                             "amount_minor"}
        if "products" in data:
            if own:
                raise ValidationError(f"With products, they say it, not {', '.join(sorted(own))}.")
        elif "quantity" not in data:
            raise ValidationError("Needs quantity, or products.")
        elif ("unit_price" in data) == ("amount_minor" in data):
            raise ValidationError("Needs either unit_price or amount_minor, not both.")

    @pre_load
    def _number(self, data: Any, **_: Any) -> Any:
        if isinstance(data, dict) and type(data.get("quantity")) is int:
            return {**data, "quantity": str(data["quantity"])}
        return data


class PaymentsSchema(Schema):
    """Which file's rows are the payments of an order."""

    of = name(required=True)
    method = name(required=True)
    amount_minor = name(required=True)


class RowsSchema(Schema):
    """What a row is if its fields pass tests: see `conditions`."""

    are = fields.String(required=True, validate=validate.OneOf(ROWS))
    when = fields.Dict(NAMED, TestOf(), load_default=dict)


FORMERLY = {"told": "declared"}
"""What parts of a recipe were called in profiles of the first version, which are still read."""


class OrderSchema(Schema):
    """How the fields of a row, and of those joined to it, make a statement about an order.

    Where its lines are rows of the main file itself, all rows with its number make it together.
    """

    @pre_load
    def _renamed(self, data: Any, **_: Any) -> Any:
        if not isinstance(data, dict) or not data.keys() & FORMERLY.keys():
            return data
        return {FORMERLY.get(key, key) if FORMERLY.get(key) not in data else key: value
                for key, value in data.items()}

    file = name(required=True)
    continues = fields.Boolean(load_default=False, truthy={True}, falsy={False})
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
    tax_minor = SumFrom()
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
    refused = fields.Nested(MomentSchema)
    lost = fields.Nested(MomentSchema)
    ended = fields.Nested(EndedSchema)
    lines = fields.Nested(LinesSchema)
    payments = fields.Nested(PaymentsSchema)


class ReturnLinesSchema(Schema):
    """Which file's rows are the lines of what comes back; of which lines of the order they are,
    else of those of the SKU; what they cost, else what the order says; and what became of them."""

    of = name(required=True)
    line = name()
    order_line = name()
    sku = name()
    title = TextFrom()
    quantity = fields.String(required=True)
    unit_price = name()
    amount_minor = name()
    disposition = name()

    @validates_schema
    def _one_price(self, data: Any, **_: Any) -> None:
        if "unit_price" in data and "amount_minor" in data:
            raise ValidationError("Needs unit_price or amount_minor, not both.")

    @pre_load
    def _number(self, data: Any, **_: Any) -> Any:
        if isinstance(data, dict) and type(data.get("quantity")) is int:
            return {**data, "quantity": str(data["quantity"])}
        return data


class ReturnRowsSchema(RowsSchema):
    """What comes back in a row if its fields pass tests."""

    are = fields.String(required=True, validate=validate.OneOf(list(COME_BACK)))


class ReturnSchema(Schema):
    """How the fields of a row make a case: what a buyer wants back, what came, what was refunded.
    """

    file = name(required=True)
    continues = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    number = TextFrom(required=True)
    order = TextFrom()
    rows = fields.List(fields.Nested(ReturnRowsSchema), validate=validate.Length(1, 20))
    shop = TextFrom()
    account = TextFrom()
    reason = TextFrom()
    lines = fields.Nested(ReturnLinesSchema)
    requested = fields.Nested(MomentSchema, required=True)
    came = fields.Nested(MomentSchema)
    refunded = fields.Nested(MomentSchema)
    closed = fields.Nested(MomentSchema)
    refund_minor = SumFrom()
    refunded_minor = SumFrom()
    refund_reference = TextFrom()
