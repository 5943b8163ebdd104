"""Making a bundle says what is wrong and what has to be added, and its status says which."""

import pytest

from tickwright.bundle import build
from tickwright.bundle.check import Report


@pytest.mark.parametrize(
    ("report", "status", "told"),
    [
        (Report((), ()), 0, ""),
        (Report((), ("to be constrained: x",)), 0, "to be constrained: x\n"),
        (Report(("x: has no pin",), ()), 1, "ERROR x: has no pin\n"),
    ],
)
def test_the_status_tells_whether_anything_is_wrong(report, status, told, monkeypatch, capsys):
    monkeypatch.setattr(build, "build", lambda board, preset, folder: report)
    assert build.main(["alveo_u50"]) == status
    shown = capsys.readouterr()
    assert shown.out.endswith("build/bundle/alveo_u50: generated, not run\n")
    assert shown.err == told


@pytest.mark.parametrize("arguments", [[], ["versa"], ["alveo_u50", "alveo_ul3524"]])
def test_a_board_that_there_is_not_is_refused(arguments, capsys):
    assert build.main(arguments) == 2
    assert "expected alveo_u50 or alveo_ul3524" in capsys.readouterr().err
