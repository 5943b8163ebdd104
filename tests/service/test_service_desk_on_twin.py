"""A desk on the real gateware: what it loads is in force there, and what it stops is stopped."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fake_card.bench import Bench, desk_text, limits_text
from service_party.process import DEADLINE_S, kept_twin
from service_party.quiet_market import FEED, write_market

from tickwright.bus.opening import open_bus
from tickwright.bus.twin_wire import TwinWire
from tickwright.bus.way import Way
from tickwright.host.card import Card
from tickwright.service.roles import Role

KILL_CYCLES = 10_000  # a twin does not stand still between two accesses of a host


@contextmanager
def twin(folder: Path) -> Iterator[tuple[Way, TwinWire]]:
    """Keep a twin; return a way to its registers, and what plays a market to it."""
    with (
        kept_twin(folder / "card") as card,
        open_bus(f"twin:{card}") as way,
        TwinWire(str(card)) as wire,
    ):
        yield way, wire


def arm(bench: Bench) -> None:
    """Feed and try, until the market has been heard."""
    end = time.monotonic() + DEADLINE_S
    while True:
        bench.feed_watchdog()
        bench.desk.poll()
        reasons = bench.ask("preflight").reasons
        if not reasons:
            break
        assert {reason.code for reason in reasons} <= {"feed_stale", "watchdog"}
        assert time.monotonic() < end, reasons
    bench.feed_watchdog()
    assert bench.ask("arm").state == "armed"


def test_a_day_of_a_desk(tmp_path: Path):
    write_market(tmp_path / "market.pcap")
    with twin(tmp_path) as (way, wire):
        bench, card = Bench(tmp_path / "state", way, watchdog_ms=20_000), Card(way)
        with bench.started():
            bench.ask("limits.load", Role.RISK, limits=limits_text(), confirm=True)
            first = bench.ask("params.load", Role.QUANT, desk=desk_text(more=FEED))
            bench.ask("positions.load", positions={"AAA": 30, "BBB": -7})
            wire.play(tmp_path / "market.pcap")
            arm(bench)
            rows = [(row.symbol, row.position) for row in bench.ask("positions").rows]
            assert rows == [("AAA", 30), ("BBB", -7), ("CCC", 0)]

            live = bench.ask("params.load", Role.QUANT, desk=desk_text(mean="0.75", more=FEED))
            assert (card.strategy.active_epoch, card.strategy.active_checksum) == (
                live.epoch, live.checksum)  # fmt: skip
            tight = bench.ask("limits.load", limits=limits_text(shares=399))
            assert (card.risk.active_limits_epoch, card.risk.active_limits_checksum) == (
                tight.epoch, tight.checksum)  # fmt: skip
            assert bench.ask("params.rollback").epoch == live.epoch + 1 == first.epoch + 2
            assert card.state == "armed"

            killed = bench.ask("kill", Role.QUANT)
            assert (killed.state, killed.reasons, card.state) == ("killed", ["host"], "killed")
            assert 0 < killed.card_cycles < KILL_CYCLES
            codes = {reason.code for reason in bench.ask("preflight").reasons}
            assert "positions_unconfirmed" in codes
            known = bench.sets()
        with bench.started():  # as a service that was started again
            assert bench.sets() == known
            assert bench.ask("params.show").text == desk_text(more=FEED)
            found = bench.entries()[-1].details
            assert {found[kind]["found"] for kind in known} == {"old"}
