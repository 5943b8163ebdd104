"""The card's text is as it has to be; a text with one thing wrong is found out, for that reason."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tickwright.audit.__main__ import main
from tickwright.audit.card import KEPT, audit
from tickwright.audit.census import census, written
from tickwright.audit.claims import Claim
from tickwright.audit.design import NUMBERING
from tickwright.audit.findings import UnreadableError
from tickwright.audit.gate import claims
from tickwright.audit.netlist import Netlist
from tickwright.audit.ternary import mask
from tickwright.risk.legs import LegChecks

Change = Callable[[str, str, str], Netlist]

GATE, ARMING, ORDER = "card.risk.gate", "card.risk.arming", "card.order"
KILLS = r"= kill \| ledger_fault;(?=\s+assign \S+\s+= \S+\s+\| expired)"
FROM_THE_BUS = "◀ card.bus__w_en), expected 0"
NO_FRAME, KILLED = "no frame without a verdict", "killed: nothing passes"

MUTANTS = {
    "an order becomes valid without a verdict": (
        (GATE, r"(if \(intents__ready\) begin\s+\S+\s+)= passes;", r"\1= intents__valid;"),
        [f"{NO_FRAME}: {GATE}.orders__valid after the edge: found anything (by ", "expected 0"],
    ),
    "a verdict that looks at no check": (
        (GATE, r"assign passes = intents__ready & \S+ ;", "assign passes = intents__ready;"),
        [
            f"{KILLED}: {GATE}.passes: found anything",
            f"nothing passes with card.risk.leg_1.trust: {GATE}.passes: found anything",
            f"nothing passes without card.feed.feed_ok: {GATE}.passes: found anything",
        ],
    ),
    "a verdict that does not look at the kill": (
        (GATE, r"= ! state;", "= 1'h0;"),
        [f"{KILLED}: {GATE}.passes: found anything (by ", "the host kills at once: "],
    ),
    "a kill of the host that is not heeded": (
        (ARMING, KILLS, "= ledger_fault;"),
        [f"the host kills at once: {ARMING}.state: found anything (by ", f"{GATE}.passes: found"],
    ),
    "a watchdog that kills nobody": (
        (ARMING, r"(= \S+\s+)\| expired;", r"\1;"),
        [f"the watchdog kills at once: {ARMING}.state: found anything (by "],
    ),
    "a latch that opens by itself": (
        (ARMING, r"\? arm_as : state;", "? arm_as : 2'h2;"),
        [f"killed: stays so until armed: {ARMING}.kept after the edge: found anything"],
    ),
    "an order from beside the gate": (
        ("card", r"(\\card\.order +order \([^;]*\.orders__valid\()(\S+ )\)", r"\1\2 | bus__w_en)"),
        [f"{NO_FRAME}: {ORDER}.orders__valid: found anything (by ", FROM_THE_BUS],
    ),
    "a frame from beside the order stage's input": (
        (ORDER, r"(assign send =) orders__valid", r"\1 (orders__valid | bus__w_en)"),
        [f"{NO_FRAME}: {ORDER}.sender.send: found anything (by ", FROM_THE_BUS],
    ),
    "a transmitter that starts by itself": (
        ("card.order.sender", r"(if \(ready\) begin\s+\S+\s+= )send;", r"\1 ack[0] | send;"),
        [f"{NO_FRAME}: {ORDER}.sender.frames__valid after the edge: found anything (by "],
    ),
    "a wire that is valid by itself": (
        ("card", r"\.tx__valid\(order_tx__valid\)", ".tx__valid()"),
        ["driver: card.order_tx__valid: found none"],
    ),
    "an order that is another one than what passed": (
        ("card", r"(\\card\.order +order \([^;]*\.order\()orders__payload\)",
         r"\1{orders__payload[330:1], bus__w_en})"),
        [f"what is encoded: {ORDER}.encoder.order[0]: found card.bus__w_en, "
         f"expected {GATE}.orders__payload[0]"],
    ),
    "a second order that is repeated": (
        (GATE, r"(else if \(orders__ready\) begin\s+\S+\s+= )1'h0;", r"\1waits;"),
        [f"the second order follows the first: {GATE}.waits after the edge: found anything"],
    ),
    "a second clock": (
        ("card.risk.watchdog", r"always @\(posedge clk\)(?=\s+expired)",
         "always @(posedge feed_watchdog)"),
        ["clock: card.risk.watchdog.expired: found posedge card.risk.regs.feed_watchdog, "
         "expected posedge card.clk"],
    ),
    "the other edge": (
        (GATE, r"always @\(posedge clk\)(?=\s+waits)", "always @(negedge clk)"),
        [f"clock: {GATE}.waits: found negedge card.clk, expected posedge card.clk"],
    ),
    "a gated clock": (
        ("card.risk", r"(\\card\.risk\.gate +gate \([^;]*\.clk\()clk\)", r"\1clk & can_send)"),
        [f"found posedge {GATE}.clk, expected posedge card.clk", "a use of card.risk.clk as data"],
    ),
    "a latch": (
        (ARMING, r"    state = kept;\n", ""),
        [f"latch: {ARMING}.state: found a way through its block that leaves it, expected none"],
    ),
    "a loop through two modules": (
        (ARMING, KILLS, "= kill | ledger_fault | state[0];"),
        [f"loop: {ARMING}.", "expected a register on the way"],
    ),
    "a port that is wider": (
        ("card", r"(output|wire) \[69:0\] (order_tx__payload;\s+)wire \[69:0\]",
         r"output [70:0] \2wire [70:0]"),
        ["ports: order_tx__payload: found output, 71 bits, expected output, 70 bits"],
    ),
    "a port that is no more": (
        ("card", r"(^module card\([^;]*), gap_open", r"\1"),
        ["ports: gap_open: found nothing, expected output, 1 bits"],
    ),
    "a register without its reset": (
        (GATE, r"if \(rst\) begin\s+\S+\s+= 1'h0;\s+end(?=\s+end\s+assign judging)", ""),
        [f"registers: {GATE}: found 830 bits with a reset, 1 without, "
         "expected 831 bits with a reset, 0 without", f"a reset is quiet: {GATE}.waits after"],
    ),
    "a reset to another value": (
        (ARMING, r"(if \(rst\) begin\s+\S+\s+= )2'h0;", r"\1 2'h2;"),
        [f"reset: {ARMING}.kept: found 0x2 after it, expected 0x0, its initial value",
         f"a reset kills: {ARMING}.kept after the edge: found 2 ("],
    ),
    "a memory with contents": (
        ("card.order.encoder", r"(reg \[63:0\] names \[15:0\];)",
         r"\1 initial begin names[0] = 64'h1; names[1] = 64'h2; end"),
        ["contents: card.order.encoder.names: found 2 words, expected nothing"],
    ),
    "a memory of another size": (
        ("card.order.encoder", r"reg \[63:0\] names \[15:0\];", "reg [63:0] names [31:0];"),
        ["memories: card.order.encoder.names: found 32 words of 64 bits, "
         "expected 16 words of 64 bits"],
    ),
}  # fmt: skip


def test_the_card_is_as_it_has_to_be(card: Netlist):
    assert list(map(str, audit(card))) == []


def test_the_audit_has_read_all_of_the_card(card: Netlist, card_text: str):
    def count(pattern: str) -> int:
        return len(re.findall(pattern, card_text, re.MULTILINE))

    assert len(card.scopes) == count(r"^module ") > 80
    assert len(card.clocked) == count(r"^  always @\(posedge clk\)") > 600
    assert len(card.wires) == count(r"^  assign ") + count(r"^    \.\S+ *\(.*\),?$") > 10_000
    assert len(census(card)["memories"]) == count(r"^  reg .*\[\d+:0\];$") > 30


def test_only_read_ports_of_memories_have_no_reset(card: Netlist):
    without = [
        net.name for net, value in card.after_reset.items() if value.known != mask(net.width)
    ]
    assert [name for name in without if not re.search(r"\._\d+_$", name)] == []
    assert without


def test_every_check_of_a_leg_is_asked_of(card: Netlist):
    asked = {NUMBERING.sub("", one.name) for one in claims(card)}
    for leg in (0, 1):
        for check in LegChecks.CHECKS:
            assert f"nothing passes with card.risk.leg_{leg}.{check}" in asked


@pytest.mark.parametrize(("change", "told"), MUTANTS.values(), ids=MUTANTS)
def test_what_is_wrong_is_told(changed: Change, change: tuple[str, str, str], told: list[str]):
    findings = "\n".join(map(str, audit(changed(*change))))
    assert [part for part in told if part not in findings] == [], findings


def test_every_premise_of_a_claim_is_needed(card: Netlist):
    idle = []
    for claim in claims(card):
        if isinstance(claim, Claim):
            for name in claim.given:
                rest = {other: value for other, value in claim.given.items() if other != name}
                if not list(replace(claim, given=rest).check(card)):
                    idle.append((claim.name, name))
    assert idle == []


def test_a_claim_that_says_nothing_is_a_finding(card: Netlist):
    empty = Claim("empty", {"card.bus__w_en": 1}, {f"{ARMING}.state": 0})
    constant = Claim("constant", {f"{GATE}.rst": 1}, after={})
    assert "anything" in str(next(empty.check(card)))
    assert "the same whatever is given" in str(next(constant.check(card)))


def test_a_name_that_is_no_more_is_an_error(card: Netlist):
    with pytest.raises(UnreadableError, match=r"card\.risk\.gate\.gone: found no net"):
        list(Claim("gone", {f"{GATE}.gone": 1}).check(card))


class TestCommand:
    """`python -m tickwright.audit FILE` says what is wrong, and keeps only what it is told to."""

    @pytest.fixture(autouse=True)
    def kept(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        kept = tmp_path / "card.txt"
        kept.write_text(KEPT.read_text())
        monkeypatch.setattr("tickwright.audit.card.KEPT", kept)
        monkeypatch.setattr("tickwright.audit.__main__.KEPT", kept)
        return kept

    @pytest.fixture
    def file(self, tmp_path: Path, card_text: str) -> Path:
        file = tmp_path / "card.v"
        file.write_text(card_text)
        return file

    def test_a_sound_card(self, file: Path, capsys: pytest.CaptureFixture[str]):
        assert main([str(file)]) == 0
        assert capsys.readouterr().out == f"{file}: 0 findings\n"

    def test_a_change_shows_until_it_is_kept(
        self, file: Path, kept: Path, card: Netlist, capsys: pytest.CaptureFixture[str]
    ):
        kept.write_text(kept.read_text().replace("busy: output", "busy: input"))
        assert main([str(file)]) == 1
        assert capsys.readouterr().err == (
            "ports: busy: found output, 1 bits, expected input, 1 bits\n"
        )
        assert main([str(file), "--keep"]) == 0
        assert kept.read_text() == KEPT.read_text() == written(census(card))

    def test_what_has_a_latch_is_not_kept(
        self, tmp_path: Path, kept: Path, capsys: pytest.CaptureFixture[str]
    ):
        file = tmp_path / "card.v"
        latch = "reg c; always @* if (clk) c = 1'h1;"
        file.write_text(f"module card(clk);\n  input clk; {latch}\nendmodule\n")
        assert main([str(file), "--keep"]) == 1
        assert "latch: card.c: found" in capsys.readouterr().err
        assert kept.read_text() == KEPT.read_text()

    def test_what_cannot_be_read(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
        file = tmp_path / "card.v"
        file.write_text("module card(a);\n  inout a;\nendmodule\n")
        assert main([str(file)]) == 1
        assert capsys.readouterr().err == f"{file}: card: found a declaration as Inout\n"
