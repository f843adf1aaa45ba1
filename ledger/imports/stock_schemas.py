"""The shape of what a profile says of stock: counts and movements."""

from marshmallow import Schema

from ledger.imports.file_schemas import name


class CountSchema(Schema):
    """How the fields of a row give the count of a SKU in a bin of a warehouse."""

    file = name(required=True)
    warehouse = name()
    sku = name(required=True)
    quantity = name(required=True)
    bin = name()
    at = name()
    document = name()
