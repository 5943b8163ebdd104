"""A Tcl script is read as Tcl reads it, and what is none is refused."""

from __future__ import annotations

import pytest

from tickwright.bundle.build import BOARDS
from tickwright.bundle.tcl import TclError, commands, list_items

WORDS = [
    ("set a 1\nset b 2", [["set", "a", "1"], ["set", "b", "2"]]),
    ("set a 1; set b 2", [["set", "a", "1"], ["set", "b", "2"]]),
    ("# set a 1\nset b 2", [["set", "b", "2"]]),
    ("set a # no comment", [["set", "a", "#", "no", "comment"]]),
    ("set {a b} {c {d e}}", [["set", "a b", "c {d e}"]]),
    ('set a "b c"', [["set", "a", "b c"]]),
    ("set a \\\n  b", [["set", "a", "b"]]),
    ("if {$a} {\n  b\n}", [["if", "$a", "\n  b\n"]]),
]


@pytest.mark.parametrize(("script", "words"), WORDS)
def test_a_script_is_commands_of_words(script, words):
    assert [[word.text for word in command.words] for command in commands(script)] == words


def test_brackets_hold_commands():
    (command,) = commands("a [b [c d] e] f[g h]")
    assert [[inner.name for inner in word.nested] for word in command.words] == [[], ["b"], ["g"]]
    (inner,) = command.words[1].nested
    assert [word.text for word in inner.words] == ["b", "[c d]", "e"]


def test_each_command_has_its_line():
    script = "a\n\n# c\nb {\n}\nc \\\n [d\n e]"
    assert [command.line for command in commands(script)] == [1, 4, 6]


@pytest.mark.parametrize(
    "script", ["a {b", "a [b", 'a "b', "a {b}c", 'a "b"c', "a {b {c}", "a [b {c]"]
)
def test_what_is_no_script_is_refused(script):
    with pytest.raises(TclError, match="line 1: "):
        commands(script)


def test_a_list_is_its_items():
    assert list_items(" a {b c}\n d ") == ["a", "b c", "d"]


@pytest.fixture
def recorded():
    """Return a function that lets Tcl itself run a script, and returns what it called."""
    tkinter = pytest.importorskip("tkinter", reason="needs Tcl, which this Python has not")

    def run(script: str) -> list[list[str]]:
        tcl, called = tkinter.Tcl(), []

        def unknown(*words: str) -> str:
            called.append(list(words))
            return {"PROGRESS": "100%", "STATS.WNS": "0.1"}.get([*words, ""][1], "found")

        tcl.createcommand("unknown", unknown)
        tcl.eval("proc cd {folder} {}; proc info {what} { return . }")
        tcl.eval("proc file {what args} { return 1 }")
        tcl.eval(script)
        return called

    return run


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("kind", ["project", "pins.xdc", "clocks.xdc", "configuration.xdc"])
def test_tcl_reads_a_bundle_as_we_do(board, kind, hollow, recorded):
    """Vivado's commands are only noted; each one that Tcl calls is one that we found."""
    script = (hollow(board) / (f"{board}.tcl" if kind == "project" else kind)).read_text()

    def named(all_commands):
        for command in all_commands:
            for word in command.words:
                yield from named(word.nested)
                if command.name == "if":
                    yield from named(commands(f"expr {word.text}")[:1])
            yield command.name

    known = {"set", "cd", "if", "info", "file", "error", "list", "expr"}
    ours = [name for name in named(commands(script)) if name not in known]
    theirs = [words[0] for words in recorded(script)]
    assert sorted(theirs) == sorted(ours)
    assert theirs


def test_a_project_stops_where_timing_is_not_met(hollow, recorded):
    script = (hollow("alveo_u50") / "alveo_u50.tcl").read_text()
    with pytest.raises(Exception, match=r"timing is not met"):
        recorded(script.replace("< 0}", "< 1}"))


def test_a_project_stops_where_something_was_not_supplied(hollow, recorded):
    script = (hollow("alveo_ul3524") / "alveo_ul3524.tcl").read_text()
    with pytest.raises(Exception, match="to be supplied: the GTF transceivers"):
        recorded(f"proc file {{what args}} {{ return 0 }}\n{script}")
