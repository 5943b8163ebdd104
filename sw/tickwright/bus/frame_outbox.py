"""Raw frames that the host sends through a card on PCI Express."""

from __future__ import annotations

from tickwright.bus.errors import BusError
from tickwright.bus.host_ring import check_endpoint
from tickwright.core.regs import WORD_BYTES, Bus
from tickwright.pcie.regs import FRAMES_BASE, OUTBOX_BASE, OUTBOX_BYTES, FrameRegs

__all__ = ["LONGEST_FRAME_BYTES", "FrameOutbox", "OutboxError"]

SLOT_BYTES = 8  # of a word of the outbox
SLOTS = OUTBOX_BYTES // SLOT_BYTES
COUNTS = 1 << FrameRegs.outbox_written.bits

LONGEST_FRAME_BYTES = (SLOTS - 1) * SLOT_BYTES


class OutboxError(BusError):
    """A frame cannot be sent, or some may have been lost: found and expected in one line."""


class FrameOutbox:
    """Puts whole frames into the card's outbox; the card sends them in order.

    It has one user at a time. Raises OutboxError if the card has emptied the outbox unsent.
    """

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._regs = FrameRegs(bus, FRAMES_BASE)
        check_endpoint(self._regs)
        self._written = self._regs.outbox_written
        self._errors = self._regs.outbox_errors

    def offer(self, frame: bytes) -> bool:
        """Put a frame into the outbox; return False, and change nothing, if there is no room now.

        Raises OutboxError if the frame is empty or longer than `LONGEST_FRAME_BYTES`.
        """
        if not 0 < len(frame) <= LONGEST_FRAME_BYTES:
            raise OutboxError(
                f"frame to be sent: found {len(frame)} bytes, expected 1 to {LONGEST_FRAME_BYTES}"
            )
        self._check()
        words = len(frame).to_bytes(SLOT_BYTES, "little") + frame + bytes(-len(frame) % SLOT_BYTES)
        slots = len(words) // SLOT_BYTES
        if self.waiting() + slots > SLOTS:
            return False
        for start in range(0, len(words), WORD_BYTES):
            place = (self._written * SLOT_BYTES + start) % OUTBOX_BYTES
            word = int.from_bytes(words[start : start + WORD_BYTES], "little")
            self._bus.write(OUTBOX_BASE + place, word)
        self._written = (self._written + slots) % COUNTS
        self._regs.outbox_written = self._written
        return True

    def waiting(self) -> int:
        """Return how many words of the outbox hold frames that have not left; 0 if all have."""
        return (self._written - self._regs.outbox_taken) % COUNTS

    def _check(self) -> None:
        found, expected = self._regs.outbox_errors, self._errors
        if found != expected:
            self._errors = found
            raise OutboxError(
                f"outbox: found it emptied unsent {found} times, expected {expected}: frames that "
                f"were offered are lost"
            )
