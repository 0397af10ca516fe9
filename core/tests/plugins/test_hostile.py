"""Plugins that exit, hang or interrupt: each is a failure with a name, and of nothing else."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from aiohttp import ClientSession, web

from patter import PluginRegistry
from patter.errors import PatterConfigError, PluginError
from patter.plugins.kinds import STT_KIND
from patter.providers.context import CallContext
from patter_testing import site

if TYPE_CHECKING:
    from conftest import Shelf

CALL = CallContext(call_id="c1")
LIMIT_S = 20
STRANGE = [
    ("import sys; sys.exit(0)", "it tried to exit with 0"),
    ("raise KeyboardInterrupt", "it raised KeyboardInterrupt"),
    ("raise type('Own', (BaseException,), {})", "it raised Own"),
    ("raise GeneratorExit", "it raised GeneratorExit"),
    ("import asyncio; raise asyncio.CancelledError", "it raised CancelledError"),
]
strange = pytest.mark.parametrize(("code", "words"), STRANGE, ids=[each for _, each in STRANGE])
QUICK = {"PATTER_PLUGINS_LIMIT_S": "0.3"}
ROUTE = """
    from aiohttp import web

    async def handler(request):
        {code}

    @hookimpl
    def patter_routes(server):
        return [{routes}]
"""


def loaded(shelf: Shelf, **environ: str) -> PluginRegistry:
    registry = shelf.registry(environ)
    registry.load_extensions()
    return registry


@strange
def test_what_an_import_raises_is_the_failure_of_its_plugin(
    shelf: Shelf, caplog: pytest.LogCaptureFixture, code: str, words: str
) -> None:
    shelf.add("ext-bad", {"extension": "bad"}, code)
    shelf.add("acme-x", {"stt": "acme"}, code)
    with pytest.raises(PluginError, match=f"ext-bad 0.1 cannot be imported: {words}") as caught:
        loaded(shelf, PATTER_STRICT_PLUGINS="1")
    assert caught.value.fix == "PATTER_DISABLE_PLUGINS=ext-bad"
    with pytest.raises(PluginError, match=f"acme-x 0.1 cannot be imported: {words}") as caught:
        shelf.registry().resolve(STT_KIND, "acme")
    assert caught.value.fix == "pip install --upgrade acme-x, or tell its authors"
    registry = loaded(shelf)
    registry.load_extensions()
    assert caplog.text.count("ext-bad 0.1 failed to load and is skipped") == 1


@pytest.mark.parametrize("kind", ["extension", "stt"])
def test_an_import_that_does_not_end_is_given_up_once(shelf: Shelf, kind: str) -> None:
    name = f"slow-{kind}"
    shelf.add(name, {kind: "slow"}, "import threading; threading.Event().wait(5)")
    (candidate,) = shelf.registry().catalogue.advertised
    began = time.monotonic()
    for _ in range(2):
        with pytest.raises(PluginError) as caught:
            shelf.registry(QUICK).load(candidate)
        assert caught.value.message == f"{name} 0.1 cannot be imported: it took longer than 0.3 s"
        assert "PATTER_PLUGINS_LIMIT_S" in caught.value.fix
    assert 0.3 <= time.monotonic() - began < 0.5


async def test_the_loop_goes_on_while_extensions_are_imported(shelf: Shelf) -> None:
    shelf.add("ext-slow", {"extension": "slow"}, "import threading; threading.Event().wait(5)")
    registry = shelf.registry(QUICK)
    async with asyncio.TaskGroup() as tasks:
        importing = tasks.create_task(registry.import_extensions())
        ticks = 0
        while not importing.done():
            await asyncio.sleep(0.01)
            ticks += 1
    assert ticks > 10
    began = time.monotonic()
    registry.load_extensions()
    assert time.monotonic() - began < 0.1


def test_a_plugin_is_of_the_package_that_asks_for_it_at_import(shelf: Shelf) -> None:
    (shelf.site / "bistro").mkdir()
    (shelf.site / "bistro" / "__init__.py").write_text("import asking\nasking.ask()\n")
    (shelf.site / "bistro" / "plugin.py").write_text(
        "import bistro\nPATTER_API = 1\ndef patter_stt(): ...\n"
    )
    shelf.add("acme-b", {"stt": "own"}, "")
    entry_points = next(shelf.site.glob("acme_b*.dist-info")) / "entry_points.txt"
    entry_points.write_text("[patter.stt]\nown = bistro.plugin\n")
    registry = shelf.registry({"PATTER_PLUGINS_LIMIT_S": "2"})
    (candidate,) = registry.catalogue.advertised
    asking = type(sys)("asking")
    asking.ask = lambda: registry.load(candidate)  # type: ignore[attr-defined]
    sys.modules["asking"] = asking
    try:
        import bistro  # type: ignore[import-not-found]
    finally:
        del sys.modules["asking"]
    assert bistro.plugin.PATTER_API == 1


@pytest.mark.parametrize("text", ["soon", "0", "-1", "601", "nan"])
def test_a_limit_that_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(PatterConfigError, match="PATTER_PLUGINS_LIMIT_S"):
        PluginRegistry.from_environment({"PATTER_PLUGINS_LIMIT_S": text}, source=[])


@strange
async def test_what_a_hook_raises_is_the_failure_of_its_plugin(
    shelf: Shelf, caplog: pytest.LogCaptureFixture, code: str, words: str
) -> None:
    hooks = {"patter_prices": "", "patter_call_scope": "call", "patter_call_listeners": "call"}
    bodies = (
        f"\n    @hookimpl\n    def {hook}({argument}):\n        {code}\n"
        for hook, argument in hooks.items()
    )
    shelf.add("ext-bad", {"extension": "bad"}, "".join(bodies))
    registry = loaded(shelf)
    assert registry.prices() == []
    assert registry.call_scopes(CALL) == []
    assert registry.call_listeners(CALL) == {}
    for doing in ("tell prices", "make its scope", "listen"):
        assert f"ext-bad 0.1 failed to {doing} and is skipped" in caplog.text
    assert caplog.text.count(words) >= 3


@strange
def test_what_a_factory_raises_is_the_failure_of_its_plugin(
    shelf: Shelf, code: str, words: str
) -> None:
    shelf.add("acme-x", {"stt": "x"}, f"\n    @hookimpl\n    def patter_stt(spec):\n        {code}")
    with pytest.raises(PluginError, match=f"acme-x 0.1 failed to make x stt: {words}"):
        shelf.registry().resolve(STT_KIND, "x")


@strange
@pytest.mark.parametrize("when", ["enter", "leave"])
async def test_what_a_scope_raises_is_the_failure_of_its_plugin(
    shelf: Shelf, caplog: pytest.LogCaptureFixture, code: str, words: str, when: str
) -> None:
    before, after = (code, "pass") if when == "enter" else ("pass", code)
    shelf.add(
        "ext-bad",
        {"extension": "bad"},
        f"""
    @hookimpl
    def patter_call_scope(call):
        @asynccontextmanager
        async def scope():
            {before}
            yield
            {after}
        return scope()
    """,
    )
    (scope,) = loaded(shelf).call_scopes(CALL)
    async with scope:
        pass
    assert f"ext-bad 0.1 failed to {when} its scope and is skipped" in caplog.text
    assert words in caplog.text or "async generator raised" in caplog.text


@pytest.mark.parametrize(
    ("routes", "words"),
    [
        ("'no route'", "is not a route"),
        ("web.get('nowhere', handler)", "path should be started with /"),
        ("web.get('/hello', lambda request: None)", "handler"),
        ("web.get('/fine', handler), web.get('/health', handler)", "GET /health is taken already"),
        ("web.get('/fine', handler), web.get('/fine', handler)", "already registered"),
    ],
)
def test_of_wrong_routes_none_is_added_and_the_others_are(
    shelf: Shelf, caplog: pytest.LogCaptureFixture, routes: str, words: str
) -> None:
    shelf.add("ext-bad", {"extension": "bad"}, ROUTE.format(code="...", routes=routes))
    good = "web.get('/good', handler)"
    shelf.add("ext-good", {"extension": "good"}, ROUTE.format(code="...", routes=good))
    app = web.Application()
    app.router.add_get("/health", _health)
    loaded(shelf).add_routes(app.router, None)
    assert {each.canonical for each in app.router.resources()} == {"/health", "/good"}
    assert "ext-bad 0.1 failed to add routes and is skipped" in caplog.text
    assert words in caplog.text


@strange
async def test_a_handler_cannot_end_the_server(
    shelf: Shelf, caplog: pytest.LogCaptureFixture, code: str, words: str
) -> None:
    routes = "web.get('/boom', handler)"
    shelf.add("ext-bad", {"extension": "bad"}, ROUTE.format(code=code, routes=routes))
    app = web.Application()
    app.router.add_get("/health", _health)
    loaded(shelf).add_routes(app.router, None)
    async with site(app) as url, ClientSession() as client:
        async with client.get(f"{url}/boom") as answer:
            assert answer.status == 500
        async with client.get(f"{url}/health") as answer:
            assert await answer.text() == "well"
    assert f"ext-bad 0.1 failed to answer GET /boom: {words}" in caplog.text


def test_ctrl_c_in_a_hook_is_no_failure_of_its_plugin(shelf: Shelf) -> None:
    hook = "\n    @hookimpl\n    def patter_prices():\n        import time\n        print('asked', "
    shelf.add("ext-slow", {"extension": "slow"}, f"{hook}flush=True)\n        time.sleep(15)")
    asks = "from patter import *; r = PluginRegistry.from_environment({'PATTER_ONLY_PLUGINS': "
    asks += "'slow'}); r.load_extensions(); r.prices(); print('went on')"
    command = [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(shelf.site)!r}); {asks}"]
    with subprocess.Popen(command, stdout=-1, stderr=-1, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "asked\n"
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LIMIT_S)
    assert process.returncode == -signal.SIGINT, err
    assert out == ""
    assert "KeyboardInterrupt" in err


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="well")
