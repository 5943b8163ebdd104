"""The checks of the gate and its states, in bit order (pure: the host and the model read them)."""

__all__ = ["CHECKS", "STATES"]

CHECKS = (
    "killed",
    "close_only",
    "trust",
    "halted",
    "shares",
    "notional",
    "collar",
    "position",
    "feed",
    "session",
    "slots",
    "price",
    "ledger",
)

STATES = ("killed", "close_only", "armed")
