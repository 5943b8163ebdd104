"""Quantities become integers exactly, by a stated rounding, or not at all."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tickwright.core.fixed import DEVIATION, HEDGE_RATIO, PRICE, SPREAD, Format


@pytest.mark.parametrize(
    ("form", "quantity", "integer"),
    [
        pytest.param(PRICE, "63.02", 630_200, id="price"),
        pytest.param(PRICE, 5, 50_000, id="whole-dollars"),
        pytest.param(PRICE, "0.00005", 0, id="tie-to-even-below"),
        pytest.param(PRICE, "0.00015", 2, id="tie-to-even-above"),
        pytest.param(PRICE, "0.000150001", 2, id="past-the-tie"),
        pytest.param(PRICE, "429496.7295", (1 << 32) - 1, id="highest"),
        pytest.param(HEDGE_RATIO, "-0.5", -(1 << 15), id="ratio"),
        pytest.param(HEDGE_RATIO, "0.1", 6554, id="rounded-ratio"),
        pytest.param(HEDGE_RATIO, -128, -(1 << 23), id="lowest"),
        pytest.param(SPREAD, 1, 20_000 << 16, id="spread"),
        pytest.param(SPREAD, "0.00005", 1 << 16, id="half-a-price-unit"),
        pytest.param(DEVIATION, Decimal("-0.01"), -200 << 8, id="deviation"),
    ],
)
def test_quantity_becomes_its_integer(form, quantity, integer):
    assert form.quantise(quantity) == integer


@pytest.mark.parametrize(
    ("form", "quantity"),
    [
        pytest.param(PRICE, "-0.0001", id="below-zero"),
        pytest.param(PRICE, "429496.73", id="too-high"),
        pytest.param(PRICE, "429496.72955", id="too-high-once-rounded"),
        pytest.param(HEDGE_RATIO, 128, id="highest-plus-one"),
        pytest.param(DEVIATION, "-420", id="too-low"),
    ],
)
def test_quantity_that_does_not_fit_is_refused(form, quantity):
    with pytest.raises(ValueError, match=f"{form.name}: found {quantity}, expected .* to "):
        form.quantise(quantity)


@pytest.mark.parametrize("quantity", ["", "ten", "nan", "inf", "-Infinity", "1,5"])
def test_text_that_is_no_finite_number_is_refused(quantity):
    with pytest.raises(ValueError, match="expected a finite decimal number"):
        PRICE.quantise(quantity)


def test_float_is_refused():
    with pytest.raises(TypeError, match=r"found the float 0\.1"):
        PRICE.quantise(0.1)


def test_range_is_named_in_units():
    with pytest.raises(ValueError, match=r"expected -128 to 127\.9999847412109375"):
        HEDGE_RATIO.quantise(200)


@pytest.mark.parametrize("form", [PRICE, HEDGE_RATIO, SPREAD, DEVIATION], ids=lambda f: f.name)
@given(data=st.data())
def test_every_integer_returns_to_itself(form, data):
    integer = data.draw(st.integers(form.lowest, form.highest))
    assert form.quantise(form.value(integer)) == integer
    assert Fraction(form.value(integer)) == Fraction(integer, form.scale)
    assert form.error(form.value(integer)) == 0


@given(st.decimals(min_value="-127", max_value="127", places=12))
def test_error_is_what_was_added_and_at_most_half_a_step(quantity):
    error = Fraction(HEDGE_RATIO.error(quantity))
    kept = Fraction(HEDGE_RATIO.quantise(quantity), HEDGE_RATIO.scale)
    assert Fraction(quantity) + error == kept
    assert abs(error) <= Fraction(1, 2 * HEDGE_RATIO.scale)


def test_floor_never_overstates():
    floor = Format("edge", bits=16, scale=10, signed=True, unit="$", rounding="floor")
    assert [floor.quantise(text) for text in ("0.19", "-0.11")] == [1, -2]


def test_integer_out_of_range_has_no_value():
    with pytest.raises(ValueError, match="price: found -1"):
        PRICE.value(-1)


def test_format_that_cannot_work_is_refused():
    with pytest.raises(ValueError, match="rounding 'up'"):
        Format("x", bits=8, scale=1, signed=False, unit="", rounding="up")
    with pytest.raises(ValueError, match="at least 1"):
        Format("x", bits=8, scale=0, signed=False, unit="")
