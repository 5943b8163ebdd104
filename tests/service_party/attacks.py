"""Those who attack a service, each a process: what they try, and how much of it they were granted.

Run as ``python -m service_party.attacks NAME ENDPOINT SERVER KEY SECONDS MOST``: the public key of
the service, the file of a key, how long and how many. A line of JSON tells what came of it; before
it comes ``begun``.
"""

from __future__ import annotations

import itertools
import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec
import zmq

from tickwright.recorder.publication import Subscriber
from tickwright.service.keys import Key, read_secret
from tickwright.service.protocol import MOST_BYTES, Reply, StatusCode
from tickwright.service.roles import Role

__all__ = ["ATTACKS"]

BURST = 50  # messages
PAUSE_S = 0.002
RECONNECTS = 20  # connections at once of one that is never let in


class Attack:
    """One attack: where, as whom, until when. ``tried`` and ``granted`` count."""

    def __init__(self, endpoint: str, server: str, key: Key, seconds: float, most: int) -> None:
        self.endpoint, self.server, self.key, self.most = endpoint, server, key, most
        self._end = time.monotonic() + seconds
        self.tried = self.granted = 0

    @property
    def over(self) -> bool:
        return time.monotonic() >= self._end

    @contextmanager
    def dealer(self, key: Key | None, **options: int) -> Iterator[zmq.Socket]:
        with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            for name, value in options.items():
                setattr(dealer, name, value)
            if key is not None:
                dealer.curve_publickey = key.public.encode()
                dealer.curve_secretkey = key.secret.encode()
                dealer.curve_serverkey = self.server.encode()
            dealer.connect(self.endpoint)
            yield dealer

    def send(self, dealer: zmq.Socket, text: bytes) -> None:
        """Send, if somebody takes it; wait a little if not."""
        try:
            dealer.send(text, zmq.NOBLOCK)
            self.tried += 1
        except zmq.Again:
            time.sleep(PAUSE_S)

    def take(self, dealer: zmq.Socket, wait_ms: int = 0) -> None:
        """Take the answers that are there, or come soon."""
        end = time.monotonic() + wait_ms / 1000
        while dealer.poll(wait_ms) and (not wait_ms or time.monotonic() < end):
            reply = msgspec.json.decode(dealer.recv(), type=Reply)
            self.granted += reply.status == StatusCode.DONE

    def knock(self, key: Key | None) -> None:
        """Connect and ask, again and again."""
        while not self.over:
            with ExitStack() as stack:
                dealers = [stack.enter_context(self.dealer(key)) for _ in range(RECONNECTS)]
                for dealer in dealers:
                    self.send(dealer, _request(time.time_ns(), "arm"))
                time.sleep(PAUSE_S)
                for dealer in dealers:
                    self.take(dealer)

    def flood(self, message: Callable[[int], bytes]) -> None:
        """Send as many messages as are taken, and take the answers."""
        with self.dealer(self.key) as dealer:
            for number in itertools.count(time.time_ns()):
                if self.over:
                    break
                self.send(dealer, message(number))
                if self.tried % BURST == 0:
                    self.take(dealer)
            self.take(dealer, 200)


def _request(number: int, verb: str, arguments: str = "{}") -> bytes:
    return f'{{"number": {number}, "verb": "{verb}", "arguments": {arguments}}}'.encode()


def no_key(attack: Attack) -> None:
    attack.knock(None)


def known_to_nobody(attack: Attack) -> None:
    """Of a wrong key, or one that was revoked."""
    attack.knock(attack.key)


def stranger(attack: Attack) -> None:
    public, secret = (part.decode() for part in zmq.curve_keypair())
    attack.knock(Key("stranger", Role.OPERATOR, public, secret))


def low_role(attack: Attack) -> None:
    attack.flood(lambda number: _request(number, "arm"))


def replay(attack: Attack) -> None:
    message = _request(1, "status")
    attack.flood(lambda number: message)
    attack.granted -= 1  # the first of them, which was none yet


def malformed(attack: Attack) -> None:
    forms = [b"", b"[" * 10_000, b"\xff" * 1000, b'{"number": "x"}', b"{}", bytes(256)]
    attack.flood(lambda number: forms[number % len(forms)])


def oversized(attack: Attack) -> None:
    text = bytes(2 * MOST_BYTES)
    while not attack.over:
        with attack.dealer(attack.key) as dealer:
            attack.send(dealer, text)
            attack.take(dealer, 50)


def connections(attack: Attack) -> None:
    """Open so many connections that say nothing, and open those anew that were closed."""
    host, port = attack.endpoint.removeprefix("tcp://").rsplit(":", 1)
    held: list[socket.socket] = []
    try:
        while not attack.over:
            if len(held) >= attack.most:
                oldest = held[:RECONNECTS]
                del held[:RECONNECTS]
                for each in oldest:
                    each.close()
                time.sleep(PAUSE_S)
            for _ in range(min(RECONNECTS, attack.most - len(held))):
                held.append(socket.create_connection((host, int(port)), 30))
                attack.tried += 1
    finally:
        for each in held:
            each.close()


def fetches_nothing(attack: Attack) -> None:
    """Ask, and take no answer."""
    with attack.dealer(attack.key, rcvhwm=1, rcvbuf=1 << 12) as dealer:
        for number in itertools.count(time.time_ns()):
            if attack.over:
                break
            attack.send(dealer, _request(number, "params.show"))


def slow_subscriber(attack: Attack) -> None:
    """Follow telemetry, and take a message in a while."""
    with Subscriber(attack.endpoint, high_water=1, key=attack.key, server=attack.server) as slow:
        while not attack.over:
            slow.receive(100)
            attack.tried += 1
            time.sleep(0.2)


ATTACKS = {
    "no key": no_key,
    "wrong key": stranger,
    "revoked key": known_to_nobody,
    "role too low": low_role,
    "replayed": replay,
    "malformed": malformed,
    "oversized": oversized,
    "connections": connections,
    "fetches nothing": fetches_nothing,
    "slow subscriber": slow_subscriber,
}


def main(name: str, endpoint: str, server: str, key: str, seconds: str, most: str) -> None:
    attack = Attack(endpoint, server, read_secret(Path(key)), float(seconds), int(most))
    _tell("begun")
    ATTACKS[name](attack)
    _tell(json.dumps({"tried": attack.tried, "granted": attack.granted}))


def _tell(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
