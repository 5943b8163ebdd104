"""Arguments that several verbs share."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "STATE",
    "AsJson",
    "Card",
    "CardChoice",
    "File",
    "From",
    "MaxMessages",
    "OneCard",
    "State",
    "Until",
    "feed_time",
]

UNITS_NS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
CLOCK = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?")
COUNT = re.compile(r"(\d{1,18})(ns|us|ms|s)?")
STATE = Path("state")


class CardChoice(StrEnum):
    """Which card to run."""

    MODEL = "model"
    TWIN = "twin"
    BOTH = "both"


class OneCard(StrEnum):
    """Which one card to run."""

    MODEL = "model"
    TWIN = "twin"


def feed_time(text: str | None) -> int | None:
    """Read a feed time: HH:MM[:SS[.fraction]], or a number of ns (or us, ms, s) since midnight."""
    if text is None:
        return None
    if clock := CLOCK.fullmatch(text):
        hours, minutes, seconds, fraction = clock.groups(default="0")
        if int(hours) < 24 and int(minutes) < 60 and int(seconds) < 60:
            whole = (int(hours) * 60 + int(minutes)) * 60 + int(seconds)
            return whole * UNITS_NS["s"] + int(fraction.ljust(9, "0"))
    if count := COUNT.fullmatch(text):
        return int(count[1]) * UNITS_NS[count[2] or "ns"]
    raise typer.BadParameter(f"found {text!r}, expected 09:30:00.5 or 34200s or a number of ns")


def _time(text: str) -> str:
    """Check a feed time where the command line is read, so that the option is named."""
    feed_time(text)
    return text


File = Annotated[
    Path,
    typer.Argument(help="A pcap or pcapng of MoldUDP64, or an ITCH BinaryFILE; gzip too."),
]
From = Annotated[
    str | None, typer.Option("--from", parser=_time, help="First feed time, such as 09:30.")
]
Until = Annotated[
    str | None, typer.Option("--until", parser=_time, help="Feed time to stop before.")
]
MaxMessages = Annotated[int | None, typer.Option(min=0, help="Messages to read at most.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def _card(text: str) -> str:
    """Check the name of a card where the command line is read; whether it is there comes later."""
    from tickwright.bus.errors import BusError
    from tickwright.bus.opening import checked

    try:
        return checked(text)
    except BusError as error:
        raise typer.BadParameter(str(error)) from None


Card = Annotated[
    str,
    typer.Option(
        callback=_card,
        help="twin:PATH, pcie[:ADDRESS], vfio:ADDRESS, uart:DEVICE[@BAUD] or recorded:FILE.",
    ),
]
State = Annotated[
    Path,
    typer.Option(envvar="TICKWRIGHT_STATE", help="Folder of the service's state, or a desk's own."),
]
