"""The pages are true: their code runs, their links resolve, their tables are what is."""

from __future__ import annotations

import ast
import doctest
import inspect
import os
import re
import runpy
import subprocess
import sys
import types
from collections.abc import Iterator
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter import env, errors
from patter.cli.exits import STATUS
from patter.cli.parser import BUILT_IN
from patter.errors import ErrorCode
from patter.plugins import known
from patter.plugins.catalogue import DOUBLE, EXTENSION
from patter.plugins.kinds import KINDS, kind_names
from patter_testing import run_virtual, without_keys

from .house import ROOT, dotted, here, packages, sources

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
GUIDES = [package.folder / "README.md" for package in packages()]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?!https?:|#)([^)#\s]+)(#[\w-]+)?\)")
VERBS = {*BUILT_IN, *known.COMMANDS}
SIMULATED = {"index.md", "coming-from.md", README.name}
"""Pages whose vendors need keys, and are doubles here."""
FOLD = 45
AGENT_LINES = 12
COMMANDS = (
    'python3 -m venv .venv && .venv/bin/pip install -q "nox[uv]" && .venv/bin/nox -s demo',
    'python3 -m venv .venv && .venv/bin/pip install -q "nox[uv]" && .venv/bin/nox',
)


@attrs.frozen
class Block:
    """A fenced block of a page, and the line it starts on."""

    page: Path
    language: str
    text: str
    line: int


def blocks(page: Path, language: str) -> Iterator[Block]:
    text = page.read_text(encoding="utf-8")
    for found in BLOCK.finditer(text):
        if found[1] == language:
            yield Block(page, language, found[2], text.count("\n", 0, found.start()) + 2)


def with_code(pages: list[Path]) -> list[Path]:
    """Those with blocks; each block of the tutorial is a file, which test_tutorial runs."""
    return [page for page in pages if page.stem != "tutorial" and any(blocks(page, "python"))]


def execute(block: Block, module: types.ModuleType) -> None:
    """Run *block* as part of *module*; tracebacks tell the line of the page."""
    code = ast.increment_lineno(ast.parse(block.text), block.line - 1)
    exec(compile(code, str(block.page), "exec"), vars(module))


def run_tests_of(module: types.ModuleType) -> None:
    """Run the tests a page shows."""
    for name, test in list(vars(module).items()):
        if name.startswith("test_") and inspect.iscoroutinefunction(test):
            run_virtual(test())
        elif name.startswith("test_") and inspect.isfunction(test):
            test()


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> types.ModuleType:
    """Where the blocks of one page run, one after the other."""
    made = types.ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", made)
    monkeypatch.chdir(tmp_path)
    return made


@pytest.mark.parametrize("page", with_code([*PAGES, *GUIDES]), ids=here)
def test_the_code_of_a_page_runs(
    page: Path, module: types.ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendors = page.name in SIMULATED and page not in GUIDES
    # A page that says to save a block as bistro.py imports it in a later one.
    monkeypatch.setitem(sys.modules, "bistro", module)
    with without_keys(carrier=False) if vendors else nullcontext():
        for block in blocks(page, "python"):
            # The README's test is a file of its own: `test_the_test_of_the_readme_passes...`.
            if "from bistro import" not in block.text:
                execute(block, module)
        run_tests_of(module)


@pytest.mark.parametrize("page", [*PAGES, *GUIDES], ids=here)
def test_a_link_leads_somewhere(page: Path) -> None:
    wrong = [
        found[1]
        for found in LINK.finditer(page.read_text(encoding="utf-8"))
        if not (page.parent / found[1]).exists()
    ]
    assert not wrong


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert not [p.name for p in PAGES[1:] if p.stem != "index" and f"({p.name})" not in index]


def test_the_readme_has_both_commands_and_the_agent_above_the_fold() -> None:
    text = README.read_text(encoding="utf-8")
    fold = "\n".join(text.splitlines()[:FOLD])
    agent = next(blocks(README, "python")).text
    assert len([line for line in agent.splitlines() if line.strip()]) <= AGENT_LINES
    assert [line for block in blocks(README, "sh") for line in [block.text.strip()]][:2] == list(
        COMMANDS
    )
    assert all(part in fold for part in (*COMMANDS, agent))
    assert text.count("\n") <= 150


@pytest.mark.patter_timeout(120)
def test_the_test_of_the_readme_passes_under_plain_pytest_without_a_key(tmp_path: Path) -> None:
    agent, test = (each.text for each in blocks(README, "python"))
    (tmp_path / "bistro.py").write_text(agent, encoding="utf-8")
    (tmp_path / "test_bistro.py").write_text(test, encoding="utf-8")
    keys = ("_API_KEY", "_SID", "_TOKEN", "_AUTH_ID")
    bare = {name: value for name, value in os.environ.items() if not name.endswith(keys)}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    ran = subprocess.run(
        command, cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=100
    )
    assert ran.returncode == 0 and "1 passed" in ran.stdout, ran.stdout[-2_000:]


def test_what_judges_a_commit_is_the_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert COMMANDS[1] in script.splitlines()


def test_the_index_starts_as_the_readme_does() -> None:
    index = ROOT / "docs" / "index.md"
    assert next(blocks(index, "python")).text == next(blocks(README, "python")).text
    assert index.read_text().splitlines()[:3] == README.read_text().splitlines()[:3]


def test_the_readme_lists_the_providers_there_are() -> None:
    generator: dict[str, Any] = runpy.run_path(str(Path(__file__).with_name("readme.py")))
    text = README.read_text(encoding="utf-8")
    assert generator["with_providers"](text) == text, "run nox -s known"


@pytest.mark.parametrize("code", ErrorCode)
def test_every_error_code_is_explained(code: ErrorCode) -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    row = next(line for line in page.splitlines() if line.startswith(f"| `{code}` |"))
    *_, name, status, _ = (part.strip(" `") for part in row.split("|"))
    assert getattr(errors, name).code == code
    assert int(status) == STATUS[code]


def test_a_page_names_only_modules_and_classes_that_exist() -> None:
    named = re.compile(r"`(patter(?:\.\w+)+)`")
    groups = {f"patter.{kind}" for kind in (*kind_names(), EXTENSION, DOUBLE)}
    wrong = [
        f"{here(page)}: {name}"
        for page in PAGES
        for name in named.findall(page.read_text(encoding="utf-8"))
        if name not in groups and not exists(name)
    ]
    assert not wrong


def exists(dotted_name: str) -> bool:
    """Is *dotted_name* a module, or something in one?"""
    parts = dotted_name.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        return all((found := getattr(found, part, None)) is not None for part in parts[cut:])
    return False


def with_examples() -> list[Path]:
    return [path for path in sources() if ">>> " in path.read_text(encoding="utf-8")]


@pytest.mark.parametrize("path", with_examples(), ids=here)
def test_the_examples_of_a_docstring_run(path: Path) -> None:
    found = doctest.testmod(import_module(dotted(path)))
    assert found.attempted
    assert not found.failed


def test_the_variables_that_are_read_are_the_ones_that_are_explained() -> None:
    variable = re.compile(r"\bPATTER_[A-Z]+(?:_[A-Z]+)+\b")
    read = {name for path in sources() for name in variable.findall(path.read_text("utf-8"))}
    told = {name for page in PAGES for name in variable.findall(page.read_text("utf-8"))}
    assert told - {"PATTER_PYTHONS"} == read


def test_the_variables_that_are_read_are_the_ones_that_doctor_knows() -> None:
    variable = re.compile(rf"\b{env.PREFIX}[A-Z]+(?:_[A-Z]+)+\b")
    texts = [path.read_text("utf-8") for path in sources() if dotted(path) != "patter.env"]
    assert {name for text in texts for name in variable.findall(text)} == env.VARIABLES


def test_only_verbs_that_exist_are_named() -> None:
    scripts = [path for package in packages() for path in package.source.rglob("*.js")]
    named = re.compile(r"(?:`|: )patter ([a-z]+)\b")
    found = {
        (verb, here(path))
        for path in (*PAGES, *GUIDES, *sources(), *scripts)
        for verb in named.findall(path.read_text("utf-8"))
    }
    assert {verb for verb, _ in found} > {"doctor", "plugins"}
    assert [(verb, place) for verb, place in found if verb not in VERBS] == []


def test_the_call_that_the_readme_shows_adds_up() -> None:
    shown = next(blocks(README, "text")).text
    latencies = re.findall(r"latency (\d+) = (.*(?:\n +\+ .*)*)", shown)
    assert latencies
    for latency, stages in latencies:
        assert int(latency) == sum(map(int, re.findall(r" (\d+)", f" {stages}")))


def test_every_trait_of_a_provider_is_in_the_guide_with_its_default() -> None:
    page = (ROOT / "docs" / "writing-a-plugin.md").read_text(encoding="utf-8")
    for kind in KINDS:
        for field in attrs.fields(kind.traits_class):
            row = re.search(rf"^\| `{field.name}` \| (?:all|{kind}) \| .* \| (.*) \|$", page, re.M)
            assert row, f"{field.name} of {kind}"
            default = '""' if field.default == "" else str(field.default)
            assert row[1] in (f"`{default}`", "its class"), field.name
