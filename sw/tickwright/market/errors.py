"""What is wrong with a file of market data, in one line."""

__all__ = ["MarketError"]


class MarketError(ValueError):
    """A file or a request that cannot be used: what, where, found, expected."""
