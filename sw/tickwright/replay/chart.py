"""Small charts as SVG text: lines, steps, marks and bars; no scripts, no files beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np

__all__ = ["Bars", "Chart", "Line", "Marks", "Rule", "svg"]

WIDTH, HEIGHT = 960, 240
LEFT, RIGHT, TOP, BOTTOM = 78, 12, 10, 26
TICKS = 5
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


@dataclass(frozen=True)
class Chart:
    """Everything in one frame; ``x_format`` and ``y_format`` turn a number into an axis label."""

    series: Sequence[Line | Marks | Rule | Bars]
    x_format: str = "{:g}"
    y_format: str = "{:g}"
    x_title: str = ""
    y_title: str = ""


class _Frame:
    """Where numbers lie on the page."""

    def __init__(self, chart: Chart) -> None:
        pointed = [one for one in chart.series if not isinstance(one, Rule)]
        xs = np.concatenate([np.asarray(one.x, float) for one in pointed] or [np.zeros(1)])
        ys = np.concatenate([np.asarray(one.y, float) for one in pointed] or [np.zeros(1)])
        ys = np.concatenate([ys, [one.y for one in chart.series if isinstance(one, Rule)]])
        if any(isinstance(one, Bars) for one in chart.series):
            xs = np.concatenate([xs - 0.5, xs + 0.5])
            ys = np.concatenate([ys, [0.0]])
        self.x_low, self.x_high = _spread(xs)
        self.y_low, self.y_high = _spread(ys)

    def x(self, value):
        return LEFT + (value - self.x_low) / (self.x_high - self.x_low) * (WIDTH - LEFT - RIGHT)

    def y(self, value):
        span = HEIGHT - TOP - BOTTOM
        return HEIGHT - BOTTOM - (value - self.y_low) / (self.y_high - self.y_low) * span


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
        return low - 1, high + 1
    return low, high


def _axes(chart: Chart, frame: _Frame) -> list[str]:
    parts = [
        f'<rect class="frame" x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}" '
        f'height="{HEIGHT - TOP - BOTTOM}"/>'
    ]
    for value in np.linspace(frame.y_low, frame.y_high, TICKS):
        y = frame.y(value)
        parts.append(
            f'<text class="y" x="{LEFT - 6}" y="{y + 4:.1f}">{chart.y_format.format(value)}</text>'
        )
    for value in np.linspace(frame.x_low, frame.x_high, TICKS):
        x = min(max(frame.x(value), LEFT + 20), WIDTH - RIGHT - 20)
        parts.append(
            f'<text class="x" x="{x:.1f}" y="{HEIGHT - 8}">{chart.x_format.format(value)}</text>'
        )
    parts.append(
        f'<text class="title" x="{LEFT + 6}" y="{TOP + 14}">{escape(chart.y_title)}</text>'
    )
    parts.append(
        f'<text class="title end" x="{WIDTH - RIGHT - 6}" y="{HEIGHT - BOTTOM - 6}">'
        f"{escape(chart.x_title)}</text>"
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
        keep |= {begin, begin + int(part.argmin()), begin + int(part.argmax()), end - 1}
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
    width = max((frame.x(1.0) - frame.x(0.0)) * 0.9, 1.0)
    base = frame.y(0.0)
    return [
        f'<rect x="{frame.x(a) - width / 2:.1f}" y="{frame.y(b):.1f}" width="{width:.1f}" '
        f'height="{base - frame.y(b):.1f}" fill="{bars.colour}"><title>{a:g}: {b:g}</title></rect>'
        for a, b in zip(np.asarray(bars.x, float), np.asarray(bars.y, float), strict=True)
    ]
