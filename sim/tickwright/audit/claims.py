"""What is claimed of a design, and proved from its text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tickwright.audit import ternary
from tickwright.audit.findings import Finding
from tickwright.audit.netlist import RESET, Netlist
from tickwright.audit.nets import Net, Slice
from tickwright.audit.processes import Process
from tickwright.audit.ternary import FALSE, UNKNOWN, Ternary

__all__ = ["Claim", "Claims", "Identity"]

Numbers = Mapping[str, int]  # by the names of nets


@dataclass(frozen=True)
class Claim:
    """In a cycle in which `given` is so, `then` is so too, and `after` the edge that ends it.

    Nothing else is assumed: every other input, every other register and every memory may hold
    anything. A claim whose `after` is among its `given` holds for as long as the rest of `given`.
    """

    name: str
    given: Numbers
    then: Numbers = field(default_factory=dict)
    after: Numbers = field(default_factory=dict)

    def check(self, netlist: Netlist) -> Iterator[Finding]:
        """Yield where the claim fails; it fails too if it holds without what is given."""
        given = _numbers(netlist, self.given)
        for net, where, found, expected in self._differences(netlist, given):
            shown = f"{_shown(found, net)} ({_why(netlist, net, given)})"
            yield Finding(self.name, f"{net.name}{where}", shown, str(expected.value))
        if not list(self._differences(netlist, {})):
            what = ", ".join([*self.then, *self.after])
            yield Finding(self.name, what, "the same whatever is given", "a difference")

    def _differences(
        self, netlist: Netlist, given: dict[Net, Ternary]
    ) -> Iterator[tuple[Net, str, Ternary, Ternary]]:
        """Yield each net that is not as claimed, and in which cycle; what it is, and should be."""
        then, after = _numbers(netlist, self.then), _numbers(netlist, self.after)
        processes = netlist.cone(Slice(net, 0, net.width) for net in then)
        values = netlist.settled(processes, given)
        for net, expected in then.items():
            if (found := values.get(net, UNKNOWN)) != expected:
                yield net, "", found, expected
        for net, found in netlist.after(given, after).items():
            if found != after[net]:
                yield net, " after the edge", found, after[net]


@dataclass(frozen=True)
class Identity:
    """One net is another one bit by bit, with nothing but wires between."""

    name: str
    net: str
    origin: str

    def check(self, netlist: Netlist) -> Iterator[Finding]:
        """Yield the first bit that comes from elsewhere."""
        net, origin = netlist.net(self.net), netlist.net(self.origin)
        for bit in range(max(net.width, origin.width)):
            found, expected = (self._end(netlist, one, bit) for one in (net, origin))
            if found != expected:
                yield Finding(self.name, f"{self.net}[{bit}]", found, expected)
                return

    def _end(self, netlist: Netlist, net: Net, bit: int) -> str:
        return str(netlist.source(net, bit)) if bit < net.width else "nothing"


Claims = Iterator[Claim | Identity]


def _numbers(netlist: Netlist, numbers: Numbers) -> dict[Net, Ternary]:
    nets = {netlist.net(name): number for name, number in numbers.items()}
    return {net: ternary.constant(number, net.width) for net, number in nets.items()}


def _shown(found: Ternary, net: Net) -> str:
    return str(found.value) if found.known == ternary.mask(net.width) else "anything"


def _why(netlist: Netlist, net: Net, given: dict[Net, Ternary]) -> str:
    """Tell the shortest way on which something unknown comes to a net, outside of a reset."""
    processes: list[Process] = list(netlist.registers.get(net, netlist.behind(netlist.all_of(net))))
    needed = netlist.cone(bits for process in processes for bits in process.reads)
    values = netlist.settled(needed, {netlist.net(f"{netlist.top}.{RESET}"): FALSE} | given)
    ways = [[net.name]]
    seen = {net}
    for way in ways:
        end = netlist.nets[way[-1]]
        behind = processes if end is net else list(netlist.behind(netlist.all_of(end)))
        if not behind:
            return f"by {' ◀ '.join(way)}"
        for bits in (bits for process in behind for bits in process.reads):
            value = ternary.part(values.get(bits.net, UNKNOWN), bits.low, bits.width)
            if bits.net not in seen and value.known != ternary.mask(bits.width):
                seen.add(bits.net)
                ways.append([*way, bits.net.name])
    return "by reset or what is given"
