"""Growth: what appending, asking, rebuilding and verifying cost as a log grows, as a table and a
plot: `python -m tests.bench.growth [SIZE…]`."""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from math import log10
from pathlib import Path
from random import Random
from statistics import median
from typing import NamedTuple

from sqlalchemy import func, select

import wsgi  # noqa: F401 - what is measured runs as it is served
from ledger.log.verify import verify
from ledger.settings import open_ledger
from ledger.stock.places import stock_of
from projections.asking.questions import Question
from projections.orders.rows import orders
from projections.reports import REPORTS
from projections.store.models import ReadModels
from tests.bench.append import orders_a_second
from tests.bench.harness import Scale, workplace
from tests.bench.logs import log_of, record, scores_of, settings_of
from tests.bench.members import Staff
from tests.bench.orders import SKUS, WAREHOUSE, Selling, sku
from tests.bench.past import milliseconds
from tests.bench.rebuilding import read_models, timed

SIZES = (10_000, 100_000, 1_000_000, 5_000_000)

MOST_SCORED = 10_000
"""The longest log of scores that is made for this: one of a million takes half an hour."""

ASKED = 200
"""How often each question is asked."""

ROUNDS = 3
"""How often appending is measured."""

SMALLEST = 1_000
"""Events of the smallest log: every SKU of it is in stock, and some orders are sold."""


class Figure(NamedTuple):
    """What is measured at every size; `more` says whether more of it is better."""

    title: str
    unit: str
    more: bool


FIGURES = {
    "append": Figure("orders appended, 64 callers", "/s", True),
    "level": Figure("a SKU's level", "ms", False),
    "page": Figure("an order with its pieces and its timeline", "ms", False),
    "score": Figure("a member's month", "ms", False),
    "rebuild": Figure("read models rebuilt, events", "/s", True),
    "verify": Figure("events verified", "/s", True),
    "bytes": Figure("the log's file, an order", "bytes", False),
}


def measure(events: int) -> dict[str, float]:
    """All figures of one size."""
    log = log_of(events)
    found = {"append": _append(log)}
    with read_models(log) as (models, _):
        total = models.store.head("main").position
        found["rebuild"] = timed(total, lambda: models.rebuild("main"))
        found["verify"] = timed(total, lambda: verify(models.store, "main"))
        names = _orders(models)
        found["level"] = _asked(models, ("inventory",), lambda random: stock_of(
            WAREHOUSE, sku(random.randrange(SKUS))))
        found["page"] = _asked(models, ("orders", "fulfilment", "timeline"),
                               lambda random: random.choice(names))
        with models.reading("main", "orders") as (connection, _):
            count = connection.execute(select(func.count()).select_from(orders)).scalar()
        found["bytes"] = log.stat().st_size / int(count or 1)
    if events <= MOST_SCORED:
        found["score"] = _score(Staff.of(events))
    return found


def _append(log: Path) -> float:
    """To buyers who are known, as the benchmark of appending does; the median of some rounds."""
    scale = Scale()
    with workplace() as folder:
        for name in (log.name, "keys.db", "master.key"):
            shutil.copyfile(log.parent / name, folder / name)
        opened = open_ledger(settings_of(folder / log.name))
        try:
            selling = Selling(scale.buyers, "77")
            record(opened.ledger, (selling.command() for _ in range(scale.buyers)))
            rate = orders_a_second(opened.ledger, selling, scale)
            return median(rate() for _ in range(ROUNDS))
        finally:
            opened.close()


def _orders(models: ReadModels) -> list[str]:
    with models.reading("main", "orders") as (connection, _):
        return list(islice(connection.execute(
            select(orders.c.subject).order_by(func.random()).limit(ASKED)).scalars(), ASKED))


def _asked(
    models: ReadModels, names: Sequence[str], subject: Callable[[Random], str]
) -> float:
    random = Random(2025)

    def ask() -> None:
        asked = Question(subject=subject(random))
        for name in names:
            REPORTS[name](models, "main", asked)

    milliseconds(ask, ASKED)
    return milliseconds(ask, ASKED)


def _score(staff: Staff) -> float:
    random = Random(2025)
    with read_models(scores_of(staff)) as (models, _):
        models.rebuild("main")

        def ask() -> None:
            REPORTS["scores"](models, "main", Question(
                subject=staff.member(random.randrange(staff.members)),
                month=staff.month(random.randrange(staff.months))))

        milliseconds(ask, ASKED)
        return milliseconds(ask, ASKED)


# -- showing --------------------------------------------------------------------------------------


def table(found: Mapping[int, Mapping[str, float]]) -> Iterator[str]:
    """The lines of a table in Markdown: a row for each figure, a column for each size."""
    yield "| | " + " | ".join(f"{size:,} events" for size in found) + " |"
    yield "|---|" + "---:|" * len(found)
    for name, figure in FIGURES.items():
        cells = ("–" if name not in one else f"{one[name]:,.2f}" if figure.unit == "ms"
                 else f"{one[name]:,.0f}" for one in found.values())
        yield f"| {figure.title} ({figure.unit}) | " + " | ".join(cells) + " |"


WIDTH, HEIGHT, LEFT, EDGE = 760, 380, 46, 40
_COLOURS = ("#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e", "#17becf", "#7f7f7f")


def plot(found: Mapping[int, Mapping[str, float]]) -> str:
    """The same as an SVG: each figure against its own value at the smallest size, where 1 is as
    good as there and 2 is twice as good; both axes are logarithmic."""
    sizes = list(found)
    across = [LEFT + (log10(size) - log10(sizes[0])) / max(
        log10(sizes[-1]) - log10(sizes[0]), 0.01) * (WIDTH - 300) for size in sizes]
    lines = [_level(level) for level in (0.25, 0.5, 1.0, 2.0)]
    lines += [f'<text x="{x:.0f}" y="{HEIGHT - 8}" text-anchor="middle">{size:,}</text>'
              for x, size in zip(across, sizes, strict=True)]
    for number, (name, figure) in enumerate(FIGURES.items()):
        first = found[sizes[0]][name]
        worth = [one[name] / first if figure.more else first / one[name]
                 for one in found.values() if name in one]
        points = " ".join(f"{x:.0f},{_height(one):.0f}"
                          for x, one in zip(across, worth, strict=False))
        lines.append(f'<polyline points="{points}" fill="none" stroke-width="2"'
                     f' stroke="{_COLOURS[number]}"/>')
        lines.append(f'<text x="{WIDTH - 240}" y="{60 + 20 * number}" fill="{_COLOURS[number]}">'
                     f"{figure.title}</text>")
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="11">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        f'<text x="{LEFT}" y="16" font-size="13">Each figure against itself in the smallest log: '
        "above × 1 it is better, below it is worse</text>",
        f'<text x="{WIDTH - 240}" y="{HEIGHT - 8}">events in the log</text>',
        *lines, "</svg>", ""])


def _height(worth: float) -> float:
    """How far down a point lies: 4 times as good is at the top, a quarter at the bottom."""
    return EDGE + (1 - (log10(min(4, max(0.25, worth))) / log10(4) + 1) / 2) * (HEIGHT - 2 * EDGE)


def _level(worth: float) -> str:
    y = _height(worth)
    return (f'<line x1="{LEFT}" x2="{WIDTH - 260}" y1="{y:.0f}" y2="{y:.0f}" stroke="#ddd"/>'
            f'<text x="4" y="{y + 4:.0f}">× {worth:g}</text>')


def main(arguments: list[str] | None = None) -> int:
    """Measure the sizes that are named, print the table, and write the plot."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.growth", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, metavar="SIZE", help="events (default "
                        f"{', '.join(map(str, SIZES))})")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="where to write the plot, an SVG")
    told = parser.parse_args(arguments)
    sizes = sorted(set(told.sizes or SIZES))
    if sizes[0] < SMALLEST:
        parser.error(f"a log of {sizes[0]} events is too short: {SMALLEST} at least")
    if told.plot is not None and not told.plot.absolute().parent.is_dir():
        parser.error(f"there is no folder {told.plot.parent}")
    found = {}
    for size in sizes:
        print(f"{size:,} events: the log is made, unless it is there, and then measured …",
              file=sys.stderr, flush=True)
        found[size] = measure(size)
    print("\n".join(table(found)))
    if told.plot is not None:
        told.plot.write_text(plot(found), "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
