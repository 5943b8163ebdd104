"""Where a verb may write: checked before the work, for a run is too long to lose its result."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import typer

__all__ = ["writable"]


def writable(option: str, path: Path | None, taken: Iterable[Path | None]) -> None:
    """Refuse the file that an option names, links followed, where the verb may not write it.

    It must lie in a folder that can be written to, be no folder and no device, and be none of
    ``taken``: the inputs, and the outputs before it.
    """
    if path is None:
        return
    target = path.resolve()
    for other in taken:
        if other is not None and other.resolve() == target:
            raise typer.BadParameter(
                f"{option}: found {path}, which this call also reads or writes, "
                f"expected a file of its own"
            )
    if target.exists() and not target.is_file():
        raise typer.BadParameter(f"{option}: found {path}, which is no file, expected a file")
    if not target.parent.is_dir():
        raise typer.BadParameter(f"{option}: found {path}, expected a folder that exists")
    if not os.access(target.parent, os.W_OK):
        raise typer.BadParameter(f"{option}: found {path}, expected a folder to write to")
