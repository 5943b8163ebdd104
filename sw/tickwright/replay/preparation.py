"""From a desk, its limits and a recording to a card's setup, and to what has to be assumed."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tickwright.exchange.scripted import ScriptedVenue
from tickwright.host.card import LONGEST_WATCHDOG_NS
from tickwright.host.desk import card_setup, fee, preset_of, watched
from tickwright.host.records import TRADING
from tickwright.host.settings import Desk, Limits, SettingsError
from tickwright.host.setup import NO_STATUS, CardSetup
from tickwright.market.report import Line
from tickwright.market.times import SECOND_NS
from tickwright.replay.files import dollars
from tickwright.replay.recording import Recording
from tickwright.replay.watch import expected_symbol
from tickwright.top.presets import Preset

__all__ = ["Preparation", "feed_lines", "prepare"]

CLOCK_MHZ = "156.25"
HOUR_NS = 3_600 * SECOND_NS


@dataclass(frozen=True, eq=False)
class Preparation:
    """All that a replay is loaded with. ``fee`` is in 1/10000 dollar times 1000, of one share."""

    setup: CardSetup
    preset: Preset
    script: ScriptedVenue
    fee: int
    sigmas: dict[str, float]  # dollars, by pair
    assumptions: list[str]  # the fills first


def feed_lines(desk: Desk) -> list[Line]:
    """Return the lines of the feed, as a reader of captures takes them."""
    return [Line.parse(desk.feed.line_a), Line.parse(desk.feed.line_b)]


def prepare(desk: Desk, limits: Limits, recording: Recording, script: ScriptedVenue) -> Preparation:
    """Prepare a replay.

    Raises SettingsError where desk and limits cannot be loaded, or name what the recording lacks.
    """
    survey = recording.survey
    names = watched(desk)
    if not names:
        raise SettingsError("pair: found none, expected at least one pair, or a symbol to watch")
    _check_symbols(desk, recording)
    learned = {survey.names[locate] for locate in survey.listed}
    locates = {name: survey.locates[name] for name in names if name not in learned}
    references = {
        name: survey.medians[survey.locates[name]]
        for name in names
        if survey.locates[name] in survey.medians
    }
    status = NO_STATUS if survey.halts else TRADING
    setup = card_setup(desk, limits, locates=locates, references=references, status=status)
    started = recording.from_ns is not None
    if started:
        feed = replace(setup.feed, start_sequence=survey.first_sequence)
        setup = replace(setup, feed=feed)
    preset = preset_of(desk)
    setup.check_fits(preset)
    assumptions = [
        script.assumption,
        f"fee assumed: {dollars(fee(desk)):f} $ a share, both ways",
        "locates (borrow) assumed available for every short sale",
        f"latency: cycles of a simulated {CLOCK_MHZ} MHz clock, no silicon",
        _windows(desk, names),
        f"watchdog of the gate set to its longest, {LONGEST_WATCHDOG_NS // HOUR_NS} h: no service "
        "feeds it",
    ]
    silent = [name for name in names if survey.locates[name] not in survey.halts]
    if status == TRADING:
        assumptions.append("trading status assumed T: the file has no H message")
    elif silent:
        assumptions.append(
            f"not traded, as no H message tells their status: {', '.join(silent[:8])}"
            + (f" and {len(silent) - 8} more" if len(silent) > 8 else "")
        )
    if locates:
        assumptions.append(
            f"locates of {len(locates)} symbols set by the host: no R message names them"
        )
    if started:
        assumptions.append(
            f"books start empty at message {survey.first_sequence}, the first that is read"
        )
    elif survey.first_sequence > setup.feed.start_sequence:
        missing = survey.first_sequence - setup.feed.start_sequence
        assumptions.append(
            f"the file begins at message {survey.first_sequence}, feed.start_sequence is "
            f"{setup.feed.start_sequence}: {missing:,} messages count as lost"
        )
    return Preparation(
        setup=setup,
        preset=preset,
        script=script,
        fee=fee(desk),
        sigmas={pair.name: float(pair.sigma_usd) for pair in desk.pair},
        assumptions=assumptions,
    )


def _check_symbols(desk: Desk, recording: Recording) -> None:
    survey = recording.survey
    wanted = [
        (f"pair {pair.name}: {leg}", getattr(pair, leg)) for pair in desk.pair for leg in "ab"
    ]
    wanted += [(f"symbols.{name}", name) for name in desk.symbols]
    for where, name in wanted:
        if name not in survey.locates:
            raise SettingsError(f"{where}: found {name}, expected {expected_symbol(name, survey)}")


def _windows(desk: Desk, names: list[str]) -> str:
    given = {name for name, one in desk.symbols.items() if one.reference_usd is not None}
    rest = [name for name in names if name not in given]
    if not rest:
        return "windows centred on reference_usd of the desk file"
    if not given:
        return "windows centred on the median price of each symbol's Adds in this file"
    return (
        f"windows centred on reference_usd of the desk file; those of {len(rest)} symbols on the "
        "median price of their Adds in this file"
    )
