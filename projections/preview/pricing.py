"""Charges that a policy, published or withdrawn later, would price otherwise, and charges that
stand on who held a post, was a member or a supervisor on a day of which more is known now."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from ledger.common.days import Days
from ledger.policies.book import PolicyBook
from projections.resting import STANDING, prices

Row = Mapping[str, Any]


def repriced(
    rows: Iterable[Row], before: PolicyBook, after: PolicyBook, *, days: Days
) -> Iterator[dict[str, Any]]:
    """Of the register's rows, those that are proposed or charged and that one book prices otherwise
    than another.

    Shapes: report, of {deduction, rule, month, policy_version (which priced it)}, change, before,
    after: the terms of the rule that differ, None where the policy knows no such rule. What is
    charged stays charged at its price: this is what a new breach of that day would cost. Rule:
    R-PRV-05.
    """
    for row in rows:
        if row["state"] not in STANDING:
            continue
        day = days.day_of(datetime.fromisoformat(row["breached_at"]))
        a, b = (prices(book.on(day).rule(row["rule"])) for book in (before, after))
        if a == b:
            continue
        if a is not None and b is not None:
            changed = [name for name in a if a[name] != b[name]]
            a, b = ({name: side[name] for name in changed} for side in (a, b))
        yield {"report": "deductions", "of": {
            "deduction": row["deduction"], "rule": row["rule"], "month": row["month"],
            "policy_version": row["policy_version"]},
            "change": "rule unknown" if b is None else "priced otherwise",
            "before": a, "after": b}


def resting(
    rows: Iterable[Row], members: Sequence[str], first_day: str, *, days: Days
) -> Iterator[dict[str, Any]]:
    """Of the register's rows, those that stand and are about members on a day from which on
    something else is known of them. Shapes: as `repriced`; `before` and `after` are the points,
    which stay."""
    for row in rows:
        parties = {row["offender"], *(share["member"] for share in row["shares"]
                                      if share["stands"])}
        if row["state"] not in STANDING or parties.isdisjoint(members):
            continue
        if days.day_of(datetime.fromisoformat(row["breached_at"])) >= first_day:
            yield {"report": "deductions", "of": {
                "deduction": row["deduction"], "rule": row["rule"], "month": row["month"]},
                "change": "rests on it", "before": {"points": row["points"]},
                "after": {"points": row["points"]}}
