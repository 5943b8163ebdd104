"""What resting orders have planned: a queue ordered by time, in compiled loops."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

__all__ = ["Agenda", "due_ns", "make_agenda", "plan", "take"]

NEVER_NS = np.int64(1) << 62


class Agenda(NamedTuple):
    """A binary heap; a plan is void when its order's life is over."""

    due_ns: npt.NDArray[np.int64]
    order: npt.NDArray[np.int32]
    life: npt.NDArray[np.int64]
    count: npt.NDArray[np.int64]


def make_agenda(plans: int) -> Agenda:
    """Return an empty agenda for at most so many plans; more are forgotten."""
    return Agenda(
        due_ns=np.zeros(plans, dtype=np.int64),
        order=np.zeros(plans, dtype=np.int32),
        life=np.zeros(plans, dtype=np.int64),
        count=np.zeros(1, dtype=np.int64),
    )


@njit(cache=True)
def _swap(agenda, one, other):
    for column in (agenda.due_ns, agenda.life):
        column[one], column[other] = column[other], column[one]
    agenda.order[one], agenda.order[other] = agenda.order[other], agenda.order[one]


@njit(cache=True)
def due_ns(agenda):
    """Return when the next plan is due."""
    return agenda.due_ns[0] if agenda.count[0] else NEVER_NS


@njit(cache=True)
def plan(agenda, when_ns, order, life):
    """Plan something for an order."""
    at = agenda.count[0]
    if at == len(agenda.due_ns):
        return
    agenda.due_ns[at], agenda.order[at], agenda.life[at] = when_ns, order, life
    agenda.count[0] = at + 1
    while at and agenda.due_ns[(at - 1) // 2] > agenda.due_ns[at]:
        _swap(agenda, at, (at - 1) // 2)
        at = (at - 1) // 2


@njit(cache=True)
def take(agenda):
    """Remove the next plan; return its order and life."""
    order, life = agenda.order[0], agenda.life[0]
    last = agenda.count[0] - 1
    _swap(agenda, 0, last)
    agenda.count[0] = last
    at = 0
    while True:
        least = at
        for child in (2 * at + 1, 2 * at + 2):
            if child < last and agenda.due_ns[child] < agenda.due_ns[least]:
                least = child
        if least == at:
            return order, life
        _swap(agenda, at, least)
        at = least
