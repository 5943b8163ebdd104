"""Files that are whole or absent: written beside their place, and moved there when complete."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["drafted", "intended", "named"]

DRAFT = ".draft"  # ends the name of a file that is not complete


@contextmanager
def drafted(*paths: Path) -> Iterator[list[Path]]:
    """Yield a draft for each file; when all is well they take their places, links followed.

    After an error, or killed in between, no file is cut short: each is as it was before, or new.
    An error of the system names the file itself, as it was given.
    """
    targets = [path.resolve() for path in paths]
    drafts = [target.with_name(f"{target.name}{DRAFT}") for target in targets]
    try:
        yield drafts
        for draft, target in zip(drafts, targets, strict=True):
            draft.replace(target)
    except OSError as error:
        typed = {str(draft): str(path) for draft, path in zip(drafts, paths, strict=True)}
        error.filename = typed.get(str(error.filename), error.filename)
        raise
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)


@contextmanager
def named(path: Path) -> Iterator[None]:
    """Let an error of the system name the file: it does so by itself only while opening it."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def intended(name: str) -> str:
    """Return the name of the file that a draft is to become; any other name as it is."""
    return name.removesuffix(DRAFT)
