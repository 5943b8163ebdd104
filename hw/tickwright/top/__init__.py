"""The whole card: sizes, addresses, and the one place that knows two stages at once."""
