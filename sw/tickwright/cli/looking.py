"""What anyone with a key types to look: status, preflight, positions, orders, report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from tickwright.cli.asking import asks
from tickwright.cli.output import WRONG, VerbError, note
from tickwright.cli.telling import tell, tell_parts

if TYPE_CHECKING:
    from tickwright.client.client import Client
    from tickwright.service.protocol import Preflight, Report, Status

__all__ = ["orders", "positions", "preflight", "report", "status"]


def _tell_preflight(found: Preflight) -> None:
    tell(found)
    note(f"arming is refused; reasons: {len(found.reasons)}" if found.reasons else "ready to arm")


def _tell_report(found: Report) -> None:
    typer.echo(found.text.rstrip("\n"))


def _tell_status(found: Status) -> None:
    from tickwright.client.screen import screen

    tell_parts(screen(found))


@asks(_tell_status)
def status(client: Client) -> Struct:
    """Show link, feed, session, limits in use, positions, P&L and alarms on one screen.

    Example: tickwright status --key ann
    """
    return client.status()


@asks(_tell_preflight)
def preflight(client: Client) -> Struct:
    """Show every reason why arming would be refused now, each with its remedy.

    Exit status: 0 when it could be found out, whether or not arming would be refused.

    Example: tickwright preflight --key ann
    """
    return client.preflight()


@asks()
def positions(
    client: Client,
    confirm: Annotated[
        list[str] | None,
        typer.Option(help="SYMBOL=SHARES as it is at the venue; those left out are flat."),
    ] = None,
    flat: Annotated[bool, typer.Option("--flat", help="Confirm that all are flat.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Confirm what the ledger holds.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing.")] = False,
) -> Struct:
    """Show the card's ledger; or say what the positions are, and confirm them, while killed.

    Example: tickwright positions --flat --key ann
    """
    chosen = sum((bool(confirm), flat, keep))
    if not chosen:
        if dry_run:
            raise VerbError(WRONG, "--dry-run: found nothing to confirm, expected --confirm")
        return client.positions()
    if chosen > 1:
        raise VerbError(WRONG, "found several of --confirm, --flat and --keep, expected one")
    given: dict[str, int] = {}
    for symbol, shares in map(_position, confirm or []):
        if given.setdefault(symbol, shares) != shares:
            raise VerbError(
                WRONG, f"--confirm: {symbol}: found {given[symbol]} and {shares}, expected one"
            )
    return client.load_positions(given, keep=keep, dry_run=dry_run)


@asks()
def orders(client: Client) -> Struct:
    """Show the newest orders and what became of them.

    Example: tickwright orders --key ann
    """
    return client.orders()


@asks(_tell_report)
def report(client: Client) -> Struct:
    """Show the day so far, or at its end: what was traded, refused, held and assumed.

    Example: tickwright report --key ann
    """
    return client.report()


def _position(text: str) -> tuple[str, int]:
    symbol, equals, shares = text.partition("=")
    try:
        if symbol and equals:
            return symbol, int(shares)
    except ValueError:
        pass
    raise VerbError(WRONG, f"--confirm: found {text!r}, expected SYMBOL=SHARES")
