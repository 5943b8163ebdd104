"""A service's parts without a card: a gate of a few registers, and a server in a thread."""
