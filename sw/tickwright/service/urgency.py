"""Threads that must not be late: they run before all ordinary ones of the machine."""

from __future__ import annotations

import os

__all__ = ["PRIORITY", "be_urgent"]

PRIORITY = 1  # the lowest of those that go before ordinary threads


def be_urgent() -> bool:
    """Make the calling thread urgent; return whether the system permits it.

    It needs RLIMIT_RTPRIO or the right to go beyond it. Threads and processes that this one begins
    afterwards are ordinary.
    """
    try:
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(0, policy, os.sched_param(PRIORITY))
    except OSError:
        return False
    return True
