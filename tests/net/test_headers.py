"""Network headers agree with scapy's own layers, and the checksum with published examples."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP
from scapy.layers.l2 import Dot1Q, Ether
from scapy.packet import Raw

from tickwright.net.headers import (
    PROTOCOL_TCP,
    PROTOCOL_UDP,
    Ethernet,
    Ipv4,
    Tcp,
    Udp,
    VlanTag,
    internet_checksum,
    transport_checksum,
)

ADDRESSES = st.integers(0, (1 << 32) - 1)


@pytest.mark.parametrize(
    ("header", "size"), [(Ethernet, 14), (VlanTag, 4), (Ipv4, 20), (Udp, 8), (Tcp, 20)]
)
def test_size_is_that_of_the_standard(header, size):
    assert header.size == size


@pytest.mark.parametrize(
    ("data", "checksum"),
    [
        # RFC 1071, section 3: the words 0001 f203 f4f5 f6f7 sum to ddf2.
        pytest.param("0001f203f4f5f6f7", 0xDDF2 ^ 0xFFFF, id="rfc-1071"),
        pytest.param("", 0xFFFF, id="nothing"),
        pytest.param("01", 0x0100 ^ 0xFFFF, id="odd-byte-is-the-high-half"),
        pytest.param("ffff0001", 0x0001 ^ 0xFFFF, id="end-around-carry"),
        pytest.param("ffff" * 3, 0, id="all-ones"),
    ],
)
def test_internet_checksum(data, checksum):
    assert internet_checksum(bytes.fromhex(data)) == checksum


@given(st.binary(min_size=20, max_size=20))
def test_sum_over_a_correct_header_is_zero(data):
    header = Ipv4.unpack(data).replace(checksum=0)
    right = header.replace(checksum=internet_checksum(header.pack()))
    assert internet_checksum(right.pack()) == 0


@given(ADDRESSES, ADDRESSES, st.binary(max_size=64))
def test_udp_checksum_is_that_of_scapy(source, destination, payload):
    udp = Udp(source_port=5, destination_port=26477, length=8 + len(payload))
    checksum = transport_checksum(source, destination, PROTOCOL_UDP, udp.pack() + payload)
    frame = IP(src=dotted(source), dst=dotted(destination)) / UDP(sport=5, dport=26477)
    built = IP(bytes(frame / Raw(payload)))
    assert checksum == built[UDP].chksum


@given(ADDRESSES, ADDRESSES, st.binary(max_size=64))
def test_tcp_checksum_is_that_of_scapy(source, destination, payload):
    frame = IP(src=dotted(source), dst=dotted(destination)) / TCP(sport=5, dport=9000, seq=7)
    segment = bytes(IP(bytes(frame / Raw(payload)))[TCP])
    cleared = Tcp.unpack(segment).replace(checksum=0).pack() + payload
    found = transport_checksum(source, destination, PROTOCOL_TCP, cleared)
    assert found == Tcp.unpack(segment).checksum


def test_udp_sends_all_ones_where_the_sum_is_zero():
    # Chosen so that pseudo-header and segment sum to ffff.
    segment = Udp(length=8, source_port=0xFFFF - 8 - 8 - PROTOCOL_UDP).pack()
    assert transport_checksum(0, 0, PROTOCOL_UDP, segment) == 0xFFFF
    again = Udp(length=8, source_port=0xFFFF - 8 - 8 - PROTOCOL_TCP).pack()
    assert transport_checksum(0, 0, PROTOCOL_TCP, again) == 0


def test_tagged_frame_reads_as_scapy_built_it():
    frame = bytes(
        Ether(dst="01:00:5e:36:0c:6f", src="02:00:00:00:00:01")
        / Dot1Q(prio=5, vlan=1234)
        / IP(src="10.0.0.1", dst="233.54.12.111", ttl=17, id=99, flags="DF", tos=0xB8)
        / UDP(sport=1, dport=26477)
        / Raw(b"abc")
    )
    ethernet, tag = Ethernet.unpack(frame), VlanTag.unpack(frame, offset=14)
    ipv4, udp = Ipv4.unpack(frame, offset=18), Udp.unpack(frame, offset=38)
    assert ethernet == Ethernet(
        destination=bytes.fromhex("01005e360c6f"),
        source=bytes.fromhex("020000000001"),
        ethertype=0x8100,
    )
    assert tag == VlanTag(tci=5 << 13 | 1234, ethertype=0x0800)
    assert ipv4 == Ipv4(
        version_ihl=0x45,
        dscp_ecn=0xB8,
        total_length=31,
        identification=99,
        flags_fragment=0x4000,
        ttl=17,
        protocol=PROTOCOL_UDP,
        checksum=ipv4.checksum,
        source=0x0A000001,
        destination=0xE9360C6F,
    )
    assert internet_checksum(ipv4.pack()) == 0
    assert (udp.source_port, udp.destination_port, udp.length) == (1, 26477, 11)
    assert frame == ethernet.pack() + tag.pack() + ipv4.pack() + udp.pack() + b"abc"


def test_tcp_header_reads_as_scapy_built_it():
    built = TCP(sport=1, dport=2, seq=3, ack=4, flags="PA", window=5, chksum=6, urgptr=7)
    assert Tcp.unpack(bytes(built)) == Tcp(
        source_port=1,
        destination_port=2,
        sequence=3,
        acknowledgment=4,
        offset_reserved=0x50,
        flags=0x18,
        window=5,
        checksum=6,
        urgent=7,
    )


def dotted(address: int) -> str:
    return ".".join(str(byte) for byte in address.to_bytes(4, "big"))
