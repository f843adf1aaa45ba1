"""A naive model of a shop's deductions and months: plain dictionaries, everything recomputed.

It knows nothing of the code under test. It keeps the decisions that were taken and works out from
them, each time from the start, who is charged what, which charge is the third of a month, and what
a score comes to. It also says whether a command may be accepted.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
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

POSTS = sorted({post for _, post, *_ in TERMS})

HEADS = ((WANG, LI, ""), (ZHAO, LI, ""), (ZHAO, CHEN, "2026-08-01"), (MING, ZHOU, ""),
         (MING, LI, "2026-08-16"), (LI, CHEN, ""), (LI, ZHOU, "2026-09-10"), (ZHOU, CHEN, ""))
"""Who supervises whom from when on, in order."""

HEADING = {AGENT: HEAD, KEEPER: "warehouse_head"}
"""Which post heads a post: its holder answers where no supervisor is set."""

MANAGES = "shop_manager"
"""Who holds it may record anybody's attendance."""

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
    "SHARED": Law({"offender": ("1", "1"), "supervisor": ("2", "2")}, posts=(AGENT, HEAD),
                  exempt=True),
    "GROUP": Law({"all_of_post": ("1", "1")}, posts=(AGENT, HEAD), exempt=True),
    "KEEP": Law({"offender": ("3", "3"), "supervisor": ("1", "1")}, posts=(KEEPER, AGENT)),
    "MILD": Law({"offender": ("3", "3")}, per="review", excludes="SHARP"),
    "SHARP": Law({"offender": ("5", "5")}, per="review", excludes="MILD"),
    "ORDER": Law({"offender": ("2", "2")}, per="order", exempt=True),
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


Pair = tuple[str, str]
"""A member and a post of theirs."""


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
    return next((post for post in posts_held(member, day) if posts is None or post in posts), None)


@cache
def posts_held(member: str, day: str) -> list[str]:
    """The posts that a member held on a day."""
    return [post for one, post, since, until in TERMS if is_here(member, day)
            and one == member and (since or day) <= day <= (until or day)]


def held_in(month: str) -> set[tuple[str, str]]:
    """Who held which graded post in a month."""
    found = holders(POSTS, f"{month}-01", end_of(month))
    return {one for one in found if one[1] != COMMITTEE}


def share_of(who: str, month: str, post: str, out: Sequence[Pair] = ()) -> dict[str, Any]:
    """Which share of a member's month a post has, and its days; none, where it has them all. Of two
    posts the second one has what the first one leaves."""
    days = dict.fromkeys(sorted(one for member, one in held_in(month)
                                if member == who and (who, one) not in out), Decimal(0))
    for number in range(1, int(end_of(month)[8:]) + 1):
        today = [one for one in posts_held(who, f"{month}-{number:02d}") if one in days]
        for one in today:
            days[one] += Decimal(1) / len(today)
    if len(days) == 1:
        return {"share": Decimal(1), "days": None}
    assert len(days) == 2
    first = min(days)
    share = (days[first] / sum(days.values())).quantize(Decimal("0.0001"), ROUND_HALF_UP)
    return {"share": share if post == first else 1 - share, "days": days[post]}


def heads_above(member: str, day: str) -> Iterator[str]:
    """Who supervised a member on a day, at every level."""
    above: str | None = member
    while above is not None and (above := head_of(above, day)) is not None:
        yield above


def answers_for(offender: str, post: str, day: str) -> Pair | None:
    """Who is charged as the supervisor of an offender, and in which post."""
    heading = HEADING.get(post, "")
    head = head_of(offender, day) or next(
        (who for who, _ in sorted(holders([heading], day, day))
         if who != offender and is_here(who, day)), None)
    if head is None:
        return None
    held = post_of(head, day, [heading]) or post_of(head, day)
    return None if held in (None, COMMITTEE) else (head, str(held))


def head_of(member: str, day: str) -> str | None:
    """Who supervised a member on a day."""
    return next((head for one, head, since in reversed(HEADS) if one == member and since <= day),
                None)


@cache
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
    hour: int = 12
    renews: str | None = None
    latest: str = ""
    state: str = "proposed"
    decider: str = ""
    until: str = ""
    shares: dict[str, tuple[str, str, Decimal]] = field(default_factory=dict)
    appeals: dict[str, str] = field(default_factory=dict)
    excused: set[str] = field(default_factory=set)
    charged: set[str] = field(default_factory=set)
    seen: set[str] = field(default_factory=set)
    proposers: set[str] = field(default_factory=set)
    named: list[str | None] = field(default_factory=list)

    @property
    def name(self) -> str:
        """What its charges are called."""
        return f"deduction:{self.number}"

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
    hour: int
    item: str
    more: tuple[int, str] | None


class Lent(NamedTuple):
    """What a charge of a closed month left to another month."""

    name: str
    post: str
    to: str
    points: Decimal


class Oracle:
    """What was decided, and what follows from it."""

    def __init__(self) -> None:
        self.today = ""
        self.cases: dict[str, Case] = {}
        self.claimed: set[tuple[str, ...]] = set()
        self.attendance: list[dict[str, Any]] = []
        self.leave: dict[tuple[str, str], dict[str, Any]] = {}
        self.grades: dict[tuple[str, str, str, str], dict[str, dict[str, Decimal]]] = {}
        self.bonus: dict[tuple[str, str, str], dict[str, Decimal]] = {}
        self.seals: dict[str, dict[str, Any]] = {}
        self.closed_on = ""
        self.carried: dict[tuple[str, str, str], Decimal] = {}
        self.lent: dict[tuple[str, str], list[Lent]] = {}
        self.latest: dict[tuple[str, str], str] = {}

    def signed(self, day: str) -> str:
        """The day on which a decision is signed: never before it is recorded."""
        return max(day, self.today)

    def signs(self, by: str, day: str) -> bool:
        """Whether somebody is a member on the given day, and on that of the recording."""
        return is_here(by, self.signed(day))

    # -- charges ----------------------------------------------------------------------------------

    def charges(self, member: str, month: str) -> Iterator[Charge]:
        """What stands against a member in a month, in no order."""
        for case in self.cases.values():
            share = case.shares.get(member)
            if share is not None and case.day[:7] == month:
                yield Charge(case.name, case.code, *share, case.day, case.hour, case.law.item,
                             case.law.more)
        facts = [(one["name"], one["day"], one["kind"]) for one in self.attendance
                 if one["member"] == member and one["stands"]]
        facts += [(f"leave:{number}:{day}", day, "leave")
                  for (who, number), one in self.leave.items()
                  if who == member for day in one["counted"]]
        for name, day, kind in facts:
            for code, law in laws_on(day).items():
                post = post_of(member, day, law.posts)
                if day[:7] == month and law.kind == kind and post is not None:
                    points = Decimal((law.charges["offender"] or ("0", "0"))[0])
                    yield Charge(name, code, "computed", post, points, day, -1, law.item, law.more)

    def counted(self, member: str, month: str) -> list[tuple[Charge, Decimal]]:
        """Each charge with what it counts: the nth of a rule may count more."""
        found, seen = [], dict[tuple[str, str], int]()
        for one in sorted(self.charges(member, month),
                          key=lambda one: (one.day, one.hour, len(one.name), one.name)):
            nth = seen[one.code, one.part] = seen.get((one.code, one.part), 0) + 1
            times = Decimal(one.more[1]) if one.more and nth >= one.more[0] else Decimal(1)
            found.append((one, one.points * times))
        return found

    def in_month(self, member: str, month: str, post: str) -> Decimal:
        """What charges take from the month itself."""
        return sum((points for one, points in self.counted(member, month)
                    if one.post == post and (one.item == "month" or one.item not in weights(post))),
                   Decimal(0))

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

    def costs(self, member: str, month: str) -> dict[str, Decimal]:
        """All that charges take in each post."""
        charged = {one.post for one in self.charges(member, month)}
        return {post: self.cost(member, month, post) if post in charged else Decimal(0)
                for post in POSTS}

    def settled(self, member: str, month: str, post: str) -> Decimal:
        """What charges of a post take from the figures that were closed, or from open ones: nothing
        from who was left out, all of it in a post that is not held."""
        if month not in self.seals:
            return self.cost(member, month, post)
        scored = {one for who, one in self.seals[month]["figures"] if who == member}
        if not scored or (post not in scored and (member, post) in held_in(month)):
            return Decimal(0)
        if post not in scored:
            return sum((points for one, points in self.counted(member, month)
                        if one.post == post), Decimal(0))
        return self.cost(member, month, post)

    def sealed(self, month: str) -> bool:
        """Whether its figures are final."""
        return month in self.seals and self.seals[month]["state"] == "sealed"

    def open_from(self, month: str) -> str:
        """The first month from one on that is not sealed."""
        while self.sealed(month):
            month = next_month(month)
        return month

    def due(self) -> str | None:
        """The month that is closed next; None: any of them may be the first."""
        return next_month(max(self.seals)) if self.seals else None

    def touch(self, who: str, month: str, day: str) -> None:
        """Something happens to a member's month."""
        self.latest[who, month] = max(day, self.latest.get((who, month), ""))

    def move(self, who: str, source: str, to: str, *, post: str, points: Decimal) -> None:
        """What would count in one month counts in another one."""
        for month, more in ((source, -points), (to, points)):
            self.carried[who, month, post] = self.carried.get(
                (who, month, post), Decimal(0)) + more

    def change(self, who: str, name: str, on: str, day: str, do: Callable[[], None]) -> None:
        """Charge something, or less of it, of a day; what that costs a closed month is carried."""
        month = on[:7]
        known = {one.name for one in self.charges(who, month)}
        before = {post: self.settled(who, month, post) for post in POSTS}
        do()
        if name not in known | {one.name for one in self.charges(who, month)}:
            return
        after = {post: self.settled(who, month, post) for post in POSTS}
        booked = max(day, self.closed_on) if month in self.seals else day
        self.touch(who, month, booked)
        to = self.open_from(max(day[:7], next_month(month)))
        for post in POSTS if month in self.seals else ():
            points = after[post] - before[post]
            if not self.sealed(month):  # what counts elsewhere, for good, is given back elsewhere
                lent = sum(one.points for one in self.lent.get((who, month), ())
                           if (one.name, one.post) == (name, post) and self.sealed(one.to))
                points = -min(Decimal(lent), -points) if lent > 0 > points else Decimal(0)
            if points:
                self.move(who, month, to, post=post, points=points)
                self.touch(who, to, booked)
                self.lent.setdefault((who, month), []).append(Lent(name, post, to, points))

    def bring_back(self, month: str, day: str) -> None:
        """What a reopened month left to months that are not sealed counts in it again."""
        for (who, source), lent in self.lent.items():
            if source != month:
                continue
            for one in lent:
                if not self.sealed(one.to):
                    self.move(who, one.to, month, post=one.post, points=one.points)
                    self.touch(who, one.to, day)
                    self.touch(who, month, day)
            lent[:] = [one for one in lent if self.sealed(one.to)]

    # -- figures ----------------------------------------------------------------------------------

    def parts(self, who: str, month: str, post: str, sheet: str) -> tuple[Decimal, bool]:
        """What the grades of a sheet come to, and whether every item has one."""
        total, whole = Decimal(0), True
        graded = self.grades.get((who, month, post, sheet), {})
        for item in graded_items(post):
            marks = [grades[item] for grades in graded.values() if item in grades]
            whole = whole and bool(marks)
            if marks:
                mean = sum(marks, Decimal(0)) / len(marks)
                mean = mean.quantize(Decimal("0.1"), ROUND_HALF_UP) if len(marks) > 1 else mean
                total += weights(post)[item] * mean / 100
        return total, whole

    def given(self, row: Mapping[str, Any], month: str) -> Decimal:
        """What a figure would have if nothing were taken: the post's share of the grades and of
        whole items, and bonus work."""
        who, post = row["member"], row["post"]
        item = weights(post).get(ITEM, Decimal(0))
        first, second = (self.parts(who, month, post, sheet)[0] + item
                         for sheet in ("committee", "second"))
        bonus = sum(self.bonus.get((who, month, post), {}).values(), Decimal(0))
        return row["share"] * (Decimal("0.75") * first + Decimal("0.25") * second) + bonus

    def stray(self, who: str, month: str, post: str) -> Decimal:
        """What is taken in posts that a member does not hold: it counts in the first one held."""
        held = sorted(one for member, one in held_in(month) if member == who)
        if post not in held[:1]:
            return Decimal(0)
        owed = self.owed(who, month)
        return sum((owed[one] for one in POSTS if one not in held), Decimal(0))

    def owed(self, who: str, month: str) -> dict[str, Decimal]:
        """What each post is taken: by charges, and by what other months left."""
        return {post: cost + self.carried.get((who, month, post), Decimal(0))
                for post, cost in self.costs(who, month).items()}

    def taken(self, who: str, month: str, post: str) -> Decimal:
        """What is taken from a post's score, also for posts that are not held."""
        return self.owed(who, month)[post] + self.stray(who, month, post)

    def figure(self, who: str, month: str, post: str, out: Sequence[Pair]) -> dict[str, Any]:
        """What a post adds to a member's month, where some posts are left out."""
        item = weights(post).get(ITEM, Decimal(0)) - self.in_item(who, month, post)
        sheets = {}
        for sheet in ("committee", "second"):
            total, whole = self.parts(who, month, post, sheet)
            sheets[sheet] = total + item if whole else None
        row = {"member": who, "post": post, "committee": sheets["committee"],
               "second": sheets["second"], **share_of(who, month, post, out),
               "bonus": sum(self.bonus.get((who, month, post), {}).values(), Decimal(0)),
               "deductions": self.taken(who, month, post) - self.in_item(who, month, post),
               "policy_version": 2 if end_of(month) >= SECOND_FROM else 1}
        row["part"] = self.given(row, month) - self.taken(who, month, post) \
            if None not in sheets.values() else None
        return row

    def live(self, month: str, out: Sequence[Pair] = ()) -> dict[Pair, dict[str, Any]]:
        """The figures of a month as they stand: of those who hold a post in it, and are not left
        out. All of a member have the score that their parts add up to."""
        rows = {pair: self.figure(pair[0], month, pair[1], out)
                for pair in sorted(held_in(month)) if pair not in out}
        for (who, _), row in rows.items():
            parts = [other["part"] for (one, _), other in rows.items() if one == who]
            row["score"] = None if None in parts else sum(parts)
            band = None if None in parts else next(
                factor for below, factor in BANDS if below is None or row["score"] < Decimal(below))
            row["coefficient"] = band and Decimal(band)
        return rows

    def report(self, month: str) -> list[dict[str, Any]]:
        """The report `scores`."""
        sealed, seal = self.sealed(month), self.seals.get(month)
        rows = seal["figures"] if sealed and seal else self.live(month)
        words = self.rests_on(month) if sealed else {}
        return [{**row, "sealed": sealed, "restatement": seal["number"] if seal else 0,
                 "rests_on": sorted(words.get(pair, ()))} for pair, row in sorted(rows.items())]

    def rests_on(self, month: str) -> dict[Pair, set[str]]:
        """What came after a seal and counts elsewhere; nobody's posts change here."""
        found: dict[Pair, set[str]] = {}
        for (who, source), lent in self.lent.items():
            held = sorted(post for one, post in self.seals[month]["figures"] if one == who)
            sums: dict[tuple[str, str], Decimal] = {}
            for one in lent if source == month and held else ():
                key = one.name, one.post
                sums[key] = sums.get(key, Decimal(0)) + one.points
            for (name, post), points in sums.items():
                if points:
                    kind = name.partition(":")[0]
                    found.setdefault((who, post if post in held else held[0]), set()).add(
                        f"{kind if kind in {'attendance', 'leave'} else 'charge'}_known_later")
        return found

    # -- deductions -------------------------------------------------------------------------------

    def once(self, case: Case, offender: str | None) -> tuple[str, ...]:
        """What may be proposed once, if this one did it."""
        who = "all" if "all_of_post" in case.law.charges else offender or "nobody"
        what = {"occurrence": (case.about, who, case.day), "day": (who, case.day)}.get(
            case.law.per, (case.about,))
        code = min(case.code, case.law.excludes or case.code)
        return (code, *what, str(case.occurrence))

    def claim(self, case: Case) -> tuple[str, ...]:
        """What a proposal claims: what was dismissed is proposed again once."""
        return self.once(case, case.offender) if case.renews is None else ("after", case.renews)

    def fits(self, case: Case, offender: str | None) -> bool:
        """Whether somebody can be the offender."""
        return "all_of_post" not in case.law.charges and offender is not None and post_of(
            offender, case.day, case.law.posts) is not None

    def may_propose(self, case: Case) -> bool:
        """A new number, new facts, an offender in a post of the rule, no computed rule."""
        return (case.number not in self.cases and not case.law.kind
                and (case.occurrence == 1 or case.law.per == "occurrence")
                and (case.law.per != "order" or case.about.startswith("order:"))
                and (case.renews is None or self.renewable(case))
                and self.claim(case) not in self.claimed
                and (case.offender is None or self.fits(case, case.offender)))

    def renewable(self, case: Case) -> bool:
        """Whether the same facts were dismissed under the number that it renews."""
        before = self.cases.get(str(case.renews))
        return before is not None and before.state == "dismissed" and (
            before.code, before.about, before.day, before.occurrence) == (
            case.code, case.about, case.day, case.occurrence) and (
            case.offender in self.ever_named(before))

    def ever_named(self, case: Case) -> list[str | None]:
        """Whom it named, and those that it renews."""
        before = None if case.renews is None else self.cases[case.renews]
        return [*case.named, *(self.ever_named(before) if before else ())]

    def propose(self, case: Case, day: str) -> None:
        """Somebody says so."""
        self.claimed.add(self.claim(case))
        case.proposers, case.named, case.latest = {case.proposer}, [case.offender], day
        self.cases[case.number] = case

    def step(self, number: str, day: str, *states: str) -> Case | None:
        """A case in one of these states to which nothing later has happened."""
        case = self.cases.get(number)
        return case if case is not None and case.state in states and day >= case.latest else None

    def may_name(self, number: str, offender: str, by: str, day: str) -> bool:
        """By a member who was never named, and not what is claimed already by others."""
        case = self.step(number, day, "proposed")
        if case is None or not self.fits(case, offender) or not self.signs(by, day) \
                or by in (offender, *case.named, *(self.liable(case) or ())):
            return False
        once = self.once(case, offender)
        return once in self.own(case) or once not in self.claimed

    def own(self, case: Case) -> set[tuple[str, ...]]:
        """What it claims by those whom it named, or what it renews did."""
        return {self.once(case, one) for one in self.ever_named(case)}

    def name(self, number: str, offender: str, by: str, day: str) -> None:
        """It is known who did it."""
        case = self.cases[number]
        if offender != case.offender:
            if (once := self.once(case, offender)) not in self.own(case):
                self.claimed.add(once)
            case.offender, case.latest = offender, day
            case.named.append(offender)
            case.proposers.add(by)
            case.excused = set()

    def prices(self, case: Case, points: dict[str, str]) -> dict[str, Decimal] | None:
        """The points of each party; None if they do not fit."""
        prices: dict[str, Decimal] = {}
        for party, span in case.law.charges.items():
            least, most = span or ("0", "0")
            most = "100" if case.law.on_loss and case.loss else most
            price = points.get(party, least if least == most else None)
            if price is None or not Decimal(least) <= Decimal(price) <= Decimal(most):
                return None
            prices[party] = Decimal(price)
        return None if set(points) - set(prices) else prices

    def liable(self, case: Case) -> dict[str, Pair] | None:
        """Who is liable, as what and in which post; None if that cannot be said."""
        if "all_of_post" in case.law.charges:
            found = holders(case.law.posts, case.day, case.day)
            return {who: ("all_of_post", post) for who, post in found if is_here(who, case.day)}
        if not self.fits(case, case.offender):
            return None
        offender = str(case.offender)
        post = str(post_of(offender, case.day, case.law.posts))
        liable = {offender: ("offender", post)}
        if "supervisor" in case.law.charges:
            head = answers_for(offender, post, case.day)
            if head is None:
                return None
            liable[head[0]] = ("supervisor", head[1])
        return liable

    def concerned(self, case: Case) -> set[str | None]:
        """Who is named, charged, or would be charged: none of them decides."""
        return {*case.named, *case.charged, *(self.liable(case) or ())}

    def shares(self, case: Case, points: dict[str, str]) -> dict[str, tuple[str, str, Decimal]]:
        """Who is charged as what for how much; nobody, if that cannot be said."""
        prices, liable = self.prices(case, points), self.liable(case)
        if prices is None or liable is None:
            return {}
        return {who: (part, post, prices[part]) for who, (part, post) in liable.items()
                if who not in case.excused}

    def may_confirm(self, number: str, by: str, day: str, points: dict[str, str]) -> bool:
        """Somebody else finds it established, and somebody is liable."""
        case = self.step(number, day, "proposed")
        if case is None or not self.signs(by, day) or by in (*case.proposers, *case.named):
            return False
        shares = self.shares(case, points)
        return bool(shares) and by not in shares

    def confirm(self, number: str, by: str, day: str, points: dict[str, str]) -> None:
        """These members are charged."""
        case = self.cases[number]
        shares = self.shares(case, points)
        for who, share in shares.items():
            def charge(who: str = who, share: tuple[str, str, Decimal] = share) -> None:
                case.shares[who] = share

            self.change(who, case.name, case.day, day, charge)
        case.state, case.decider, case.latest = "confirmed", by, day
        case.until, case.charged = days_later(max(day, self.today), APPEAL_DAYS), set(shares)

    def fall(self, case: Case, members: Sequence[str], how: str, day: str) -> None:
        """Charges fall, and with them the appeals against them that are open."""
        for who in members:
            self.change(who, case.name, case.day, day,
                        lambda who=who: case.shares.pop(who))  # type: ignore[misc,arg-type]
            if case.appeals.get(who) == "appealed":
                case.appeals[who] = how
        case.latest = day

    def is_third(self, case: Case, by: str) -> bool:
        """Whether somebody had no part in a confirmed case."""
        return by not in (*case.proposers, case.decider, *case.charged, *case.named)

    def may_waive(self, number: str, by: str, day: str, members: Sequence[str]) -> bool:
        """Where the rule knows a cause, for those who are liable; of an appealed charge by a third
        person."""
        case = self.step(number, day, "proposed", "confirmed")
        if case is None or not case.law.exempt or not self.signs(by, day) \
                or by in case.proposers or by in self.concerned(case):
            return False
        if case.state == "proposed":
            known = self.liable(case)
            if known is None:
                known = {} if case.offender is None else {case.offender: ("offender", "")}
            return set(members) <= set(known)
        falls = {one for who in members or case.shares if who in case.shares
                 for one in case.falls(who)}
        open_ = any(case.appeals.get(who) == "appealed" for who in falls)
        return set(members) <= set(case.shares) and (not open_ or self.is_third(case, by))

    def waive(self, number: str, by: str, day: str, members: Sequence[str]) -> None:
        """A cause excuses it: before it is confirmed, with the offender all."""
        case = self.cases[number]
        if case.state == "proposed":
            case.latest = day
            if members and case.offender not in members:
                case.excused |= set(members)
                return
        self.fall(case, sorted({one for who in members or case.shares if who in case.shares
                                for one in case.falls(who)}), "waived", day)
        if not case.shares:
            case.state, case.decider = "waived", by

    def may_dismiss(self, number: str, by: str, day: str) -> bool:
        """Before anything else is decided."""
        case = self.step(number, day, "proposed")
        return (case is not None and self.signs(by, day) and by not in case.proposers
                and by not in self.concerned(case))

    def dismiss(self, number: str, by: str, day: str) -> None:
        """Nothing is established."""
        case = self.cases[number]
        case.state, case.decider, case.latest = "dismissed", by, day

    def is_charged(self, number: str, who: str, day: str) -> bool:
        """Whether a confirmed deduction charges somebody."""
        case = self.step(number, day, "confirmed")
        return case is not None and who in case.shares

    def acknowledge(self, number: str, who: str, day: str) -> None:
        """The member has seen it; a second time, that is not news."""
        case = self.cases[number]
        if who not in case.seen:
            case.seen.add(who)
            case.latest = day

    def may_appeal(self, number: str, who: str, day: str) -> bool:
        """Once, in time, by who is charged."""
        return (self.is_charged(number, who, day) and who not in self.cases[number].appeals
                and self.signed(day) <= self.cases[number].until)

    def appeal(self, number: str, who: str, day: str) -> None:
        """He does not agree."""
        case = self.cases[number]
        case.appeals[who], case.latest = "appealed", day

    def may_decide_appeal(self, number: str, who: str, by: str, day: str) -> bool:
        """A third person, and an open appeal of somebody who is still charged."""
        case = self.step(number, day, "confirmed")
        return (case is not None and self.signs(by, day) and self.is_third(case, by)
                and case.appeals.get(who) == "appealed")

    def decide_appeal(self, number: str, who: str, day: str, how: str,
                      points: str = "") -> None:
        """The charge stands, is smaller, or falls."""
        case = self.cases[number]

        def reduce() -> None:
            case.shares[who] = (*case.shares[who][:2], Decimal(points))

        if how == "reduced":
            self.change(who, case.name, case.day, day, reduce)
        elif how == "overturned":
            self.fall(case, case.falls(who), how, day)
            case.state = case.state if case.shares else "overturned"
        case.appeals[who], case.latest = how, day

    # -- presence ---------------------------------------------------------------------------------

    def heads(self, by: str, member: str, day: str) -> bool:
        """Whether somebody else supervises a member at any level, holds a post that heads one of
        theirs, or manages the shop."""
        by_post = {HEADING.get(post) for post in posts_held(member, day)}
        return by != member and self.signs(by, day) and (
            by in heads_above(member, day) or post_of(by, day, [MANAGES]) is not None
            or not by_post.isdisjoint(posts_held(by, day)))

    def knows(self, by: str, member: str, day: str) -> bool:
        """Whether somebody heads a member on a day, or does by now."""
        return self.heads(by, member, day) or self.heads(by, member, self.today)

    def on_leave(self, member: str, day: str) -> bool:
        """Whether a member has approved leave on a day."""
        return any(who == member and one["state"] == "approved" and day in one["days"]
                   for (who, _), one in self.leave.items())

    def was(self, member: str, day: str) -> bool:
        """Whether an outcome of a member's day stands."""
        return any((one["member"], one["day"]) == (member, day)
                   for one in self.attendance if one["stands"])

    def may_record(self, member: str, day: str, by: str, *, today: str) -> bool:
        """By a head, of a day that has come on which the member was here and not on leave, once."""
        return (is_here(member, day) and day <= today and self.knows(by, member, day)
                and not self.was(member, day) and not self.on_leave(member, day))

    def record(self, member: str, day: str, kind: str, today: str) -> dict[str, Any]:
        """He was late, absent or there."""
        number = 1 + sum(one["member"] == member and one["day"][:7] == day[:7]
                         for one in self.attendance)
        found = {"member": member, "day": day, "kind": kind, "stands": True,
                 "name": f"attendance:{number}"}
        self.change(member, str(found["name"]), day, today, lambda: self.attendance.append(found))
        return found

    def may_correct(self, fact: dict[str, Any], by: str) -> bool:
        """By a head, what stands."""
        return bool(fact["stands"]) and self.knows(by, fact["member"], fact["day"])

    def correct(self, fact: dict[str, Any], today: str) -> None:
        """That did not happen."""
        self.change(fact["member"], fact["name"], fact["day"], today,
                    lambda: fact.update(stands=False))

    def speaks_for(self, by: str, member: str, day: str) -> bool:
        """Whether it is the member or the direct supervisor."""
        return by == member or (by == head_of(member, day) and self.signs(by, day))

    def may_request_leave(self, member: str, number: str, days: list[str], *, by: str, today: str
                      ) -> bool:
        """Beforehand, under a new number (or the same again), for days that are free."""
        known = self.leave.get((member, number))
        if not self.speaks_for(by, member, self.signed(today)):
            return False
        if known is not None:
            return bool(known["state"] == "requested" and known["days"] == days)
        return is_here(member, days[-1]) and today <= days[0] and not any(
            who == member and one["state"] in ("requested", "approved")
            and set(days) & set(one["days"])
            for (who, _), one in self.leave.items())

    def request_leave(self, member: str, number: str, days: list[str], by: str) -> None:
        """The member asks to stay away."""
        self.leave.setdefault((member, number), {
            "days": days, "state": "requested", "by": by, "decider": "", "counted": set()})

    def may_approve(self, member: str, number: str, by: str, today: str) -> bool:
        """By a head who did not ask for it; again changes nothing."""
        known = self.leave.get((member, number))
        if known is None or not self.heads(by, member, self.signed(today)):
            return False
        return known["state"] == "approved" or (
            known["state"] == "requested" and by != known["by"]
            and not any(self.was(member, day) for day in known["days"]))

    def approve(self, member: str, number: str, by: str, today: str) -> None:
        """He may; what rules count of it is charged."""
        known = self.leave[member, number]
        if known["state"] == "requested":
            known["state"], known["decider"] = "approved", by
            for day in known["days"]:
                self.change(member, f"leave:{number}:{day}", day, today,
                            lambda day=day: known["counted"].add(day))  # type: ignore[misc]

    def may_refuse(self, member: str, number: str, by: str, today: str) -> bool:
        """By a head; again changes nothing."""
        known = self.leave.get((member, number))
        return (known is not None and known["state"] in ("requested", "refused")
                and self.heads(by, member, self.signed(today)))

    def refuse(self, member: str, number: str, by: str) -> None:
        """He may not."""
        known = self.leave[member, number]
        if known["state"] == "requested":
            known["state"], known["decider"] = "refused", by

    def given_back(self, known: dict[str, Any], days: list[str], today: str) -> list[str]:
        """The days of leave that are taken back: the given ones, or those to come."""
        return [day for day in known["days"] if (day in days if days else day >= today)]

    def may_withdraw(self, member: str, number: str, by: str, *, days: list[str], today: str
                     ) -> bool:
        """Days to come by the member; any by the supervisor, or by whoever approved them."""
        known = self.leave.get((member, number))
        if known is None or not self.signs(by, today) or known["state"] == "refused" or not (
                by == known["decider"] or self.speaks_for(by, member, self.signed(today))):
            return False
        back = self.given_back(known, days, today)
        last = self.signed(today) if known["state"] == "approved" else today
        return bool(known["state"] == "withdrawn"
                    or (back and not (by == member and back[0] < last)))

    def withdraw(self, member: str, number: str, days: list[str], today: str) -> None:
        """He does not stay away on these days."""
        known = self.leave[member, number]
        if known["state"] == "withdrawn":
            return
        back = self.given_back(known, days, today)
        left = [day for day in known["days"] if day not in back]
        known.update({"days": left} if left else {"state": "withdrawn"})
        for day in back:
            self.change(member, f"leave:{number}:{day}", day, today,
                        lambda day=day: known["counted"].discard(day))  # type: ignore[misc]

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
            fits = post_of(by, self.signed(day), [COMMITTEE]) is not None and by != who
        else:
            fits = by == second_grader(who, post, min(self.signed(day), end_of(month)))
        signed = self.signs(by, day) or (sheet == "second" and by == who)
        return fits and signed and self.is_gradable(who, month, post, day) and set(items) <= set(
            graded_items(post))

    def grade(self, pair: Pair, month: str, sheet: str, *, by: str, day: str,
              grades: dict[str, str]) -> None:
        """So many percent; in the second sheet the last word counts, whoever has it."""
        graded = self.grades.setdefault((pair[0], month, pair[1], sheet), {})
        marks = {item: Decimal(mark) for item, mark in grades.items()}
        known = graded.setdefault(by, {})
        if any(known.get(item) != mark for item, mark in marks.items()):
            self.touch(pair[0], month, day)
        for others in graded.values() if sheet == "second" else ():
            for item in marks:
                others.pop(item, None)
        known.update(marks)

    def may_set_bonus(self, pair: Pair, month: str, task: str, *, by: str, day: str,
                      points: str) -> bool:
        """By another member, up to the most."""
        who, post = pair
        known = {**self.bonus.get((who, month, post), {}), task: Decimal(points)}
        most = BONUS_MOST if post == AGENT else Decimal(0)
        return (self.is_gradable(who, month, post, day) and self.signs(by, day) and by != who
                and sum(known.values()) <= most)

    def set_bonus(self, pair: Pair, month: str, task: str, points: str, *, day: str) -> None:
        """So many points; 0 of nothing is nothing."""
        known = self.bonus.get((pair[0], month, pair[1]), {})
        if Decimal(points) != known.get(task, Decimal(0)):
            self.touch(pair[0], month, day)
            self.bonus[pair[0], month, pair[1]] = {**known, task: Decimal(points)}

    def may_close(self, month: str, by: str, day: str) -> bool:
        """A member, when the month is over, and nothing was closed or opened later."""
        return self.signs(by, day) and day[:7] > month and day >= self.closed_on

    def may_reopen(self, month: str, by: str, day: str) -> bool:
        """What is sealed."""
        return self.may_close(month, by, day) and self.sealed(month)

    def reopen(self, month: str, day: str) -> None:
        """Its figures may change; what it left to open months counts in it again."""
        self.seals[month]["state"], self.closed_on = "reopened", day
        self.bring_back(month, day)

    def to_seal(self, month: str, left_out: Sequence[Pair]) -> dict[Pair, dict[str, Any]]:
        """The figures that would be sealed."""
        return self.live(month, left_out)

    def may_seal(self, month: str, left_out: Sequence[Pair], *, day: str, again: bool) -> bool:
        """In turn, with every figure whole, after all that happened to it; again if it was
        reopened: as it was, or as a restatement if something changed."""
        rows = self.to_seal(month, left_out)
        if len(set(left_out)) < len(left_out) or not set(left_out) <= set(self.live(month)):
            return False
        if any(row["score"] is None for row in rows.values()):
            return False
        here = holders(POSTS, f"{month}-01", end_of(month))
        if any(self.latest.get((who, month), "") > day for who, _ in here):
            return False
        seal = self.seals.get(month)
        if seal is None:
            return not again and month == (self.due() or month)
        return bool(seal["state"] == "reopened" and again == (rows != seal["figures"]))

    def seal(self, month: str, left_out: Sequence[Pair], *, day: str, again: bool) -> None:
        """These figures are final; what was carried to who is left out is carried on."""
        rows = self.to_seal(month, left_out)
        number = self.seals[month]["number"] + again if month in self.seals else 0
        self.seals[month] = {"state": "sealed", "figures": rows, "number": number}
        self.closed_on = day
        to = self.open_from(next_month(month))
        for who, out in left_out:
            held = sorted(post for one, post in held_in(month) if one == who)
            also = [post for post in POSTS if post not in held] if out == held[0] else []
            for post in [out, *also]:
                if points := self.carried.get((who, month, post)):
                    self.move(who, month, to, post=post, points=points)
                    self.touch(who, to, day)
