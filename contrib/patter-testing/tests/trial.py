"""Puts a provider that breaks a rule before the suite's test of that rule."""

from __future__ import annotations

import functools
import inspect
import traceback
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from importlib import import_module
from typing import Any

import pytest

from patter.providers.context import CallContext
from patter_testing.running import TestLoop
from patter_testing.switchboard import FakeSwitchboard, serving

CALL = CallContext(call_id="trial")
PATIENCE_S = 1.0
STAY_S = 0.5
"""How long culprits linger; more than the rules allow in a trial."""


ON_WIRE = (1.5, 1.0)
"""Seconds for an answer and for closing, where real sockets are opened."""


def convicted(suite: Any, rule: str, **given: Any) -> bool:
    """Does the test *rule* of *suite* fail for the fixtures *given*? More as for `verdict`."""
    return bool(verdict(suite, rule, **given))


def verdict(
    suite: Any,
    rule: str,
    *,
    lenient: bool = False,
    limits: tuple[float, float] = (0.4, 0.2),
    opens: Callable[[], AbstractAsyncContextManager[Any]] | None = None,
    **given: Any,
) -> str:
    """Why the test *rule* of *suite* fails for the fixtures *given*; "" if it passes.

    *limits* are ANSWER_S and CLOSE_S of the rules. *opens* gives the provider, for as long as
    the test runs.
    """
    with pytest.MonkeyPatch.context() as patch:
        for name in (
            "rules",
            "vendor",
            "readiness",
            "stt",
            "tts",
            "llm",
            "carrier",
            "tunnel",
            "guardrail",
            "turn_detector",
            "audio_filter",
        ):
            module = import_module(f"patter_testing.suites.{name}")
            for limit, seconds in zip(("ANSWER_S", "CLOSE_S"), limits, strict=True):
                if not lenient and hasattr(module, limit):
                    patch.setattr(module, limit, seconds)
        return _fails(
            getattr(suite, rule), given, 40.0 if opens else 10.0 if lenient else PATIENCE_S, opens
        )


def _fails(test: Any, given: dict[str, Any], patience_s: float, opens: Any = None) -> str:
    wanted = inspect.signature(test).parameters
    arguments = {name: value for name, value in given.items() if name in wanted}
    if "call" in wanted:
        arguments.setdefault("call", CALL)
    loop = TestLoop(patience_s)
    try:
        if not inspect.iscoroutinefunction(test):
            test(**arguments)
        elif opens:
            loop.run_test(functools.partial(_opened, test, opens, arguments))
        elif "base_url" in wanted:
            loop.run_test(functools.partial(_served, test, arguments))
        else:
            loop.run_test(functools.partial(test, **arguments))
    except pytest.skip.Exception:
        return ""
    except (Exception, pytest.fail.Exception, BaseExceptionGroup) as failure:
        return "".join(traceback.format_exception(failure))
    finally:
        loop.close()
    return ""


async def _opened(test: Any, opens: Any, arguments: dict[str, Any]) -> None:
    async with opens() as provider:
        await test(provider=provider, **arguments)


async def _served(test: Any, arguments: dict[str, Any]) -> None:
    switchboard = FakeSwitchboard()
    provider = arguments["provider"]
    if "switchboard" in inspect.signature(test).parameters:
        arguments["switchboard"] = switchboard
    async with serving(provider, switchboard) as base_url:
        await test(base_url=base_url, **arguments)


def untried(suite: type, tried: set[str]) -> set[str]:
    """Rules of *suite* for which no culprit is known; those on settings are tried apart."""
    own = (
        base
        for base in suite.__mro__
        if base.__name__ not in ("VendorSuite", "ReadinessSuite", "ProviderSuite", "Suite")
    )
    rules = {name for base in own for name in vars(base) if name.startswith("test_")}
    return rules - tried
