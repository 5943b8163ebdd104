"""The pins carry the two halves of a byte, and between frames what the link is like."""

import random

import pytest
from amaranth.sim import Simulator

from tickwright.ethernet.rgmii import RgmiiReceiver, RgmiiTransmitter
from tickwright.ethernet.types import RgmiiSpeed


def halves(data, valid, error):
    """Return what the lines carry at both edges."""
    return {
        "rising": {"data": data & 0xF, "control": valid},
        "falling": {"data": data >> 4, "control": valid ^ error},
    }


CYCLES = [
    (data, valid, error)
    for data in (0x00, 0x0F, 0xF0, 0x5D, 0xD5, 0xFF, *random.Random(1).randbytes(20))
    for valid in (0, 1)
    for error in (0, 1)
]


def test_a_byte_is_made_of_its_halves_in_the_same_cycle(simulate):
    dut = RgmiiReceiver()

    async def phy(ctx):
        for data, valid, error in CYCLES:
            ctx.set(dut.pins, halves(data, valid, error))
            gmii = ctx.get(dut.gmii)
            assert (gmii.data, gmii.valid, gmii.error) == (data, valid, error)
            await ctx.tick()

    simulate(dut, phy)


def test_a_byte_is_cut_into_its_halves_in_the_same_cycle():
    dut = RgmiiTransmitter()

    async def card(ctx):
        for data, valid, error in CYCLES:
            ctx.set(dut.gmii, {"data": data, "valid": valid, "error": error})
            pins = ctx.get(dut.pins)
            for name, edge in halves(data, valid, error).items():
                assert {key: pins[name][key] for key in edge} == edge

    simulator = Simulator(dut)  # it has no clock
    simulator.add_testbench(card)
    simulator.run()


@pytest.mark.parametrize("nibble", range(16))
def test_the_status_of_the_link_is_kept_from_where_neither_valid_nor_error_is(simulate, nibble):
    dut = RgmiiReceiver()

    def status(ctx):
        return ctx.get(dut.link_up), ctx.get(dut.speed), ctx.get(dut.full_duplex)

    async def phy(ctx):
        assert status(ctx) == (0, RgmiiSpeed.MBPS_10, 0)
        ctx.set(dut.pins, halves(nibble, 0, 0))
        await ctx.tick()
        told = (nibble & 1, RgmiiSpeed(nibble >> 1 & 3), nibble >> 3)
        assert status(ctx) == told
        for valid, error in ((1, 0), (1, 1), (0, 1)):
            ctx.set(dut.pins, halves(~nibble & 0xFF, valid, error))
            await ctx.tick()
            assert status(ctx) == told
        ctx.set(dut.pins, halves(nibble ^ 0xFF, 0, 0))
        await ctx.tick()
        assert status(ctx) == (~nibble & 1, RgmiiSpeed(~nibble >> 1 & 3), ~nibble >> 3 & 1)

    simulate(dut, phy)


def test_the_speeds_have_the_numbers_of_the_document():
    assert [(speed.name, speed.value) for speed in RgmiiSpeed] == [
        ("MBPS_10", 0),
        ("MBPS_100", 1),
        ("MBPS_1000", 2),
        ("RESERVED", 3),
    ]
