"""A desk file and a limits file are read exactly, or refused in one line that says why."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tickwright.host import settings
from tickwright.host.settings import (
    Desk,
    Limits,
    SettingsError,
    keys,
    read_desk,
    read_limits,
    schema,
)
from tickwright.host.template import desk_template, limits_template

PAIR = """
[[pair]]
name = "cola"
a = "KO"
b = "PEP"
hedge_ratio = "0.35"
mean_usd = 1.50
sigma_usd = "0.12"
shares_a = 100
"""

STRUCTURES = [
    value
    for value in vars(settings).values()
    if isinstance(value, type)
    and issubclass(value, msgspec.Struct)
    and value.__struct_fields__
    and value is not settings.Key
]


def desk_of(tmp_path: Path, text: str) -> Desk:
    path = tmp_path / "d.toml"
    path.write_text(text)
    return read_desk(path)


def limits_of(tmp_path: Path, text: str) -> Limits:
    path = tmp_path / "l.toml"
    path.write_text(text)
    return read_limits(path)


class TestReading:
    """What is written is what is read."""

    def test_dollars_are_exact_however_they_are_written(self, tmp_path: Path):
        pair = desk_of(tmp_path, PAIR).pair[0]
        assert (pair.mean_usd, pair.hedge_ratio) == (Decimal("1.50"), Decimal("0.35"))
        assert desk_of(tmp_path, PAIR.replace("1.50", "3")).pair[0].mean_usd == 3
        third = "0.333333333333333333"
        assert desk_of(tmp_path, PAIR.replace("1.50", third)).pair[0].mean_usd == Decimal(third)

    def test_what_is_left_out_is_safe(self, tmp_path: Path):
        limits = limits_of(tmp_path, "")
        assert (limits.state, limits.max_shares, limits.max_notional_usd) == ("killed", 0, 0)
        assert set(msgspec.structs.astuple(limits.defaults)) == {0}

    def test_symbols_have_limits_of_their_own(self, tmp_path: Path):
        limits = limits_of(tmp_path, "[symbols.KO]\nmax_shares = 5\nposition = -7")
        assert (limits.symbols["KO"].max_shares, limits.symbols["KO"].position) == (5, -7)
        assert limits.symbols["KO"].collar_usd is None


DESK_ERRORS = [
    ("\n[[card]]\n", "line 2: card: expected a table"),
    (
        '[symbols."B.C"]\ntick_usd = "x"\n',
        """line 2: symbols."B.C".tick_usd: found 'x', expected a decimal number""",
    ),
    ("[fed]\n", "line 1: fed: found an unknown key, expected feed perhaps"),
    (
        "[feed]\nhold_usec = 1\n",
        "line 2: feed.hold_usec: found an unknown key, expected hold_us perhaps",
    ),
    (
        PAIR + 'exitz = "1"\n',
        "line 10: pair[0].exitz: found an unknown key, expected exit_z perhaps",
    ),
    ("[symbols.KO]\ntick = 1\n", "symbols.KO.tick: found an unknown key, expected tick_usd perh"),
    ("[feed]\nzebra = 1\n", "expected one of line_a, line_b, hold_us, max_age_ms, start_sequence"),
    (PAIR.replace('b = "PEP"\n', ""), "line 2: pair[0]: found no key b, which has to be given"),
    (PAIR.replace("100", "0"), "pair[0].shares_a: found 0, expected an integer >= 1"),
    (PAIR.replace("100", "1.5"), "pair[0].shares_a: found 1.5, expected an integer"),
    (PAIR.replace("100", "true"), "pair[0].shares_a: found true, expected an integer"),
    (
        PAIR.replace('"0.12"', '"a"'),
        "line 8: pair[0].sigma_usd: found 'a', expected a decimal number",
    ),
    (PAIR.replace("1.50", "nan"), "pair[0].mean_usd: found NaN, expected a number up to"),
    (PAIR.replace("1.50", "-inf"), "pair[0].mean_usd: found -Infinity, expected a number up to"),
    (PAIR.replace("1.50", "1e999999"), "pair[0].mean_usd: found 1E+999999, expected a number up"),
    (PAIR.replace("1.50", "1e-19"), "pair[0].mean_usd: found 1E-19, expected a number up to"),
    ('[feed]\nline_a = "here"\n', "feed.line_a: found 'here', expected ADDRESS:PORT"),
    ("[feed]\nhold_us = -1\n", "feed.hold_us: found -1, expected an integer >= 0"),
    ("feed = 3\n", "feed: found 3, expected a table"),
    ("pair = 3\n", "pair: found 3, expected an array of tables"),
    ("feed = 1979-05-27\n", "line 1: feed: found 1979-05-27, expected a table"),
    ('[symbols."A B"]\n', 'symbols."A B": expected a name without spaces'),
    ("[symbols.KO]\n[symbols.B]\ntick_usd = 'x'\n", "line 3: symbols.B.tick_usd: found 'x', exp"),
    ("symbols.B.reference_usd = [1]\n", "line 1: symbols.B.reference_usd: expected a decimal num"),
    ("[feed\n", "expected TOML"),
    ("a = " + "[" * 5000, "expected TOML"),
]


@pytest.mark.parametrize(("text", "why"), DESK_ERRORS, ids=[why[:40] for _, why in DESK_ERRORS])
def test_a_wrong_desk_file_is_refused_in_one_line(tmp_path: Path, text: str, why: str):
    with pytest.raises(SettingsError) as refusal:
        desk_of(tmp_path, text)
    assert re.match(rf"{tmp_path / 'd.toml'}(, line \d+)?: ", str(refusal.value))
    assert why in str(refusal.value)
    assert "\n" not in str(refusal.value)


LIMIT_ERRORS = [
    ("max_notional_usd = -1\n", "max_notional_usd: found -1, expected at least 0"),
    ('[defaults]\ncollar_usd = "-0.01"\n', "defaults.collar_usd: found -0.01, expected at least 0"),
    (
        "[symbols.KO]\nmax_notional_usd = -2\n",
        "l.toml, line 2: symbols.KO.max_notional_usd: found -2",
    ),
    ("max_shares = -1\n", "max_shares: found -1, expected an integer >= 0"),
    ("max_notional_usd = nan\n", "max_notional_usd: found NaN"),
    (
        "[defaults]\nmax_positions = 1\n",
        "line 2: defaults.max_positions: found an unknown key, expected max_position",
    ),
]


@pytest.mark.parametrize(("text", "why"), LIMIT_ERRORS, ids=[why[:40] for _, why in LIMIT_ERRORS])
def test_a_wrong_limits_file_is_refused_in_one_line(tmp_path: Path, text: str, why: str):
    with pytest.raises(SettingsError) as refusal:
        limits_of(tmp_path, text)
    assert why in str(refusal.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path):
    path = tmp_path / "d.toml"
    path.write_bytes(b"a = \xff")
    with pytest.raises(SettingsError, match="byte 4 is not UTF-8"):
        read_desk(path)
    with pytest.raises(SettingsError, match="no such file"):
        read_desk(tmp_path / "absent.toml")
    with pytest.raises(SettingsError, match="is a directory"):
        read_desk(tmp_path)


class TestKeys:
    """Each key says what one has to know to write it."""

    @pytest.mark.parametrize("kind", STRUCTURES, ids=lambda kind: kind.__name__)
    def test_every_key_has_help_and_every_quantity_a_unit(self, kind: type[msgspec.Struct]):
        for key in keys(kind):
            assert key.help.endswith("."), key.name
            plain = isinstance(key.kind, type) and not issubclass(key.kind, msgspec.Struct)
            assert bool(key.unit) == plain, key.name

    @pytest.mark.parametrize("kind", STRUCTURES, ids=lambda kind: kind.__name__)
    def test_every_key_has_a_default_or_an_example(self, kind: type[msgspec.Struct]):
        for key in keys(kind):
            open_ended = key.default is msgspec.NODEFAULT or key.default is None
            assert not open_ended or key.example is not None, key.name

    @pytest.mark.parametrize("kind", [Desk, Limits])
    def test_the_schema_has_every_key(self, kind: type[msgspec.Struct]):
        text = json.dumps(schema(kind))
        for key in keys(kind):
            assert f'"{key.name}"' in text
        assert '"unit": "dollars"' in text


class TestTemplate:
    """The files of `desk new` are read back as what their comments say."""

    def test_the_desk_file_is_all_defaults_and_one_pair(self, tmp_path: Path):
        desk = desk_of(tmp_path, desk_template())
        assert len(desk.pair) == 1
        assert msgspec.structs.replace(desk, pair=[]) == Desk()

    def test_the_limits_file_refuses_every_order(self, tmp_path: Path):
        assert limits_of(tmp_path, limits_template()) == Limits()

    @pytest.mark.parametrize(
        ("template", "kinds"),
        [
            (desk_template(), ["Feed", "OrderEntry", "Assumptions", "Symbol", "Pair"]),
            (limits_template(), ["Limits", "SymbolLimits", "SymbolOverride"]),
        ],
    )
    def test_every_key_is_there_with_its_help_and_unit(self, template: str, kinds: list[str]):
        words = " ".join(template.replace("\n#", " ").split())
        for kind in STRUCTURES:
            if kind.__name__ in kinds:
                for key in keys(kind):
                    if key.unit:
                        assert f"{key.name} = " in template
                        assert f"Unit: {key.unit}." in words
                    if key.unit:
                        assert key.help in words

    @pytest.mark.parametrize("template", [desk_template(), limits_template()])
    def test_what_is_commented_out_may_be_used(self, tmp_path: Path, template: str):
        used = [
            line.removeprefix("# ") if " = " in line or line.startswith("# [") else line
            for line in template.splitlines()
            if not line.startswith("# ") or " = " in line or line.startswith("# [")
        ]
        used = [line for line in used if not line.startswith("A pair:")]
        text = "\n".join(line for line in used if "spread = price" not in line)
        if "[[pair]]" in text:
            assert desk_of(tmp_path, text).symbols["KO"].reference_usd == 60
        else:
            assert limits_of(tmp_path, text).symbols["KO"].max_position == 500
