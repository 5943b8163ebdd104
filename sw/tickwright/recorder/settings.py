"""What a recorder is told when it is started."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["RecorderSettings"]

Positive = Annotated[int, Meta(ge=1)]


class RecorderSettings(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Where records come from and go to, and how often what is done."""

    ring: str  # file of the ring
    folder: str  # of the segments
    publish: str  # endpoint, as ZeroMQ has it
    key: str = ""  # file of the publisher's secret key; "": no keys, this machine alone
    state: str = ""  # folder of the keys that are known; with `key`
    most: Positive = 4096  # records of a batch
    gather_ms: Positive = 4  # to wait where less than a batch is there
    high_water: Positive = 256  # batches that wait for a subscriber before it loses some
    segment_bytes: Positive = 256 << 20
    sync_ms: Positive = 50  # what a machine that fails may lose; a large one holds others up
    retry_ms: Positive = 500  # between attempts to write where the disk takes nothing
    summary_ms: Positive = 250
    recalled: Positive = 4_000_000  # records on the disk that the summary begins with, at most
    parent: int = 0  # process whose end is the recorder's too; 0: none
