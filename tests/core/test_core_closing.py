"""What is open is closed at the end of a context, also by an error, which goes on."""

from __future__ import annotations

import pytest

from tickwright.core.closing import Closing


class Door(Closing):
    closed = 0

    def close(self) -> None:
        self.closed += 1


def test_it_is_closed_at_the_end():
    with Door() as door:
        assert door.closed == 0
    assert door.closed == 1


def test_an_error_goes_on():
    door = Door()
    with pytest.raises(ZeroDivisionError), door:
        _ = 1 / 0
    assert door.closed == 1
