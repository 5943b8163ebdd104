"""What a shell needs to complete the words of a command."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import shell_complete

__all__ = ["Shell", "completion"]

PROGRAM = "tickwright"
VARIABLE = f"_{PROGRAM.upper()}_COMPLETE"  # by which the shell asks


class Shell(StrEnum):
    """Shells whose words can be completed."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


def completion(
    context: typer.Context,
    shell: Annotated[Shell, typer.Argument(help="Shell that is to complete.")],
) -> None:
    """Print a script by which a shell completes verbs, options and files.

    Let the shell read it. In bash: source <(tickwright completion bash), in zsh likewise. In fish:
    tickwright completion fish | source.

    Example: tickwright completion bash
    """
    command = context.find_root().command
    status = shell_complete(command, {}, PROGRAM, VARIABLE, f"source_{shell}")
    if status:  # said by then
        raise typer.Exit(status)
