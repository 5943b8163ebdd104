"""A critical path is told by the names of the gateware, and by nothing that the tools made up."""

import pytest

from tickwright.timing.ecp5 import Hop
from tickwright.timing.paths import critical_path, named

CHAIN = "dut.queue.kept.storage.0.0_DI_LUT4_Z_B_CCU2C_S1_CIN_CCU2C_COUT"


@pytest.mark.parametrize(
    ("name", "signal"),
    [
        ("dut.session.segment.size_TRELLIS_FF_Q", "session.segment.size"),
        ("dut.session.segment.size_TRELLIS_FF_Q_17", "session.segment.size"),
        ("dut.session.segment.size[3]", "session.segment.size"),
        ("dut.pipeline.feed.arbiter.busy", "feed.arbiter.busy"),
        ("dut.quotes$145.quotes__valid_TRELLIS_FF_Q", "quotes.quotes.valid"),
        ("dut.quotes$145.$signal[514]", "quotes"),
        ("dut.quotes$145.$146_MULT18X18D_P9_A7_LUT4_Z", "~quotes"),
        ("dut.quotes$145.rows.0.20_DO_3[3]", "quotes.rows"),
        ("dut.queue.kept.storage.0.2$DPRAM_COMB3", "queue.kept.storage"),
        (f"{CHAIN}$CCU2_COMB0", "~queue.kept.storage"),
        ("dut.regs.responses_TRELLIS_FF_Q_CE_LUT4_Z_C[2]", "~regs.responses"),
        ("dut.legs.0.limit_LUT4_Z_1_D", "~legs.0.limit"),
        ("dut.$1_LUT4_Z", ""),
        ("$nextpnr_CCU2C_111$CIN", ""),
        ("given_TRELLIS_FF_Q_3", "given"),
    ],
)
def test_the_name_of_a_signal_is_found_in_that_of_a_cell(name: str, signal: str):
    assert named(name) == signal


PATH = (
    Hop("dut.session.size_TRELLIS_FF_Q", "", 0.3),
    Hop(f"{CHAIN}$CCU2_COMB0", "dut.session.size[0]", 0.6),
    Hop(f"{CHAIN}$CCU2_COMB0", "", 0.3),
    Hop(f"{CHAIN}$CCU2_COMB1", f"{CHAIN}$CCU2_FCI_INT", 0.0),  # within the chain
    Hop(f"{CHAIN}$CCU2_COMB1", "", 0.1),
    Hop("dut.session.was_open_LUT4_C_Z", f"{CHAIN}_S0", 1.0),
    Hop("dut.session.was_open_LUT4_C_Z", "", 0.1),
    Hop("dut.queue.late_LUT4_Z", "dut.session.ended", 0.2),
    Hop("dut.queue.late_LUT4_Z", "", 0.2),
    Hop("dut.queue.late_TRELLIS_FF_Q", "dut.queue.late_TRELLIS_FF_Q_DI", 0.2),
    Hop("dut.queue.late_TRELLIS_FF_Q", "", 0.0),
)


def test_a_path_goes_from_a_register_over_signals_to_a_register():
    found = critical_path(PATH)
    assert (found.first, found.last) == ("session.size", "queue.late")
    assert found.between == ("~queue.kept.storage", "session.ended")
    assert found.levels == 3
    assert found.routing == 0.67


def test_a_path_of_no_steps_is_refused():
    with pytest.raises(ValueError, match="found a path of no steps"):
        critical_path(())
