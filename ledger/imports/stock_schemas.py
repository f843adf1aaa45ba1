"""The shape of what a profile says of stock: counts and movements."""

from marshmallow import Schema

from ledger.imports.file_schemas import name
from ledger.imports.order_schemas import TextFrom


class CountSchema(Schema):
    """How the fields of a row give the count of a SKU in a bin of a warehouse."""

    file = name(required=True)
    warehouse = name()
    sku = name(required=True)
    quantity = name(required=True)
    bin = name()
    at = name()
    document = name()


class MovementSchema(Schema):
    """How the fields of a row say what moved, why, from where to where, and when it had arrived."""

    class Meta:
        """What is no name of Python's."""

        include = {"from": name(), "to": name()}

    file = name(required=True)
    number = TextFrom(required=True)
    kind = name(required=True)
    sku = name(required=True)
    quantity = name(required=True)
    warehouse = name()
    bin = name()
    to_bin = name()
    at = name(required=True)
    arrived = name()
    document = TextFrom()
    reason = TextFrom()
