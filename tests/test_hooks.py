"""The hooks: plain functions, documented, tested, and never taken back."""

from __future__ import annotations

import inspect
import json
import sys
import types
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from importlib_metadata import EntryPoint

from patter import Agent, PluginRegistry, ProviderSpec, hookimpl
from patter.errors import PluginError
from patter.phone.mcp_tools import McpTools
from patter.plugins import hookspecs
from patter.plugins.kinds import KINDS, Kind

from .house import CORE, ROOT

FROZEN = Path(__file__).parent / "data" / "hookspecs.json"
HOOKS: dict[str, Callable[..., object]] = hookspecs.hooks()
every_hook = pytest.mark.parametrize("name", HOOKS)


def arguments(name: str) -> list[str]:
    return list(inspect.signature(HOOKS[name]).parameters)


def result(name: str) -> str:
    return str(HOOKS[name].__annotations__["return"])


@pytest.mark.parametrize("name", json.loads(FROZEN.read_text()))
def test_a_hook_may_gain_arguments_and_lose_none(name: str) -> None:
    promised = json.loads(FROZEN.read_text())[name]
    assert name in HOOKS, "plugins of others implement it"
    assert arguments(name)[: len(promised)] == promised


@every_hook
def test_a_new_hook_is_written_down(name: str) -> None:
    assert json.loads(FROZEN.read_text()).get(name) == arguments(name)


@every_hook
def test_a_hook_is_a_plain_function(name: str) -> None:
    assert inspect.isfunction(HOOKS[name])
    assert not inspect.iscoroutinefunction(HOOKS[name])
    assert not inspect.isasyncgenfunction(HOOKS[name])


def test_every_kind_of_provider_has_its_hook() -> None:
    assert {kind.hook for kind in KINDS} <= set(HOOKS)


@every_hook
def test_a_hook_is_documented_word_for_word(name: str) -> None:
    signature = f"{name}({', '.join(arguments(name))}) -> {result(name)}"
    page = (ROOT / "docs" / "hooks.md").read_text(encoding="utf-8")
    assert f"### `{signature}`" in page
    assert str(inspect.getdoc(HOOKS[name])) in page


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_hook_builds_what_a_spec_names(kind: Kind[Any], plugin: types.ModuleType) -> None:
    asked: list[ProviderSpec] = []
    setattr(plugin, kind.hook, answering(kind.hook, asked))
    advertised = [EntryPoint("acme", plugin.__name__, kind.group)]
    registry = PluginRegistry.from_environment({}, source=advertised)
    with pytest.raises(PluginError, match="makes no acme"):
        registry.resolve(kind, "acme/one?two=3")
    assert [(spec.provider, spec.model) for spec in asked] == [("acme", "one")]


async def test_a_server_scope_surrounds_the_server(plugin: types.ModuleType) -> None:
    seen: list[object] = []

    @hookimpl
    def patter_server_scope(server: object) -> AbstractAsyncContextManager[None]:
        return scope(server)

    @asynccontextmanager
    async def scope(server: object) -> AsyncIterator[None]:
        seen.append(server)
        yield
        seen.append("left")

    plugin.patter_server_scope = patter_server_scope  # type: ignore[attr-defined]
    advertised = [EntryPoint("acme", plugin.__name__, "patter.extension")]
    registry = PluginRegistry.from_environment({}, source=advertised)
    registry.load_extensions()
    (entered,) = registry.server_scopes("the server")
    async with entered:
        assert seen == ["the server"]
    assert seen == ["the server", "left"]


async def test_sessions_with_mcp_servers_are_entered_when_a_phone_serves(
    plugin: types.ModuleType,
) -> None:
    seen: list[str] = []

    @hookimpl
    def patter_mcp_sessions() -> AbstractAsyncContextManager[None]:
        return sessions()

    @asynccontextmanager
    async def sessions() -> AsyncIterator[None]:
        seen.append("entered")
        yield
        seen.append("left")

    plugin.patter_mcp_sessions = patter_mcp_sessions  # type: ignore[attr-defined]
    advertised = [EntryPoint("acme", plugin.__name__, "patter.extension")]
    registry = PluginRegistry.from_environment({}, source=advertised)
    registry.load_extensions()
    tools = McpTools(registry)
    async with tools.open(Agent(system_prompt="Be brief.")):
        assert seen == ["entered"]
    assert seen == ["entered", "left"]


@pytest.mark.parametrize("name", sorted(set(HOOKS) - {kind.hook for kind in KINDS}))
def test_a_lifetime_hook_is_tested(name: str) -> None:
    tests = [Path(__file__), *(CORE / "tests").rglob("test_*.py")]
    assert any(f"def {name}(" in path.read_text(encoding="utf-8") for path in tests)


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A plugin's module, ready to be imported by name."""
    module = types.ModuleType("acme_plugin")
    module.PATTER_API = 1  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return module


def answering(name: str, asked: list[ProviderSpec]) -> Callable[..., None]:
    """An implementation of *name* that remembers what it was asked, and declines."""

    def answer(spec: ProviderSpec) -> None:
        asked.append(spec)

    answer.__name__ = name
    return hookimpl(answer)
