"""How a chat model is to answer: the options that most vendors of the protocol take, as a value.

A provider's settings inherit them, so that each is given in Python or in a spec string alike.
What is None, or empty, is not sent: the vendor's default holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs
import orjson

from patter.errors import PatterConfigError
from patter.providers.llm import LLMRequest
from patter.vendors.options import number, switch

_CHOICES = ("none", "auto", "required")
_FORMATS = ("text", "json_object")
_SEEDS = 2**63


def _response_format(value: str | Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """A format by its type, as JSON text, or as the vendor's object."""
    if not isinstance(value, str):
        return value or None
    return {"type": value} if value in _FORMATS else _json(value, "response_format", _FORMATS)


def _tool_choice(value: str | Mapping[str, Any] | None) -> str | Mapping[str, Any] | None:
    """A choice by its word, as JSON text, as the vendor's object, or the name of a tool."""
    if not isinstance(value, str) or value in _CHOICES:
        return value or None
    if value.startswith("{"):
        return _json(value, "tool_choice", _CHOICES)
    return {"type": "function", "function": {"name": value}} if value else None


def _json(text: str, field: str, words: tuple[str, ...]) -> Mapping[str, Any] | None:
    if not text:
        return None
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        value = None
    if not isinstance(value, dict):
        raise PatterConfigError(
            f"{field} is {text!r}", fix=f"use {', '.join(words)}, or the vendor's JSON object"
        )
    return value


def _stop(value: str | list[str] | tuple[str, ...]) -> tuple[str, ...]:
    """Where the model stops: a text, or up to four."""
    return ((value,) if value else ()) if isinstance(value, str) else tuple(value)


@attrs.frozen(kw_only=True)
class ChatOptions:
    """*temperature* (0 to 2) and *top_p* (0 to 1) say how the model chooses among words,
    *frequency_penalty* and *presence_penalty* (-2 to 2) how it minds repeating them, *seed* that
    it does so alike. It writes at most *max_tokens* and ends before *stop*.

    *response_format* is ``json_object`` or the vendor's object; *tool_choice* ``auto``, ``none``,
    ``required``, or the name of a tool. *user_agent* is what the vendor's log calls us.
    """

    temperature: float | None = number(None, 0, 2)
    max_tokens: int | None = number(None, 1, 1_000_000, whole=True)
    top_p: float | None = number(None, 0, 1)
    frequency_penalty: float | None = number(None, -2, 2)
    presence_penalty: float | None = number(None, -2, 2)
    seed: int | None = number(None, -_SEEDS, _SEEDS - 1, whole=True)
    stop: tuple[str, ...] = attrs.field(default=(), converter=_stop)
    response_format: Mapping[str, Any] | None = attrs.field(
        default=None, converter=_response_format, hash=False
    )
    tool_choice: str | Mapping[str, Any] | None = attrs.field(
        default=None, converter=_tool_choice, hash=False
    )
    parallel_tool_calls: bool | None = switch(None)
    user_agent: str = ""

    def body(self, request: LLMRequest, tokens: str = "max_tokens") -> dict[str, Any]:
        """What the body of *request* says of these; *tokens* is what the vendor calls the limit.

        Without tools nothing may be said about them. A tool that must be called is called once:
        when the model is told its result, it may speak.
        """
        values: dict[str, Any] = {
            "temperature": self.temperature,
            tokens: self.max_tokens,
            "top_p": self.top_p,
            "frequency_penalty": self.frequency_penalty,
            "presence_penalty": self.presence_penalty,
            "seed": self.seed,
            "stop": list(self.stop) or None,
            "response_format": self.response_format,
        }
        if request.tools:
            answered = request.messages[-1].role == "tool" if request.messages else False
            forced = self.tool_choice not in (None, "none", "auto")
            values["tool_choice"] = None if forced and answered else self.tool_choice
            values["parallel_tool_calls"] = self.parallel_tool_calls
        return {name: value for name, value in values.items() if value is not None}
