"""A small shop of every kind of thing, and real commands whose ids may be anybody's."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec

from ledger.application import Ledger
from ledger.common.context import Context, Receipt
from ledger.common.errors import LedgerError
from ledger.core.commands import Command
from ledger.core.postings import ACCOUNT_KINDS
from ledger.deductions.commands import AcknowledgeDeduction, DismissDeduction
from ledger.fulfilment.commands import ReleaseReservation, ReserveOrder
from ledger.log.envelope import Entry
from ledger.log.store import Store
from ledger.orders.commands import (
    ApproveOrder,
    AssignOrder,
    HoldOrder,
    LiftHold,
    RefundOrder,
    SubmitOrder,
)
from ledger.people.commands import JoinMember, LeaveShop, RequestLeave, SetSupervisor
from ledger.returns.commands import ApproveRefund, AuthoriseCase, RejectCase
from tests.support.builders import (
    HOUSE,
    context,
    end,
    moved,
    opened,
    pay,
    place,
    received,
    remark,
    sell,
    stream,
)
from tests.support.cases import BACK, ask, case
from tests.support.team import CHEN, LI, OPENING, WANG, ZHOU, appeal, confirm, propose, waive

IDS = {
    "order": stream(), "case": case(), "deduction": "deduction:1", "member": WANG,
    "stock": f"stock:{HOUSE}:SH-001", "warehouse": f"warehouse:{HOUSE}", "sku": "sku:SH-001",
    "command": "command:00000000-0000-0000-0000-000000000001", "log": "log:clock",
    "none": "order", "odd": "order:", "other": stream("9"),
}
"""A name of each kind, by kind; also some that nothing has."""

NAMED = {"order", "case", "deduction", "renews", "merged_with", "movement"}
"""The fields of commands that take the name of a stream."""

LATER = BACK + timedelta(days=1)


def at(cls: type[Any], **fields: Any) -> Command:
    """A command of the day after all else."""
    return cls(**{"occurred_at": LATER, **fields})  # type: ignore[no-any-return]


SETUP: list[tuple[str, Command]] = [
    *OPENING,
    *[("system", one) for one in (
        opened(), received(quantity=3), sell("1"), pay("1"), place("2"), place("3"),
        ask("R1", kind="refund_only", refund_minor=100, lines=[], order=stream("1")))],
    (CHEN, propose("1", code="R1")),
]
"""Three orders, one of them sold and paid, a case, a team, its rules, a deduction."""

TEMPLATES: list[tuple[str, Command]] = [(CHEN, command) for command in (
    pay("1", 1, reference="P1"), pay("2"),
    at(RefundOrder, order=stream(), amount_minor=10, reference="R1"),
    at(ApproveOrder, order=stream("2")), at(HoldOrder, order=stream(), reason="wait"),
    at(LiftHold, order=stream()), at(SubmitOrder, order=stream(), warehouse=HOUSE),
    at(AssignOrder, order=stream(), owner="王"), end("2", "cancelled", reason="buyer"),
    end("1"), remark("1"), place("2"), place("4"), sell("5"), sell("6"),
    at(ReserveOrder, order=stream("3"), warehouse=HOUSE),
    at(ReleaseReservation, order=stream(), reason="no"),
    received(quantity=1, number="1"),
    moved("SH-001", 1, "available", "damaged", "damage", reason="wet", number="2"),
    ask("R2", kind="refund_only", refund_minor=4890, lines=[]),
    at(AuthoriseCase, case=case()), at(RejectCase, case=case(), reason="no"),
    at(ApproveRefund, case=case(), amount_minor=50),
    at(JoinMember, member="member:new", joined_on="2026-09-01", name="王方"),
    at(SetSupervisor, member=WANG, supervisor="member:new", since="2026-10-01"),
    at(RequestLeave, member=WANG, number="L1", days=["2026-11-02"]),
    at(LeaveShop, member=WANG, last_day="2026-10-31"),
)] + [
    (ZHOU, confirm()), (ZHOU, at(DismissDeduction, deduction="deduction:1", reason="no")),
    (ZHOU, waive()), (WANG, at(AcknowledgeDeduction, deduction="deduction:1")), (WANG, appeal()),
    (LI, propose("2", code="R1")), (CHEN, propose("3", code="R3", day="2026-09-02")),
    (CHEN, propose("1", code="R3", day="2026-09-02")),
    (CHEN, propose("4", code="R1", renews="deduction:1")),
]
"""Commands of orders, returns, stock, members and deductions, each with who gives it."""


def set_up(ledger: Ledger) -> None:
    """Record the shop."""
    for result in ledger.handle_many([(one, context(actor=actor)) for actor, one in SETUP]):
        assert isinstance(result, Receipt), result


def with_ids(command: Command, ids: dict[str, str]) -> Command:
    """The same command with other names of streams."""
    fields = {name: value for name, value in ids.items()
              if getattr(command, name, None) is not None}
    return msgspec.structs.replace(command, **fields) if fields else command


def context_of(actor: str) -> Context:
    """Who gives a command."""
    return context(actor=actor)


def shown(results: Iterable[Receipt | LedgerError]) -> list[Any]:
    """What comes of commands, but for positions: they also count the refusals between them. So the
    versions of accounts, which are positions, are not among them."""
    return [{name: version for name, version in result.versions.items()
             if not name.startswith(ACCOUNT_KINDS)} if isinstance(result, Receipt)
            else (type(result), {name: value for name, value in result.details.items()
                                 if name not in ("position", "now")}) for result in results]


def logged(store: Store, name: str) -> tuple[list[Any], list[Any]]:
    """What a log holds, but for positions, times, salts and seals: changes, and refusals."""
    entries = store.read(name)
    return ([_plain(entry) for entry in entries if not entry.stream.startswith("command:")],
            [_plain(entry)[2:] for entry in entries if entry.stream.startswith("command:")])


def _plain(entry: Entry) -> tuple[Any, ...]:
    return (entry.stream, entry.version, entry.type, entry.once, entry.actor,
            entry.subjects if not entry.stream.startswith("command:") else "",
            _unsealed(msgspec.json.decode(entry.payload)))


def _unsealed(value: Any) -> Any:
    if isinstance(value, dict):
        if value.keys() == {"p", "n", "c", "h"}:
            return "sealed"
        return {name: _unsealed(inner) for name, inner in value.items()
                if name not in ("position", "since")}
    return [_unsealed(inner) for inner in value] if isinstance(value, list) else value
