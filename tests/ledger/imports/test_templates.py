"""Empty files with the header of a profile."""

from pathlib import Path

import pytest

from ledger.imports import profiles
from ledger.imports.guessing import guessed
from ledger.imports.templates import NoTemplate, write_templates
from tests.support.shops import Shop


@pytest.mark.parametrize("ending", [".csv", ".xlsx"])
@pytest.mark.parametrize("name", sorted(profiles.available()))
def test_template__of_every_profile_is_read_by_it(shop: Shop, name: str, ending: str) -> None:
    profile = profiles.find(name)
    paths = write_templates(profile, shop.folder / f"t{ending}")
    assert len(paths) == len(profile.files)
    summary = shop.bring(*paths, profile=profile, dry_run=True)
    assert (summary.ok, summary.rows) == (True, 0), list(summary.faults)
    assert guessed(paths, [profile]).name == name


def test_template__rejected_where_a_file_is_there_or_ends_otherwise(tmp_path: Path) -> None:
    """R-IMP-36: and nothing is written, of the other kinds neither."""
    profile = profiles.find("taobao-items")
    (tmp_path / "t-items.csv").write_text("mine")
    for name in ("t.csv", "t.ods", "t"):
        with pytest.raises(NoTemplate):
            write_templates(profile, tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["t-items.csv"]
    assert (tmp_path / "t-items.csv").read_text() == "mine"
