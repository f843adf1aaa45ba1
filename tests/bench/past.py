"""The past: what a question about it costs, and what an entry that comes late costs, in a long log
and in a short one. Both should cost the same."""

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from ledger.common.days import first_day, last_day, month_after
from ledger.common.values import to_us
from ledger.log.store import Store
from ledger.settings import open_ledger
from ledger.stock.movements import MoveStock, StockMove
from ledger.stock.places import stock_of
from projections.asking.clocks import AsOf, Moment
from projections.asking.questions import Question
from projections.catalogue import PROJECTIONS
from projections.scores.reports import scores
from projections.stock.reports import inventory
from projections.store.models import ReadModels
from tests.bench.floors import SQLITE
from tests.bench.harness import Figure, Goal, Measured, Result, Scale, paired, workplace
from tests.bench.logs import log_of, scores_of, settings_of
from tests.bench.members import EVENTS, Staff
from tests.bench.orders import CONTEXT, LATE, LATEST, SINCE, SKUS, WAREHOUSE, sku
from tests.bench.rebuilding import read_models
from tests.support.team import at

BEFORE_ALL = SINCE - LATEST - timedelta(days=1)
"""A day when every SKU was in stock already and no order was placed yet."""

OFTEN = 50
"""SKUs whose stock the writer has in memory."""


def milliseconds(work: Callable[[], object], times: int) -> float:
    """How long something takes, over so many times."""
    begun = time.perf_counter()
    for _ in range(times):
        work()
    return (time.perf_counter() - begun) * 1_000 / times


# -- asking ---------------------------------------------------------------------------------------


def as_of(scale: Scale) -> Result:
    """Milliseconds that the level of one SKU takes at random pairs of clocks, and beside it that of
    one member's month; the floor of each is a short log."""
    short, long = map(log_of, scale.past_events)
    floor, found = both_logs(scale, short, long, _levels)
    few, many = map(Staff.of, scale.past_events)
    score_floor, scores = both_logs(
        scale, scores_of(few), scores_of(many), lambda models: _scores(models, (few, many)))
    score = scores["ours"]
    return Result(
        name="as_of", unit="ms", ours=found["ours"].rate, floor=floor, ratio=found["ours"].ratio,
        goal=Goal("≤", 1.2),
        beside={"score": score.rate, "score_floor": score_floor, "score_ratio": score.ratio},
        how={"engine": SQLITE, "events": scale.past_events[1], "rounds": scale.rounds,
             "floor_events": scale.past_events[0], "skus": SKUS, "late": LATE,
             "members": many.members, "months": many.months, "floor_members": few.members,
             "floor_months": few.months, "questions": scale.times,
             "of": "a SKU's level; a member's score in a month"})


Ask = Callable[[], None]


def both_logs(
    scale: Scale, short: Path, long: Path, asking: Callable[[ReadModels], Ask]
) -> tuple[float, dict[str, Figure]]:
    """What a question costs in a short log, and in a long one. Units: milliseconds."""
    with read_models(short) as (few, _), read_models(long) as (many, _):
        for models in (few, many):
            models.rebuild("main")
        return paired(scale.rounds, _timed(asking(few), scale.times),
                      ours=_timed(asking(many), scale.times))


def _timed(ask: Ask, times: int) -> Measured:
    milliseconds(ask, times)
    return lambda: milliseconds(ask, times)


def _levels(models: ReadModels) -> Ask:
    random, (first, last), ends = Random(2025), _recorded(models.store), _occurred(models.store)

    def ask() -> None:
        known = AsOf(recorded=Moment(random.randint(first, last)),
                     occurred=Moment(random.randint(to_us(SINCE - LATEST), ends)))
        subject = stock_of(WAREHOUSE, sku(random.randrange(SKUS)))
        inventory(models, "main", Question(known, subject=subject))

    return ask


def _scores(models: ReadModels, shops: Sequence[Staff]) -> Ask:
    """A member's month, as it was known at some time, of what had happened by some time in it or
    until a month later."""
    random, (first, last) = Random(2025), _recorded(models.store)
    head = models.store.head("main").position
    staff = min(shops, key=lambda one: abs(one.members * one.months * EVENTS - head))

    def ask() -> None:
        month = staff.month(random.randrange(staff.months))
        begun, ends = at(first_day(month)), at(last_day(month_after(month)))
        known = AsOf(recorded=Moment(random.randint(first, last)),
                     occurred=Moment(random.randint(to_us(begun), to_us(ends))))
        member = staff.member(random.randrange(staff.members))
        scores(models, "main", Question(known, subject=member, month=month))

    return ask


def _recorded(store: Store) -> tuple[int, int]:
    """When the first and the last event of a log were recorded."""
    return store.read("main", limit=1)[0].recorded_at, store.head("main").recorded_at


def _occurred(store: Store) -> int:
    """About when the last event of a log occurred."""
    head = store.head("main").position
    return max(entry.occurred_at for entry in store.read("main", after=head - 500, limit=500))


# -- telling late ---------------------------------------------------------------------------------


def backdated(scale: Scale) -> Result:
    """Milliseconds until a movement from before all orders is recorded and projected; the floor is
    one with few events behind its day. `cold`: of a SKU that the writer has to load first."""
    short, long = map(log_of, scale.later_events)
    with _telling(short, scale.times) as few, _telling(long, scale.times) as many:
        floor, found = paired(scale.rounds, few.known, ours=many.known, cold_floor=few.cold,
                              cold=many.cold)
    cold, cold_floor = found["cold"], found["cold_floor"]
    return Result(
        name="backdated", unit="ms", ours=found["ours"].rate, floor=floor,
        ratio=found["ours"].ratio, goal=Goal("≤", 1.1),
        beside={"cold": cold.rate, "cold_floor": cold_floor.rate,
                "cold_ratio": cold.ratio / cold_floor.ratio},
        how={"engine": SQLITE, "later_events": scale.later_events[1], "rounds": scale.rounds,
             "floor_later_events": scale.later_events[0], "movements": scale.times,
             "skus_in_memory": OFTEN, "synchronous": "FULL",
             "projections": [projection.name for projection in PROJECTIONS]})


class _Late(NamedTuple):
    """Tells movements late, of SKUs that the writer knows or of such that it has to load."""

    known: Measured
    cold: Measured


@contextmanager
def _telling(log: Path, times: int) -> Iterator[_Late]:
    """A copy of a log, since it grows, with read models that are up to date."""
    with workplace() as folder:
        for name in (log.name, "keys.db", "master.key"):
            shutil.copyfile(log.parent / name, folder / name)
        opened = open_ledger(settings_of(folder / log.name))
        try:
            with closing(ReadModels(opened.store, PROJECTIONS)) as models:
                models.rebuild("main")

                def tell(number: int) -> None:
                    opened.ledger.handle(_came_in(number), CONTEXT)
                    models.catch_up("main")

                yield _both(tell, times)
                assert not any(status.error for status in models.status("main"))
        finally:
            opened.close()


def _both(tell: Callable[[int], None], times: int) -> _Late:
    random, rest = Random(2025), iter(range(OFTEN, SKUS))
    for number in range(OFTEN):
        tell(number)
    return _Late(lambda: milliseconds(lambda: tell(random.randrange(OFTEN)), times),
                 lambda: milliseconds(lambda: tell(next(rest)), times))


def _came_in(number: int) -> MoveStock:
    """A receipt of one piece that nobody told until now."""
    move = StockMove(sku=sku(number), quantity=1, source="supplier", target="available",
                     cause="receipt")
    return MoveStock(warehouse=WAREHOUSE, moves=[move], occurred_at=BEFORE_ALL)
