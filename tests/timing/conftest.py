"""A folder that the tools of the open flow see."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest


@pytest.fixture
def build(monkeypatch, project) -> Iterator[Path]:
    """Return a new folder below the working directory: the tools see no other."""
    (project / "build").mkdir(exist_ok=True)
    monkeypatch.chdir(project)
    with TemporaryDirectory(dir="build") as folder:
        yield Path(folder)
