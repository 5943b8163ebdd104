"""Why a symbol may not be trusted, in bit order (pure: the host and the model read it too)."""

__all__ = ["REASONS", "STICKY", "WINDOW"]

REASONS = (
    "gap",
    "fault",
    "overflow",
    "unknown_reference",
    "duplicate_reference",
    "quantity",
    "price",
    "capacity",
    "directory",
    "mismatch",
    "configured",
    "window",
)

WINDOW = 1 << REASONS.index("window")
"""The one live reason: it comes and goes with the touch."""

STICKY = (1 << len(REASONS)) - 1 & ~WINDOW
"""The reasons that stay until recovery or reset."""
