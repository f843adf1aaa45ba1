"""What no list of faults shows: the cells of a file without a header, and what becomes personal."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ledger.imports import profiles
from ledger.imports.faults import HIDDEN
from ledger.imports.headers import match_header
from ledger.imports.origins import origin_of
from ledger.imports.profile import Profile
from ledger.imports.rows import RowKeys, RowReader
from ledger.imports.showing import hidden_fields
from ledger.imports.sources import Source, identify
from ledger.imports.staging import Staged
from ledger.orders.declared import RecordOrder

PROFILES = sorted(profiles.available())


def unmarked(profile: Profile) -> Profile:
    """A profile of which no column is marked as personal."""
    return replace(profile, files=tuple(
        replace(file, columns={
            column: tuple(replace(field, personal=False) for field in fields)
            for column, fields in file.columns.items()}) for file in profile.files))


@pytest.mark.parametrize("name", PROFILES)
def test_header__that_is_a_row_shows_none_of_its_cells(name: str) -> None:
    profile = profiles.find(name)
    cells = [f"zqx{place}" for place in range(len(profile.main.columns))]
    source = Source(Path("export.csv"), "export.csv", 0, "utf-8")
    faults = match_header(lambda _: [*cells, cells[0]], source, profile, latest_us=0).faults
    assert not any("zqx" in str(part) for fault in faults for part in fault)
    shown = [fault.reason for fault in faults if fault.code == "unknown_column"]
    assert [f"column {number} " in one for number, one in enumerate(shown, 1)] == [True] * len(
        cells)
    assert [fault.reason.partition(":")[0] for fault in faults
            if fault.code == "doubled_column"] == [
        f"column {len(cells) + 1} has the name of one before it"]


@pytest.mark.parametrize("name", PROFILES)
def test_value__that_becomes_personal_is_hidden_in_a_column_that_is_not_marked(name: str) -> None:
    profile = unmarked(profiles.find(name))
    if profile.counts:
        return
    rows = {file.kind: Staged(1, 0, 2, False, b"", ["zqx"] * len(file.fields()))
            for file in profile.files}
    made = {*RecordOrder.PERSONAL} & profile.recipe.keys()
    section, _ = next(iter(profile.sections()))
    for field in made:
        origin = origin_of(profile, (section, f"/{field}"), rows[profile.main.kind],
                           {kind: [row] for kind, row in rows.items()})
        assert origin.column
        assert origin.value == HIDDEN, field
    hidden = {name for file in profile.files for name in hidden_fields(profile, file)}
    assert bool(hidden) == bool(made)


def test_cell__that_becomes_personal_is_hidden_in_a_column_that_is_not_marked(
    tmp_path: Path
) -> None:
    raw: dict[str, Any] = {
        "name": "kiosk", "version": 1, "channel": "kiosk", "shop": "corner",
        "money": {"currency": "EUR", "exponent": 2},
        "times": {"zone": "Europe/Berlin", "formats": ["%d.%m.%Y %H:%M"]},
        "files": {"sales": {"columns": {
            "Nr": {"field": "number", "kind": "id", "required": True},
            "Konto": {"field": "account", "kind": "id"},
            "Zeit": {"field": "at", "kind": "time", "required": True}}}},
        "order": {"file": "sales", "number": "number", "placed": {"at": "at"},
                  "account": "account"}}
    path = tmp_path / "sales.csv"
    path.write_text("Nr,Konto,Zeit\n1.5E+10,1.3E+10,gestern\n", "utf-8")
    reader = RowReader(identify(path, ("utf-8",)), profiles.parse(yaml.safe_dump(raw), "kiosk"),
                       RowKeys(b"whole", b"open"), latest_us=0)
    (row,) = reader.rows()
    assert {(fault.column, fault.value) for fault in row.faults} == {
        ("Nr", "1.5E+10"), ("Konto", HIDDEN), ("Zeit", "gestern")}
