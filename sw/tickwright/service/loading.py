"""Sets on their way to the card: kept first, journalled, put in force, and found in force."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from tickwright.bus.errors import BusError
from tickwright.host.card import CardError
from tickwright.risk.checks import STATES
from tickwright.risk.regs import RiskRegs
from tickwright.service.archive import Archive, ArchiveError, SetKind, StoredSet
from tickwright.service.errors import ServiceError
from tickwright.service.keys import Key
from tickwright.service.planning import (
    LimitsPlan,
    ParametersPlan,
    plan_limits,
    plan_parameters,
)
from tickwright.service.post import Post
from tickwright.service.protocol import (
    Changed,
    LoadLimits,
    LoadParameters,
    Rollback,
    SetText,
    WhichSet,
)
from tickwright.strategy.regs import StrategyRegs

__all__ = [
    "confirm_limits",
    "diff_limits",
    "diff_parameters",
    "in_force",
    "load_limits",
    "load_parameters",
    "roll_back",
    "show_limits",
    "show_parameters",
]

SECOND_NS = 1_000_000_000


def load_parameters(post: Post, by: Key, asked: LoadParameters) -> Changed:
    """Put the parameters of a desk file in force."""
    plan = plan_parameters(post, by.name, asked.desk, asked.name)
    return _parameters(post, plan, asked.dry_run, "params.load")


def diff_parameters(post: Post, by: Key, asked: LoadParameters) -> Changed:
    """Return what a load would change."""
    plan = plan_parameters(post, by.name, asked.desk, asked.name)
    return _changed(plan, 0.0, dry_run=True)


def roll_back(post: Post, by: Key, asked: Rollback) -> Changed:
    """Put an earlier parameter set in force again, under a new epoch."""
    epoch = asked.epoch
    known = post.held[SetKind.PARAMETERS].epochs
    if epoch is None:
        if len(known) < 2:
            raise ServiceError.refused(
                f"params.rollback: found {len(known)} sets that were in force, expected at least 2"
            )
        epoch = known[-2]
    elif epoch not in known:
        raise ServiceError.wrong(
            f"params.rollback: epoch: found {epoch}, expected one that was in force"
        )
    old = post.archive.get(SetKind.PARAMETERS, epoch)
    plan = plan_parameters(post, by.name, old.text, old.name)
    if plan.stored.setup.session != post.card.session:
        raise ServiceError.refused(
            f"params.rollback: order_entry of epoch {epoch}: found another session than the card "
            "has, expected the same: load the desk file with the session that is up"
        )
    return _parameters(post, plan, asked.dry_run, "params.rollback")


def load_limits(post: Post, by: Key, asked: LoadLimits) -> Changed:
    """Put the limits of a limits file in force."""
    plan = plan_limits(post, by, asked.limits, asked.name, confirm=asked.confirm)
    if plan.refusal:
        raise ServiceError.refused(f"limits.load: {plan.refusal}")
    if asked.dry_run:
        return _changed(plan, 0.0, dry_run=True)
    began_ns = post.now_ns()
    _put_limits(post, plan.stored, by.name)
    return _changed(plan, (post.now_ns() - began_ns) / SECOND_NS, dry_run=False)


def diff_limits(post: Post, by: Key, asked: LoadLimits) -> Changed:
    """Return what a load would change."""
    plan = plan_limits(post, by, asked.limits, asked.name, confirm=asked.confirm)
    return _changed(plan, 0.0, dry_run=True)


def show_parameters(post: Post, by: Key, asked: WhichSet) -> SetText:
    """Return a parameter set."""
    return _text(post, SetKind.PARAMETERS, asked)


def show_limits(post: Post, by: Key, asked: WhichSet) -> SetText:
    """Return a limit set."""
    return _text(post, SetKind.LIMITS, asked)


def confirm_limits(post: Post) -> None:
    """Put the limits in force in force again, and say that the positions on the card are right."""
    stored = post.limits
    if stored is None:
        raise ServiceError.refused("positions: found no limits in force, expected some")
    post.card.load_limits(stored.limits, positions_confirmed=True)


def in_force(post: Post, kind: SetKind) -> tuple[int, int]:
    """Return epoch and checksum of what the card has in force; both are 0 where nothing is."""
    card = post.card
    block, registers = (
        (card.strategy, (StrategyRegs.active_epoch, StrategyRegs.active_checksum))
        if kind is SetKind.PARAMETERS
        else (card.risk, (RiskRegs.active_limits_epoch, RiskRegs.active_limits_checksum))
    )
    epoch, checksum = block.read_registers(registers).values()
    return epoch, checksum


def _parameters(post: Post, plan: ParametersPlan, dry_run: bool, verb: str) -> Changed:
    if plan.refusal:
        raise ServiceError.refused(f"{verb}: {plan.refusal}")
    if dry_run:
        return _changed(plan, 0.0, dry_run=True)
    began_ns = post.now_ns()
    stored, card = plan.stored, post.card
    if plan.limits is not None and not stored.whole:
        _put_limits(post, plan.limits, stored.by)  # they tighten: before anything new is wished

    def put() -> None:
        if stored.whole:
            card.load_symbols(stored.setup)
            card.load_feed(stored.setup.feed)
        if plan.session:
            card.load_session(stored.setup.session)
        card.load_parameters(stored.parameters)

    _put(post, stored, put, stored.by)
    if stored.whole:
        if plan.limits is not None:
            _put_limits(post, plan.limits, stored.by)
        card.open_feed()  # last: until then the load has to be done again
    return _changed(plan, (post.now_ns() - began_ns) / SECOND_NS, dry_run=False)


def _put_limits(post: Post, stored: StoredSet, by: str) -> None:
    """Put limits in force; the card keeps whether positions were confirmed.

    A gate that is raised above what they let it be raised to is lowered, and first of all.
    """
    gate = stored.setup.gate

    def put() -> None:
        _lower(post, gate.state)
        post.card.load_limits(
            stored.limits,
            first_user_ref=gate.first_user_ref if stored.desk else None,
        )

    _put(post, stored, put, by)


def _lower(post: Post, most: str) -> None:
    """Lower the gate to ``most``, where it is above it."""
    if STATES.index(post.card.state) <= STATES.index(most):
        return
    if most == STATES[0]:
        post.card.kill()
    else:
        post.card.close_only()


def _put(post: Post, stored: StoredSet, put: Callable[[], None], by: str) -> None:
    """Keep a set, journal that it begins, put it in force; ``by`` is who asked.

    Where that fails, what the card then has in force decides: the new set, or still the old.
    """
    held = post.held[stored.kind]
    held.newest = max(held.newest, stored.epoch)
    post.archive.keep(stored)
    details = {
        "kind": stored.kind,
        "epoch": stored.epoch,
        "checksum": f"{stored.checksum:#010x}",
        "before": _named(held.stored),
        "text": hashlib.sha256(stored.text.encode()).hexdigest(),
    }
    post.note(by, "set.begun", details)
    try:
        put()
    except (BusError, CardError):
        _find_out(post, stored, by)
        raise
    _take(post, stored, by)


def _take(post: Post, stored: StoredSet, by: str) -> None:
    """Take note of a set that is in force."""
    held = post.held[stored.kind]
    held.stored, held.doubt = stored, ""
    held.epochs.append(stored.epoch)
    post.note(by, "set.in_force", {"kind": stored.kind} | _named(stored))


def _find_out(post: Post, stored: StoredSet, by: str) -> None:
    """Learn what the card has in force after a load that did not end well."""
    held = post.held[stored.kind]
    try:
        found = in_force(post, stored.kind)
    except (BusError, CardError) as error:
        held.stored, held.doubt = None, f"a load was cut off: {error}"
        return
    if found == (stored.epoch, stored.checksum):
        _take(post, stored, by)


def _named(stored: StoredSet | None) -> dict[str, object]:
    if stored is None:
        return {}
    return {"epoch": stored.epoch, "checksum": f"{stored.checksum:#010x}"}


def _changed(plan: ParametersPlan | LimitsPlan, seconds: float, *, dry_run: bool) -> Changed:
    return Changed(
        dry_run=dry_run,
        epoch=plan.stored.epoch,
        checksum=plan.stored.checksum,
        changes=plan.changes,
        seconds=seconds,
    )


def _text(post: Post, kind: SetKind, asked: WhichSet) -> SetText:
    held, archive = post.held[kind], post.archive
    stored = held.stored if asked.epoch is None else _kept(archive, kind, asked.epoch)
    if stored is None:
        why = held.doubt or "nothing was loaded"
        raise ServiceError.refused(f"{kind}: found none in force that is known here: {why}")
    current = held.stored
    return SetText(
        epoch=stored.epoch,
        checksum=stored.checksum,
        in_force=current is not None and current.epoch == stored.epoch,
        name=stored.name,
        loaded_ns=stored.time_ns,
        by=stored.by,
        text=stored.text,
    )


def _kept(archive: Archive, kind: SetKind, epoch: int) -> StoredSet:
    if epoch not in archive.epochs(kind):
        raise ServiceError.wrong(f"{kind}: epoch: found {epoch}, expected one that was kept")
    try:
        return archive.get(kind, epoch)
    except ArchiveError as error:
        raise ServiceError.failed(str(error)) from None
