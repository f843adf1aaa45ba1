"""Profiles: a platform's export described as data. A new platform is a new YAML file.

A profile is found by its name (`ledger/imports/profiles/`, then `samples/profiles/`) or by the
path of a YAML file. `schemas` says what each key means; the shipped files show it.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from marshmallow import ValidationError

from ledger.common.errors import Fault, Invalid, NotFound
from ledger.core.commands import Command
from ledger.imports.once import OnceLoader
from ledger.imports.schemas import ProfileSchema
from ledger.orders.declared import RecordOrder
from ledger.returns.commands import RecordReturn
from ledger.stock.slips import RecordSlip

PACKAGED = Path(__file__).parent / "profiles"
SAMPLES = Path(__file__).parents[2] / "samples" / "profiles"
LARGEST = 1 << 20


class ProfileUnknown(NotFound):
    """There is no profile {name!r}. The known ones are {known}; name a YAML file by its path."""

    code = "profile_unknown"
    rule = "R-IMP-16"


class InvalidProfile(Invalid):
    """{name} is not a valid profile: {summary}"""

    code = "invalid_profile"
    rule = "R-IMP-01"

    def __init__(self, name: str, faults: list[Fault]) -> None:
        self.faults = faults
        summary = "; ".join(f"{fault.where or '/'} {fault.message}" for fault in faults)
        super().__init__(name=name, summary=summary)


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field that a column fills.

    Shapes: kind is text, id, money, integer, time or choice; `values` maps the texts of a choice to
    what they mean, `otherwise` is the meaning of all others (None: they are an error); `blank`
    lists texts that count as an empty cell. `decimals` are those of an amount that is finer than
    the currency; a `volatile` cell may change while the row stays the same one.
    """

    field: str
    kind: str
    required: bool = False
    personal: bool = False
    optional: bool = False
    blank: tuple[str, ...] = ()
    values: Mapping[str, str] | None = None
    otherwise: str | None = None
    first_word: bool = False
    float_id: bool = False
    negative: bool = False
    volatile: bool = False
    decimals: int | None = None
    pad: int = 0


@dataclass(frozen=True, kw_only=True)
class File:
    """One kind of file: its columns, and how its rows belong to those of the main kind.

    Shapes: `join` is (own field, field of the main kind); `key` is the field that distinguishes
    the rows of one order. Without one, equal rows of a file are several, and those of different
    files the same one.
    """

    kind: str
    columns: Mapping[str, tuple[Field, ...]]
    ignored: frozenset[str] = frozenset()
    join: tuple[str, str] | None = None
    key: str | None = None
    required: bool = False

    def fields(self) -> dict[str, Field]:
        """The fields by name, in the order of their columns."""
        return {field.field: field for fields in self.columns.values() for field in fields}

    def column_of(self, field: str) -> str:
        """The column that fills a field."""
        return next(column for column, fields in self.columns.items()
                    if any(known.field == field for known in fields))


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A whole profile.

    Shapes: `recipe`, its `order` or `count`, says what fields make (see `assembly`, `counting`);
    `warehouse` is empty if the files move no stock; who imports says whether to `trust_numbers`;
    `stated` is how a file's name says when it was made: a pattern, and the format of its group.
    """

    name: str
    version: int
    channel: str
    shop: str
    currency: str
    exponent: int
    signs: tuple[str, ...]
    encodings: tuple[str, ...]
    zone: str
    formats: tuple[str, ...]
    reuse_gap_days: int
    files: tuple[File, ...]
    counts: bool
    recipe: Mapping[str, Any]
    warehouse: str
    sha256: str
    trust_numbers: bool = False
    stated: tuple[str, str] | None = None

    @property
    def main(self) -> File:
        """The kind of file whose rows make the statements, alone or together."""
        return next(file for file in self.files if file.kind == self.recipe["file"])

    @property
    def grouped(self) -> bool:
        """Whether rows of the main kind make statements together."""
        lines = self.recipe.get("lines")
        return self.counts or (lines is not None and lines["of"] == self.recipe["file"])

    def ids(self, file: File) -> frozenset[str]:
        """The fields of a file whose values are ids: parts of subjects, and what joins rows."""
        named = {name for where, name, _ in references(self) if where in ID_REFERENCES}
        joins = {f"{part.kind}.{part.join[0]}" for part in self.parts() if part.join} | {
            part.join[1] for part in self.parts() if part.join}
        joins |= {f"{part.kind}.{part.key}" for part in self.parts() if part.key}
        kinds = {name if "." in name else f"{self.main.kind}.{name}" for name in named | joins}
        return frozenset(
            field.field for field in file.fields().values() if field.kind in ("text", "id") and (
                field.kind == "id" or f"{file.kind}.{field.field}" in kinds))

    def parts(self) -> list[File]:
        """The other kinds, whose rows are joined to those of the main one."""
        return [file for file in self.files if file.kind != self.recipe["file"]]


def available() -> dict[str, Path]:
    """The profiles that are found by name."""
    found = [path for folder in (SAMPLES, PACKAGED) for path in sorted(folder.glob("*.yaml"))]
    return {path.stem: path for path in found}


def find(name: str) -> Profile:
    """The profile of a name, or in the YAML file of a path.

    Errors: ProfileUnknown (R-IMP-16), InvalidProfile (R-IMP-01).
    """
    path = available().get(name)
    if path is None:
        path = Path(name)
        if path.suffix not in (".yaml", ".yml") or not path.is_file():
            raise ProfileUnknown(name=name, known=", ".join(available()))
    if path.stat().st_size > LARGEST:
        raise InvalidProfile(name, [Fault("", "too_long", f"is larger than {LARGEST} bytes")])
    return parse(path.read_bytes(), name)


def parse(text: bytes | str, name: str) -> Profile:
    """A profile from YAML; all that is wrong with it is reported at once.

    Errors: InvalidProfile (R-IMP-01).
    """
    raw = _read(text, name)
    if "extends" in raw:
        base = available().get(str(raw.pop("extends")))
        if base is None:
            raise InvalidProfile(name, [Fault(
                "/extends", "unknown", f"is not one of {', '.join(available())}")])
        raw = _merged(_read(base.read_bytes(), base.stem), raw)
    try:
        loaded = ProfileSchema().load(raw)
    except ValidationError as error:
        raise InvalidProfile(name, list(_faults("", error.messages))) from None
    profile = _build(loaded)
    if faults := check(profile):
        raise InvalidProfile(name, faults)
    return profile


def _read(text: bytes | str, name: str) -> dict[str, Any]:
    """The mapping that a YAML text is. Errors: InvalidProfile (R-IMP-01)."""
    try:
        raw = yaml.load(text, OnceLoader)
    except (yaml.YAMLError, RecursionError, UnicodeDecodeError) as error:
        words = " ".join(str(error).split())
        raise InvalidProfile(name, [Fault("", "not_yaml", f"is not YAML: {words}")]) from None
    if not isinstance(raw, dict):
        raise InvalidProfile(name, [Fault("", "not_mapping", "is not a mapping")])
    return raw


def _merged(base: Any, more: Any) -> Any:
    """A mapping with what another one replaces in it or adds to it."""
    if not (isinstance(base, dict) and isinstance(more, dict)):
        return more
    return {**base, **{key: _merged(base.get(key), value) for key, value in more.items()}}


def _faults(where: str, messages: Any) -> Iterator[Fault]:
    """The messages of marshmallow as a flat list, each with the JSON pointer of its place."""
    if isinstance(messages, dict):
        for key, inner in messages.items():
            in_map = where.startswith("/files/") and where.count("/") == 2
            wrapped = key == "_schema" or (in_map and key == "value")
            yield from _faults(where if wrapped else f"{where}/{key}", inner)
    else:
        for message in messages if isinstance(messages, list) else [messages]:
            yield Fault(where, "invalid", str(message))


def _build(loaded: dict[str, Any]) -> Profile:
    money, times = loaded["money"], loaded["times"]
    canonical = json.dumps(loaded, sort_keys=True, ensure_ascii=True, default=sorted)
    return Profile(
        name=loaded["name"], version=loaded["version"], channel=loaded["channel"],
        shop=loaded["shop"], currency=money["currency"], exponent=money["exponent"],
        signs=tuple(money["signs"]), encodings=tuple(loaded["encodings"]), zone=times["zone"],
        formats=tuple(times["formats"]), reuse_gap_days=loaded["reuse_gap_days"],
        files=tuple(_file(kind, file) for kind, file in loaded["files"].items()),
        counts="count" in loaded, recipe=loaded.get("order") or loaded["count"],
        warehouse=loaded.get("stock", {}).get("warehouse", ""),
        stated=loaded.get("stated"),
        sha256=hashlib.sha256(canonical.encode()).hexdigest(),
    )


def _file(kind: str, loaded: dict[str, Any]) -> File:
    join = loaded.get("join")
    return File(
        kind=kind,
        columns={column: tuple(Field(**field) for field in fields)
                 for column, fields in loaded["columns"].items()},
        ignored=frozenset(loaded["ignored"]),
        join=None if join is None else (join["own"], join["main"]),
        key=loaded.get("key"), required=loaded["required"],
    )


ID_REFERENCES = ("/order/number", "/order/waybill", "/order/paid_reference",
                 "/order/refund_reference", "/order/lines/line", "/order/lines/sku",
                 "/count/sku", "/count/warehouse")
"""Where a profile names what becomes an id of the ledger."""

TEXTS = ("text", "id", "choice", "integer")
AMOUNTS = ("money", "integer")
COUNTED = {"quantity": ("integer",), "at": ("time",)}
TESTED = {"negative": AMOUNTS, "zero": AMOUNTS, "blank": (*TEXTS, *AMOUNTS, "time"),
          "begins": ("text", "id")}
"""Which kinds of fields each test of a row can look at."""


def check(profile: Profile) -> list[Fault]:
    """What the schema cannot see: names that no column fills, and fields of the wrong kind."""
    kinds = {file.kind: file for file in profile.files}
    part = "/count" if profile.counts else "/order"
    if profile.recipe["file"] not in kinds:
        return [Fault(f"{part}/file", "unknown", f"names no file: {profile.recipe['file']!r}")]
    faults: list[Fault] = []
    for file in profile.files:
        faults.extend(_check_file(file, profile))
    if profile.counts and "warehouse" not in profile.recipe and not profile.warehouse:
        faults.append(Fault("/count/warehouse", "missing",
                            "is needed where the profile has no stock: {warehouse: NAME}"))
    for where, name, allowed in references(profile):
        kind, _, field = name.rpartition(".")
        owner = kinds.get(kind) if kind else profile.main
        known = None if owner is None else owner.fields().get(field)
        if known is None:
            faults.append(Fault(where, "unknown", f"names no field: {name!r}"))
        elif known.kind not in allowed:
            faults.append(Fault(where, "wrong_kind", f"{name} is {known.kind}, "
                                f"but must be {' or '.join(allowed)}"))
    return faults


def _check_file(file: File, profile: Profile) -> Iterator[Fault]:
    where = f"/files/{file.kind}"
    names = [field.field for fields in file.columns.values() for field in fields]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield Fault(where, "twice", f"two columns fill {name!r}")
    for column in sorted(file.ignored & file.columns.keys()):
        yield Fault(where, "twice", f"{column!r} is both used and ignored")
    if file is profile.main:
        return
    if file.join is None:
        yield Fault(where, "join", "needs join: its rows belong to those of the main file")
        return
    (own, main), key = file.join, [] if file.key is None else [(file.key, file)]
    joined = [(own, file), (main, profile.main)]
    if unknown := [name for name, owner in (*joined, *key) if name not in owner.fields()]:
        yield Fault(where, "unknown", f"join or key names no field: {unknown[0]!r}")
    elif len({owner.fields()[name].personal for name, owner in joined}) > 1:
        yield Fault(where, "personal", f"{own!r} or {main!r} is personal, and has to be in both")


MOMENTS = ("placed", "declared", "stated", "paid", "refunded", "dispatched", "delivered")
UNSAID = ("rows", "ended", *MOMENTS)
"""Parts of a recipe that may look at a field without showing its value."""

MADE: dict[str, type[Command]] = {"sale": RecordOrder, "cancellation": RecordReturn}
"""What rows make, by what they are; others a slip."""

Reference = tuple[str, str, tuple[str, ...]]


def references(profile: Profile) -> Iterator[Reference]:
    """Each field that the profile uses: where, its name, and the kinds that fit."""
    if profile.counts:
        for key, name in profile.recipe.items():
            if key != "file":
                yield f"/count/{key}", name, COUNTED.get(key, TEXTS)
        return
    for key, value in profile.recipe.items():
        where = f"/order/{key}"
        if key in ("lines", "payments"):
            yield from _of_rows(where, value)
        elif key == "rows":
            yield from ((f"{where}/{at}", name, TESTED[test.split()[0]])
                        for at, row in enumerate(value) for name, test in row["when"].items())
        elif key == "ended":
            yield f"{where}/by", value["by"], ("choice",)
            for state in [state for state in value if state != "by"]:
                yield from _moment(f"{where}/{state}", value[state])
        elif isinstance(value, dict) and "inferred_from" in value:
            yield from _moment(where, value)
        elif isinstance(value, dict) and "less" in value:
            yield from ((where, name, AMOUNTS) for name in (*value["sum"], *value["less"]))
        elif isinstance(value, dict) and "names" in value:
            yield from ((where, name, TEXTS) for name in value["names"])


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
    made = {MADE.get(row["are"], RecordSlip) for row in profile.recipe.get("rows", ())}
    return frozenset(RecordOrder.PERSONAL).difference(
        name for command in made for name in command.__struct_fields__
        if name not in command.PERSONAL)


def _of_rows(where: str, value: Mapping[str, Any]) -> Iterator[Reference]:
    """The fields that lines or payments take from rows."""
    for key, name in value.items():
        if key not in ("of", "fees") and not (key == "quantity" and name.isdigit()):
            kinds = AMOUNTS if key in ("quantity", "unit_price", "amount_minor") else TEXTS
            yield f"{where}/{key}", f"{value['of']}.{name}", kinds


def _moment(where: str, value: Mapping[str, Any]) -> Iterator[Reference]:
    for name in (value["at"], *value["inferred_from"]):
        if name is not None:
            yield where, name, ("time",)
    if value["when"] is not None:
        yield where, value["when"], (*TEXTS, "money", "time")
