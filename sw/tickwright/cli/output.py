"""How the verbs print: tables for people, one JSON object for scripts, errors in one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

__all__ = [
    "DONE",
    "FAILED",
    "UNREACHABLE",
    "WRONG",
    "VerbError",
    "emit",
    "note",
    "pairs",
    "printed",
    "tracked",
]

Item = TypeVar("Item")

WIDEST = 1 << 12  # characters

DONE, FAILED, WRONG, UNREACHABLE = 0, 1, 2, 3  # exit statuses


class VerbError(Exception):
    """The verb cannot go on: the line to print, and the exit status."""

    def __init__(self, status: int, line: str) -> None:
        super().__init__(line)
        self.status = status


def emit(found: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    typer.echo(json.dumps(found))


def note(text: str) -> None:
    """Say something that is no result: on standard error."""
    typer.echo(text, err=True)


def pairs(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print lines of name and value: in colours on a terminal, plain in a pipe."""
    table = Table(title=title, show_header=False, box=None, title_justify="left", pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in rows:
        table.add_row(name, Text(value))
    if sys.stdout.isatty():
        Console(highlight=False).print(table)
    else:
        printed(table)


def printed(table: Table) -> None:
    """Print a table as wide as it is, on a terminal that is narrower too: no number is cut."""
    if sys.stdout.isatty():
        console = Console(highlight=False)
        Console(highlight=False, width=max(console.width, _width(table))).print(table)
        return
    console = Console(highlight=False, width=_width(table))
    with console.capture() as captured:
        console.print(table)
    typer.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def _width(table: Table) -> int:
    """Return how many characters the longest line of a table takes."""
    console = Console(width=WIDEST)
    return min(WIDEST, max(1, console.measure(table).maximum))


def tracked(items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
    """Pass items on; on a terminal show progress with the time left, in a pipe nothing.

    Progress counts the length of each item where it has one.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(task, getattr(item, "__len__", lambda: 1)())
