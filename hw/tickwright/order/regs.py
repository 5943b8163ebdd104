"""Registers of the order session."""

from tickwright.core.regs import Block, Control, Counter, Status, Strobe

__all__ = ["OrderRegs"]


class OrderRegs(Block):
    """The TCP session to the venue, as the host hands it over once it is logged in.

    Set addresses, ports and start values first, then raise ``open``; leave them alone while it is
    up. Names are loaded before the first order: `name_symbol` and `name`, then `set_name`.
    """

    open = Control(1, "The session is the card's; its rise takes the start values. While 0, the "
                      "gate lets no order pass, but answers are still taken.")

    local_mac     = Control(48, "Ethernet address of the card, the first byte most significant.")
    peer_mac      = Control(48, "Ethernet address of the next station towards the venue.")
    local_address = Control(32, "IPv4 address of the card.")
    peer_address  = Control(32, "IPv4 address of the venue.")
    local_port    = Control(16, "TCP port of the card.")
    peer_port     = Control(16, "TCP port of the venue.")

    start_seq      = Control(32, "Number of the next byte to send.", unit="bytes")
    start_ack      = Control(32, "Number of the next byte to receive.", unit="bytes")
    start_window   = Control(16, "What the venue takes, until its first segment says so.",
                             unit="bytes")
    window         = Control(16, "What the card says that it takes; no scaling.", unit="bytes")
    ack_timeout_ns = Control(48, "Age of an unacknowledged byte at which the gate stops orders.",
                             unit="ns")

    name_symbol = Control(16, "Symbol that the next name is for.")
    name        = Control(64, "Name of the symbol at the venue, padded with spaces; the first "
                              "character in the low byte.")
    set_name    = Strobe("Take the name for the symbol.")

    seq           = Status(32, "Number of the next byte to send.", unit="bytes")
    ack           = Status(32, "Number of the next byte to receive.", unit="bytes")
    acknowledged  = Status(32, "Number of the first byte the venue has not acknowledged.",
                           unit="bytes")
    peer_window   = Status(16, "What the venue takes, beyond the acknowledged.", unit="bytes")
    session_ok    = Status(1, "The gate may let orders pass, as far as the session goes.")
    ended         = Status(1, "The venue ended or reset the connection since `open` rose.")
    receive_fault = Status(1, "The venue sent what the card cannot take, or answers came faster "
                              "than the ledger took them; stays until the card is reset.")

    orders           = Counter("Orders sent.", unit="orders")
    segments         = Counter("Segments taken.", unit="segments")
    rx_other         = Counter("Frames that are not of the session.", unit="frames")
    rx_bad_checksum  = Counter("Segments of the session with a wrong checksum.", unit="segments")
    rx_duplicates    = Counter("Segments from before the next byte expected.", unit="segments")
    rx_gaps          = Counter("Segments from behind it; the venue sends them again.",
                               unit="segments")
    rx_long          = Counter("Segments in sequence too long for the card: a receive fault.",
                               unit="segments")
    rx_bad_frames    = Counter("Frames with a bad verdict.", unit="frames")
    responses        = Counter("Messages on orders, passed to the ledger.", unit="messages")
    ignored_messages = Counter("Messages that concern no order.", unit="messages")
    unhandled        = Counter("Messages on orders that the ledger cannot handle.", unit="messages")
