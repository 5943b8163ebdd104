"""A PTP clock tells UTC, or one line that says why not."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tickwright.host.clock import ClockError
from tickwright.host.ptp_clock import PtpClock


def test_a_file_that_is_no_clock_is_refused(tmp_path: Path):
    (tmp_path / "ptp0").write_text("")
    with pytest.raises(ClockError, match=r"ptp0: found .*, expected a PTP clock$"):
        PtpClock(tmp_path / "ptp0", tai_ahead_s=37)
    with pytest.raises(ClockError, match=r"ptp1: found no such file or directory, expected"):
        PtpClock(tmp_path / "ptp1", tai_ahead_s=37)


def test_leap_seconds_are_taken_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "ptp0").write_text("")
    asked: list[int] = []
    monkeypatch.setattr(time, "clock_gettime_ns", lambda of: asked.append(of) or 40 * 10**9 + 5)
    with PtpClock(tmp_path / "ptp0", tai_ahead_s=37) as clock:
        assert clock() == 3 * 10**9 + 5
    assert all(of < 0 and of & 7 == 3 for of in asked)
    clock.close()
