"""How the loops of this package are compiled, and where their machine code is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core import config

from tickwright.core import wire
from tickwright.feed import messages
from tickwright.net import headers

__all__ = ["compiled", "keep", "keep_in"]

# What the machine code depends on besides this package: numba looks at the file of the function
# that it compiles, not at the tables and functions which that one uses.
_TABLES = (wire, messages, headers)
_FUNCTIONS: list[Any] = []
_KEPT: list[Path] = []  # the folder, once there is one
_njit: Any = numba.njit
_CACHE_SETTING = "CACHE_DIR"  # of numba


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function of integers and arrays, when it is first called.

    It may not make arrays, so that none need be counted: counting costs as much again to compile.
    """
    dispatcher = _njit(error_model="numpy", _nrt=False)(function)
    _FUNCTIONS.append(dispatcher)
    if _KEPT:
        _keep([dispatcher], _KEPT[0])
    return dispatcher


def keep(dispatcher: Any) -> None:
    """Let the machine code of a function be kept; a disk that cannot take it does no harm."""
    dispatcher.enable_caching()
    cache = dispatcher._cache
    save = cache.save_overload

    def save_if_possible(*code: Any) -> None:
        with suppress(OSError):
            save(*code)

    cache.save_overload = save_if_possible


def _keep(dispatchers: list[Any], folder: Path) -> None:
    """Let machine code be kept in a folder, and leave numba's setting as it was."""
    before = getattr(config, _CACHE_SETTING)
    setattr(config, _CACHE_SETTING, str(folder))
    for dispatcher in dispatchers:
        keep(dispatcher)
    setattr(config, _CACHE_SETTING, before)


def keep_in(folder: Path) -> Path:
    """Keep machine code below ``folder`` for later runs; until this is called none is kept.

    Returns the folder for these very sources: code made from others is never taken up.
    """
    sources = sorted(Path(__file__).parent.glob("*.py"))
    sources += [Path(module.__file__) for module in _TABLES if module.__file__]
    digest = hashlib.sha256()
    for source in sources:
        content = source.read_bytes()
        digest.update(f"{source.name} {len(content)}\n".encode() + content)
    kept = folder / f"market-{digest.hexdigest()[:16]}"
    if kept not in _KEPT:
        kept.mkdir(parents=True, exist_ok=True)
        _KEPT[:] = [kept]
        _keep(_FUNCTIONS, kept)
    return kept
