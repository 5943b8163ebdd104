"""The gate's checks, states and reasons to be killed, in bit order (pure: all sides read them)."""

__all__ = ["CHECKS", "KILL_REASONS", "STATES"]

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

KILL_REASONS = ("host", "watchdog", "ledger")
