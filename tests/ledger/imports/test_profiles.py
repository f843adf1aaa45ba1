"""Profiles are data: found by name or path, and refused with everything that is wrong in them."""

from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
import yaml

from ledger.imports import profiles
from ledger.imports.profiles import InvalidProfile, ProfileUnknown


def small() -> dict[str, Any]:
    """A profile that is as short as one can be."""
    return {
        "name": "kiosk", "version": 1, "channel": "kiosk", "shop": "corner",
        "money": {"currency": "EUR", "exponent": 2},
        "times": {"zone": "Europe/Berlin", "formats": ["%d.%m.%Y %H:%M"]},
        "files": {"sales": {"columns": {
            "Nr": {"field": "number", "kind": "id", "required": True},
            "Zeit": {"field": "at", "kind": "time", "required": True},
            "Summe": {"field": "sum", "kind": "money"},
        }}},
        "order": {"file": "sales", "number": "number", "placed": {"at": "at"},
                  "total_minor": "sum"},
    }


def rejected(raw: Any) -> dict[str, str]:
    """The faults of a profile: where -> what."""
    text = raw if isinstance(raw, str) else yaml.safe_dump(raw, allow_unicode=True)
    with pytest.raises(InvalidProfile) as caught:
        profiles.parse(text, "kiosk")
    return {fault.where: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize("name", ["tmall-report", "taobao-orders", "olist"])
def test_find__accepted_by_name(name: str) -> None:
    found = profiles.find(name)
    assert found.name == name
    assert found.version >= 1


def test_find__accepted_by_path(tmp_path: Path) -> None:
    path = tmp_path / "kiosk.yaml"
    path.write_text(yaml.safe_dump(small()), "utf-8")
    found = profiles.find(str(path))
    assert (found.name, found.currency, found.main.kind) == ("kiosk", "EUR", "sales")


def test_find__rejected_when_unknown(tmp_path: Path) -> None:
    with pytest.raises(ProfileUnknown, match="tmall-report"):
        profiles.find("tmall")
    with pytest.raises(ProfileUnknown):
        profiles.find(str(tmp_path / "none.yaml"))


def test_parse__rejected_with_its_rule_and_its_name() -> None:
    with pytest.raises(InvalidProfile, match="kiosk is not a valid profile") as caught:
        profiles.parse("[]", "kiosk")
    assert (caught.value.code, caught.value.rule) == ("invalid_profile", "R-IMP-01")


def test_parse__rejected_with_all_faults_at_once() -> None:
    raw = small()
    raw["colour"] = "red"
    raw["money"]["exponent"] = "2"
    raw["times"] = {"zone": "Mars/Olympus", "formats": ["%d %q %Y"]}
    raw["files"]["sales"]["columns"]["Nr"] = {"field": "number", "kind": "digits"}
    raw["order"]["total_minor"] = {"plus": ["sum"]}
    found = rejected(raw)
    assert set(found) == {"/colour", "/money/exponent", "/times/zone", "/times/formats/0",
                          "/files/sales/columns/Nr/0/kind", "/order/total_minor"}


@pytest.mark.parametrize(("where", "given", "path"), [
    (("money", "decimal"), "dot", "/money/decimal"),
    (("times", "formats"), ["%Y-%m-%dT%H:%M:%SZ"], "/times/formats/0"),
    (("files", "sales", "columns", "Nr"), {"field": "number", "kind": "id", "formats": ["iso"]},
     "/files/sales/columns/Nr"),
    (("files", "sales", "columns", "Nr"), {"field": "number", "kind": "money", "default": "x"},
     "/files/sales/columns/Nr"),
    (("files", "sales", "columns", "Nr"), {"field": "number", "kind": "id", "default": "1",
                                           "required": True}, "/files/sales/columns/Nr"),
])
def test_parse__rejected_when_a_cell_could_not_be_read(
    where: tuple[str, ...], given: object, path: str
) -> None:
    raw = small()
    inner = raw
    for key in where[:-1]:
        inner = inner[key]
    inner[where[-1]] = given
    assert path in rejected(raw)


def test_parse__knows_how_cells_are_written() -> None:
    raw = small()
    raw["money"]["decimal"] = "comma"
    raw["files"]["sales"]["columns"]["Summe"] |= {"default": 7}
    found = profiles.parse(yaml.safe_dump(raw), "kiosk")
    assert (found.decimal, found.main.fields()["sum"].default) == ("comma", "7")


def test_parse__rejected_when_names_point_nowhere() -> None:
    raw = small()
    raw["order"] |= {"total_minor": "net", "paid": {"at": "sum"}, "paid_minor": "bills.amount"}
    assert rejected(raw) == {
        "/order/total_minor": "names no field: 'net'",
        "/order/paid": "sum is money, but must be time",
        "/order/paid_minor": "names no field: 'bills.amount'",
    }


def test_parse__rejected_when_the_main_file_is_not_described() -> None:
    raw = small()
    raw["order"]["file"] = "orders"
    assert set(rejected(raw)) == {"/order/file"}


def test_parse__rejected_when_a_joined_file_says_not_how() -> None:
    raw = small()
    raw["files"]["items"] = {"columns": {"Nr": {"field": "order", "kind": "id"}}}
    assert "needs join" in rejected(raw)["/files/items"]
    raw["files"]["items"] |= {"join": {"own": "order", "main": "no"}, "key": "line"}
    assert "names no field" in rejected(raw)["/files/items"]


@pytest.mark.parametrize(("own", "main"), [(True, False), (False, True), (True, True)])
def test_parse__rejected_when_only_one_side_of_a_join_is_personal(*, own: bool, main: bool) -> None:
    """What joins them goes into the id of a statement where it is not personal: a customer's number
    could be found out by trying, long after they were erased."""
    raw = small()
    raw["files"]["sales"]["columns"]["Kunde"] = {
        "field": "customer", "kind": "id", "personal": main}
    raw["files"]["items"] = {"join": {"own": "customer", "main": "customer"}, "columns": {
        "Kunde": {"field": "customer", "kind": "id", "personal": own}}}
    if own and main:
        profiles.parse(yaml.safe_dump(raw, allow_unicode=True), "kiosk")
    else:
        assert "has to be in both" in rejected(raw)["/files/items"]


@pytest.mark.parametrize("field", [
    {"field": "number", "kind": "choice"},
    {"field": "number", "kind": "text", "values": ["a"]},
    {"field": "number", "kind": "id", "required": True, "optional": True},
])
def test_parse__rejected_when_a_field_contradicts_itself(field: dict[str, Any]) -> None:
    raw = small()
    raw["files"]["sales"]["columns"]["Nr"] = field
    assert "/files/sales/columns/Nr" in rejected(raw)


CHOICE = {"field": "state", "kind": "choice", "otherwise": ""}


@pytest.mark.parametrize("field", [
    {**CHOICE, "values": {"": "paid"}}, {**CHOICE, "values": {" 已付": "paid"}},
    {**CHOICE, "values": {"-": "paid"}, "blank": ["-"]},
    {**CHOICE, "values": {"in transit": "sent"}, "first_word": True},
    {"field": "state", "kind": "text", "blank": ["n/a "]},
])
def test_parse__rejected_when_a_text_is_named_that_no_cell_can_be(field: dict[str, Any]) -> None:
    """It would be passed over without a word."""
    raw = small()
    raw["files"]["sales"]["columns"]["Stand"] = field
    assert "state" in rejected(raw)["/files/sales"]


@pytest.mark.parametrize("test", ["equals  x", {"one_of": ["a", "b "]}, {"equals": "a "}])
def test_parse__rejected_when_a_test_compares_with_what_no_cell_can_be(test: Any) -> None:
    raw = small()
    raw["files"]["sales"]["ignored_rows"] = [{"Nr": test}]
    raw["order"]["rows"] = [{"are": "cancellation", "when": {"number": test}}]
    assert {"/files/sales/ignored_rows/0", "/order/rows/0"} <= rejected(raw).keys()


def test_parse__rejected_when_rows_count_across_that_make_nothing_together() -> None:
    raw = small()
    raw["files"]["sales"]["columns"]["Summe"]["across_rows"] = "sum"
    assert "across" in rejected(raw)["/files/sales"]


def test_parse__rejected_when_two_columns_fill_a_field() -> None:
    raw = small()
    raw["files"]["sales"]["columns"]["Nummer"] = {"field": "number", "kind": "id"}
    raw["files"]["sales"]["ignored"] = ["Summe"]
    assert "number" in rejected(raw)["/files/sales"]
    assert "Summe" in rejected(raw)["/files/sales/ignored"]


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [1", "a: 1\na: 2\n", "\x00", "&a [*a]"])
def test_parse__rejected_when_it_is_no_mapping(text: str) -> None:
    assert set(rejected(text)) == {""}


def test_parse__rejected_when_a_column_is_read_as_no_text() -> None:
    text = yaml.safe_dump(small()).replace("Nr:", "No:")
    assert "quotes" in rejected(text)["/files/sales/columns/False"]


def test_parse__accepted_with_the_same_hash_whatever_the_comments() -> None:
    plain = yaml.safe_dump(small())
    first = profiles.parse(plain, "kiosk")
    assert profiles.parse(f"# a till\n{plain}", "kiosk").sha256 == first.sha256
    changed = profiles.parse(plain.replace("corner", "market"), "kiosk")
    assert changed.sha256 != first.sha256


def test_values__accepted_as_a_list_of_texts_that_mean_themselves() -> None:
    text = dedent("""
        field: state
        kind: choice
        values: [open, shut]
    """)
    raw = small()
    raw["files"]["sales"]["columns"]["Stand"] = yaml.safe_load(text)
    field = profiles.parse(yaml.safe_dump(raw), "kiosk").main.fields()["state"]
    assert field.values == {"open": "open", "shut": "shut"}
