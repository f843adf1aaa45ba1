"""Imports as they are listed: all of it is in the events."""

from pathlib import Path
from typing import Any

from ledger.imports.choices import REJECT_FAILED_ROWS
from ledger.imports.record import Import
from projections import imports, names
from projections.asking.questions import PRESENT
from projections.catalogue import PROJECTIONS
from projections.store.models import ReadModels
from tests.support.shops import Shop, order


def listed(shop: Shop) -> list[dict[str, Any]]:
    """All imports by the read models, which are built from the log anew."""
    models = ReadModels(shop.opened.store, PROJECTIONS)
    models.rebuild("main", ["names"])
    wanted = names.Wanted(Import.KIND, imports.shown, by_age=True)
    found = names.things(models, "main", wanted, PRESENT).things
    models.close()
    return list(found.values())


def test_list__says_what_became_of_each(shop: Shop) -> None:
    good, bad = order(1), order(2, total="x")
    shop.bring(shop.file([good], "good.csv"))
    shop.bring(shop.file([bad, order(3)], "bad.csv"))
    shop.bring(shop.file([order(4), bad], "part.csv"), policy=REJECT_FAILED_ROWS)
    shop.bring(shop.file([], "other.csv", "谁"))
    found = listed(shop)
    assert [(one["files"][0]["name"], one["state"], len(one["faults"])) for one in found] == [
        ("good.csv", "done", 0), ("bad.csv", "rejected", 1), ("part.csv", "part", 1),
        ("other.csv", "rejected", 2)]
    assert found[1]["completed"] == {
        "rows": 2, "accepted": 0, "rejected": 2, "duplicates": 0, "erased": 0}
    assert found[2]["faults"] == [
        {"file": "part.csv", "code": "not_money", "count": 1, "rows": ["3"]}]
    for one in found:
        assert imports.read(shop.opened.store, "main", one["import"]) == one


def test_import__that_is_imported_in_part_after_it_was_refused_is_that(shop: Shop) -> None:
    path = shop.file([order(1), order(2, total="x")])
    shop.bring(path)
    (refused,) = listed(shop)
    shop.bring(path, policy=REJECT_FAILED_ROWS)
    shop.bring(path)
    (found,) = listed(shop)
    assert (refused["state"], found["state"], found["policy"]) == (
        "rejected", "part", "reject_failed_rows")


def test_import__that_broke_off_is_not_finished(shop: Shop, tmp_path: Path) -> None:
    shop.bring(shop.file([order(1)]))
    entries = [one for one in shop.log() if one.stream.startswith("import:")]
    assert [imports.shown(entries[:count])["state"] for count in (1, 2)] == ["unfinished", "done"]


def test_name__of_an_import_is_its_stream_or_its_id() -> None:
    own = "0123456789abcdef0123"
    assert imports.stream_of(own) == imports.stream_of(f"import:{own}") == f"import:{own}"
    for other in ("", "import:", own[1:], f"{own}0", f"order:{own}", f"{own}\n", own.upper()):
        assert imports.stream_of(other) is None
