"""Reads a Tcl script into its commands, without running it.

The rules are those of the Tcl manual page (`Tcl(n)`, 8.6): a command ends at a newline or a
semicolon; a word is braced, quoted or bare; brackets hold a command; a backslash joins lines.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

__all__ = ["Command", "TclError", "Word", "commands", "list_items"]

CLOSING = {"{": "}", "[": "]"}


class TclError(ValueError):
    """A script that is none; the message says where."""


@dataclass(frozen=True)
class Word:
    """A word of a command: its text without braces or quotes, and the commands in its brackets."""

    text: str
    nested: tuple[Command, ...] = ()


@dataclass(frozen=True)
class Command:
    """A command, with the line on which it begins."""

    line: int
    words: tuple[Word, ...]

    @property
    def name(self) -> str:
        return self.words[0].text

    def option(self, name: str) -> Word | None:
        """Return the word behind an option."""
        for here, behind in pairwise(self.words):
            if here.text == name:
                return behind
        return None


def commands(script: str, line: int = 1) -> list[Command]:
    """Return the commands of a script that begins on ``line``; TclError if it is none."""
    return list(_Reader(script, line).commands())


def list_items(text: str) -> list[str]:
    """Return the items of a list."""
    found = commands(" ".join(text.split()))
    return [word.text for command in found for word in command.words]


@dataclass
class _Reader:
    text: str
    line: int
    at: int = field(default=0)

    def commands(self):
        words: list[Word] = []
        begin = self.line
        while self.at < len(self.text):
            here = self.text[self.at]
            if here in "\n;":
                if words:
                    yield Command(begin, tuple(words))
                words = []
                self._step()
            elif here in " \t\r" or self.text.startswith("\\\n", self.at):
                self._step(1 if here != "\\" else 2)
            elif here == "#" and not words:
                self._comment()
            else:
                if not words:
                    begin = self.line
                words.append(self._word())
        if words:
            yield Command(begin, tuple(words))

    def _step(self, count: int = 1) -> str:
        passed = self.text[self.at : self.at + count]
        self.at += count
        self.line += passed.count("\n")
        return passed

    def _comment(self) -> None:
        while self.at < len(self.text) and self.text[self.at] != "\n":
            self._step(2 if self.text[self.at] == "\\" else 1)

    def _word(self) -> Word:
        begin = self.line
        if self.text[self.at] == "{":
            text = self._enclosed("{")
            self._end(begin, "brace")
            return Word(text)
        if self.text[self.at] == '"':
            self._step()
            word = self._parts('"')
            if self.at >= len(self.text):
                raise TclError(f"line {begin}: a quote is not closed")
            self._step()
            self._end(begin, "quote")
            return word
        return self._parts(" \t\r\n;")

    def _end(self, begin: int, what: str) -> None:
        if self.at < len(self.text) and self.text[self.at] not in " \t\r\n;\\":
            raise TclError(f"line {begin}: characters after the closing {what}")

    def _parts(self, ends: str) -> Word:
        text, nested = "", []
        while self.at < len(self.text) and self.text[self.at] not in ends:
            here = self.text[self.at]
            if here == "[":
                line = self.line
                inner = self._enclosed("[")
                nested += commands(inner, line)
                text += f"[{inner}]"
            elif here == "\\":
                if self.text.startswith("\\\n", self.at) and '"' not in ends:
                    break
                text += self._step(2)[1:]
            else:
                text += self._step()
        return Word(text, tuple(nested))

    def _enclosed(self, opening: str) -> str:
        """Return what is between an opening character here and the closing one."""
        begin, depth, start = self.line, 0, self.at + 1
        while self.at < len(self.text):
            here = self._step()
            if here == "\\":
                self._step()
            elif here == opening:
                depth += 1
            elif here == CLOSING[opening]:
                depth -= 1
                if not depth:
                    return self.text[start : self.at - 1]
        raise TclError(f"line {begin}: {opening} is not closed")
