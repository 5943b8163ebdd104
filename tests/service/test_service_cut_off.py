"""A service that is killed while it loads leaves the old set or the new one, and an account of it.

Real processes: the service dies by SIGKILL, the card lives on.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import pytest
from service_party.cutting import CutOffs, Point

POINTS, A_LIFE = 200, 20


def test_a_load_that_is_cut_off_leaves_the_old_set_or_the_new(tmp_path: Path):
    found = CutOffs(tmp_path, seed=7).life(4)
    assert len(found) == 4


@pytest.mark.soak
def test_loads_that_are_cut_off_at_200_moments(tmp_path: Path):
    """Each of them before the load was answered; what came later is counted, and left aside."""
    cut_offs = CutOffs(tmp_path, seed=2026)
    found: list[Point] = []
    late = 0
    while len(found) < POINTS:
        points = cut_offs.life(A_LIFE)
        found += [point for point in points if not point.answered]
        late += sum(point.answered for point in points)
        assert late <= len(found) + A_LIFE, "it is cut off too late"
    seen = Counter((point.load, point.armed, point.kept, point.changed) for point in found)
    told = "\n".join(f"{count:4} {case}" for case, count in sorted(seen.items()))
    sys.stderr.write(f"{len(found)} within a load, {late} behind one\n{told}\n")
    for changed in (False, True):
        assert any(p.changed is changed and p.kept == "set.begun" for p in found), told
    assert {point.load for point in found} == {"whole", "pairs", "limits", "rollback"}, told
