"""Telemetry over ZeroMQ: what is published, and how one follows it.

Two topics. ``records``: topic, a `BatchHead`, then the records of the batch, 64 bytes each.
``summary``: topic, then a `Snapshot` in JSON. A subscriber too slow for its queue loses whole
messages; nobody waits for it. It sees the loss by the place that each batch has in the ring, as it
sees by the numbers of the records what the card or the ring lost.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import dataclass

import msgspec
import numpy as np
import zmq
from zmq.auth.thread import ThreadAuthenticator

from tickwright.core.closing import Closing
from tickwright.core.wire import Message, UInt
from tickwright.recorder.snapshot import Snapshot
from tickwright.service.keys import Key, Registry
from tickwright.telemetry.messages import RECORD_BYTES, VERSION

__all__ = ["Batch", "BatchHead", "PublicationError", "Publisher", "Subscriber"]

RECORDS, SUMMARY = b"records", b"summary"
NEAR = re.compile(r"(ipc://.+|tcp://(127\.0\.0\.1|localhost|\[::1\]):\d+)")
LARGEST = 1 << 20  # bytes of a frame that a publisher takes: it takes subscriptions alone


class PublicationError(RuntimeError):
    """What cannot be published, or is no publication: one line that says why."""


class BatchHead(Message, version=VERSION):
    """What goes before the records of a batch."""

    version = UInt(2, "Version of the records.")
    count = UInt(4, "Records that follow.", unit="records")
    generation = UInt(8, "Generation of the ring; another one is another card, or one begun anew.")
    place = UInt(8, "Records that went through the ring before the first.", unit="records")
    lost = UInt(8, "Records that the ring had no room for, so far.", unit="records")


@dataclass(frozen=True, eq=False)
class Batch:
    """Records that were published together; ``shed`` were published before and did not arrive."""

    head: BatchHead
    records: np.ndarray
    shed: int


class Publisher(Closing):
    """Publishes at an endpoint; with a ``key`` only to those whom ``known`` knows.

    ``high_water`` messages wait for each subscriber at most. Raises PublicationError where others
    than this machine's could listen and there is no key, or the endpoint cannot be had.
    """

    def __init__(
        self, endpoint: str, high_water: int, key: Key | None = None, known: Registry | None = None
    ) -> None:
        if (key is None) != (known is None):
            raise PublicationError(f"{endpoint}: found half of key and registry, expected both")
        if key is None and not NEAR.fullmatch(endpoint):
            raise PublicationError(
                f"{endpoint}: found no key, expected one, or a local socket or loopback"
            )
        with ExitStack() as stack:
            context = stack.enter_context(zmq.Context())
            if known is not None:
                stack.callback(_admitting(context, known).stop)
            self._socket = stack.enter_context(context.socket(zmq.PUB))
            self._socket.linger = 0
            self._socket.sndhwm = high_water
            self._socket.maxmsgsize = LARGEST
            if key is not None:
                self._socket.curve_server = True
                self._socket.curve_secretkey = key.secret.encode("ascii")
                self._socket.curve_publickey = key.public.encode("ascii")
            try:
                self._socket.bind(endpoint)
            except zmq.ZMQError as error:
                raise PublicationError(f"{endpoint}: {error.strerror.lower()}") from None
            self.endpoint = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Stop; what still waits for subscribers is dropped."""
        self._stack.close()

    def records(self, records: np.ndarray, generation: int, place: int, lost: int) -> None:
        """Publish a batch, which nobody may change afterwards; never waits."""
        head = BatchHead(count=len(records), generation=generation, place=place, lost=lost)
        self._socket.send(RECORDS, zmq.SNDMORE)
        self._socket.send(head.pack(), zmq.SNDMORE)
        self._socket.send(records.data, copy=False)

    def summary(self, snapshot: Snapshot) -> None:
        """Publish a summary; never waits."""
        self._socket.send_multipart([SUMMARY, msgspec.json.encode(snapshot)])


class Subscriber(Closing):
    """Follows a publisher: its summaries, its records, or both.

    With ``key`` and the publisher's public key it is one that is known. ``shed`` counts the records
    that did not arrive for this subscriber was too slow.
    """

    def __init__(
        self,
        endpoint: str,
        *,
        records: bool = True,
        summaries: bool = True,
        high_water: int = 1000,
        key: Key | None = None,
        server: str = "",
    ) -> None:
        self.shed = 0
        self._next: int | None = None
        with ExitStack() as stack:
            context = stack.enter_context(zmq.Context())
            self._socket = stack.enter_context(context.socket(zmq.SUB))
            self._socket.linger = 0
            self._socket.rcvhwm = high_water
            if key is not None:
                self._socket.curve_secretkey = key.secret.encode("ascii")
                self._socket.curve_publickey = key.public.encode("ascii")
                self._socket.curve_serverkey = server.encode("ascii")
            for topic, wanted in ((RECORDS, records), (SUMMARY, summaries)):
                if wanted:
                    self._socket.subscribe(topic)
            self._socket.connect(endpoint)
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Follow no longer."""
        self._stack.close()

    def receive(self, timeout_ms: int) -> Batch | Snapshot | None:
        """Return what comes next, None where nothing comes in time.

        Raises PublicationError for what is no publication of ours.
        """
        if not self._socket.poll(timeout_ms):
            return None
        match self._socket.recv_multipart():
            case [topic, text] if topic == SUMMARY:
                try:
                    return msgspec.json.decode(text, type=Snapshot)
                except msgspec.MsgspecError as error:
                    raise PublicationError(f"summary: {error}") from None
            case [topic, head, data] if topic == RECORDS:
                return self._batch(head, data)
            case frames:
                raise PublicationError(f"found {len(frames)} frames, expected records or a summary")

    def _batch(self, text: bytes, data: bytes) -> Batch:
        try:
            head = BatchHead.unpack(text)
        except ValueError as error:
            raise PublicationError(f"records: {error}") from None
        if len(data) != head.count * RECORD_BYTES:
            raise PublicationError(
                f"records: found {len(data)} bytes, expected {head.count} records"
            )
        shed = max(0, head.place - self._next) if self._next is not None else 0
        self._next = head.place + head.count
        self.shed += shed
        return Batch(head, np.frombuffer(data, np.uint8).reshape(-1, RECORD_BYTES), shed)


class _Known:
    """Answers whether a public key is one of the registry."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def callback(self, domain: str, key: bytes) -> bool:
        return self._registry.find(key.decode("ascii")) is not None


def _admitting(context: zmq.Context, known: Registry) -> ThreadAuthenticator:
    """Start to answer, in a thread of its own, who may connect."""
    authenticator = ThreadAuthenticator(context)
    authenticator.start()
    authenticator.configure_curve_callback(domain="*", credentials_provider=_Known(known))
    return authenticator
