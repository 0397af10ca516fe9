"""What all suites share: rules on settings, and how to see that nothing was left behind."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NoReturn

import attrs
import pytest

from patter.errors import PatterError
from patter.plugins.spec import ProviderSpec
from patter.providers.context import CallContext
from patter.providers.traits import ProviderTraits

CLOSE_S = 1.0
"""How long closing and cancelling may take."""

ANSWER_S = 5.0
"""How long a vendor's double may take for anything else."""

STALL_S = 0.05
"""How long a vendor has stalled when it is left."""

_FDS = Path("/proc/self/fd")
_SECRET = re.compile(
    r"(?<!public_)(?<!cache_)key(?!_env)|token|secret|password|credential", re.IGNORECASE
)
"""A key of a cache is a name, and so is the variable that a key is in."""

SAMPLE = "hunter2-hunter2-hunter2"
"""A secret, to be looked for where none may be."""


class Suite:
    """A subclass may add tests; to differ from one it says so: ``xfail(reason=...)``."""

    def test_no_rule_is_silenced(self) -> None:
        """Every test of the suite runs as it was written.

        If this fails: rename your test, or mark the override ``@pytest.mark.xfail(reason=...)``.
        """
        for base in type(self).__mro__:
            if not base.__module__.startswith("patter_testing."):
                continue
            for name, rule in vars(base).items():
                if name.startswith("test_") and not _keeps(getattr(type(self), name), rule):
                    pytest.fail(f"{type(self).__name__} replaces {name} without xfail(reason=...)")


class ProviderSuite(Suite):
    """The rules on settings, whatever the kind.

    *hosts* of a provider are those it connects to; one that has some has a vendor that can
    fail, so the fixtures that show it failing must be given.
    """

    @pytest.fixture
    def provider(self) -> Any:
        """The provider on trial, talking to a double that behaves."""
        raise NotImplementedError("override the fixture 'provider' in your subclass")

    @pytest.fixture
    def call(self) -> CallContext:
        """The call it is opened for."""
        return CallContext(call_id="suite-1", caller="+15550100001", callee="+15550100002")

    @pytest.fixture
    def refused(self, provider: Any) -> Any:
        """The same provider, whose vendor refuses it (a wrong key, say)."""
        needs_vendor(provider, "refused")

    @pytest.fixture
    def cut_off(self, provider: Any) -> Any:
        """The same provider, whose vendor closes the connection in the middle."""
        needs_vendor(provider, "cut_off")

    @pytest.fixture
    def garbage(self, provider: Any) -> Any:
        """The same provider, whose vendor answers with garbage."""
        needs_vendor(provider, "garbage")

    @pytest.fixture
    def mute(self, provider: Any) -> Any:
        """The same provider, whose vendor accepts and then says nothing at all."""
        needs_vendor(provider, "mute")

    def test_a_secret_is_never_printed(self, provider: Any) -> None:
        """Keys and tokens stay out of repr, and so out of logs.

        If this fails: give the field ``attrs.field(repr=False)``.
        """
        for name in secrets(provider):
            shown = repr(_with(provider, name, SAMPLE))
            assert SAMPLE not in shown, f"repr shows {name}"

    def test_settings_cannot_be_changed(self, provider: Any) -> None:
        """One provider serves all calls at once, so no call may alter it.

        If this fails: decorate the class with ``@attrs.frozen(kw_only=True)``.
        """
        for name in settings_of(provider):
            with pytest.raises((AttributeError, TypeError)):
                setattr(provider, name, getattr(provider, name))

    def test_settings_survive_being_written_as_text(self, provider: Any) -> None:
        """An option given in a spec string means the same as one given in Python.

        If this fails: give the field a converter that reads text (``converter=int``).
        """
        for name, value in settings_of(provider).items():
            if isinstance(value, str | int | float) and not _is_hidden(provider, name):
                spec = ProviderSpec("x", options={name: _text(value)})
                read = ProviderSpec.parse(str(spec)).options[name]
                rebuilt = getattr(_with(provider, name, read), _attribute(provider, name))
                assert rebuilt == value, f"{name}={read!r} became {rebuilt!r}, not {value!r}"


def has_fix(error: BaseException) -> None:
    """Fail unless *error* is one a user can act on."""
    assert isinstance(error, PatterError), f"{error!r} is not a PatterError"
    assert error.fix.strip(), f"{error!r} has no fix"
    assert error.message.strip(), f"{type(error).__name__} says nothing"


@asynccontextmanager
async def within(seconds: float, what: str) -> AsyncIterator[None]:
    """Fail with *what* when the body takes longer; its own TimeoutErrors pass through."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            yield
    except TimeoutError:
        if not limit.expired():
            raise
        pytest.fail(f"{what} took longer than {seconds:g} s", pytrace=False)


@asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """Fail when the body leaves a task or a socket behind, a second after its end."""
    tasks, sockets = asyncio.all_tasks(), _sockets()
    yield
    loop = asyncio.get_running_loop()
    deadline = loop.time() + CLOSE_S
    while loop.time() < deadline and (asyncio.all_tasks() - tasks or _sockets() - sockets):  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    left = sorted(task.get_name() for task in asyncio.all_tasks() - tasks)
    assert not left, f"tasks left running: {left}"
    assert not _sockets() - sockets, "a socket was left open"


@asynccontextmanager
async def cancelled(
    work: Callable[[asyncio.Event], Any], what: str = "getting to work"
) -> AsyncIterator[None]:
    """Start *work*, cancel it once it set its event (*what*), and see that it ends in time."""
    begun = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(work(begun), name="suite-work")
        async with within(ANSWER_S, what):
            waiting = tasks.create_task(begun.wait())
            await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
        task.cancel()
        _, late = await asyncio.wait({task}, timeout=CLOSE_S)
        if late:
            pytest.fail(f"still busy {CLOSE_S:g} s after being cancelled", pytrace=False)
        yield


def _sockets() -> set[str]:
    if not _FDS.exists():
        return set()
    return {link for fd in _FDS.iterdir() if (link := _target(fd)).startswith("socket:")}


def _target(fd: Path) -> str:
    try:
        return str(fd.readlink())
    except OSError:  # the directory listing's own descriptor is gone again
        return ""


def needs_vendor(provider: object, what: str, kind: str = "fixture") -> NoReturn:
    """Fail for want of *what* a vendor needs, or skip: the provider has none."""
    if hosts := ProviderTraits.of(provider).hosts:
        pytest.fail(f"it talks to {', '.join(hosts)}: override the {kind} {what!r}")
    pytest.skip("it has no vendor that could fail (no 'hosts')")


def _keeps(mine: object, rule: object) -> bool:
    marks = getattr(mine, "pytestmark", ())
    return mine is rule or any(m.name == "xfail" and m.kwargs.get("reason") for m in marks)


def settings_of(provider: Any) -> dict[str, Any]:
    """Settings by the name they are given with."""
    if not attrs.has(type(provider)):
        return {}
    settable = (field for field in attrs.fields(type(provider)) if field.init)
    return {field.alias or field.name: getattr(provider, field.name) for field in settable}


def secrets(provider: Any) -> list[str]:
    """Settings that are keys, tokens and the like, by their names."""
    settings = settings_of(provider).items()
    return [name for name, value in settings if isinstance(value, str) and _SECRET.search(name)]


def _attribute(provider: Any, alias: str) -> str:
    fields = attrs.fields(type(provider))
    return str(next(field.name for field in fields if alias in (field.alias, field.name)))


def _is_hidden(provider: Any, alias: str) -> bool:
    return getattr(attrs.fields(type(provider)), _attribute(provider, alias)).repr is False


def _with(provider: Any, alias: str, value: object) -> Any:
    return attrs.evolve(provider, **{alias: value})


def _text(value: str | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
