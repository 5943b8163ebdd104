"""The pages that are made: registers, messages, verbs, settings, metrics, requests.

Each is Markdown made from the one description of its facts, so none of them can be stale.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin

import msgspec
from msgspec import Struct
from typer.main import get_command

from tickwright.cli.main import app
from tickwright.core.regs import WORD_BYTES
from tickwright.core.wire import Message
from tickwright.feed import messages as feed_messages
from tickwright.host.settings import Desk, Limits, keys
from tickwright.monitoring.alarms import ALARMS
from tickwright.monitoring.metrics import described
from tickwright.net import headers
from tickwright.order import messages as order_messages
from tickwright.pcie import messages as pcie_messages
from tickwright.pcie.regs import ENDPOINT_BASE, FRAMES_BASE, FrameRegs, PcieRegs
from tickwright.pcie.regs import fingerprint as pcie_fingerprint
from tickwright.service.protocol import VERBS
from tickwright.service.roles import Role
from tickwright.top.memory_map import BLOCK_WORDS, BLOCKS, base, fingerprint
from tickwright.uart import messages as uart_messages

__all__ = ["PAGES", "messages", "metrics", "registers", "requests", "settings", "verbs"]


def registers() -> str:
    """Return every register of the card, block by block."""
    parts = [
        "# Registers",
        "",
        f"The map of the card; its hash is {fingerprint():#010x}. A host refuses a card with "
        f"another. Addresses are in bytes; a block takes {BLOCK_WORDS * WORD_BYTES:#x}. A register "
        "of more than 32 bits takes two words, the low one first. They are written in that order, "
        "and read high, low, high; the low one again if the high ones differ.",
    ]
    for name, block in BLOCKS.items():
        doc = inspect.cleandoc(block.__doc__ or "")
        parts += ["", f"## `{name}` at {base(name):#06x}", "", doc, "", block.table()]
    parts += [
        "",
        "## Endpoint",
        "",
        "Behind BAR0 of a card on PCI Express, and not part of the map: its hash is "
        f"{pcie_fingerprint():#010x}.",
    ]
    for name, block, start in (
        ("pcie", PcieRegs, ENDPOINT_BASE),
        ("frames", FrameRegs, FRAMES_BASE),
    ):
        doc = inspect.cleandoc(block.__doc__ or "")
        parts += ["", f"### `{name}` at {start:#06x}", "", doc, "", block.table()]
    return "\n".join(parts) + "\n"


def messages() -> str:
    """Return every message on the wire, in the order of its module."""
    parts = ["# Messages", "", "Integers are big-endian, text is ASCII and padded with spaces."]
    for module in (headers, feed_messages, order_messages, uart_messages, pcie_messages):
        title = module.__name__.removeprefix("tickwright.")
        parts += ["", f"## {title}", "", inspect.cleandoc(module.__doc__ or "")]
        for kind in vars(module).values():
            if not (isinstance(kind, type) and issubclass(kind, Message) and kind.fields):
                continue
            if kind.__module__ == module.__name__:
                doc = inspect.cleandoc(kind.__doc__ or "")
                size = f"{kind.size} bytes" + (", and more" if kind.tail is not None else "")
                parts += ["", f"### {kind.__name__}", "", f"{doc} ({size})", "", kind.table()]
    return "\n".join(parts) + "\n"


def verbs() -> str:
    """Return the help of every verb of the command line."""
    parts = ["# Verbs", "", "What `tickwright` does; each verb prints the same with `--help`."]
    for words, command in _commands(get_command(app), ("tickwright",)):
        parts += ["", f"## {' '.join(words[1:])}", "", "```text", _help(words, command), "```"]
    return "\n".join(parts) + "\n"


def _commands(command: Any, words: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    inner = getattr(command, "commands", None)
    if inner is None:
        yield words, command
        return
    for name, one in inner.items():
        yield from _commands(one, (*words, name))


def _help(words: tuple[str, ...], command: Any) -> str:
    """Return usage, description, arguments and options of a verb, without colours and boxes."""
    arguments, options = [], []
    for parameter in command.params:
        text = " ".join((getattr(parameter, "help", "") or "").split())
        if parameter.param_type_name == "argument":
            arguments.append((parameter.name.upper(), text, parameter.required))
        elif not getattr(parameter, "hidden", False):
            name = ", ".join((*parameter.opts, *parameter.secondary_opts))
            default = parameter.default
            shown = default not in (None, False, ()) and not callable(default)
            more = f" [default: {getattr(default, 'value', default)}]" if shown else ""
            options.append((name, text + more, False))
    usage = [*words, *(name if needed else f"[{name}]" for name, _, needed in arguments)]
    usage += ["[options]"] if options else []
    lines = [" ".join(usage), "", inspect.cleandoc(command.help or "")]
    for title, rows in (("Arguments", arguments), ("Options", options)):
        if rows:
            width = max(len(name) for name, *_ in rows)
            lines += ["", f"{title}:", *(f"  {name:<{width}}  {text}" for name, text, _ in rows)]
    return "\n".join(line.rstrip() for line in lines)


def settings() -> str:
    """Return every key of a desk file and of a limits file."""
    parts = [
        "# Settings",
        "",
        "Two files, in TOML: the quant's desk file and the risk officer's limits. Decimals are "
        "exact: write them as text. A key that is not listed here is an error.",
    ]
    for title, kind in (("Desk file", Desk), ("Limits file", Limits)):
        parts += ["", f"## {title}", "", inspect.cleandoc(kind.__doc__ or "")]
        parts += list(_tables(kind, ""))
    return "\n".join(parts) + "\n"


def _tables(kind: type[Struct], where: str) -> Iterator[str]:
    plain, deeper = [], []
    for key in keys(kind):
        origin, arguments = get_origin(key.kind), get_args(key.kind)
        if origin is dict:
            deeper.append((f"[{where}{key.name}.{key.example}]", arguments[1]))
        elif origin is list:
            deeper.append((f"[[{where}{key.name}]]", arguments[0]))
        elif isinstance(key.kind, type) and issubclass(key.kind, Struct):
            deeper.append((f"[{where}{key.name}]", key.kind))
        else:
            plain.append(key)
    if plain:
        yield from ("", "| key | unit | default | meaning |", "|---|---|---|---|")
        for key in plain:
            default = "has to be given" if key.default is msgspec.NODEFAULT else f"`{key.default}`"
            default = "" if key.default is None else default
            yield f"| `{key.name}` | {_cell(key.unit)} | {default} | {_cell(key.help)} |"
    for title, inner in deeper:
        yield from ("", f"### `{title}`", "", inspect.cleandoc(inner.__doc__ or ""))
        yield from _tables(inner, "")


def metrics() -> str:
    """Return every metric, and every alarm that looks at one."""
    parts = ["# Metrics and alarms", "", "## Metrics", "", "| metric | kind | meaning |",
             "|---|---|---|"]  # fmt: skip
    for metric in described():
        labels = f"{{{', '.join(metric.labels)}}}" if metric.labels else ""
        kind = "counter" if metric.counter else "gauge"
        parts.append(f"| `{metric.name}{labels}` | {kind} | {_cell(metric.help)} |")
    parts += ["", "## Alarms", "", "| alarm | severity | condition | for | meaning |",
              "|---|---|---|--:|---|"]  # fmt: skip
    for alarm in ALARMS:
        page = f"[{alarm.name}]({alarm.page.removeprefix('docs/')})"
        condition = f"`{alarm.expression}`"
        parts.append(
            f"| {page} | {alarm.severity} | {condition} | {alarm.for_s} s | {alarm.summary} |"
        )
    return "\n".join(parts) + "\n"


def requests() -> str:
    """Return what a desk may ask of the service, and which role may."""
    parts = ["# Requests", "", "What the service takes, from whom, and what it answers. "
             "[Host and card](host.md) says how much of it stands."]  # fmt: skip
    heads = [str(role) for role in Role]
    parts += ["", f"| request | {' | '.join(heads)} | journalled | meaning |",
              f"|---|{':-:|' * len(heads)}:-:|---|"]  # fmt: skip
    for verb in VERBS.values():
        may = " | ".join("yes" if role in verb.roles else "" for role in Role)
        changes = "yes" if verb.changes else ""
        parts.append(f"| `{verb.name}` | {may} | {changes} | {_cell(verb.help)} |")
    for verb in VERBS.values():
        parts += ["", f"## {verb.name}", "", verb.help]
        parts += _structure("Arguments", verb.arguments)
        parts += _structure("Result", verb.result)
    return "\n".join(parts) + "\n"


def _structure(title: str, kind: type[Struct]) -> list[str]:
    hints = [(field.name, _type(field.type)) for field in msgspec.structs.fields(kind)]
    if not hints:
        return ["", f"{title}: none."]
    doc = inspect.cleandoc(kind.__doc__ or "")
    rows = [f"| `{name}` | `{text}` |" for name, text in hints]
    return ["", f"{title}: {doc}", "", "| field | type |", "|---|---|", *rows]


def _type(kind: Any) -> str:
    text = kind.__name__ if isinstance(kind, type) and not get_args(kind) else str(kind)
    return re.sub(r"(?:\w+\.)+(\w+)", r"\1", text).replace("|", "or")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES: dict[str, Callable[[], str]] = {
    "registers": registers,
    "messages": messages,
    "verbs": verbs,
    "settings": settings,
    "metrics": metrics,
    "requests": requests,
}
"""Each page that is made, by the name of its file."""
