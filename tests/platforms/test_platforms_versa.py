"""What the Versa's netlist has between its pins and the gateware, as the vendor's primitives."""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction

import pytest
from amaranth.hdl._nir import Instance, Net, Netlist, Value

from tickwright.platforms.build import sources

BOARD_MHZ = 100
DELAY_STEP_PS, DELAY_PS = 25, 2_000
RGMII_PINS = 2 * (4 + 1)  # of both ports: data and control
LOW, HIGH = Value.from_const(0, 1), Value.from_const(1, 1)


class Board:
    """The primitives of a netlist, and the part of the board that each is in."""

    def __init__(self, netlist: Netlist) -> None:
        self._netlist = netlist

    def primitives(self, kind: str) -> list[tuple[str, Instance]]:
        return [
            (self._netlist.modules[cell.module_idx].name[-1], cell)
            for cell in self._netlist.cells
            if isinstance(cell, Instance) and cell.type == kind
        ]

    def outputs(self, kind: str, port: str) -> list[Value]:
        """Return the nets of an output of each primitive of a kind."""
        return [
            Value([Net.from_cell(index, cell.ports_o[port][0])])
            for index, cell in enumerate(self._netlist.cells)
            if isinstance(cell, Instance) and cell.type == kind
        ]


@pytest.fixture
def board(netlist, echo) -> Board:
    return Board(netlist(echo())[1])


@pytest.fixture
def preferences(echo) -> str:
    return sources(echo())[1]


def test_each_pll_makes_its_clock_within_what_the_part_can(board):
    made = {}
    outputs = board.outputs("EHXPLLL", "CLKOP")
    for (place, pll), output in zip(board.primitives("EHXPLLL"), outputs, strict=True):
        compared = Fraction(BOARD_MHZ, pll.parameters["CLKI_DIV"])
        made[place] = compared * pll.parameters["CLKFB_DIV"]
        assert 10 <= compared <= 400
        assert 400 <= made[place] * pll.parameters["CLKOP_DIV"] <= 800
        assert pll.parameters["FEEDBK_PATH"] == "CLKOP"
        assert pll.ports_i["CLKFB"] == output
    assert made == {"pll_sync": 80, "pll_tx": 125}


def test_the_clocks_of_the_card_are_those_that_the_gates_let_through(netlist, echo):
    domains, cells = netlist(echo())
    board = Board(cells)
    assert [gate.ports_i["CLKI"] for _, gate in board.primitives("DCCA")] == board.outputs(
        "EHXPLLL", "CLKOP"
    )
    clocks = [cells.signals[domains[name].clk] for name in ("sync", "tx")]
    assert clocks == board.outputs("DCCA", "CLKO")


def test_every_input_is_late_by_two_nanoseconds_and_taken_at_both_edges(board):
    delays, inputs = board.primitives("DELAYG"), board.primitives("IDDRX1F")
    assert len(delays) == len(inputs) == RGMII_PINS
    for _, delay in delays:
        assert delay.parameters["DEL_MODE"] == "USER_DEFINED"
        assert delay.parameters["DEL_VALUE"] * DELAY_STEP_PS == DELAY_PS
    assert [taken.ports_i["D"] for _, taken in inputs] == board.outputs("DELAYG", "Z")
    clocks = Counter(taken.ports_i["SCLK"] for _, taken in inputs)
    assert list(clocks.values()) == [RGMII_PINS // 2] * 2


def test_every_output_leaves_at_both_edges_and_the_clock_high_first(board):
    outputs = board.primitives("ODDRX1F")
    assert len(outputs) == RGMII_PINS + 2
    clocks = [cell.ports_i for place, cell in outputs if place.endswith("_txc")]
    assert [(ports["D0"], ports["D1"]) for ports in clocks] == [(HIGH, LOW)] * 2
    assert {cell.ports_i["SCLK"] for _, cell in outputs} == {board.outputs("DCCA", "CLKO")[1]}


def test_port_0_sends_nothing(board):
    silent = [cell.ports_i for place, cell in board.primitives("ODDRX1F") if "feed_tx_" in place]
    assert [(ports["D0"], ports["D1"]) for ports in silent] == [(LOW, LOW)] * (RGMII_PINS // 2)


@pytest.mark.parametrize(
    ("port", "pin"),
    [
        ("clk100_0__p", "P3"),
        ("eth_rgmii_0__rx_clk__io", "L20"),
        ("eth_rgmii_1__rx_clk__io", "J19"),
        ("eth_rgmii_0__rx_ctl__io", "U19"),
        ("eth_rgmii_1__tx_ctrl__io", "E19"),
        ("eth_rgmii_1__rst__io", "F20"),
        ("uart_0__rx__io", "C11"),
        ("uart_0__tx__io", "A11"),
    ],
)
def test_pins_are_those_of_the_board(preferences, port, pin):
    assert f'LOCATE COMP "{port}" SITE "{pin}";' in preferences


def test_mdio_is_left_alone(preferences):
    assert "mdio" not in preferences
    assert "mdc" not in preferences


def test_every_clock_has_its_frequency(preferences):
    found = dict(re.findall(r'^FREQUENCY \w+ "(\S+)" ([0-9.]+) HZ;$', preferences, re.MULTILINE))
    assert {name: float(hertz) / 1e6 for name, hertz in found.items()} == {
        "clk100_0__p": 100,
        "pll_sync.clk_out": 80,
        "gate_sync.clk_out": 80,
        "pll_tx.clk_out": 125,
        "gate_tx.clk_out": 125,
        "eth_rgmii_0__rx_clk__io": 125,
        "eth_rgmii_1__rx_clk__io": 125,
    }
