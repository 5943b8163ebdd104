"""What a newcomer types when something does not run."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

__all__ = ["doctor"]


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Tell what is installed, what is missing and how to get it.

    Exit status: 0 when everything is there, 1 when something is missing.

    Example: tickwright doctor --json
    """
    from tickwright.setup.diagnosis import diagnose

    findings = list(diagnose())
    complete = all(finding.present for finding in findings)
    if as_json:
        typer.echo(
            json.dumps({"complete": complete, "findings": [asdict(each) for each in findings]})
        )
    else:
        console = Console(soft_wrap=True, highlight=False)
        for each in findings:
            mark = Text("ok      ", "green") if each.present else Text("missing ", "red")
            console.print(mark + Text(f"{each.name:<10} {each.detail}"))
            if each.remedy:
                console.print(Text(f"{'':<19}{each.remedy}"))
    if not complete:
        raise typer.Exit(1)
