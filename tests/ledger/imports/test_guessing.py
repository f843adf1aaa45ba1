"""The profile that is guessed from headers."""

from pathlib import Path

import pytest

from ledger.imports import profiles
from ledger.imports.guessing import NoProfileFits, ProfilesFit, beside, guessed, shipped
from tests.support.shops import HEADER, SAMPLES, Shop, order
from tests.support.source import ROOT

TAOBAO = SAMPLES / "taobao"
PLATFORMS = sorted((SAMPLES / "platforms").glob("*.csv"))


@pytest.mark.parametrize(("files", "name"), [
    ([TAOBAO / "ExportOrderList202608312359.csv"], "taobao-orders"),
    ([TAOBAO / "ExportOrderList202608312359.csv", TAOBAO / "ExportOrderDetailList202608312359.csv"],
     "taobao-items"),
    *(([path], path.stem.replace("generic-orders", "generic")) for path in PLATFORMS),
], ids=lambda value: value if isinstance(value, str) else "")
def test_sample__is_read_by_its_own_profile(files: list[Path], name: str) -> None:
    assert guessed(files, shipped()).name == name


def test_file__rejected_when_no_profile_has_its_columns(shop: Shop, tmp_path: Path) -> None:
    """R-IMP-35: whatever is wrong with it."""
    (tmp_path / "empty.csv").touch()
    for path in (tmp_path / "empty.csv", tmp_path / "none.csv", tmp_path,
                 shop.file([], "other.csv", "谁,什么"),
                 TAOBAO / "ExportOrderDetailList202608312359.csv"):
        with pytest.raises(NoProfileFits, match="ledger profiles new"):
            guessed([path], shipped())


def test_error__names_all_profiles_the_nearest_first(tmp_path: Path) -> None:
    """R-IMP-35"""
    for path in PLATFORMS:
        header, *_ = path.read_text("utf-8-sig").splitlines()
        other = tmp_path / path.name
        other.write_text(f"{header},谁\n", "utf-8")
        with pytest.raises(NoProfileFits) as found:
            guessed([other], shipped())
        first, *others = found.value.details["candidates"].split(", ")
        assert first == path.stem.replace("generic-orders", "generic")
        assert len({first, *others}) == len(shipped())


def test_file__rejected_when_several_profiles_have_its_columns(shop: Shop) -> None:
    """R-IMP-38: with the names of all."""
    own = profiles.parse((ROOT / "ledger/imports/profiles/generic.yaml").read_text("utf-8")
                         .replace("name: generic", "name: mine"), "mine")
    with pytest.raises(ProfilesFit, match="generic, mine"):
        guessed([SAMPLES / "platforms" / "generic-orders.csv"], [*shipped(), own])


def test_profile__beside_a_file_is_known(shop: Shop, tmp_path: Path) -> None:
    path = shop.file([order(1)], header="NR" + HEADER[4:])
    text = (ROOT / "ledger/imports/profiles/tmall-report.yaml").read_text("utf-8")
    (tmp_path / "own.yaml").write_text(
        text.replace("订单编号:", "NR:").replace("name: tmall-report", "name: own"), "utf-8")
    (tmp_path / "other.yml").write_text("services: {}", "utf-8")
    assert guessed([path], [*shipped(), *beside([path])]).name == "own"
