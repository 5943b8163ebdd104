"""One clock, no latches, no loops, and one driver for each bit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tickwright.audit import ternary
from tickwright.audit.expressions import place
from tickwright.audit.findings import Finding
from tickwright.audit.netlist import CLOCK, Netlist
from tickwright.audit.nets import Net, Slice
from tickwright.audit.processes import Process, Wire
from tickwright.audit.statements import surely_writes

__all__ = ["structure"]


def structure(netlist: Netlist) -> Iterator[Finding]:
    """Yield what is not as it has to be in every design of one clock."""
    looped = list(loops(netlist))
    yield from looped
    if not looped:
        yield from clocks(netlist)
        yield from latches(netlist)
        yield from driven_once(netlist)


def origin(netlist: Netlist, net: Net) -> Net:
    """Return the net that another one is nothing but a name of."""
    drivers = netlist.drivers.get(net, [])
    while len(drivers) == 1 and isinstance(wire := drivers[0][1], Wire):
        source = place(*wire.source)
        if source is None or source.width != source.net.width or net.width != source.width:
            break
        net, drivers = source.net, netlist.drivers.get(source.net, [])
    return net


def clocks(netlist: Netlist) -> Iterator[Finding]:
    """Every clocked block waits for the rising edge of the one clock, which is nothing else too."""
    clock = netlist.net(f"{netlist.top}.{CLOCK}")
    expected = f"posedge {clock.name}"
    for process in netlist.clocked:
        assert process.clock is not None
        found = f"{process.clock.edge} {origin(netlist, process.clock.net).name}"
        if found != expected:
            yield Finding("clock", str(process.writes[0]), found, expected)
    names = {net for net in netlist.nets.values() if origin(netlist, net) is clock}
    for process in (*netlist.wires, *netlist.blocks):
        for bits in process.reads:
            if bits.net in names and process.writes[0].net not in names:
                yield Finding("clock", str(process.writes[0]), f"a use of {bits} as data", "none")


def latches(netlist: Netlist) -> Iterator[Finding]:
    """A block without a clock writes what it drives whichever way it goes."""
    for process in netlist.blocks:
        if process.clock is None:
            (bits,) = process.writes
            sure = surely_writes(process.statement, process.scope).get(bits.net, 0)
            if bits.mask & ~sure:
                yield Finding("latch", str(bits), "a way through its block that leaves it", "none")


def loops(netlist: Netlist) -> Iterator[Finding]:
    """No signal depends on itself without a register in between."""
    if around := netlist.loop():
        yield Finding("loop", around[0], " ◀ ".join(around), "a register on the way")


def driven_once(netlist: Netlist) -> Iterator[Finding]:
    """What is read is driven, each bit by one process; a memory may have several ports."""
    driven: dict[Net, int] = defaultdict(int)
    for net in netlist.ports.values():
        if net.direction == "input":
            driven[net] = ternary.mask(net.width)
    for net, drivers in netlist.drivers.items():
        for bits, process in _of_processes(drivers):
            if not net.depth and driven[net] & bits:
                yield Finding("driver", net.name, f"a second driver in {process}", "one")
            driven[net] |= bits
    missing: set[Net] = set()
    for process in (*netlist.wires, *netlist.blocks):
        for bits in process.reads:
            if bits.mask & ~driven[bits.net] and bits.net not in missing:
                missing.add(bits.net)
                where = process.writes[0]
                yield Finding("driver", str(bits), f"none, though {where} reads it", "one")


def _of_processes(drivers: list[tuple[Slice, Process]]) -> Iterator[tuple[int, str]]:
    """Yield the bits that each process drives; it may write some of them several times."""
    joined: dict[Process, int] = defaultdict(int)
    for bits, process in drivers:
        joined[process] |= bits.mask
    for process, bits in joined.items():
        yield bits, process.where
