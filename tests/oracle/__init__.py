"""Oracles: what the card should do, as slowly and plainly as the specification says it.

Written from ``docs/specification.md`` alone: the third view of every fact, beside the gateware and
the model. Nothing here is fast, shared with either, or clever.
"""
