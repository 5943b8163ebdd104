"""The command ``tickwright`` and its verbs."""

from __future__ import annotations

import typer

from tickwright.cli.doctor import doctor

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(doctor)


@app.callback()
def tickwright() -> None:
    """Trade through hardware: load a card, watch it, replay what it saw."""
