"""What a design says of a block that it does not contain."""

from dataclasses import dataclass, field

__all__ = ["BUFFERS", "SERIAL_BUFFER", "HardBlock"]

BUFFERS = {
    "IBUFDS":       {"O": ("I", "IB")},
    "IBUFDS_GTE4":  {"O": ("I", "IB"), "ODIV2": ("I", "IB")},
    "BUFGCE_DIV":   {"O": ("I",)},
}
"""Buffers of UltraScale+ that are used: of each output, the inputs it follows (AMD, UG974)."""

SERIAL_BUFFER = "IBUFDS_GTE4"
"""The buffer whose inputs are pins of a transceiver."""


@dataclass(frozen=True)
class HardBlock:
    """A module that Vivado's IP catalogue, or whoever builds the card, puts into the design.

    ``clocks`` has the clocks that it makes, each with the port of the clock it makes it from.
    ``domains`` has the ports that go by a clock, as patterns; the clock is named by a port of the
    block, be it made there or brought. What is in none is asynchronous. ``outputs`` has patterns of
    the ports that the block drives, ``serial`` of those that are pins of the part and nothing else.
    """

    module:  str
    source:  str                                       # document and version
    outputs: tuple[str, ...]
    serial:  tuple[str, ...]
    clocks:  dict[str, str] = field(default_factory=dict)
    domains: dict[str, tuple[str, ...]] = field(default_factory=dict)
    ip:      str = ""                                  # name in the catalogue; empty: not there
    settings: dict[str, str] = field(default_factory=dict)
    licence: str = ""                                  # what has to be bought, if anything
    missing: str = ""                                  # what whoever builds the card must supply
