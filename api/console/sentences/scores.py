"""What happened to scores, deductions, closed months and signatures, in sentences."""

from collections.abc import Mapping
from typing import Any

from api.console.sentences.telling import Event, Sentence, aside, joined, listed, subject
from api.console.words import word
from api.messages import tr


def _points(points: Any) -> str:
    return tr("1 point") if str(points) == "1" else tr("{points} points", points=points)


def _share(e: Event, one: Mapping[str, Any]) -> str:
    return aside(
        f"{subject(one.get('member', ''))} {_points(one.get('points', '?'))}",
        one.get("party") not in (None, "offender") and word(one["party"], "party"))


def _charged(e: Event) -> str:
    charge = e.inner("charge")
    return joined(
        tr("Charged {points}", points=_points(charge["points"])) if "points" in charge
        else tr("Charged"),
        charge.get("rule") and tr("rule {rule}", rule=_rule(e, charge["rule"])),
        charge.get("breached_on") and tr("of {day}", day=charge["breached_on"]), _carried(e))


def _rule(e: Event, code: str) -> str:
    named = e.names.get(code)
    return aside(named, code) if named else code


def _carried(e: Event) -> str:
    return listed(tr("{points} of it counted in {month}", points=_points(one.get("points", "?")),
                     month=one.get("to_month", "")) for one in e.each("carried"))


def _charge(name: str) -> str:
    """What a charge is of: a deduction, or a fact of attendance or leave."""
    kind, _, rest = name.partition(":")
    if kind == "deduction":
        return subject(name)
    if kind == "leave":
        return tr("leave {number}", number=rest.replace(":", " "))
    return tr("attendance record {number}", number=rest) if rest else name


def _graded(e: Event) -> str:
    count = len(e.inner("grades"))
    return joined(
        tr("Graded {count} items", count=count) if count != 1 else tr("Graded 1 item"),
        e.has("sheet") and tr("sheet of {sheet}", sheet=e.word("sheet")),
        e.has("post") and e.post(e.has("post")))


def _bonus(e: Event) -> str:
    if e.has("points") == "0":
        return tr("Bonus taken back: {task}", task=e.text("task"))
    return joined(tr("Bonus: {points}", points=_points(e.text("points"))), e.text("task"))


def _sealed(e: Event) -> str:
    scores = listed(dict.fromkeys(
        str(one["score"]) for one in e.each("figures") if one.get("score") is not None))
    coefficient = next((one["coefficient"] for one in e.each("figures")
                        if one.get("coefficient") is not None), "")
    return joined(
        tr("Restated") if e.has("restatement") else tr("Sealed"),
        scores and tr("score {score}", score=scores),
        coefficient and tr("coefficient {coefficient}", coefficient=coefficient))


def _month(e: Event, text: str) -> str:
    left_out = len(e.each("left_out"))
    return joined(
        text, e.has("count") and tr("{count} figures", count=e.text("count")),
        e.each("changes") and tr("changed: {changes}", changes=listed(
            tr("{member} from {before} to {after}", member=subject(one.get("member", "")),
               before=one.get("before") or "–", after=one.get("after") or "–")
            for one in e.each("changes"))),
        left_out and tr("left out: {members}", members=listed(
            subject(one.get("member", "")) for one in e.each("left_out"))))


def _proposed(e: Event) -> str:
    return joined(
        tr("Deduction proposed under {rule}", rule=_rule(e, e.text("rule"))),
        e.has("offender") and tr("against {member}", member=e.stream_of("offender")),
        e.has("about_subject") and tr("about {thing}", thing=e.stream_of("about_subject")),
        e.has("loss") and tr("with a loss"),
        e.has("renews") and tr("instead of {deduction}", deduction=e.stream_of("renews")),
        e.each("evidence") and tr("evidence: {count}", count=len(e.each("evidence"))))


def _confirmed(e: Event) -> str:
    return joined(
        tr("Confirmed: {shares}", shares=listed(_share(e, one) for one in e.each("shares")))
        if e.each("shares") else tr("Confirmed"),
        e.has("share_open") and tr("{points} wait for a supervisor to be known",
                                   points=_points(e.text("share_open"))),
        _appeal(e))


def _appeal(e: Event) -> str:
    return e.has("appeal_until") and tr("appeal until {day}", day=e.text("appeal_until"))


def _waived(e: Event) -> str:
    return joined(
        tr("Waived for {members}", members=listed(map(subject, e.each("members"))))
        if e.each("members") else tr("Waived"),
        e.has("offender") and tr("named was {member}", member=e.stream_of("offender")))


def _member(e: Event, text: str) -> str:
    return joined(text, e.who("member"))


def _signed(e: Event) -> str:
    differences = listed(
        f"{e.amount(one.get('amount_minor'), one.get('currency'))} "
        f"{word(one.get('cause'), 'cause')}" for one in e.each("differences"))
    return joined(
        tr("Month {month} signed", month=e.text("month")),
        e.has("shop") and tr("shop {shop}", shop=e.text("shop")),
        differences and tr("differences: {differences}", differences=differences),
        e.has("supersedes") and tr("in place of an earlier signature"))


SENTENCES: Mapping[str, Sentence] = {
    "month.charged": _charged,
    "month.charge_reduced": lambda e: joined(
        tr("Reduced to {points}", points=_points(e.text("points"))) if e.has("points")
        else tr("Charge reduced"), e.has("charge") and _charge(e.text("charge")), _carried(e)),
    "month.charge_reversed": lambda e: joined(
        tr("No longer charged: {charge}", charge=_charge(e.text("charge"))), _carried(e)),
    "month.effect_carried": lambda e: joined(
        tr("{points} of {month} counted here", points=_points(e.text("points")),
           month=e.text("from_month")) if e.has("points") else tr("Counted here"),
        e.has("charge") and _charge(e.text("charge"))),
    "month.graded": _graded,
    "month.bonus_set": _bonus,
    "month.sealed": _sealed,
    "closings.month_sealed": lambda e: _month(
        e, tr("Month {month} sealed", month=e.text("month"))),
    "closings.month_reopened": lambda e: _month(
        e, tr("Month {month} reopened", month=e.text("month"))),
    "closings.month_restated": lambda e: _month(
        e, tr("Month {month} restated", month=e.text("month"))),
    "deduction.proposed": _proposed,
    "deduction.offender_named": lambda e: tr("Done by {member}", member=e.stream_of("offender")),
    "deduction.confirmed": _confirmed,
    "deduction.dismissed": lambda e: joined(
        tr("Dismissed: the facts are not established"),
        e.has("offender") and tr("named was {member}", member=e.stream_of("offender"))),
    "deduction.waived": _waived,
    "deduction.share_waived": lambda e: tr("Nobody is charged as the supervisor"),
    "deduction.supervisor_charged": lambda e: joined(
        tr("The supervisor is charged, too"),
        e.inner("share") and _share(e, e.inner("share")), _appeal(e)),
    "deduction.acknowledged": lambda e: _member(e, tr("Acknowledged")),
    "deduction.appealed": lambda e: _member(e, tr("Appealed")),
    "deduction.upheld": lambda e: _member(e, tr("Appeal decided: the charge stands")),
    "deduction.reduced": lambda e: _member(
        e, tr("Appeal decided: reduced to {points}", points=_points(e.text("points")))
        if e.has("points") else tr("Appeal decided: reduced")),
    "deduction.overturned": lambda e: _member(e, tr("Appeal decided: the charge falls")),
    "reconciliation.signed": _signed,
}
"""By the type of an event, what makes a sentence of it."""
