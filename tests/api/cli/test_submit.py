"""`ledger do`: every command of the ledger from the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.commands import do_command, report_command
from api.cli.program import program
from ledger.access.keys import ROLES
from ledger.fulfilment.commands import SellOrder
from ledger.handlers.table import SENT
from ledger.log.store import StorageFailed
from ledger.orders.declared import RecordOrder

RECEIPT = {"warehouse": "main", "moves": [{
    "sku": "A", "quantity": 5, "from": "supplier", "to": "available", "cause": "receipt"}]}
SPELLED_OTHERWISE = json.dumps(RECEIPT, sort_keys=True).replace(": 5", ": 5.0")


@pytest.fixture(autouse=True)
def _ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/shop.db")
    for name in ("LEDGER_KEYS_URL", "LEDGER_MASTER_KEY_FILE", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "en_GB.UTF-8")


def do(name: str, *told: Any) -> Result:
    """Send objects, one a line; text as it is."""
    lines = [one if isinstance(one, str) else json.dumps(one) for one in told]
    return CliRunner().invoke(do_command, [name, "--json"], input="\n".join(lines))


def available() -> int:
    result = CliRunner().invoke(report_command, ["inventory", "--json"])
    return int(json.loads(result.stdout)["items"][0]["available"])


def test_do__accepted_one_by_one_and_in_lines() -> None:
    opened = do("warehouse.open", json.dumps({"name": "main"}, indent=1))
    assert (opened.exit_code, json.loads(opened.stdout)["positions"]) == (0, [2])
    several = do("stock.move", RECEIPT, "", RECEIPT)
    assert [json.loads(line)["position"] for line in several.stdout.splitlines()] == [3, 4]
    assert available() == 10
    again = CliRunner().invoke(do_command, ["warehouse.open"], input='{"name": "main"}')
    assert again.stdout == "Nothing new: nothing was changed.\n"


def test_do__recorded_once_under_an_id_of_its_own() -> None:
    """Whoever lost the answer sends the same again; another spelling of it is the same, too."""
    do("warehouse.open", {"name": "main"})
    own = ["--command-id", "12345678-1234-1234-1234-123456789abc"]
    sent = "\n".join([json.dumps(RECEIPT)] * 2)
    first = CliRunner().invoke(do_command, ["stock.move", "--json", *own], input=sent)
    again = CliRunner().invoke(do_command, ["stock.move", "--json", *own],
                               input="\n".join([SPELLED_OTHERWISE] * 2))
    assert [json.loads(line)["positions"] for line in first.stdout.splitlines()] == [[3], [4]]
    assert [json.loads(line)["positions"] for line in again.stdout.splitlines()] == [[3], [4]]
    assert available() == 10
    other = CliRunner().invoke(do_command, ["stock.move", *own],
                               input=json.dumps({**RECEIPT, "reason": "another"}))
    assert (other.exit_code, "R-LOG-09" in other.stderr) == (1, True)
    assert CliRunner().invoke(do_command, ["stock.move", "--command-id", "x"]).exit_code == 2


def test_do__stops_at_the_first_refusal() -> None:
    do("warehouse.open", {"name": "main"})
    gift = {"warehouse": "main", "moves": [{
        "sku": "A", "quantity": 6, "from": "available", "to": "customer", "cause": "gift"}]}
    do("stock.move", RECEIPT)
    result = do("stock.move", gift, RECEIPT)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "R-STK-01" in result.stderr
    assert available() == 5


@pytest.mark.parametrize(("told", "message"), [
    ('{"warehouse"', "Line 1 is not a valid stock.move"),
    ("[]", "expected `object`, got `array`"),
    ({**RECEIPT, "mvoes": []}, "unknown field `mvoes`"),
    ({"warehouse": "main"}, "missing required field `moves`"),
    ({**RECEIPT, "occurred_at": "yesterday"}, "at `$.occurred_at`"),
    ({**RECEIPT, "moves": [{**RECEIPT["moves"][0], "quantity": 5.5}]},  # type: ignore[dict-item]
     "expected `int`, got `float`"),
    ({**RECEIPT, "moves": [{**RECEIPT["moves"][0], "quantity": "5"}]},  # type: ignore[dict-item]
     "expected `int`, got `str`"),
])
def test_do__rejected_when_it_is_no_such_command(told: Any, message: str) -> None:
    result = do("stock.move", told)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "[R-CMD-01, bad_command]" in result.stderr
    assert "line 2" in do("stock.move", RECEIPT, told).stderr.lower()


def test_do__rejected_before_the_first_of_several_is_recorded() -> None:
    do("warehouse.open", {"name": "main"})
    assert do("stock.move", RECEIPT, {**RECEIPT, "moves": []}).exit_code == 1
    result = CliRunner().invoke(report_command, ["inventory", "--json"])
    assert json.loads(result.stdout)["items"] == []


def test_do__rejected_with_every_fault_of_a_command() -> None:
    result = do("stock.move", {"warehouse": "", "moves": [], "occurred_at": "2026-10-01T12:00:00"})
    assert result.stderr.splitlines() == [
        "/warehouse: is empty [R-VAL-01, empty]",
        "/moves: are 0, 1 to 5000 can be [R-VAL-01, too_few]",
        "/occurred_at: has no time zone [R-VAL-01, naive_time]"]


def test_do__rejected_for_a_name_that_is_none() -> None:
    result = do("order.eat", {})
    assert result.exit_code == 2
    assert "There is no 'order.eat'" in result.stderr


def test_do__lists_all_commands_and_their_fields() -> None:
    result = CliRunner().invoke(do_command, ["--json"])
    listed = {one["name"]: one for one in json.loads(result.stdout)}
    assert listed["order.end"]["fields"] == (
        "order, ended_as: completed|closed|cancelled, [occurred_at], [expected_version], [reason]")
    assert listed["order.pick"]["fields"] == (
        "order, lines: list of {line, quantity, [bin], [parts: list of {sku, quantity, [bin]}]}, "
        "[occurred_at], [expected_version]")
    assert SellOrder.NAME in listed
    assert RecordOrder.NAME not in listed
    assert listed.keys() == SENT.keys()


def test_do__explains_one_command_and_sends_nothing() -> None:
    result = CliRunner().invoke(do_command, ["stock.move", "--fields"], input=json.dumps(RECEIPT))
    name, what, fields = result.stdout.splitlines()
    assert (result.exit_code, name, what.split(".")[0]) == (
        0, "stock.move", "  Move stock of a warehouse: all of it or nothing")
    assert fields.startswith("  warehouse, moves: list of {sku, quantity, from: ")
    assert CliRunner().invoke(report_command, ["inventory"]).exit_code == 1


def test_do__under_an_id_of_its_own_is_not_said_to_be_unrecorded_before_it_is_looked_up(
    monkeypatch: pytest.MonkeyPatch
) -> None:
    """R-LOG-13: it may have been recorded when it was sent before."""
    def fail(*_: Any, **__: Any) -> Any:
        raise StorageFailed(why="the server is down")

    sent = ["warehouse.open", "--command-id", "12345678-1234-1234-1234-123456789abc"]
    assert CliRunner().invoke(do_command, sent, input='{"name": "main"}').exit_code == 0
    for name in ("ledger.settings.begun", "ledger.log.sqlite.SqliteStore.writing"):
        with monkeypatch.context() as patch:
            patch.setattr(name, fail)
            told = CliRunner().invoke(do_command, sent, input='{"name": "main"}').stderr
            assert "not known whether this was recorded" in told
            told = CliRunner().invoke(do_command, sent[:1], input='{"name": "main"}').stderr
            assert "nothing was recorded" in told


def test_role__is_one_of_those_of_keys() -> None:
    """What is recorded as the role is for ever: it is not any word."""
    told = '{"name": "main"}'
    refused = CliRunner().invoke(do_command, ["warehouse.open", "--role", "king"], input=told)
    assert (refused.exit_code, "'king' is not one of" in refused.stderr) == (2, True)
    assert {option.default for option in do_command.params if "--role" in option.opts} <= set(ROLES)
    assert CliRunner().invoke(do_command, ["warehouse.open"], input=told).exit_code == 0


def test_do__rejected_where_a_name_stands_twice() -> None:
    """Readers differ in which one counts."""
    for told in ('{"name": "a", "name": "b"}', '{"name": "a"}\n{"name": "b", "n\\u0061me": "c"}'):
        result = CliRunner().invoke(do_command, ["warehouse.open"], input=told)
        assert (result.exit_code, "'name' stands twice" in result.stderr) == (1, True)


@pytest.mark.parametrize("told", ["", " \n\n"])
def test_do__rejected_where_nothing_was_given(told: str) -> None:
    result = CliRunner().invoke(do_command, ["warehouse.open"], input=told)
    assert (result.exit_code, "No command was given" in result.stderr) == (2, True)


@pytest.mark.parametrize(("typed", "meant"), [
    (["reprot"], "report"), (["report", "scors"], "scores"), (["do", "warehose.open"],
                                                              "warehouse.open"),
    (["do", "order.lose"], "order.lose_parcel"), (["keys", "isue"], "issue")])
def test_name__that_is_mistyped_is_refused_with_the_nearest(typed: list[str], meant: str) -> None:
    result = CliRunner().invoke(program, typed)
    assert (result.exit_code, f"Did you mean {meant}?" in result.stderr) == (2, True)


@pytest.mark.parametrize("text", ["[" * 50_000, '{"channel":' * 3_000, "[" * 960 + "]" * 960])
def test_do__rejected_with_a_sentence_however_deep_it_nests(text: str) -> None:
    """R-CMD-01"""
    refused = do("order.place", text)
    assert (refused.exit_code, "R-CMD-01" in refused.stderr) == (1, True), refused.exception


@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_do__accepted_with_a_mark_of_the_byte_order_in_front(mark: str, tmp_path: Path) -> None:
    """As Windows writes it, in a file and through a pipe; nothing else is left."""
    file = tmp_path / "sent.json"
    file.write_text(f'{mark}{{"name": "main"}}', "utf-8")
    sent = CliRunner().invoke(do_command, ["warehouse.open", str(file)])
    assert (sent.exit_code, do("warehouse.open", f'{mark}{{"name": "other"}}').exit_code) == (0, 0)
    assert do("warehouse.open", f"{mark}\n").exit_code == 2


def test_do__says_what_waits_for_somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is recorded and not done yet reads otherwise than what is."""
    do("warehouse.open", {"name": "main"})
    assert "Waits" not in do("stock.move", RECEIPT).stdout
    lost = {**RECEIPT, "reason": "水", "moves": [{**RECEIPT["moves"][0], "from": "available",
                                               "to": "written_off", "cause": "write_off"}]}
    assert "\nWaits for: stock.approve_movement.\n" in do_in_words("stock.move", lost)
    do("sku.price", {"sku": "A", "amount_minor": 1000, "floor_minor": 900, "currency": "CNY"})
    sale = {"channel": "phone", "shop": "S", "number": "1", "currency": "CNY", "warehouse": "main",
            "lines": [{"line": "1", "sku": "A", "quantity": 1, "unit_price": 800,
                       "amount_minor": 800}]}
    assert "\nWaits for: price_below_floor: order.sell_below_floor.\n" in do_in_words(
        "order.sell", sale)
    receipt = json.loads(do("stock.move", {**lost, "reason": "霉"}).stdout)
    assert receipt["waits_for"] == ["stock.approve_movement"]


def do_in_words(name: str, command: dict[str, Any]) -> str:
    """What a command says to a person."""
    return CliRunner().invoke(do_command, [name], input=json.dumps(command)).output


def test_preview__shows_what_is_nothing_by_then() -> None:
    """A difference of 2000 that is gone is shown as 0, not left out."""
    do("warehouse.open", {"name": "main"})
    do("stock.move", RECEIPT)
    gone = {**RECEIPT, "moves": [{**RECEIPT["moves"][0], "from": "available", "to": "damaged",
                                  "cause": "damage"}], "reason": "水"}
    told = CliRunner().invoke(do_command, ["stock.move", "--preview"], input=json.dumps(gone))
    assert "available 0, damaged" in told.stdout, told.output


def test_preview__shows_what_would_be_and_records_nothing() -> None:
    do("warehouse.open", {"name": "main"})
    do("stock.move", RECEIPT)
    before = do("stock.move", RECEIPT).stdout
    told = CliRunner().invoke(do_command, ["stock.move", "--preview"], input=json.dumps(RECEIPT))
    assert told.exit_code == 0, told.output
    assert "this would record 1 event(s)" in told.stdout
    assert "\nlevels: 2\n" in told.stdout
    found = CliRunner().invoke(do_command, ["stock.move", "--preview", "--json"], input="\n".join(
        [json.dumps(RECEIPT)] * 2))
    answer = json.loads(found.stdout)
    assert answer["position"] == json.loads(before)["position"]
    assert answer["events"]["total"] == 2
    assert available() == 10
    wrong = {**RECEIPT, "warehouse": "moon"}
    told = CliRunner().invoke(do_command, ["stock.move", "--preview"], input=json.dumps(wrong))
    assert (told.exit_code, "warehouse_unknown" in told.stderr) == (1, True)
