"""The history on trial: what an explanation and a comparison of one order cost, in a long log and
in a short one. Both should cost what the order's own events cost."""

from random import Random

from ledger.log.store import Store
from projections.asking.clocks import NOW, AsOf
from projections.asking.questions import Question
from projections.explaining import figures
from projections.store.models import ReadModels
from projections.trial.asking import differences
from tests.bench.floors import SQLITE
from tests.bench.harness import Goal, Result, Scale
from tests.bench.logs import log_of
from tests.bench.past import Ask, both_logs

LOOKED = 50
"""Entries from one position on, among which an order is looked for."""


def explain(scale: Scale) -> Result:
    """Milliseconds that the sums of one order take to be explained at a random position, and beside
    it the difference of one order from that position to now; the floor of each is a short log."""
    short, long = map(log_of, scale.past_events)
    floor, found = both_logs(scale, short, long, _explaining)
    diff_floor, diff = both_logs(scale, short, long, _comparing)
    return Result(
        name="explain", unit="ms", ours=found["ours"].rate, floor=floor, ratio=found["ours"].ratio,
        goal=Goal("≤", 1.5),
        beside={"diff": diff["ours"].rate, "diff_floor": diff_floor,
                "diff_ratio": diff["ours"].ratio},
        how={"engine": SQLITE, "events": scale.past_events[1], "rounds": scale.rounds,
             "floor_events": scale.past_events[0], "questions": scale.times,
             "of": "an order's sums; an order between two positions"})


def _explaining(models: ReadModels) -> Ask:
    random = Random(2025)

    def ask() -> None:
        position, order = some_order(models.store, random)
        answer = figures.explain(models, "main", "orders",
                                 Question(AsOf(position), subject=order))
        assert answer.rows

    return ask


def _comparing(models: ReadModels) -> Ask:
    random = Random(2025)

    def ask() -> None:
        position, order = some_order(models.store, random)
        differences(models, "main", order, before=AsOf(position), after=NOW)

    return ask


def some_order(store: Store, random: Random, until: int | None = None) -> tuple[int, str]:
    """An order, and a position at which it was there, perhaps up to a position."""
    at = random.randint(LOOKED, (until or store.head("main").position) - LOOKED)
    entry = next(one for one in store.read("main", after=at, limit=LOOKED)
                 if one.stream.startswith("order:"))
    return entry.position, entry.stream
