"""The feeder of a card's watchdog: a small process with its own way to the card.

It feeds after a sign of life of the service, and only then. A sign is the moment at which it was
given, in nanoseconds of the machine's monotonic clock, and comes over standard input; one that is
too old counts for nothing, so that however late the feeder runs, the card never lives longer than
it may. When the pipe is closed or silent the feeder ends. It kills nothing: the card does.

Run as ``python -m tickwright.service.feeder CARD SIGN_MS SILENCE_MS``; it says ``feeding`` when it
has reached the card.
"""

from __future__ import annotations

import os
import select
import struct
import sys
import time
from collections.abc import Callable, Sequence

from tickwright.bus.errors import BusError
from tickwright.bus.opening import open_bus
from tickwright.host.card import Card, CardError
from tickwright.service.urgency import be_urgent

__all__ = ["READY", "SIGN", "feed", "main"]

SIGN = struct.Struct("<Q")
READY = "feeding"
MS_NS = 1_000_000
AT_ONCE = 512 * SIGN.size  # bytes
FAILED, WRONG = 1, 2  # exit statuses


def feed(
    signs: int,
    fed: Callable[[], None],
    *,
    sign_ms: int,
    silence_ms: int,
    clock_ns: Callable[[], int] = time.monotonic_ns,
) -> str:
    """Call ``fed`` after each sign from the file ``signs``; return why there will be no more.

    Of several signs that have come the newest counts. Raises what ``fed`` raises.
    """
    while True:
        if not select.select([signs], [], [], silence_ms / 1000)[0]:
            return f"found no sign of life for {silence_ms} ms, expected one"
        data = os.read(signs, AT_ONCE)
        if not data:
            return "found the pipe closed, expected signs of life"
        if len(data) % SIGN.size:
            return f"found {len(data)} bytes, expected signs of {SIGN.size} each"
        (given_ns,) = SIGN.unpack(data[-SIGN.size :])
        if 0 <= clock_ns() - given_ns <= sign_ms * MS_NS:
            fed()


def main(arguments: Sequence[str]) -> int:
    """Reach the card and feed; return the exit status, having said why on standard error."""
    try:
        card, sign_ms, silence_ms = arguments[0], int(arguments[1]), int(arguments[2])
    except (ValueError, IndexError):
        _say(f"found {' '.join(arguments)!r}, expected CARD SIGN_MS SILENCE_MS")
        return WRONG
    try:
        with open_bus(card) as way:
            feed_watchdog = Card(way).feed_watchdog
            be_urgent()
            sys.stdout.write(f"{READY}\n")
            sys.stdout.flush()
            why = feed(sys.stdin.fileno(), feed_watchdog, sign_ms=sign_ms, silence_ms=silence_ms)
    except (BusError, CardError, OSError) as error:
        _say(str(error))
        return FAILED
    _say(why)
    return 0


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
