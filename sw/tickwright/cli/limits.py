"""What a risk officer types to change limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from tickwright.cli.asking import asks
from tickwright.cli.params import DryRun, Epoch

if TYPE_CHECKING:
    from tickwright.client.client import Client

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Load, compare or show limits.")

LimitsFile = Annotated[Path, typer.Argument(help="The limits file.")]


@app.command()
@asks()
def load(
    client: Client,
    file: LimitsFile,
    confirm: Annotated[
        bool, typer.Option("--confirm", help="Yes, this loosens limits; takes the role risk.")
    ] = False,
    dry_run: DryRun = False,
) -> Struct:
    """Put the limits of a file in force at once; show old and new values.

    Limits that only tighten are taken at any time. One that loosens any needs the role risk,
    --confirm, and a killed card.

    Example: tickwright limits load session.limits.toml --confirm --key rita
    """
    return client.load_limits(file, dry_run=dry_run, confirm=confirm)


@app.command()
@asks()
def diff(client: Client, file: LimitsFile) -> Struct:
    """Show what a load of a limits file would change, and which limits it loosens.

    Example: tickwright limits diff session.limits.toml --key rita
    """
    return client.diff_limits(file)


@app.command()
@asks()
def show(client: Client, epoch: Epoch = None) -> Struct:
    """Show the limits file in force, or an earlier one.

    Example: tickwright limits show --key ann
    """
    return client.limits(epoch)
