"""What one types to run the service that owns a card."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from tickwright.cli.arguments import STATE, Card, State
from tickwright.cli.output import FAILED, UNREACHABLE, WRONG, VerbError

__all__ = ["serve"]

NOTIFY_SOCKET = "NOTIFY_SOCKET"  # of systemd
ENDPOINT = re.compile(r"tcp://\S+:(\d{1,5}|\*)|ipc://.+")  # port *: any that is free


def serve(
    card: Card,
    state: State = STATE,
    listen: Annotated[
        list[str] | None,
        typer.Option(
            help="Take requests there too, as tcp://HOST:PORT; else this machine's alone."
        ),
    ] = None,
    publish: Annotated[
        str, typer.Option(help="Publish telemetry there instead of at a local socket.")
    ] = "",
    metrics: Annotated[
        str,
        typer.Option(
            envvar="TICKWRIGHT_METRICS", help='HOST:PORT of /metrics and /health; "" for nowhere.'
        ),
    ] = "127.0.0.1:9464",
    ring: Annotated[
        Path | None, typer.Option(help="Telemetry ring; that of a twin if not given.")
    ] = None,
    watchdog_ms: Annotated[
        int, typer.Option(min=10, max=60_000, help="Silence after which the card is killed, ms.")
    ] = 250,
    clock_offset_ms: Annotated[
        float | None, typer.Option(min=0, help="With a clock further off, nothing is armed, ms.")
    ] = None,
) -> None:
    """Own a card: take requests of desks, feed its watchdog, keep its records, until ended.

    A start kills the card and arms nothing; so does the end, by SIGTERM, Ctrl-C or `stop`.
    SIGUSR1 kills the card and goes on. What happens is logged on standard error in JSON.

    Exit status: 0 when it was ended, 1 when it cannot begin, 2 for a wrong call, 3 when the card
    cannot be reached or was lost.

    Example: tickwright serve --card twin:/tmp/tickwright.card --state state
    """
    import asyncio

    from tickwright.bus.errors import BusError
    from tickwright.service.errors import ServiceError
    from tickwright.service.log import json_log
    from tickwright.service.notify import Notifier, NotifyError
    from tickwright.service.process import Service
    from tickwright.service.settings import ServiceSettings

    settings = ServiceSettings(
        card=card,
        state=str(state),
        listen=[_endpoint(one) for one in listen or []],
        publish=publish,
        metrics=_metrics(metrics),
        ring="" if ring is None else str(ring),
        watchdog_ms=watchdog_ms,
        clock_offset_ms=clock_offset_ms,
    )
    try:
        service = Service(
            settings, json_log(sys.stderr), Notifier(os.environ.get(NOTIFY_SOCKET, ""))
        )
        asyncio.run(service.run(_serving))
    except BusError as error:
        raise VerbError(UNREACHABLE, str(error)) from None
    except ServiceError as error:
        raise VerbError(error.status, str(error)) from None
    except NotifyError as error:
        raise VerbError(FAILED, str(error)) from None


def _serving(endpoints: list[str]) -> None:
    typer.echo(f"serving at {' '.join(endpoints)}")
    sys.stdout.flush()


def _endpoint(text: str) -> str:
    """Return an endpoint at which requests are taken. Raises VerbError."""
    if not ENDPOINT.fullmatch(text):
        raise VerbError(WRONG, f"--listen: found {text!r}, expected tcp://HOST:PORT")
    return text


def _metrics(text: str) -> str:
    """Return HOST:PORT, or nothing. Raises VerbError."""
    host, colon, port = text.rpartition(":")
    if text and not (host and colon and port.isdigit() and int(port) < 1 << 16):
        raise VerbError(WRONG, f"--metrics: found {text!r}, expected HOST:PORT")
    return text
