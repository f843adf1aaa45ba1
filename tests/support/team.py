"""The cast of the tests about members: a small shop's people, rules and months, a line each.

Steps are commands, each with its actor. `started` and `closed` run them as a story without a
database; `record` writes them into a ledger.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from ledger.application import Ledger
from ledger.common.days import first_day, last_day, month_after
from ledger.core.commands import Command
from ledger.deductions.commands import (
    AppealDeduction,
    ConfirmDeduction,
    OverturnDeduction,
    ProposeDeduction,
    WaiveDeduction,
)
from ledger.people.commands import AssignPost, JoinMember, SetSupervisor
from ledger.policies.book import BOOK, PolicyBook
from ledger.policies.commands import PublishPolicy
from ledger.policies.posts import COMMITTEE
from ledger.policies.reader import read
from ledger.policies.values import (
    Band,
    Escalation,
    Policy,
    Rule,
    Scoring,
    Sections,
    Threshold,
)
from ledger.scores.account import Account
from ledger.scores.commands import GradeMember, ReopenMonth, RestateMonth, SealMonth
from ledger.scores.formula import figure_of
from ledger.scores.values import Figure, account_of
from projections.asking.questions import Question
from projections.reports import run
from projections.store.models import ReadModels
from tests.support.builders import context
from tests.support.stories import Story, given

Step = tuple[str, Command]
"""Who gives a command, and the command."""

Steps = Sequence[Step]

WANG, ZHAO, LI, ZHOU, CHEN, LIU = (
    f"member:{name}" for name in ("wang", "zhao", "li", "zhou", "chen", "liu"))
"""Two agents of customer service, their head, a dispatcher, a reviewer and a committee member."""

POSTS = {WANG: "customer_service", ZHAO: "customer_service", LI: "customer_service_head",
         ZHOU: "dispatcher", CHEN: "shop_manager", LIU: COMMITTEE}
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


def bound(minor: int, since: str = JOINED, **sections: Any) -> Command:
    """A policy by which finance looks at what costs more."""
    return published(since=since, thresholds=[Threshold(
        threshold="finance_review", value=str(minor), unit="fen", zh="财审", en="review")],
        **sections)


def printed(*names: str) -> list[Command]:
    """The shipped policies, from the year's first day on."""
    return [PublishPolicy(policy=read(name), effective_from=JOINED, occurred_at=at(JOINED))
            for name in names]


def propose(number: object = "1", code: str = "R1", **fields: Any) -> ProposeDeduction:
    """Wang broke a rule on 3 September, and it is proposed on the 4th."""
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
                                "member": member, "reason": "that is so", **fields})


def grade(member: str, sheet: str, day: str = "2026-10-01", **fields: Any) -> GradeMember:
    """The one item of a post without a scorecard."""
    return GradeMember(**{"member": member, "month": MONTH, "sheet": sheet, "grades": ITEMS,
                          "post": fields.pop("post", None) or POSTS[member],
                          "occurred_at": at(day), **fields})


def seal(month: str = MONTH, day: str = "2026-10-02", **fields: Any) -> SealMonth:
    """The month is closed."""
    return SealMonth(**{"month": month, "occurred_at": at(day), **fields})


def reopen(month: str = MONTH, day: str = "2026-10-05", **fields: Any) -> ReopenMonth:
    """Its figures may change."""
    return ReopenMonth(**{"month": month, "occurred_at": at(day), "reason": "appeal", **fields})


def restate(month: str = MONTH, day: str = "2026-10-06", **fields: Any) -> RestateMonth:
    """It is closed again."""
    return RestateMonth(**{"month": month, "occurred_at": at(day), "reason": "appeal", **fields})


def graders(
    month: str = MONTH, day: str = "", *, but: str = "", posts: Mapping[str, str] = POSTS,
    marks: Mapping[str, str] = {},
) -> list[Step]:
    """Every grade that closing a month needs, each with who gives it: 90, or a member's own mark.

    They come on the first day after the month, or on `day`. `but` is not graded. `posts` are those
    of the members; whoever is in the committee grades, and is not scored.
    """
    committee = next(member for member, post in posts.items() if post == COMMITTEE)
    found: list[Step] = []
    for member, post in posts.items():
        if member != but and post != COMMITTEE:
            found += [(actor, grade(member, sheet, day or first_day(month_after(month)),
                                    month=month, post=post,
                                    grades={"work/1": marks.get(member, "90")}))
                      for actor, sheet in ((committee, "committee"), (member, "second"))]
    return found


# -- the rules, and September ---------------------------------------------------------------------

RULES = (
    rule("R1", {"offender": ["1", "1"]}),
    rule("R3", {"offender": ["3", "3"]}),
    rule("FREE", {"offender": ["1", "1"]}, exempt="objective"),
    rule("RANGE", {"offender": ["2", "4"]}, exempt="objective"),
    rule("SHARED", {"offender": ["1", "1"], "supervisor": ["2", "2"]}, exempt="objective"),
    rule("GROUP", {"all_of_post": ["1", "1"]}, exempt="objective"),
    rule("ORDER", {"offender": ["3", "3"]}, per="order"),
    rule("MILD", {"offender": ["3", "3"]}, per="review", excludes="SHARP"),
    rule("SHARP", {"offender": ["5", "5"]}, per="review", excludes="MILD"),
    rule("BREACH", {"offender": []}),
    rule("LOSS", {"offender": ["1", "1"]}, on_loss=True),
    rule("LATE", {"offender": ["2", "2"]}, computed_from=["late"]),
    rule("THIRD", {"offender": ["0.5", "0.5"]}, escalation=Escalation(3, "2")),
)
"""A rule of each kind; most cost an agent of customer service as many points as their name says."""

SCORING = Scoring(bonus_posts=["customer_service"])
BANDS = [Band(coefficient="0.5", below="65"), Band(coefficient="1.0", at_least="65", below="88"),
         Band(coefficient="1.5", at_least="88")]


def opening(*rules: Rule, **sections: Any) -> list[Step]:
    """The team, and a policy: `RULES` and how they count, unless a test names its own."""
    said = sections if rules or sections else {"scoring": SCORING, "coefficients": BANDS}
    return [("system", one) for one in (*team(), published(*(rules or RULES), **said))]


OPENING = opening()
CHARGED: list[Step] = [(CHEN, propose(code="R3", day="2026-09-29")),
                       (ZHOU, confirm(day="2026-09-30"))]
"""Wang is charged 3 points before the month is over."""

SEALED: list[Step] = [*graders(), (CHEN, seal())]
"""September is sealed: everybody got 90 in both sheets."""


# -- stories --------------------------------------------------------------------------------------


def continued(story: Story, *steps: Step) -> Story:
    """A story that goes on with these steps, all of them accepted."""
    for actor, command in steps:
        story.by(actor).when(command)
        assert story.error is None, (command, story.error)
    return story


def started(*steps: Step, opened: Sequence[Step] = OPENING) -> Story:
    """The shop has opened, and what happened then."""
    return continued(given(), *opened, *steps)


def closed(*before: Step) -> Story:
    """The shop has opened, these steps were taken, and September is sealed."""
    return started(*before, *SEALED)


def account(story: Story, member: str, month: str = MONTH) -> Account:
    """A member's month as the story left it."""
    found = story.known.get(stream := account_of(member, month))
    assert found is None or isinstance(found, Account)
    return found or Account.blank(stream)


def cost(story: Story, member: str, post: str = "customer_service") -> str:
    """The points that a member lost in September."""
    return str(account(story, member).cost(post, "month"))


def figures(story: Story, month: str = MONTH) -> dict[str, Figure]:
    """The sealed figures of a month, by member."""
    accounts = [one for one in story.known.values() if isinstance(one, Account)]
    return {figure.member: figure for account in accounts if account.id.endswith(month)
            for figure in account.figures}


def computed(story: Story, member: str, month: str = MONTH) -> Figure:
    """A member's figure as it computes now."""
    book = story.known[BOOK]
    assert isinstance(book, PolicyBook)
    return figure_of(account(story, member, month), member, POSTS[member], book.on(last_day(month)))


# -- ledgers --------------------------------------------------------------------------------------


def record(ledger: Ledger, steps: Steps) -> None:
    """Record steps, all of them accepted."""
    for actor, command in steps:
        ledger.handle(command, context(actor=actor))


def rows(
    models: ReadModels, name: str, *, ledger: str = "main", **asked: Any
) -> list[dict[str, Any]]:
    """A report's rows."""
    return run(models, ledger, name, Question(**asked)).rows
