"""docs/reference.md is what the code says, whole, and the same on every Python and machine."""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

import patter
from patter.errors import ErrorCode
from patter.plugins import hookspecs

from . import reference
from .api_markdown import entry
from .house import ROOT

PAGE = reference.PAGE.read_text(encoding="utf-8")
SOURCE = '''
from __future__ import annotations
import attrs
from typing import Protocol

@attrs.frozen(kw_only=True)
class Parrot:
    """Repeats ``words``. Raises CageError.

        >>> 1
        1
    """

    words: tuple[str, ...] | None = None
    """What it says,
    in order."""
    times: int
    mood: dict = attrs.field(factory=lambda: {"a": 1})
    _secret: str = attrs.field(default="", init=False)

    def repeat(self, text: str, /, *, loud: bool = False) -> str:
        """Say *text*."""

    def test_it_repeats(self) -> None: ...

class Cage(Protocol):
    size: int

    async def open(self, *keys: str, **more: int) -> None: ...

class CageError(Exception):
    """No cage."""
'''


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[types.ModuleType]:
    made = types.ModuleType("aviary")
    path = tmp_path / "aviary.py"
    path.write_text(SOURCE, encoding="utf-8")
    made.__file__ = str(path)
    monkeypatch.setitem(sys.modules, "aviary", made)
    exec(compile(SOURCE, path, "exec"), vars(made))
    yield made


def described(module: types.ModuleType, name: str) -> str:
    return entry(name, vars(module)[name], f"aviary.{name}", {"CageError": "aviary.CageError"})


# --- the page


def test_the_page_is_what_the_code_says() -> None:
    assert reference.generated() == PAGE, "run nox -s known"


@pytest.mark.parametrize("name", patter.__all__)
def test_every_public_name_has_an_entry(name: str) -> None:
    assert f"### `{name}`" in PAGE


def test_every_error_code_and_every_hook_stands_there() -> None:
    names = list(hookspecs.hooks())
    assert len(names) > 10
    assert not [name for name in names if f"### `{name}`" not in PAGE]
    assert not [code for code in ErrorCode if f"| `{code.name}` | `{code.value!r}` |" not in PAGE]


def test_every_module_for_writers_of_plugins_stands_there() -> None:
    modules = [each for name in reference.FOR_PLUGINS for each in reference.modules_of(name)]
    assert len(modules) > 8
    names = [
        f'<a id="{module.__name__}.{name}"></a>'
        for module in modules
        for name, _ in reference.defined_in(module)
    ]
    assert not [name for name in names if name not in PAGE]


def test_every_command_and_flag_stands_there() -> None:
    part = PAGE.split("## The command line")[1]
    for command in reference.commands():
        assert f"### `patter {command.name}`" in part
        for action in reference.actions(command):
            assert all(flag in part for flag in action.option_strings)


def test_a_link_within_the_page_leads_to_one_place() -> None:
    anchors = re.findall(r'<a id="([^"]+)"></a>', PAGE)
    assert len(set(anchors)) == len(anchors)
    links = set(re.findall(r"\]\(#([^)]+)\)", PAGE))
    assert links
    assert links <= set(anchors)


def test_nothing_of_this_machine_is_on_the_page() -> None:
    assert not re.findall(r"0x[0-9a-f]{6,}|<[a-z]+ at |site-packages", PAGE)
    assert str(ROOT) not in PAGE


# --- one entry


def test_a_value_has_its_fields_with_types_defaults_and_meanings(module: types.ModuleType) -> None:
    text = described(module, "Parrot")
    assert '<a id="aviary.Parrot"></a>' in text
    assert "| `words` | `tuple[str, ...] \\| None` | `None` | What it says, in order. |" in text
    assert "| `times` | `int` | required |  |" in text
    assert "| `mood` | `dict` | `{'a': 1}` |  |" in text
    assert "secret" not in text


def test_a_docstring_becomes_markdown_with_links_to_errors(module: types.ModuleType) -> None:
    text = described(module, "Parrot")
    assert "Repeats `words`. Raises [`CageError`](#aviary.CageError)." in text
    assert "```pycon\n>>> 1\n1\n```" in text


def test_a_method_has_its_signature_and_tests_have_none(module: types.ModuleType) -> None:
    text = described(module, "Parrot")
    assert "- `repeat(text: str, /, *, loud: bool = False) -> str`\n\n  Say *text*." in text
    assert "test_it_repeats" not in text


def test_a_protocol_says_what_it_is_and_what_it_wants(module: types.ModuleType) -> None:
    text = described(module, "Cage")
    assert "any object with these names conforms" in text
    assert "| `size` | `int` | required |" in text
    assert "- `async def open(*keys: str, **more: int) -> None`" in text
