"""Fixtures shared by every test."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

CLOCK_PERIOD = 1 / 156.25e6  # seconds
STEPS_PER_CYCLE = 2  # one for each edge of the clock
SYNC = {"sync": CLOCK_PERIOD}
DEADLINE = 10_000  # cycles
ROOT = Path(__file__).resolve().parent.parent

Bench = Callable[[Any], Coroutine[Any, Any, None]]


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

    ``simulate(dut, *benches, background=[...], deadline=cycles, clocks={domain: seconds})`` returns
    when every bench has; those in the background need not end. Cycles are those of all clocks.
    """
    from amaranth.sim import Simulator

    def run(
        dut: Any,
        *benches: Bench,
        background: Iterable[Bench] = (),
        deadline: int = DEADLINE,
        clocks: Mapping[str, float] = SYNC,
    ) -> None:
        started: list[Coroutine[Any, Any, None]] = []

        def recorded(bench: Bench) -> Bench:
            async def start(ctx: Any) -> None:
                started.append(bench(ctx))
                await started[-1]

            return start

        sim = Simulator(dut)
        for domain, period_s in clocks.items():
            sim.add_clock(period_s, domain=domain)
        for bench in background:
            sim.add_testbench(recorded(bench), background=True)
        for bench in benches:
            sim.add_testbench(recorded(bench))
        try:
            with sim.write_vcd(str(tmp_path / f"{request.node.name[:80].replace('/', '-')}.vcd")):
                for _ in range(deadline * STEPS_PER_CYCLE):
                    if not sim.advance():
                        return
            raise TimeoutError(f"no verdict after {deadline} cycles")
        finally:
            # Amaranth's `repeat` and `until` complain when they are closed while they wait; left
            # to the garbage collector, they do so in the middle of another test.
            for bench in started:
                with suppress(RuntimeError):
                    bench.close()

    return run
