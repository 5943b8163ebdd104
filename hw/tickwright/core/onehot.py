"""Where the one bit is that is 1."""

from amaranth import *

__all__ = ["position"]


def position(one_hot: Value) -> Value:
    """Return the place of the one bit that is 1, or 0; if more are, their places are mixed."""
    places = range(len(one_hot))
    return Cat((one_hot & sum(1 << place for place in places if place >> bit & 1)).any()
               for bit in range((len(one_hot) - 1).bit_length()))
