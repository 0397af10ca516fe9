"""Extensions add to calls and servers; one that fails hurts nobody else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from patter import PatterError, PluginRegistry
from patter.errors import PluginError, StartRefused
from patter.plugins.commands import Commands
from patter.plugins.kinds import VAD_KIND
from patter.providers.context import CallContext

if TYPE_CHECKING:
    from conftest import Shelf

CALL = CallContext(call_id="c1")
GOOD = """
    SEEN = []

    @hookimpl
    def patter_call_scope(call):
        @asynccontextmanager
        async def scope():
            SEEN.append(f"enter {call.call_id}")
            try:
                yield
            except ZeroDivisionError:
                SEEN.append("saw it")
                raise
            finally:
                SEEN.append("leave")
        return scope()

    @hookimpl
    def patter_call_listeners(call):
        return {"turn": SEEN.append}

    @hookimpl
    def patter_prices():
        return ["a price"]

    @hookimpl
    def patter_routes(server):
        from aiohttp import web
        async def hello(request):
            return web.Response(text=server)
        return [web.get("/hello", hello)]
"""
RAISING = """
    @hookimpl
    def patter_call_scope(call):
        raise RuntimeError("no scope")

    @hookimpl
    def patter_call_listeners(call):
        return ["not a mapping"]

    @hookimpl
    def patter_prices():
        raise RuntimeError("no prices")
"""


def loaded(shelf: Shelf, **environ: str) -> PluginRegistry:
    registry = shelf.registry(environ)
    registry.load_extensions()
    return registry


def test_a_failing_extension_is_logged_by_name_and_version_and_skipped(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.add("ext-bad", {"extension": "bad"}, RAISING, version="0.3")
    shelf.add("ext-good", {"extension": "good"}, GOOD)
    registry = loaded(shelf)
    assert len(registry.call_scopes(CALL)) == 1
    assert list(registry.call_listeners(CALL)) == ["turn"]
    assert registry.prices() == ["a price"]
    router = web.UrlDispatcher()
    registry.add_routes(router, "s")
    assert {each.canonical for each in router.resources()} == {"/hello"}
    assert "ext-bad 0.3 failed to make its scope and is skipped" in caplog.text
    assert "ext-bad 0.3 failed to listen and is skipped" in caplog.text
    assert "ext-bad 0.3 failed to tell prices and is skipped" in caplog.text


REFUSING = """
    from patter.errors import StartRefused

    @hookimpl
    def patter_routes(server):
        raise StartRefused("open to everybody", fix="a token")

    @hookimpl
    def patter_call_scope(call):
        raise StartRefused("not this call", fix="another")

    @hookimpl
    def patter_calls_erased(root, call_ids):
        (root / "erased").write_text(",".join(call_ids))
"""


def test_an_extension_may_refuse_a_start_and_never_a_call(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.add("ext-refuses", {"extension": "refuses"}, REFUSING)
    registry = loaded(shelf)
    with pytest.raises(StartRefused, match="open to everybody"):
        registry.add_routes(web.UrlDispatcher(), "s")
    assert registry.call_scopes(CALL) == []
    assert "failed to make its scope and is skipped" in caplog.text


def test_extensions_are_told_what_was_erased(shelf: Shelf, tmp_path: Path) -> None:
    shelf.add("ext-refuses", {"extension": "refuses"}, REFUSING)
    loaded(shelf).calls_erased(tmp_path, ["a", "b"])
    assert (tmp_path / "erased").read_text() == "a,b"


def test_an_extension_that_cannot_be_loaded_is_skipped(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.add("ext-bad", {"extension": "bad"}, "import no_such_module")
    shelf.add("ext-good", {"extension": "good"}, GOOD)
    assert len(loaded(shelf).call_scopes(CALL)) == 1
    assert "ext-bad 0.1 failed to load and is skipped" in caplog.text


def test_strict_plugins_turn_skips_into_failures(shelf: Shelf) -> None:
    shelf.add("ext-bad", {"extension": "bad"}, RAISING)
    registry = loaded(shelf, PATTER_STRICT_PLUGINS="1")
    with pytest.raises(PluginError, match=r"ext-bad 0.1 failed to make its scope: .*: no scope"):
        registry.call_scopes(CALL)
    with pytest.raises(PluginError, match="listeners are a mapping, not list"):
        registry.call_listeners(CALL)
    with pytest.raises(PluginError, match="no prices"):
        registry.prices()


def test_strict_loading_raises_what_is_wrong(shelf: Shelf) -> None:
    shelf.add("ext-bad", {"extension": "bad"}, "PATTER_API = 7")
    with pytest.raises(PatterError, match="is built for plugin API 7"):
        loaded(shelf, PATTER_STRICT_PLUGINS="1")


def test_a_hook_that_is_asked_plugin_by_plugin_cannot_be_wrapped(shelf: Shelf) -> None:
    code = "\n    @hookimpl(wrapper=True)\n    def patter_call_scope(call):\n        return (yield)"
    shelf.add("ext-bad", {"extension": "bad"}, code)
    with pytest.raises(PatterError, match="cannot be wrapped"):
        loaded(shelf, PATTER_STRICT_PLUGINS="1")


async def test_a_scope_surrounds_a_call(shelf: Shelf) -> None:
    shelf.add("ext-good", {"extension": "good"}, GOOD)
    (scope,) = loaded(shelf).call_scopes(CALL)
    async with scope:
        pass
    assert seen() == ["enter c1", "leave"]


async def test_a_scope_sees_the_calls_exception_and_cannot_keep_it(shelf: Shelf) -> None:
    shelf.add("ext-good", {"extension": "good"}, GOOD)
    (scope,) = loaded(shelf).call_scopes(CALL)
    with pytest.raises(ZeroDivisionError):
        async with scope:
            raise ZeroDivisionError
    assert seen() == ["enter c1", "saw it", "leave"]


def seen() -> list[str]:
    import ext_good  # type: ignore[import-not-found]

    found: list[str] = ext_good.SEEN
    return found


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise RuntimeError\n            yield", "enter"),
        ("yield\n            raise RuntimeError", "leave"),
        ("await asyncio.sleep(3600)\n            yield", "enter"),
    ],
)
async def test_a_scope_that_fails_or_hangs_does_not_hurt_the_call(
    shelf: Shelf, caplog: pytest.LogCaptureFixture, body: str, said: str
) -> None:
    code = f"""
    import asyncio
    @hookimpl
    def patter_call_scope(call):
        @asynccontextmanager
        async def scope():
            {body}
        return scope()
    """
    shelf.add("ext-bad", {"extension": "bad"}, code)
    (scope,) = loaded(shelf).call_scopes(CALL)
    scope.limit_s = 0.05
    ran = False
    async with scope:
        ran = True
    assert ran
    assert f"ext-bad 0.1 failed to {said} its scope and is skipped" in caplog.text


async def test_cancelling_a_call_is_not_swallowed_by_a_scope(shelf: Shelf) -> None:
    shelf.add("ext-good", {"extension": "good"}, GOOD)
    (scope,) = loaded(shelf).call_scopes(CALL)
    with pytest.raises(asyncio.CancelledError):
        async with scope:
            raise asyncio.CancelledError


def test_a_provider_plugins_own_failure_is_not_hidden(shelf: Shelf) -> None:
    shelf.add(
        "patter-p",
        {"vad": "p"},
        """
    @hookimpl
    def patter_vad(spec): ...

    @hookimpl
    def patter_call_scope(call):
        raise RuntimeError("mine")
    """,
    )
    registry = shelf.registry()
    registry.load(registry.catalogue.pick(VAD_KIND, "p"))
    with pytest.raises(PluginError, match=r"patter-p 0.1 failed to make its scope: .*: mine"):
        registry.call_scopes(CALL)


def test_extensions_add_commands(shelf: Shelf) -> None:
    shelf.add(
        "ext-cli",
        {"extension": "cli"},
        """
    from patter.plugins.commands import Command

    @hookimpl
    def patter_cli(commands):
        commands.add(Command("sing", "sing a song", lambda parser: None, lambda args: 0))
    """,
    )
    commands = Commands()
    loaded(shelf).cli(commands)
    assert [each.name for each in commands] == ["sing"]


GROUP = """
    import asyncio
    from contextvars import ContextVar

    WHO = ContextVar("who", default="nobody")
    SEEN = []

    async def fails():
        await asyncio.sleep(0.01)
        raise RuntimeError("in the middle")

    @hookimpl
    def patter_call_scope(call):
        @asynccontextmanager
        async def scope():
            token = WHO.set("the scope")
            try:
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task({task})
                    yield
            finally:
                WHO.reset(token)
                SEEN.append("left")
        return scope()
    """


async def test_a_task_of_a_scope_that_fails_costs_the_scope_and_not_the_call(
    shelf: Shelf, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.add("ext-bad", {"extension": "bad"}, GROUP.format(task="fails()"))
    (scope,) = loaded(shelf).call_scopes(CALL)
    async with scope:
        await asyncio.sleep(0.1)
        import ext_bad  # type: ignore[import-not-found]

        assert ext_bad.SEEN == ["left"], "it is over as soon as its task has failed"
        assert "ext-bad 0.1 failed to keep its scope" in caplog.text
        assert "in the middle" in caplog.text
    assert "failed to leave" not in caplog.text


async def test_a_strict_plugin_is_told_of_at_the_end(shelf: Shelf) -> None:
    shelf.add("ext-bad", {"extension": "bad"}, GROUP.format(task="fails()"))
    (scope,) = loaded(shelf, PATTER_STRICT_PLUGINS="1").call_scopes(CALL)
    ran = False
    with pytest.raises(PatterError, match="ext-bad"):
        async with scope:
            await asyncio.sleep(0.1)
            ran = True
    assert ran


async def test_what_a_scope_sets_for_the_call_holds_inside_and_not_behind(shelf: Shelf) -> None:
    shelf.add("ext-good", {"extension": "good"}, GROUP.format(task="asyncio.sleep(0)"))
    (scope,) = loaded(shelf).call_scopes(CALL)
    import ext_good

    async with scope:
        assert ext_good.WHO.get() == "the scope"
    assert ext_good.WHO.get() == "nobody"


async def test_a_call_that_is_cancelled_in_a_scope_leaves_it(shelf: Shelf) -> None:
    shelf.add("ext-good", {"extension": "good"}, GROUP.format(task="asyncio.sleep(0)"))
    (scope,) = loaded(shelf).call_scopes(CALL)

    async def call() -> None:
        async with scope:
            await asyncio.sleep(60)

    async with asyncio.TaskGroup() as tasks:
        calling = tasks.create_task(call())
        await asyncio.sleep(0.02)
        calling.cancel()
    import ext_good

    assert calling.cancelled() and ext_good.SEEN == ["left"]


@pytest.mark.parametrize("swallowed", ["()", "asyncio.CancelledError"])
async def test_nothing_of_a_scope_is_left_when_a_call_is_cancelled_while_it_is_entered(
    shelf: Shelf, swallowed: str
) -> None:
    code = """
    import asyncio
    from contextlib import suppress
    SEEN = []
    @hookimpl
    def patter_call_scope(call):
        @asynccontextmanager
        async def scope():
            try:
                with suppress({swallowed}):
                    await asyncio.sleep(60)
                yield
            finally:
                SEEN.append("gone")
        return scope()
    """
    shelf.add("ext-good", {"extension": "good"}, code.format(swallowed=swallowed))
    (scope,) = loaded(shelf).call_scopes(CALL)

    async def call() -> None:
        async with scope:
            raise AssertionError("it was never entered")

    before = asyncio.all_tasks()
    async with asyncio.TaskGroup() as tasks:
        calling = tasks.create_task(call())
        await asyncio.sleep(0.02)
        calling.cancel()
    import ext_good

    assert calling.cancelled() and ext_good.SEEN == ["gone"]
    assert asyncio.all_tasks() == before
