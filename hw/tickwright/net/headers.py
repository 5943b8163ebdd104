"""Headers of the network layers, and their checksums.

Sources: Ethernet: IEEE Std 802.3-2018, clause 3.1.1; VLAN tag: IEEE Std 802.1Q-2018, clause 9.3
to 9.6; IPv4: RFC 791, section 3.1; UDP: RFC 768; TCP: RFC 9293, section 3.1. The checksum is that
of RFC 1071; the pseudo-header is that of RFC 9293, section 3.1, and of RFC 768. Fields narrower
than a byte share one byte here, named after its parts from the most significant bit on.
"""

from tickwright.core.wire import Message, Raw, UInt

__all__ = [
    "ETHERTYPE_IPV4", "ETHERTYPE_VLAN", "PROTOCOL_TCP", "PROTOCOL_UDP",
    "Ethernet", "Ipv4", "PseudoHeader", "Tcp", "Udp", "VlanTag",
    "internet_checksum", "transport_checksum",
]

ETHERTYPE_IPV4 = 0x0800
ETHERTYPE_VLAN = 0x8100
PROTOCOL_TCP = 6
PROTOCOL_UDP = 17


class Ethernet(Message):
    """The start of an Ethernet frame; preamble and frame check sequence are left to the MAC."""

    destination = Raw(6, "Address of the station meant to receive the frame.")
    source      = Raw(6, "Address of the sender.")
    ethertype   = UInt(2, "Protocol of what follows: 0x0800 IPv4, 0x8100 a VLAN tag.")


class VlanTag(Message):
    """What follows the ethertype 0x8100 of a tagged frame."""

    tci       = UInt(2, "Priority (3 bits), drop eligible (1 bit), VLAN identifier (12 bits).")
    ethertype = UInt(2, "Protocol of what follows the tag.")


class Ipv4(Message):
    """An IPv4 header without options."""

    version_ihl    = UInt(1, "Version (4 bits: 4), header length in 4-byte words (4 bits).")
    dscp_ecn       = UInt(1, "Differentiated services (6 bits), congestion notification (2 bits).")
    total_length   = UInt(2, "Header and payload together.", unit="bytes")
    identification = UInt(2, "Number that the fragments of a datagram share.")
    flags_fragment = UInt(2, "Flags (3 bits), fragment offset in 8-byte units (13 bits).")
    ttl            = UInt(1, "Hops left.", unit="hops")
    protocol       = UInt(1, "Protocol of the payload: 6 TCP, 17 UDP.")
    checksum       = UInt(2, "Internet checksum of the header.")
    source         = UInt(4, "Address of the sender.")
    destination    = UInt(4, "Address of the receiver.")


class Udp(Message):
    """A UDP header."""

    source_port      = UInt(2, "Port of the sender.")
    destination_port = UInt(2, "Port of the receiver.")
    length           = UInt(2, "Header and payload together.", unit="bytes")
    checksum         = UInt(2, "Checksum with the pseudo-header; 0 means none was computed.")


class Tcp(Message):
    """A TCP header without options."""

    source_port      = UInt(2, "Port of the sender.")
    destination_port = UInt(2, "Port of the receiver.")
    sequence         = UInt(4, "Number of the first payload byte.", unit="bytes")
    acknowledgment   = UInt(4, "Number of the next byte expected.", unit="bytes")
    offset_reserved  = UInt(1, "Header length in 4-byte words (4 bits), reserved (4 bits).")
    flags            = UInt(1, "CWR ECE URG ACK PSH RST SYN FIN, from the most significant bit.")
    window           = UInt(2, "Bytes the sender of this segment will accept.", unit="bytes")
    checksum         = UInt(2, "Checksum with the pseudo-header.")
    urgent           = UInt(2, "Offset of urgent data, if URG is set.", unit="bytes")


class PseudoHeader(Message):
    """What the TCP or UDP checksum covers besides the segment; it is never sent."""

    source      = UInt(4, "IPv4 address of the sender.")
    destination = UInt(4, "IPv4 address of the receiver.")
    zero        = UInt(1, "Zero.")
    protocol    = UInt(1, "6 for TCP, 17 for UDP.")
    length      = UInt(2, "Header and payload of the segment.", unit="bytes")


def internet_checksum(data: bytes) -> int:
    """Return the ones' complement of the ones' complement sum of 16-bit words (RFC 1071).

    An odd last byte counts as the high half of a word. The sum over data that includes a correct
    checksum gives 0.
    """
    padded = data if len(data) % 2 == 0 else data + b"\0"
    total = sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2))
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total ^ 0xFFFF


def transport_checksum(source: int, destination: int, protocol: int, segment: bytes) -> int:
    """Return the checksum of a TCP or UDP segment whose own checksum field holds 0.

    Addresses are IPv4 addresses as integers. UDP sends 0xFFFF where the sum is 0 (RFC 768), since
    there 0 means that none was computed.
    """
    pseudo = PseudoHeader(
        source=source, destination=destination, protocol=protocol, length=len(segment)
    )
    checksum = internet_checksum(pseudo.pack() + segment)
    return 0xFFFF if checksum == 0 and protocol == PROTOCOL_UDP else checksum
