"""Desk files, as one types about them."""

from __future__ import annotations

import json
from pathlib import Path


class TestNew:
    """A desk begins with two commented files."""

    def test_both_files_are_written_and_can_be_checked(self, folder: Path, type_in):
        assert type_in("desk new cola.desk.toml").status == 0
        done = type_in("desk check cola.desk.toml --limits cola.limits.toml")
        assert (done.status, done.err) == (0, "2 symbols and 1 pairs fit preset twin\n")

    def test_the_limits_lie_beside_whatever_the_name(self, folder: Path, type_in):
        assert type_in("desk new d.toml").status == 0
        assert (folder / "d.limits.toml").exists()
        assert type_in("desk new e.toml --limits risk.toml").status == 0
        assert (folder / "risk.toml").exists()

    def test_nothing_is_overwritten(self, folder: Path, type_in):
        before = (folder / "session.desk.toml").read_text()
        done = type_in("desk new session.desk.toml")
        assert done.status == 2
        assert done.err == "tickwright: session.desk.toml: exists already, expected a new file\n"
        assert (folder / "session.desk.toml").read_text() == before
        assert type_in("desk new new.desk.toml --limits session.limits.toml").status == 2
        assert not (folder / "new.desk.toml").exists()


class TestCheck:
    """Every quantity as typed, as the card holds it, and the error."""

    def test_of_a_desk_and_its_limits(self, folder: Path, type_in):
        done = type_in("desk check session.desk.toml --limits session.limits.toml")
        lines = [line.split() for line in done.out.splitlines()]
        assert lines[0][0] == "where"
        assert lines[5][:7] == ["pair", "cola", "hedge_ratio", "1", "65536", "1", "0"]
        assert ["defaults", "collar_usd", "0.50", "5000", "0.5", "0", "dollars"] in lines
        assert done.out == "\n".join(line.rstrip() for line in done.out.splitlines()) + "\n"

    def test_without_limits_only_the_desk_is_shown(self, folder: Path, type_in):
        done = type_in("desk check session.desk.toml")
        assert done.status == 0
        assert "defaults" not in done.out

    def test_json_has_what_the_table_has(self, folder: Path, type_in):
        done = type_in("desk check session.desk.toml --limits session.limits.toml --json")
        found = json.loads(done.out)
        assert (found["preset"], found["symbols"], found["pairs"]) == ("twin", 2, 1)
        rows = {(row["where"], row["name"]): row for row in found["parameters"]}
        assert rows["pair cola", "entry_z"] == {
            "where": "pair cola", "name": "entry_z", "typed": "2", "held": 102_400,
            "meaning": "2", "error": "0", "unit": "standard deviations",
        }  # fmt: skip

    def test_what_cannot_be_loaded_is_status_2(self, folder: Path, type_in):
        desk = folder / "session.desk.toml"
        desk.write_text(desk.read_text().replace('exit_z = "1"', 'exit_z = "3"'))
        done = type_in("desk check session.desk.toml")
        assert (done.status, done.out) == (2, "")
        assert done.err == (
            "tickwright: session.desk.toml, line 15: pair cola: exit_z: found 3, expected at most "
            "entry_z, which is 2\n"
        )

    def test_limits_of_strangers_are_refused_by_file(self, folder: Path, type_in):
        with (folder / "session.limits.toml").open("a") as limits:
            limits.write("[symbols.IBM]\nmax_shares = 1\n")
        done = type_in("desk check session.desk.toml --limits session.limits.toml")
        assert done.status == 2
        assert done.err.startswith("tickwright: session.limits.toml, line 9: symbols.IBM: expe")

    def test_the_state_is_the_risk_officers(self, folder: Path, type_in):
        done = type_in("desk check session.desk.toml --limits session.limits.toml")
        lines = [line.split()[:5] for line in done.out.splitlines()]
        assert ["limits", "state", "armed", "2", "armed"] in lines
        limits = folder / "session.limits.toml"
        limits.write_text("# armed\n" + limits.read_text().replace("armed", "on"))
        done = type_in("desk check session.desk.toml --limits session.limits.toml")
        assert (done.status, done.err) == (
            2,
            "tickwright: session.limits.toml, line 2: state: found 'on', expected one of killed, "
            "close_only, armed\n",
        )

    def test_a_looser_desk_is_told_its_own_line(self, folder: Path, type_in):
        with (folder / "session.desk.toml").open("a") as desk:
            desk.write("[limits]\nmax_shares = 1001\n")
        done = type_in("desk check session.desk.toml --limits session.limits.toml")
        assert done.err.startswith(
            "tickwright: session.desk.toml, line 20: limits.max_shares: found 1001, expected 0 to "
        )
