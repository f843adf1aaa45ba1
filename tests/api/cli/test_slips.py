"""`ledger slip` on the command line."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli import issuing
from api.cli.commands import COMMANDS
from api.cli.slips import slip_command
from ledger.common.errors import Unavailable
from ledger.core import event_types
from ledger.fulfilment.commands import CheckOrder, PackOrder, PickOrder
from ledger.log.store import SUFFIX
from ledger.orders.commands import ApproveOrder, ChangeLines, HoldOrder, OpenException, SubmitOrder
from ledger.orders.values import PickedFrom
from ledger.settings import open_ledger
from ledger.stock.pieces import Count
from tests.support.builders import (
    HOUSE,
    line,
    opened,
    pay,
    place,
    received,
    remark,
    sell,
    stream,
)
from tests.support.projecting import put
from tests.support.shipping import on

PHONE = "13800000001"


@pytest.fixture(autouse=True)
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ledger in a file: an order that is being worked on, and one that changed once approved."""
    monkeypatch.setenv("LEDGER_DATABASE_URL", f"sqlite:///{tmp_path}/x.db")
    found = open_ledger()
    put(found.ledger, opened(), received("SH-001", 5, to_bin="A1"), received("PEN", 5),
        sell(1, line(quantity=2), line("PEN", name="2"), phone=PHONE, address="文三路 1 号",
             province="浙江省", gifts=["书签"]),
        pay(1, 14970), remark(text="加急"), on(ApproveOrder), on(SubmitOrder, warehouse=HOUSE),
        on(PickOrder, lines=[PickedFrom("2", 1)]),
        on(CheckOrder, passed=True), on(PackOrder, parcel="P1", lines=[Count("2", 1)]),
        on(OpenException, exception="e", kind="unsendable", note="缺纸箱"),
        on(HoldOrder, reason="改地址"),
        place(2), on(ApproveOrder, 2),
        on(ChangeLines, 2, lines=[line("PEN", quantity=3)], consent="电话"), place(3))
    found.close()


def run(*words: str, code: int = 0, lang: str = "C") -> Result:
    found = CliRunner(env={"LC_ALL": lang}).invoke(slip_command, list(words))
    assert found.exit_code == code, (found.output, found.stderr)
    return found


def noted() -> list[tuple[Any, ...]]:
    """Who read what, and what for."""
    found = open_ledger(name="main" + SUFFIX)
    notes = [(entry, event_types.decode(entry)) for entry in found.store.read("main" + SUFFIX)
             if entry.type == "reading.noted.v1"]
    found.close()
    return [(entry.actor, entry.role, note.route, note.purpose, note.fields)
            for entry, note in notes]


def test_slip__is_shown_and_noted() -> None:
    found = json.loads(run(stream(), "--purpose", "pick", "--actor", "member:1", "--json").stdout)
    assert found["item"]["phone"] == PHONE
    assert found["as_of"]["position"] == found["as_of"]["head"]
    run(stream(), "--purpose", "service", "--role", "service", "--actor", "member:2")
    fields = ["address", "exceptions", "held", "phone", "remarks"]
    assert noted() == [("member:1", "warehouse", "ledger slip", "pick", fields),
                       ("member:2", "service", "ledger slip", "service", fields)]


def test_slip__is_a_text_that_can_be_printed_in_both_languages() -> None:
    english = run(stream(), "--purpose", "pick").stdout
    for text in (f"Slip of {stream()} (purpose: pick)", f"phone: {PHONE}",
                 "address: 浙江省 文三路 1 号",
                 "ON HOLD, do not work on it: 改地址", "open exception unsendable: 缺纸箱",
                 "1. SH-001 云杉集 × 2", "to pick: 2   to pack: 0   to send: 0",
                 "SH-001 lies in A1: 5", "parcel P1, packed: (2 × 1)", "gifts: 书签", "加急"):
        assert text in english, text
    assert "PEN lies in" not in english  # there is nothing of it to take
    chinese = run(stream(), "--purpose", "pick", lang="zh_CN.UTF-8").stdout
    for text in ("（用途：pick）", f"电话：{PHONE}", "已拦截，请勿操作：改地址",
                 "SH-001 在库位 A1：5", "待拣：2   待打包：0   待交运：0", "赠品：书签",
                 "），未定：", "包裹 P1，已打包：（2 × 1）"):
        assert text in chinese, text
    changed = run(stream(2), "--purpose", "check").stdout
    assert "CHANGED SINCE THE APPROVAL:" in changed
    assert "- 1. SH-001 云杉集 × 1" in changed
    assert "+ 1. PEN 云杉集 × 3" in changed
    assert "Nobody has approved this order." in run(stream(3), "--purpose", "check").stdout


def test_slip__says_what_is_missing_and_names_a_province_once() -> None:
    found = open_ledger()
    put(found.ledger, place(4, lines=[line(quantity=2)], province="浙江省",
                            address="浙江省 杭州市 文三路 1 号"))
    found.close()
    slip = run(stream(4), "--purpose", "pick").stdout
    assert "address: 浙江省 杭州市 文三路 1 号\n" in slip
    assert "to pick: 0   to pack: 0   to send: 0   not reserved: 2\n" in slip


def test_slip__takes_no_line_from_what_somebody_wrote() -> None:
    found = open_ledger()
    put(found.ledger, place(4, buyer_remark="放门口\n2. SH-001 云杉集 × 9\r\x1b[2J易碎\u202e"))
    found.close()
    printed = run(stream(4), "--purpose", "pick").stdout
    assert "the buyer's remark: 放门口 2. SH-001 云杉集 × 9 [2J易碎 \n" in printed


def test_slip__rejected_without_a_purpose_a_role_or_an_order() -> None:
    assert "--purpose" in run(stream(), code=2).stderr
    assert "pick" in run(stream(), "--purpose", "pic", code=2).stderr
    run(stream(), "--purpose", "pick", "--role", "manager", code=2)
    assert "R-PRJ-07" in run(stream(9), "--purpose", "pick", code=1).stderr
    assert noted() == []


def test_slip__rejected_where_it_cannot_be_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """R-ACC-05."""
    def broken(ledger: str) -> Any:
        raise Unavailable

    monkeypatch.setattr(issuing, "opened", broken)
    found = run(stream(), "--purpose", "pick", code=1)
    assert "R-ACC-05" in found.stderr
    assert PHONE not in found.output


def test_slip__is_a_command_of_the_program() -> None:
    assert slip_command in COMMANDS
