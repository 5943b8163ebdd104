# amaranth: UnusedElaboratable=no, UnusedMustUse=no
"""A line that cannot work is refused when it is made; so what is made here is never used."""

import pytest

from tickwright.uart.receiver import UartReceiver
from tickwright.uart.transmitter import UartTransmitter


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"cycles_per_bit": 3, "idle_bits": 20}, "cycles_per_bit: found 3, expected at least 4"),
        ({"cycles_per_bit": 4, "idle_bits": 9}, "idle_bits: found 9, expected at least 10"),
    ],
)
def test_a_receiver_needs_samples_and_an_idle_line_longer_than_a_byte(settings, told):
    with pytest.raises(ValueError, match=told):
        UartReceiver(**settings)


def test_a_bit_lasts_a_cycle_at_least():
    with pytest.raises(ValueError, match="cycles_per_bit: found 0, expected at least 1"):
        UartTransmitter(cycles_per_bit=0)
