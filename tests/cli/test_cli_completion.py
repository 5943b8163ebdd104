"""A shell that read the script completes the words of a command."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

DEADLINE_S = 60.0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_for_the_shell_and_asks_the_command(type_in, shell: str):
    done = type_in("completion", shell)
    assert (done.status, done.err) == (0, "")
    assert f"_TICKWRIGHT_COMPLETE=complete_{shell}" in done.out


def test_another_shell_is_a_wrong_call(type_in):
    done = type_in("completion", "tcsh")
    assert done.status == 2
    assert done.out == ""
    assert "'tcsh'" in done.err
    assert "'zsh'" in done.err


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["jour"], {"journal"}),
        (["journal", ""], {"verify", "show"}),
        (["doctor", "--"], {"--json", "--host"}),
        (["completion", "z"], {"zsh"}),
        (["nothing", "lik"], set()),
    ],
    ids=lambda given: "-".join(given) if isinstance(given, list) else "",
)
def test_bash_completes(type_in, tmp_path: Path, words: list[str], offered: set[str]):
    command = tmp_path / "tickwright"
    told = "from tickwright.cli.main import main; main()"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{told}" "$@"\n')
    command.chmod(0o755)
    script = tmp_path / "script"
    script.write_text(type_in("completion", "bash").out)
    typed = " ".join(map(shlex.quote, ["tickwright", *words]))
    asked = (
        f"source {script}; complete -p tickwright >&2; COMP_WORDS=({typed}); "
        f"COMP_CWORD={len(words)}; _tickwright_completion tickwright; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(
        ["bash", "--norc", "-c", asked],
        env=os.environ
        | {
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": os.pathsep.join(sys.path),
        },
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=True,
    )
    assert "-F _tickwright_completion tickwright" in done.stderr
    found = set(done.stdout.split())
    assert offered <= found
    assert offered or not found
