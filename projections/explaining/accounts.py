"""A member's month, and the events in which its grades, points and sealed figures stand."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from ledger.core import event_types
from ledger.log.envelope import Entry
from ledger.policies.values import MONTH
from ledger.scores.account import Account
from projections.explaining.formulas import PRODUCT, Event, Step, step
from projections.scores.accounts import is_known, take


class Stated(NamedTuple):
    """Where a number of an account stands; `factor` is by what it counts."""

    event: Event
    pointer: str
    factor: int = 1

    def read(self, what: str = "") -> Step:
        """The number."""
        return self.event.read(self.pointer, what).times(self.factor)


class MonthEvents:
    """A member's month and where what it knows stands."""

    def __init__(self, stream: str, entries: Iterable[Entry]) -> None:
        self.account = Account.blank(stream)
        self._grades: dict[tuple[str, str, str, str], Stated] = {}
        self._bonuses: dict[tuple[str, str], Stated] = {}
        self._charges: dict[str, Stated] = {}
        self._charged: dict[str, Event] = {}
        self._carried: list[tuple[str, Stated]] = []
        self._sealed: Event | None = None
        for entry in entries:
            decoded = event_types.decode(entry)
            if is_known(self.account, decoded):
                self._note(Event(entry), decoded)
            take(self.account, entry, decoded)

    def _note(self, event: Event, decoded: Any) -> None:
        if isinstance(decoded, Account.Graded):
            for item in decoded.grades:
                key = decoded.post, decoded.sheet, decoded.grader, item
                self._grades[key] = Stated(event, f"/grades/{_escaped(item)}")
        elif isinstance(decoded, Account.BonusSet):
            self._bonuses[decoded.post, decoded.task] = Stated(event, "/points")
        elif isinstance(decoded, Account.Charged):
            self._charged[decoded.charge.charge] = event
            self._charges[decoded.charge.charge] = Stated(event, "/charge/points")
        elif isinstance(decoded, Account.ChargeReduced):
            self._charges[decoded.charge] = Stated(event, "/points")
        elif isinstance(decoded, Account.EffectCarried):
            self._carried.append((decoded.post, Stated(event, "/points")))
        elif isinstance(decoded, Account.Sealed):
            self._sealed = event
        for at, one in enumerate(getattr(decoded, "carried", ())):
            self._carried.append((one.post, Stated(event, f"/carried/{at}/points", -1)))

    # -- what was recorded ------------------------------------------------------------------------

    def grades(self, post: str, sheet: str, item: str) -> list[Step]:
        """The grades of an item that count, by grader."""
        return [self._grades[post, sheet, grader, item].read(grader)
                for grader, grades in sorted(self.account.sheet(post, sheet).items())
                if item in grades]

    def bonuses(self, post: str) -> list[Step]:
        """The points for voluntary tasks."""
        return [self._bonuses[post, task].read(task)
                for task in self.account.bonuses.get(post, {})]

    def carried(self, post: str) -> list[Step]:
        """What other months passed on to this one, less what it passed on to others."""
        return [one.read("carried") for of, one in self._carried if of == post]

    def charges(self, post: str, *, counts_in: str | None = None) -> Iterator[Step]:
        """What the charges of a post cost: all, or those that count in an item or the month."""
        counted = self.account.counted()
        for name, charge in self.account.charges.items():
            if charge.post == post and counts_in in (None, charge.counts_in):
                points = self._charges[name].read(name)
                if counted[name] != points.value:
                    points = step(PRODUCT, [points, self._charged[name].read(
                        "/charge/escalation/factor", "escalation")], name)
                yield points

    def month_charges(self, post: str, computed: Iterable[str]) -> list[Step]:
        """What the charges of a post cost that count in no item which is computed."""
        items = set(computed)
        places = {charge.counts_in for charge in self.account.charges.values()} | {MONTH}
        return [one for place in sorted(places - items)
                for one in self.charges(post, counts_in=place)]

    def sealed(self, post: str, name: str) -> Step | None:
        """A figure as it was sealed; None where the seal does not say it."""
        if self._sealed is None:
            return None
        for at, figure in enumerate(self._sealed.payload["figures"]):
            if figure["post"] == post and figure.get(name) is not None:
                return self._sealed.read(f"/figures/{at}/{name}", "sealed")
        return None


def _escaped(name: str) -> str:
    """A name as a step of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
