"""Verilog text as syntax trees, one a module."""

from __future__ import annotations

import re
from functools import cache
from tempfile import TemporaryDirectory
from typing import Any

from pyverilog.vparser.ast import ModuleDef
from pyverilog.vparser.parser import ParseError, VerilogParser

from tickwright.audit.findings import UnreadableError

__all__ = ["modules", "plain"]

ATTRIBUTE = re.compile(r"\(\*(?!\)).*?\*\)", re.DOTALL)
MODULE = re.compile(r"^module .*?^endmodule", re.MULTILINE | re.DOTALL)
BETWEEN_MODULES = re.compile(r"\s*(/\*.*?\*/\s*)?", re.DOTALL)


def modules(text: str) -> dict[str, ModuleDef]:
    """Return the modules of a text by their names."""
    if (rest := MODULE.sub("", text)) and not BETWEEN_MODULES.fullmatch(rest):
        raise UnreadableError(f"found {rest.strip()[:60]!r} outside of modules")
    found: dict[str, ModuleDef] = {}
    for written in MODULE.findall(text):
        module = _module(written)
        if plain(module.name) in found:
            raise UnreadableError(f"found two modules {plain(module.name)}, expected one")
        found[plain(module.name)] = module
    return found


def plain(name: str) -> str:
    """Return a name as it was before it was escaped."""
    return name.removeprefix("\\")


@cache
def _parser() -> VerilogParser:
    with TemporaryDirectory() as folder:  # where the parser generator leaves its tables
        return VerilogParser(outputdir=folder, debug=False)


@cache
def _module(written: str) -> ModuleDef:
    # The parser takes an empty statement for a wait for an event.
    text = ATTRIBUTE.sub("", written).replace("/* empty */;", "begin end")
    if "`" in text:
        raise UnreadableError(f"{written.partition('(')[0]}: found a directive, expected none")
    parser = _parser()
    parser.lexer.reset_lineno()
    try:
        tree: Any = parser.parse(text)
    except ParseError as error:
        raise UnreadableError(f"{written.partition('(')[0]}: {error}") from None
    return tree.description.definitions[0]
