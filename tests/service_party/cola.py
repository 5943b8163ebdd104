"""A desk of one pair that trades at two standard deviations, and limits that let it."""

from __future__ import annotations

__all__ = ["LIMITS", "PAIR"]

PAIR = """\
[[pair]]
name = "cola"
a = "KO"
b = "PEP"
hedge_ratio = "1"
mean_usd = "0"
sigma_usd = "0.01"
shares_a = 100
entry_z = "2"
exit_z = "1"
stop_z = "100"
min_edge_usd = "0"
aggression_ticks = 0
"""

LIMITS = """\
state = "armed"
max_shares = 1000
max_notional_usd = "100000"
[defaults]
max_shares = 1000
max_notional_usd = "100000"
max_position = 1000
collar_usd = "0.50"
"""
