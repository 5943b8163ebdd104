"""Whether a Linux host is set up to drive a card: what its kernel says in /proc and /sys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tickwright.bus.pcie import DEVICE_ID, VENDOR_ID, find_cards

__all__ = ["HostFinding", "diagnose_host"]

ISOLATING = ("isolcpus", "nohz_full", "rcu_nocbs")
GOVERNOR = "performance"
CLOCK_SOURCE = "tsc"
NEVER = "never"
TIME_DAEMONS = {"chronyd", "phc2sys"}  # both set the system's clock; ptp4l alone does not
MEMLOCK_ROW = "Max locked memory"
UNLIMITED = "unlimited"
SHOWN = 5  # interrupts, by number
UNREADABLE = "not told by the kernel"


@dataclass(frozen=True)
class HostFinding:
    """One thing a trading host needs: what was found, what is expected, how to get it."""

    name: str
    present: bool
    found: str
    expected: str
    remedy: str  # empty when present


def diagnose_host(root: Path = Path("/")) -> Iterator[HostFinding]:
    """Yield the findings about the host whose ``proc`` and ``sys`` are below ``root``.

    What the kernel does not tell counts as missing: nothing is taken for right unseen.
    """
    words = _text(root / "proc/cmdline").split()
    for name in ISOLATING:
        yield _isolating(name, words)
    yield _isolated(root)
    yield _interrupts(root)
    yield _governor(root)
    yield _huge_pages(root)
    yield _transparent_huge_pages(root)
    yield _locked_memory(root)
    yield _iommu(root)
    yield _clock_source(root)
    yield _ptp(root)
    yield _time_daemon(root)
    yield _cards(root)


def _isolating(name: str, words: list[str]) -> HostFinding:
    values = [word.partition("=")[2] for word in words if word.startswith(f"{name}=")]
    value = values[-1] if values else ""
    return _finding(
        name,
        bool(value),
        f"{name}={value}" if value else "not on the kernel's command line",
        f"{name}= with the processors of the hot threads",
        f"Add {name}=LIST to the kernel's command line and restart.",
    )


def _isolated(root: Path) -> HostFinding:
    isolated = _text(root / "sys/devices/system/cpu/isolated")
    return _finding(
        "isolated",
        bool(isolated),
        f"processors {isolated}" if isolated else "no isolated processor",
        "at least one isolated processor",
        "Name processors that exist in isolcpus= and restart.",
    )


def _interrupts(root: Path) -> HostFinding:
    isolated = _processors(_text(root / "sys/devices/system/cpu/isolated"))
    places = list(root.glob("proc/irq/[0-9]*/effective_affinity_list"))
    told = bool(isolated and places)
    intruding = sorted(
        int(place.parent.name) for place in places if isolated & _processors(_text(place))
    )
    shown = ", ".join(map(str, intruding[:SHOWN])) + (", ..." if intruding[SHOWN:] else "")
    return _finding(
        "interrupts",
        told and not intruding,
        f"{shown} on isolated processors" if intruding else "elsewhere" if told else UNREADABLE,
        "none on an isolated processor",
        "Stop irqbalance, and write other processors to /proc/irq/N/smp_affinity_list.",
    )


def _governor(root: Path) -> HostFinding:
    places = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/cpufreq/scaling_governor")
    governors = sorted({_text(place) or UNREADABLE for place in places})
    return _finding(
        "governor",
        governors == [GOVERNOR],
        ", ".join(governors) or UNREADABLE,
        f"{GOVERNOR} on every processor",
        f"Run cpupower frequency-set --governor {GOVERNOR}.",
    )


def _huge_pages(root: Path) -> HostFinding:
    rows = _rows(_text(root / "proc/meminfo"))
    total, free = (_count(rows.get(f"HugePages_{which}", "")) for which in ("Total", "Free"))
    told = total is not None and free is not None
    return _finding(
        "huge pages",
        bool(total and free),
        f"{free} free of {total}" if told else UNREADABLE,
        "at least one free",
        "Reserve some with sysctl vm.nr_hugepages=N, or end what holds them.",
    )


def _transparent_huge_pages(root: Path) -> HostFinding:
    choice = _text(root / "sys/kernel/mm/transparent_hugepage/enabled")
    chosen = choice.partition("[")[2].partition("]")[0]
    return _finding(
        "transparent huge pages",
        chosen == NEVER,
        chosen or UNREADABLE,
        f"{NEVER}: merging pages stalls the threads that use them",
        f"Add transparent_hugepage={NEVER} to the kernel's command line and restart.",
    )


def _locked_memory(root: Path) -> HostFinding:
    lines = _text(root / "proc/self/limits").splitlines()
    rows = [
        line.removeprefix(MEMLOCK_ROW).split() for line in lines if line.startswith(MEMLOCK_ROW)
    ]
    soft = rows[0][0] if rows and rows[0] else ""
    return _finding(
        "locked memory",
        soft == UNLIMITED,
        f"{soft} bytes" if soft.isdecimal() else soft or UNREADABLE,
        UNLIMITED,
        "Set LimitMEMLOCK=infinity in the unit, or memlock in /etc/security/limits.conf.",
    )


def _iommu(root: Path) -> HostFinding:
    units = _names(root / "sys/class/iommu")
    return _finding(
        "iommu",
        bool(units),
        ", ".join(units) or "no unit",
        "a unit, so that a card reaches only the memory it was given",
        "Turn it on in the firmware, add intel_iommu=on or amd_iommu=on, and restart.",
    )


def _clock_source(root: Path) -> HostFinding:
    source = _text(root / "sys/devices/system/clocksource/clocksource0/current_clocksource")
    return _finding(
        "clock source",
        source == CLOCK_SOURCE,
        source or UNREADABLE,
        CLOCK_SOURCE,
        f"Add clocksource={CLOCK_SOURCE} to the kernel's command line and restart.",
    )


def _ptp(root: Path) -> HostFinding:
    clocks = _names(root / "sys/class/ptp")
    return _finding(
        "ptp",
        bool(clocks),
        ", ".join(clocks) or "no clock",
        "a hardware clock to discipline the host by",
        "Use a network interface with a PTP clock and load its driver.",
    )


def _time_daemon(root: Path) -> HostFinding:
    running = sorted({_text(each) for each in root.glob("proc/[0-9]*/comm")} & TIME_DAEMONS)
    return _finding(
        "time daemon",
        bool(running),
        f"{', '.join(running)} runs" if running else "none runs",
        " or ".join(sorted(TIME_DAEMONS)),
        "Install chrony, or linuxptp for a PTP clock, and start its service.",
    )


def _cards(root: Path) -> HostFinding:
    try:
        cards = [card.name for card in find_cards(root / "sys/bus/pci/devices")]
    except OSError:
        cards = []
    return _finding(
        "cards",
        bool(cards),
        ", ".join(cards) or "none on PCI Express",
        f"a device {VENDOR_ID:04x}:{DEVICE_ID:04x}",
        "Load the card's bitstream and scan the bus again, or restart.",
    )


def _finding(name: str, present: bool, found: str, expected: str, remedy: str) -> HostFinding:
    return HostFinding(name, present, found, expected, "" if present else remedy)


def _text(place: Path) -> str:
    """Return what the kernel tells there, empty when it tells nothing."""
    try:
        return place.read_text(errors="replace").strip()
    except OSError:
        return ""


def _processors(text: str) -> set[int]:
    """Return the processors of a list as the kernel writes it: ``0-2,5``; none if it is not one."""
    found: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal():
            return set()
        found.update(range(int(first), int(last or first) + 1))
    return found


def _names(place: Path) -> list[str]:
    try:
        return sorted(each.name for each in place.iterdir())
    except OSError:
        return []


def _rows(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines())
    return {name: value.strip() for name, _, value in pairs}


def _count(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
