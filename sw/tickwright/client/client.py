"""A desk's end of the service that owns a card: each verb a method, each answer a structure.

    with Client.of("state", key="olga") as desk:
        print(desk.preflight())
        desk.arm()

Money is in 1/10000 dollar, shares are signed where they may be short, and times are nanoseconds
since the epoch (``_ns``) but for those of the card (``card_ns``, since midnight). Every method
raises `ServiceError` of one line; its ``status`` says whether the request was refused, wrong,
failed, or nobody answered. In the last case it is not known whether it was carried out.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Self, TypeVar

import msgspec
from msgspec import Struct

from tickwright.client.finding import key_of, local_endpoint, service_of
from tickwright.core.closing import Closing
from tickwright.service.caller import Caller
from tickwright.service.errors import ServiceError
from tickwright.service.keys import Key
from tickwright.service.protocol import (
    Armed,
    Block,
    Changed,
    Counters,
    Entries,
    Flatten,
    Flattened,
    JournalRange,
    Killed,
    LoadLimits,
    LoadParameters,
    LoadPositions,
    Orders,
    Positions,
    Preflight,
    Registers,
    Report,
    Rollback,
    SetText,
    Status,
    StatusCode,
    WhichSet,
)

__all__ = ["Client"]

TIMEOUT_S = 30.0

Result = TypeVar("Result", bound=Struct)


class Client(Closing):
    """Asks the service at ``endpoint``, whose public key is ``server``, as the owner of ``key``.

    A request is given up after ``timeout_s``. Not for two threads at once.
    """

    def __init__(
        self, endpoint: str, server: str, key: Key, *, timeout_s: float = TIMEOUT_S
    ) -> None:
        self.key = key
        self._caller = Caller(endpoint, server, key, timeout_s=timeout_s)

    @classmethod
    def of(
        cls,
        state: str | Path,
        key: str = "",
        *,
        service: str = "",
        timeout_s: float = TIMEOUT_S,
    ) -> Self:
        """Return a client with a key that lies in the folder ``state``.

        ``key`` is a name, a file, or empty where there is one alone. ``service`` is the endpoint
        of a service elsewhere; left out, it is the one that owns this folder. Raises ServiceError.
        """
        folder = Path(state)
        owner, found = key_of(folder, key), service_of(folder)
        endpoint = service or local_endpoint(folder, found)
        return cls(endpoint, found.public, owner, timeout_s=timeout_s)

    def __repr__(self) -> str:
        return f"Client({self._caller.endpoint!r}, as {self.key.name}, {self.key.role})"

    def close(self) -> None:
        """Close the connection."""
        self._caller.close()

    def ask(self, verb: str, result: type[Result], arguments: Struct | None = None) -> Result:
        """Ask for a verb by its name, and return its result."""
        reply = self._caller.ask(verb, arguments)
        if reply.status != StatusCode.DONE:
            error = ServiceError(reply.status, reply.error)
            error.journal = reply.journal
            raise error
        return msgspec.json.decode(reply.result, type=result)

    def status(self) -> Status:
        """Return all that fits one screen."""
        return self.ask("status", Status)

    def preflight(self) -> Preflight:
        """Return every reason why `arm` would be refused, each with its remedy."""
        return self.ask("preflight", Preflight)

    def positions(self) -> Positions:
        """Return the card's ledger, in shares."""
        return self.ask("positions", Positions)

    def orders(self) -> Orders:
        """Return the newest orders, the newest last."""
        return self.ask("orders", Orders)

    def load_parameters(self, desk: str | Path, *, dry_run: bool = False) -> Changed:
        """Put the parameters of a desk file in force, between two quotes.

        While the card is not killed only the parameters of pairs may differ.
        """
        return self.ask("params.load", Changed, _parameters(desk, dry_run))

    def diff_parameters(self, desk: str | Path) -> Changed:
        """Return what a load of a desk file would change."""
        return self.ask("params.diff", Changed, _parameters(desk, False))

    def roll_back(self, epoch: int | None = None, *, dry_run: bool = False) -> Changed:
        """Put an earlier parameter set in force again: that of an epoch, or the one before."""
        return self.ask("params.rollback", Changed, Rollback(epoch, dry_run))

    def parameters(self, epoch: int | None = None) -> SetText:
        """Return the desk file in force, or that of an earlier epoch."""
        return self.ask("params.show", SetText, WhichSet(epoch))

    def load_limits(
        self, limits: str | Path, *, dry_run: bool = False, confirm: bool = False
    ) -> Changed:
        """Put the limits of a file in force.

        One that loosens any needs the role risk, ``confirm`` and a killed card.
        """
        return self.ask("limits.load", Changed, _limits(limits, dry_run, confirm))

    def diff_limits(self, limits: str | Path) -> Changed:
        """Return what a load of a limits file would change."""
        return self.ask("limits.diff", Changed, _limits(limits, False, False))

    def limits(self, epoch: int | None = None) -> SetText:
        """Return the limits file in force, or that of an earlier epoch."""
        return self.ask("limits.show", SetText, WhichSet(epoch))

    def load_positions(
        self,
        positions: Mapping[str, int] | None = None,
        *,
        keep: bool = False,
        dry_run: bool = False,
    ) -> Positions:
        """Say what the positions at the venue are, in shares by symbol, and confirm them.

        Symbols left out are flat. ``keep`` confirms what the card's ledger holds. Only while the
        card is killed.
        """
        asked = LoadPositions(dict(positions or {}), keep, dry_run)
        return self.ask("positions.load", Positions, asked)

    def arm(self) -> Armed:
        """Let orders pass within the limits."""
        return self.ask("arm", Armed)

    def close_only(self) -> Armed:
        """Let only orders pass that reduce a position."""
        return self.ask("close-only", Armed)

    def disarm(self) -> Killed:
        """Stop orders, as a planned act; journalled before."""
        return self.ask("disarm", Killed)

    def kill(self) -> Killed:
        """Stop orders at once; return when the card has said that it is killed."""
        return self.ask("kill", Killed)

    def flatten(self, *, off: bool = False) -> Flattened:
        """Let pairs only exit, at their next evaluation; or let them enter again."""
        return self.ask("flatten", Flattened, Flatten(off))

    def cancel_all(self) -> Orders:
        """Withdraw every open order."""
        return self.ask("cancel-all", Orders)

    def card_info(self) -> Registers:
        """Return what card this is."""
        return self.ask("card.info", Registers)

    def registers(self, block: str | None = None) -> Registers:
        """Return registers as they read now, of one block or all."""
        return self.ask("card.registers", Registers, Block(block))

    def counters(self, block: str | None = None) -> Counters:
        """Return counts of what the card met, of one block or all."""
        return self.ask("card.counters", Counters, Block(block))

    def journal(self, first: int = -20, most: int = 200) -> Entries:
        """Return entries of the journal, oldest first; below 1, ``first`` counts from the end."""
        return self.ask("journal.show", Entries, JournalRange(first, most))

    def report(self) -> Report:
        """Return the day, as Markdown and as numbers."""
        return self.ask("report", Report)

    def stop(self) -> Killed:
        """Disarm, and end the service."""
        return self.ask("stop", Killed)


def _parameters(desk: str | Path, dry_run: bool) -> LoadParameters:
    path = Path(desk)
    return LoadParameters(_text(path), path.name, dry_run)


def _limits(limits: str | Path, dry_run: bool, confirm: bool) -> LoadLimits:
    path = Path(limits)
    return LoadLimits(_text(path), path.name, dry_run, confirm)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise ServiceError.wrong(f"{path}: {(error.strerror or 'failed').lower()}") from None
    except UnicodeDecodeError as error:
        raise ServiceError.wrong(f"{path}: found {error.reason}, expected UTF-8") from None
