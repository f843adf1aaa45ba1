"""Plots as SVG, drawn by the server: stock in steps, sales as bars, scores as a line.

They have no style of their own: colours and strokes are classes of the console's stylesheet, so
that light, dark and paper differ, and a strict content security policy holds. A plot is one picture
with a title and a description; the numbers stand in the table beneath it.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from math import ceil, floor, log10
from typing import NamedTuple

from markupsafe import Markup

from api.messages import tr
from ledger.common.days import Days, first_day, month_after

WIDTH, HEIGHT = 480, 200
TOP, RIGHT, BOTTOM = 24, 12, 24
"""The room around the plot itself, for what is written there; at the left it is as wide as that."""

LETTER, LEAST_ROOM = 9, 24

MANY = 2_000
"""Points of a series that are all drawn; of more the extremes of every stretch are."""

STRETCHES = 240
TICKS_ACROSS, TICKS_UP = 6, 5

Amount = int | Decimal
Shown = Callable[[Amount], str]
"""How a value is written, such as `api.console.words.money`."""


class Words(NamedTuple):
    """What a plot is called: `name` is its own on a page, and `about` describes it for those who
    do not see it."""

    name: str
    title: str
    about: str = ""


class Series(NamedTuple):
    """A quantity over time: `kind` is its class, `points` are times (RFC 3339) in their order, each
    with the value from then on."""

    kind: str
    title: str
    points: Sequence[tuple[str, Amount]]


class Mark(NamedTuple):
    """Something that is to be seen at a time: of a kind such as `notice` or `discrepancy`, with the
    value where it lies, else at the foot."""

    at: str
    kind: str
    title: str
    value: Amount | None = None


class Frame(NamedTuple):
    """The plot within its room: which values lie where. `left` to `right` and `ticks` are the
    values at its edges and between them, and `said` how the ticks are written."""

    left: float
    right: float
    ticks: Sequence[float]
    said: Sequence[str]

    @classmethod
    def of(cls, left: float, right: float, ticks: Sequence[float], shown: Shown) -> "Frame":
        """A frame whose ticks are written so; decimals that are all 0 are left out."""
        said = [shown(_exact(tick)) for tick in ticks]
        if all(text.endswith(".00") for text in said):
            said = [text.removesuffix(".00") for text in said]
        return cls(left, right, ticks, said)

    @property
    def begin(self) -> int:
        """Where the plot begins, at the right of what is written."""
        return max(LEAST_ROOM, LETTER * max(map(len, self.said))) + 8

    def x(self, value: float) -> float:
        """Where a value lies from left to right."""
        span = self.right - self.left or 1
        return round(self.begin + (WIDTH - self.begin - RIGHT) * (value - self.left) / span, 1)

    def y(self, value: float) -> float:
        """Where a value lies from top to bottom."""
        low, high = self.ticks[0], self.ticks[-1]
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - low) / (high - low), 1)


# -- plots ----------------------------------------------------------------------------------------

def steps(
    series: Sequence[Series], words: Words, days: Days, *, marks: Sequence[Mark] = (),
    until: str | None = None,
) -> Markup:
    """What was there over time, such as on hand and available, with marks; each value holds up to
    the next, and the last one up to `until`. Of no points, that there is nothing to show."""
    drawn = [(one, [(_at(at), float(value)) for at, value in one.points]) for one in series]
    times = [at for _, points in drawn for at, _ in points]
    if not times:
        return nothing()
    end = max([*times, *(_at(mark.at) for mark in marks), *([_at(until)] if until else [])])
    ticks = whole_ticks([0, *(value for _, points in drawn for _, value in points)])
    frame = Frame.of(min(times), end, ticks, str)
    parts = [_grid(frame), _times(frame, days)]
    parts += [Markup('<path class="plot-line plot-{}" d="{}"/>').format(
        one.kind, _stairs(frame, thinned(points))) for one, points in drawn if points]
    parts += [_mark(frame, mark) for mark in marks if frame.left <= _at(mark.at) <= frame.right]
    return _svg(words, [*parts, _legend(frame, series)])


def bars(values: Sequence[tuple[str, Amount]], words: Words, *, shown: Shown = str) -> Markup:
    """A value for each of some days (or months) in a row, such as what was sold."""
    if not values:
        return nothing()
    ticks = whole_ticks([0, *(float(value) for _, value in values)])
    frame = Frame.of(0, len(values), ticks, shown)
    parts = [_grid(frame)]
    every = ceil(len(values) / TICKS_ACROSS)
    for number, (name, value) in enumerate(values):
        x, wide = frame.x(number + 0.1), frame.x(number + 0.9) - frame.x(number + 0.1)
        top, foot = sorted((frame.y(float(value)), frame.y(0)))
        parts.append(Markup(
            '<rect class="plot-bar" x="{}" y="{}" width="{:.1f}" height="{:.1f}">'
            "<title>{}: {}</title></rect>").format(
                x, top, max(wide, 0.5), max(foot - top, 0.5 if value else 0), name, shown(value)))
        if number % every == 0:
            parts.append(_below(frame.x(number + 0.5), _short(name)))
    return _svg(words, parts)


def line(
    months: Sequence[tuple[str, Amount | None]], words: Words, *, bound: Amount | None = None,
    shown: Shown = str,
) -> Markup:
    """A value for each of some months, such as a score, with gaps where there is none; `bound` is a
    line to hold them against, such as the pass mark."""
    known = [float(value) for _, value in months if value is not None]
    if not known:
        return nothing()
    ticks = spread_ticks([*known, *([] if bound is None else [float(bound)])])
    frame = Frame.of(-0.5, len(months) - 0.5, ticks, shown)
    parts = [_grid(frame)]
    if bound is not None:
        parts.append(Markup('<path class="plot-bound" d="M{} {}H{}"/>').format(
            frame.begin, frame.y(float(bound)), WIDTH - RIGHT))
    path, every = "", ceil(len(months) / TICKS_ACROSS)
    for number, (name, value) in enumerate(months):
        x = frame.x(number)
        if number % every == 0:
            parts.append(_below(x, name))
        if value is None:
            continue
        y = frame.y(float(value))
        path += f"{'L' if number and months[number - 1][1] is not None else 'M'}{x} {y}"
        parts.append(Markup(
            '<circle class="plot-dot" cx="{}" cy="{}" r="3"><title>{}: {}</title></circle>').format(
                x, y, name, shown(value)))
    return _svg(words, [*parts, Markup('<path class="plot-line plot-score" d="{}"/>').format(path)])


def nothing() -> Markup:
    """What stands in the place of a plot that has nothing in it."""
    return Markup('<p class="plot-none">{}</p>').format(tr("There is nothing to show yet."))


# -- what is drawn --------------------------------------------------------------------------------

def thinned(points: Sequence[tuple[float, float]]) -> Sequence[tuple[float, float]]:
    """Points in the order of time; of very many, those of each stretch that are its first, lowest,
    highest and last, so that no extreme is lost."""
    if len(points) <= MANY:
        return points
    begin, end = points[0][0], points[-1][0]
    wide = (end - begin) / STRETCHES or 1
    kept: list[tuple[float, float]] = []
    stretch: list[int] = []
    for number, (at, _) in enumerate(points):
        if stretch and int((at - begin) / wide) != int((points[stretch[0]][0] - begin) / wide):
            kept += _extremes(points, stretch)
            stretch = []
        stretch.append(number)
    return kept + _extremes(points, stretch)


def _extremes(
    points: Sequence[tuple[float, float]], numbers: Sequence[int]
) -> list[tuple[float, float]]:
    def value(number: int) -> float:
        return points[number][1]

    return [points[number] for number in sorted({
        numbers[0], min(numbers, key=value), max(numbers, key=value), numbers[-1]})]


def _stairs(frame: Frame, points: Sequence[tuple[float, float]]) -> str:
    """A path of steps: a value holds up to the next time."""
    at, value = points[0]
    x, y = frame.x(at), frame.y(value)
    path = [f"M{x} {y}"]
    for at, value in points[1:]:
        if (new := frame.y(value)) == y:
            continue
        if frame.x(at) != x:
            x = frame.x(at)
            path.append(f"H{x}")
        y = new
        path.append(f"V{y}")
    return "".join([*path, f"H{WIDTH - RIGHT}"])


def _grid(frame: Frame) -> Markup:
    """Lines across at the ticks, each with its value at the left."""
    return Markup("").join(Markup(
        '<path class="plot-{}" d="M{} {y}H{}"/>'
        '<text class="plot-text" x="{}" y="{y}" dy="0.35em" text-anchor="end">{}</text>').format(
            "grid" if tick else "zero", frame.begin, WIDTH - RIGHT, frame.begin - 6, said,
            y=frame.y(tick)) for tick, said in zip(frame.ticks, frame.said, strict=True))


def _exact(tick: float) -> Amount:
    return int(tick) if tick == int(tick) else Decimal(str(round(tick, 6)))


def _times(frame: Frame, days: Days) -> Markup:
    """The times at the foot, as the shop's clock shows them."""
    return Markup("").join(
        _below(frame.x(at), said) for at, said in time_ticks(frame.left, frame.right, days))


def _below(x: float, said: str) -> Markup:
    return Markup('<text class="plot-text" x="{}" y="{}" text-anchor="middle">{}</text>').format(
        min(x, WIDTH - LETTER * len(said) / 2), HEIGHT - 7, said)


def _short(name: str) -> str:
    """A day without its year, at the foot of a plot that covers few of them."""
    return name[5:] if len(name) == len("2026-09-27") else name


SHAPES = {"discrepancy": "M{x} {a}L{r} {y}L{x} {b}L{l} {y}Z", "notice": "M{x} {a}L{r} {b}H{l}Z"}
"""How marks of a kind look, so that they differ without colours, too: a diamond, a triangle."""

_SIZE = 5


def _mark(frame: Frame, mark: Mark) -> Markup:
    x, y = frame.x(_at(mark.at)), frame.y(
        frame.ticks[0] if mark.value is None else float(mark.value))
    shape = SHAPES.get(mark.kind, SHAPES["notice"]).format(
        x=x, y=y, a=round(y - _SIZE, 1), b=round(y + _SIZE, 1), l=round(x - _SIZE, 1),
        r=round(x + _SIZE, 1))
    return Markup('<path class="plot-mark plot-{}" d="{}"><title>{}</title></path>').format(
        mark.kind, shape, mark.title)


def _legend(frame: Frame, series: Sequence[Series]) -> Markup:
    """Which line is what, above the plot."""
    wide = (WIDTH - frame.begin - RIGHT) // max(len(series), 1)
    return Markup("").join(Markup(
        '<path class="plot-line plot-{}" d="M{} 11h16"/><text class="plot-text" x="{}" y="15">{}'
        "</text>").format(one.kind, x, x + 21, one.title)
        for one, x in zip(series, range(frame.begin, WIDTH, wide), strict=False))


def _svg(words: Words, parts: Iterable[Markup]) -> Markup:
    """A picture with its title and description, which grows with its page."""
    return Markup(
        '<svg class="plot" role="img" viewBox="0 0 {} {}" fill="none" stroke-linejoin="round" '
        'aria-labelledby="{name}-title {name}-desc"><title id="{name}-title">{}</title>'
        '<desc id="{name}-desc">{}</desc>{}</svg>').format(
            WIDTH, HEIGHT, words.title, words.about, Markup("").join(parts), name=words.name)


# -- axes -----------------------------------------------------------------------------------------

def whole_ticks(values: Sequence[float]) -> list[float]:
    """The ticks of an axis of whole numbers that holds these; it begins and ends with one."""
    return _ticks(min(values), max(values), least=1)


def spread_ticks(values: Sequence[float]) -> list[float]:
    """The same for any numbers."""
    return _ticks(min(values), max(values), least=0.01)


def _ticks(low: float, high: float, least: float) -> list[float]:
    if low == high:
        low, high = low - (low != 0), high + 1
    step = max(least, _nice((high - low) / TICKS_UP))
    return [round(number * step, 6) for number in range(floor(low / step), ceil(high / step) + 1)]


def _nice(step: float) -> float:
    """The next of 1, 2, 5, 10, 20, 50 … that is not below."""
    power: float = 10 ** floor(log10(step))
    return next(times * power for times in (1, 2, 5, 10) if times * power >= step * (1 - 1e-9))


HOUR, DAY, YEAR = 3600, 24 * 3600, 12
SPANS = (HOUR // 4, HOUR, 3 * HOUR, 6 * HOUR, 12 * HOUR)


def time_ticks(begin: float, end: float, days: Days) -> list[tuple[float, str]]:
    """Times to write at the foot, with what is written: hours of a few days, days of some months,
    months of some years, else years. Units: seconds since 1970."""
    span = (end - begin) / TICKS_ACROSS
    day = days.day_of(_moment(begin))
    if span <= SPANS[-1]:
        return _hours(begin, end, days, next(one for one in SPANS if span <= one))
    if span <= 14 * DAY:
        every = next(one for one in (1, 2, 7, 14) if span <= one * DAY)
        found = [(date.fromisoformat(day) + timedelta(days=number * every)).isoformat()
                 for number in range(TICKS_ACROSS + 2)]
        return _within(begin, end, days, [(one, one[5:]) for one in found])
    return _months(begin, end, days, day[:7])


def _months(begin: float, end: float, days: Days, month: str) -> list[tuple[float, str]]:
    months = []
    while days.at(first_day(month), "00:00").timestamp() <= end:
        months.append(month)
        month = month_after(month)
    every = next((one for one in (1, 2, 3, 6, 12) if len(months) / one <= TICKS_ACROSS + 1),
                 12 * ceil(len(months) / 12 / TICKS_ACROSS))
    kept = [one for one in months if (int(one[:4]) * 12 + int(one[5:]) - 1) % every == 0]
    return _within(begin, end, days, [
        (first_day(one), one if every < YEAR else one[:4]) for one in kept])


def _hours(begin: float, end: float, days: Days, every: int) -> list[tuple[float, str]]:
    """Hours from the beginning of a day on, the first of a day with its date."""
    midnight = days.at(days.day_of(_moment(begin)), "00:00").timestamp()
    first = ceil((begin - midnight) / every)
    found = []
    for at in (midnight + every * (first + number) for number in range(TICKS_ACROSS + 2)):
        clock = days.time_of(_moment(at))
        found.append((at, days.day_of(_moment(at))[5:] if clock == "00:00" else clock))
    return [(at, said) for at, said in found if at <= end]


def _moment(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)


def _within(
    begin: float, end: float, days: Days, found: Iterable[tuple[str, str]]
) -> list[tuple[float, str]]:
    at = [(days.at(day, "00:00").timestamp(), said) for day, said in found]
    return [(time, said) for time, said in at if begin <= time <= end]


def _at(text: str) -> float:
    """A time as seconds since 1970."""
    return datetime.fromisoformat(text).timestamp()
