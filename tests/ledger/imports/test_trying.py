"""What a sample becomes with a profile."""

from pathlib import Path

import pytest

from ledger.imports import profiles
from ledger.imports.faults import HIDDEN
from ledger.imports.trying import tried
from tests.support.days import IN_SHANGHAI
from tests.support.shops import SAMPLES, Shop, order


def test_sample__says_what_each_row_becomes(shop: Shop) -> None:
    path = shop.file([order(1), order(2, total="x"), order(3, paid=False, net="0")])
    found = tried(profiles.find("tmall-report"), [path], IN_SHANGHAI)
    assert [(one.rows, one.becomes, one.about) for one in found.made] == [
        ([2], "order.record", "order:tmall:tmall-report:1"),
        ([4], "order.record", "order:tmall:tmall-report:3")]
    assert [(fault.row, fault.code) for fault in found.faults] == [(3, "not_money")]
    first, last = found.made
    assert first.says["paid"]["printed"] == "2020-02-01 10:05:00"
    assert "paid" not in last.says


PLATFORMS = sorted((SAMPLES / "platforms").glob("*.csv"))


@pytest.mark.parametrize("path", PLATFORMS, ids=lambda path: path.stem)
def test_sample__of_every_platform_is_tried_with_nothing_personal(path: Path) -> None:
    profile = profiles.find(path.stem.replace("generic-orders", "generic"))
    found = tried(profile, [path], IN_SHANGHAI)
    assert found.made
    assert not found.faults
    for one in found.made:
        assert {one.says[name] for name in ("recipient", "phone", "address", "account")
                if name in one.says} <= {HIDDEN}


def test_sample__that_cannot_be_used_becomes_nothing(tmp_path: Path) -> None:
    found = tried(profiles.find("generic"), [tmp_path / "none.csv"], IN_SHANGHAI)
    assert (found.made, [fault.code for fault in found.faults]) == ([], ["not_a_file"])
