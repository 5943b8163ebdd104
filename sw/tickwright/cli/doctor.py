"""What a newcomer types when something does not run."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

__all__ = ["doctor"]


@dataclass(frozen=True)
class _Line:
    """One finding as it is shown, and as its fields."""

    name: str
    present: bool
    detail: str
    remedy: str
    fields: dict[str, object]


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    of_host: Annotated[
        bool, typer.Option("--host", help="Look at this host's kernel, not at what is installed.")
    ] = False,
) -> None:
    """Tell what is installed, what is missing and how to get it.

    With --host: what this host's kernel lacks to drive a card without delay.

    Exit status: 0 when everything is there, 1 when something is missing.

    Example: tickwright doctor --json
    """
    findings = _host() if of_host else _installed()
    complete = all(finding.present for finding in findings)
    if as_json:
        typer.echo(
            json.dumps({"complete": complete, "findings": [each.fields for each in findings]})
        )
    else:
        console = Console(soft_wrap=True, highlight=False)
        width = max(10, *(len(each.name) for each in findings))
        for each in findings:
            mark = Text("ok      ", "green") if each.present else Text("missing ", "red")
            console.print(mark + Text(f"{each.name:<{width}} {each.detail}"))
            if each.remedy:
                console.print(Text(f"{'':<{width + 9}}{each.remedy}"))
    if not complete:
        raise typer.Exit(1)


def _installed() -> list[_Line]:
    from tickwright.setup.diagnosis import diagnose

    return [
        _Line(each.name, each.present, each.detail, each.remedy, asdict(each))
        for each in diagnose()
    ]


def _host() -> list[_Line]:
    from tickwright.host.diagnosis import diagnose_host

    return [
        _Line(
            each.name,
            each.present,
            each.found if each.present else f"{each.found}; expected {each.expected}",
            each.remedy,
            asdict(each),
        )
        for each in diagnose_host()
    ]
