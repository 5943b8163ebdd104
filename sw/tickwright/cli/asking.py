"""A verb that asks a service: the options by which it reaches one, and how its answer is told."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer
from msgspec import Struct

from tickwright.cli.arguments import STATE, AsJson, State
from tickwright.cli.output import UNREACHABLE, VerbError
from tickwright.cli.telling import emit_answer, tell

__all__ = ["Service", "WhichKey", "asks"]

WhichKey = Annotated[
    str,
    typer.Option(envvar="TICKWRIGHT_KEY", help="Name or file of the key; left out: the only one."),
]
Service = Annotated[
    str,
    typer.Option(envvar="TICKWRIGHT_SERVICE", help="tcp://HOST:PORT of a service elsewhere."),
]

Answer = Callable[..., Struct]
Told = Callable[[Any], None]


def asks(told: Told = tell, *, unreachable: str = "") -> Callable[[Answer], Callable[..., None]]:
    """Make a command of a function that asks a client and returns the answer.

    The function's first parameter is the client, the others are the command's. ``told`` prints an
    answer for people; ``unreachable`` says what else can be done where nobody answers.
    """

    def made(answer: Answer) -> Callable[..., None]:
        def command(state: Path, key: str, service: str, as_json: bool, **given: Any) -> None:
            from tickwright.client.client import Client
            from tickwright.service.errors import ServiceError

            try:
                with Client.of(state, key, service=service) as client:
                    found = answer(client, **given)
            except ServiceError as error:
                more = unreachable if error.status == UNREACHABLE else ""
                raise VerbError(error.status, f"{error}{more}") from None
            if as_json:
                emit_answer(found)
            else:
                told(found)

        command.__name__, command.__doc__ = answer.__name__, answer.__doc__
        command.__module__ = answer.__module__
        kinds = get_type_hints(answer, localns={"Client": object}, include_extras=True)
        own = list(inspect.signature(answer).parameters.values())[1:]
        own = [one.replace(annotation=kinds[one.name]) for one in own]
        signature = inspect.Signature([*own, *OPTIONS])
        command.__dict__["__signature__"] = signature
        command.__annotations__ = {
            name: one.annotation for name, one in signature.parameters.items()
        }
        return command

    return made


OPTIONS = [
    inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
    for name, default, kind in (
        ("state", STATE, State),
        ("key", "", WhichKey),
        ("service", "", Service),
        ("as_json", False, AsJson),
    )
]
