"""Small charts as SVG text: lines, steps, marks and bars; no scripts, no files beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10

import numpy as np

__all__ = ["Bars", "Chart", "Line", "Marks", "Rule", "Tick", "clock_ticks", "svg", "ticks"]

WIDTH, HEIGHT = 960, 270
LEFT, RIGHT, TOP, BOTTOM = 78, 14, 24, 40
TICKS, WHOLE_TICKS = 5, 12  # on an axis, about
MARGIN = 0.06  # of the height that is left free above and below
NARROWEST_BARS = 12  # whole numbers that an axis of bars shows, at least
CLOCK_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400)  # seconds
MINUTE, HOUR = 60, 3600
BUCKETS = WIDTH - LEFT - RIGHT  # a line keeps the lowest and highest of each pixel column


@dataclass(frozen=True, eq=False)
class Line:
    """A line through points; ``step`` holds each value until the next."""

    x: np.ndarray
    y: np.ndarray
    colour: str
    label: str
    step: bool = False


@dataclass(frozen=True, eq=False)
class Marks:
    """Single points. Shapes: up, down, dot."""

    x: np.ndarray
    y: np.ndarray
    colour: str
    label: str
    shape: str = "dot"


@dataclass(frozen=True)
class Rule:
    """A level drawn across."""

    y: float
    label: str


@dataclass(frozen=True, eq=False)
class Bars:
    """Counts at whole numbers."""

    x: np.ndarray
    y: np.ndarray
    colour: str
    label: str


@dataclass(frozen=True, eq=False)
class Chart:
    """Everything in one frame; ``clock``: x is in seconds since midnight, shown as a time of day.

    ``x_range`` is the part of the x axis to show; left out: all of it.
    """

    series: Sequence[Line | Marks | Rule | Bars]
    x_title: str = ""
    y_title: str = ""
    clock: bool = False
    x_range: tuple[float, float] | None = None


@dataclass(frozen=True)
class Tick:
    """A number on an axis, as it is written there."""

    at: float
    label: str


class _Frame:
    """Where numbers lie on the page."""

    def __init__(self, chart: Chart) -> None:
        pointed = [one for one in chart.series if not isinstance(one, Rule)]
        xs = np.concatenate([np.asarray(one.x, float) for one in pointed] or [np.zeros(1)])
        ys = np.concatenate([np.asarray(one.y, float) for one in pointed] or [np.zeros(1)])
        ys = np.concatenate([ys, [one.y for one in chart.series if isinstance(one, Rule)]])
        self.whole = any(isinstance(one, Bars) for one in chart.series)
        if self.whole:
            middle, half = (xs.min() + xs.max()) / 2, NARROWEST_BARS / 2
            xs = np.concatenate([xs - 0.5, xs + 0.5, [floor(middle - half), ceil(middle + half)]])
            ys = np.concatenate([ys, [0.0]])
        self.x_low, self.x_high = _spread(xs) if chart.x_range is None else chart.x_range
        self.y_low, self.y_high = _spread(ys)
        free = MARGIN * (self.y_high - self.y_low)
        self.y_high += free
        if not self.whole:
            self.y_low -= free

    def x(self, value):
        return LEFT + (value - self.x_low) / (self.x_high - self.x_low) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        span = HEIGHT - TOP - BOTTOM
        return HEIGHT - BOTTOM - (value - self.y_low) / (self.y_high - self.y_low) * span


def ticks(low: float, high: float, *, count: int = TICKS, whole: bool = False) -> list[Tick]:
    """Return round numbers within a range, so many at most, or one more."""
    rough = (high - low) / count
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough)
    if whole:
        step = max(1.0, step)
    decimals = max(0, -floor(log10(step)))
    first, last = ceil(low / step), floor(high / step)
    return [
        Tick(number * step, f"{number * step + 0.0:,.{decimals}f}")
        for number in range(first, last + 1)
    ]


def clock_ticks(low: float, high: float) -> list[Tick]:
    """Return round times of day within a range of seconds since midnight, about five of them."""
    rough = (high - low) / TICKS
    if rough < CLOCK_STEPS[0]:
        return [Tick(one.at, _clock(one.at, one.label)) for one in ticks(low, high)]
    step = next((step for step in CLOCK_STEPS if step >= rough), CLOCK_STEPS[-1])
    numbers = range(ceil(low / step), floor(high / step) + 1)
    return [Tick(number * step, _clock(number * step)) for number in numbers]


def _clock(seconds: float, label: str = "") -> str:
    fraction = label.partition(".")[2]
    second, rest = divmod(int(seconds), MINUTE)[1], int(seconds) // MINUTE
    text = f"{rest // MINUTE:02}:{rest % MINUTE:02}:{second:02}"
    return f"{text}.{fraction}" if fraction else text


def svg(chart: Chart) -> str:
    """Return a chart as an SVG element."""
    frame = _Frame(chart)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">',
        *_axes(chart, frame),
    ]
    for one in chart.series:
        match one:
            case Line():
                parts.append(_line(one, frame))
            case Marks():
                parts += _marks(one, frame)
            case Rule():
                y = frame.y(one.y)
                parts.append(
                    f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" '
                    f'y2="{y:.1f}"><title>{escape(one.label)}</title></line>'
                )
            case Bars():
                parts += _bars(one, frame)
    parts.append("</svg>")
    legend = " ".join(
        f'<span><i style="background:{one.colour}"></i>{escape(one.label)}</span>'
        for one in chart.series
        if not isinstance(one, Rule)
    )
    return "".join(parts) + f'<p class="legend">{legend}</p>'


def _spread(values: np.ndarray) -> tuple[float, float]:
    low, high = float(values.min()), float(values.max())
    if low == high:
        return low - 1.0, high + 1.0
    return low, high


def _axes(chart: Chart, frame: _Frame) -> list[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [
        f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{bottom - TOP}"/>'
    ]
    for tick in ticks(frame.y_low, frame.y_high, whole=frame.whole):
        y = frame.y(tick.at)
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{right}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(f'<text class="y" x="{LEFT - 6}" y="{y + 4:.1f}">{tick.label}</text>')
    x_ticks = (
        clock_ticks(frame.x_low, frame.x_high)
        if chart.clock
        else ticks(
            frame.x_low,
            frame.x_high,
            count=WHOLE_TICKS if frame.whole else TICKS,
            whole=frame.whole,
        )
    )
    for tick in x_ticks:
        x = frame.x(tick.at)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        kept = min(max(x, LEFT + 20), right - 24)
        parts.append(f'<text class="x" x="{kept:.1f}" y="{bottom + 15}">{tick.label}</text>')
    parts.append(f'<text class="title" x="{LEFT}" y="{TOP - 8}">{escape(chart.y_title)}</text>')
    parts.append(
        f'<text class="title end" x="{right}" y="{HEIGHT - 6}">{escape(chart.x_title)}</text>'
    )
    return parts


def _line(line: Line, frame: _Frame) -> str:
    x, y = _thinned(np.asarray(line.x, float), np.asarray(line.y, float), frame)
    if line.step and len(x):
        x, y = np.repeat(x, 2)[1:], np.repeat(y, 2)[:-1]
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(frame.x(x), frame.y(y), strict=True))
    return f'<polyline points="{points}" stroke="{line.colour}"/>'


def _thinned(x: np.ndarray, y: np.ndarray, frame: _Frame) -> tuple[np.ndarray, np.ndarray]:
    """Keep the first, lowest, highest and last point of each pixel column."""
    if len(x) <= 4 * BUCKETS:
        return x, y
    column = frame.x(x).astype(int)
    starts = np.flatnonzero(np.diff(column, prepend=column[0] - 1))
    keep: set[int] = set()
    for begin, end in zip(starts, [*starts[1:], len(x)], strict=True):
        part = y[begin:end]
        kept = (0, int(part.argmin()), int(part.argmax()), len(part) - 1)
        keep |= {int(begin) + row for row in kept}
    rows = np.array(sorted(keep))
    return x[rows], y[rows]


def _marks(marks: Marks, frame: _Frame) -> list[str]:
    shapes = {"up": "M0-6 5 4-5 4Z", "down": "M0 6 5-4-5-4Z", "dot": "M-3-3H3V3H-3Z"}
    return [
        f'<path d="{shapes[marks.shape]}" fill="{marks.colour}" '
        f'transform="translate({frame.x(a):.1f} {frame.y(b):.1f})"/>'
        for a, b in zip(np.asarray(marks.x, float), np.asarray(marks.y, float), strict=True)
    ]


def _bars(bars: Bars, frame: _Frame) -> list[str]:
    width = max((frame.x(1.0) - frame.x(0.0)) * 0.8, 1.0)
    base = frame.y(0.0)
    return [
        f'<rect x="{frame.x(a) - width / 2:.1f}" y="{frame.y(b):.1f}" width="{width:.1f}" '
        f'height="{base - frame.y(b):.1f}" fill="{bars.colour}"><title>{a:g}: {b:g}</title></rect>'
        for a, b in zip(np.asarray(bars.x, float), np.asarray(bars.y, float), strict=True)
    ]
