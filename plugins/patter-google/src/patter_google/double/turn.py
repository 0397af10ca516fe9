"""What the model of the double says next, as a value and as the pieces that stream it."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import attrs

_NUMBERS = count(1)
CODES = {
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""The HTTP status that goes with each status of google.rpc."""


@attrs.frozen(kw_only=True)
class Turn:
    """One reply: *thought*, *text*, then *calls* as (tool, arguments in JSON).

    *reason* is why it ends, in the vendor's words, and *message* what is said of it. *cached* of
    the prompt's tokens are read from a cache. *blocked* is why the prompt is not answered at
    all. With *fails*, a status of google.rpc, the stream ends in that error instead.
    """

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    thought: str = ""
    reason: str = "STOP"
    message: str = ""
    cached: int = 0
    blocked: str = ""
    fails: str = ""

    def within(self, config: Mapping[str, Any]) -> Turn:
        """This reply as *config* bounds it: by its stop sequences, and by its tokens."""
        text, reason = self.text, self.reason
        if places := [
            text.index(each) for each in config.get("stopSequences") or () if each in text
        ]:
            text = text[: min(places)]
        if len(words := _words(text)) > (most := config.get("maxOutputTokens") or 1 << 16):
            text, reason = "".join(words[:most]), "MAX_TOKENS"
        return attrs.evolve(self, text=text, reason=reason)

    def parts(self, signs: bool) -> list[dict[str, Any]]:
        """Its parts, in the order in which they are streamed; the first call is signed."""
        parts: list[dict[str, Any]] = [
            {"text": each, "thought": True} for each in _words(self.thought)
        ]
        parts += [{"text": each} for each in _words(self.text)]
        for at, (name, arguments) in enumerate(self.calls):
            call: dict[str, Any] = {"name": name, "args": json.loads(arguments)}
            part: dict[str, Any] = {"functionCall": call}
            if signs:
                call["id"] = f"fc-{next(_NUMBERS):08x}"
                if not at:
                    part["thoughtSignature"] = signature(next(_NUMBERS))
            parts.append(part)
        return parts


def signature(number: int) -> str:
    """What the double signs with.

    >>> signature(1)
    'ZG91YmxlLTE='
    """
    return base64.b64encode(f"double-{number}".encode()).decode()


def pieces(turn: Turn, model: str, prompt: int, signs: bool) -> Iterator[dict[str, Any]]:
    """*turn* as it is streamed; its tokens are counted on with every piece."""
    shared = {"modelVersion": model, "responseId": f"resp{next(_NUMBERS):08x}"}
    if turn.blocked:
        feedback = {"blockReason": turn.blocked}
        yield {"promptFeedback": feedback, "usageMetadata": _usage(turn, prompt, 0, 0), **shared}
        return
    parts = turn.parts(signs)
    written = thought = 0
    for part in parts:
        thought += bool(part.get("thought"))
        written += not part.get("thought")
        candidate = {"content": {"role": "model", "parts": [part]}, "index": 0}
        yield {
            "candidates": [candidate],
            "usageMetadata": _usage(turn, prompt, written, thought),
            **shared,
        }
    if turn.fails:
        error = {"code": CODES[turn.fails], "message": turn.fails.title(), "status": turn.fails}
        yield {"error": error}
        return
    last: dict[str, Any] = {"finishReason": turn.reason, "index": 0}
    if parts:
        last["content"] = {"role": "model", "parts": [{"text": ""}]}
    if turn.message:
        last["finishMessage"] = turn.message
    used = _usage(turn, prompt, max(1, written), thought)
    yield {"candidates": [last], "usageMetadata": used, **shared}


def whole(turn: Turn, model: str, prompt: int, signs: bool) -> dict[str, Any]:
    """*turn* in one piece."""
    streamed = list(pieces(turn, model, prompt, signs))
    last = streamed[-1]
    if "candidates" not in last:
        return last
    parts = [
        p for each in streamed for p in each["candidates"][0].get("content", {}).get("parts", ())
    ]
    full = [part for part in parts if part != {"text": ""}]
    last["candidates"][0]["content"] = {"role": "model", "parts": full}
    return last


def _usage(turn: Turn, prompt: int, written: int, thought: int) -> dict[str, Any]:
    usage: dict[str, Any] = {
        "promptTokenCount": prompt,
        "totalTokenCount": prompt + written + thought,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": prompt}],
    }
    for name, amount in (
        ("candidatesTokenCount", written),
        ("thoughtsTokenCount", thought),
        ("cachedContentTokenCount", min(turn.cached, prompt)),
    ):
        if amount:
            usage[name] = amount
    return usage


def _words(text: str) -> list[str]:
    """The text as tokens come: word by word, spaces first."""
    if not text:
        return []
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]
