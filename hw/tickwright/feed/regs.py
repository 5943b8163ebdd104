"""Registers of the feed stage."""

from tickwright.core.regs import Block, Control, Counter, Status, Strobe

__all__ = ["FeedRegs"]


class FeedRegs(Block):
    """What is listened to and watched, how long lost messages are waited for, and what came.

    Counts of 32 bits stop at their maximum. A frame that is not taken is counted once, under the
    first reason in the order of the registers from ``ignored`` to ``runts``.
    """

    enable = Control(1, "Frames are taken while this is 1; takes effect between frames.")
    ready  = Status(1, "The tables are cleared: names and locates may be written, frames taken.")

    line_a_destination = Control(32, "IPv4 address that the datagrams of line A are sent to.")
    line_a_port        = Control(16, "UDP port that the datagrams of line A are sent to.")
    line_b_destination = Control(32, "IPv4 address that the datagrams of line B are sent to.")
    line_b_port        = Control(16, "UDP port that the datagrams of line B are sent to.")
    start_sequence     = Control(64, "Sequence of the first message expected; taken when `enable` "
                                     "rises for the first time after reset.", reset=1)
    hold_ns            = Control(48, "Card time that a gap stays open before it is declared.",
                                 unit="ns")
    max_age_ns         = Control(48, "Card time without a datagram of the session after which the "
                                     "feed is not good for trading.", unit="ns")

    locate        = Control(16, "Locate of the entry of the map to be set.")
    locate_symbol = Control(16, "Symbol that this locate is mapped to, or freed from.")
    locate_valid  = Control(1, "The locate is mapped; 0 frees it and the symbol.")
    set_locate    = Strobe("Set the entry of the map: what the locate and the symbol were mapped "
                           "to before is freed. Ignored if the card lacks the symbol.")
    name          = Control(64, "Name of a watched symbol, padded with spaces; its first character "
                                "in the low byte.")
    name_symbol   = Control(16, "Symbol that bears this name.")
    set_name      = Strobe("Watch for this name in directory messages, in place of the one that "
                           "the symbol bore; another symbol that bore it has none then.")
    names_full    = Status(1, "A name could not be kept since reset: no such symbol, it came while "
                              "the one before was being kept, or no room for it, which a card of "
                              "up to 32 symbols always has.")

    frames       = Counter("Frames received.", unit="frames")
    ignored      = Counter("Frames not taken: the stage was not enabled.", unit="frames")
    not_ipv4     = Counter("Frames not taken: other EtherType.", unit="frames")
    ip_options   = Counter("Frames not taken: not version 4 with a header of 20 bytes.",
                           unit="frames")
    bad_checksum = Counter("Frames not taken: wrong IPv4 header checksum.", unit="frames")
    fragments    = Counter("Frames not taken: part of a fragmented datagram.", unit="frames")
    not_udp      = Counter("Frames not taken: other protocol.", unit="frames")
    other_line   = Counter("Frames not taken: address and port are of neither line.", unit="frames")
    runts        = Counter("Frames not taken: too short for their headers.", unit="frames")

    other_session = Counter("Datagrams dropped: of another session.", unit="datagrams")
    ends          = Counter("Datagrams that ended the session.", unit="datagrams")
    heartbeats    = Counter("Datagrams that carried no message.", unit="datagrams")
    trailing      = Counter("Datagrams with bytes behind their last message.", unit="datagrams")
    faults        = Counter("Datagrams whose framing could not be followed to the end.",
                            unit="datagrams")
    bad_frames    = Counter("Frames found bad at their end.", unit="frames")
    messages_a    = Counter("Messages received on line A.", unit="messages")
    messages_b    = Counter("Messages received on line B.", unit="messages")

    duplicates       = Counter("Messages dropped: delivered, declared lost or held before.",
                               unit="messages")
    hold_overflow    = Counter("Messages dropped: too far ahead to be held.", unit="messages")
    skipped_messages = Counter("Messages delivered without effect: type or length unknown.",
                               unit="messages")
    gaps             = Counter("Gaps declared.", unit="gaps")
    lost             = Status(64, "Messages declared lost.", unit="messages")
    delivered        = Status(64, "Messages delivered.", unit="messages")

    session_low  = Status(40, "Session, characters 0 to 4; its first character in the low byte.")
    session_high = Status(40, "Session, characters 5 to 9; its sixth character in the low byte.")
