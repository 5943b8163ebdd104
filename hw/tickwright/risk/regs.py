"""Registers of the gate, its limits and its ledger."""

from tickwright.core.regs import Block, Control, Counter, Status, Strobe

__all__ = ["SYMBOL_LIMITS", "RiskRegs"]


class RiskRegs(Block):
    """Limits every outgoing order must respect, the state of the gate, and the ledger.

    A limit of 0 refuses everything. Limits are a set: all symbols and the limits of all, written to
    a shadow and put in force in one cycle by `commit`, once the checksum shows that the card has
    what the host meant. While the gate is not killed a set only tightens.
    """

    begin_limits = Strobe("Clear the shadow: limits of 0 for every symbol.")
    shadow_ready = Status(1, "The shadow is cleared; until then nothing may be loaded into it.")

    symbol = Control(16, "Symbol that `load_limits`, `load_position` and the readback below are "
                         "about.", unit="index")

    symbol_max_shares   = Control(32, "Most shares of one order of the symbol.", unit="shares")
    symbol_max_notional = Control(64, "Most that one order of the symbol may cost.",
                                  unit="1/10000 dollar")
    symbol_max_position = Control(31, "Most shares of the symbol, long or short, that may be held "
                                      "whatever becomes of the open orders.", unit="shares")
    symbol_collar       = Control(32, "How far beyond the opposite best a price may lie.",
                                  unit="1/10000 dollar")

    load_limits = Strobe("Write the limits above to the shadow, for `symbol`.")

    symbol_position = Control(32, "Position of the symbol, two's complement.", unit="shares")

    load_position = Strobe("Take the position above for `symbol`, while killed with no order open; "
                           "the confirmation of positions lapses.")

    max_shares          = Control(32, "Most shares of one order of any symbol, at `commit`.",
                                  unit="shares")
    max_notional        = Control(64, "Most that one order of any symbol may cost, at `commit`.",
                                  unit="1/10000 dollar")
    limits_epoch        = Control(16, "Number of the set of limits, at `commit`.")
    limits_checksum     = Control(32, "CRC-32 of the set of limits, at `commit`.")
    positions_confirmed = Control(1, "The positions on the card are right, at a `commit` while "
                                     "killed; 0 says nothing of them.")
    first_user_ref      = Control(32, "User reference of the next order, at a `commit` while "
                                      "killed, if no order is open when the set comes in force; "
                                      "references never go back.", reset=1)

    commit = Strobe("Check the set and put it in force: as written while killed, else each limit "
                    "only where it is lower; refused unless its checksum is `limits_checksum`.")

    committing             = Status(1, "A set is being checked; until then no set, no position "
                                       "and no request to arm is taken.")
    active_limits_epoch    = Status(16, "Number of the set of limits in force.")
    active_limits_checksum = Status(32, "CRC-32 of the set of limits in force; 0 if there was none "
                                        "since reset.")
    limit_commits          = Status(32, "Sets of limits put in force.", unit="sets")
    refused_commits        = Status(16, "Sets of limits refused: too early, or of another "
                                        "checksum.", unit="sets")

    watchdog_ns = Control(48, "How long the gate may go without `feed_watchdog`; taken only while "
                              "killed, and then a feed is due. 0: nothing is armed.", unit="ns")

    feed_watchdog = Strobe("Let the time of the watchdog begin anew.")

    arm_as = Control(2, "State that `arm` asks for: 1 close-only, 2 armed.")

    arm = Strobe("Raise the state; refused unless killed, tables cleared, no order open, no ledger "
                 "fault, a set of limits in force and none being checked, the watchdog fed, and "
                 "positions confirmed by a `commit` since the kill.")
    close_only = Strobe("Lower armed to close-only at once; nothing else changes.")
    kill       = Strobe("Stop every order at once.")

    state          = Status(2, "State of the gate: 0 killed, 1 close-only, 2 armed.")
    kill_reasons   = Status(3, "What has killed the gate since it was last armed: bit 0 host, "
                               "1 watchdog, 2 ledger.")
    killed_at_ns   = Status(64, "Card time when the gate was last killed; 0 if it never was armed.",
                            unit="ns")
    confirmed      = Status(1, "Positions are confirmed, and nothing was loaded, armed or killed "
                               "since.")
    watchdog_expired = Status(1, "The watchdog has run out, or was not fed since its time was set.")
    ready          = Status(1, "The tables of the card are cleared.")
    open_orders    = Status(16, "Orders that may still trade.", unit="orders")
    next_user_ref  = Status(32, "User reference that the next order takes.")
    ledger_fault   = Status(1, "A response did not fit the ledger; until reset nothing is armed.")
    refused_writes = Status(16, "Uses of `begin_limits`, `load_limits` or `load_position` that "
                                "were refused.", unit="writes")
    refused_arms   = Status(16, "Uses of `arm` that were refused.", unit="requests")

    sent    = Counter("Orders handed to the transmitter.", unit="orders")
    refused = Counter("Intents refused.", unit="intents")

    refused_killed     = Counter("Intents the check `killed` refused.", unit="intents")
    refused_close_only = Counter("Intents the check `close_only` refused.", unit="intents")
    refused_trust      = Counter("Intents the check `trust` refused.", unit="intents")
    refused_halted     = Counter("Intents the check `halted` refused.", unit="intents")
    refused_shares     = Counter("Intents the check `shares` refused.", unit="intents")
    refused_notional   = Counter("Intents the check `notional` refused.", unit="intents")
    refused_collar     = Counter("Intents the check `collar` refused.", unit="intents")
    refused_position   = Counter("Intents the check `position` refused.", unit="intents")
    refused_feed       = Counter("Intents the check `feed` refused.", unit="intents")
    refused_session    = Counter("Intents the check `session` refused.", unit="intents")
    refused_slots      = Counter("Intents the check `slots` refused.", unit="intents")
    refused_price      = Counter("Intents the check `price` refused.", unit="intents")
    refused_ledger     = Counter("Intents the check `ledger` refused.", unit="intents")

    position    = Status(32, "Position of `symbol`, two's complement.", unit="shares")
    worst_long  = Status(33, "Position of `symbol` were all its open buys filled, two's "
                             "complement.", unit="shares")
    worst_short = Status(33, "Short position of `symbol` were all its open sells filled, two's "
                             "complement.", unit="shares")


SYMBOL_LIMITS = ("max_shares", "max_notional", "max_position", "collar")
"""Names of the limits of a symbol; their registers say `symbol_` before it."""
