"""What a quant types about the desk file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from tickwright.cli.arguments import AsJson
from tickwright.cli.output import WRONG, VerbError, emit, note, printed
from tickwright.cli.outputs import writable

__all__ = ["app", "naming"]

DESK_END, LIMITS_END = ".desk.toml", ".limits.toml"

app = typer.Typer(no_args_is_help=True, help="Write a desk file, or check one.")


def limits_beside(desk: Path) -> Path:
    """Return the name of the limits file that belongs to a desk file."""
    return desk.with_name(desk.name.removesuffix(DESK_END).removesuffix(".toml") + LIMITS_END)


@contextmanager
def naming(desk: Path, limits: Path | None) -> Iterator[None]:
    """Put the name of the file, and the line if it is known, before what is wrong with it."""
    from tickwright.host.settings import SettingsError, located
    from tickwright.host.setup import SetupError

    try:
        yield
    except (SettingsError, SetupError) as error:
        place = getattr(error, "place", ())
        if limits is not None and str(error).startswith("limits: "):
            text = str(error).removeprefix("limits: ")
            raise SettingsError(f"{located(limits, place)}: {text}", place) from None
        text = str(error).removeprefix("desk: ")
        raise SettingsError(f"{located(desk, place)}: {text}", place) from None


@app.command()
def new(
    out: Annotated[Path, typer.Argument(help="The desk file to write, such as cola.desk.toml.")],
    limits: Annotated[
        Path | None, typer.Option(help="The limits file to write; left out: beside the desk file.")
    ] = None,
) -> None:
    """Write a commented desk file and its limits file, which refuses every order.

    Example: tickwright desk new cola.desk.toml
    """
    from tickwright.host.template import desk_template, limits_template
    from tickwright.market.drafts import drafted, named

    beside = limits_beside(out) if limits is None else limits
    for path in (out, beside):
        if path.exists():
            raise VerbError(WRONG, f"{path}: exists already, expected a new file")
    writable("OUT", out, [])
    writable("--limits", beside, [out])
    with drafted(out, beside) as drafts:
        for draft, text in zip(drafts, (desk_template(), limits_template()), strict=True):
            with named(draft):
                draft.write_text(text, encoding="utf-8")
    note(f"wrote {out} (the quant's) and {beside} (the risk officer's)")


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="The desk file.")],
    limits: Annotated[
        Path | None, typer.Option(help="The limits file; left out, only the desk file is checked.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show every quantity as typed, as the card holds it, and by how much the card misstates it.

    Exit status: 0 when the files can be loaded, 2 when not.

    Example: tickwright desk check session.desk.toml --limits session.limits.toml
    """
    from tickwright.host.desk import card_setup, preset_of, quantised, watched
    from tickwright.host.settings import Limits, read_desk, read_limits

    desk = read_desk(file)
    officers = Limits() if limits is None else read_limits(limits)
    with naming(file, limits):
        stand_ins = dict.fromkeys(watched(desk), 10_000)
        setup = card_setup(desk, officers, references=stand_ins)
        setup.check_fits(preset_of(desk))
        rows = quantised(desk, officers, setup)
    if limits is None:
        rows = [row for row in rows if row.where not in ("limits", "defaults")]
    if as_json:
        emit(
            {
                "preset": desk.card.preset,
                "symbols": len(setup.symbols),
                "pairs": len(setup.pairs),
                "parameters": [
                    {
                        "where": row.where,
                        "name": row.name,
                        "typed": row.typed,
                        "held": row.held,
                        "meaning": str(row.meaning),
                        "error": None if row.error is None else str(row.error),
                        "unit": row.unit,
                    }
                    for row in rows
                ],
            }
        )
        return
    table = Table(box=None, pad_edge=False)
    for title in ("where", "parameter", "as typed", "on the card", "which means", "error", "unit"):
        right = title in ("as typed", "on the card", "which means", "error")
        table.add_column(title, justify="right" if right else "left", no_wrap=True)
    for row in rows:
        error = "" if row.error is None else f"{row.error:.3g}" if row.error else "0"
        meaning = row.meaning
        if isinstance(meaning, Decimal):
            meaning = f"{meaning:.9f}".rstrip("0").rstrip(".")
        cells = (row.where, row.name, row.typed, str(row.held), meaning, error, row.unit)
        table.add_row(*map(Text, cells))
    printed(table)
    note(f"{len(setup.symbols)} symbols and {len(setup.pairs)} pairs fit preset {desk.card.preset}")
