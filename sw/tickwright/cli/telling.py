"""How the answer of a service is printed: parts as lines and tables, or one JSON object."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import typer
from msgspec import Struct
from rich.table import Table
from rich.text import Text

from tickwright.cli.output import emit, pairs, printed

if TYPE_CHECKING:
    from tickwright.service.display import Parts

__all__ = ["emit_answer", "tell", "tell_parts"]


def tell(answer: Struct) -> None:
    """Print an answer for people."""
    from tickwright.service.display import parts

    tell_parts(parts(answer))


def tell_parts(found: Parts) -> None:
    """Print an answer that is in parts; of a table without rows only that it has none."""
    if found.values:
        pairs("", found.values)
    for rows in found.tables:
        if not rows.cells:
            typer.echo(f"{rows.title}: none")
            continue
        typer.echo(rows.title)
        table = Table(box=None, pad_edge=False)
        for name in rows.columns:
            table.add_column(name, justify="right" if name in rows.right else "left", no_wrap=True)
        for cells in rows.cells:
            table.add_row(*map(Text, cells))
        printed(table)
    for text in found.texts:
        typer.echo(text.rstrip("\n"))


def emit_answer(answer: Struct) -> None:
    """Print an answer as the service gave it."""
    found: Any = msgspec.to_builtins(answer)
    emit(found)
