"""A profile as it is used: its files with their columns, and the recipe for what they make."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, NamedTuple
from unicodedata import normalize

from ledger.common.days import zone_of
from ledger.imports.amounts import POINT
from ledger.imports.conditions import Test
from ledger.imports.products import BETWEEN

COMMA = "comma"
SECTIONS = ORDER, RETURN, COUNT, MOVEMENT = ("order", "return", "count", "movement")
"""What the rows of files can make, by the part of a profile that says how."""

ANY_ZONE = "UTC"
"""That of a profile of which no time is kept."""

DELIMITERS: Mapping[str, str] = {COMMA: ",", "tab": "\t", "semicolon": ";", "pipe": "|"}
"""What may separate the cells of a row, by its name in a profile."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One field that a column fills.

    Shapes: kind is text, id, money, integer, time, choice or currency; `values` maps the texts of a
    choice to what they mean, `otherwise` is the meaning of all others (None: they are an error);
    `blank` lists texts that count as an empty cell, `default` is the text that one stands for.
    `decimals` are those of an amount that is finer than the currency; `formats` of a time replace
    those of the profile; a `volatile` cell may change while the row stays the same one.
    `across_rows` is what counts where the rows of one order say different things: one of
    `recipes.ACROSS`. Products in a cell stand `between` each other and match a `pattern`. `value`
    is what a constant has in every row.
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
    default: str | None = None
    formats: tuple[str, ...] = ()
    across_rows: str = "same"
    pattern: str = ""
    between: str = BETWEEN
    value: str = ""


class Layout(NamedTuple):
    """Where the table stands in a file: what separates the cells of CSV, the row of its header, and
    the sheet of a workbook, the first one if it has no name."""

    delimiter: str = COMMA
    header_row: int = 1
    sheet: str = ""


PLAIN = Layout()


@dataclass(frozen=True, kw_only=True)
class File:
    """One kind of file: its columns, and how its rows belong to those of the main kind.

    Shapes: `join` is (own field, field of the main kind); `key` is the field that distinguishes
    the rows of one order. Without one, equal rows of a file are several, and those of different
    files the same one. `tolerant` headers may differ in case, width and blanks; a row is ignored if
    it passes all tests of one of `ignored_rows`, by field or column. `constants` are in no column.
    """

    kind: str
    columns: Mapping[str, tuple[Field, ...]]
    ignored: frozenset[str] = frozenset()
    join: tuple[str, str] | None = None
    key: str | None = None
    required: bool = False
    layout: Layout = PLAIN
    tolerant: bool = False
    ignored_rows: tuple[Mapping[str, Test], ...] = ()
    constants: tuple[Field, ...] = ()

    def fields(self) -> dict[str, Field]:
        """The fields by name, in the order of their columns, then the constants."""
        found = {field.field: field for fields in self.columns.values() for field in fields}
        return {**found, **{field.field: field for field in self.constants}}

    def column_named(self, name: str) -> str:
        """The column that fills a field of that name, else the one of the name itself."""
        return self.column_of(name) if name in self.fields() else name

    def column_of(self, field: str) -> str:
        """The column that fills a field; none of a constant."""
        return next((column for column, fields in self.columns.items()
                     if any(known.field == field for known in fields)), "")


@dataclass(frozen=True, kw_only=True)
class Profile:
    """A whole profile.

    Shapes: `makes` is one of `SECTIONS`, and `recipe` says what fields make of it; `returns` says
    it of the rows of a list of orders that are about what comes back (None: there are none);
    `warehouse` is empty if the files move no stock; who imports says whether to `trust_numbers`;
    `stated` is how a file's name says when it was made: a pattern, and the format of its group;
    `decimal` is what stands before decimals: point or comma; `zone` is that of its times, None for
    that of the shop whose ledger it is read into.
    """

    name: str
    version: int
    channel: str
    shop: str
    currency: str
    exponent: int
    signs: tuple[str, ...]
    encodings: tuple[str, ...]
    zone: str | None
    formats: tuple[str, ...]
    reuse_gap_days: int
    files: tuple[File, ...]
    makes: str
    recipe: Mapping[str, Any]
    warehouse: str
    sha256: str
    trust_numbers: bool = False
    stated: tuple[str, str] | None = None
    decimal: str = POINT
    returns: Mapping[str, Any] | None = None

    def read_in(self, zone: str) -> "Profile":
        """The same, with times of a zone where it names none itself."""
        return self if self.zone is not None else replace(self, zone=zone)

    @property
    def clock(self) -> tzinfo:
        """What times without an offset are of, once it is read for a shop."""
        assert self.zone is not None, f"{self.name}: whose times are these?"
        return zone_of(self.zone)

    @property
    def counts(self) -> bool:
        """Whether its rows are about stock alone, so that they make nothing without it."""
        return self.makes in (COUNT, MOVEMENT)

    def sections(self) -> list[tuple[str, Mapping[str, Any]]]:
        """What it says that its rows make, by the names of these parts of it."""
        more = [] if self.returns is None else [(RETURN, self.returns)]
        return [(self.makes, self.recipe), *more]

    @property
    def main(self) -> File:
        """The kind of file whose rows make the statements, alone or together."""
        return next(file for file in self.files if file.kind == self.recipe["file"])

    @property
    def grouped(self) -> bool:
        """Whether rows of the main kind make statements together."""
        return self.counts or lines_stand_in(self.recipe)

    @property
    def continues(self) -> bool:
        """Whether a row without a number goes on what stands above it."""
        return bool(self.recipe.get("continues"))

    def ends_by(self, field: Field) -> bool:
        """Whether a field says how an order ended."""
        ended = self.recipe.get("ended")
        return ended is not None and ended["by"].rpartition(".")[2] == field.field

    def parts(self) -> list[File]:
        """The other kinds, whose rows are joined to those of the main one."""
        return [file for file in self.files if file.kind != self.recipe["file"]]


def lines_stand_in(recipe: Mapping[str, Any]) -> bool:
    """Whether the lines of what a recipe makes are the rows of its own file."""
    lines = recipe.get("lines")
    return lines is not None and bool(lines["of"] == recipe["file"])


def tolerant(name: str) -> str:
    """A name of a column without case, width and blanks."""
    return "".join(normalize("NFKC", name).casefold().split())
