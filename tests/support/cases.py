"""Cases in one line, for tests."""

from datetime import timedelta
from typing import Any

from ledger.common.moments import Moment
from ledger.returns.commands import AuthoriseCase, RecordReturn, RequestCase
from ledger.returns.declared import DeclareCase
from ledger.returns.values import CaseLine
from ledger.stock.pieces import Count
from tests.support.builders import CHANNEL, HOUSE, NOON, SHOP, stream

BACK = NOON + timedelta(days=5)
"""When goods come back."""


def case(number: object = "R1") -> str:
    """The stream of a case."""
    return f"case:{CHANNEL}:{SHOP}:{number}"


def new(cls: type[Any], number: object = "R1", **fields: Any) -> Any:
    """A command that opens a case."""
    return cls(**{"channel": CHANNEL, "shop": SHOP, "number": str(number), "currency": "CNY",
                  "occurred_at": BACK, **fields})


def ask(number: object = "R1", *lines: CaseLine, **fields: Any) -> RequestCase:
    """A buyer wants to send two books back."""
    return new(RequestCase, number, **{
        "kind": "return_and_refund", "order": stream(), "refund_minor": 9980,
        "lines": list(lines) or [CaseLine(line="1", quantity=2)], **fields})


def on(cls: type[Any], number: object = "R1", **fields: Any) -> Any:
    """A command on a case."""
    return cls(**{"case": case(number), "occurred_at": BACK, **fields})


def orphan(number: object = "C1", *lines: CaseLine, **fields: Any) -> RecordReturn:
    """A file declares goods that came back."""
    return RecordReturn(**{
        "channel": CHANNEL, "shop": SHOP, "number": str(number), "currency": "CNY",
        "at": Moment(BACK), "warehouse": HOUSE, **fields,
        "lines": list(lines) or [CaseLine(line="1", sku="SH-001", quantity=2)]})


def declared(number: object = "R1", *lines: CaseLine, **fields: Any) -> DeclareCase:
    """A file declares that a buyer wants to send two books back."""
    return DeclareCase(**{
        "channel": CHANNEL, "shop": SHOP, "number": str(number), "currency": "CNY",
        "order": stream(), "requested": Moment(BACK), "warehouse": HOUSE, **fields,
        "lines": list(lines) or [CaseLine(line="a", sku="SH-001", quantity=2)]})


TWO = [Count("1", 2)]
AGREE = on(AuthoriseCase)
