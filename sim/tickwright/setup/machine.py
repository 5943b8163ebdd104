"""What the machine itself has to bring: the programs that no package index can give."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass

__all__ = ["PROGRAMS", "Program"]


@dataclass(frozen=True)
class Program:
    """A program that has to be on ``PATH``."""

    name: str
    purpose: str
    package: str  # that brings it on Debian, Ubuntu and Fedora alike, unless it says otherwise
    probe: tuple[str, ...] = ("--version",)  # arguments with which it succeeds where it is complete

    @property
    def present(self) -> bool:
        """Whether it is on ``PATH``; it is not run."""
        return shutil.which(self.name) is not None

    def version(self) -> str | None:
        """Return the first line that names its version, or nothing where it is absent or broken."""
        try:
            done = subprocess.run(
                [self.name, *self.probe], capture_output=True, text=True, timeout=20, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return next((line.strip() for line in done.stdout.splitlines() if line.strip()), "")

    @property
    def remedy(self) -> str:
        """One sentence that tells how to get it."""
        return f"needed {self.purpose}; install the package {self.package}."


PROGRAMS = (
    Program("g++", "to compile the twin", "g++ (Fedora: gcc-c++), version 10 or later"),
    Program("make", "to compile the twin, and for the verbs of the Makefile", "make"),
    Program(
        "perl",
        "by Verilator, with its module Pod::Usage",
        "perl",
        ("-MPod::Usage", "-e", "print qq(perl $^V)"),
    ),
    Program("git", "to tell which commit a figure belongs to", "git"),
)
