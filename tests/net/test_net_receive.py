"""The checks of received headers agree with scapy, whatever the headers hold."""

import random

from scapy.layers.inet import IP, UDP

from tickwright.net.ipv4 import Ipv4Check
from tickwright.net.mac import PACKET_BYTES
from tickwright.net.udp import UdpCheck

LATENCY = 2


def some_headers(rng: random.Random, count: int) -> list[bytes]:
    """IPv4 and UDP headers with right checksums, many with long runs of ones or zeros."""
    headers = []
    for _ in range(count):
        address = rng.choice([0, 0xFFFFFFFF, rng.getrandbits(32)]).to_bytes(4, "big")
        source = rng.choice([0, 0xFFFFFFFF, rng.getrandbits(32)]).to_bytes(4, "big")
        packet = IP(
            src=".".join(map(str, source)),
            dst=".".join(map(str, address)),
            tos=rng.choice([0, 255]),
            id=rng.choice([0, 0xFFFF, rng.getrandbits(16)]),
            ttl=rng.choice([0, 255, 64]),
            proto=17,
        )
        headers.append(bytes(packet / UDP(sport=1, dport=rng.getrandbits(16)))[:PACKET_BYTES])
    return headers


def test_the_checksum_of_a_header_is_right_or_wrong(simulate):
    """One header a cycle; in half of them one bit has been turned."""
    rng = random.Random(6)
    dut = Ipv4Check()
    headers = [header[:20] for header in some_headers(rng, 150)]
    turned = [1 << rng.randrange(160) if index % 2 else 0 for index in range(len(headers))]

    async def receiver(ctx):
        for index in range(len(headers) + LATENCY):
            if index >= LATENCY:
                assert ctx.get(dut.bad_checksum) == bool(turned[index - LATENCY])
            if index < len(headers):
                ctx.set(dut.header, int.from_bytes(headers[index], "little") ^ turned[index])
            await ctx.tick()

    simulate(dut, receiver)


def test_every_field_that_matters_is_judged(simulate):
    rng = random.Random(7)
    dut = Ipv4Check()

    async def receiver(ctx):
        for _ in range(60):
            header = bytearray(some_headers(rng, 1)[0][:20])
            header[0] = rng.choice([0x45, 0x45, 0x46, 0x44, 0x55, 0x05])
            header[6:8] = rng.choice([0, 0x4000, 0x8000, 0x2000, 1, 0x1000]).to_bytes(2, "big")
            header[9] = rng.choice([17, 17, 6, 0x91, 16])
            read = IP(bytes(header))
            ctx.set(dut.header, int.from_bytes(header, "little"))
            await ctx.tick().repeat(LATENCY)
            assert ctx.get(dut.ip_options) == ((read.version, header[0] & 15) != (4, 5))
            assert ctx.get(dut.fragments) == bool(int(read.flags) & 1 or read.frag)
            assert ctx.get(dut.not_udp) == (header[9] != 17)

    simulate(dut, receiver)


def test_a_datagram_belongs_to_the_line_of_its_address_and_port(simulate):
    """Of two equal lines to A; an address of one with the port of the other is of neither."""
    dut = UdpCheck()
    lines = {0: (0x0A000001, 1000), 1: (0x0A000002, 1001)}

    async def receiver(ctx):
        ctx.set(dut.min_length, 28)
        for equal in (False, True):
            for line, (address, port) in lines.items():
                name = "ba"[line == 0 or equal]
                for each in ("a", "b") if equal else (name,):
                    ctx.set(getattr(dut, f"line_{each}_destination"), address)
                    ctx.set(getattr(dut, f"line_{each}_port"), port)
            for address in (0x0A000001, 0x0A000002, 0x0A000003):
                for port in (1000, 1001, 1002):
                    for length in (8, 27, 28, 1480):
                        packet = IP(dst=".".join(map(str, address.to_bytes(4, "big"))))
                        packet = bytes(packet / UDP(dport=port, len=length))
                        ctx.set(dut.packet, int.from_bytes(packet[:PACKET_BYTES], "little"))
                        await ctx.tick().repeat(LATENCY)
                        ours = {lines[1]: 0} if equal else {lines[0]: 0, lines[1]: 1}
                        assert ctx.get(dut.other_line) == ((address, port) not in ours)
                        if (address, port) in ours:
                            assert ctx.get(dut.line) == ours[address, port]
                        assert ctx.get(dut.length) == length
                        assert ctx.get(dut.runts) == (length < 28)

    simulate(dut, receiver)
