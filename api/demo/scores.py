"""The demo's scores: deductions, and a month that is graded, sealed and restated."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from typing import Any, NamedTuple

import click

from api.demo import people as demo_people
from api.demo import stock as demo_stock
from api.demo.people import (
    DESIGNER,
    DISPATCHER,
    EARLY,
    FINANCE,
    GENERAL,
    HEAD,
    LATE,
    MANAGER,
    REVIEWER,
    SECOND_REVIEWER,
    TEAM,
    WAREHOUSE,
    act,
    at,
)
from api.messages import explain, tr
from ledger.application import Ledger
from ledger.common.decimals import ZERO, plain, rounded
from ledger.common.errors import Refused
from ledger.core.commands import Command
from ledger.deductions.commands import (
    AppealDeduction,
    ConfirmDeduction,
    DismissDeduction,
    OverturnDeduction,
    ProposeDeduction,
    WaiveDeduction,
)
from ledger.policies.values import HEAD as SUPERVISOR
from ledger.policies.values import MEMBER, Scorecard
from ledger.scores.commands import GradeMember, ReopenMonth, RestateMonth, SealMonth, SetBonus
from ledger.scores.values import COMMITTEE_SHEET, SECOND_SHEET, SHEETS, LeftOut
from ledger.settings import Opened
from projections.asking.clocks import AsOf
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.reports import run as ask
from projections.scores.terms import explain_score
from projections.store.models import ReadModels

MONTH = "2026-09"
SEALED_ON, SEALED_AT = "2026-10-08", "2026-10-08T18:00:00+08:00"
RESTATED_AT = "2026-10-12T18:00:00+08:00"
"""When the month was sealed, and when it was restated: where the clock is stopped."""

FOLLOW_UPS = ("2609-1", "2609-2", "2609-3")
MEETING, FEEDBACK, LUNCH, CHAT, PARCEL, PICTURES = (f"2609-{number}" for number in range(4, 10))
"""The numbers of the deductions."""

NOT_FOLLOWED_UP = ("2026-09-09T08:21", "2026-09-10T10:10", "2026-09-15T06:41")
"""When buyers placed orders that they never paid, and nobody followed up on the next day."""

GRADES = {
    EARLY: (94, 95, 96), LATE: (84, 86, 92), HEAD: (80, 81, 82), WAREHOUSE: (88, 87, 90),
    DISPATCHER: (91, 93, 92), DESIGNER: (60, 62, 66), FINANCE: (90, 92, 94), MANAGER: (86, 85, 88),
}
"""The grades of both committee members and of the second grader, in percent."""

BONUSES = {EARLY: ("answers for the autumn campaign", "2"),
           DISPATCHER: ("parcels packed on the holiday", "3")}

NOT_GRADED = [LeftOut(member=GENERAL, post="general_manager", reason="nobody_above")]
POST_OF = {person.member: person.post for person in TEAM}
COLUMNS = {"member": 11, "post": 21, "committee": 9, "second": 6, "bonus": 5, "deductions": 10,
           "score": 5, "coefficient": 11}
"""The columns of the table, and how wide they are."""

WORDS = ("member", "post")


class Shown(NamedTuple):
    """A subject, and the positions of what happened to it, by type without its version."""

    subject: str
    positions: dict[str, int]


@contextmanager
def _models(opened: Opened) -> Iterator[ReadModels]:
    with closing(ReadModels(opened.store, PROJECTIONS)) as models:
        yield models


# -- what was broken ------------------------------------------------------------------------------


def charge(opened: Opened, late: int) -> None:
    """Propose deductions in September; their evidence is events of this very log.

    `late` is the position of the event that shows that an agent was late.
    """
    ledger = opened.ledger
    with _models(opened) as models:
        orders = {row["placed_at"][:16]: row["subject"]
                  for row in ask(models, "main", "orders", Question()).rows}

        def shown(key: str) -> Shown:
            return _shown(models, orders.get(key, key))

        _propose_follow_ups(ledger, [shown(key) for key in NOT_FOLLOWED_UP])
        for proposal in _proposals(shown, late):
            act(ledger, MANAGER, proposal)
    click.echo(tr("The shop manager proposes deductions, each with the positions of the events "
                  "that show it. Who proposes does not decide:"))
    _refused(ledger, MANAGER, ConfirmDeduction(
        deduction=f"deduction:{FEEDBACK}", occurred_at=at("2026-09-30 17:00")))


def _shown(models: ReadModels, subject: str) -> Shown:
    rows = ask(models, "main", "timeline", Question(subject=subject)).rows
    return Shown(subject, {row["type"].rpartition(".")[0]: row["position"] for row in rows})


def _propose_follow_ups(ledger: Ledger, orders: list[Shown]) -> None:
    for number, (order, day) in enumerate(zip(orders, ("10", "11", "16"), strict=True), 1):
        act(ledger, MANAGER, ProposeDeduction(
            number=f"2609-{number}", rule="CS-FOLLOWUP", offender=LATE, about=order.subject,
            evidence=[order.positions["order.closed"]], breached_at=at(f"2026-09-{day} 23:59"),
            occurred_at=at("2026-09-17 09:00")))


def _proposals(shown: Callable[[str], Shown], late: int) -> Iterator[ProposeDeduction]:
    """A meeting, a lunch, a chat status, a book without pictures, a refund, a parcel."""
    sent, refunded = shown(demo_stock.ORDER), shown("2026-09-14T07:51")
    waiting, book = shown("2026-09-21T04:15"), shown("sku:QM-002")

    def proposal(number: str, rule: str, moment: str, **facts: Any) -> ProposeDeduction:
        return ProposeDeduction(number=number, rule=rule, breached_at=at(f"2026-09-{moment}"),
                                occurred_at=at("2026-09-30 16:00"), **facts)

    yield proposal(MEETING, "CS-MEETING", "15 15:30", offender=LATE, about="day:2026-09-15",
                   evidence=[late])
    yield proposal(FEEDBACK, "CS-FEEDBACK", "16 18:00", offender=LATE, about=refunded.subject,
                   evidence=[refunded.positions["order.refund_recorded"]])
    yield proposal(LUNCH, "CS-ONLINE-LUNCH", "21 12:15", about=waiting.subject,
                   evidence=[waiting.positions["order.placed"]])
    yield proposal(CHAT, "CS-ONLINE-STATUS", "27 10:31", offender=EARLY, about=sent.subject,
                   evidence=[sent.positions["order.submitted"]])
    yield proposal(PARCEL, "DP-DISPATCH-LATE", "27 18:00", offender=DISPATCHER,
                   about=sent.subject, evidence=[sent.positions["order.dispatched"]])
    yield proposal(PICTURES, "DS-MATERIAL", "29 18:00", offender=DESIGNER, about=book.subject,
                   evidence=[book.positions["stock.counted"]])


def _refused(ledger: Ledger, actor: str, command: Command) -> None:
    try:
        act(ledger, actor, command)
    except Refused as refusal:
        click.echo(f"  {explain(refusal)}")


def _decide(ledger: Ledger) -> None:
    """A reviewer confirms most of them, waives one and dismisses one."""
    def on(number: str) -> dict[str, Any]:
        return {"deduction": f"deduction:{number}", "occurred_at": at("2026-10-08 10:00")}

    for number in (*FOLLOW_UPS, FEEDBACK, LUNCH, CHAT):
        act(ledger, REVIEWER, ConfirmDeduction(**on(number)))
    act(ledger, REVIEWER, ConfirmDeduction(**on(PICTURES), points={"offender": "2"}))
    act(ledger, REVIEWER, WaiveDeduction(**on(MEETING), cause="the underground stood still"))
    act(ledger, REVIEWER, DismissDeduction(
        **on(PARCEL), reason="a holiday: dispatch does not work on it"))


# -- the month ------------------------------------------------------------------------------------


def close(opened: Opened) -> None:
    """Decide what was proposed, grade everybody, seal the month, and explain a score."""
    ledger = opened.ledger
    _decide(ledger)
    click.echo(tr("A reviewer decides after the holiday: who is charged how many points, and the "
                  "positions of the evidence"))
    with _models(opened) as models:
        for row in ask(models, "main", "deductions", Question(month=MONTH)).rows:
            click.echo(f"  {row['deduction']}  {row['rule']:<16}  {row['state']:<9}  "
                       f"{_charged(row):<32}  {', '.join(map(str, row['evidence']))}".rstrip())
    _grade(opened)
    act(ledger, MANAGER, SealMonth(
        month=MONTH, left_out=NOT_GRADED, occurred_at=at("2026-10-08 17:30")))
    click.echo(tr("The committee gives 75 %, a second grader 25 %; then the shop manager seals "
                  "September (rounded here, exact in the report):"))
    with _models(opened) as models:
        _table(_scores(models))
        _explain(models)


def _charged(row: dict[str, Any]) -> str:
    return ", ".join(f"{share['member']} {share['points']}"
                     for share in row["shares"] if share["stands"]) or "-"


def _grade(opened: Opened) -> None:
    """Both of the committee and the second grader, every item of every scorecard."""
    then, known = at("2026-10-08 14:00"), demo_people.policy(opened)
    for member, (first, second, own) in GRADES.items():
        card = known.scorecard(POST_OF[member])
        for actor, sheet, grade in ((REVIEWER, COMMITTEE_SHEET, first),
                                    (SECOND_REVIEWER, COMMITTEE_SHEET, second),
                                    (_second_grader(member, card), SECOND_SHEET, own)):
            act(opened.ledger, actor, GradeMember(
                member=member, month=MONTH, post=card.post, sheet=sheet,
                grades=_items(card, grade), occurred_at=then))
    for member, (task, points) in BONUSES.items():
        act(opened.ledger, MANAGER, SetBonus(
            member=member, month=MONTH, post=POST_OF[member], task=task, points=points,
            occurred_at=then))


def _items(card: Scorecard, grade: int) -> dict[str, str]:
    """Grades around one, slightly different for each item of a scorecard with several."""
    items = [item.item for item in card.items if not item.computed_from]
    spread = (0, 2, -2, 1, -1) if len(items) > 1 else (0,)
    return {item: str(grade + spread[number % len(spread)]) for number, item in enumerate(items)}


def _second_grader(member: str, card: Scorecard) -> str:
    """Whom the scorecard names: the member, their supervisor, or the holder of a post."""
    if card.second_grader == MEMBER:
        return member
    if card.second_grader == SUPERVISOR:
        return next(person.above or "" for person in TEAM if person.member == member)
    return next(person.member for person in TEAM if person.post == card.second_grader)


def _scores(models: ReadModels, known_at: str | None = None) -> list[dict[str, Any]]:
    asked = Question(month=MONTH, as_of=AsOf.parse(None, known_at))
    return ask(models, "main", "scores", asked).rows


def _table(rows: list[dict[str, Any]]) -> None:
    for row in ({name: name for name in COLUMNS}, *map(_short, rows)):
        click.echo("  " + "  ".join(
            f"{row[name]:{'<' if name in WORDS else '>'}{width}}"
            for name, width in COLUMNS.items()))


def _short(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose decimals have at most two places."""
    return {name: row[name] if name in (*WORDS, "coefficient") else
            plain(rounded(Decimal(row[name]), Decimal("0.01"))) for name in COLUMNS}


def _explain(models: ReadModels) -> None:
    """A score as a sum: items summed up by sheet, each charge by itself."""
    _, item = explain_score(models, "main", LATE, Question(month=MONTH))
    post, = item["posts"]
    click.echo(tr("Why {member} has {score}: terms that add up to it, with their events",
                  member=LATE, score=post["score"]))
    sums: dict[str, tuple[Decimal, set[int]]] = {}
    for term in post["terms"]:
        name = _named(term)
        amount, positions = sums.get(name, (ZERO, set()))
        sums[name] = (amount + Decimal(term["factor"]) * Decimal(term["value"]),
                      positions | set(term["positions"]))
    for name, (amount, positions) in sums.items():
        click.echo(f"  {plain(amount):>9}  {name:<36}  {', '.join(map(str, sorted(positions)))}")
    click.echo(f"  {plain(sum((amount for amount, _ in sums.values()), ZERO)):>9}  score")


def _named(term: dict[str, Any]) -> str:
    """The name that a term is shown under: the graded items of a sheet share one."""
    first, second = term["what"].split()
    if first not in SHEETS:
        times = plain(-Decimal(term["factor"]))
        return f"{second} {first}" + (f" x {times}" if times != "1" else "")
    if "lost" in term["of"]:
        return tr("{sheet}: attendance, {weight} less {lost}", sheet=first, **term["of"])
    return tr("{sheet}: graded items", sheet=first)


# -- the appeal -----------------------------------------------------------------------------------


def restate(opened: Opened) -> None:
    """An appeal in time is upheld: the month is reopened, a charge falls, figures change."""
    with _models(opened) as models:
        before = _scores(models)
        _appeal(opened.ledger, _shown(models, demo_stock.ORDER))
        click.echo(tr("An appeal comes in time. The shop manager reopens September, a third person "
                      "decides, and the supervisor's share falls with the agent's:"))
        for row in ask(models, "main", "appeals", Question(month=MONTH)).rows:
            click.echo(f"  {row['member']}  {row['rule']}: {row['reason']}")
            click.echo(f"  {row['decided_by']}  {row['state']}: {row['why']}")
        after = _scores(models)
        changed = [(old, new) for old, new in zip(before, after, strict=True)
                   if old["score"] != new["score"]]
        click.echo(tr("Restatement {number} of {month}:", number=after[0]["restatement"],
                      month=MONTH))
        for old, new in changed:
            click.echo("  " + tr(
                "{member}: score {before} becomes {after}, coefficient {old} becomes {new}",
                member=new["member"], before=old["score"], after=new["score"],
                old=old["coefficient"], new=new["coefficient"]))
        _table(after)
        click.echo(tr("What was sealed is not lost. Both, as the ledger knew them on 8 October:"))
        known = _scores(models, SEALED_ON)
        assert known == before
        _table([row for row in known if row["member"] in {old["member"] for old, _ in changed}])


def _appeal(ledger: Ledger, sent: Shown) -> None:
    """A reopened month can change; otherwise the change would be carried to October."""
    deduction = f"deduction:{CHAT}"
    act(ledger, EARLY, AppealDeduction(
        deduction=deduction, occurred_at=at("2026-10-09 09:30"),
        evidence=[sent.positions["order.picked"], sent.positions["order.packed"]],
        reason="I was at the packing table, as I had been told"))
    act(ledger, MANAGER, ReopenMonth(
        month=MONTH, reason=f"appeal against {deduction}", occurred_at=at("2026-10-12 09:00")))
    act(ledger, SECOND_REVIEWER, OverturnDeduction(
        deduction=deduction, member=EARLY, occurred_at=at("2026-10-12 10:00"),
        reason="picked at 10:30, packed at 10:40, as the head had asked"))
    act(ledger, MANAGER, RestateMonth(
        month=MONTH, reason=f"{deduction} was overturned", left_out=NOT_GRADED,
        occurred_at=at("2026-10-12 10:30")))
