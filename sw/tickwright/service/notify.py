"""What a service tells systemd about itself: ready, alive, stopping (``sd_notify(3)``)."""

from __future__ import annotations

import socket

__all__ = ["Notifier", "NotifyError"]

READY_TIMEOUT_S = 1.0  # nobody who is alive leaves a datagram of one line waiting that long


class NotifyError(Exception):
    """The service manager could not be told."""


class Notifier:
    """Sends states to the socket that systemd names in ``NOTIFY_SOCKET``.

    ``address`` is the variable's value: a path, or ``@NAME`` for an abstract socket. It is empty
    when nobody listens, as when the service is started by hand: then no call does anything. Raises
    `NotifyError` for an address of another kind and, in a call, when nobody receives. Only `ready`
    waits for a manager that is busy; a service that trades has no time for that.
    """

    def __init__(self, address: str) -> None:
        if address and address[0] not in "/@":
            raise NotifyError(f"NOTIFY_SOCKET: found {address}, expected a path or @NAME")
        self._told = address
        self._address = f"\0{address[1:]}" if address.startswith("@") else address

    def ready(self) -> None:
        """Tell that the service serves."""
        self._send("READY=1", READY_TIMEOUT_S)

    def stopping(self) -> None:
        """Tell that the service is about to end."""
        self._send("STOPPING=1")

    def alive(self) -> None:
        """Feed the manager's watchdog (``WatchdogSec=``)."""
        self._send("WATCHDOG=1")

    def status(self, line: str) -> None:
        """Show one line in ``systemctl status``; `NotifyError` for more than one line.

        A second line could pass for another state.
        """
        if len(line.splitlines()) > 1 or "\n" in line:
            raise NotifyError(f"status: found {line!r}, expected one line")
        self._send(f"STATUS={line}")

    def _send(self, state: str, timeout_s: float = 0.0) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as out:
                out.settimeout(timeout_s)
                out.connect(self._address)
                out.sendall(state.encode())
        except OSError as error:
            why = (error.strerror or str(error)).lower()
            raise NotifyError(f"NOTIFY_SOCKET: {self._told}: {why}") from error
