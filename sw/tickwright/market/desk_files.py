"""The desk file and the limits file that go with a synthetic session."""

from __future__ import annotations

from tickwright.market.report import Line
from tickwright.market.session import CENT, Listing, PlantedPair, SessionPlan
from tickwright.top.presets import PRESETS

__all__ = ["render_desk", "render_limits"]

SHARES_A = 100
MAX_SHARES = 1_000
MAX_POSITION = 2_000  # shares
MAX_NOTIONAL_USD = 250_000
COLLAR_CENTS = 50

DESK_HEAD = """\
# Desk file of a synthetic session (seed {seed}). Dollars are exact decimals, written as text.

[card]
preset = "{preset}"  # sizes of the card: symbols, orders, window, pairs

[feed]
line_a = "{line_a}"  # destination ADDRESS:PORT of line A
line_b = "{line_b}"  # destination ADDRESS:PORT of line B
hold_us = 2000  # microseconds an open gap may wait for the other line before it is declared
max_age_ms = 2000  # milliseconds without a datagram after which the gate refuses

[order_entry]
local_mac = "02:00:00:00:00:01"  # of the card's order port
peer_mac = "02:00:00:00:00:02"  # of the venue's order port
local_address = "192.0.2.1"  # IPv4 address of the card
peer_address = "192.0.2.2"  # IPv4 address of the venue
local_port = 40001  # TCP port of the card
peer_port = 15000  # TCP port of the venue
start_seq = 1  # TCP sequence number of the first byte the card sends

[assumptions]
fee_usd_per_share = "0.0030"  # dollars a share, paid on each fill; part of the round trip

# Watched symbols. The prior close centres the card's window of prices.
"""

PAIRS_HEAD = """
# Pairs: spread = price of A - hedge_ratio * price of B - mean_usd, in dollars a share of A.
"""

PAIR = """
[[pair]]
name = "{name}"  # unique
a = "{a}"  # symbol
b = "{b}"  # symbol
hedge_ratio = "{hedge}"  # dollars of A per dollar of B
mean_usd = "{mean}"  # dollars: what the spread returns to
sigma_usd = "{sigma}"  # dollars: standard deviation of the spread
statistics_half_life_s = 0  # seconds; 0: mean and sigma stay as given
entry_z = "2.0"  # standard deviations from the mean to enter at
exit_z = "0.5"  # standard deviations from the mean to exit at
stop_z = "6.0"  # standard deviations from the mean at which the pair gives up
shares_a = {shares}  # shares of A an entry; of B: times hedge_ratio
min_edge_usd = "0.0100"  # dollars a share of A that must remain after round-trip fees
max_spread_ticks = 6  # ticks between bid and ask, in either symbol, above which none enters
aggression_ticks = 0  # ticks beyond the opposite best that an order may pay
retry_ms = 20  # milliseconds of feed time before the pair may wish again
"""

LIMITS = """\
# Limits file of a synthetic session (seed {seed}). Dollars are exact decimals, written as text.

state = "armed"  # killed, close_only or armed
max_shares = {max_shares}  # shares of one order, whatever the symbol
max_notional_usd = "{max_notional}"  # dollars of one order, whatever the symbol

[defaults]
max_shares = {max_shares}  # shares of one order
max_notional_usd = "{max_notional}"  # dollars of one order
max_position = {max_position}  # shares, long or short, open orders included
collar_usd = "{collar}"  # dollars an order's price may lie beyond the best price it meets

# [symbols.NAME] may hold the same keys for one symbol.
"""


def dollars(amount: int) -> str:
    """Return an amount of 1/10000 dollar as a decimal."""
    sign = "-" if amount < 0 else ""
    return f"{sign}{abs(amount) // 10_000}.{abs(amount) % 10_000:04}"


def _symbol(listing: Listing) -> str:
    return (
        f"\n[symbols.{listing.name}]\n"
        f'reference_usd = "{dollars(listing.reference)}"  # dollars: prior close\n'
        f'tick_usd = "{dollars(listing.tick)}"  # dollars: price step\n'
    )


def _pair(plan: SessionPlan, pair: PlantedPair) -> str:
    return PAIR.format(
        name=pair.name,
        a=plan.listings[pair.a].name,
        b=plan.listings[pair.b].name,
        hedge=f"{pair.hedge_percent // 100}.{pair.hedge_percent % 100:02}",
        mean=dollars(pair.mean),
        sigma=dollars(pair.sigma),
        shares=SHARES_A,
    )


def _preset(plan: SessionPlan) -> str:
    """Return the smallest preset of a simulated card that holds the session."""
    watched = plan.settings.symbols
    twin = PRESETS["twin"]
    fits = watched <= twin.symbols and len(plan.pairs) <= twin.pairs
    return twin.name if fits else PRESETS["alveo"].name


def render_desk(plan: SessionPlan, lines: tuple[Line, Line]) -> str:
    """Return the text of the desk file."""
    head = DESK_HEAD.format(
        seed=plan.settings.seed, preset=_preset(plan), line_a=lines[0], line_b=lines[1]
    )
    watched = [listing for listing in plan.listings if listing.watched]
    pairs = "".join(_pair(plan, pair) for pair in plan.pairs)
    return head + "".join(map(_symbol, watched)) + (PAIRS_HEAD + pairs if pairs else "")


def render_limits(plan: SessionPlan) -> str:
    """Return the text of the limits file."""
    return LIMITS.format(
        seed=plan.settings.seed,
        max_shares=MAX_SHARES,
        max_notional=f"{MAX_NOTIONAL_USD}.00",
        max_position=MAX_POSITION,
        collar=dollars(COLLAR_CENTS * CENT),
    )
