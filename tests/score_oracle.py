"""A naive model of a shop's deductions and months: plain dictionaries, everything recomputed.

It knows nothing of the code under test. It keeps the decisions that were taken and works out from
them, each time from the start, who is charged what, which charge is the third of a month, and what
a score comes to. It also says whether a command may be accepted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, NamedTuple

WANG, ZHAO, MING, GAO, LI, ZHOU, CHEN, LIU, SUN = MEMBERS = tuple(
    f"member:{name}"
    for name in ("wang", "zhao", "ming", "gao", "li", "zhou", "chen", "liu", "sun"))
AGENT, HEAD, KEEPER, COMMITTEE = (
    "customer_service", "customer_service_head", "keeper", "appraisal_committee")

TERMS = ((WANG, AGENT, None, None), (ZHAO, AGENT, None, None), (MING, KEEPER, None, "2026-08-15"),
         (MING, AGENT, "2026-08-16", None), (GAO, AGENT, None, "2026-08-10"),
         (LI, HEAD, None, None),
         (ZHOU, "dispatcher", None, None), (CHEN, "shop_manager", None, None),
         (LIU, COMMITTEE, None, None), (SUN, COMMITTEE, None, None))
"""Who held which post from when until when; None: from the start, for ever."""

HEADS = ((WANG, LI, ""), (ZHAO, LI, ""), (ZHAO, CHEN, "2026-08-01"), (MING, ZHOU, ""),
         (MING, LI, "2026-08-16"), (GAO, LI, ""), (LI, CHEN, ""), (ZHOU, CHEN, ""))
"""Who supervises whom from when on, in order."""

GONE = {GAO: "2026-08-10"}
SECOND_FROM = "2026-08-16"
"""The second policy holds from this day on."""

APPEAL_DAYS, BONUS_MOST = 7, Decimal(20)
ITEM = "attendance/1"
CARDS = {
    AGENT: ({"work/1": "60", "manner/1": "30", ITEM: "10"}, {}),
    HEAD: ({"work/1": "80", "care/1": "25", ITEM: "5"},
           {"work/1": "72.7273", "care/1": "22.7273", ITEM: "4.5454"})}
"""Scorecards: the weights as printed, and as they are scaled by hand to 100."""

WHOLE = {"work/1": "100"}


class Law(NamedTuple):
    """A rule: what it charges from whom. `more` is from which of a month on it counts how often."""

    charges: dict[str, tuple[str, str] | None]
    posts: tuple[str, ...] = (AGENT,)
    per: str = "occurrence"
    exempt: bool = False
    item: str = "month"
    more: tuple[int, str] | None = None
    on_loss: bool = False
    kind: str = ""
    excludes: str = ""


LAWS = {
    "ONE": Law({"offender": ("1", "1")}),
    "RANGE": Law({"offender": ("2", "4")}, exempt=True, more=(2, "1.5")),
    "THIRD": Law({"offender": ("0.5", "0.5")}, exempt=True, more=(3, "2")),
    "SHARED": Law({"offender": ("1", "1"), "supervisor": ("2", "2")}, exempt=True),
    "GROUP": Law({"all_of_post": ("1", "1")}, posts=(AGENT, HEAD), exempt=True),
    "KEEP": Law({"offender": ("3", "3"), "supervisor": ("1", "1")}, posts=(KEEPER, AGENT)),
    "MILD": Law({"offender": ("3", "3")}, per="review", excludes="SHARP"),
    "SHARP": Law({"offender": ("5", "5")}, per="review", excludes="MILD"),
    "DAILY": Law({"offender": ("1", "1.5")}, per="day"),
    "BREACH": Law({"offender": None}, exempt=True),
    "LOSS": Law({"offender": ("1", "1")}, on_loss=True),
    "ITEM": Law({"offender": ("1.5", "1.5")}, posts=(AGENT, HEAD), item=ITEM, exempt=True),
    "LATE": Law({"offender": ("2", "2")}, posts=(AGENT, HEAD), item=ITEM, more=(2, "2"),
                kind="late"),
    "LEAVE": Law({"offender": ("1", "1")}, posts=(AGENT, HEAD), item=ITEM, kind="leave"),
    "ABSENT": Law({"offender": ("5", "5")}, kind="absent"),
}
LATER = {**LAWS, "ONE": Law({"offender": ("2", "2")}),
         "THIRD": Law({"offender": ("0.5", "0.5")}, exempt=True, more=(2, "3")),
         "LATE": Law({"offender": ("3", "3")}, posts=(AGENT, HEAD), item=ITEM, kind="late")}
BANDS = (("65", "0.5"), ("88", "1"), (None, "1.5"))
"""Below which score which coefficient holds."""


# -- days and people ------------------------------------------------------------------------------


def laws_on(day: str) -> dict[str, Law]:
    """The rules in force on a day."""
    return LATER if day >= SECOND_FROM else LAWS


def days_later(day: str, days: int) -> str:
    """So many days later."""
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def next_month(month: str) -> str:
    """The month that follows."""
    return days_later(f"{month}-28", 4)[:7]


def end_of(month: str) -> str:
    """The last day of a month."""
    return days_later(f"{next_month(month)}-01", -1)


def is_here(member: str | None, day: str) -> bool:
    """Whether somebody is a member on a day."""
    return member in MEMBERS and day <= GONE.get(str(member), day)


def holders(posts: Sequence[str], first: str, last: str) -> list[tuple[str, str]]:
    """Who held one of these posts between two days, with the post."""
    return [(member, post) for member, post, since, until in TERMS
            if post in posts and (since or first) <= last and (until or last) >= first]


def post_of(member: str, day: str, posts: Sequence[str] | None = None) -> str | None:
    """The post that a member held on a day, if it is one of these."""
    held = [post for one, post, since, until in TERMS
            if one == member and (since or day) <= day <= (until or day)]
    return next((post for post in held if is_here(member, day)
                 and (posts is None or post in posts)), None)


def held_in(month: str) -> set[tuple[str, str]]:
    """Who held which graded post in a month."""
    found = holders([term[1] for term in TERMS], f"{month}-01", end_of(month))
    return {one for one in found if one[1] != COMMITTEE}


def head_of(member: str, day: str) -> str | None:
    """Who supervised a member on a day."""
    return next((head for one, head, since in reversed(HEADS) if one == member and since <= day),
                None)


def weights(post: str) -> dict[str, Decimal]:
    """What each item of a post weighs."""
    printed, scaled = CARDS.get(post, (WHOLE, {}))
    return {item: Decimal(scaled.get(item, weight)) for item, weight in printed.items()}


def graded_items(post: str) -> list[str]:
    """The items that people grade."""
    return [item for item in weights(post) if item != ITEM]


def second_grader(member: str, post: str, day: str) -> str | None:
    """Who grades the second sheet."""
    return head_of(member, day) if post == HEAD else member


# -- what happened --------------------------------------------------------------------------------


@dataclass
class Case:
    """A deduction. `shares` maps the members that are charged to part, post and points."""

    number: str
    code: str
    day: str
    about: str
    proposer: str
    offender: str | None
    occurrence: int
    loss: bool
    state: str = "proposed"
    decider: str = ""
    until: str = ""
    shares: dict[str, tuple[str, str, Decimal]] = field(default_factory=dict)
    appeals: dict[str, str] = field(default_factory=dict)
    excused: set[str] = field(default_factory=set)

    @property
    def law(self) -> Law:
        """Its rule as it was in force."""
        return laws_on(self.day)[self.code]

    def falls(self, member: str) -> list[str]:
        """Whose shares fall with a member's."""
        if self.shares[member][0] != "offender":
            return [member]
        return [member, *(one for one, share in self.shares.items() if share[0] == "supervisor")]


class Charge(NamedTuple):
    """Points that a member loses."""

    name: str
    code: str
    part: str
    post: str
    points: Decimal
    day: str
    item: str
    more: tuple[int, str] | None


Pair = tuple[str, str]
"""A member and his post."""


class Oracle:
    """What was decided, and what follows from it."""

    def __init__(self) -> None:
        self.cases: dict[str, Case] = {}
        self.claimed: set[tuple[str, ...]] = set()
        self.attendance: list[dict[str, Any]] = []
        self.leave: dict[tuple[str, str], dict[str, Any]] = {}
        self.grades: dict[tuple[str, str, str, str], dict[str, dict[str, Decimal]]] = {}
        self.bonus: dict[tuple[str, str, str], dict[str, Decimal]] = {}
        self.seals: dict[str, dict[str, Any]] = {}
        self.carried: dict[tuple[str, str, str], Decimal] = {}

    # -- charges ----------------------------------------------------------------------------------

    def charges(self, member: str, month: str) -> Iterator[Charge]:
        """What stands against a member in a month, in no order."""
        for case in self.cases.values():
            share = case.shares.get(member)
            if share is not None and case.day[:7] == month:
                part, post, points = share
                yield Charge(f"deduction:{case.number}", case.code, part, post, points, case.day,
                             case.law.item, case.law.more)
        facts = [(f"attendance {n}", one["day"], one["kind"])
                 for n, one in enumerate(self.attendance)
                 if one["member"] == member and one["stands"]]
        facts += [(f"leave {number} {day}", day, "leave")
                  for (who, number), one in self.leave.items()
                  if who == member and one["state"] == "approved" for day in one["days"]]
        for name, day, kind in facts:
            for code, law in laws_on(day).items():
                post = post_of(member, day, law.posts)
                if day[:7] == month and law.kind == kind and post is not None:
                    points = Decimal((law.charges["offender"] or ("0", "0"))[0])
                    yield Charge(name, code, "computed", post, points, day, law.item, law.more)

    def counted(self, member: str, month: str) -> list[tuple[Charge, Decimal]]:
        """Each charge with what it counts: the nth of a rule may count more."""
        found, seen = [], dict[tuple[str, str], int]()
        for one in sorted(self.charges(member, month), key=lambda one: (one.day, one.name)):
            nth = seen[one.code, one.part] = seen.get((one.code, one.part), 0) + 1
            times = Decimal(one.more[1]) if one.more and nth >= one.more[0] else Decimal(1)
            found.append((one, one.points * times))
        return found

    def in_month(self, member: str, month: str, post: str) -> Decimal:
        """What charges take from the month itself."""
        return sum((points for one, points in self.counted(member, month)
                    if (one.post, one.item) == (post, "month")), Decimal(0))

    def in_item(self, member: str, month: str, post: str) -> Decimal:
        """What charges take from the item of attendance: at the most all of it."""
        weight = weights(post).get(ITEM, Decimal(0))
        lost = sum((points for one, points in self.counted(member, month)
                    if (one.post, one.item) == (post, ITEM)), Decimal(0))
        if weight and post == HEAD:
            lost = (lost * weight / 5).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        return min(weight, lost)

    def cost(self, member: str, month: str, post: str) -> Decimal:
        """All that charges take."""
        return self.in_month(member, month, post) + self.in_item(member, month, post)

    def pairs(self, month: str) -> set[Pair]:
        """Of whom anything is known in a month, as what."""
        found = {(who, post) for who, at, post, _ in self.grades if at == month}
        found |= {(who, post) for who, at, post in (*self.bonus, *self.carried) if at == month}
        found |= {(who, one.post) for who in MEMBERS for one in self.charges(who, month)}
        return found

    def sealed(self, month: str) -> bool:
        """Whether its figures are final."""
        return month in self.seals and self.seals[month]["state"] == "sealed"

    def costs(self) -> dict[tuple[str, str, str], Decimal]:
        """What charges take in sealed months."""
        posts = {term[:2] for term in TERMS}
        return {(who, month, post): self.cost(who, month, post) for month in self.seals
                if self.sealed(month) for who, post in posts}

    def carry(self, before: dict[tuple[str, str, str], Decimal], day: str) -> None:
        """Out of sealed months, into the first open one: what costs changed since."""
        for (who, month, post), cost in self.costs().items():
            if delta := cost - before[who, month, post]:
                to = max(day[:7], next_month(month))
                while self.sealed(to):
                    to = next_month(to)
                for at, points in ((month, -delta), (to, delta)):
                    known = self.carried.get((who, at, post), Decimal(0))
                    self.carried[who, at, post] = known + points

    # -- figures ----------------------------------------------------------------------------------

    def parts(self, who: str, month: str, post: str, sheet: str) -> tuple[Decimal, bool]:
        """What the grades of a sheet come to, and whether every item has one."""
        total, whole = Decimal(0), True
        told = self.grades.get((who, month, post, sheet), {})
        for item in graded_items(post):
            marks = [grades[item] for grades in told.values() if item in grades]
            whole = whole and bool(marks)
            if marks:
                mean = sum(marks, Decimal(0)) / len(marks)
                mean = mean.quantize(Decimal("0.1"), ROUND_HALF_UP) if len(marks) > 1 else mean
                total += weights(post)[item] * mean / 100
        return total, whole

    def given(self, who: str, month: str, post: str) -> Decimal:
        """What a member would have if nothing were taken: grades, whole items, bonus work."""
        item = weights(post).get(ITEM, Decimal(0))
        first, second = (self.parts(who, month, post, sheet)[0] + item
                         for sheet in ("committee", "second"))
        bonus = sum(self.bonus.get((who, month, post), {}).values(), Decimal(0))
        return Decimal("0.75") * first + Decimal("0.25") * second + bonus

    def taken(self, who: str, month: str, post: str) -> Decimal:
        """What is taken: by charges, and by what other months left."""
        return self.cost(who, month, post) + self.carried.get((who, month, post), Decimal(0))

    def figure(self, who: str, month: str, post: str) -> dict[str, Any]:
        """A member's month as the report tells it, but for the seal."""
        item = weights(post).get(ITEM, Decimal(0)) - self.in_item(who, month, post)
        sheets = {}
        for sheet in ("committee", "second"):
            total, whole = self.parts(who, month, post, sheet)
            sheets[sheet] = total + item if whole else None
        carried = self.carried.get((who, month, post), Decimal(0))
        whole = None not in sheets.values()
        score = self.given(who, month, post) - self.taken(who, month, post) if whole else None
        band = None if score is None else next(
            told for below, told in BANDS if below is None or score < Decimal(below))
        return {"member": who, "post": post, "committee": sheets["committee"],
                "self": sheets["second"], "score": score,
                "bonus": sum(self.bonus.get((who, month, post), {}).values(), Decimal(0)),
                "deductions": self.in_month(who, month, post) + carried,
                "coefficient": band and Decimal(band),
                "policy_version": 2 if end_of(month) >= SECOND_FROM else 1}

    def live(self, month: str) -> dict[Pair, dict[str, Any]]:
        """The figures of a month as they stand."""
        return {pair: self.figure(pair[0], month, pair[1])
                for pair in sorted(held_in(month) | self.pairs(month)) if pair[1] != COMMITTEE}

    def to_seal(self, month: str) -> dict[Pair, dict[str, Any]]:
        """The figures that would be sealed: of those who held a post in it."""
        here = {who for who, _ in held_in(month)}
        return {pair: row for pair, row in self.live(month).items() if pair[0] in here}

    def report(self, month: str) -> list[dict[str, Any]]:
        """The report `scores`."""
        sealed, seal = self.sealed(month), self.seals.get(month)
        rows = seal["figures"] if sealed and seal else self.live(month)
        return [{**row, "sealed": sealed, "restatement": seal["number"] if seal else 0}
                for _, row in sorted(rows.items())]

    # -- deductions -------------------------------------------------------------------------------

    def once(self, case: Case) -> tuple[str, ...]:
        """What may be proposed once."""
        who = "all" if "all_of_post" in case.law.charges else case.offender or "nobody"
        what = {"occurrence": (case.about, who, case.day), "day": (who, case.day)}.get(
            case.law.per, (case.about,))
        code = min(case.code, case.law.excludes or case.code)
        return (code, *what, str(case.occurrence))

    def fits(self, case: Case, offender: str | None) -> bool:
        """Whether somebody can be the offender."""
        return "all_of_post" not in case.law.charges and offender is not None and post_of(
            offender, case.day, case.law.posts) is not None

    def may_propose(self, case: Case) -> bool:
        """A new number, new facts, an offender in a post of the rule, no computed rule."""
        return (case.number not in self.cases and not case.law.kind
                and self.once(case) not in self.claimed
                and (case.offender is None or self.fits(case, case.offender)))

    def propose(self, case: Case) -> None:
        """Somebody says so."""
        self.claimed.add(self.once(case))
        self.cases[case.number] = case

    def renamed(self, case: Case, offender: str) -> tuple[str, ...]:
        """What may be proposed once under another offender."""
        return self.once(Case(case.number, case.code, case.day, case.about, "", offender,
                              case.occurrence, loss=case.loss))

    def may_name(self, number: str, offender: str) -> bool:
        """Before the decision, and not what is claimed already."""
        case = self.cases.get(number)
        if case is None or case.state != "proposed" or not self.fits(case, offender):
            return False
        once = self.renamed(case, offender)
        return once == self.once(case) or once not in self.claimed

    def name(self, number: str, offender: str) -> None:
        """It is known who did it."""
        case = self.cases[number]
        self.claimed.add(self.renamed(case, offender))
        case.offender = offender

    def shares(self, case: Case, points: dict[str, str]) -> dict[str, tuple[str, str, Decimal]]:
        """Who is liable as what for how much; nobody, if that cannot be said."""
        prices: dict[str, Decimal] = {}
        for party, span in case.law.charges.items():
            least, most = span or ("0", "0")
            most = "100" if case.law.on_loss and case.loss else most
            told = points.get(party, least if least == most else None)
            if told is None or not Decimal(least) <= Decimal(told) <= Decimal(most):
                return {}
            prices[party] = Decimal(told)
        if set(points) - set(prices):
            return {}
        if "all_of_post" in prices:
            return {who: ("all_of_post", post, prices["all_of_post"])
                    for who, post in holders(case.law.posts, case.day, case.day)
                    if is_here(who, case.day) and who not in case.excused}
        if not self.fits(case, case.offender):
            return {}
        found = {case.offender: ("offender", post_of(str(case.offender), case.day, case.law.posts),
                                 prices["offender"])}
        if "supervisor" in prices:
            head = head_of(str(case.offender), case.day)
            post = head and post_of(head, case.day)
            if not head or post in (None, COMMITTEE):
                return {}
            found[head] = ("supervisor", post, prices["supervisor"])
            if case.offender in case.excused:  # the supervisor's share falls with the offender's
                return {}
        return {str(who): share for who, share in found.items()  # type: ignore[misc]
                if who not in case.excused}

    def decides(self, case: Case | None, by: str, day: str, *states: str) -> bool:
        """Whether somebody may decide: a member, not who proposed it, not who is concerned."""
        return (case is not None and case.state in states and is_here(by, day)
                and by not in (case.proposer, case.offender, *case.shares))

    def may_confirm(self, number: str, by: str, day: str, points: dict[str, str]) -> bool:
        """Somebody else finds it established, and somebody is liable."""
        case = self.cases.get(number)
        if case is None or not self.decides(case, by, day, "proposed"):
            return False
        shares = self.shares(case, points)
        return bool(shares) and by not in shares

    def confirm(self, number: str, by: str, day: str, points: dict[str, str]) -> None:
        """These members are charged."""
        case, before = self.cases[number], self.costs()
        case.shares = self.shares(case, points)
        case.state, case.decider, case.until = "confirmed", by, days_later(day, APPEAL_DAYS)
        self.carry(before, day)

    def may_waive(self, number: str, by: str, day: str, members: Sequence[str]) -> bool:
        """Where the rule knows a cause; of a confirmed one, for those who are charged."""
        case = self.cases.get(number)
        return (case is not None and self.decides(case, by, day, "proposed", "confirmed")
                and case.law.exempt and by not in members
                and (case.state == "proposed" or set(members) <= set(case.shares)))

    def waive(self, number: str, by: str, day: str, members: Sequence[str]) -> None:
        """A cause excuses it."""
        case, before = self.cases[number], self.costs()
        if members and case.state == "proposed":
            case.excused |= set(members)
            return
        falls = {one for member in members or case.shares for one in case.falls(member)}
        case.shares = {who: share for who, share in case.shares.items() if who not in falls}
        if not case.shares:
            case.state, case.decider = "waived", by
        self.carry(before, day)

    def may_dismiss(self, number: str, by: str, day: str) -> bool:
        """Before anything else is decided."""
        return self.decides(self.cases.get(number), by, day, "proposed")

    def dismiss(self, number: str, by: str) -> None:
        """Nothing is established."""
        self.cases[number].state, self.cases[number].decider = "dismissed", by

    def is_charged(self, number: str, who: str) -> bool:
        """Whether a confirmed deduction charges somebody."""
        case = self.cases.get(number)
        return case is not None and case.state == "confirmed" and who in case.shares

    def may_appeal(self, number: str, who: str, day: str) -> bool:
        """Once, in time, by who is charged."""
        return (self.is_charged(number, who) and who not in self.cases[number].appeals
                and day <= self.cases[number].until)

    def may_decide_appeal(self, number: str, who: str, by: str, day: str) -> bool:
        """A third person, and an open appeal of somebody who is still charged."""
        if not self.is_charged(number, who) or not is_here(by, day):
            return False
        case = self.cases[number]
        return case.appeals.get(who) == "appealed" and by not in (
            case.proposer, case.decider, *case.shares)

    def decide_appeal(self, number: str, who: str, day: str, how: str,
                      points: str = "") -> None:
        """The charge stands, is smaller, or falls."""
        case, before = self.cases[number], self.costs()
        case.appeals[who] = how
        if how == "reduced":
            case.shares[who] = (*case.shares[who][:2], Decimal(points))
        elif how == "overturned":
            falls = case.falls(who)
            case.shares = {one: share for one, share in case.shares.items() if one not in falls}
        self.carry(before, day)

    # -- presence ---------------------------------------------------------------------------------

    def may_record(self, member: str, day: str, by: str, today: str) -> bool:
        """By another member, of a day on which the member was here."""
        return is_here(by, today) and by != member and is_here(member, day)

    def record(self, member: str, day: str, kind: str, today: str) -> dict[str, Any]:
        """He was late, absent or there."""
        before = self.costs()
        found = {"member": member, "day": day, "kind": kind, "stands": True}
        self.attendance.append(found)
        self.carry(before, today)
        return found

    def correct(self, fact: dict[str, Any], today: str) -> None:
        """He was not."""
        before = self.costs()
        fact["stands"] = False
        self.carry(before, today)

    def may_ask_leave(self, member: str, number: str, days: list[str], today: str) -> bool:
        """Beforehand, under a new number (or the same again)."""
        known = self.leave.get((member, number))
        if known is not None:
            return bool(known["state"] == "asked" and known["days"] == days)
        return is_here(member, days[-1]) and today <= days[0]

    def may_approve(self, member: str, number: str, by: str, today: str) -> bool:
        """By another member; again changes nothing."""
        known = self.leave.get((member, number))
        return known is not None and is_here(by, today) and (
            known["state"] == "approved" or (known["state"] == "asked" and by != member))

    def may_withdraw(self, member: str, number: str, by: str, today: str) -> bool:
        """By himself before it begins, by others at any time."""
        known = self.leave.get((member, number))
        return known is not None and is_here(by, today) and not (
            known["state"] == "approved" and by == member and today > known["days"][0])

    def set_leave(self, member: str, number: str, state: str, today: str) -> None:
        """It is approved, or withdrawn."""
        before = self.costs()
        self.leave[member, number]["state"] = state
        self.carry(before, today)

    # -- months -----------------------------------------------------------------------------------

    def is_gradable(self, who: str, month: str, post: str, day: str) -> bool:
        """Whether an open month, that has begun, of somebody who held the post."""
        return not self.sealed(month) and day >= f"{month}-01" and any(
            pair == (who, post) for pair in holders([post], f"{month}-01", end_of(month)))

    def may_grade(self, pair: Pair, month: str, sheet: str, *, by: str, day: str,
                  items: Sequence[str]) -> bool:
        """By the committee, or by the second grader."""
        who, post = pair
        if sheet == "committee":
            fits = post_of(by, day, [COMMITTEE]) is not None and by != who
        else:
            fits = by == second_grader(who, post, min(day, end_of(month)))
        return fits and self.is_gradable(who, month, post, day) and set(items) <= set(
            graded_items(post))

    def grade(self, pair: Pair, month: str, sheet: str, *, by: str, grades: dict[str, str]) -> None:
        """So many percent."""
        told = self.grades.setdefault((pair[0], month, pair[1], sheet), {})
        told.setdefault(by, {}).update({item: Decimal(mark) for item, mark in grades.items()})

    def may_set_bonus(self, pair: Pair, month: str, task: str, *, by: str, day: str,
                      points: str) -> bool:
        """By another member, up to the most."""
        who, post = pair
        known = {**self.bonus.get((who, month, post), {}), task: Decimal(points)}
        most = BONUS_MOST if post == AGENT else Decimal(0)
        return (self.is_gradable(who, month, post, day) and is_here(by, day) and by != who
                and sum(known.values()) <= most)

    def set_bonus(self, pair: Pair, month: str, task: str, points: str) -> None:
        """So many points; 0 of nothing is nothing."""
        known = self.bonus.get((pair[0], month, pair[1]), {})
        if Decimal(points) or task in known:
            self.bonus[pair[0], month, pair[1]] = {**known, task: Decimal(points)}

    def may_close(self, month: str, by: str, day: str) -> bool:
        """A member, when the month is over."""
        return is_here(by, day) and day[:7] > month

    def may_seal(self, month: str, left_out: Sequence[Pair], *, again: bool) -> bool:
        """Once, with every figure whole; again if it was reopened and something changed."""
        rows = self.to_seal(month)
        if len(set(left_out)) < len(left_out) or not set(left_out) <= set(rows):
            return False
        rows = {pair: row for pair, row in rows.items() if pair not in left_out}
        if any(row["score"] is None for row in rows.values()):
            return False
        seal = self.seals.get(month)
        if not again:
            return seal is None
        return seal is not None and seal["state"] == "reopened" and rows != seal["figures"]

    def seal(self, month: str, left_out: Sequence[Pair]) -> None:
        """These figures are final."""
        rows = {pair: row for pair, row in self.to_seal(month).items() if pair not in left_out}
        number = self.seals[month]["number"] + 1 if month in self.seals else 0
        self.seals[month] = {"state": "sealed", "figures": rows, "number": number}
