"""What a card does by itself, noticed: each change is journalled once."""

from __future__ import annotations

from typing import Any

from tickwright.bus.errors import BusError
from tickwright.host.card import CardError
from tickwright.order.regs import OrderRegs
from tickwright.service.archive import SetKind
from tickwright.service.journal import JournalError
from tickwright.service.loading import in_force
from tickwright.service.post import Post

__all__ = ["Events"]

OF_CARD = "card"
OF_SESSION = (OrderRegs.session_ok, OrderRegs.ended, OrderRegs.receive_fault)


class Events:
    """Follows the state of a card from one look to the next.

    A look is seven turns on the bus, for a request may wait behind it.
    """

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, Any]] = {}
        self._sets: dict[SetKind, tuple[int, int]] = {}
        self.lost = ""  # why the card does not answer

    def look(self, post: Post) -> None:
        """Journal what has changed since the last look.

        A card that does not answer is journalled once, and again when it answers. What cannot be
        journalled is tried again at the next look.
        """
        try:
            found, lost = self._look(post), ""
            self._sets = {kind: in_force(post, kind) for kind in SetKind}
        except (BusError, CardError) as error:
            found, lost, self._sets = {}, str(error), {}
        try:
            if bool(lost) != bool(self.lost):
                post.note(OF_CARD, "card.lost" if lost else "card.found", {"why": lost})
            self.lost = lost
            for what, now in found.items():
                before = self._seen.get(what)
                if before is not None and before != now:
                    post.note(OF_CARD, f"card.{what}", {"before": before, "now": now})
                self._seen[what] = now
            self._doubt(post)
        except JournalError:
            return  # kept in `post.journal_fault`, and looked at again

    def _look(self, post: Post) -> dict[str, dict[str, Any]]:
        feed = post.look_at_feed()
        post.look_at_telemetry()
        gate = post.card.gate
        session = post.card.order.read_registers(OF_SESSION)
        return {
            "gate": {
                "state": gate.state,
                "kill_reasons": list(gate.kill_reasons),
                "killed_at_ns": gate.killed_at_ns,
            },
            "ledger": {"fault": gate.ledger_fault},
            "session": {
                "ok": session["session_ok"],
                "ended": session["ended"],
                "receive_fault": session["receive_fault"],
            },
            "feed": {"enabled": feed.enabled, "heard": feed.heard, "gaps": feed.gaps},
        }

    def _doubt(self, post: Post) -> None:
        """Where a set in force is not the one that this service put there, say so."""
        for kind, found in self._sets.items():
            held = post.held[kind]
            known = (0, 0) if held.stored is None else (held.stored.epoch, held.stored.checksum)
            if found == known or held.doubt:
                continue
            before, now = (
                {"epoch": epoch, "checksum": f"{checksum:#010x}"}
                for epoch, checksum in (known, found)
            )
            post.note(OF_CARD, f"card.{kind}", {"before": before, "now": now})
            held.stored = None
            if found != (0, 0):
                told = f"{kind}: found epoch {found[0]} in force, which this service did not load"
                held.doubt = told
