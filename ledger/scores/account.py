"""A member's month: grades, bonus work and charges, from which the score is made.

A change to a month that is sealed is recorded here too, and its effect is carried to the open
month: the score of a sealed month stays what it was, and nothing is lost.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import msgspec

from ledger.common.bounds import Words
from ledger.common.decimals import ZERO, plain
from ledger.common.personal import Personal, Plain
from ledger.core.aggregate import Aggregate, event
from ledger.scores.charges import Charges, cost_in, counted, whole_cost, with_charge
from ledger.scores.values import SECOND_SHEET, SHEETS, Bonus, Carry, Charge, Figure, Lent

Grades = Mapping[str, Mapping[str, str]]
"""Grades by grader and item. Units: percent of the item's weight."""


class Account(Aggregate):
    """A member's month; its stream is `month:<member>:<YYYY-MM>`."""

    KIND = "month"

    def begin(self) -> None:
        """Nothing was graded, granted or charged."""
        self.grades: Mapping[str, Grades] = {}
        self.bonuses: Mapping[str, Mapping[str, Bonus]] = {}
        self.charges: Charges = {}
        self.reversed: Charges = {}
        self.carried: Mapping[str, str] = {}
        self.lent: tuple[Lent, ...] = ()
        self.figures: tuple[Figure, ...] = ()

    # -- facts ------------------------------------------------------------------------------------

    class Graded(Aggregate.Event):
        """Somebody graded items of a sheet. Units: percent of each item's weight."""

        TOPIC = "month.graded.v1"
        member: str
        post: str
        sheet: Annotated[str, Words(*SHEETS)]
        grades: dict[str, str]
        grader: str
        note: Personal | None = None

        def about(self) -> list[str]:
            """The member."""
            return [self.member]

    class BonusSet(Aggregate.Event):
        """Points for a voluntary task; 0 takes them back."""

        TOPIC = "month.bonus_set.v1"
        member: str
        post: str
        task: str
        points: str
        note: Personal | None = None

        def about(self) -> list[str]:
            """The member."""
            return [self.member]

    class Charged(Aggregate.Event):
        """Points were charged. `carried` says what of it counts in another month, where this one
        was sealed: by post, since a rule that escalates may change what charges of another post
        count."""

        TOPIC = "month.charged.v1"
        member: str
        charge: Charge
        carried: list[Carry] = []

        def about(self) -> list[str]:
            """The member, and the deduction."""
            return _about(self.member, self.charge.charge)

    class ChargeReduced(Aggregate.Event):
        """A charge is smaller from now on; the deduction says why."""

        TOPIC = "month.charge_reduced.v1"
        member: str
        charge: str
        points: str
        carried: list[Carry] = []

        def about(self) -> list[str]:
            """The member, and the deduction."""
            return _about(self.member, self.charge)

    class ChargeReversed(Aggregate.Event):
        """A charge counts as if it had never been made; what it was made for says why."""

        TOPIC = "month.charge_reversed.v1"
        member: str
        charge: str
        carried: list[Carry] = []

        def about(self) -> list[str]:
            """The member, and the deduction."""
            return _about(self.member, self.charge)

    class EffectCarried(Aggregate.Event):
        """What a change in another month costs is counted here; when that month is reopened, it is
        counted there again. Units: points; below 0 is a credit."""

        TOPIC = "month.effect_carried.v1"
        member: str
        post: str
        from_month: str
        charge: str
        points: str

        def about(self) -> list[str]:
            """The member, and the deduction."""
            return _about(self.member, self.charge)

    class Sealed(Aggregate.Event):
        """These figures are final; `restatement` is the number of the month's restatement."""

        TOPIC = "month.sealed.v1"
        member: str
        figures: list[Figure]
        restatement: int = 0

        def about(self) -> list[str]:
            """The member."""
            return [self.member]

    # -- mutators ---------------------------------------------------------------------------------

    @event(Graded)
    def _graded(self, post, sheet, grades, grader):
        sheets = self.grades.get(f"{post} {sheet}", {})
        if sheet == SECOND_SHEET:  # it has one grader at a time: of an item the last grade counts
            sheets = {who: {item: grade for item, grade in known.items() if item not in grades}
                      for who, known in sheets.items()}
        known = {**sheets.get(grader, {}), **grades}
        self.grades = {**self.grades, f"{post} {sheet}": {**sheets, grader: known}}

    @event(BonusSet)
    def _bonus_set(self, post, task, points, note):
        tasks = {**self.bonuses.get(post, {}), task: Bonus(points, note, self._version + 1)}
        self.bonuses = {**self.bonuses, post: tasks}

    @event(Charged)
    def _charged(self, charge, carried):
        self.charges = with_charge(self.charges, charge.charge, charge)
        self._lend(charge.charge, carried)

    @event(ChargeReduced)
    def _charge_reduced(self, charge, points, carried):
        self.charges = with_charge(self.charges, charge, self.reduced(charge, points))
        self._lend(charge, carried)

    @event(ChargeReversed)
    def _charge_reversed(self, charge, carried):
        self.reversed = {**self.reversed, charge: self.charges[charge]}
        self.charges = with_charge(self.charges, charge, None)
        self._lend(charge, carried)

    @event(EffectCarried)
    def _effect_carried(self, post, from_month, charge, points):
        self._carry(post, Decimal(points))
        self.lent = tuple(one for one in self.lent
                          if (one.charge, one.carry.to_month) != (charge, from_month))

    @event(Sealed)
    def _sealed(self, figures):
        self.figures = tuple(figures)

    def _lend(self, charge: str, carried: Sequence[Carry]) -> None:
        """Take out of this month what counts in another one, and keep it in mind, since reopening
        the month brings it back."""
        for one in carried:
            self._carry(one.post, -Decimal(one.points))
            self.lent = (*self.lent, Lent(charge, one))

    def _carry(self, post: str, points: Decimal) -> None:
        sum_ = Decimal(self.carried.get(post, "0")) + points
        self.carried = {**self.carried, post: plain(sum_)}

    # -- rules ------------------------------------------------------------------------------------

    def sheet(self, post: str, sheet: str) -> Grades:
        """The grades of a sheet, by grader and item."""
        return self.grades.get(f"{post} {sheet}", {})

    def posts(self) -> set[str]:
        """The posts that it knows anything about."""
        return {*(name.partition(" ")[0] for name in self.grades), *self.bonuses,
                *(charge.post for charge in self.charges.values()), *self.carried}

    @property
    def month(self) -> str:
        """Its month."""
        return self.id.rpartition(":")[2]

    def reduced(self, name: str, points: str) -> Charge:
        """A charge, once it takes fewer points."""
        return msgspec.structs.replace(self.charges[name], points=points)

    def counted(self) -> dict[str, Decimal]:
        """The points that each charge counts, by its name."""
        return counted(self.charges)

    def cost(self, post: str, counts_in: str) -> Decimal:
        """The points that the charges of a post take from the month's total, or from an item."""
        return cost_in(self.charges, post, counts_in)

    def whole_cost(self, post: str) -> Decimal:
        """The points that the charges of a post take, wherever they count."""
        return whole_cost(self.charges, post)

    def carried_in(self, post: str) -> Decimal:
        """The points that other months passed on to this one, less what it passed on to others."""
        return Decimal(self.carried.get(post, "0"))

    def bonus(self, post: str) -> Decimal:
        """The points for bonus work."""
        return sum((Decimal(one.points) for one in self.bonuses.get(post, {}).values()), ZERO)

    def charge(
        self, member: str, charge: Charge, carried: list[Carry], *, occurred_at: datetime
    ) -> None:
        """Take points."""
        self._charged(member=member, charge=charge, carried=carried, occurred_at=occurred_at)

    def reduce(self, facts: Mapping[str, str], carried: list[Carry], *, occurred_at: datetime
               ) -> None:
        """Take fewer points."""
        self._charge_reduced(**facts, carried=carried, occurred_at=occurred_at)

    def reverse(self, facts: Mapping[str, str], carried: list[Carry], *, occurred_at: datetime
                ) -> None:
        """Take no points."""
        self._charge_reversed(**facts, carried=carried, occurred_at=occurred_at)

    def carry(self, facts: Mapping[str, str], *, occurred_at: datetime) -> None:
        """Count here what a change in another month costs."""
        self._effect_carried(**facts, occurred_at=occurred_at)

    def seal(
        self, member: str, figures: Sequence[Figure], restatement: int, *, occurred_at: datetime
    ) -> None:
        """Record the final figures, if they differ from those before."""
        if tuple(figures) != self.figures:
            self._sealed(member=member, figures=list(figures), restatement=restatement,
                         occurred_at=occurred_at)

    def grade(
        self, facts: Mapping[str, object], grades: Mapping[str, str], *, occurred_at: datetime
    ) -> None:
        """Record what is new in the grades of a grader."""
        sheet = self.sheet(str(facts["post"]), str(facts["sheet"]))
        known = sheet.get(str(facts["grader"]), {})
        if any(known.get(item) != grade for item, grade in grades.items()):
            self._graded(**facts, grades=dict(grades), occurred_at=occurred_at)

    def set_bonus(
        self, facts: Mapping[str, str], note: Plain | None, *, occurred_at: datetime
    ) -> None:
        """Record the points of a task, if they or the note are new."""
        known = self.bonuses.get(facts["post"], {}).get(facts["task"], Bonus("0"))
        text = None if note is None else note.value
        if (known.points, self._said_of(known)) != (facts["points"], text):
            self._bonus_set(**facts, note=note, occurred_at=occurred_at)

    def _said_of(self, bonus: Bonus) -> str | None:
        if bonus.note is None or self._sealer is None:
            return None
        return self._sealer.reveal(bonus.note, self.id, bonus.version, "/note")


def _about(member: str, charge: str) -> list[str]:
    return [member, charge] if charge.startswith("deduction:") else [member]
