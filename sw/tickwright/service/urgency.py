"""Threads that must not be late: they run before all ordinary ones of the machine."""

from __future__ import annotations

import os

__all__ = ["PRIORITY", "be_urgent"]

PRIORITY = 1  # the lowest of those that go before ordinary threads


def be_urgent(process: int = 0) -> bool:
    """Make the calling thread urgent, or the main one of a process; return whether it is.

    It needs RLIMIT_RTPRIO or the right to go beyond it. Threads and processes that it begins
    afterwards are ordinary.
    """
    try:
        policy = os.SCHED_RR | os.SCHED_RESET_ON_FORK
        os.sched_setscheduler(process, policy, os.sched_param(PRIORITY))
    except OSError:
        return False
    return True
