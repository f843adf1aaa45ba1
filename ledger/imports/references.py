"""Which fields a profile uses, where, and for what."""

from collections.abc import Iterator, Mapping
from typing import Any

from ledger.core.commands import Command
from ledger.imports import conditions
from ledger.imports.profile import COUNT, File, Profile
from ledger.orders.declared import RecordOrder
from ledger.returns.commands import RecordReturn
from ledger.returns.declared import DeclareCase
from ledger.returns.values import REFUND_ONLY, REFUSED, RETURN_AND_REFUND
from ledger.stock.places import (
    AVAILABLE,
    CUSTOMER,
    DAMAGED,
    QUARANTINE,
    RECEIVING,
    STOCKTAKE_GAIN_LOSS,
    SUPPLIER,
    WRITTEN_OFF,
)
from ledger.stock.slips import RecordSlip

ID_REFERENCES = frozenset((
    "number", "order", "waybill", "paid_reference", "refund_reference", "lines/line",
    "lines/order_line", "lines/sku", "lines/waybill", "sku", "warehouse", "from", "to"))
"""Where a profile names what becomes an id of the ledger."""

NEEDED = frozenset(("lines/quantity", "lines/unit_price", "lines/amount_minor", "lines/products",
                    "payments/amount_minor", "sku", "quantity", "at", "kind"))
"""Where a profile names what no row may leave blank."""

SAID_BY_ORDER = ("/return/lines/unit_price", "/return/lines/amount_minor")
"""What the order says where a row leaves it blank."""

TEXTS = ("text", "id", "choice", "integer")
AMOUNTS = ("money", "integer")
OF_LINES = {"quantity": AMOUNTS, "unit_price": AMOUNTS, "amount_minor": AMOUNTS,
            "dispatched": ("time",), "disposition": ("choice",),
            "products": ("products",)}
"""The kinds that fit the facts of a line or a payment; all others are texts."""

OF_STOCK = {"quantity": ("integer",), "at": ("time",), "arrived": ("time",), "kind": ("choice",)}
"""The kinds that fit the facts of a count or a movement; all others are texts."""

WORDS = ("text", "id", "choice")
FILLED = (*TEXTS, *AMOUNTS, "time")
TESTED = {"negative": AMOUNTS, "zero": AMOUNTS, "blank": FILLED, "not_blank": FILLED,
          "begins": ("text", "id"), "equals": WORDS, "matches": WORDS, "one_of": WORDS}
"""Which kinds of fields each test of a row can look at."""


MOMENTS = ("placed", "declared", "stated", "paid", "refunded", "dispatched", "delivered",
           "refused", "lost")
UNSAID = ("rows", "ended", "requested", "came", "closed", *MOMENTS)
"""Parts of a recipe that may look at a field without showing its value."""

RETURNED, REFUNDED = "returned", "refunded"
COME_BACK = {RETURNED: RETURN_AND_REFUND, "refused": REFUSED, REFUNDED: REFUND_ONLY}
"""What a row may say that comes back, and the kind of case that this is."""

MADE: dict[str, type[Command]] = {
    "sale": RecordOrder, "cancellation": RecordReturn, **dict.fromkeys(COME_BACK, DeclareCase)}
"""What rows make, by what they are; others a slip."""

TRANSFER, ADJUSTMENT = "transfer", "adjustment"
WAYS = {
    "opening": (STOCKTAKE_GAIN_LOSS, AVAILABLE), "receipt": (SUPPLIER, AVAILABLE),
    "put_away": (RECEIVING, AVAILABLE), "return_to_supplier": (AVAILABLE, SUPPLIER),
    ADJUSTMENT: (STOCKTAKE_GAIN_LOSS, AVAILABLE), "write_off": (AVAILABLE, WRITTEN_OFF),
    "found": (STOCKTAKE_GAIN_LOSS, AVAILABLE), "damage": (AVAILABLE, DAMAGED),
    "quarantine": (AVAILABLE, QUARANTINE), "quarantine_lifted": (QUARANTINE, AVAILABLE),
    "gift": (AVAILABLE, CUSTOMER), "internal_use": (AVAILABLE, WRITTEN_OFF),
    "bin_move": (AVAILABLE, AVAILABLE)}
"""What a row may say of why pieces moved, but for a transfer, and from where to where they went; an
adjustment below zero goes the other way."""

Reference = tuple[str, str, tuple[str, ...]]


def references(profile: Profile) -> Iterator[Reference]:
    """Each field that the profile uses: where, its name, and the kinds that fit."""
    for section, recipe in profile.sections():
        for key, value in recipe.items():
            yield from _of_part(f"/{section}/{key}", key, value)


def _of_part(where: str, key: str, value: Any) -> Iterator[Reference]:
    """The fields that one part of a recipe uses."""
    if key in ("lines", "payments"):
        yield from _of_rows(where, value)
    elif key == "rows":
        yield from ((f"{where}/{at}", name, TESTED[conditions.split(test)[0]])
                    for at, row in enumerate(value) for name, test in row["when"].items())
    elif key == "ended":
        yield f"{where}/by", value["by"], ("choice",)
        for state in [state for state in value if state != "by"]:
            yield from _moment(f"{where}/{state}", value[state])
    elif isinstance(value, str) and key != "file":
        yield where, value, OF_STOCK.get(key, TEXTS)
    elif isinstance(value, dict) and "inferred_from" in value:
        yield from _moment(where, value)
    elif isinstance(value, dict) and "less" in value:
        yield from ((where, name, AMOUNTS) for name in (*value["sum"], *value["less"]))
        if value["when"] is not None:
            yield where, value["when"], FILLED
    elif isinstance(value, dict) and "names" in value:
        yield from ((where, name, TEXTS) for name in value["names"])


def _part(where: str) -> str:
    """The part of a recipe, without the section that it is in."""
    return where.split("/", 2)[2]


def ids_of(profile: Profile, file: File) -> frozenset[str]:
    """The fields of a file whose values are ids: parts of subjects, and what joins rows."""
    named = {name for where, name, _ in references(profile) if _part(where) in ID_REFERENCES}
    joins = {f"{part.kind}.{part.join[0]}" for part in profile.parts() if part.join} | {
        part.join[1] for part in profile.parts() if part.join}
    joins |= {f"{part.kind}.{part.key}" for part in profile.parts() if part.key}
    kinds = {name if "." in name else f"{profile.main.kind}.{name}" for name in named | joins}
    return frozenset(
        field.field for field in file.fields().values() if field.kind in ("text", "id") and (
            field.kind == "id" or f"{file.kind}.{field.field}" in kinds))


def key_field(profile: Profile) -> str:
    """The field of a main row that says which statement it belongs to, the first of several."""
    named = profile.recipe["sku" if profile.makes == COUNT else "number"]
    return str(named if isinstance(named, str) else named["names"][0]).rpartition(".")[2]


def needed_of(profile: Profile, file: File) -> frozenset[str]:
    """The fields of a file without which its rows make nothing: of a line its pieces and what they
    cost, of a payment its amount, of a count what was counted and when."""
    needed = {name for where, name, _ in references(profile)
              if _part(where) in NEEDED and where not in SAID_BY_ORDER}
    return frozenset(name for name in file.fields()
                     if f"{file.kind}.{name}" in needed
                     or (file is profile.main and name in needed))


def open_fields(profile: Profile, file: File) -> frozenset[str]:
    """The fields of a file whose values may go into a digest that the log keeps for ever.

    Not those that are personal or sealed, unless they are shown as something else as well, such as
    a province; nor volatile ones.
    """
    sealed, shown, uses = set(), set(), _sealed(profile)
    for where, reference, _ in references(profile):
        kind, _, name = reference.rpartition(".")
        use = where.split("/")[2]
        if (kind or profile.main.kind) == file.kind and use in uses:
            sealed.add(name)
        elif (kind or profile.main.kind) == file.kind and use not in UNSAID:
            shown.add(name)
    return frozenset(
        name for name, field in file.fields().items() if not field.volatile
        and (name in shown or not (field.personal or name in sealed)))


def _sealed(profile: Profile) -> frozenset[str]:
    """The parts of a recipe that are sealed in whatever the profile's rows make."""
    if profile.counts:
        return frozenset()
    made = {MADE.get(row["are"], RecordSlip) for row in profile.recipe.get("rows", ())}
    return frozenset(RecordOrder.PERSONAL).difference(
        name for command in made for name in command.__struct_fields__
        if name not in command.PERSONAL)


def _of_rows(where: str, value: Mapping[str, Any]) -> Iterator[Reference]:
    """The fields that lines or payments take from rows."""
    for key, entry in value.items():
        names = entry["names"] if isinstance(entry, dict) else [entry]
        if key not in ("of", "fees") and not (key == "quantity" and entry.isdigit()):
            kinds = OF_LINES.get(key, TEXTS)
            yield from ((f"{where}/{key}", f"{value['of']}.{name}", kinds) for name in names)


def _moment(where: str, value: Mapping[str, Any]) -> Iterator[Reference]:
    for name in (value["at"], *value["inferred_from"]):
        if name is not None:
            yield where, name, ("time",)
    if value["when"] is not None:
        yield where, value["when"], FILLED
