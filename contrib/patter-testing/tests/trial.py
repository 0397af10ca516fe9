"""Puts a provider that breaks a rule before the suite's test of that rule."""

from __future__ import annotations

import functools
import inspect
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


def convicted(suite: Any, rule: str, *, lenient: bool = False, **given: Any) -> bool:
    """Does the test *rule* of *suite* fail for the fixtures *given*?"""
    with pytest.MonkeyPatch.context() as patch:
        for name in (
            "rules",
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
            for limit, seconds in (("ANSWER_S", 0.4), ("CLOSE_S", 0.2)):
                if not lenient and hasattr(module, limit):
                    patch.setattr(module, limit, seconds)
        return _fails(getattr(suite, rule), given, 10.0 if lenient else PATIENCE_S)


def _fails(test: Any, given: dict[str, Any], patience_s: float) -> bool:
    wanted = inspect.signature(test).parameters
    arguments = {name: value for name, value in given.items() if name in wanted}
    if "call" in wanted:
        arguments.setdefault("call", CALL)
    loop = TestLoop(patience_s)
    try:
        if not inspect.iscoroutinefunction(test):
            test(**arguments)
        elif "base_url" in wanted:
            loop.run_test(functools.partial(_served, test, arguments))
        else:
            loop.run_test(functools.partial(test, **arguments))
    except pytest.skip.Exception:
        return False
    except (Exception, pytest.fail.Exception, BaseExceptionGroup):
        return True
    finally:
        loop.close()
    return False


async def _served(test: Any, arguments: dict[str, Any]) -> None:
    switchboard = FakeSwitchboard()
    provider = arguments["provider"]
    if "switchboard" in inspect.signature(test).parameters:
        arguments["switchboard"] = switchboard
    async with serving(provider, switchboard) as base_url:
        await test(base_url=base_url, **arguments)


def untried(suite: type, tried: set[str]) -> set[str]:
    """Rules of *suite* for which no culprit is known; those on settings are tried apart."""
    own = (base for base in suite.__mro__ if base.__name__ not in ("ProviderSuite", "Suite"))
    rules = {name for base in own for name in vars(base) if name.startswith("test_")}
    return rules - tried
