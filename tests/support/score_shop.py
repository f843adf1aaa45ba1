"""A shop in which everything happens that can: each step is asked of the ledger and of an oracle.

Whatever is asked, by whomever: what is accepted is what may be, what is refused leaves nothing but
the refusal, and every figure is the one that `score_oracle` works out from the start.
"""

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from ledger.application import Ledger
from ledger.common.context import Receipt
from ledger.common.errors import LedgerError
from ledger.common.values import to_us
from ledger.core.commands import Command
from ledger.deductions.commands import (
    AcknowledgeDeduction,
    AppealDeduction,
    ConfirmDeduction,
    DismissDeduction,
    NameOffender,
    OverturnDeduction,
    ProposeDeduction,
    ReduceDeduction,
    UpholdDeduction,
    WaiveDeduction,
)
from ledger.log.clock import Clock
from ledger.log.milestones import DAY_CLOSED
from ledger.log.verify import verify
from ledger.people.commands import (
    ApproveLeave,
    AssignPost,
    CorrectAttendance,
    EndPost,
    JoinMember,
    LeaveShop,
    RecordAttendance,
    RefuseLeave,
    RequestLeave,
    SetSupervisor,
    WithdrawLeave,
)
from ledger.policies.commands import PublishPolicy
from ledger.policies.values import (
    Band,
    Escalation,
    Policy,
    Rule,
    Scorecard,
    ScorecardItem,
    Scoring,
    Sections,
)
from ledger.scores.commands import GradeMember, ReopenMonth, RestateMonth, SealMonth, SetBonus
from ledger.scores.values import LeftOut
from ledger.settings import Settings, open_ledger
from projections.asking.clocks import AsOf
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.deductions import Deductions
from projections.reports import REPORTS, run
from projections.scores.accounts import Months
from projections.store.models import ReadModels
from tests.support.builders import context
from tests.support.score_oracle import (
    AGENT,
    BANDS,
    CARDS,
    CHEN,
    COMMITTEE,
    GAO,
    GONE,
    HEAD,
    HEADS,
    ITEM,
    KEEPER,
    LATER,
    LAWS,
    LI,
    LIU,
    MEMBERS,
    MING,
    SECOND_FROM,
    SUN,
    TERMS,
    WANG,
    ZHAO,
    ZHOU,
    Case,
    Law,
    Oracle,
    Pair,
    days_later,
    graded_items,
    held_in,
    laws_on,
    next_month,
    second_grader,
)
from tests.support.team import JOINED, at
from tests.support.typed import must_be_typed

NOBODY = "member:nobody"
JUNE, FIRST, LAST = "2026-06-30", "2026-07-06", "2026-10-31"
MONTHS = ("2026-07", "2026-08", "2026-09")
DAYS = ("2026-07-03", "2026-07-05", "2026-07-20", "2026-08-03", "2026-08-12", "2026-08-20",
        "2026-09-02", "2026-09-14")
CODES = [code for code, law in LAWS.items() if not law.kind]
HABITS = ("THIRD", "RANGE", "LATE")
FIGURES = {"committee", "second", "bonus", "deductions", "score", "coefficient", "share", "days",
           "part"}
HOW = {"upheld": UpholdDeduction, "reduced": ReduceDeduction, "overturned": OverturnDeduction}

numbers = st.sampled_from((*"12345", "10", "7wT0", "7wR1", "8wT1", "8zR0"))
codes = st.sampled_from([*CODES, "RANGE", "THIRD", "THIRD", "SHARED", "SHARED", "GROUP", "KEEP"])
days = st.sampled_from(DAYS)
months = st.sampled_from(MONTHS)
agents = st.sampled_from((WANG, WANG, ZHAO))
members = st.sampled_from(MEMBERS)
charged = st.sampled_from((WANG, WANG, WANG, ZHAO, ZHAO, MING, LI, LI, GAO))
actors = st.sampled_from((*MEMBERS, ZHOU, CHEN, LIU, SUN, NOBODY, "system", "cli:a"))
judges = st.sampled_from((SUN, SUN, LIU, LIU, ZHOU, CHEN, LI, WANG, ZHAO))
heads = st.sampled_from((CHEN, CHEN, CHEN, LI, LI, ZHOU, WANG, LIU, GAO, NOBODY))
back = st.sampled_from((0, 0, 0, 0, 3, 35))
hours = st.sampled_from((0, 9, 12))
prices = st.dictionaries(st.sampled_from(("offender", "supervisor", "all_of_post")),
                         st.sampled_from(("0.5", "1", "2", "2.5", "3", "4", "9")), max_size=1)
marks = st.sampled_from(("55", "70.5", "80", "90", "100"))


# -- the shop -------------------------------------------------------------------------------------


def printed(code: str, law: Law) -> Rule:
    """A rule as it is published."""
    return Rule(
        code=code, posts=list(law.posts), zh=code, en=code, per=law.per, counts_in=law.item,
        charges={party: list(span or ()) for party, span in law.charges.items()},
        exempt="objective" if law.exempt else None, excludes=law.excludes or None,
        escalation=Escalation(*law.more) if law.more else None, on_loss=law.on_loss,
        computed_from=[law.kind] if law.kind else [])


def cards() -> list[Scorecard]:
    """The scorecards as they are published."""
    computed = [code for code, law in LAWS.items() if law.item == ITEM]
    return [Scorecard(post=post, normalise=bool(scaled),
                      second_grader="supervisor" if post == HEAD else "member", items=[
                          ScorecardItem(item=item, weight=weight, zh=item, en=item,
                                        computed_from=computed if item == ITEM else [])
                          for item, weight in weights.items()])
            for post, (weights, scaled) in CARDS.items()]


def bands() -> list[Band]:
    """The bands as they are published."""
    lows = [None, *(below for below, _ in BANDS)]
    return [Band(coefficient=factor, at_least=low, below=below)
            for low, (below, factor) in zip(lows, BANDS, strict=False)]


def opening() -> list[Command]:
    """People, posts and both policies."""
    start = at(JOINED)
    found: list[Command] = [PublishPolicy(
        policy=Policy(title="first", sections=Sections(
            rules=[printed(*one) for one in LAWS.items()], scorecards=cards(),
            scoring=Scoring(bonus_posts=[AGENT]), coefficients=bands())),
        effective_from=JOINED, occurred_at=start), PublishPolicy(
        policy=Policy(title="second", sections=Sections(
            rules=[printed(*one) for one in LATER.items()])),
        effective_from=SECOND_FROM, occurred_at=start)]
    found += [JoinMember(member=member, joined_on=JOINED, occurred_at=start) for member in MEMBERS]
    for member, post, since, until in TERMS:
        found.append(AssignPost(member=member, post=post, since=since or JOINED,
                                occurred_at=start))
        if until is not None and member not in GONE:
            found.append(EndPost(member=member, post=post, until=until, occurred_at=start))
    found += [SetSupervisor(member=member, supervisor=head, since=since or JOINED,
                            occurred_at=start) for member, head, since in HEADS]
    found += [AssignPost(member=ZHOU, post=KEEPER, since=SECOND_FROM, occurred_at=start),
              EndPost(member=ZHOU, post=KEEPER, until=days_later(SECOND_FROM, -1),
                      occurred_at=start)]  # that was a mistake
    return found + [LeaveShop(member=member, last_day=day, occurred_at=start)
                    for member, day in GONE.items()]


def in_numbers(row: dict[str, Any]) -> dict[str, Any]:
    """A row of the report with decimals where it has texts."""
    return {name: Decimal(value) if name in FIGURES and value is not None else value
            for name, value in row.items()}


class Shop(RuleBasedStateMachine):
    """Nine members, one of whom changes posts and one of whom leaves; three months."""

    def setup_store(self) -> Any:
        """Where the log lies."""
        return open_ledger(Settings(database_url="memory:", keys_url="memory:",
                                    master_key_file=None), clock=self.clock())

    def clock(self) -> Clock:
        """The clock stands at noon of the latest day so far."""
        return Clock(wall=self.now, steady=self.now)

    def now(self) -> int:
        """What the clock shows."""
        return to_us(at(self.oracle.today))

    @property
    def day(self) -> str:
        """The day on which things happen."""
        return self._day

    @day.setter
    def day(self, day: str) -> None:
        self._day = day
        self.oracle.today = max(day, self.oracle.today)

    @initialize(start=st.sampled_from((FIRST, "2026-08-04", "2026-09-03", "2026-10-02")),
                history=st.lists(st.tuples(codes, days, charged, st.sampled_from((*HOW, ""))),
                                 max_size=3),
                habits=st.lists(st.tuples(st.sampled_from(HABITS), agents, months),
                                max_size=2), closed=st.integers(0, 3))
    def open_shop(
        self, start: str, history: list[tuple[str, str, str, str]], *,
        habits: list[tuple[str, str, str]], closed: int,
    ) -> None:
        """A shop with a past, of which some months may be sealed."""
        self.found()
        self.day = start
        for code, who, month in habits:
            self.take_on(code, who, month, times=3)
        for number, (code, day, who, how) in enumerate(history, 1):
            self.take_far(str(number), code, day, who=who, far=3 if how else 2, how=how)
        for month in MONTHS[:closed]:
            if month < start[:7]:
                self.close(month, again=False, mark="90")

    def found(self) -> None:
        """People, rules and nothing else."""
        self.oracle = Oracle()
        self.day = FIRST
        self.opened = self.setup_store()
        self.ledger: Ledger = self.opened.ledger
        self.models = ReadModels(self.opened.store, (Months(), Deductions()))
        self.facts: list[tuple[dict[str, Any], int]] = []
        for result in self.ledger.handle_many([(one, context()) for one in opening()]):
            assert isinstance(result, Receipt), result
        self.head = self.ledger.head().position

    def teardown(self) -> None:
        if not hasattr(self, "opened"):
            return
        try:
            self.all_agrees()
        finally:
            self.models.close()
            self.opened.close()

    def send(self, actor: str, make: Callable[[], Command], *, may: bool,
             then: Callable[[], Any] = lambda: None) -> Receipt | None:
        """Ask for something: it is accepted if and only if it may be, and then it is decided.

        A refusal leaves nothing but itself.
        """
        command = make()
        try:
            receipt = self.ledger.handle(command, context(actor=actor))
        except LedgerError as error:
            assert not may, f"{actor} is refused {command}: {type(error).__name__}: {error}"
            for entry in self.recorded():
                assert entry.stream.startswith("command:"), entry
            return None
        assert may, f"{actor} may {command} on {self.oracle.today}"
        for entry in self.recorded():
            assert entry.type != "command.refused.v1"
        then()
        return receipt

    def recorded(self) -> list[Any]:
        """What was recorded since it was asked for the last time."""
        found = self.ledger.store.read("main", after=self.head, limit=1_000)
        self.head += len(found)
        return [entry for entry in found if entry.type != DAY_CLOSED]

    def when(self, days_back: int) -> str:
        """Today, or a day before: times are given, not taken from a clock."""
        return max(JUNE, days_later(self.day, -days_back))

    def past(self, day: str) -> str:
        """A day, or today if that is earlier."""
        return min(day, self.day)

    @rule(more=st.integers(1, 30))
    def pass_time(self, more: int) -> None:
        self.day = min(LAST, days_later(self.day, more))

    # -- deductions -------------------------------------------------------------------------------

    @rule(number=numbers, code=codes, day=days, offender=st.none() | charged | members,
          actor=actors, about=st.sampled_from(("order:a", "order:b", "review:c")),
          more=st.tuples(st.sampled_from((1, 1, 1, 2)), st.booleans(), hours))
    def propose(
        self, number: str, code: str, day: str, *, offender: str | None, actor: str, about: str,
        more: tuple[int, bool, int], renews: str | None = None,
    ) -> None:
        occurrence, loss, hour = more
        day = self.past(day)
        if "all_of_post" in LAWS[code].charges and occurrence == 1:
            offender = None
        case = Case(number, code, day, about, actor, offender, occurrence, loss, hour, renews)
        self.send(actor, lambda: ProposeDeduction(
            number=number, rule=code, about=about, breached_at=at(day, hour),
            occurred_at=at(self.day), offender=offender, evidence=[1], occurrence=occurrence,
            loss=loss, renews=renews and f"deduction:{renews}"),
            may=self.oracle.may_propose(case),
            then=lambda: self.oracle.propose(case, self.day))

    @rule(pick=st.integers(0, 9), number=numbers, actor=actors, dismissing=st.booleans())
    def renew(self, pick: int, number: str, actor: str, dismissing: bool) -> None:
        """What was dismissed, or is yet to be, is proposed again."""
        states = ("dismissed", "proposed" if dismissing else "dismissed")
        found = [case for case in self.oracle.cases.values() if case.state in states]
        if not found:
            return
        case = found[pick % len(found)]
        if dismissing:
            self.dismiss(case.number, SUN)
        self.propose(number, case.code, case.day, offender=case.offender, actor=actor,
                     about=case.about, more=(case.occurrence, case.loss, 0), renews=case.number)

    def on(self, number: str, day: str, **fields: Any) -> dict[str, Any]:
        """The fields of a command on a deduction."""
        return {"deduction": f"deduction:{number}", "occurred_at": at(day), **fields}

    def of(self, number: str, *states: str) -> str:
        """The number of a case, or of one in these states where there is none of that number."""
        known = sorted(number for number, case in self.oracle.cases.items()
                       if case.state in states)
        if number in self.oracle.cases or number == "1" or not known:
            return number
        return known[sum(map(ord, number)) % len(known)]

    @rule(number=numbers, offender=charged, actor=actors, days_back=back)
    def name(self, number: str, offender: str, actor: str, days_back: int) -> None:
        number, day = self.of(number, "proposed"), self.when(days_back)
        self.send(actor, lambda: NameOffender(**self.on(number, day, offender=offender)),
                  may=self.oracle.may_name(number, offender, actor, day),
                  then=lambda: self.oracle.name(number, offender, actor, day))

    @rule(number=numbers, actor=actors, points=prices, days_back=back)
    def confirm(self, number: str, actor: str, points: dict[str, str], days_back: int) -> None:
        number, day = self.of(number, "proposed"), self.when(days_back)
        self.send(actor, lambda: ConfirmDeduction(**self.on(number, day, points=points)),
                  may=self.oracle.may_confirm(number, actor, day, points),
                  then=lambda: self.oracle.confirm(number, actor, day, points))

    @rule(number=numbers, actor=actors, who=st.lists(charged, max_size=2), days_back=back)
    def waive(self, number: str, actor: str, who: list[str], days_back: int) -> None:
        number, day = self.of(number, "proposed", "confirmed"), self.when(days_back)
        self.send(actor, lambda: WaiveDeduction(**self.on(number, day, cause="power cut",
                                                          members=who)),
                  may=self.oracle.may_waive(number, actor, day, who),
                  then=lambda: self.oracle.waive(number, actor, day, who))

    @rule(number=numbers, actor=actors)
    def dismiss(self, number: str, actor: str) -> None:
        number = self.of(number, "proposed")
        self.send(actor, lambda: DismissDeduction(**self.on(number, self.day, reason="not so")),
                  may=self.oracle.may_dismiss(number, actor, self.day),
                  then=lambda: self.oracle.dismiss(number, actor, self.day))

    @rule(number=numbers, actor=charged | actors)
    def acknowledge(self, number: str, actor: str) -> None:
        number = self.of(number, "confirmed")
        self.send(actor, lambda: AcknowledgeDeduction(**self.on(number, self.day)),
                  may=self.oracle.is_charged(number, actor, self.day),
                  then=lambda: self.oracle.acknowledge(number, actor, self.day))

    @rule(number=numbers, actor=charged | actors, days_back=back)
    def appeal(self, number: str, actor: str, days_back: int) -> None:
        number, day = self.of(number, "confirmed"), self.when(days_back)
        self.send(actor, lambda: AppealDeduction(**self.on(number, day, reason="I was away")),
                  may=self.oracle.may_appeal(number, actor, day),
                  then=lambda: self.oracle.appeal(number, actor, day))

    @rule(pick=st.integers(0, 9), actor=charged, waiver=judges, alone=st.booleans(), other=charged)
    def excuse(self, pick: int, actor: str, waiver: str, *, alone: bool, other: str) -> None:
        """A member appeals, and somebody excuses them, or all; then they would judge another."""
        found = [case for case in self.oracle.cases.values() if case.shares]
        if found:
            number = found[pick % len(found)].number
            self.appeal(number, actor, 0)
            self.waive(number, waiver, [actor] if alone else [], 0)
            self.appeal(number, other, 0)
            self.decide(number, other, actor, how="upheld", points="", days_back=0)

    @rule(number=numbers, who=charged, actor=actors, how=st.sampled_from(tuple(HOW)),
          points=st.sampled_from(("0", "0.5", "1.5", "2")), days_back=back)
    def decide(self, number: str, who: str, actor: str, *, how: str, points: str,
               days_back: int) -> None:
        number, day = self.of(number, "confirmed"), self.when(days_back)
        may = self.oracle.may_decide_appeal(number, who, actor, day)
        more = {"points": points} if how == "reduced" else {}
        if may and more:
            may = 0 < Decimal(points) < self.oracle.cases[number].shares[who][2]
        self.send(actor, lambda: HOW[how](**self.on(number, day, member=who, reason="heard",
                                                    **more)),
                  may=may, then=lambda: self.oracle.decide_appeal(number, who, day, how, points))

    @rule(number=numbers, code=codes, day=days, who=charged, far=st.integers(1, 3),
          how=st.sampled_from(tuple(HOW)), days_back=back)
    def take_far(self, number: str, code: str, day: str, *, who: str, far: int, how: str,
                 days_back: int = 0) -> None:
        """A deduction goes so far at once: confirmed, appealed, decided."""
        group = "all_of_post" in LAWS[code].charges
        self.propose(number, code, day, offender=None if group else who, actor=CHEN,
                     about=f"order:{number}", more=(1, False, 9))
        party, span = next(iter(laws_on(self.past(day))[code].charges.items()))
        self.confirm(number, SUN, {party: span[1]} if span else {}, days_back)
        if far > 1:
            self.appeal(number, who, days_back)
        if far > 2:
            self.decide(number, who, LIU, how=how, points="0.5", days_back=0)

    @rule(code=codes, day=days, who=st.none() | charged, judge=judges,
          steps=st.lists(st.tuples(st.sampled_from(("name", "excuse", "excuse all", "dismiss",
                                                    "confirm", "see", "appeal", "later")),
                                   charged, judges), min_size=1, max_size=5))
    def weigh(self, code: str, day: str, *, who: str | None, judge: str,
              steps: list[tuple[str, str, str]]) -> None:
        """A deduction is looked at from all sides, by whomever."""
        number = str(20 + len(self.oracle.cases))
        group = "all_of_post" in LAWS[code].charges
        self.propose(number, code, day, offender=None if group else who, actor=judge,
                     about=f"order:{number}", more=(1, False, 9))
        party, span = next(iter(laws_on(self.past(day))[code].charges.items()))
        for what, member, by in steps:
            match what:
                case "name":
                    self.name(number, member, by, 0)
                case "excuse":
                    self.waive(number, by, [member], 0)
                case "excuse all":
                    self.waive(number, by, [], 0)
                case "dismiss":
                    self.dismiss(number, by)
                    self.renew(len(self.oracle.cases) - 1, f"{number}r", by, False)
                case "confirm":
                    self.confirm(number, by, {party: span[1]} if span else {}, 0)
                case "see":
                    self.acknowledge(number, member)
                case "appeal":
                    self.appeal(number, member, 0)
                case _:
                    self.pass_time(5)

    @rule(pick=st.integers(0, 9), how=st.sampled_from(("overturned", "overturned", *HOW)),
          points=st.sampled_from(("0", "0.5", "1.5")), by=judges)
    def reconsider(self, pick: int, how: str, points: str, by: str) -> None:
        """Of what stands, something is appealed, as in time as need be, and decided."""
        stands = sorted((number, who) for number, case in self.oracle.cases.items()
                        for who in case.shares if case.appeals.get(who) in (None, "appealed"))
        if stands:
            number, who = stands[pick % len(stands)]
            until, late = self.oracle.cases[number].until, 0
            while late < 100 and days_later(self.day, -late) > until:
                late += 1
            self.appeal(number, who, late)
            self.decide(number, who, by, how=how, points=points, days_back=0)

    @rule(code=st.sampled_from(HABITS), who=agents, month=months, times=st.integers(2, 4))
    def take_on(self, code: str, who: str, month: str, times: int) -> None:
        """Somebody breaks a rule over and over, so that it counts more."""
        for count, day in enumerate(("09", "01", "09", "10")[:times]):
            if code == "LATE":
                self.attend(who, self.past(f"{month}-{day}"), actor=CHEN, kind="late", days_back=0)
                continue
            number = f"{month[-1]}{who[7]}{code[0]}{count}"
            self.propose(number, code, f"{month}-{day}", offender=who, actor=CHEN,
                         about=f"order:{number}", more=(1, False, (12, 9, 0, 9)[count]))
            price = {"offender": ("2", "4", "2.5", "3")[count]} if code == "RANGE" else {}
            self.confirm(number, SUN, price, 0)

    # -- presence ---------------------------------------------------------------------------------

    @rule(member=charged | members, day=days, actor=heads, days_back=back,
          kind=st.sampled_from(("late", "late", "late", "absent", "present")))
    def attend(self, member: str, day: str, *, actor: str, kind: str, days_back: int) -> None:
        today = self.when(days_back)
        receipt = self.send(
            actor, lambda: RecordAttendance(member=member, day=day, kind=kind,
                                            occurred_at=at(today)),
            may=self.oracle.may_record(member, day, actor, today=today))
        if receipt is not None:
            fact = self.oracle.record(member, day, kind, today)
            (entry,) = self.ledger.store.read("main", after=receipt.positions[0] - 1, limit=1)
            self.facts.append((fact, msgspec.json.decode(entry.payload)["number"]))

    @rule(index=st.integers(0, 9), actor=heads)
    def correct(self, index: int, actor: str) -> None:
        if index >= len(self.facts):
            return
        fact, number = self.facts[index]
        self.send(actor, lambda: CorrectAttendance(
            member=fact["member"], month=fact["day"][:7], number=number, reason="a slip",
            occurred_at=at(self.day)), may=self.oracle.may_correct(fact, actor),
            then=lambda: self.oracle.correct(fact, self.day))

    @rule(member=charged, number=st.sampled_from("abcd"), day=days, length=st.integers(1, 3),
          days_back=back, actor=heads | st.none())
    def request_leave(self, member: str, number: str, day: str, *, length: int,
                  days_back: int, actor: str | None = None) -> None:
        asked, today = [days_later(day, more) for more in range(length)], self.when(days_back)
        by = actor or member
        self.send(by, lambda: RequestLeave(member=member, number=number, days=asked,
                                       occurred_at=at(today)),
                  may=self.oracle.may_request_leave(member, number, asked, by=by, today=today),
                  then=lambda: self.oracle.request_leave(member, number, asked, by))

    @rule(member=charged, number=st.sampled_from("abcd"), day=days, withdrawn=st.booleans())
    def take_leave(self, member: str, number: str, day: str, withdrawn: bool) -> None:
        """Leave that was asked for in time, and is approved or taken back by now."""
        self.request_leave(member, number, day, length=2, days_back=100)
        self.decide_leave(member, number, CHEN, approving=True)
        if withdrawn:
            self.withdraw_leave(member, number, CHEN, days=[], days_back=100)

    @rule(member=charged, number=st.sampled_from("abcd"), actor=heads,
          approving=st.sampled_from((True, True, True, False)), days_back=back)
    def decide_leave(self, member: str, number: str, actor: str, *, approving: bool,
                     days_back: int = 0) -> None:
        today, known = self.when(days_back), {"member": member, "number": number}
        if approving:
            self.send(actor, lambda: ApproveLeave(**known, occurred_at=at(today)),
                      may=self.oracle.may_approve(member, number, actor, today),
                      then=lambda: self.oracle.approve(member, number, actor, today))
            return
        self.send(actor, lambda: RefuseLeave(**known, reason="inventory", occurred_at=at(today)),
                  may=self.oracle.may_refuse(member, number, actor, today),
                  then=lambda: self.oracle.refuse(member, number, actor))

    @rule(member=charged, number=st.sampled_from("abcd"), actor=heads | charged, days_back=back,
          days=st.lists(days, max_size=2, unique=True).map(sorted))
    def withdraw_leave(self, member: str, number: str, actor: str, *, days: list[str],
                       days_back: int) -> None:
        today = self.when(days_back)
        self.send(actor, lambda: WithdrawLeave(member=member, number=number, days=days,
                                               occurred_at=at(today)),
                  may=self.oracle.may_withdraw(member, number, actor, days=days, today=today),
                  then=lambda: self.oracle.withdraw(member, number, days, today))

    # -- months -----------------------------------------------------------------------------------

    @rule(member=members, month=months, post=st.sampled_from((AGENT, HEAD, KEEPER, COMMITTEE)),
          sheet=st.sampled_from(("committee", "second")), actor=actors,
          marked=st.dictionaries(st.sampled_from(("work/1", "manner/1", ITEM)), marks, min_size=1))
    def grade(self, member: str, month: str, post: str, *, sheet: str, actor: str,
              marked: dict[str, str]) -> None:
        pair = member, post
        self.send(actor, lambda: GradeMember(
            member=member, month=month, post=post, sheet=sheet, grades=marked,
            occurred_at=at(self.day)),
            may=self.oracle.may_grade(pair, month, sheet, by=actor, day=self.day,
                                      items=list(marked)),
            then=lambda: self.oracle.grade(pair, month, sheet, by=actor, day=self.day,
                                           grades=marked))

    @rule(mark=marks, other=marks)
    def grade_in_turn(self, mark: str, other: str) -> None:
        """Li is graded by whoever is her head, and by the next one."""
        for given in (mark, other):
            second = str(second_grader(LI, HEAD, min(self.day, "2026-09-30")))
            self.grade(LI, "2026-09", HEAD, sheet="second", actor=second, marked={"work/1": given})
            self.pass_time(8)

    @rule(month=months, mark=marks, both=st.booleans())
    def grade_all(self, month: str, mark: str, both: bool) -> None:
        """Everybody gets a grade where none is; the committee has one or two voices."""
        if self.day < f"{month}-01" or self.oracle.sealed(month):
            return
        for who, post in sorted(held_in(month)):
            second = second_grader(who, post, min(self.day, f"{month}-28"))
            for sheet, actor in (("committee", LIU), ("committee", SUN), ("second", second)):
                if actor == SUN and not both:
                    continue
                if not self.oracle.parts(who, month, post, sheet)[1] or actor == SUN:
                    more = {"60": "61.3"}.get(mark, mark) if actor == SUN else mark
                    self.grade(who, month, post, sheet=sheet, actor=str(actor),
                               marked=dict.fromkeys(graded_items(post), more))

    @rule(member=charged, month=months, task=st.sampled_from("ab"), actor=actors,
          points=st.sampled_from(("0", "3", "7.5", "15")))
    def bonus(self, member: str, month: str, *, task: str, actor: str, points: str) -> None:
        pair = member, HEAD if member == LI else AGENT
        self.send(actor, lambda: SetBonus(member=member, month=month, post=pair[1], task=task,
                                          points=points, occurred_at=at(self.day)),
                  may=self.oracle.may_set_bonus(pair, month, task, by=actor, day=self.day,
                                                points=points),
                  then=lambda: self.oracle.set_bonus(pair, month, task, points, day=self.day))

    @rule(month=months, actor=actors, again=st.booleans(), days_back=back,
          out=st.lists(st.tuples(members, st.sampled_from((AGENT, HEAD))), max_size=1))
    def seal(self, month: str, actor: str, again: bool, *, out: Sequence[Pair],
             days_back: int) -> None:
        left_out, day = [LeftOut(who, post, "absent") for who, post in out], self.when(days_back)
        fields: dict[str, Any] = {"month": month, "occurred_at": at(day), "left_out": left_out}
        may = self.oracle.may_close(month, actor, day) and self.oracle.may_seal(
            month, out, day=day, again=again)
        self.send(actor, lambda: RestateMonth(**fields, reason="an appeal") if again
                  else SealMonth(**fields), may=may,
                  then=lambda: self.oracle.seal(month, out, day=day, again=again))

    @rule(month=months, again=st.booleans(), mark=marks)
    def close(self, month: str, again: bool, mark: str) -> None:
        """Grade, and seal or restate, leaving out who cannot be graded; it may have to be later."""
        if month not in self.oracle.seals:
            month = self.oracle.due() or month
        if month not in MONTHS:
            return
        self.day = max(self.day, f"{next_month(month)}-02")
        self.grade_all(month, mark, both=False)
        self.seal(month, CHEN, again, out=self.ungraded(month), days_back=0)

    def ungraded(self, month: str) -> list[Pair]:
        """Who cannot be given a figure."""
        return [pair for pair, row in self.oracle.live(month).items() if row["score"] is None]

    @rule(month=months, who=charged, mark=marks)
    def close_without(self, month: str, who: str, mark: str) -> None:
        """The next month is closed, or one that is open again, and somebody is left out of it."""
        if month not in self.oracle.seals:
            month = self.oracle.due() or month
        if month not in MONTHS:
            return
        self.day = max(self.day, f"{next_month(month)}-02")
        self.grade_all(month, mark, both=False)
        out = {pair for pair in held_in(month) if pair[0] == who} | {*self.ungraded(month)}
        self.seal(month, CHEN, month in self.oracle.seals, out=sorted(out), days_back=0)

    @rule(month=months, actor=actors, days_back=back)
    def reopen(self, month: str, actor: str, days_back: int) -> None:
        day = self.when(days_back)
        self.send(actor, lambda: ReopenMonth(month=month, reason="an appeal", occurred_at=at(day)),
                  may=self.oracle.may_reopen(month, actor, day),
                  then=lambda: self.oracle.reopen(month, day))

    @rule(month=months, who=charged, mark=marks, wait=st.booleans())
    def mend(self, month: str, who: str, mark: str, wait: bool) -> None:
        """A sealed month is opened again for a grade, and closed by and by."""
        self.reopen(month, CHEN, 0)
        pair = who, HEAD if who == LI else AGENT
        second = str(second_grader(who, pair[1], min(self.day, f"{month}-28")))
        self.grade(who, month, pair[1], sheet="second", actor=second, marked={"work/1": mark})
        if not wait:
            self.close(month, again=True, mark=mark)

    @rule(month=st.sampled_from(MONTHS[:2]), day=st.sampled_from(("05", "20")),
          code=codes | st.just("KEEP"), who=st.sampled_from((WANG, ZHAO, MING, MING)), mark=marks,
          how=st.sampled_from(tuple(HOW)))
    def lend(self, month: str, day: str, *, code: str, who: str, mark: str, how: str) -> None:
        """A charge of a closed month counts in the next one; that is closed, and the first one is
        opened again before the appeal is decided."""
        number = str(40 + len(self.oracle.cases))
        self.close(month, again=False, mark=mark)
        self.take_far(number, code, f"{month}-{day}", who=who, far=2, how="")
        self.close(next_month(month), again=False, mark=mark)
        self.reopen(month, CHEN, 0)
        self.decide(number, who, LIU, how=how, points="0.5", days_back=0)

    # -- what always holds ------------------------------------------------------------------------

    @rule(month=months)
    def look(self, month: str) -> None:
        """Between looks the read models may fall behind by any amount."""
        self.agrees(self.models, month)

    def rows(self, models: ReadModels, name: str, **asked: Any) -> list[dict[str, Any]]:
        """The rows of a report, which are as it declares them."""
        answer = run(models, "main", name, Question(**asked))
        must_be_typed(answer, REPORTS[name])
        return answer.rows

    def agrees(self, models: ReadModels, month: str) -> None:
        """A month's report is the oracle's: so a sealed figure is what it was when it was sealed.
        """
        shown = [in_numbers(row) for row in self.rows(models, "scores", month=month)]
        assert shown == self.oracle.report(month)

    @invariant()
    def sealed_months_compute_to_what_was_sealed(self) -> None:
        """What standing charges cost, less what went elsewhere, is what was sealed; and what went
        elsewhere is there: nothing is lost, nothing is taken twice."""
        if not hasattr(self, "opened"):
            return
        for month in filter(self.oracle.sealed, self.oracle.seals):
            for (who, post), row in self.oracle.seals[month]["figures"].items():
                given = self.oracle.given(row, month)
                assert given - row["part"] == self.oracle.taken(who, month, post)
        sums: dict[Pair, Decimal] = {}
        for (who, _, post), points in self.oracle.carried.items():
            sums[who, post] = sums.get((who, post), Decimal(0)) + points
        assert not any(sums.values())

    def known_months(self) -> list[str]:
        """The months of the facts, and those after them to which something was carried."""
        found = [*MONTHS]
        while found[-1] < "2027-01":
            found.append(next_month(found[-1]))
        return found

    def all_agrees(self) -> None:
        """Every report, from read models that followed and from some that are built afresh."""
        report = verify(self.opened.store, "main")
        assert report.ok, report.problems
        batch = 1 + (self.head * 7) % 23
        fresh = ReadModels(self.opened.store, PROJECTIONS, batch=batch)
        try:
            for month in self.known_months():
                self.agrees(self.models, month)
                self.agrees(fresh, month)
            for name in ("deductions", "appeals", "decisions", "closings", "score-history"):
                assert self.rows(fresh, name) == self.rows(self.models, name)
            self.charges_are_conserved()
            self.register_agrees()
            self.terms_add_up()
            self.the_past_answers()
        finally:
            fresh.close()

    def charges_are_conserved(self) -> None:
        """What the reports of all months take from a member is what the charges left cost."""
        months = self.known_months()
        assert self.taken() == {who: sum(
            (cost for month in months for cost in self.oracle.costs(who, month).values()),
            Decimal(0)) for who in MEMBERS}

    def taken(self) -> dict[str, Decimal]:
        """What the reports of all months take from each member."""
        taken = dict.fromkeys(MEMBERS, Decimal(0))
        for month in self.known_months():
            shown = {(row["member"], row["post"]): in_numbers(row)
                    for row in self.rows(self.models, "scores", month=month)}
            for who, post in held_in(month):
                row = shown.get((who, post))
                lost = self.oracle.taken(who, month, post)  # of who is left out
                if row is not None and row["part"] is not None:
                    lost = self.oracle.given(row, month) - row["part"]
                elif row is not None:
                    lost = row["deductions"] + self.oracle.in_item(who, month, post)
                taken[who] += lost
            for who in {*MEMBERS} - {who for who, _ in held_in(month)}:
                taken[who] += sum(self.oracle.owed(who, month).values(), Decimal(0))
        return taken

    def register_agrees(self) -> None:
        """The deductions: their states, who is charged what, and what became of appeals."""
        shown = {row["deduction"].partition(":")[2]: row
                for row in self.rows(self.models, "deductions")}
        assert set(shown) == set(self.oracle.cases)
        for number, case in self.oracle.cases.items():
            row = shown[number]
            assert (row["state"], row["proposed_by"], row["decided_by"] or "", row["offender"],
                    row["policy_version"], row["appeal_until"] or "") == (
                case.state, case.proposer, case.decider, case.offender,
                2 if case.day >= SECOND_FROM else 1, case.until)
            standing = {one["member"]: (one["party"], one["post"], Decimal(one["points"]))
                        for one in row["shares"] if one["stands"]}
            assert standing == case.shares
            assert Decimal(row["points"]) == sum(share[2] for share in case.shares.values())
            assert {one["member"]: one["appeal"] for one in row["shares"] if one["appeal"]} \
                == case.appeals

    def terms_add_up(self) -> None:
        """The terms of a score: they add up to it, or to what is graded of it so far."""
        for month in MONTHS:
            for row in self.oracle.report(month):
                who, post = row["member"], row["post"]
                terms = self.rows(self.models, "score-terms", month=month, subject=who)
                sum_ = sum(Decimal(one["amount"]) for one in terms if one["post"] == post)
                assert sum_ == self.oracle.given(row, month) - self.oracle.taken(who, month, post)
                assert row["part"] in (None, sum_)

    def the_past_answers(self) -> None:
        """As of the head both ways, and as of any day of the business, an answer comes."""
        for month in MONTHS:
            now = self.rows(self.models, "scores", month=month)
            assert self.rows(self.models, "scores", month=month,
                             as_of=AsOf.parse(self.head)) == now
        for seen in range(3):
            day = days_later(FIRST, (self.head * (seen + 5) * 13) % 118)
            for month in MONTHS:
                self.rows(self.models, "scores", month=month,
                          as_of=AsOf.parse(None, None, day))
