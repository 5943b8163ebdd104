"""A folder that holds all that Vivado needs to make a bitstream. Generated, not run."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from tickwright.platforms.alveo import AlveoPlatform
from tickwright.platforms.alveo_card import AlveoCard
from tickwright.platforms.hard_block import HardBlock
from tickwright.top.build import verilog
from tickwright.top.presets import Preset

__all__ = ["write_bundle"]

PROJECT = """\
# Makes the bitstream of Tickwright for {name}: vivado -mode batch -source {name}.tcl
# Generated, not run: no Vivado has seen this script.
set here [file dirname [file normalize [info script]]]
cd $here
{needed}create_project -force {name} project -part {part}

# A constraint that finds nothing is an error, not a warning.
set_msg_config -id {{Vivado 12-180}} -new_severity ERROR
set_msg_config -id {{Vivado 12-508}} -new_severity ERROR
set_msg_config -id {{Vivado 12-584}} -new_severity ERROR

add_files {{{sources}}}
{cores}
add_files -fileset constrs_1 {{pins.xdc clocks.xdc configuration.xdc}}
set_property USED_IN_SYNTHESIS false [get_files clocks.xdc]
set_property PROCESSING_ORDER LATE [get_files clocks.xdc]
set_property top {name} [current_fileset]

launch_runs synth_1 -jobs 4
wait_on_run synth_1
if {{[get_property PROGRESS [get_runs synth_1]] ne "100%"}} {{ error "synthesis failed" }}
launch_runs impl_1 -to_step write_bitstream -jobs 4
wait_on_run impl_1
if {{[get_property PROGRESS [get_runs impl_1]] ne "100%"}} {{ error "implementation failed" }}

open_run impl_1
report_timing_summary -file timing.rpt
report_cdc -details -file crossings.rpt
report_utilization -hierarchical -file utilization.rpt
report_drc -file drc.rpt
if {{[get_property STATS.WNS [get_runs impl_1]] < 0}} {{ error "timing is not met: timing.rpt" }}
"""

CORE = """\
create_ip -name {ip} -vendor xilinx.com -library ip -module_name {module}
set_property -dict [list \\
{settings}
] [get_ips {module}]
generate_target all [get_ips {module}]
"""

NEEDED = """\
if {{![file exists {file}]}} {{ error "to be supplied: {what}" }}
"""

README = """\
# Tickwright for {name}

A project for Vivado: the card with the sizes of the preset `{preset}`, for the part {part}.
**Generated, not run**: no Vivado and no board has seen it; what Vivado finds has to be mended where
it was generated (`hw/tickwright/platforms/`, `constraints/{name}/`), not here.

    vivado -mode batch -source {name}.tcl

The script ends with an error if a constraint finds nothing or timing is not met. It leaves the
bitstream in `project/{name}.runs/impl_1/{name}.bit`, and the reports `timing.rpt`, `crossings.rpt`,
`utilization.rpt` and `drc.rpt` here.

| file | what |
|---|---|
| `{name}.v` | the design; top module `{name}` |
| `pins.xdc` | pins and clocks, from the platform |
| `clocks.xdc`, `configuration.xdc` | the rest, from `constraints/{name}/` |
| `{name}.tcl` | the project |

Pins are from: {sources}.

## Blocks of Vivado's catalogue

{blocks}

## To be constrained

{unpinned}

## To be supplied

{missing}
"""


def write_bundle(platform: AlveoPlatform, preset: Preset, folder: Path, constraints: Path) -> None:
    """Write the project for a board; ``constraints`` has a folder for each board."""
    folder.mkdir(parents=True, exist_ok=True)
    card = AlveoCard(platform, preset)
    (folder / f"{platform.name}.v").write_text(verilog(card, platform.name))
    (folder / "pins.xdc").write_text("\n".join(_pin_lines(platform)) + "\n")
    for name in ("clocks.xdc", "configuration.xdc"):
        shutil.copyfile(constraints / platform.name / name, folder / name)
    (folder / f"{platform.name}.tcl").write_text(_project(platform))
    (folder / "README.md").write_text(_readme(platform, preset))


def _pin_lines(platform: AlveoPlatform) -> Iterator[str]:
    yield f"# Pins of {platform.name}, from: {'; '.join(platform.sources)}."
    for pin in platform.pins():
        settings = {"PACKAGE_PIN": pin.location} | pin.attributes
        text = " ".join(f"{key} {value}" for key, value in settings.items())
        yield f"set_property -dict {{{text}}} [get_ports {{{pin.port}}}]"
        if pin.clock_mhz:
            yield (f"create_clock -name {pin.port.removesuffix('_p')} "
                   f"-period {1e3 / pin.clock_mhz:.4f} [get_ports {{{pin.port}}}]")


def _project(platform: AlveoPlatform) -> str:
    missing = [block for block in platform.blocks if block.missing]
    return PROJECT.format(
        name=platform.name, part=platform.part,
        needed="".join(NEEDED.format(file=f"{block.module}.v", what=block.missing)
                       for block in missing),
        sources=" ".join(f"{name}.v" for name in (platform.name,
                                                  *(block.module for block in missing))),
        cores="\n".join(_core(block) for block in platform.blocks if block.ip))


def _core(block: HardBlock) -> str:
    settings = "\n".join(f"    CONFIG.{key} {{{value}}} \\" for key, value in
                         block.settings.items())
    return CORE.format(ip=block.ip, module=block.module, settings=settings)


def _readme(platform: AlveoPlatform, preset: Preset) -> str:
    return README.format(
        name=platform.name, part=platform.part, preset=preset.name,
        sources="; ".join(platform.sources),
        blocks=_list(f"`{block.ip}` as `{block.module}` ({block.source}){block.licence}"
                     for block in platform.blocks if block.ip),
        unpinned=_list(f"`{port}`: no document at hand gives its pin"
                       for port in platform.unverified),
        missing=_list(f"`{block.module}.v`: {block.missing}"
                      for block in platform.blocks if block.missing))


def _list(items) -> str:
    return "\n".join(f"- {item}" for item in items) or "Nothing."
