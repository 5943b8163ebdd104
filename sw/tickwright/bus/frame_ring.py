"""Raw frames that a card on PCI Express passes on to its host."""

from __future__ import annotations

from tickwright.bus.host_ring import HostRing, Memory, RingError
from tickwright.core.regs import Bus
from tickwright.pcie.messages import SLICE_DATA_BYTES, FrameSlice
from tickwright.pcie.regs import FRAMES_BASE, FrameRegs
from tickwright.telemetry.messages import RECORD_BYTES

__all__ = ["FrameRing"]

NUMBERS = 1 << 8 * FrameSlice.field("number").size


class FrameRing:
    """Reads frames out of the card's ring of slices, in order; one that lacks a slice is left out.

    Raises RingError if card or memory do not fit.
    """

    def __init__(self, bus: Bus, memory: Memory, log2: int) -> None:
        self._ring = HostRing(FrameRegs(bus, FRAMES_BASE), memory, log2, "frame ring")
        self._begin()

    def start(self) -> None:
        """Empty the ring and let the card write, from the next frame on.

        Raises RingError if the card may not master the bus.
        """
        self._begin()
        self._ring.start()

    def stop(self) -> None:
        """Let the card write no more; when this returns, the memory may be freed."""
        self._ring.stop()

    def read(self, most: int | None = None) -> list[bytes]:
        """Return the frames that became whole with the new slices, of which at most so many.

        Raises RingError if a slice or the head of the ring makes no sense.
        """
        slices = self._ring.read(most)
        frames = []
        for start in range(0, len(slices), RECORD_BYTES):
            frame = self._join(FrameSlice.unpack(slices[start : start + RECORD_BYTES]))
            if frame is not None:
                frames.append(frame)
        return frames

    def lost(self) -> int:
        """Return how many slices the card dropped since the start, for whatever reason.

        Raises RingError if the ring has stopped, for then nobody knows.
        """
        return self._ring.lost()

    def _begin(self) -> None:
        self._next: int | None = None  # number of the slice that follows
        self._frame: bytes | None = None  # what came of the frame under way; None if it lacks some

    def _join(self, part: FrameSlice) -> bytes | None:
        """Return the frame if this slice ends one of which all came."""
        if part.number != self._next:
            self._frame = None
        self._next = (part.number + 1) % NUMBERS
        full = part.bytes == SLICE_DATA_BYTES
        if not (full or (part.last and 0 < part.bytes < SLICE_DATA_BYTES)):
            raise RingError(
                f"slice {part.number} of a frame: found {part.bytes} bytes, expected "
                f"{SLICE_DATA_BYTES}, or fewer in the last one"
            )
        if part.first:
            self._frame = b""
        if self._frame is None:
            return None
        frame = self._frame + part.data[: part.bytes]
        self._frame = None if part.last else frame
        return frame if part.last else None
