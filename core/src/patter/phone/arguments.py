"""Checks the arguments of a phone and its calls; a mistake is refused with a fix. Pure."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from patter import env
from patter.agent import Agent
from patter.call.answering import MessageHandler
from patter.call.remote_messages import RemoteMessageHandler, is_remote_url
from patter.errors import (
    InputError,
    PatterConfigError,
    PatterTypeError,
    did_you_mean,
    indefinite,
)
from patter.phone import older_forms
from patter.plugins.overrides import module_being_imported
from patter.plugins.registry import PluginRegistry

# A country code does not begin with 0; 15 digits are the most ITU-T E.164 allows.
E164 = re.compile(r"\+[1-9]\d{6,14}\Z", re.ASCII)
MOST_DRAIN_S = 86_400
# Arguments of the hosted service of other implementations of this API.
_HOSTED = frozenset({"api_key", "backend_url", "rest_url", "mode"})


def number(name: str, value: Any) -> str:
    """*value* as the E.164 number it must be. Raises PatterTypeError, InputError."""
    if not E164.match(text(name, value)):
        raise InputError(f"{value!r} is not an E.164 number", fix="write it like +15550188000")
    return str(value)


def text(name: str, value: Any) -> str:
    """*value* if it is text. Raises PatterTypeError."""
    if not isinstance(value, str):
        raise PatterTypeError(
            f"{name} is {indefinite(type(value).__name__)}, not text", fix=f"write {name}='...'"
        )
    return value


def flag(name: str, value: Any) -> bool:
    """*value* if it is True or False. Raises PatterTypeError."""
    if not isinstance(value, bool):
        raise PatterTypeError(f"{name}={value!r} is neither", fix="write True or False")
    return value


def port(value: Any) -> int:
    """*value* if it is a port, or 0. Raises PatterConfigError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 65_535:
        raise PatterConfigError(
            f"port={value!r} is not a valid port", fix="give a number from 1 to 65535"
        )
    return value


def max_calls(value: Any) -> int:
    """*value* if so many calls can be open at once. Raises PatterConfigError."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise PatterConfigError(
            f"max_calls={value!r} would take no call", fix="give a whole number from 1 on"
        )
    return value


def drain(value: Any) -> float:
    """*value* if it is a time in seconds. Raises PatterConfigError."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= MOST_DRAIN_S:
        raise PatterConfigError(
            f"drain_s={value!r} is not a time up to {MOST_DRAIN_S:,} s",
            fix="give seconds, such as 30; 0 ends calls at once",
        )
    return float(value)


def not_imported() -> None:
    """Raise PatterConfigError while a command imports the application's module."""
    if module := module_being_imported():
        raise PatterConfigError(
            f"{module} serves while it is imported, and a command only imports it",
            fix='put asyncio.run(phone.serve(agent)) under: if __name__ == "__main__":',
        )


def proxies(value: Any) -> tuple[str, ...]:
    """Proxies by address or network, in one text with commas between; empty: the variable's.

    Raises PatterTypeError.
    """
    choice = value or env.read("PATTER_TRUSTED_PROXIES")
    several = choice.split(",") if isinstance(choice, str) else choice
    if not isinstance(several, Iterable) or not all(isinstance(each, str) for each in several):
        raise PatterTypeError(
            f"trusted_proxies={value!r} are no addresses", fix='trusted_proxies=["10.0.0.0/8"]'
        )
    return tuple(filter(None, (each.strip() for each in several)))


def consent(arguments: Mapping[str, Any]) -> bool:
    """Is the caller asked before `serve` records? Raises PatterTypeError, PatterConfigError."""
    value = text("consent", arguments["consent"])
    if value not in ("", "ask"):
        raise PatterConfigError(f"consent={value!r} is not known", fix='write consent="ask"')
    if value and not (arguments["recording"] or arguments["local_recording"]):
        raise PatterConfigError(
            "consent is asked for a recording, and there is none",
            fix="serve(recording=True) or serve(local_recording=True), or leave consent out",
        )
    return bool(value)


def dashboard(registry: PluginRegistry, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """What `serve` was told for its dashboard. Raises PatterTypeError, NotInstalled."""
    wanted = flag("dashboard", arguments["dashboard"])
    token = text("dashboard_token", arguments["dashboard_token"])
    if wanted and token:
        registry.require_extension("dashboard", "dashboard_token=")
    token = token or env.read("PATTER_DASHBOARD_TOKEN")
    insecure = flag("allow_insecure_dashboard", arguments["allow_insecure_dashboard"])
    return {"enabled": wanted, "token": token, "allow_insecure": insecure}


def agent(verb: str, value: Any) -> Agent:
    """*value* if it is an agent. Raises PatterTypeError."""
    if not isinstance(value, Agent):
        raise PatterTypeError(
            f"{verb} was given {indefinite(type(value).__name__)}, not an agent",
            fix=f"agent = phone.agent(...), then phone.{verb}(...)",
        )
    return value


def mapping(name: str, value: Any) -> Mapping[str, Any]:
    """*value* if it is a mapping; nothing is an empty one. Raises PatterTypeError."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise PatterTypeError(f"{name} is not a mapping", fix=f'write {name}={{"name": "Ada"}}')
    return value


def function(name: str, value: Any) -> Callable[..., Any] | None:
    """*value* if it can be called, or is None. Raises PatterTypeError."""
    if value is not None and not callable(value):
        raise PatterTypeError(
            f"{name} is {value!r}, which cannot be called",
            fix=f"pass a function: {name}=lambda data: ...",
        )
    called: Callable[..., Any] | None = value
    return called


def message_handler(on_message: Any, secret: str = "") -> MessageHandler | None:
    """*on_message* if it can answer instead of a model; of an address, what asks there.

    Raises PatterTypeError, EgressError.
    """
    if is_remote_url(on_message):
        return RemoteMessageHandler(on_message, secret)
    if on_message is None or callable(on_message):
        answers: MessageHandler | None = on_message
        return answers
    raise PatterTypeError(
        f"on_message is {indefinite(type(on_message).__name__)}, not a function",
        fix="pass a function that takes the message and returns what to say, or a URL",
    )


def names_of(called: Any) -> list[str]:
    """The names of the arguments of *called*."""
    names = inspect.signature(called).parameters
    return [name for name in names if name not in ("self", "unknown", "more")]


def refuse_unknown(what: str, unknown: Iterable[str], expected: Sequence[str]) -> None:
    """Raise PatterTypeError if *unknown* has names; the fix suggests the nearest one *expected*."""
    names = sorted(unknown)
    if not names:
        return
    fix = did_you_mean(names[0], expected, "remove it")
    if _HOSTED & set(names):
        fix = "remove it: there is no hosted service, Patter runs in your process"
    elif what == "Patter" and not older_forms.KEYWORDS.isdisjoint(names):
        fix = "use carrier= and engine=, or pip install getpatter, which reads the older form"
    raise PatterTypeError(f"{what} has no argument {', '.join(map(repr, names))}", fix=fix)
