"""What flows through the bridge."""

from amaranth import *
from amaranth.lib import data

__all__ = ["Access", "Answer"]


class Access(data.Struct):
    """A request that came whole."""

    write:   unsigned(1)
    number:  unsigned(8)
    address: unsigned(32)  # bytes
    value:   unsigned(32)  # to write


class Answer(data.Struct):
    """What is told of an access that was carried out."""

    write:  unsigned(1)
    number: unsigned(8)
    value:  unsigned(32)  # that was read
