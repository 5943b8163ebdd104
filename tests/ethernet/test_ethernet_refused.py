# amaranth: UnusedElaboratable=no, UnusedMustUse=no
"""A receiver that cannot take a frame is refused when it is made; so it is never used."""

import pytest

from tickwright.ethernet.receiver import GmiiReceiver


def test_a_receiver_takes_the_shortest_frame_at_least():
    with pytest.raises(ValueError, match="max_bytes: found 63, expected at least 64"):
        GmiiReceiver(max_bytes=63)
