"""What the Alveo boards have in common."""

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

from amaranth.build import Attrs, DiffPairs, Resource
from amaranth.vendor import XilinxPlatform

from tickwright.platforms.hard_block import HardBlock
from tickwright.platforms.pcie_block import PCIE

__all__ = ["AlveoPlatform", "Pin"]


@dataclass(frozen=True)
class Pin:
    """A port of the top module, one bit of it, and where it is."""

    port:       str  # with its index, where it is a vector
    location:   str
    attributes: dict[str, str]
    clock_mhz:  float | None


class AlveoPlatform(XilinxPlatform):
    """A board with a card of three Ethernet ports and PCI Express.

    A pin that no document at hand gives is not among the resources, and its port is `unverified`:
    the check of a bundle tells that it has to be constrained.
    """

    name: str              # of the board, the bundle and the top module
    sources: tuple[str, ...]  # documents and versions
    aux_mhz: int           # of the clock that runs always
    low: tuple[str, ...] = ()  # outputs that are always low
    unverified: tuple[str, ...] = ()  # ports, with their index
    connectors = ()

    @property
    @abstractmethod
    def ethernet(self) -> HardBlock:
        """The block behind the Ethernet ports."""

    @abstractmethod
    def ports(self):
        """Return a component with the members of `PortTrio`."""

    @property
    def part(self) -> str:
        """Name of the part, as Vivado has it."""
        return f"{self.device}-{self.package}-{self.speed}"

    @property
    def blocks(self) -> tuple[HardBlock, ...]:
        """What the design needs and does not contain."""
        return (PCIE, self.ethernet)

    def pins(self) -> Iterator[Pin]:
        """Return the pins of all resources, under the names of the card's members."""
        for resource in self.resources.values():
            for name, leaf in _leaves(resource):
                pins, = leaf.ios
                halves = [(f"{name}_p", pins.p), (f"{name}_n", pins.n)] if isinstance(
                    pins, DiffPairs) else [(name, pins)]
                for half, (port, found) in enumerate(halves):
                    for index, location in enumerate(found.names):
                        yield Pin(
                            port=f"{port}[{index}]" if len(found.names) > 1 else port,
                            location=location,
                            attributes=dict(leaf.attrs),
                            clock_mhz=leaf.clock.frequency / 1e6 if leaf.clock and not half
                            else None)


LVDS     = Attrs(IOSTANDARD="LVDS")
LVCMOS18 = Attrs(IOSTANDARD="LVCMOS18")


def _leaves(resource: Resource, prefix: str = ""):
    """Return what a resource consists of, each with its whole name."""
    name = f"{prefix}{resource.name}"
    if all(hasattr(part, "ios") for part in resource.ios):
        for part in resource.ios:
            yield from _leaves(part, f"{name}_")
    else:
        yield name, resource
