"""What the model of the double says next, as a value and as the events that stream it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import count
from typing import Any

import attrs

_NUMBERS = count(1)
_PIECE = 5


@attrs.frozen(kw_only=True)
class Turn:
    """One reply: *thinking*, *text*, then *calls* as (tool, arguments in JSON).

    *reason* is why it ends, in the vendor's words; *refusal* is a category of what it refuses.
    With *fails*, a type of error, the stream ends in that error, with the reply not complete.
    """

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    thinking: str = ""
    reason: str = ""
    refusal: str = ""
    fails: str = ""

    def within(self, body: Mapping[str, Any]) -> Turn:
        """This reply as *body* bounds it: by its stop sequences, and by its tokens."""
        text, reason, stops = self.text, self.reason, body.get("stop_sequences") or ()
        if places := [text.index(each) for each in stops if each in text]:
            text, reason = text[: min(places)], "stop_sequence"
        most = int(body["max_tokens"])
        if len(words := _words(text)) > most:
            text, reason = "".join(words[:most]), "max_tokens"
        return attrs.evolve(self, text=text, reason=reason)

    @property
    def stop_reason(self) -> str:
        """Why it ends."""
        if self.refusal:
            return "refusal"
        return self.reason or ("tool_use" if self.calls else "end_turn")

    def tokens(self) -> int:
        """How many tokens it takes."""
        called = sum(4 + len(arguments) // 4 for _, arguments in self.calls)
        return max(1, len(_words(self.text)) + len(_words(self.thinking)) + called)

    def blocks(self) -> list[dict[str, Any]]:
        """Its content, whole."""
        blocks: list[dict[str, Any]] = []
        if self.thinking:
            blocks.append({"type": "thinking", "thinking": self.thinking, "signature": "c2ln"})
        if self.text:
            blocks.append({"type": "text", "text": self.text})
        blocks += [
            {"type": "tool_use", "id": _id("toolu"), "name": name, "input": json.loads(arguments)}
            for name, arguments in self.calls
        ]
        return blocks

    def stop(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Why it ended, as the vendor says it."""
        cut = self.stop_reason == "stop_sequence"
        details = {"type": "refusal", "category": self.refusal, "explanation": None}
        return {
            "stop_reason": self.stop_reason,
            "stop_sequence": body["stop_sequences"][0] if cut else None,
            "stop_details": details if self.refusal else None,
        }


def message(turn: Turn, body: Mapping[str, Any], prompt: Mapping[str, int]) -> dict[str, Any]:
    """*turn* in one piece; *prompt* counts its prompt's tokens."""
    return {
        **_empty(body, prompt),
        "content": turn.blocks(),
        **turn.stop(body),
        "usage": {**_usage(prompt), "output_tokens": turn.tokens()},
    }


def events(
    turn: Turn, body: Mapping[str, Any], prompt: Mapping[str, int]
) -> Iterator[dict[str, Any]]:
    """*turn* as it is streamed."""
    yield {"type": "message_start", "message": _empty(body, prompt)}
    yield {"type": "ping"}
    for index, block in enumerate(turn.blocks()):
        started, deltas = _streamed(block)
        yield {"type": "content_block_start", "index": index, "content_block": started}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        if not turn.fails:
            yield {"type": "content_block_stop", "index": index}
    if turn.fails:
        error = {"type": turn.fails, "message": turn.fails.partition("_")[0].capitalize()}
        yield {"type": "error", "error": error, "request_id": _id("req")}
        return
    used = {**prompt, "output_tokens": turn.tokens()}
    yield {"type": "message_delta", "delta": turn.stop(body), "usage": used}
    yield {"type": "message_stop"}


def _streamed(block: Mapping[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """How *block* begins, and what is added to it."""
    match block["type"]:
        case "thinking":
            deltas = [
                {"type": "thinking_delta", "thinking": each} for each in _words(block["thinking"])
            ]
            signed = {"type": "signature_delta", "signature": block["signature"]}
            return {"type": "thinking", "thinking": "", "signature": ""}, [*deltas, signed]
        case "text":
            words = [{"type": "text_delta", "text": each} for each in _words(block["text"])]
            return {"type": "text", "text": ""}, words
        case _:
            written = json.dumps(block["input"]) if block["input"] else ""
            cut = ["", *(written[at : at + _PIECE] for at in range(0, len(written), _PIECE))]
            pieces = [{"type": "input_json_delta", "partial_json": each} for each in cut]
            return {**block, "input": {}}, pieces


def _empty(body: Mapping[str, Any], prompt: Mapping[str, int]) -> dict[str, Any]:
    return {
        "id": _id("msg"),
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "stop_details": None,
        "usage": {**_usage(prompt), "output_tokens": 1},
    }


def _usage(prompt: Mapping[str, int]) -> dict[str, Any]:
    written = prompt["cache_creation_input_tokens"]
    return {
        **prompt,
        "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
        "service_tier": "standard",
    }


def _words(text: str) -> list[str]:
    """The text as tokens come: word by word, spaces first."""
    if not text:
        return []
    first, *rest = text.split(" ")
    return [first, *(f" {word}" for word in rest)]


def _id(prefix: str) -> str:
    return f"{prefix}_{next(_NUMBERS):024x}"
