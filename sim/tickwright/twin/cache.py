"""Where compiled gateware is kept between runs."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Callable
from pathlib import Path

__all__ = ["cache_folder", "kept"]

CACHE_VARIABLE = "TICKWRIGHT_CACHE"


def cache_folder() -> Path:
    """Return the user's folder for what can be made again: compiled gateware, waveforms.

    It is ``TICKWRIGHT_CACHE`` if that is set, else ``tickwright`` in the user's own cache folder.
    """
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    users = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(users) / "tickwright"


def kept(folder: Path, build: Callable[[Path], None]) -> Path:
    """Return ``folder``, which ``build`` has filled in this run or in an earlier one.

    The name of the folder stands for its contents, by a hash of all that goes into them. ``build``
    works in a draft that is renamed when it is complete, so the folder is whole or absent however a
    run ends; of several processes one builds and the others wait for it.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            draft = folder.with_name(f"{folder.name}.draft")
            shutil.rmtree(draft, ignore_errors=True)
            draft.mkdir()
            build(draft)
            draft.rename(folder)
    return folder
