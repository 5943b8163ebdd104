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

__all__ = ["emit", "note", "pairs", "tracked"]

Item = TypeVar("Item")


def emit(found: dict[str, Any]) -> None:
    """Print one JSON object on standard output."""
    typer.echo(json.dumps(found))


def note(text: str) -> None:
    """Say something that is no result: on standard error."""
    typer.echo(text, err=True)


def pairs(title: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print lines of name and value."""
    table = Table(title=title, show_header=False, box=None, title_justify="left", pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for name, value in rows:
        table.add_row(name, value)
    Console(soft_wrap=not sys.stdout.isatty(), highlight=False).print(table)


def tracked(items: Iterable[Item], what: str, total: int | None) -> Iterator[Item]:
    """Pass items on; on a terminal show progress with the time left, in a pipe nothing."""
    if not sys.stderr.isatty():
        yield from items
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(what, total=total)
        for item in items:
            yield item
            progress.advance(task, getattr(item, "__len__", lambda: 1)())
