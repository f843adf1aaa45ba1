"""How a benchmark measures and what it tells."""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from tests.support import source

FOLDER = source.ROOT / "var" / "bench"

Measured = Callable[[], float]
"""Does some work and says its rate, in things a second."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much is done. Units: `seconds` of ours in a round of an append; events, rows, pieces of
    one SKU, questions and movements of a round."""

    rounds: int = 5
    seconds: float = 2.0
    callers: int = 64
    buyers: int = 2_000
    events: int = 200_000
    memory_events: tuple[int, int] = (100_000, 1_000_000)
    rows: int = 10_000
    pieces: int = 20_000
    past_events: tuple[int, int] = (10_000, 1_000_000)
    later_events: tuple[int, int] = (1_000, 1_000_000)
    times: int = 100


QUICK = Scale(rounds=1, seconds=0.05, callers=8, buyers=20, events=1_000,
              memory_events=(500, 1_000), rows=200, pieces=100, past_events=(500, 1_000),
              later_events=(500, 1_000), times=10)


class Goal(NamedTuple):
    """The ratio to reach: at least or at most."""

    sign: str
    ratio: float

    def __str__(self) -> str:
        return f"{self.sign}{self.ratio}"

    def is_reached(self, ratio: float) -> bool:
        """Whether a ratio is as good as that."""
        return ratio >= self.ratio if self.sign == "≥" else ratio <= self.ratio


@dataclass(frozen=True, kw_only=True)
class Result:
    """One benchmark's outcome. `beside` holds further figures, `how` what they were measured on;
    `most` is what ours may be in any case, whatever the floor is."""

    name: str
    unit: str
    ours: float
    floor: float
    ratio: float
    goal: Goal
    most: float | None = None
    beside: Mapping[str, float | str] = field(default_factory=dict)
    how: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        beside = "".join(f" {name}={_short(value)}" for name, value in self.beside.items())
        beside = beside if self.most is None else f" most={self.most:g}{self.unit}{beside}"
        return (f"{self.name} ours={_short(self.ours)}{self.unit} floor={_short(self.floor)}"
                f"{self.unit} ratio={self.ratio:.2f} goal={self.goal}{beside}")

    @property
    def is_reached(self) -> bool:
        """Whether it is as good as it was meant to be."""
        return self.goal.is_reached(self.ratio) and (self.most is None or self.ours <= self.most)

    def told(self) -> dict[str, Any]:
        """The result as JSON has it."""
        return {"unit": self.unit, "ours": self.ours, "floor": self.floor, "ratio": self.ratio,
                "goal": str(self.goal), "most": self.most, **self.beside, "how": dict(self.how)}


def _short(value: float | str) -> str:
    if not isinstance(value, float):
        return str(value)
    return f"{value:.0f}" if value >= 100 else f"{value:.2f}"


class Figure(NamedTuple):
    """The medians over all rounds of a rate and of its ratio to the floor of the same round."""

    rate: float
    ratio: float


def paired(rounds: int, floor: Measured, **others: Measured) -> tuple[float, dict[str, Figure]]:
    """In each round the floor, each of the others, and the floor again: its median and theirs."""
    floors: list[float] = []
    found: dict[str, list[Figure]] = {name: [] for name in others}
    for _ in range(rounds):
        before = floor()
        rates = {name: other() for name, other in others.items()}
        floors.append((before + floor()) / 2)
        for name, rate in rates.items():
            found[name].append(Figure(rate, rate / floors[-1]))
    return median(floors), {
        name: Figure(median(f.rate for f in figures), median(f.ratio for f in figures))
        for name, figures in found.items()}


@contextmanager
def workplace() -> Iterator[Path]:
    """A folder on the disk of the project, not in memory, that goes away at the end."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="work-", dir=FOLDER))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def environment() -> dict[str, Any]:
    """What every figure depends on."""
    return {"python": platform.python_version(), "system": platform.system(),
            "machine": platform.machine(), "processors": os.cpu_count(),
            "load": os.getloadavg()[0]}
