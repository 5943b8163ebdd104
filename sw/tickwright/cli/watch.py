"""What one types to watch a card trade."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tickwright.cli.arguments import STATE, State
from tickwright.cli.asking import Service, WhichKey
from tickwright.cli.output import UNREACHABLE, WRONG, VerbError
from tickwright.cli.telling import tell_parts

if TYPE_CHECKING:
    from tickwright.client.client import Client
    from tickwright.recorder.publication import Subscriber
    from tickwright.watch.source import Source

__all__ = ["watch"]

FIRST_SUMMARY_MS = 1000
KILL_S = 5.0  # in which a kill is answered, or told not to be


def watch(
    once: Annotated[
        bool, typer.Option("--once", help="Print one screen as text, and end.")
    ] = False,
    state: State = STATE,
    key: WhichKey = "",
    service: Service = "",
) -> None:
    """Watch live books, pairs with their z, orders, alarms and latencies.

    q ends it; k kills the card, after a second key. What is not of now is told so.

    Exit status: 0 when it was ended, 3 when nobody answers, 4 when the key is refused.

    Example: tickwright watch --once --key ann
    """
    from tickwright.client.client import Client
    from tickwright.service.errors import ServiceError
    from tickwright.watch.source import Source as Looking

    if not once and not sys.stdout.isatty():
        raise VerbError(WRONG, "standard output: found no terminal, expected one, or --once")
    try:
        with (
            Client.of(state, key, service=service) as client,
            Looking(client, _summaries(state, client)) as source,
        ):
            if once:
                _print(source)
                return
            client.status()  # a key that may not ask is told before there is a screen
            from tickwright.watch.app import WatchApp

            killing = Client.of(state, key, service=service, timeout_s=KILL_S)
            with killing:
                WatchApp(source.look, lambda: source.view, lambda: _kill(killing)).run()
    except ServiceError as error:
        raise VerbError(error.status, str(error)) from None


def _print(source: Source) -> None:
    view = source.look(FIRST_SUMMARY_MS)
    if view.seen.status is None:
        raise VerbError(UNREACHABLE, view.seen.fault)
    tell_parts(view.parts)


def _kill(client: Client) -> str:
    from tickwright.service.errors import ServiceError

    try:
        found = client.kill()
    except ServiceError as error:
        return f"NOT KILLED: {error}"
    return f"{found.state}, {found.card_cycles} cycles after it was asked for"


def _summaries(state: Path, client: Client) -> Subscriber | None:
    """Follow the telemetry of the service of a folder; None where it publishes none."""
    from tickwright.client.finding import service_of
    from tickwright.recorder.publication import Subscriber

    found = service_of(state)
    if not found.telemetry:
        return None
    return Subscriber(found.telemetry, records=False, key=client.key, server=found.public)
