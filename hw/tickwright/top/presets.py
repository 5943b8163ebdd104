"""The sizes of a card; every size that a component takes comes from here (pure)."""

from dataclasses import dataclass

__all__ = ["PRESETS", "Preset"]


@dataclass(frozen=True, kw_only=True)
class Preset:
    """Sizes of one build of the pipeline.

    All sizes are powers of two.
    """

    name:       str
    symbols:    int   # watched symbols
    orders:     int   # entries of the order table (two tables of four ways)
    window:     int   # price levels a symbol and side
    pairs:      int
    fanout:     int   # pairs that may list one symbol
    hold:       int   # messages the arbiter can hold while a gap is open
    queue:      int   # events that may wait for the book
    slots:      int   # orders that may be open at the venue

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if isinstance(value, int) and (value < 1 or value & (value - 1)):
                raise ValueError(f"preset {self.name}: {name} is {value}, expected a power of two")


PRESETS = {preset.name: preset for preset in (
    Preset(name="twin",  symbols=64,  orders=1 << 18, window=1024, pairs=64,  fanout=8,
           hold=1024, queue=64, slots=256),
    Preset(name="versa", symbols=16,  orders=1 << 12, window=256,  pairs=16,  fanout=4,
           hold=256,  queue=16, slots=64),
    Preset(name="alveo", symbols=512, orders=1 << 20, window=1024, pairs=512, fanout=8,
           hold=4096, queue=64, slots=1024),
)}
