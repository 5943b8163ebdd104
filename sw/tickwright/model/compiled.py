"""How the functions of the model are compiled, and where the machine code is kept."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
from numba.core import config

from tickwright.core import fixed, wire
from tickwright.feed import messages, reasons
from tickwright.host import records, setup
from tickwright.market import messages_table
from tickwright.market.compiled import keep
from tickwright.risk import checks
from tickwright.strategy import regs as strategy_regs

__all__ = ["compiled", "compiled_maker", "keep_in"]

# What the machine code depends on besides the model itself: numba only looks at the file of the
# function it compiles, not at the tables and functions that the code was made with.
_TABLES = (
    fixed, wire, messages, reasons, checks, records, setup, messages_table, strategy_regs
)  # fmt: skip
_FUNCTIONS: list[Any] = []
_njit: Any = numba.njit
_CACHE_SETTING = "CACHE_DIR"  # of numba; a user may have set it in the environment as well


def compiled(function: Callable[..., Any]) -> Any:
    """Compile a function of integers and arrays, when it is first called.

    It may not make arrays, which is why none need be counted: with the counting of references,
    a call takes several times as long.
    """
    return _kept(_njit(error_model="numpy", _nrt=False)(function))


def compiled_maker(function: Callable[..., Any]) -> Any:
    """Compile a function that makes arrays, when it is first called."""
    return _kept(_njit(error_model="numpy")(function))


def _kept(dispatcher: Any) -> Any:
    if getattr(config, _CACHE_SETTING):
        keep(dispatcher)
    _FUNCTIONS.append(dispatcher)
    return dispatcher


def keep_in(folder: Path) -> Path:
    """Keep machine code below ``folder`` for later runs; until this is called none is kept.

    Returns the folder for these very sources: code made from others is never taken up. Whoever
    parses the command line calls this, before the model first runs.
    """
    sources = sorted(Path(__file__).parent.glob("*.py"))
    sources += [Path(module.__file__) for module in _TABLES if module.__file__]
    digest = hashlib.sha256()
    for source in sources:
        content = source.read_bytes()
        digest.update(f"{source.name} {len(content)}\n".encode() + content)
    kept = folder / f"model-{digest.hexdigest()[:16]}"
    kept.mkdir(parents=True, exist_ok=True)
    setattr(config, _CACHE_SETTING, str(kept))
    for dispatcher in _FUNCTIONS:
        keep(dispatcher)
    return kept
