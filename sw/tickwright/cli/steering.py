"""What a desk types to let orders pass, to hold them back, and to stop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from tickwright.cli.arguments import STATE, Card, State
from tickwright.cli.asking import asks
from tickwright.cli.output import VerbError

if TYPE_CHECKING:
    from tickwright.client.client import Client

__all__ = ["arm", "cancel_all", "close_only", "disarm", "emergency_kill", "flatten", "kill", "stop"]


@asks()
def arm(client: Client) -> Struct:
    """Let orders pass within the limits. Refused while `preflight` has a reason.

    Exit status: 0 when the card is armed, 4 when it was refused.

    Example: tickwright arm --key ann
    """
    return client.arm()


@asks()
def close_only(client: Client) -> Struct:
    """Let only orders pass that reduce a position.

    Example: tickwright close-only --key ann
    """
    return client.close_only()


@asks()
def disarm(client: Client) -> Struct:
    """Stop orders, as a planned act: journalled first, then carried out.

    Example: tickwright disarm --key ann
    """
    return client.disarm()


@asks()
def flatten(
    client: Client,
    off: Annotated[bool, typer.Option("--off", help="Let pairs enter again.")] = False,
) -> Struct:
    """Let pairs only exit, each at its next evaluation, until --off.

    Example: tickwright flatten --key ann
    """
    return client.flatten(off=off)


@asks()
def cancel_all(client: Client) -> Struct:
    """Withdraw every open order.

    The card sends immediate-or-cancel orders and no cancels: while any order is open this is
    refused, and says what to do instead.

    Example: tickwright cancel-all --key ann
    """
    return client.cancel_all()


@asks(unreachable="; `tickwright emergency-kill --card CARD` needs no service")
def kill(client: Client) -> Struct:
    """Stop orders at once. Carried out before it is journalled, and before whatever else waits.

    Exit status: 0 only when the card has said that it is killed; 1 also when it is, and that could
    not be journalled. Without the service: `kill -USR1` of its process, or `tickwright
    emergency-kill`.

    Example: tickwright kill --key ann
    """
    return client.kill()


@asks()
def stop(client: Client) -> Struct:
    """Disarm, and end the service.

    Example: tickwright stop --key ann
    """
    return client.stop()


def emergency_kill(
    card: Card,
    state: State = STATE,
) -> None:
    """Stop orders at once without the service and without a key, from the machine of the card.

    Exit status: 0 only when the card has said that it is killed, 3 when it cannot be reached.

    Example: tickwright emergency-kill --card twin:/tmp/tickwright.card
    """
    from tickwright.cli.telling import tell
    from tickwright.service.emergency import emergency_kill as killed
    from tickwright.service.errors import ServiceError

    try:
        tell(killed(card, state))
    except ServiceError as error:
        raise VerbError(error.status, str(error)) from None
