"""The best bid and ask of a file, as one types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scapy.layers.l2 import Ether
from scapy.utils import PcapNgWriter, rdpcap

from tickwright.market.messages_table import MessageTable
from tickwright.market.reader import read_messages
from tickwright.replay.bbo import write_bbo
from tickwright.replay.recording import Recording
from tickwright.replay.watch import watch
from tickwright.top.presets import PRESETS
from tickwright.twin.best import twin_rows

# Of the story: a row for each message that changes a best price.
ROWS = """\
message,timestamp_ns,locate,symbol,bid,bid_shares,ask,ask_shares,trusted,date,venue,sequence,reason
7,34201201000000,11,KO,600000,500,0,0,1,2026-01-05,XNAS,7,
8,34201401000000,12,PEP,600000,500,0,0,1,2026-01-05,XNAS,8,
9,34201601000000,11,KO,600000,500,600100,500,1,2026-01-05,XNAS,9,
10,34201801000000,12,PEP,600000,500,600100,500,1,2026-01-05,XNAS,10,
11,34202001000000,11,KO,600000,500,0,0,1,2026-01-05,XNAS,11,
12,34202201000000,11,KO,600000,500,601100,500,1,2026-01-05,XNAS,12,
13,34202401000000,11,KO,601000,500,601100,500,1,2026-01-05,XNAS,13,
14,34202601000000,13,DULL,9000,500,0,0,1,2026-01-05,XNAS,14,
15,34202801000000,11,KO,600000,500,601100,500,1,2026-01-05,XNAS,15,
16,34203001000000,11,KO,600000,500,600100,500,1,2026-01-05,XNAS,16,
17,34203201000000,13,DULL,9000,500,9100,500,1,2026-01-05,XNAS,17,
"""
BBO = "bbo session.pcap --card model --out b.csv "


def only(*symbols: str) -> str:
    lines = ROWS.splitlines(keepends=True)
    return "".join(line for line in lines if line.split(",")[3] in ("symbol", *symbols))


class TestRows:
    """The file is that of the story."""

    def test_of_a_capture(self, folder: Path, type_in):
        assert type_in(BBO).status == 0
        assert (folder / "b.csv").read_text() == ROWS

    def test_of_an_itch_file_there_is_no_date(self, folder: Path, type_in):
        assert type_in(BBO.replace(".pcap", ".itch50")).status == 0
        assert (folder / "b.csv").read_text() == ROWS.replace("2026-01-05", "")

    def test_of_the_twin_byte_for_byte(self, folder: Path, type_in):
        done = type_in(BBO.replace("model", "twin"))
        assert done.status == 0, done.err
        assert (folder / "b.csv").read_text() == ROWS

    @pytest.mark.parametrize("choice", ["--symbols PEP", "--locates 12"])
    def test_of_a_symbol(self, folder: Path, type_in, choice: str):
        assert type_in(BBO + choice).status == 0
        assert (folder / "b.csv").read_text() == only("PEP")

    def test_of_a_part_of_the_file(self, folder: Path, type_in):
        assert type_in(BBO + "--max-messages 12").status == 0
        assert (folder / "b.csv").read_text() == "".join(ROWS.splitlines(keepends=True)[:7])

    def test_from_a_time_on_messages_count_anew_and_old_orders_are_unknown(self, folder, type_in):
        assert type_in(BBO + "--from 09:30:02.001 --symbols KO").status == 0
        lines = (folder / "b.csv").read_text().splitlines()
        assert lines[1] == ("1,34202001000000,11,KO,0,0,0,0,0,2026-01-05,XNAS,11,unknown_reference")

    def test_a_locate_without_a_name_leaves_the_symbol_empty(self, folder: Path, type_in):
        done = type_in(BBO + "--from 09:30:02.001 --locates 12")
        assert done.status == 0
        assert (folder / "b.csv").read_text() == only()


class TestTold:
    """What the file does not say is said to have been assumed."""

    def test_of_a_whole_day(self, folder: Path, type_in):
        assert type_in(BBO).err.splitlines() == [
            "assumed: windows are centred on the median price of each symbol's Adds",
            "assumed: a tick of DULL is 1/10000 dollar, as their median is below a dollar",
            "wrote 11 rows of 3 symbols, 17 messages, to b.csv",
        ]

    def test_of_a_part_without_directory(self, folder: Path, type_in):
        told = type_in(BBO + "--from 09:30:02.001").err
        assert "no R message names 2 symbols; the host sets their locates" in told
        assert "every symbol is trading (status T), as the file has no H message" in told

    def test_of_locates_that_nobody_names(self, folder: Path, type_in):
        told = type_in(BBO + "--from 09:30:02.801 --max-messages 2").err
        assert "left out" not in told
        told = type_in(BBO + "--from 09:30:02.001 --max-messages 1")
        assert told.status == 2
        assert "names no symbol" in told.err

    def test_json_is_one_object(self, folder: Path, type_in):
        assert json.loads(type_in(BBO + "--json").out) == {
            "card": "model", "messages": 17, "symbols": 3, "rows": 11, "out": "b.csv", "damage": [],
        }  # fmt: skip


@pytest.mark.parametrize("at_once", [1, 2])
def test_the_twin_plays_a_file_once_for_each_batch_of_symbols(folder: Path, at_once: int):
    recording = Recording(folder / "session.pcap")
    watched = watch(recording.survey)
    rows = twin_rows(recording, watched, PRESETS["twin"], at_once=at_once)
    symbols = [(one.name, one.locate) for one in watched]
    write_bbo(folder / "b.csv", [rows], symbols, recording.day)
    assert (folder / "b.csv").read_text() == ROWS


def test_real_data_gives_the_same_file_on_both_cards(shared_data: Path, folder, type_in):
    sample = shared_data / "nasdaq-20191230-093000.itch50"
    for card in ("model", "twin"):
        done = type_in("bbo", str(sample), "--card", card, "--out", f"{card}.csv")
        assert done.status == 0, done.err
    model = (folder / "model.csv").read_bytes()
    assert model == (folder / "twin.csv").read_bytes()
    assert model.count(b",unknown_reference") > 100
    tables: list[MessageTable] = list(read_messages(sample))
    assert sum(map(len, tables)) == 1000


def test_a_pcapng_gives_the_file_that_its_pcap_gives(folder: Path, type_in):
    packets = rdpcap("session.pcap")
    assert all(isinstance(packet, Ether) for packet in packets)
    with PcapNgWriter("session.pcapng") as writer:
        writer.write(packets)
    written = []
    for name in ("session.pcap", "session.pcapng"):
        assert type_in(f"bbo {name} --card model --out b.csv").status == 0
        written.append((folder / "b.csv").read_text())
    assert written[0] == written[1]
    assert ",2026-01-05," in written[0]
