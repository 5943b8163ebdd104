"""The card's Verilog, once for all tests of its audit."""

from __future__ import annotations

import gc
import re
from collections.abc import Callable

import pytest

from tickwright.audit.netlist import Netlist
from tickwright.top.build import verilog
from tickwright.top.pipeline import Pipeline
from tickwright.top.presets import PRESETS


@pytest.fixture(scope="session")
def card_text() -> str:
    return verilog(Pipeline(PRESETS["versa"]), "card")


@pytest.fixture(scope="session")
def card(card_text: str) -> Netlist:
    netlist = Netlist(card_text, "card")
    gc.freeze()  # the syntax trees stay, and need not be looked at again for each text that follows
    return netlist


@pytest.fixture
def changed(card: Netlist, card_text: str) -> Callable[[str, str, str], Netlist]:
    """Return the card with one thing in the text of one module replaced."""

    def change(module: str, pattern: str, by: str) -> Netlist:
        found = re.search(
            rf"^module \\?{re.escape(module)}[ (].*?^endmodule", card_text, re.M | re.S
        )
        assert found is not None, module
        text, count = re.subn(pattern, by, found[0], flags=re.M | re.S)
        assert count == 1, (module, pattern, count)
        return Netlist(card_text[: found.start()] + text + card_text[found.end() :], "card")

    return change
