"""Registers of the PCIe endpoint, and what else lies behind BAR0 (pure)."""

import zlib

from tickwright.core.regs import Block, Control, Status

__all__ = [
    "BAR_BYTES", "ENDPOINT_BASE", "FEWEST_LOG2", "FRAMES_BASE", "MOST_LOG2", "MSIX_PENDING_BASE",
    "MSIX_TABLE_BASE", "OUTBOX_BASE", "OUTBOX_BYTES", "PAGE_BYTES", "VECTORS", "FrameRegs",
    "PcieRegs", "RingRegs", "fingerprint",
]

BAR_BYTES  = 1 << 16
PAGE_BYTES = 1 << 12

# The card's own map lies below; what follows belongs to the endpoint, a page each.
ENDPOINT_BASE     = BAR_BYTES // 2
MSIX_TABLE_BASE   = ENDPOINT_BASE + PAGE_BYTES
MSIX_PENDING_BASE = MSIX_TABLE_BASE + PAGE_BYTES
FRAMES_BASE       = MSIX_PENDING_BASE + PAGE_BYTES
OUTBOX_BASE       = FRAMES_BASE + PAGE_BYTES

OUTBOX_BYTES = PAGE_BYTES

VECTORS = ("records", "alarm")
"""What the MSI-X vectors tell: new records up to the head, and that the card is in alarm."""

FEWEST_LOG2, MOST_LOG2 = 4, 24  # of the records that a ring may hold


class RingRegs(Block):
    """A ring of records of 64 bytes in host memory.

    It runs from `enabled` on, as long as the card may master the bus. What describes it may be
    written while `enabled` is 0 and `busy` is 0.
    """

    map_hash    = Status(32, "Hash over what the endpoint has behind BAR0.")
    ring_base   = Control(64, "Bus address of slot 0; its low 12 bits are taken as 0.",
                          unit="bytes")
    ring_log2   = Control(5, "Logarithm to base 2 of the records in the ring: "
                             f"{FEWEST_LOG2} to {MOST_LOG2}.")
    head_base   = Control(64, "Bus address to which the head is written, 8 bytes; its low 3 bits "
                              "are taken as 0.", unit="bytes")
    tail        = Control(64, "Records that the host has read.", unit="records")
    enabled     = Control(1, "Records are written while this is 1; writing 0 forgets the head.")
    running     = Status(1, "The ring takes records.")
    stopped     = Status(1, "The card lost the bus while the ring ran, so records that were under "
                            "way may be lost; `enabled` must be written 0, then 1.")
    busy        = Status(1, "A write to host memory is under way.")
    head        = Status(64, "Records written since `enabled`.", unit="records")
    dropped_full  = Status(32, "Records dropped because the ring was full; wraps.",
                           unit="records")
    dropped_queue = Status(32, "Records dropped because the bus could not keep up; wraps.",
                           unit="records")
    dropped_off   = Status(32, "Records dropped because no ring ran; wraps.", unit="records")


class PcieRegs(RingRegs):
    """The ring of telemetry records, and what the endpoint refused or threw away."""

    spacing     = Control(32, "Least time from one interrupt for records to the next.",
                          unit="cycles")
    interrupts  = Status(32, "Interrupt messages sent; wraps.", unit="messages")
    partial_writes = Status(32, "Writes refused whole: they spared bytes of a register; wraps.",
                            unit="requests")
    unsupported = Status(32, "Requests that are neither reads nor writes of BAR0; wraps.",
                         unit="requests")
    discarded   = Status(32, "Requests thrown away: broken off, damaged or too long; wraps.",
                         unit="requests")
    unexpected  = Status(32, "Completions that came although the card asks for nothing; wraps.",
                         unit="completions")


class FrameRegs(RingRegs):
    """Raw frames: a ring of slices of those that came, and an outbox for those to be sent.

    The outbox is a ring of words of 8 bytes: the host puts a word with a frame's length in bytes,
    then the frame, filled up to whole words; then it moves `outbox_written` behind them.
    """

    outbox_written = Control(32, "Words that the host has put into the outbox; wraps.",
                             unit="words")
    outbox_taken   = Status(32, "Words that the card has taken out of it; wraps.", unit="words")
    frames_sent    = Status(32, "Frames sent out of the outbox; wraps.", unit="frames")
    outbox_errors  = Status(32, "Times that the outbox was emptied unsent, because a length in it "
                                "made no sense; wraps.", unit="errors")


def fingerprint() -> int:
    """Return the 32-bit hash of what the endpoint has behind BAR0."""
    places = (ENDPOINT_BASE, MSIX_TABLE_BASE, MSIX_PENDING_BASE, FRAMES_BASE, OUTBOX_BASE, *VECTORS,
              PcieRegs.fingerprint(), FrameRegs.fingerprint())
    return zlib.crc32(" ".join(map(str, places)).encode("ascii"))
