"""What whoever runs a service types about the keys of its desks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tickwright.cli.arguments import STATE, AsJson, State
from tickwright.cli.output import WRONG, VerbError, emit, note, printed
from tickwright.service.roles import Role

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="Make the keys of desks, list and revoke them.")

Name = Annotated[str, typer.Argument(help="Name of the key, such as that of its owner.")]


@contextmanager
def _told() -> Iterator[None]:
    from tickwright.service.keys import KeysError

    try:
        yield
    except KeysError as error:
        raise VerbError(WRONG, str(error)) from None


@app.command()
def new(
    name: Name,
    role: Annotated[Role, typer.Option(help="What the key is trusted with.")],
    state: State = STATE,
    as_json: AsJson = False,
) -> None:
    """Make a key, and make it known to the service. The file with its secret is its owner's.

    Example: tickwright keys new ann --role quant --state state
    """
    from tickwright.service.keys import new_key

    with _told():
        file = new_key(state, name, role)
    if as_json:
        emit({"name": name, "role": role, "file": str(file)})
        return
    note(f"wrote {file}: it holds the secret of {name} ({role}); hand it over and keep no copy")


@app.command("list")
def list_keys(state: State = STATE, as_json: AsJson = False) -> None:
    """List the keys that are known. What lies there and cannot be trusted is told on stderr.

    Example: tickwright keys list --state state
    """
    from tickwright.service.keys import Registry

    registry = Registry(state)
    known = registry.known()
    for fault in registry.faults:
        note(fault)
    if as_json:
        rows = [{"name": key.name, "role": key.role, "public": key.public} for key in known]
        emit({"keys": rows, "faults": registry.faults})
        return
    table = Table(box=None, pad_edge=False)
    for title in ("name", "role", "public key"):
        table.add_column(title, no_wrap=True)
    for key in known:
        table.add_row(*map(Text, (key.name, key.role, key.public)))
    printed(table)


@app.command("revoke")
def revoke_key(name: Name, state: State = STATE) -> None:
    """Make a key unknown, at once and for good.

    Example: tickwright keys revoke bob --state state
    """
    from tickwright.service.keys import revoke

    with _told():
        revoke(state, name)
    note(f"{name} is unknown from now on")
