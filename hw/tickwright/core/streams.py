"""What a frame looks like as it passes, a word a cycle."""

from amaranth import *
from amaranth.lib import data

__all__ = ["WORD_BYTES", "FrameEnd", "Word"]

WORD_BYTES = 8


class Word(data.Struct):
    """Up to 8 consecutive bytes of a frame.

    The first byte on the wire is ``data[0:8]``. Every word but the last of a frame is full; bytes
    past the valid ones are undefined.
    """

    data:  unsigned(8 * WORD_BYTES)
    bytes: unsigned(4)  # valid bytes, 1 to 8, counted from byte 0
    first: unsigned(1)  # the frame starts with byte 0 of this word
    last:  unsigned(1)  # the frame ends with the last valid byte of this word


class FrameEnd(data.Struct):
    """The verdict on a frame, which comes after its last word has been passed on."""

    good:   unsigned(1)  # the frame check sequence was right and nothing else was wrong
    reason: unsigned(3)  # why not, as the MAC numbers it; 0 if good
