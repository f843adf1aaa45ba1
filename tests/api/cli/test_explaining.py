"""`ledger explain`, as a person types it."""

import json
from collections.abc import Iterator

import pytest
from click.testing import CliRunner

from api.cli.program import program
from tests.support.demo import demo_in

ORDER = "order:taobao:栖墨图书旗舰店:demo-3"


@pytest.fixture(scope="module", autouse=True)
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The demo's ledger."""
    with demo_in(tmp_path_factory.mktemp("demo")):
        yield


def run(*words: str, code: int = 0, lang: str = "C") -> str:
    """What a command says."""
    found = CliRunner(env={"LC_ALL": lang}).invoke(program, ["explain", *words])
    assert found.exit_code == code, (found.output, found.stderr)
    return found.output


def test_explain__of_a_subject_is_that_of_its_report() -> None:
    of_subject, of_report = (json.loads(run(*words, "--json")) for words in (
        (ORDER,), ("orders", ORDER)))
    assert of_subject == of_report
    assert {row["figure"] for row in of_subject["items"]} == {
        "total_minor", "paid_minor", "refunded_minor"}
    month = json.loads(run("month:7f3a:2026-09", "--figure", "score", "--json"))
    assert month["items"][0]["value"] == "95.5525"


def test_explain__shows_so_many_levels() -> None:
    found = run("stock:hangzhou:QM-001", "--figure", "on_hand", "--depth", "2").splitlines()
    assert found[1] == "sku QM-001, warehouse hangzhou: on_hand"
    assert [line.split()[0] for line in found[3:]] == ["1", *(f"1.{at}" for at in range(1, 8))]
    assert run("inventory", "--position", "0").splitlines()[1] == "(nothing)"
    assert "当时尚无任何记录" in run("inventory", "--position", "0", lang="zh_CN.UTF-8")
    assert "步骤" in run("stock:hangzhou:QM-001", "--figure", "on_hand", lang="zh_CN.UTF-8")


@pytest.mark.parametrize(("words", "said"), [
    (("staff",), "not_explained"), (("deduction:2609-7",), "not_explained"),
    (("nothing",), "not_explained"), (("inventory", "--figure", "x"), "unknown_figure"),
    (("inventory", "--by", "day"), "option_not_taken"),
    (("order:taobao:a:1",), "nothing_recorded")])
def test_explain__says_what_cannot_be_asked(words: tuple[str, ...], said: str) -> None:
    assert said in run(*words, code=1)


def test_notes__are_in_the_language_that_is_spoken() -> None:
    note = run("reconciliation", "--month", "2026-09", "--figure", "paid_minor",
               lang="zh_CN.UTF-8").splitlines()[-1]
    assert note.startswith("  自 2026-09-01 至 2026-09-30，首尾两日都计入")
