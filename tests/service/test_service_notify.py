"""What systemd hears, through real datagram sockets."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tickwright.service.notify import Notifier, NotifyError

DEADLINE_S = 10.0


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, socket.socket]]:
    name = f"tickwright-notify-{os.getpid()}"
    at_path = request.param == "path"
    told = str(tmp_path / "notify") if at_path else f"@{name}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.settimeout(DEADLINE_S)
        listener.bind(told if at_path else f"\0{name}")
        yield told, listener


@pytest.mark.parametrize(
    ("tell", "heard"),
    [
        (Notifier.ready, b"READY=1"),
        (Notifier.stopping, b"STOPPING=1"),
        (Notifier.alive, b"WATCHDOG=1"),
        (lambda notifier: notifier.status("killed by the host"), b"STATUS=killed by the host"),
    ],
)
def test_each_state_is_one_datagram(
    manager: tuple[str, socket.socket], tell: Callable[[Notifier], None], heard: bytes
) -> None:
    address, listener = manager
    tell(Notifier(address))
    assert listener.recv(1024) == heard


def test_without_a_manager_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []
    monkeypatch.setattr(socket, "socket", lambda *_: opened.append(1))
    Notifier("").ready()
    assert opened == []


def test_an_address_of_no_known_kind_is_refused() -> None:
    with pytest.raises(NotifyError, match=r"found vsock:2:1234, expected a path or @NAME"):
        Notifier("vsock:2:1234")


def test_a_manager_that_is_gone_is_told_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(NotifyError, match=r"^NOTIFY_SOCKET: .*/gone: no such file or directory$"):
        Notifier(str(tmp_path / "gone")).ready()


def test_a_manager_that_reads_nothing_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as filling:
            filling.connect(str(path))
            with suppress(BlockingIOError):
                while filling.send(b"WATCHDOG=1", socket.MSG_DONTWAIT):
                    continue
        notifier = Notifier(str(path))
        waited: list[float | None] = []
        real = socket.socket.settimeout

        class Watched(socket.socket):
            def settimeout(self, value: float | None) -> None:
                waited.append(value)
                real(self, value)

        monkeypatch.setattr(socket, "socket", Watched)
        with pytest.raises(NotifyError):
            notifier.alive()
        monkeypatch.undo()
    assert waited == [0.0]


@pytest.mark.parametrize("text", ["fine\nREADY=1", "fine\n", "fine\rwell"])
def test_a_status_cannot_pass_for_another_state(text: str) -> None:
    with pytest.raises(NotifyError, match="expected one line"):
        Notifier("/nowhere").status(text)
