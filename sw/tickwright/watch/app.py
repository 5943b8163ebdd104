"""The screen itself, on a terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import DataTable, Footer, Static

from tickwright.service.display import Rows
from tickwright.watch.view import View

__all__ = ["WatchApp"]

PERIOD_S = 1.0
LOOK = "look"  # the one thread that asks
OLD = "dim"  # how cells look that are not of now


class WatchApp(App[None]):
    """Shows what ``look`` returns, each second; ``kill`` stops orders and returns a line.

    Both run outside of the event loop, each in a thread of its own. While a look waits for its
    answer, ``known`` is shown each second: what was seen before, as old as it is by then. It
    returns at once.
    """

    CSS = """
    #lines { height: auto; padding: 0 1; }
    #lines.-old { color: $text-disabled; }
    #warnings { height: auto; padding: 0 1; color: $error; text-style: bold; }
    DataTable { height: auto; margin: 1 0 0 0; }
    .title { padding: 0 1; color: $accent; margin: 1 0 0 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "quit", "Quit"),
        Binding("ctrl+c", "quit", "", show=False, priority=True),
        Binding("k", "ask_to_kill", "Kill (k, then y)"),
        Binding("y", "kill", "", show=False),
        Binding("n", "spare", "", show=False),
    ]
    TABLES = ("symbols", "pairs", "orders", "latency")

    def __init__(
        self, look: Callable[[], View], known: Callable[[], View], kill: Callable[[], str]
    ) -> None:
        super().__init__()
        self._look, self._known, self._kill = look, known, kill
        self._asked = False
        self._warnings: list[str] = []
        self._told = ""  # of the last kill

    def compose(self) -> ComposeResult:
        with VerticalScroll():
            yield Static(id="warnings")
            yield Static(id="lines")
            for name in self.TABLES:
                yield Static(name, classes="title", id=f"{name}-title")
                yield DataTable(id=name, cursor_type="none", zebra_stripes=True)
        yield Footer()

    def on_mount(self) -> None:
        """Begin to look."""
        self.title = "tickwright"
        self.set_interval(PERIOD_S, self._begin_look)
        self._begin_look()

    def show(self, view: View) -> None:
        """Show a view."""
        parts = view.parts
        lines = [(name, text) for name, text in parts.values if name != "warning"]
        self.query_one("#lines", Static).update(
            Text("\n".join(f"{name:<8} {text}" for name, text in lines))
        )
        self._warnings = view.warnings
        self._tell()
        self.query_one("#lines", Static).set_class(view.old, "-old")
        for name, rows in zip(self.TABLES, parts.tables, strict=False):
            self._fill(name, rows, OLD if view.old else "")

    def action_ask_to_kill(self) -> None:
        """Ask once more before anything is done."""
        self._asked = True
        self._told = "kill the card? y: yes, n: no"
        self._tell()

    def action_spare(self) -> None:
        """Do not kill."""
        if self._asked:
            self._asked, self._told = False, ""
            self._tell()

    def action_kill(self) -> None:
        """Kill, if that was asked for; it does not wait for a look that is under way."""
        if self._asked:
            self._asked = False
            self._told = "killing"
            self._tell()
            self.run_worker(self._carry_out, thread=True, group="kill")

    def _carry_out(self) -> None:
        told = self._kill()
        self.call_from_thread(self._killed, told)

    def _killed(self, told: str) -> None:
        self._told = told
        self._tell()
        self._begin_look()

    def _begin_look(self) -> None:
        if any(worker.group == LOOK and worker.is_running for worker in self.workers):
            self.show(self._known())
        else:
            self.run_worker(self._looked, thread=True, group=LOOK)

    def _looked(self) -> None:
        view = self._look()
        self.call_from_thread(self.show, view)

    def _tell(self) -> None:
        lines = [*self._warnings, *([self._told] if self._told else [])]
        self.query_one("#warnings", Static).update(Text("\n".join(lines)))

    def _fill(self, name: str, rows: Rows, style: str) -> None:
        table = self.query_one(f"#{name}", DataTable)
        none = "" if rows.cells else ": none"
        self.query_one(f"#{name}-title", Static).update(Text(f"{rows.title}{none}"))
        if [str(column.label) for column in table.ordered_columns] != list(rows.columns):
            table.clear(columns=True)
            table.add_columns(*rows.columns)
        else:
            table.clear()
        for cells in rows.cells:
            table.add_row(
                *(
                    Text(cell, style, justify="right" if column in rows.right else "left")
                    for column, cell in zip(rows.columns, cells, strict=True)
                )
            )
