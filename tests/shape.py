"""The shape of the shipped code, as its tests measure it: circles, names, figures. Nothing is run.

`circles` works on any import graph; the rest reads the syntax trees of `house`.
"""

from __future__ import annotations

import ast
import io
import re
import statistics
import tokenize
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TypeAlias

import attrs

from .house import CORE, ROOT, Package, dotted, here, imports, sources, tree

MODULE_LIMIT, MODULE_MEDIAN = 500, 120
FUNCTION_LIMIT, FUNCTION_MEAN = 40, 11
PARAMETERS = 30
"""More of them are a table, a line each, which is looked up and not read."""
COMMENT_PERCENT, TEST_RATIO = 1.0, 1.0
PARTICIPLES = frozenset({"told", "said", "asked", "given", "found", "known"})
CORE_TESTS = (CORE / "tests", ROOT / "contrib" / "patter-testing" / "tests")
"""Where core is tested, and the kit that its tests are written with."""

_NO_REASON = re.compile(r"#\s*(?:type:\s*ignore|noqa|pragma|fmt:|ruff:|mypy:|!|-\*-|---|$)")
"""Comments for a tool, and headings: they give no reason for anything."""
_LAYOUT = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENCODING,
    tokenize.ENDMARKER,
}
Graph: TypeAlias = Mapping[str, frozenset[str]]
_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef


@attrs.frozen
class Figure:
    """One budget of the house: what is measured, and the limit that *holds* compares it with."""

    name: str
    value: float
    limit: float
    at_most: bool = True

    @property
    def holds(self) -> bool:
        """Is the budget kept?"""
        return self.value <= self.limit if self.at_most else self.value >= self.limit

    def __str__(self) -> str:
        """The figure beside its budget, on one line."""
        verb = "at most" if self.at_most else "at least"
        return f"{self.name:48} {self.value:8.2f}   {verb} {self.limit:g}"


def figures() -> list[Figure]:
    """Every figure that has a budget."""
    modules = [lines(path) for path in sources()]
    functions = [count for path in sources() for _, count in function_lines(path)]
    core = Package(CORE).modules()
    code = sum(len(code_lines(path)) for path in core)
    comments = sum(why_comments(path) for path in core)
    tests = sum(len(code_lines(path)) for folder in CORE_TESTS for path in folder.rglob("*.py"))
    return [
        Figure("longest module, lines", max(modules), MODULE_LIMIT),
        Figure("median module, lines", statistics.median(modules), MODULE_MEDIAN),
        Figure("longest function, lines", max(functions), FUNCTION_LIMIT),
        Figure("mean function, lines", statistics.mean(functions), FUNCTION_MEAN),
        Figure("comments in core, % of code lines", 100 * comments / code, COMMENT_PERCENT, False),
        Figure("test lines a code line, core", tests / code, TEST_RATIO, False),
    ]


# --- lines


def lines(path: Path) -> int:
    """All lines of the file."""
    return len(path.read_text(encoding="utf-8").splitlines())


def function_lines(path: Path) -> Iterator[tuple[str, int]]:
    """Where each function of *path* is, and its lines without its docstring."""
    for node in ast.walk(tree(path)):
        if isinstance(node, _Function):
            count = (node.end_lineno or node.lineno) - node.lineno + 1
            docstring = sum(1 for _ in _docstring_lines(node))
            table = max(0, len(node.args.args) + len(node.args.kwonlyargs) - PARAMETERS)
            yield f"{here(path)}:{node.lineno} {node.name}", count - docstring - table


@cache
def code_lines(path: Path) -> frozenset[int]:
    """The numbers of the lines that hold code: no blank line, no comment, no docstring."""
    code = {
        number
        for token in _tokens(path)
        if token.type not in _LAYOUT
        for number in range(token.start[0], token.end[0] + 1)
    }
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree(path)):
        if isinstance(node, documented):
            code.difference_update(_docstring_lines(node))
    return frozenset(code)


def why_comments(path: Path) -> int:
    """How many lines of *path* hold a comment for a reader, not for a tool."""
    return len(
        {
            token.start[0]
            for token in _tokens(path)
            if token.type == tokenize.COMMENT and not _NO_REASON.match(token.string)
        }
    )


def _tokens(path: Path) -> Iterator[tokenize.TokenInfo]:
    return tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)


def _docstring_lines(node: ast.Module | ast.ClassDef | _Function) -> Iterable[int]:
    if not ast.get_docstring(node, clean=False):
        return ()
    first = node.body[0]
    return range(first.lineno, (first.end_lineno or first.lineno) + 1)


# --- imports


def import_graph(package: Package) -> Graph:
    """Which modules of *package* import which others of it, in functions and for types too."""
    modules = {dotted(path): path for path in package.modules()}
    graph = {}
    for name, path in modules.items():
        targets = {_module_of(each.name, modules) for each in imports(path)}
        graph[name] = frozenset(targets - {name, ""})
    return graph


def circles(graph: Graph) -> list[list[str]]:
    """The groups of modules that all import each other, directly or through others."""
    below = {name: _reachable(graph, name) for name in graph}
    groups = {
        frozenset(each for each in below[name] if name in below[each])
        for name in graph
        if name in below[name]
    }
    return sorted(sorted(group) for group in groups)


def _module_of(name: str, modules: Iterable[str]) -> str:
    """The module that defines *name*, which is one itself or something in one; else empty."""
    while name and name not in modules:
        name = name.rpartition(".")[0]
    return name


def _reachable(graph: Graph, start: str) -> frozenset[str]:
    seen: set[str] = set()
    stack = list(graph[start])
    while stack:
        name = stack.pop()
        if name not in seen:
            seen.add(name)
            stack += graph[name]
    return frozenset(seen)


# --- names


def class_homes(paths: Iterable[Path]) -> Mapping[str, list[str]]:
    """The modules that define each public class name."""
    homes: dict[str, list[str]] = {}
    for path in paths:
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, []).append(dotted(path))
    return homes


def public_identifiers(path: Path) -> Iterator[tuple[str, int]]:
    """Name and line of what *path* offers: functions, methods, parameters, attributes, fields."""
    yield from _offered(tree(path).body)


def bound_names(path: Path) -> Iterator[tuple[str, int]]:
    """Name and line of whatever *path* binds, locals and private names included."""
    for node in ast.walk(tree(path)):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node.lineno
            case ast.arg():
                yield node.arg, node.lineno
            case ast.Name(ctx=ast.Store()):
                yield node.id, node.lineno
            case ast.Attribute(ctx=ast.Store()):
                yield node.attr, node.lineno
            case ast.ExceptHandler(name=str(name)):
                yield name, node.lineno
            case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
                yield name, node.lineno
            case _:
                pass


def _public(name: str) -> bool:
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def _offered(body: Iterable[ast.stmt]) -> Iterator[tuple[str, int]]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if _public(node.name):
                yield node.name, node.lineno
                yield from ((each.arg, each.lineno) for each in _parameters(node))
            case ast.ClassDef() if _public(node.name):
                yield from _offered(node.body)
                yield from _attributes(node)
            case ast.Assign() | ast.AnnAssign():
                yield from _assigned(node)
            case ast.If() | ast.Try() | ast.With():
                yield from _offered(node.body)
            case _:
                pass


def _parameters(node: _Function) -> Iterator[ast.arg]:
    args = node.args
    yield from (*args.posonlyargs, *args.args, *args.kwonlyargs)
    yield from (each for each in (args.vararg, args.kwarg) if each is not None)


def _assigned(node: ast.Assign | ast.AnnAssign) -> Iterator[tuple[str, int]]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    for target in targets:
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                yield name.id, node.lineno


def _attributes(cls: ast.ClassDef) -> Iterator[tuple[str, int]]:
    """What the methods of *cls* set on its objects."""
    for node in ast.walk(cls):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.ctx, ast.Store)
            and getattr(node.value, "id", "") == "self"
        ):
            yield node.attr, node.lineno
