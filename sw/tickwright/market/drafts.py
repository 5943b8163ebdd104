"""Files that are whole or absent: written beside their place, and moved there when complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex

__all__ = ["drafted", "named"]

DRAFT = ".draft"  # ends the name of a file that is not complete
TOKEN_BYTES = 8  # that no other run draws


@contextmanager
def drafted(*paths: Path) -> Iterator[list[Path]]:
    """Yield a draft for each file; when all is well they take their places, links followed.

    A draft is a new file, made here under a name of its own: no other file is touched before the
    drafts take their places, and two runs may write the same file at once. After an error, or
    killed in between, no file is cut short: each is as it was before, or new. An error of the
    system names the file itself, as it was given.
    """
    targets = [path.resolve() for path in paths]
    drafts = [target.with_name(f"{target.name}.{token_hex(TOKEN_BYTES)}{DRAFT}")
              for target in targets]  # fmt: skip
    made: list[Path] = []
    try:
        for draft in drafts:
            draft.touch(exist_ok=False)
            made.append(draft)
        yield drafts
        for draft, target in zip(drafts, targets, strict=True):
            draft.replace(target)
            made.remove(draft)
    except OSError as error:
        typed = {str(draft): str(path) for draft, path in zip(drafts, paths, strict=True)}
        error.filename = typed.get(str(error.filename), error.filename)
        raise
    finally:
        for draft in made:
            draft.unlink(missing_ok=True)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Let an error of the system name the file: it does so by itself only while opening it."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise
