"""Fixtures shared by every test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

CLOCK_PERIOD = 1 / 156.25e6  # seconds
DEADLINE = 10_000  # cycles
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def project() -> Path:
    """Return the root of the clone."""
    return ROOT


@pytest.fixture
def shared_data() -> Path:
    """Return the folder of recorded data, which lies beside the clone where there is one."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("needs the recorded data in ../shared/data, which this machine does not have")
    return folder


@pytest.fixture
def simulate(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[..., None]:
    """Run testbenches against a component; pytest keeps the waveform only if the test fails.

    ``simulate(dut, *benches, deadline=cycles)`` returns when every bench has.
    """
    from amaranth.sim import Simulator

    def run(dut: Any, *benches: Callable[..., Any], deadline: int = DEADLINE) -> None:
        async def watchdog(ctx: Any) -> None:
            await ctx.tick().repeat(deadline)
            raise TimeoutError(f"no verdict after {deadline} cycles")

        sim = Simulator(dut)
        sim.add_clock(CLOCK_PERIOD)
        sim.add_testbench(watchdog, background=True)
        for bench in benches:
            sim.add_testbench(bench)
        with sim.write_vcd(str(tmp_path / f"{request.node.name[:80].replace('/', '-')}.vcd")):
            sim.run()

    return run
