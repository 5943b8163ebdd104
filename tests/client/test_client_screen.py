"""A status is one screen: what is wrong is on it, and what is not takes no line of its own."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from fake_card.bench import Bench

from tickwright.client.screen import pairs_table, screen, symbols_table
from tickwright.service.protocol import PairRow, Status, SymbolRow


@pytest.fixture
def status(tmp_path: Path) -> Status:
    bench = Bench(tmp_path / "desk")
    with bench.started():
        bench.arm()
        return bench.ask("status")


def lines(status: Status) -> dict[str, str]:
    return dict(screen(status).values)


def test_the_lines_tell_what_is(status: Status):
    found = lines(status)
    assert list(found) == ["gate", "link", "feed", "session", "books", "sets", "money", "alarms",
                           "assumed"]  # fmt: skip
    assert found["gate"].startswith("armed; card fake: (twin)")
    assert found["feed"].startswith("ok; 1 messages, 0 gaps")
    assert found["session"].startswith("ok; 0 orders sent, 0 open, 0 refused")
    assert found["sets"].endswith("positions were confirmed before it was armed")
    assert found["books"] == "0 of 3 symbols trusted"
    assert "card's watchdog 250 ms" in found["link"]
    assert "records unknown, lost unknown" in found["link"]
    assert "There is no recorder" in found["assumed"]
    assert found["money"] == "cash unknown, fees unknown, with positions at mids unknown"


def test_what_is_wrong_is_told(status: Status):
    wrong = msgspec.structs.replace(
        status,
        state="killed",
        kill_reasons=["watchdog"],
        gap_open=True,
        session_ok=False,
        refused=3,
        refusals={"price": 3},
        alarms=["KilledByWatchdog"],
        clock_offset_ns=-1_500_000_000,
        clock_uncertainty_ns=20_000,
        marked=None,
        flatten=True,
        records=1_234,
        records_lost=5,
        cash=-12_345,
        fees=20_000,
    )
    found = lines(wrong)
    assert found["gate"].startswith("killed (watchdog); flattening")
    assert found["feed"].startswith("gap open")
    assert found["session"].endswith("3 refused (price 3)")
    assert found["session"].startswith("lets no order pass")
    assert "clock -1.500000 s off, give or take 0.020 ms" in found["link"]
    assert "records 1,234, lost 5;" in found["link"]
    assert found["money"] == "cash -1.2345, fees 2.0000, with positions at mids unknown"
    assert found["alarms"] == "KilledByWatchdog"
    assert found["sets"].endswith("positions not confirmed")


def test_tables_hold_what_wants_a_look(status: Status):
    trusted = [msgspec.structs.replace(row, trusted=True) for row in status.symbols]
    symbols, pairs = screen(msgspec.structs.replace(status, symbols=trusted)).tables
    assert [row[0] for row in symbols.cells] == ["AAA"]  # 30 shares are held
    assert not pairs.cells
    assert pairs.title == "pairs that want a look, of 2"
    held = SymbolRow("KO", 0, 0, 0, 601_000, 300, "H", False, ["halted"], -5, 10, 0, 7)
    row = dict(zip(symbols.columns, symbols_table([held]).cells[0], strict=True))
    assert (row["bid"], row["bid shares"]) == ("-", "-")
    assert (row["ask"], row["trust"], row["could be"]) == ("60.1000", "halted", "-7 .. 0")
    pair = PairRow("cola", 0, "KO", "PEP", False, "holding", False, -5, 5, -2.345)
    assert pairs_table([pair]).cells[0][3:] == ("holding, disabled", "-5", "5", "-2.35")
