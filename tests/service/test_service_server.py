"""A server answers those who may ask, once and in turn; all else is refused and counted."""

from __future__ import annotations

import errno
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import pytest
import zmq
from service_party.gate import ARM, KILL
from service_party.serving import DEADLINE_S, Serving, serving

from tickwright.bus.errors import BusError
from tickwright.service.caller import Caller
from tickwright.service.errors import ServiceError
from tickwright.service.journal import verify
from tickwright.service.keys import Key, revoke
from tickwright.service.protocol import MOST_BYTES, VERBS, Reply, StatusCode
from tickwright.service.roles import Role
from tickwright.service.server import HANDSHAKE_MS, IN_WAITING, WAITING

SILENCE_S = 0.3  # in which an answer would have come
CONNECTIONS = 100
NO_CURVE = b"\xff" + bytes(8) + b"\x7f\x03\0" + b"NULL".ljust(52, b"\0")  # RFC 23: a greeting
FAILING = 3000  # connections: more than ZeroMQ tells of ahead, by itself
ARMING = ("status", "status", "arm")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Serving]:
    with serving(tmp_path / "state") as found:
        yield found


@contextmanager
def connected(served: Serving, key: Key) -> Iterator[zmq.Socket]:
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.linger = 0
        dealer.curve_publickey = key.public.encode()
        dealer.curve_secretkey = key.secret.encode()
        dealer.curve_serverkey = served.public.encode()
        dealer.connect(served.endpoint)
        yield dealer


def answer(dealer: zmq.Socket) -> Reply:
    assert dealer.poll(int(DEADLINE_S * 1000)), "no answer came"
    return msgspec.json.decode(dealer.recv(), type=Reply)


def sent(served: Serving, key: Key, *messages: list[bytes], answers: int = 1) -> list[Reply]:
    """Send messages as they are, on one connection; return so many answers."""
    with connected(served, key) as dealer:
        for frames in messages:
            dealer.send_multipart(frames)
        return [answer(dealer) for _ in range(answers)]


def held(served: Serving) -> tuple[threading.Event, threading.Event]:
    """Let the next request wait in the worker: return its beginning, and what lets it go on."""
    begun, go = threading.Event(), threading.Event()

    def wait(verb: str) -> None:
        begun.set()
        assert go.wait(DEADLINE_S)

    served.carried.during = wait
    return begun, go


def request(number: int, verb: str = "status", arguments: str = "{}") -> bytes:
    return f'{{"number": {number}, "verb": "{verb}", "arguments": {arguments}}}'.encode()


class TestWhoMayAsk:
    """A known key with the right role, and nobody else."""

    def test_a_known_key_is_answered(self, served: Serving):
        ann = served.key("ann", Role.VIEWER)
        reply = served.ask(ann, "status")
        assert (reply.status, reply.result, reply.journal) == (
            StatusCode.DONE,
            msgspec.Raw(b'{"verb":"status"}'),
            1,
        )
        assert served.carried.asked == [("ann", "status", b"{}")]
        assert served.server.refused == 0

    def test_a_failure_has_status_and_line(self, served: Serving):
        reply = served.ask(served.key("ann", Role.VIEWER), "report")
        assert (reply.status, reply.error) == (
            StatusCode.FAILED,
            "report: found nothing, expected a day",
        )

    def test_a_fault_of_the_service_is_told_and_the_next_is_served(self, served: Serving):
        def broken(verb: str) -> None:
            raise ZeroDivisionError("two\nlines")

        ann, served.carried.during = served.key("ann", Role.VIEWER), broken
        reply = served.ask(ann, "status")
        assert (reply.status, reply.error) == (
            StatusCode.FAILED,
            "status: a fault of the service: ZeroDivisionError: two lines",
        )
        served.carried.during = lambda verb: None
        assert served.ask(ann, "status").status == StatusCode.DONE

    @pytest.mark.parametrize("role", Role)
    def test_a_role_has_its_verbs_and_no_others(self, served: Serving, role: Role):
        key = served.key("one", role)
        with served.caller(key) as caller:
            for verb in VERBS.values():
                status = caller.ask(verb.name).status
                if role not in verb.roles:
                    assert status == StatusCode.REFUSED, verb.name
                else:
                    assert status in (StatusCode.DONE, StatusCode.FAILED), verb.name
        done = {verb for _, verb, _ in served.carried.asked}
        assert done == {v.name for v in VERBS.values() if role in v.roles and v.name != "kill"}
        assert served.server.refused == sum(role not in verb.roles for verb in VERBS.values())

    def test_a_stranger_is_not_let_in(self, served: Serving):
        public, secret = (part.decode() for part in zmq.curve_keypair())
        stranger = Key("ann", Role.OPERATOR, public, secret)
        with served.caller(stranger, SILENCE_S) as caller, pytest.raises(ServiceError) as told:
            caller.ask("status")
        assert told.value.status == StatusCode.UNREACHABLE
        served.until(lambda: served.server.refused >= 1)
        assert served.carried.asked == []
        assert any(line.startswith(f"key {public[:8]} from 127.0.0.1") for line in served.told)

    def test_nobody_is_let_in_without_a_key(self, served: Serving):
        with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            dealer.connect(served.endpoint)
            dealer.send(request(1))
            served.until(lambda: served.server.refused >= 1)
            assert not dealer.poll(SILENCE_S * 1000)
        assert served.carried.asked == []

    def test_who_takes_another_for_the_service_is_not_let_in(self, served: Serving):
        ann = served.key("ann", Role.VIEWER)
        other, _ = (part.decode() for part in zmq.curve_keypair())
        with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
            dealer.linger = 0
            dealer.curve_publickey, dealer.curve_secretkey = (
                ann.public.encode(),
                ann.secret.encode(),
            )
            dealer.curve_serverkey = other.encode()
            dealer.connect(served.endpoint)
            dealer.send(request(1))
            assert not dealer.poll(SILENCE_S * 1000)
        assert served.carried.asked == []

    def test_a_key_revoked_on_an_open_connection_is_refused(self, served: Serving):
        ann = served.key("ann", Role.OPERATOR)
        with served.caller(ann) as caller:
            assert caller.ask("status").status == StatusCode.DONE
            revoke(served.folder, "ann")
            for verb in ("status", "arm", "kill"):
                reply = caller.ask(verb)
                assert reply.status == StatusCode.REFUSED
                assert "found it revoked" in reply.error
        assert served.gate.history == []
        assert served.server.refused == 3

    def test_a_key_revoked_while_its_request_waits_is_refused(self, served: Serving):
        ann, bob = served.key("ann", Role.OPERATOR), served.key("bob", Role.VIEWER)
        begun, go = held(served)
        replies: dict[str, Reply] = {}
        asking = [
            threading.Thread(target=lambda: replies.update(bob=served.ask(bob, "status"))),
            threading.Thread(target=lambda: replies.update(ann=served.ask(ann, "arm"))),
        ]
        asking[0].start()
        assert begun.wait(DEADLINE_S)
        asking[1].start()
        served.until(lambda: len(served.server._turns) == 1)
        revoke(served.folder, "ann")
        go.set()
        for each in asking:
            each.join(DEADLINE_S)
        assert replies["bob"].status == StatusCode.DONE
        assert replies["ann"].status == StatusCode.REFUSED
        assert served.gate.history == []


class TestMessages:
    """What is no request of ours is refused or dropped, and counted."""

    @pytest.mark.parametrize(
        "text",
        [
            b"",
            b"{}",
            b"[]",
            b"\xff\xfe",
            b'{"number": 1}',
            b'{"number": "1", "verb": "status"}',
            b'{"number": 1.5, "verb": "status"}',
            b'{"number": 1, "verb": "status", "more": 1}',
            b'{"number": 1, "verb": "status"} {}',
            b"[" * 100_000,
            b'{"number": 1, "verb": "status", "arguments": ' + b"[" * 100_000,
            bytes(range(256)),
        ],
        ids=range(12),
    )
    def test_that_are_malformed(self, served: Serving, text: bytes):
        ann = served.key("ann", Role.OPERATOR)
        bad, good = sent(served, ann, [text], [request(1)], answers=2)
        assert (bad.number, bad.status) == (0, StatusCode.WRONG)
        assert bad.error.startswith("request: ")
        assert (good.number, good.status) == (1, StatusCode.DONE)
        assert served.server.refused == 1

    @pytest.mark.parametrize("frames", [2, 3, 50])
    def test_of_several_frames(self, served: Serving, frames: int):
        ann = served.key("ann", Role.OPERATOR)
        [good] = sent(served, ann, [request(1)] * frames, [request(2)])
        assert (good.number, good.status) == (2, StatusCode.DONE)
        assert served.server.refused == 1
        assert len(served.carried.asked) == 1

    def test_with_an_unknown_verb(self, served: Serving):
        [reply] = sent(served, served.key("ann", Role.OPERATOR), [request(1, "fly" * 50)])
        assert reply.status == StatusCode.WRONG
        assert len(reply.error) < 100
        assert "found 'flyfly" in reply.error

    def test_too_long_end_the_connection_and_none_other(self, served: Serving):
        ann, bob = served.key("ann", Role.OPERATOR), served.key("bob", Role.VIEWER)
        with served.caller(bob) as caller:
            assert caller.ask("status").status == StatusCode.DONE
            with pytest.raises(AssertionError, match="no answer came"):
                quick_sent(served, ann, b" " * (MOST_BYTES + 100))
            assert caller.ask("status").status == StatusCode.DONE
        assert [verb for _, verb, _ in served.carried.asked] == ["status"] * 2

    def test_as_long_as_may_be_are_taken(self, served: Serving):
        text = request(1)
        [reply] = sent(
            served, served.key("ann", Role.VIEWER), [text + b" " * (MOST_BYTES - len(text))]
        )
        assert reply.status == StatusCode.DONE

    def test_a_byte_longer_is_refused(self, served: Serving):
        text = request(1)
        [reply] = sent(
            served, served.key("ann", Role.VIEWER), [text + b" " * (MOST_BYTES + 1 - len(text))]
        )
        assert reply.status == StatusCode.WRONG

    def test_that_are_no_zeromq_end_their_connection(self, served: Serving):
        host, port = served.endpoint.removeprefix("tcp://").split(":")
        ann = served.key("ann", Role.VIEWER)
        for data in (b"GET / HTTP/1.1\r\n\r\n", b"\xff" * 1000, bytes(1000)):
            with socket.create_connection((host, int(port)), DEADLINE_S) as raw:
                raw.sendall(data)
                raw.settimeout(DEADLINE_S)
                assert served.ask(ann, "status").status == StatusCode.DONE


def quick_sent(served: Serving, key: Key, text: bytes) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.linger = 0
        dealer.curve_publickey, dealer.curve_secretkey = key.public.encode(), key.secret.encode()
        dealer.curve_serverkey = served.public.encode()
        dealer.connect(served.endpoint)
        dealer.send(text)
        assert dealer.poll(SILENCE_S * 1000), "no answer came"


class TestNumbers:
    """A message that was taken is worth nothing a second time."""

    def test_a_replayed_message_is_refused(self, served: Serving):
        ann = served.key("ann", Role.OPERATOR)
        replies = sent(
            served, ann, [request(7, "arm")], [request(7, "arm")], [request(6)], [request(8)],
            answers=4,
        )  # fmt: skip
        done = {reply.number for reply in replies if reply.status == StatusCode.DONE}
        refused = {reply.number for reply in replies if reply.status == StatusCode.REFUSED}
        assert (done, refused) == ({7, 8}, {7, 6})
        assert served.gate.history == ["armed"]
        assert served.server.refused == 2

    def test_on_another_connection_too_but_not_for_another_key(self, served: Serving):
        ann, bob = served.key("ann", Role.OPERATOR), served.key("bob", Role.OPERATOR)
        assert sent(served, ann, [request(7)])[0].status == StatusCode.DONE
        assert sent(served, ann, [request(7)])[0].status == StatusCode.REFUSED
        assert sent(served, bob, [request(7)])[0].status == StatusCode.DONE

    def test_after_a_restart_too(self, tmp_path: Path):
        with serving(tmp_path / "state") as served:
            ann = served.key("ann", Role.OPERATOR)
            assert sent(served, ann, [request(7)])[0].status == StatusCode.DONE
        with serving(tmp_path / "state") as served:
            assert sent(served, ann, [request(7)])[0].status == StatusCode.REFUSED
            assert sent(served, ann, [request(8)])[0].status == StatusCode.DONE

    @pytest.mark.parametrize("number", [0, -1, 1 << 63, 1 << 64])
    def test_beyond_the_bounds_are_refused(self, served: Serving, number: int):
        [reply] = sent(served, served.key("ann", Role.VIEWER), [request(number)])
        assert reply.status in (StatusCode.REFUSED, StatusCode.WRONG)
        assert served.carried.asked == []

    def test_a_kill_is_carried_out_whatever_its_number(self, served: Serving):
        ann = served.key("ann", Role.OPERATOR)
        replies = sent(served, ann, [request(7, "kill")], [request(7, "kill")], answers=2)
        assert [reply.status for reply in replies] == [StatusCode.DONE] * 2
        assert served.gate.history == ["killed"] * 2


class TestTurns:
    """Nobody waits for what another has waiting."""

    def test_a_client_with_much_does_not_starve_one_with_little(self, served: Serving):
        ann, bob = served.key("ann", Role.VIEWER), served.key("bob", Role.VIEWER)
        begun, go = held(served)
        done: list[Reply] = []
        flood = threading.Thread(
            target=lambda: sent(served, ann, *([request(n)] for n in range(1, 31)), answers=30)
        )
        flood.start()
        assert begun.wait(DEADLINE_S)
        served.until(lambda: len(served.server._turns) == 29)
        asking = threading.Thread(target=lambda: done.append(served.ask(bob, "positions")))
        asking.start()
        served.until(lambda: len(served.server._turns) == 30)
        go.set()
        for each in (flood, asking):
            each.join(DEADLINE_S)
        assert done[0].status == StatusCode.DONE
        names = [name for name, _, _ in served.carried.asked]
        assert names.index("bob") <= 2
        assert len(names) == 31

    def test_what_a_client_may_have_waiting_is_bounded(self, served: Serving):
        ann = served.key("ann", Role.VIEWER)
        begun, go = held(served)
        replies: list[Reply] = []
        total = 1 + WAITING + 5
        flood = threading.Thread(
            target=lambda: replies.extend(
                sent(served, ann, *([request(n)] for n in range(1, total + 1)), answers=total)
            )
        )
        flood.start()
        assert begun.wait(DEADLINE_S)
        served.until(lambda: served.server.refused == 5)
        go.set()
        flood.join(DEADLINE_S)
        refused = [reply for reply in replies if reply.status == StatusCode.REFUSED]
        assert len(refused) == 5
        assert f"found {WAITING} requests of ann waiting" in refused[0].error
        assert len(served.carried.asked) == 1 + WAITING

    def test_who_fetches_no_answer_hinders_nobody(self, served: Serving):
        ann, bob = served.key("ann", Role.VIEWER), served.key("bob", Role.VIEWER)
        served.carried.during = lambda verb: None
        with zmq.Context() as context, context.socket(zmq.DEALER) as slow:
            slow.linger, slow.rcvhwm, slow.rcvbuf = 0, 1, 1 << 12
            slow.curve_publickey, slow.curve_secretkey = ann.public.encode(), ann.secret.encode()
            slow.curve_serverkey = served.public.encode()
            slow.connect(served.endpoint)
            for number in range(1, 2001):
                slow.send(request(number))
                if number % 100 == 0:
                    assert served.ask(bob, "status").status == StatusCode.DONE


class TestKill:
    """A kill waits for nothing, and nothing that was asked for before undoes it."""

    def test_a_kill_is_answered_with_what_it_took_and_is_journalled(self, served: Serving):
        ann = served.key("ann", Role.QUANT)
        reply = served.ask(ann, "kill")
        assert (reply.status, reply.journal) == (StatusCode.DONE, 1)
        found = msgspec.json.decode(reply.result)
        assert (found["state"], found["card_cycles"]) == ("killed", 5)
        assert verify(served.folder / "journal.jsonl").count == 1
        assert served.carried.asked == []

    def test_it_does_not_wait_for_what_is_under_way(self, served: Serving):
        ann, bob = served.key("ann", Role.OPERATOR), served.key("bob", Role.VIEWER)
        assert served.ask(ann, "arm").status == StatusCode.DONE
        begun, go = held(served)
        asking = threading.Thread(target=lambda: served.ask(bob, "status"))
        asking.start()
        assert begun.wait(DEADLINE_S)
        assert served.ask(ann, "kill").status == StatusCode.DONE
        assert not go.is_set()
        assert served.gate.state == "killed"
        go.set()
        asking.join(DEADLINE_S)

    def test_arming_that_was_asked_for_before_is_refused_after_it(self, served: Serving):
        """Under way, and waiting."""
        ann, bob = served.key("ann", Role.OPERATOR), served.key("bob", Role.OPERATOR)
        begun, go = held(served)
        replies: list[Reply] = []
        asking = [
            threading.Thread(target=lambda key=key: replies.append(served.ask(key, "arm")))
            for key in (ann, bob)
        ]
        asking[0].start()
        assert begun.wait(DEADLINE_S)
        asking[1].start()
        served.until(lambda: len(served.server._turns) == 1)
        assert served.ask(ann, "kill").status == StatusCode.DONE
        go.set()
        for each in asking:
            each.join(DEADLINE_S)
        assert [reply.status for reply in replies] == [StatusCode.FAILED] * 2
        assert served.gate.history == ["killed"]
        assert served.ask(ann, "arm").status == StatusCode.DONE
        assert served.gate.state == "armed"

    def test_a_kill_between_two_accesses_of_arming_has_the_last_word(self, served: Serving):
        ann = served.key("ann", Role.OPERATOR)
        replies: list[Reply] = []

        def before(kind: str, addr: int) -> None:
            if (kind, addr) == ("write", ARM):
                killing.start()
                served.until(lambda: served.server._kills() == 1)

        killing = threading.Thread(target=lambda: replies.append(served.ask(ann, "kill")))
        served.gate.before = before
        assert served.ask(ann, "arm").status == StatusCode.FAILED
        killing.join(DEADLINE_S)
        assert replies[0].status == StatusCode.DONE
        assert served.gate.state == "killed"
        assert served.gate.history[0] == "armed"
        assert set(served.gate.history[1:]) == {"killed"}

    def test_a_way_that_failed_is_opened_anew(self, served: Serving):
        failures = iter([True])

        def before(kind: str, addr: int) -> None:
            if (kind, addr) == ("write", KILL) and next(failures, False):
                raise BusError("gate: found it gone, expected an answer")

        served.gate.before = before
        opened = served.gate.opened
        assert served.ask(served.key("ann", Role.RISK), "kill").status == StatusCode.DONE
        assert served.gate.opened == opened + 1
        assert served.gate.history == ["killed"]

    def test_a_card_that_is_gone_is_told_and_journalled(self, served: Serving):
        def before(kind: str, addr: int) -> None:
            raise BusError("gate: found it gone, expected an answer")

        served.gate.before = before
        reply = served.ask(served.key("ann", Role.RISK), "kill")
        assert (reply.status, reply.journal) == (StatusCode.UNREACHABLE, 1)
        assert reply.error == "kill: gate: found it gone, expected an answer"

    def test_who_ask_meanwhile_are_served_together_by_another_kill(self, served: Serving):
        keys = [served.key(f"k{number}", Role.QUANT) for number in range(20)]
        first, go = threading.Event(), threading.Event()

        def before(kind: str, addr: int) -> None:
            if (kind, addr) == ("write", KILL):
                first.set()
                assert go.wait(DEADLINE_S)

        served.gate.before = before
        statuses: list[StatusCode] = []

        def ask(key: Key) -> Callable[[], None]:
            return lambda: statuses.append(served.ask(key, "kill").status)

        asking = [threading.Thread(target=ask(key)) for key in keys]
        asking[0].start()
        assert first.wait(DEADLINE_S)
        for each in asking[1:]:
            each.start()
        served.until(lambda: len(served.server._tasks) == len(keys))
        go.set()
        for each in asking:
            each.join(DEADLINE_S)
        assert statuses == [StatusCode.DONE] * len(keys)
        assert served.gate.history == ["killed"] * 2
        assert served.journal.count == len(keys)


def test_stop_is_answered_before_the_service_ends(served: Serving):
    assert served.ask(served.key("ann", Role.OPERATOR), "stop").status == StatusCode.DONE
    assert served.stopped.wait(DEADLINE_S)


def test_many_connections_leave_the_rightful_client_served(served: Serving):
    host, port = served.endpoint.removeprefix("tcp://").split(":")
    ann = served.key("ann", Role.VIEWER)
    idle = [socket.create_connection((host, int(port)), DEADLINE_S) for _ in range(CONNECTIONS)]
    try:
        with served.caller(ann) as caller:
            for _ in range(50):
                assert caller.ask("status").status == StatusCode.DONE
        end = time.monotonic() + DEADLINE_S
        for each in idle:
            each.settimeout(max(0.1, end - time.monotonic()))
            while each.recv(1 << 10):
                pass
    finally:
        for each in idle:
            each.close()
    assert HANDSHAKE_MS < DEADLINE_S * 1000


@contextmanager
def standing(served: Serving) -> Iterator[None]:
    """Let the loop of the server stand; what ZeroMQ does by itself goes on."""
    stands, go, told = threading.Event(), threading.Event(), []

    def stand() -> None:
        stands.set()
        told.append(go.wait(DEADLINE_S))

    served.loop.call_soon_threadsafe(stand)
    assert stands.wait(DEADLINE_S)
    try:
        yield
    finally:
        go.set()
    served.until(lambda: bool(told))
    assert told == [True], "it did not stand as long as it was to"


def test_failed_handshakes_that_nobody_counts_yet_keep_no_connection_waiting(served: Serving):
    host, port = served.endpoint.removeprefix("tcp://").split(":")
    with standing(served):
        for _ in range(FAILING):
            with socket.create_connection((host, int(port)), DEADLINE_S) as each:
                each.sendall(NO_CURVE)
                with suppress(ConnectionResetError):
                    while each.recv(1 << 10):
                        pass
    served.until(lambda: served.server.refused == FAILING)


def test_who_leaves_while_its_requests_are_not_taken_does_not_end_the_service(served: Serving):
    """A heartbeat of ZeroMQ on a connection that it no longer reads ends the process."""
    eve = served.key("eve", Role.VIEWER)
    assert served.server._socket.heartbeat_ivl == 0
    with connected(served, eve) as dealer:
        dealer.send(request(1))
        assert answer(dealer).status == StatusCode.DONE
        with standing(served):
            for number in range(2, 10 * IN_WAITING):
                dealer.send(request(number))
            time.sleep(SILENCE_S)
            dealer.close()
            time.sleep(SILENCE_S)
    assert served.ask(served.key("ann", Role.VIEWER), "status").status == StatusCode.DONE


def full(line: str) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_message_that_fails_the_server_leaves_others_served(served: Serving, monkeypatch):
    ann, eve = served.key("ann", Role.OPERATOR), served.key("eve", Role.VIEWER)
    monkeypatch.setattr(served.server, "_told", full)
    with served.caller(ann) as caller, served.caller(eve, SILENCE_S) as other:
        assert caller.ask("status").status == StatusCode.DONE
        with pytest.raises(ServiceError, match="found no answer to arm"):
            other.ask("arm")
        assert caller.ask("status").status == StatusCode.DONE
        assert caller.ask("kill").status == StatusCode.DONE


class TestAKillNeedsLittle:
    """Neither numbers, nor a log, nor keys that can be read."""

    def test_numbers_and_log_may_fail(self, served: Serving, monkeypatch):
        ann = served.key("ann", Role.OPERATOR)
        (served.folder / "numbers" / "ann").write_text("none")
        monkeypatch.setattr(served.server, "_told", full)
        assert served.ask(ann, "kill").status == StatusCode.DONE
        assert served.gate.history == ["killed"]

    def test_a_number_that_cannot_be_kept_is_told_as_that(self, served: Serving, monkeypatch):
        def pwrite(*_: object) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

        ann = served.key("ann", Role.OPERATOR)
        monkeypatch.setattr(os, "pwrite", pwrite)
        reply = served.ask(ann, "status")
        assert reply.status == StatusCode.FAILED
        assert reply.error.startswith("request of ann: its number cannot be kept: ")
        assert reply.error.endswith("ann: no space left on device; kill can do without")
        assert served.ask(ann, "kill").status == StatusCode.DONE

    def test_keys_that_cannot_be_read_any_more_may_kill_and_nothing_else(
        self, served: Serving, monkeypatch
    ):
        def unread() -> None:
            raise OSError(errno.EMFILE, "Too many open files")

        ann, eve = served.key("ann", Role.OPERATOR), served.key("eve", Role.VIEWER)
        with served.caller(ann) as caller, served.caller(eve) as other:
            assert caller.ask("status").status == other.ask("status").status == StatusCode.DONE
            monkeypatch.setattr(served.server._registry, "_refresh", unread)
            assert caller.ask("status").error == "the keys cannot be read: too many open files"
            assert caller.ask("kill").status == StatusCode.DONE
            assert other.ask("kill").status == StatusCode.REFUSED
        assert served.gate.history == ["killed"]


LATE_S, PATIENT_S = 0.2, 2.0


def test_an_answer_is_there_for_a_desk_that_reads_it_late_though_the_service_ends(tmp_path: Path):
    read: list[bytes] = []

    def late(caller: Caller) -> None:
        with caller:
            caller._send(request(1, "stop"))
            time.sleep(LATE_S)
            if caller._socket.poll(int(PATIENT_S * 1000)):
                read.append(caller._socket.recv())

    with serving(tmp_path / "state", grace_s=PATIENT_S) as served:
        ann = served.key("ann", Role.OPERATOR)
        reading = threading.Thread(target=late, args=[served.caller(ann)])
        reading.start()
        assert served.stopped.wait(DEADLINE_S)
    reading.join(DEADLINE_S)
    (reply,) = (msgspec.json.decode(text, type=Reply) for text in read)
    assert reply.status == StatusCode.DONE


@pytest.mark.parametrize("verb", ["disarm", "stop"])
def test_what_was_asked_before_a_disarm_arms_nothing_after_it(served: Serving, verb: str):
    ann, bob = served.key("ann", Role.OPERATOR), served.key("bob", Role.OPERATOR)
    begun, go = held(served)
    arming = threading.Thread(
        target=sent,
        args=(served, ann, *([request(n, v)] for n, v in enumerate(ARMING, 1))),
        kwargs={"answers": len(ARMING)},
    )
    arming.start()
    assert begun.wait(DEADLINE_S)
    served.until(lambda: len(served.server._turns) == len(ARMING) - 1)
    stopping = threading.Thread(target=served.ask, args=(bob, verb))
    stopping.start()
    served.until(lambda: len(served.server._turns) == len(ARMING))
    go.set()
    for thread in (arming, stopping):
        thread.join(DEADLINE_S)
        assert not thread.is_alive()
    assert [asked for _, asked, _ in served.carried.asked] == ["status", "status", verb, "arm"]
    assert "armed" not in served.gate.history
    assert served.ask(bob, "arm").status == StatusCode.DONE
    assert served.gate.state == "armed"
