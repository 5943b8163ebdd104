"""What a quant types to change parameters of a card that may be trading."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from tickwright.cli.asking import asks

if TYPE_CHECKING:
    from tickwright.client.client import Client

__all__ = ["DryRun", "Epoch", "app"]

app = typer.Typer(no_args_is_help=True, help="Load, compare, show or take back parameters.")

DeskFile = Annotated[Path, typer.Argument(help="The desk file.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would change; change nothing.")]
Epoch = Annotated[int | None, typer.Option(min=1, help="An earlier set; left out: that in force.")]


@app.command()
@asks()
def load(client: Client, file: DeskFile, dry_run: DryRun = False) -> Struct:
    """Put the parameters of a desk file in force, between two quotes; show old and new values.

    The first load after a start takes symbols, feed and session too, and needs the card killed.
    While it is not killed, only parameters of pairs may differ.

    Example: tickwright params load session.desk.toml --key ann
    """
    return client.load_parameters(file, dry_run=dry_run)


@app.command()
@asks()
def diff(client: Client, file: DeskFile) -> Struct:
    """Show what a load of a desk file would change, old and new, and change nothing.

    Example: tickwright params diff session.desk.toml --key ann
    """
    return client.diff_parameters(file)


@app.command()
@asks()
def show(client: Client, epoch: Epoch = None) -> Struct:
    """Show the desk file in force, or an earlier one.

    Example: tickwright params show --key ann
    """
    return client.parameters(epoch)


@app.command()
@asks()
def rollback(client: Client, epoch: Epoch = None, dry_run: DryRun = False) -> Struct:
    """Put an earlier parameter set in force again: that of an epoch, or the one before.

    Example: tickwright params rollback --key ann
    """
    return client.roll_back(epoch, dry_run=dry_run)
