"""Registers of the pairs strategy."""

from tickwright.core.regs import Block, Control, Status, Strobe

__all__ = ["PARAMETERS", "StrategyRegs"]


class StrategyRegs(Block):
    """Parameters and state of the pairs, and which pairs each symbol lists.

    Parameters and lists are a set: all of it is written to a shadow and put in force in one cycle
    by `commit`, between two quotes, once the checksum shows that the card has what the host meant.
    """

    begin        = Strobe("Clear the shadow: every pair disabled, every list empty.")
    shadow_ready = Status(1, "The shadow is cleared; until then nothing may be loaded into it.")

    pair = Control(16, "Pair that `load`, `resume` and the state below are about.", unit="index")

    enabled         = Control(1, "The pair may enter; it may always exit.")
    symbol_a        = Control(16, "First symbol of the pair.", unit="index")
    symbol_b        = Control(16, "Second symbol; not the first.", unit="index")
    hedge           = Control(24, "Hedge ratio, two's complement, above 0.",
                              unit="2^-16 dollars of A per dollar of B")
    mean            = Control(48, "Mean of the spread, two's complement.",
                              unit="2^-16/20000 dollar")
    entry_deviation = Control(31, "Least deviation, either way, that enters.",
                              unit="2^-8/20000 dollar")
    exit_deviation  = Control(31, "Greatest deviation that has reverted; at most "
                                  "`entry_deviation`.", unit="2^-8/20000 dollar")
    stop_deviation  = Control(31, "Least deviation that stops the pair; above `entry_deviation`.",
                              unit="2^-8/20000 dollar")
    min_edge        = Control(48, "Least executable edge per share of A that enters, fees "
                                  "included; two's complement.", unit="2^-16/20000 dollar")
    shares_a        = Control(20, "Shares of A of an entry, 1 to 999,999.", unit="shares")
    shares_b        = Control(20, "Shares of B of an entry, 1 to 999,999.", unit="shares")
    max_spread_a    = Control(32, "Widest touch of A that enters.", unit="1/10000 dollar")
    max_spread_b    = Control(32, "Widest touch of B that enters.", unit="1/10000 dollar")
    aggression_a    = Control(24, "How far beyond the touch of A its limit price lies.",
                              unit="1/10000 dollar")
    aggression_b    = Control(24, "How far beyond the touch of B its limit price lies.",
                              unit="1/10000 dollar")
    retry_ns        = Control(40, "Feed time from one intent of the pair to the next.", unit="ns")

    load = Strobe("Write all parameters above to the shadow, for `pair`.")

    list_symbol   = Control(16, "Symbol whose list `set_list` changes.", unit="index")
    list_position = Control(8, "Place in the list; pairs ascend along it.", unit="index")
    list_pair     = Control(16, "Pair to list there.", unit="index")
    list_valid    = Control(1, "Whether the place is used.")

    set_list = Strobe("Change one place of a list in the shadow.")

    epoch    = Control(16, "Number of the set, at `commit`; carried by every intent made under it.")
    checksum = Control(32, "CRC-32 of the set, at `commit`.")

    commit = Strobe("Check the set in the shadow and put it in force, between two quotes; refused "
                    "unless its checksum is `checksum`. The states of pairs stay.")

    committing      = Status(1, "A set is being checked, or waits for its place between two "
                                "quotes; until then nothing may be loaded.")
    active_epoch    = Status(16, "Number of the set in force.")
    active_checksum = Status(32, "CRC-32 of the set in force; 0 if there was none since reset.")
    commits         = Status(32, "Sets put in force.", unit="sets")
    refused_commits = Status(16, "Sets refused: too early, or of another checksum.", unit="sets")

    flatten    = Control(1, "No pair enters, and each that holds exits at its next evaluation; "
                            "from the next quote on.")
    flattening = Status(1, "`flatten` is in force.")

    ready               = Status(1, "The tables are cleared; until then nothing may be loaded.")
    refused_writes      = Status(16, "Uses of `begin`, `load` or `set_list` that were refused: too "
                                     "early, during a commit, an index out of range, or a pair of "
                                     "one symbol.", unit="writes")
    evaluations         = Status(32, "Evaluations of a pair.", unit="evaluations")
    evaluations_dropped = Status(32, "Evaluations left out because too many quotes waited.",
                                 unit="evaluations")
    intents             = Status(32, "Intents made.", unit="intents")

    phase   = Status(2, "Phase of `pair`: 0 flat, 1 pending, 2 holding.")
    held_a  = Status(24, "Shares of A that `pair` holds, two's complement.", unit="shares")
    held_b  = Status(24, "Shares of B that `pair` holds, two's complement.", unit="shares")
    stopped = Status(1, "Whether `pair` was stopped and may not enter.")

    resume = Strobe("Let `pair` enter again after a stop.")


PARAMETERS = ("enabled", "symbol_a", "symbol_b", "hedge", "mean", "entry_deviation",
              "exit_deviation", "stop_deviation", "min_edge", "shares_a", "shares_b",
              "max_spread_a", "max_spread_b", "aggression_a", "aggression_b", "retry_ns")
"""Names of the registers that make the parameters of a pair."""
