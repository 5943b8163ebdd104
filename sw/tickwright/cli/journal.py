"""What one types about the journal of a service, also when the service is gone."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tickwright.cli.arguments import AsJson
from tickwright.cli.output import FAILED, WRONG, VerbError, emit, note, printed

__all__ = ["app"]

SHOWN = 20  # entries, unless more are asked for
US_NS = 1_000
SECOND_NS = 10**9

app = typer.Typer(no_args_is_help=True, help="Verify the journal of a service, or read it.")

JournalFile = Annotated[Path, typer.Argument(help="The journal, a file of lines of JSON.")]


def _there(path: Path) -> None:
    if not path.is_file():
        raise VerbError(WRONG, f"{path}: found no file, expected a journal")


@app.command()
def verify(
    file: JournalFile,
    head: Annotated[
        str | None, typer.Option(help="Hash that the newest entry has to have, as noted before.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Follow the chain of hashes from the first entry to the newest.

    Entries cut off at the end are found only with --head. Exit status: 0 when the chain is whole,
    1 when it is not.

    Example: tickwright journal verify journal.jsonl
    """
    from tickwright.service.journal import JournalError
    from tickwright.service.journal import verify as follow

    _there(file)
    try:
        found = follow(file, head)
    except JournalError as error:
        raise VerbError(FAILED, str(error)) from None
    if as_json:
        emit({"entries": found.count, "head": found.head, "torn_bytes": found.torn})
        return
    if found.torn:
        note(f"an unfinished last line of {found.torn} bytes, which was never acknowledged")
    typer.echo(f"{found.count} entries, the chain is whole, head {found.head}")


@app.command()
def show(
    file: JournalFile,
    first: Annotated[
        int, typer.Option(help="Number of the first entry; below 1 it counts from the end.")
    ] = -SHOWN,
    most: Annotated[int, typer.Option(min=1, help="Entries to show at most.")] = SHOWN,
    as_json: AsJson = False,
) -> None:
    """Show entries, oldest first, if the chain is whole.

    Exit status: 0 when the chain is whole, 1 when it is not.

    Example: tickwright journal show journal.jsonl --first -5
    """
    import msgspec

    from tickwright.service.journal import JournalError, entries

    _there(file)
    try:
        rows = entries(file, first, most)
    except JournalError as error:
        raise VerbError(FAILED, str(error)) from None
    if as_json:
        emit({"entries": [msgspec.to_builtins(row) for row in rows]})
        return
    table = Table(box=None, pad_edge=False)
    for title in ("entry", "UTC", "by", "what", "details", "hash"):
        table.add_column(title, justify="right" if title == "entry" else "left", no_wrap=True)
    for row in rows:
        at = datetime.fromtimestamp(row.time_ns // SECOND_NS, UTC)
        micro = row.time_ns % SECOND_NS // US_NS
        details = " ".join(f"{name}={value}" for name, value in row.details.items())
        cells = (str(row.number), f"{at:%Y-%m-%d %H:%M:%S}.{micro:06}", row.by, row.what, details)
        table.add_row(*map(Text, (*cells, row.hash[:12])))
    printed(table)
