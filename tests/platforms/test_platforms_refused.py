# amaranth: UnusedElaboratable=no, UnusedMustUse=no
"""What the part cannot do is refused when it is asked for; so it is never used."""

import pytest
from amaranth.lib import io

from tickwright.platforms.ecp5 import InputDdr, Pll


def test_a_clock_that_is_no_simple_multiple():
    with pytest.raises(ValueError, match="found 80000001"):
        Pll(input_hz=100_000_000, output_hz=80_000_001)


def test_a_delay_of_more_steps_than_there_are():
    with pytest.raises(ValueError, match="found 128"):
        InputDdr(io.SimulationPort("i", 1), domain="rx", delay_steps=128)
