"""A bench that fails is a test that fails, and streams that break their rules are noticed."""

import os
import random
from itertools import chain

import cocotb
import pytest
from amaranth import *
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from cocotb.triggers import gather

from tickwright.core.streams import Word
from tickwright.twin.bench import run_bench, start
from tickwright.twin.cache import kept
from tickwright.twin.handshake import Sink, Source, frame_bytes, frame_words

FLAW = "TEST_FLAW"


class Register(wiring.Component):
    """Passes words on, a cycle later; with the flaw, it does not keep what is waiting."""

    words: In(stream.Signature(Word))
    passed: Out(stream.Signature(Word))
    seen: Out(stream.Signature(Word, always_ready=True))
    flaw: In(1)

    def elaborate(self, platform):
        m = Module()

        with m.If(~self.passed.valid | self.passed.ready):
            m.d.comb += self.words.ready.eq(1)
            m.d.sync += self.passed.valid.eq(self.words.valid)
            m.d.sync += self.passed.payload.eq(self.words.payload)
        with m.Elif(self.flaw):
            m.d.sync += self.passed.p.data.eq(self.passed.p.data + 1)
        m.d.comb += self.seen.valid.eq(self.passed.valid & self.passed.ready)
        m.d.comb += self.seen.payload.eq(self.passed.payload)

        return m


@cocotb.test(timeout_time=40, timeout_unit="us")
async def passes_frames(dut):
    rng = random.Random(2026)
    frames = [rng.randbytes(size) for size in range(1, 60)]
    words = list(chain.from_iterable(map(frame_words, frames)))
    source, passed, seen = Source(dut, "words"), Sink(dut, "passed"), Sink(dut, "seen")
    dut.flaw.value = FLAW in os.environ
    await start(dut)

    pauses = iter(lambda: rng.randrange(3), None)
    cocotb.start_soon(source.send(words, gaps=pauses))
    taken, tapped = await gather(passed.take(len(words), stalls=pauses), seen.take(len(words)))
    assert frame_bytes(taken) == frame_bytes(tapped) == frames


def test_a_bench_that_passes():
    run_bench(Register(), __name__)


def test_a_bench_that_fails():
    with pytest.raises(AssertionError, match="before it was taken"):
        run_bench(Register(), __name__, env={FLAW: "1"})


def test_a_bench_without_tests_fails():
    with pytest.raises(AssertionError, match="no test ran"):
        run_bench(Register(), __name__, testcase="no_such_test")


def test_what_was_built_is_kept(tmp_path):
    kept(tmp_path / "a", lambda draft: (draft / "x").write_text("1"))
    again = kept(tmp_path / "a", lambda draft: (draft / "x").write_text("2"))
    assert (again / "x").read_text() == "1"


def test_a_build_that_failed_is_not_kept(tmp_path):
    def fail(draft):
        (draft / "half").touch()
        raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError, match="out of memory"):
        kept(tmp_path / "a", fail)
    assert not (tmp_path / "a").exists()
    assert not (kept(tmp_path / "a", lambda draft: None) / "half").exists()
