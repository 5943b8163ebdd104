"""The Verilog of a component has its ports, its tables of constants, and no zeros in memories."""

import re

from amaranth import *
from amaranth.lib import memory, stream, wiring
from amaranth.lib.wiring import In, Out

from tickwright.core.streams import Word
from tickwright.top.build import verilog

DEPTH = 1 << 18


class Table(wiring.Component):
    """Looks a word up in a memory of zeros, and its low bits in a table of constants."""

    words: In(stream.Signature(Word, always_ready=True))
    found: Out(stream.Signature(8))

    def elaborate(self, platform):
        m = Module()

        m.submodules.kept = kept = memory.Memory(shape=Word, depth=DEPTH, init=[])
        m.submodules.constants = constants = memory.Memory(shape=8, depth=4, init=[7, 0, 0, 9])
        write, read = kept.write_port(), kept.read_port()
        look = constants.read_port(domain="comb")
        m.d.comb += [
            write.en.eq(self.words.valid),
            write.addr.eq(self.words.p.data),
            write.data.eq(self.words.payload),
            read.en.eq(1),
            read.addr.eq(self.words.p.data),
            look.addr.eq(read.data.bytes),
            self.found.payload.eq(look.data),
        ]

        return m


def test_a_stream_that_is_always_ready_has_no_port_for_it():
    ports = re.search(r"module card\((.*?)\);", verilog(Table(), "card"))
    assert set(ports[1].split(", ")) == {
        "clk", "rst", "words__payload", "words__valid",
        "found__payload", "found__valid", "found__ready",
    }  # fmt: skip


def test_an_output_that_nothing_drives_is_an_output():
    assert re.search(r"^  output found__valid;$", verilog(Table()), re.MULTILINE)


def test_only_memories_with_contents_have_initial_contents():
    text = verilog(Table())
    assert f"[{DEPTH - 1}:0];" in text
    assert re.findall(r"(\w+)\[\d+\] = 8'h(..);", text) == [
        ("constants", value) for value in ("07", "00", "00", "09")
    ]
    assert text.count("initial") == 1
