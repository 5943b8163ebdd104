"""What a design consists of, as a text that is kept under version control.

    ports
      bus__addr: input, 17 bits
    registers
      card.risk.gate: 890 bits with a reset, 0 without
    memories
      card.risk.ledger.orders: 64 words of 66 bits
    contents
      card.feed.names.letters: 26 words

A register bit has a reset if it is known after a cycle of reset whatever else there is; `contents`
are the memories that hold something before the first write.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from tickwright.audit import ternary
from tickwright.audit.findings import Finding, UnreadableError
from tickwright.audit.netlist import Netlist

__all__ = ["Census", "census", "changes", "parsed", "resets", "written"]

Census = dict[str, dict[str, str]]

SECTIONS = ("ports", "registers", "memories", "contents")


def census(netlist: Netlist) -> Census:
    """Take the census of a design."""
    with_reset: dict[str, int] = defaultdict(int)
    without: dict[str, int] = defaultdict(int)
    for net, value in netlist.after_reset.items():
        instance = netlist.instance(net)
        with_reset[instance] += value.known.bit_count()
        without[instance] += net.width - value.known.bit_count()
    memories = {net.name: net for net in netlist.nets.values() if net.depth}
    return {
        "ports": {
            name: f"{net.direction}, {net.width} bits" for name, net in netlist.ports.items()
        },
        "registers": {
            instance: f"{bits} bits with a reset, {without[instance]} without"
            for instance, bits in with_reset.items()
        },
        "memories": {
            name: f"{net.depth} words of {net.width} bits" for name, net in memories.items()
        },
        "contents": {net.name: f"{words} words" for net, words in netlist.contents.items()},
    }


def resets(netlist: Netlist) -> Iterator[Finding]:
    """A register is reset to the value that it has before the first reset."""
    for net, value in netlist.after_reset.items():
        initial = net.initial if net.initial is not None else ternary.UNKNOWN
        if value.known & ~initial.known or (value.value ^ initial.value) & value.known:
            found, expected = (f"{one.value:#x}" for one in (value, initial))
            yield Finding("reset", net.name, f"{found} after it", f"{expected}, its initial value")


def changes(found: Census, expected: Census) -> Iterator[Finding]:
    """Yield each line in which two censuses differ."""
    for section in SECTIONS:
        ours, theirs = found[section], expected[section]
        for name in sorted(ours.keys() | theirs.keys()):
            now, then = ours.get(name, "nothing"), theirs.get(name, "nothing")
            if now != then:
                yield Finding(section, name, now, then)


def written(taken: Census) -> str:
    """Return a census as text."""
    lines: list[str] = []
    for section in SECTIONS:
        lines += [section, *(f"  {name}: {fact}" for name, fact in sorted(taken[section].items()))]
    return "\n".join(lines) + "\n"


def parsed(text: str) -> Census:
    """Return the census that a text holds."""
    found: Census = {section: {} for section in SECTIONS}
    section = ""
    for line in text.splitlines():
        name, colon, fact = line.strip().partition(": ")
        if line in SECTIONS:
            section = line
        elif section and colon and line.startswith("  "):
            found[section][name] = fact
        else:
            raise UnreadableError(f"census: found {line!r}, expected `  NAME: FACT`")
    return found
