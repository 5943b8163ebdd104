"""Messages of the market data feed: MoldUDP64 and TotalView-ITCH 5.0.

Sources: Nasdaq, "MoldUDP64 Protocol Specification", V 1.00: downstream packet, request packet;
Nasdaq, "Nasdaq TotalView-ITCH 5.0", chapter "Message Formats" (numbered 4.x in 2020, 1.x in 2023):
system event, stock related, add order, modify order, trade, net order imbalance, retail price
improvement and direct listing with capital raise messages. Timestamps are nanoseconds since
midnight.
"""

from tickwright.core.wire import Alpha, Length, Message, Price, Rest, UInt

__all__ = [
    "ITCH_BY_TYPE", "ITCH_SIZES", "MOLD_END_OF_SESSION", "MOLD_HEARTBEAT",
    "AddOrder", "AddOrderAttributed", "AuctionCollar", "BrokenTrade", "CapitalRaise", "CrossTrade",
    "DeclineLevels", "DeclineStatus", "IpoQuoting", "ItchMessage", "MoldUdp64Block",
    "MoldUdp64Header", "MoldUdp64Request", "NetImbalance", "OperationalHalt", "OrderCancel",
    "OrderDelete", "OrderExecuted", "OrderExecutedPrice", "OrderReplace", "ParticipantPosition",
    "RetailInterest", "ShortSaleRestriction", "StockDirectory", "SystemEvent", "Trade",
    "TradingAction",
]

MOLD_HEARTBEAT = 0
MOLD_END_OF_SESSION = 0xFFFF

# Prices of the market-wide circuit breaker carry eight decimals, not four.
PRICE_8_UNIT = "1/100000000 $"


class MoldUdp64Header(Message):
    """The start of every downstream packet; as many message blocks as it counts follow it."""

    session  = Alpha(10, "Session the messages belong to.")
    sequence = UInt(8, "Sequence number of the first message, or of the next one if there is none.")
    count    = UInt(2, "Messages in the packet; 0 is a heartbeat, 0xFFFF the end of the session.",
                    unit="messages")


class MoldUdp64Request(Message):
    """A request for retransmission, sent to the re-request server."""

    session  = Alpha(10, "Session the messages belong to.")
    sequence = UInt(8, "Sequence number of the first message wanted.")
    count    = UInt(2, "Messages wanted.", unit="messages")


class MoldUdp64Block(Message):
    """One message within a packet; a BinaryFILE is a sequence of these."""

    length  = Length(2, "Length of the message.")
    message = Rest("The message.")


class ItchMessage(Message):
    """What every ITCH message begins with."""

    type         = Alpha(1, "Kind of message.")
    locate       = UInt(2, "Number of the stock, valid for the day; 0 concerns no one stock.")
    tracking     = UInt(2, "Nasdaq's internal tracking number.")
    timestamp_ns = UInt(6, "Time of the event since midnight.", unit="ns")


class SystemEvent(ItchMessage, type="S"):
    """A moment of the day that concerns every stock."""

    event = Alpha(1, "O messages start, S system hours start, Q market hours start, M market "
                     "hours end, E system hours end, C messages end.")


class StockDirectory(ItchMessage, type="R"):
    """A stock of the day, its locate number and its properties."""

    stock                = Alpha(8, "Symbol.")
    market_category      = Alpha(1, "Listing market: Q G S are tiers of Nasdaq, N A P Z V others.")
    financial_status     = Alpha(1, "Compliance of the issuer with listing rules; N is normal.")
    round_lot            = UInt(4, "Size of a round lot.", unit="shares")
    round_lots_only      = Alpha(1, "Y if only round lots are accepted.")
    classification       = Alpha(1, "Class of security.")
    subtype              = Alpha(2, "Subclass of security.")
    authenticity         = Alpha(1, "P live, T test.")
    short_sale_threshold = Alpha(1, "Y if short sales are restricted under rule 203(b)(3).")
    ipo                  = Alpha(1, "Y if set up for release as an initial public offering.")
    luld_tier            = Alpha(1, "Tier, 1 or 2, of the limit-up limit-down reference price.")
    etp                  = Alpha(1, "Y if an exchange-traded product.")
    etp_leverage         = UInt(4, "Leverage of the product to its underlying.")
    inverse              = Alpha(1, "Y if the product moves against its underlying.")


class TradingAction(ItchMessage, type="H"):
    """The trading state of a stock has changed."""

    stock    = Alpha(8, "Symbol.")
    state    = Alpha(1, "H halted, P paused, Q quotation only, T trading.")
    reserved = Alpha(1, "Reserved.")
    reason   = Alpha(4, "Reason of the state.")


class ShortSaleRestriction(ItchMessage, type="Y"):
    """The short sale price test of Regulation SHO begins or ends for a stock."""

    stock  = Alpha(8, "Symbol.")
    action = Alpha(1, "0 no test, 1 restricted by an intraday drop, 2 restriction remains.")


class ParticipantPosition(ItchMessage, type="L"):
    """The standing of a market participant in a stock."""

    participant    = Alpha(4, "Market participant.")
    stock          = Alpha(8, "Symbol.")
    primary        = Alpha(1, "Y if a primary market maker.")
    mode           = Alpha(1, "N normal, P passive, S syndicate, R pre-syndicate, L penalty.")
    standing       = Alpha(1, "A active, E excused, W withdrawn, S suspended, D deleted.")


class DeclineLevels(ItchMessage, type="V"):
    """The index levels of the market-wide circuit breaker for the day."""

    level_1 = Price(8, "Level 1.", unit=PRICE_8_UNIT)
    level_2 = Price(8, "Level 2.", unit=PRICE_8_UNIT)
    level_3 = Price(8, "Level 3.", unit=PRICE_8_UNIT)


class DeclineStatus(ItchMessage, type="W"):
    """A level of the market-wide circuit breaker has been breached."""

    level = Alpha(1, "Level breached: 1, 2 or 3.")


class IpoQuoting(ItchMessage, type="K"):
    """When quotation of an initial public offering is expected, or that it is called off."""

    stock     = Alpha(8, "Symbol.")
    release_s = UInt(4, "Time of release since midnight.", unit="s")
    qualifier = Alpha(1, "A anticipated, C cancelled or postponed.")
    price     = Price(4, "Price of the offering.")


class AuctionCollar(ItchMessage, type="J"):
    """The prices between which a reopening auction may match."""

    stock     = Alpha(8, "Symbol.")
    reference = Price(4, "Reference price of the collar.")
    upper     = Price(4, "Upper bound.")
    lower     = Price(4, "Lower bound.")
    extension = UInt(4, "How many times the auction has been extended.")


class OperationalHalt(ItchMessage, type="h"):
    """One market has halted or resumed a stock for reasons of its own operation."""

    stock  = Alpha(8, "Symbol.")
    market = Alpha(1, "Q Nasdaq, B BX, X PSX.")
    action = Alpha(1, "H halted, T resumed.")


class AddOrder(ItchMessage, type="A"):
    """An order has joined the book."""

    reference = UInt(8, "Reference number of the order, unique for the day.")
    side      = Alpha(1, "B buy, S sell.")
    shares    = UInt(4, "Displayed quantity.", unit="shares")
    stock     = Alpha(8, "Symbol.")
    price     = Price(4, "Display price.")


class AddOrderAttributed(ItchMessage, type="F"):
    """An order has joined the book under the name of a market participant."""

    reference   = UInt(8, "Reference number of the order, unique for the day.")
    side        = Alpha(1, "B buy, S sell.")
    shares      = UInt(4, "Displayed quantity.", unit="shares")
    stock       = Alpha(8, "Symbol.")
    price       = Price(4, "Display price.")
    attribution = Alpha(4, "Market participant.")


class OrderExecuted(ItchMessage, type="E"):
    """An order has been executed, in part or in whole, at its display price."""

    reference = UInt(8, "Reference number of the order.")
    shares    = UInt(4, "Quantity executed.", unit="shares")
    match     = UInt(8, "Match number, unique for the day.")


class OrderExecutedPrice(ItchMessage, type="C"):
    """An order has been executed at another price than it displays, which it keeps."""

    reference = UInt(8, "Reference number of the order.")
    shares    = UInt(4, "Quantity executed.", unit="shares")
    match     = UInt(8, "Match number, unique for the day.")
    printable = Alpha(1, "N if the trade is reported otherwise, as in a cross; else Y.")
    price     = Price(4, "Price of the execution.")


class OrderCancel(ItchMessage, type="X"):
    """An order has been reduced."""

    reference = UInt(8, "Reference number of the order.")
    shares    = UInt(4, "Quantity taken off the order.", unit="shares")


class OrderDelete(ItchMessage, type="D"):
    """An order has left the book."""

    reference = UInt(8, "Reference number of the order.")


class OrderReplace(ItchMessage, type="U"):
    """An order has been replaced by another of the same side and stock."""

    reference     = UInt(8, "Reference number of the order that leaves.")
    new_reference = UInt(8, "Reference number of the order that joins.")
    shares        = UInt(4, "Displayed quantity of the order that joins.", unit="shares")
    price         = Price(4, "Display price of the order that joins.")


class Trade(ItchMessage, type="P"):
    """A trade against an order that was not displayed; the book does not change."""

    reference = UInt(8, "Zero, or the reference number of the order.")
    side      = Alpha(1, "Side of the order: B buy, S sell; B since July 2014 whatever the side.")
    shares    = UInt(4, "Quantity matched.", unit="shares")
    stock     = Alpha(8, "Symbol.")
    price     = Price(4, "Price of the match.")
    match     = UInt(8, "Match number, unique for the day.")


class CrossTrade(ItchMessage, type="Q"):
    """A cross has been completed."""

    shares     = UInt(8, "Quantity matched in the cross.", unit="shares")
    stock      = Alpha(8, "Symbol.")
    price      = Price(4, "Price of the cross.")
    match      = UInt(8, "Match number, unique for the day.")
    cross_type = Alpha(1, "O opening, C closing, H initial public offering or halted, I intraday.")


class BrokenTrade(ItchMessage, type="B"):
    """An execution has been broken."""

    match = UInt(8, "Match number of the execution.")


class NetImbalance(ItchMessage, type="I"):
    """The interest in a coming cross."""

    paired            = UInt(8, "Quantity that would match at the reference price.", unit="shares")
    imbalance         = UInt(8, "Quantity that would remain unmatched.", unit="shares")
    direction         = Alpha(1, "B buy, S sell, N none, O insufficient orders, P paused.")
    stock             = Alpha(8, "Symbol.")
    far               = Price(4, "Price at which the orders of the cross alone would match.")
    near              = Price(4, "Price at which they and the continuous book would match.")
    reference_price   = Price(4, "Price the quantities are computed at.")
    cross_type        = Alpha(1, "O opening, C closing, H initial public offering or halted, "
                                 "A extended trading close.")
    variation         = Alpha(1, "Deviation of the near price from the reference, as a class.")


class RetailInterest(ItchMessage, type="N"):
    """Whether retail price improving orders are available."""

    stock    = Alpha(8, "Symbol.")
    interest = Alpha(1, "B on the buy side, S on the sell side, A on both, N on none.")


class CapitalRaise(ItchMessage, type="O"):
    """The price range of a direct listing with capital raise."""

    stock             = Alpha(8, "Symbol.")
    open_eligibility  = Alpha(1, "Y if the security may be released for trading, else N.")
    lowest            = Price(4, "Lowest price allowed.")
    highest           = Price(4, "Highest price allowed.")
    near              = Price(4, "Price at which the cross would match now.")
    near_ns           = UInt(8, "Time at which that price was set.", unit="ns")
    collar_lower      = Price(4, "Lower bound of the collar.")
    collar_upper      = Price(4, "Upper bound of the collar.")


ITCH_BY_TYPE: dict[str, type[ItchMessage]] = {
    message.constants["type"]: message for message in (
        SystemEvent, StockDirectory, TradingAction, ShortSaleRestriction, ParticipantPosition,
        DeclineLevels, DeclineStatus, IpoQuoting, AuctionCollar, OperationalHalt,
        AddOrder, AddOrderAttributed, OrderExecuted, OrderExecutedPrice, OrderCancel, OrderDelete,
        OrderReplace, Trade, CrossTrade, BrokenTrade, NetImbalance, RetailInterest, CapitalRaise,
    )
}

ITCH_SIZES: dict[str, int] = {kind: message.size for kind, message in ITCH_BY_TYPE.items()}
"""Bytes of each message, by its type."""
