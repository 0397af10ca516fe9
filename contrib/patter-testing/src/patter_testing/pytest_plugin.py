"""A pytest plugin: runs ``async def`` tests and fixtures, and keeps tests on this machine.

Switched on with ``-p patter_testing.pytest_plugin``; nothing loads it by itself. A test shares its
event loop with its async fixtures and nothing else, and must leave no task behind.
"""

from __future__ import annotations

import functools
import importlib.util
import inspect
import sys
from collections.abc import Callable, Generator
from typing import Any

import pytest

from patter_testing.loopback import refuse_the_network
from patter_testing.running import TestLoop

_PASSED = pytest.StashKey[bool]()
_LOOP = pytest.StashKey[TestLoop]()
_OURS = "patter_testing."
_SUITES = f"{_OURS}suites"
_MARKERS = (
    "live: talks to the real vendor and needs its keys; skipped without --live",
    "slow: takes more than a few seconds",
    "virtual_time: runs an async test on a loop whose waits take no time (VirtualLoop)",
    "patter_timeout(seconds): how long this async test may take, instead of the ini setting",
)

if _SUITES not in sys.modules:
    pytest.register_assert_rewrite(_SUITES)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("patter_test_timeout", "seconds one async test may take", default="10")
    group = parser.getgroup("patter")
    group.addoption("--live", action="store_true", help="run tests that talk to real vendors")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    for marker in _MARKERS:
        config.addinivalue_line("markers", marker)
    if importlib.util.find_spec("hypothesis"):
        _set_up_hypothesis()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--live"):
        return
    skip = pytest.mark.skip(reason="talks to a real vendor: run with --live")
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Generator[None, Any, Any]:
    with refuse_the_network(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    with refuse_the_network(item):
        result = yield
    item.stash[_PASSED] = True
    return result


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, Any, Any]:
    with refuse_the_network(item):
        try:
            result = yield
        except BaseException:
            _close(item, check=False)
            raise
        _close(item, check=item.stash.get(_PASSED, False))
        return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Add the rule to the report of a suite's test that failed without showing it."""
    report = yield
    rule = _rule(item)
    if report.when == "call" and report.failed and not _shows(report.longreprtext, rule):
        if hasattr(report.longrepr, "addsection"):
            report.longrepr.addsection("the rule", rule)
        else:
            report.longrepr = f"{report.longreprtext}\n\n{rule}"
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    test = pyfuncitem.obj
    if inner := _inner_coroutine(test):
        test.hypothesis.inner_test = _made_sync(pyfuncitem, inner)
        return None
    if not inspect.iscoroutinefunction(test):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in _argnames(pyfuncitem)}
    _loop_of(pyfuncitem).run_test(functools.partial(test, **arguments))
    return True


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> Generator[None, Any, Any]:
    original = fixturedef.func
    if not (inspect.iscoroutinefunction(original) or inspect.isasyncgenfunction(original)):
        return (yield)
    if fixturedef.scope != "function":
        pytest.fail(
            f"async fixture {fixturedef.argname!r} has scope {fixturedef.scope!r}; its loop lives"
            " for one test, so only scope='function' works",
            pytrace=False,
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fixturedef, "func", _sync_fixture(original, request))
        return (yield)


def _sync_fixture(original: Callable[..., Any], request: pytest.FixtureRequest) -> Any:
    """A plain fixture function that does the same on the test's loop."""
    bound, loop = _bound(original, request.instance), _loop_of(request.node)

    def fixture(**arguments: Any) -> Any:
        if inspect.iscoroutinefunction(original):
            return loop.run_fixture(functools.partial(bound, **arguments))
        value, finish = loop.enter_fixture(bound(**arguments))
        request.addfinalizer(finish)
        return value

    return fixture


def _rule(item: pytest.Item) -> str:
    """What a suite's test demands, and what to do if it fails; nothing of other tests."""
    test = getattr(item, "function", None)
    owned = getattr(test, "__module__", "").startswith(_OURS)
    return inspect.getdoc(test) or "" if owned else ""


def _shows(text: str, rule: str) -> bool:
    return all(line.strip() in text for line in rule.splitlines())


def _bound(function: Any, instance: object) -> Any:
    """The fixture as a method of the test's own instance, as pytest binds plain fixtures."""
    owner = getattr(function, "__self__", None)
    if instance is None or owner is None or not isinstance(instance, type(owner)):
        return function
    return function.__func__.__get__(instance)


def _inner_coroutine(test: Any) -> Callable[..., Any] | None:
    """The coroutine function below hypothesis's ``@given``, if that is what *test* is."""
    if not getattr(test, "is_hypothesis_test", False):
        return None
    inner: Callable[..., Any] = test.hypothesis.inner_test
    return inner if inspect.iscoroutinefunction(inner) else None


def _made_sync(item: pytest.Item, inner: Callable[..., Any]) -> Callable[..., None]:
    @functools.wraps(inner)
    def one_example(*args: Any, **kwargs: Any) -> None:
        _loop_of(item).run_test(functools.partial(inner, *args, **kwargs))

    one_example.__dict__.pop("__wrapped__", None)
    return one_example


def _argnames(item: pytest.Function) -> tuple[str, ...]:
    return item._fixtureinfo.argnames


def _loop_of(item: Any) -> TestLoop:
    loop: TestLoop | None = item.stash.get(_LOOP, None)
    if loop is None:
        marker = item.get_closest_marker("patter_timeout")
        seconds = marker.args[0] if marker else item.config.getini("patter_test_timeout")
        virtual = item.get_closest_marker("virtual_time") is not None
        loop = item.stash[_LOOP] = TestLoop(float(seconds), virtual)
    return loop


def _close(item: pytest.Item, *, check: bool) -> None:
    if (loop := item.stash.get(_LOOP, None)) is None:
        return
    del item.stash[_LOOP]
    try:
        if check:
            loop.check_nothing_left()
    finally:
        loop.close()


def _set_up_hypothesis() -> None:
    """A busy machine is slow, not wrong: examples have no deadline, the long profile a name."""
    from hypothesis import settings

    settings.register_profile("patter", deadline=None)
    settings.register_profile("nightly", deadline=None, max_examples=3_000)
    settings.load_profile("patter")
