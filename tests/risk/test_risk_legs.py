"""The checks on a leg fail exactly where section 8 of the specification says, at every limit."""

import pytest

from tickwright.feed.types import Side
from tickwright.risk.legs import LegChecks
from tickwright.risk.types import GateState
from tickwright.top.presets import PRESETS

LEG = {"valid": 1, "symbol": 3, "side": Side.BUY, "shares": 100, "price": 500_000}
TOUCH = {"bid": 499_900, "ask": 500_000, "trading": 1, "trusted": 1}
LIMITS = {
    "max_shares": 1_000,
    "max_notional": 10**12,
    "max_position": 5_000,
    "collar": 1_000,
}
ACCOUNT = {"position": 0, "worst_long": 0, "worst_short": 0}
OF_ALL = {"max_shares": 10_000, "max_notional": 10**13}
SELL = {"side": Side.SELL, "price": 499_900}
WIDE = {"max_shares": 2**32 - 1, "max_notional": 2**64 - 1, "max_position": 2**31 - 1}
BOUNDLESS = {"max_shares": 2**32 - 1, "max_notional": 2**64 - 1}
CLOSE = GateState.CLOSE_ONLY


def case(name, fails=(), *, state=GateState.ARMED, short=0, **changes):
    fails = {fails} if isinstance(fails, str) else set(fails)
    return pytest.param(changes, state, fails, short, id=name)


CASES = [
    case("buy"),
    case("sell", leg=SELL, short=1),
    case("invalid-leg-fails-nothing", leg={"valid": 0, "shares": 0, "price": 0}),
    # trust, halted
    case("untrusted", "trust", touch={"trusted": 0}),
    case("halted", "halted", touch={"trading": 0}),
    # shares
    case("at-symbol-shares", leg={"shares": 1_000}),
    case("above-symbol-shares", "shares", leg={"shares": 1_001}),
    case("at-global-shares", of_all={"max_shares": 100}),
    case("above-global-shares", "shares", of_all={"max_shares": 99}),
    case("no-shares", "shares", leg={"shares": 0}),
    case("venue-shares", leg={"shares": 999_999}, limits=WIDE, of_all=BOUNDLESS),
    case("above-venue-shares", "shares", leg={"shares": 1_000_000}, limits=WIDE, of_all=BOUNDLESS),
    # notional
    case("at-symbol-notional", limits={"max_notional": 50_000_000}),
    case("above-symbol-notional", "notional", limits={"max_notional": 49_999_999}),
    case("at-global-notional", of_all={"max_notional": 50_000_000}),
    case("above-global-notional", "notional", of_all={"max_notional": 49_999_999}),
    # collar
    case("buy-at-collar", leg={"price": 501_000}),
    case("buy-above-collar", "collar", leg={"price": 501_001}),
    case("buy-without-ask", "collar", touch={"ask": 0}),
    case("buy-without-bid", touch={"bid": 0}),
    case("sell-at-collar", leg=SELL | {"price": 498_900}, short=1),
    case("sell-below-collar", "collar", leg=SELL | {"price": 498_899}, short=1),
    case("sell-without-bid", "collar", leg=SELL, touch={"bid": 0}, short=1),
    case("sell-without-ask", leg=SELL, touch={"ask": 0}, short=1),
    case(
        "collar-past-32-bits",
        leg={"price": 1_999_999_900},
        touch={"ask": 1_999_999_900},
        limits=WIDE | {"collar": 2**32 - 1},
    ),
    # position
    case("buy-to-limit", account={"worst_long": 4_900}),
    case("buy-beyond-limit", "position", account={"worst_long": 4_901}),
    case("buy-looks-not-at-shorts", account={"worst_short": 5_000}),
    case("sell-to-limit", leg=SELL, account={"worst_short": 4_900}, short=1),
    case("sell-beyond-limit", "position", leg=SELL, account={"worst_short": 4_901}, short=1),
    case("sell-looks-not-at-longs", leg=SELL, account={"worst_long": 5_000}, short=1),
    case(
        "killed-looks-at-position", "position", state=GateState.KILLED, limits={"max_position": 0}
    ),
    case("farthest-long", "position", account={"worst_long": 2**31 - 1}, limits=WIDE),
    case(
        "farthest-short", "position", leg=SELL, account={"worst_short": 2**31}, limits=WIDE, short=1
    ),
    case("from-farthest-short", account={"worst_long": -(2**31)}, limits=WIDE),
    # long sale or short sale
    case("sells-all-it-holds", leg=SELL, account={"worst_short": -100}, short=0),
    case("sells-one-more", leg=SELL, account={"worst_short": -99}, short=1),
    # close only
    case("buys-back-all", state=CLOSE, account={"worst_long": -100}),
    case("buys-back-too-much", "close_only", state=CLOSE, account={"worst_long": -99}),
    case("sells-off-all", state=CLOSE, leg=SELL, account={"worst_short": -100}),
    case(
        "sells-off-too-much",
        "close_only",
        state=CLOSE,
        leg=SELL,
        account={"worst_short": -99},
        short=1,
    ),
    case(
        "closing-needs-no-position-limit",
        state=CLOSE,
        account={"worst_long": -9_000},
        limits={"max_position": 0},
    ),
    case(
        "closing-needs-trust",
        "trust",
        state=CLOSE,
        account={"worst_long": -100},
        touch={"trusted": 0},
    ),
    # price
    case("price-0", {"price"}, leg={"price": 0}),
    case("highest-price", leg={"price": 1_999_999_900}, touch={"ask": 1_999_999_900}),
    case(
        "above-highest-price", "price", leg={"price": 1_999_999_901}, touch={"ask": 1_999_999_901}
    ),
    case(
        "price-of-33-bits",
        ("price", "collar"),
        leg={"price": 2**32 + 500_000},
        limits=WIDE,
        of_all=BOUNDLESS,
    ),
    # limits of 0
    case(
        "reset-limits-refuse",
        ("shares", "notional", "position"),
        limits=dict.fromkeys(LIMITS, 0),
        of_all=dict.fromkeys(OF_ALL, 0),
    ),
]


@pytest.mark.parametrize(("changes", "state", "fails", "short"), CASES)
def test_a_leg_fails_exactly(simulate, changes, state, fails, short):
    dut = LegChecks(PRESETS["twin"])
    given = {"leg": LEG, "touch": TOUCH, "limits": LIMITS, "account": ACCOUNT, "of_all": OF_ALL}

    async def bench(ctx):
        for name, fields in given.items():
            ctx.set(getattr(dut, name), fields | changes.get(name, {}))
        ctx.set(dut.state, state)
        await ctx.tick()
        assert {name for name in dut.CHECKS if ctx.get(getattr(dut, name))} == fails
        assert ctx.get(dut.short) == short

    simulate(dut, bench)
