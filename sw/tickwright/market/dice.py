"""Random integers that are the same on every machine.

The generator is splitmix64 (G. Steele, D. Lea, C. Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014): a counter and a mixing function. Nothing here is a float.
"""

import numpy as np
import numpy.typing as npt

from tickwright.market.compiled import compiled

__all__ = ["Dice", "chances", "mix", "roll"]

GAMMA = 0x9E3779B97F4A7C15
MIX_1 = 0xBF58476D1CE4E5B9
MIX_2 = 0x94D049BB133111EB
MASK = (1 << 64) - 1

_GAMMA = np.uint64(GAMMA)
_MIX_1 = np.uint64(MIX_1)
_MIX_2 = np.uint64(MIX_2)
_30, _27, _31 = np.uint64(30), np.uint64(27), np.uint64(31)


@compiled
def mix(value):
    """Return 64 well-mixed bits of 64 bits."""
    value = (value ^ (value >> _30)) * _MIX_1
    value = (value ^ (value >> _27)) * _MIX_2
    return value ^ (value >> _31)


@compiled
def roll(state):
    """Return the next 64 random bits; ``state`` is an array of one counter."""
    state[0] += _GAMMA
    return mix(state[0])


@compiled
def _fill(start, out):
    for place in range(len(out)):
        out[place] = mix(start + _GAMMA * np.uint64(place + 1)) >> np.uint64(32)


def chances(seed: int, count: int) -> npt.NDArray[np.uint64]:
    """Return ``count`` random numbers of 32 bits."""
    out = np.empty(count, dtype=np.uint64)
    _fill(np.uint64(seed & MASK), out)
    return out


class Dice:
    """Random integers for plans, one at a time."""

    def __init__(self, seed: int) -> None:
        self._state = (seed * GAMMA) & MASK

    def roll(self) -> int:
        """Return 64 random bits."""
        self._state = (self._state + GAMMA) & MASK
        value = self._state
        value = ((value ^ (value >> 30)) * MIX_1) & MASK
        value = ((value ^ (value >> 27)) * MIX_2) & MASK
        return value ^ (value >> 31)

    def between(self, low: int, high: int) -> int:
        """Return an integer from ``low`` to ``high``, both included."""
        return low + (self.roll() >> 16) % (high - low + 1)
