"""What resting orders have planned: a queue ordered by time, in compiled loops."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tickwright.market.compiled import compiled

__all__ = ["Agenda", "due_ns", "make_agenda", "plan", "take"]

NEVER_NS = np.int64(1) << 62


PLAN = np.dtype([("due_ns", np.int64), ("life", np.int64), ("order", np.int64)])


class Agenda(NamedTuple):
    """A binary heap; a plan is void when its order's life is over."""

    plans: npt.NDArray[np.void]  # of `PLAN`
    planned: npt.NDArray[np.int64]


def make_agenda(plans: int) -> Agenda:
    """Return an empty agenda for at most so many plans; more are forgotten."""
    return Agenda(plans=np.zeros(plans, dtype=PLAN), planned=np.zeros(1, dtype=np.int64))


@compiled
def _swap(agenda, one, other):
    first, second = agenda.plans[one], agenda.plans[other]
    first.due_ns, second.due_ns = second.due_ns, first.due_ns
    first.life, second.life = second.life, first.life
    first.order, second.order = second.order, first.order


@compiled
def due_ns(agenda):
    """Return when the next plan is due."""
    return agenda.plans[0].due_ns if agenda.planned[0] else NEVER_NS


@compiled
def plan(agenda, when_ns, order, life):
    """Plan something for an order."""
    at = agenda.planned[0]
    if at == len(agenda.plans):
        return
    agenda.plans[at].due_ns, agenda.plans[at].order, agenda.plans[at].life = when_ns, order, life
    agenda.planned[0] = at + 1
    while at and agenda.plans[(at - 1) // 2].due_ns > agenda.plans[at].due_ns:
        _swap(agenda, at, (at - 1) // 2)
        at = (at - 1) // 2


@compiled
def take(agenda):
    """Remove the next plan; return its order and life."""
    order, life = agenda.plans[0].order, agenda.plans[0].life
    last = agenda.planned[0] - 1
    _swap(agenda, 0, last)
    agenda.planned[0] = last
    at = 0
    while True:
        least = at
        for child in (2 * at + 1, 2 * at + 2):
            if child < last and agenda.plans[child].due_ns < agenda.plans[least].due_ns:
                least = child
        if least == at:
            return order, life
        _swap(agenda, at, least)
        at = least
