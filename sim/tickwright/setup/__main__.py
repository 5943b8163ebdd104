"""What ``make setup`` runs: ``python -m tickwright.setup`` with any Python, in any state.

An old Python reads only this file and the package's docstring, so they keep to a syntax that it
understands.
"""

import sys

OLDEST = (3, 11)


def start():
    """Make the environment, or tell an old Python what it lacks."""
    if sys.version_info < OLDEST:
        found, needed = (".".join(map(str, version[:2])) for version in (sys.version_info, OLDEST))
        return (
            "setup: this is Python " + found + "; Tickwright needs " + needed + " or later. "
            "Name one that is installed, for instance: make setup PYTHON=python3.12"
        )
    from tickwright.setup.steps import main

    return main()


if __name__ == "__main__":
    sys.exit(start())
