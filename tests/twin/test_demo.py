"""The main job, in short."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from tickwright.twin.demo import demo

SHORT = {
    "messages": 12_000, "symbols": 4, "pairs": 2, "seed": 1, "loss_a": 0.02, "loss_b": 0.02,
}  # fmt: skip


def test_the_demo_trades_and_leaves_its_report(tmp_path: Path, capfd):
    demo(**SHORT, folder=tmp_path)
    told = capfd.readouterr().out
    assert "and the software model: the same in all" in told
    assert "gaps declared        0" in told
    assert f"Report: {tmp_path / 'report.html'}" in told
    assert "fills assumed: every order filled" in (tmp_path / "report.html").read_text()
    assert (tmp_path / "orders.csv").read_text().count(",sent\n") > 0


def test_a_demo_without_orders_fails(tmp_path: Path, capfd, monkeypatch: pytest.MonkeyPatch):
    def silent(arguments: list[str]) -> int:
        (tmp_path / "orders.csv").write_text("verdict\n")
        return 0

    monkeypatch.setattr("tickwright.twin.demo.run", silent)
    with pytest.raises(typer.Exit) as end:
        demo(**SHORT, folder=tmp_path)
    assert end.value.exit_code == 1
    assert "Expected at least one order." in capfd.readouterr().out


def test_a_demo_ends_with_the_status_of_what_failed(tmp_path: Path, monkeypatch):
    monkeypatch.setattr("tickwright.twin.demo.run", lambda arguments: 3)
    with pytest.raises(typer.Exit) as end:
        demo(**SHORT, folder=tmp_path)
    assert end.value.exit_code == 3
