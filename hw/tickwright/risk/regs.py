"""Registers of the gate, its limits and its ledger."""

from tickwright.core.regs import Block, Control, Status, Strobe

__all__ = ["SYMBOL_LIMITS", "RiskRegs"]


class RiskRegs(Block):
    """Limits every outgoing order must respect, the state of the gate, and the ledger.

    A limit of 0 refuses everything. The rows of symbols change only while the gate is killed and no
    order is open; the limits of all symbols may be tightened at any time.
    """

    symbol = Control(16, "Symbol that `load_symbol` and the readback below are about.",
                     unit="index")

    symbol_max_shares   = Control(32, "Most shares of one order of the symbol.", unit="shares")
    symbol_max_notional = Control(64, "Most that one order of the symbol may cost.",
                                  unit="1/10000 dollar")
    symbol_max_position = Control(31, "Most shares of the symbol, long or short, that may be held "
                                      "whatever becomes of the open orders.", unit="shares")
    symbol_collar       = Control(32, "How far beyond the opposite best a price may lie.",
                                  unit="1/10000 dollar")
    symbol_position     = Control(32, "Position of the symbol, two's complement.", unit="shares")

    load_symbol = Strobe("Take the limits and the position above for `symbol`; the confirmation of "
                         "positions lapses.")

    max_shares          = Control(32, "Most shares of one order of any symbol, at `commit`.",
                                  unit="shares")
    max_notional        = Control(64, "Most that one order of any symbol may cost, at `commit`.",
                                  unit="1/10000 dollar")
    positions_confirmed = Control(1, "The positions on the card are right, at `commit`.")
    first_user_ref      = Control(32, "User reference of the next order, at a `commit` while "
                                      "killed with no order open; references never go back.",
                                  reset=1)

    commit = Strobe("Put the limits of all symbols in force: as written while killed, else only "
                    "where they are lower.")

    arm_as = Control(2, "State that `arm` asks for: 1 close-only, 2 armed.")

    arm  = Strobe("Raise the state; refused unless killed, tables cleared, no order open, no "
                  "ledger fault, and positions confirmed by a `commit` since the kill.")
    kill = Strobe("Stop every order at once.")

    state          = Status(2, "State of the gate: 0 killed, 1 close-only, 2 armed.")
    ready          = Status(1, "The tables of the card are cleared.")
    open_orders    = Status(16, "Orders that may still trade.", unit="orders")
    next_user_ref  = Status(32, "User reference that the next order takes.")
    ledger_fault   = Status(1, "A response did not fit the ledger; until reset nothing is armed.")
    refused_writes = Status(16, "Uses of `load_symbol` that were refused.", unit="writes")
    refused_arms   = Status(16, "Uses of `arm` that were refused.", unit="requests")

    sent    = Status(32, "Orders handed to the transmitter.", unit="orders")
    refused = Status(32, "Intents refused.", unit="intents")

    refused_killed     = Status(32, "Intents the check `killed` refused.", unit="intents")
    refused_close_only = Status(32, "Intents the check `close_only` refused.", unit="intents")
    refused_trust      = Status(32, "Intents the check `trust` refused.", unit="intents")
    refused_halted     = Status(32, "Intents the check `halted` refused.", unit="intents")
    refused_shares     = Status(32, "Intents the check `shares` refused.", unit="intents")
    refused_notional   = Status(32, "Intents the check `notional` refused.", unit="intents")
    refused_collar     = Status(32, "Intents the check `collar` refused.", unit="intents")
    refused_position   = Status(32, "Intents the check `position` refused.", unit="intents")
    refused_feed       = Status(32, "Intents the check `feed` refused.", unit="intents")
    refused_session    = Status(32, "Intents the check `session` refused.", unit="intents")
    refused_slots      = Status(32, "Intents the check `slots` refused.", unit="intents")
    refused_price      = Status(32, "Intents the check `price` refused.", unit="intents")
    refused_ledger     = Status(32, "Intents the check `ledger` refused.", unit="intents")

    position    = Status(32, "Position of `symbol`, two's complement.", unit="shares")
    worst_long  = Status(33, "Position of `symbol` were all its open buys filled, two's "
                             "complement.", unit="shares")
    worst_short = Status(33, "Short position of `symbol` were all its open sells filled, two's "
                             "complement.", unit="shares")


SYMBOL_LIMITS = ("max_shares", "max_notional", "max_position", "collar")
"""Names of the limits of a symbol; their registers say `symbol_` before it."""
