"""How a raw frame lies in the ring of slices: 64 bytes a slice."""

from tickwright.core.wire import Message, Raw, UInt

__all__ = ["SLICE_DATA_BYTES", "FrameSlice", "SliceHead"]

SLICE_DATA_BYTES = 56


class SliceHead(Message):
    """What every slice begins with."""

    number = UInt(5, "Slices before this one since reset, lost ones included; wraps.",
                  unit="slices")
    first  = UInt(1, "1 if the frame begins here.")
    last   = UInt(1, "1 if the frame ends here.")
    bytes  = UInt(1, f"Bytes of the frame in here, 1 to {SLICE_DATA_BYTES}; in all but a frame's "
                     "last slice the most.", unit="bytes")


class FrameSlice(SliceHead):
    """A part of a frame. A number that is missing is a slice that was lost."""

    data = Raw(SLICE_DATA_BYTES, "The frame's bytes, undefined behind them.")
