"""Makes the manual: HTML of the pages in `docs` and of those that are made. Warnings are errors."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tickwright.manual.pages import PAGES

__all__ = ["DOCS", "build", "main", "sources"]

DOCS = Path(__file__).resolve().parents[3] / "docs"
SETTINGS = {
    "project": "Tickwright",
    "extensions": ["myst_parser"],
    "source_suffix": {".md": "markdown"},
    "myst_heading_anchors": 3,
    "html_theme": "alabaster",
    "html_show_copyright": False,
    "html_copy_source": False,
    "nitpicky": True,
}


def sources(folder: Path) -> None:
    """Lay all pages, written and made, in a new folder."""
    shutil.copytree(DOCS, folder)
    for name, page in PAGES.items():
        (folder / f"{name}.md").write_text(page(), encoding="utf-8")


def build(out: Path) -> Path:
    """Make the manual below ``out``; return its first page.

    Raises RuntimeError if a page warns of anything: a link that leads nowhere, a page nobody names.
    """
    from sphinx.application import Sphinx

    shutil.rmtree(out, ignore_errors=True)
    source = out / "source"
    sources(source)
    sphinx = Sphinx(
        str(source),
        None,
        str(out / "html"),
        str(out / "doctrees"),
        "html",
        confoverrides=SETTINGS,
        status=None,
        warning=sys.stderr,
        freshenv=True,
        warningiserror=True,
    )
    sphinx.build()
    if sphinx.statuscode:
        raise RuntimeError("manual: found warnings, expected none; they stand above")
    return out / "html" / "index.html"


def main() -> None:
    """Make the manual below `build/manual`."""
    sys.stdout.write(f"{build(Path('build/manual').resolve())}\n")


if __name__ == "__main__":
    main()
