"""A small shop's people, policies and months in one line, for tests."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.application import Ledger
from ledger.core.commands import Command
from ledger.deductions.commands import (
    AppealDeduction,
    ConfirmDeduction,
    OverturnDeduction,
    ProposeDeduction,
    WaiveDeduction,
)
from ledger.people.commands import AssignPost, JoinMember, SetSupervisor
from ledger.policies.commands import PublishPolicy
from ledger.policies.reader import read
from ledger.policies.values import Policy, Rule, Sections
from ledger.scores.commands import GradeMember, ReopenMonth, RestateMonth, SealMonth
from projections.asking.questions import Question
from projections.reports import run
from projections.store.models import ReadModels
from tests.support.builders import context
from tests.support.stories import Story

Steps = Sequence[tuple[str, Command]]
"""Commands, each with who wishes it."""

WANG, ZHAO, LI, ZHOU, CHEN, LIU = (
    f"member:{name}" for name in ("wang", "zhao", "li", "zhou", "chen", "liu"))
"""Two agents of customer service, their head, a dispatcher, a reviewer and a committee member."""

POSTS = {WANG: "customer_service", ZHAO: "customer_service", LI: "customer_service_head",
         ZHOU: "dispatcher", CHEN: "shop_manager", LIU: "appraisal_committee"}
JOINED, MONTH = "2026-01-01", "2026-09"
ITEMS = {"work/1": "90"}


def at(day: str, hour: int = 12) -> datetime:
    """An hour of a day in the shop."""
    return datetime.fromisoformat(f"{day}T00:00:00+08:00").astimezone(UTC) + timedelta(hours=hour)


def team() -> list[Command]:
    """Everybody joins, gets a post and a supervisor."""
    found: list[Command] = []
    for member, post in POSTS.items():
        found += [JoinMember(member=member, joined_on=JOINED, occurred_at=at(JOINED)),
                  AssignPost(post=post, member=member, since=JOINED, occurred_at=at(JOINED))]
    heads = {WANG: LI, ZHAO: LI, LI: CHEN, ZHOU: CHEN}
    return found + [SetSupervisor(member=member, supervisor=head, since=JOINED,
                                  occurred_at=at(JOINED)) for member, head in heads.items()]


def rule(code: str, charges: dict[str, list[str]], **fields: Any) -> Rule:
    """A rule for customer service."""
    return Rule(**{"code": code, "posts": ["customer_service"], "zh": code, "en": code,
                   "charges": charges, "per": "occurrence", **fields})


def published(*rules: Rule, since: str = JOINED, **sections: Any) -> PublishPolicy:
    """These rules, from the year's first day on."""
    said = Sections(rules=list(rules) or None, **sections)
    return PublishPolicy(policy=Policy(title="rules", sections=said), effective_from=since,
                         occurred_at=at("2026-01-01"))


def printed(*names: str) -> list[Command]:
    """The shipped policies, from the year's first day on."""
    return [PublishPolicy(policy=read(name), effective_from=JOINED, occurred_at=at(JOINED))
            for name in names]


def propose(number: object = "1", code: str = "R1", **fields: Any) -> ProposeDeduction:
    """Wang broke a rule on 3 September; he is charged for it on the 4th."""
    day = fields.pop("day", "2026-09-03")
    return ProposeDeduction(**{
        "number": str(number), "rule": code, "about": f"day:{day}", "breached_at": at(day),
        "occurred_at": at("2026-09-04") if day < "2026-09-04" else at(day, 18),
        "offender": WANG, "evidence": [1], **fields})


def confirm(number: object = "1", day: str = "2026-09-05", **fields: Any) -> ConfirmDeduction:
    """It is established."""
    return ConfirmDeduction(**{"deduction": f"deduction:{number}", "occurred_at": at(day),
                               **fields})


def waive(number: object = "1", day: str = "2026-09-05", **fields: Any) -> WaiveDeduction:
    """A cause excuses it."""
    return WaiveDeduction(**{"deduction": f"deduction:{number}", "occurred_at": at(day),
                             "cause": "power cut", **fields})


def appeal(number: object = "1", day: str = "2026-09-08", **fields: Any) -> AppealDeduction:
    """The charged member does not agree."""
    return AppealDeduction(**{"deduction": f"deduction:{number}", "occurred_at": at(day),
                              "reason": "I was on leave", **fields})


def overturn(number: object = "1", member: str = WANG, day: str = "2026-09-10",
             **fields: Any) -> OverturnDeduction:
    """The appeal is right."""
    return OverturnDeduction(**{"deduction": f"deduction:{number}", "occurred_at": at(day),
                                "member": member, "reason": "he was", **fields})


def grade(member: str, sheet: str, day: str = "2026-10-01", **fields: Any) -> GradeMember:
    """The one item of a post without a scorecard."""
    return GradeMember(**{"member": member, "month": MONTH, "post": POSTS[member], "sheet": sheet,
                          "grades": ITEMS, "occurred_at": at(day), **fields})


def seal(month: str = MONTH, day: str = "2026-10-02", **fields: Any) -> SealMonth:
    """The month is closed."""
    return SealMonth(**{"month": month, "occurred_at": at(day), **fields})


def reopen(month: str = MONTH, day: str = "2026-10-05", **fields: Any) -> ReopenMonth:
    """Its figures may change."""
    return ReopenMonth(**{"month": month, "occurred_at": at(day), "reason": "appeal", **fields})


def restate(month: str = MONTH, day: str = "2026-10-06", **fields: Any) -> RestateMonth:
    """It is closed again."""
    return RestateMonth(**{"month": month, "occurred_at": at(day), "reason": "appeal", **fields})


def graders(month: str = MONTH) -> list[tuple[str, Command]]:
    """Every grade that closing the month needs, each with who gives it."""
    found: list[tuple[str, Command]] = []
    for member in POSTS:
        if POSTS[member] != "appraisal_committee":
            found += [(LIU, grade(member, "committee", month=month)),
                      (member, grade(member, "second", month=month))]
    return found


def told(story: Story, *steps: tuple[str, Command]) -> Story:
    """A story that goes on with these steps, all of them accepted."""
    for actor, command in steps:
        story.by(actor).when(command)
        assert story.error is None, (command, story.error)
    return story


def record(ledger: Ledger, steps: Steps) -> None:
    """Record steps, all of them accepted."""
    for actor, command in steps:
        ledger.handle(command, context(actor=actor))


def rows(
    models: ReadModels, name: str, *, ledger: str = "main", **asked: Any
) -> list[dict[str, Any]]:
    """A report's rows."""
    return run(models, ledger, name, Question(**asked)).rows
