"""The command ``tickwright`` and its verbs; how a run ends."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from tickwright.cli import bench, card, desk, journal, keys, limits, looking, params, steering
from tickwright.cli.bbo import bbo
from tickwright.cli.completion import completion
from tickwright.cli.doctor import doctor
from tickwright.cli.generate import generate
from tickwright.cli.inspect import inspect
from tickwright.cli.output import DONE, FAILED, UNREACHABLE, WRONG, VerbError, note
from tickwright.cli.replay import replay
from tickwright.cli.serve import serve
from tickwright.cli.watch import watch

__all__ = ["app", "main", "run"]

NAMESPACE = "tickwright"
TOOL_LINES = 10  # of a failed build, say

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)
app.command()(doctor)
app.command()(completion)
app.add_typer(desk.app, name="desk")
app.command()(generate)
app.command()(inspect)
app.command()(bbo)
app.command()(replay)
app.command()(serve)
for verb in (looking.status, looking.preflight, looking.positions, looking.orders, looking.report):
    app.command(verb.__name__)(verb)
app.command()(watch)
app.add_typer(params.app, name="params")
app.add_typer(limits.app, name="limits")
for verb in (
    steering.arm,
    steering.close_only,
    steering.disarm,
    steering.flatten,
    steering.cancel_all,
    steering.kill,
    steering.stop,
    steering.emergency_kill,
):
    app.command(verb.__name__.replace("_", "-"))(verb)
app.add_typer(bench.app, name="bench")
app.add_typer(card.app, name="card")
app.add_typer(journal.app, name="journal")
app.add_typer(keys.app, name="keys")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"tickwright {version('tickwright')}")
        raise typer.Exit


@app.callback()
def tickwright(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Trade through hardware: load a card, watch it, replay what it saw."""


def main() -> None:
    """Run the command line and end the process with its status."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run the command line; return its exit status, having said on stderr what went wrong."""
    try:
        status = app(list(arguments), prog_name="tickwright", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = None  # whoever read it is gone, which is no error of theirs
        return FAILED
    except Exception as error:
        status, line = _told(error)
        if line:  # a call without a verb has been answered with the help
            note(f"tickwright: {_shortened(line)}")
        return status
    return status if isinstance(status, int) else DONE


def _told(error: Exception) -> tuple[int, str]:
    """Return the exit status for an error, and the line that explains it."""
    from tickwright.exchange.scripted import FillsError
    from tickwright.host.settings import SettingsError
    from tickwright.host.setup import SetupError
    from tickwright.market.errors import MarketError

    match error:
        case VerbError():
            return error.status, str(error)
        case MarketError() | SettingsError() | SetupError() | FillsError():
            return WRONG, str(error)
        case typer.Abort():
            return FAILED, "given up"
        case OSError():
            place = "" if error.filename is None else f"{error.filename}: "
            return FAILED, f"{place}{(error.strerror or str(error) or 'failed').lower()}"
        case ModuleNotFoundError():
            return UNREACHABLE, (
                f"{error.name} is not installed, which the simulated card needs; "
                "see `tickwright doctor`"
            )
        case MemoryError():
            return FAILED, "out of memory"
    if (told := getattr(error, "format_message", None)) is not None:  # of the command line's parser
        context = getattr(error, "ctx", None)
        verb = context.command_path if context else "tickwright"
        line = f"{told()} (see `{verb} --help`)" if told() else ""
        return getattr(error, "exit_code", WRONG), line
    if type(error).__module__.startswith("tickwright."):
        return FAILED, str(error)
    what = f"{type(error).__name__}: {error}".splitlines()[0]
    return FAILED, f"a fault of Tickwright itself, please report it: {what} (in {_place(error)})"


def _shortened(text: str) -> str:
    """Return what a tool said without its middle: its first line and its last."""
    lines = text.splitlines()
    if len(lines) <= TOOL_LINES:
        return text
    return "\n".join([lines[0], "...", *lines[-TOOL_LINES:]])


def _place(error: Exception) -> str:
    """Return the last place of ours that an error passed through."""
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if NAMESPACE in Path(frame.filename).parts
    ]
    if not ours:
        return "no code of Tickwright"
    parts = Path(ours[-1].filename).parts
    place = parts[len(parts) - 1 - parts[::-1].index(NAMESPACE) :]
    return f"{'/'.join(place)}:{ours[-1].lineno}"
