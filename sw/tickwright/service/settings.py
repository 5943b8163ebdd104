"""What a service is told when it is started."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["METRICS", "ServiceSettings"]

METRICS = "127.0.0.1:9464"  # where an exporter of metrics usually is

Milliseconds = Annotated[int, Meta(ge=10, le=60_000)]


class ServiceSettings(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything but what lies in the folder of its state."""

    card: str  # the way to the card, as `open_bus` takes it
    state: str  # folder that it owns
    listen: list[str] = []  # endpoints of ZeroMQ for requests, besides the local socket
    publish: str = ""  # endpoint of telemetry; "": a local socket in the folder
    metrics: str = METRICS  # HOST:PORT of /metrics and /health; "": nowhere
    ring: str = ""  # file of the telemetry ring; "": that of a twin, of other cards none
    watchdog_ms: Milliseconds = 250  # silence of the service after which the card is killed
    clock_offset_ms: float | None = None  # with more, nothing is armed; None: any will do
