"""Values of which at most one bit is set."""

from functools import reduce
from operator import or_

from amaranth import *

__all__ = ["choose", "position", "step"]


def position(one_hot: Value) -> Value:
    """Return the place of the one bit that is 1, or 0; if more are, their places are mixed."""
    places = range(len(one_hot))
    return Cat((one_hot & sum(1 << place for place in places if place >> bit & 1)).any()
               for bit in range((len(one_hot) - 1).bit_length()))


def choose(which, parts):
    """Return the part whose bit of ``which`` is set; 0 if none is."""
    return reduce(or_, (part & bit.replicate(len(part))
                        for bit, part in zip(which, parts, strict=True)))


def step(which, last):
    """Return ``which`` with the next bit set, and behind the last step with the first one set."""
    return Mux(last, 1, which << 1)[:len(which)]
