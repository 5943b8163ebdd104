"""The far end of an order session, built of scapy's own layers: an independent view of TCP.

scapy computes the checksums and lengths of what it builds; those of what it takes are computed
anew and compared.
"""

from __future__ import annotations

from dataclasses import dataclass

from scapy.layers.inet import IP, TCP
from scapy.layers.l2 import Ether

from tickwright.order.messages import EnterOrder, UnsequencedData

__all__ = ["TcpPeer"]

MODULUS = 1 << 32


@dataclass
class TcpPeer:
    """A peer that keeps count of what it has sent and received."""

    local_mac: str = "02:00:00:00:00:11"  # the card's
    peer_mac: str = "02:00:00:00:00:22"
    local_address: str = "10.1.2.3"
    peer_address: str = "10.9.8.7"
    local_port: int = 40_001
    peer_port: int = 9_000
    seq: int = 0xFFFF_FFF0  # of the peer's next byte
    ack: int = 0xFFFF_FF80  # of the card's next byte
    window: int = 0xFFFF  # what the peer says that it takes
    card_window: int = 0x1234  # what the card says

    def registers(self) -> dict[str, int]:
        """Return the session as the card's registers take it."""
        macs = {
            name: int(getattr(self, name).replace(":", ""), 16)
            for name in ("local_mac", "peer_mac")
        }
        addresses = {
            name: int.from_bytes(bytes(map(int, getattr(self, name).split("."))), "big")
            for name in ("local_address", "peer_address")
        }
        return (
            macs
            | addresses
            | {
                "local_port": self.local_port,
                "peer_port": self.peer_port,
                "start_seq": self.ack,
                "start_ack": self.seq,
                "start_window": self.window,
                "window": self.card_window,
            }
        )

    def segment(
        self,
        payload: bytes = b"",
        *,
        offset: int = 0,
        padding: bytes | None = None,
        ether: dict | None = None,
        ip: dict | None = None,
        **tcp,
    ) -> bytes:
        """Return a frame to the card, ``offset`` bytes after the next one; nothing is counted.

        The other arguments replace fields of its layers. Without ``padding`` a short frame is
        padded to 60 bytes, with bytes that are not zero.
        """
        fields = {
            "sport": self.peer_port,
            "dport": self.local_port,
            "seq": (self.seq + offset) % MODULUS,
            "ack": self.ack,
            "flags": "PA",
            "window": self.window,
        } | tcp
        fields["ack"] %= MODULUS
        frame = bytes(
            Ether(**{"src": self.peer_mac, "dst": self.local_mac} | (ether or {}))
            / IP(**{"src": self.peer_address, "dst": self.local_address, "ttl": 64} | (ip or {}))
            / TCP(**fields)
            / payload
        )
        return frame + (b"\xa5" * (60 - len(frame)) if padding is None else padding)

    def sent(self, payload: bytes) -> bytes:
        """Return the frame with the next bytes, and count them."""
        frame = self.segment(payload)
        self.seq = (self.seq + len(payload)) % MODULUS
        return frame

    def take(self, frame: bytes) -> EnterOrder:
        """Take a frame of the card; raise AssertionError unless it is all right and in sequence."""
        ether = Ether(frame)
        ip, tcp = ether[IP], ether[TCP]
        assert (ether.dst, ether.src) == (self.peer_mac, self.local_mac)
        assert (ip.dst, ip.src) == (self.peer_address, self.local_address)
        assert (ip.version, ip.ihl, ip.tos, ip.id, ip.ttl) == (4, 5, 0, 0, 64)
        assert (str(ip.flags), ip.frag, ip.options) == ("DF", 0, [])
        assert ip.len == len(frame) - 14
        assert (tcp.dport, tcp.sport) == (self.peer_port, self.local_port)
        assert (tcp.seq, tcp.ack, tcp.window) == (self.ack, self.seq, self.card_window)
        assert (str(tcp.flags), tcp.dataofs, tcp.reserved, tcp.urgptr) == ("PA", 5, 0, 0)
        for layer in (IP, TCP):
            found = ether[layer].chksum
            again = Ether(frame)
            del again[layer].chksum
            assert Ether(bytes(again))[layer].chksum == found, f"checksum of {layer.__name__}"
        payload = bytes(tcp.payload)
        self.ack = (self.ack + len(payload)) % MODULUS
        return EnterOrder.unpack(UnsequencedData.unpack(payload).payload)
