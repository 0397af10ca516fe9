"""Chat Completions of the double: strict about requests, streaming as the vendor streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web

from patter_openai.double import request_fields
from patter_testing.doubles.api_answers import body_of, check_model, stream
from patter_testing.doubles.api_refusal import Refusal
from patter_testing.doubles.chat_request import check_chat, prompt_tokens, rows_in, tools_in
from patter_testing.doubles.chat_turn import Turn, new_id

if TYPE_CHECKING:
    from patter_openai.double.vendor import OpenAIVendor

_REASONS = ("o1", "o3", "o4", "gpt-5", "gpt-6")
_CREATED = 1_790_000_000


@attrs.frozen
class Chat:
    """``/v1/chat/completions``."""

    double: OpenAIVendor

    def routes(self) -> Iterable[web.RouteDef]:
        """Its path."""
        yield web.post("/v1/chat/completions", self.complete)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        double = self.double
        body = await body_of(double, request)
        check_chat(body, request_fields.CHAT)
        _check_reasoning(body)
        check_model(double, body["model"])
        turn = Turn.of(double.model.answer(rows_in(body["messages"]), tools_in(body)))
        if not body.get("stream"):
            await double.latency.wait()
            return web.json_response(completion(turn, body))
        return await stream(double, request, chunks(turn, body), over="[DONE]")


def _check_reasoning(body: Mapping[str, Any]) -> None:
    """Models that reason take no temperature, and the others no effort."""
    reasons = str(body["model"]).startswith(_REASONS)
    name = "temperature" if reasons else "reasoning_effort"
    if body.get(name) is not None and body.get(name) != 1:
        raise Refusal(
            f"Unsupported parameter: '{name}' is not supported with this model.",
            param=name,
            code="unsupported_parameter",
        )


def chunks(turn: Turn, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """*turn* as it is streamed."""
    options = body.get("stream_options") or {}
    shared = {
        "id": new_id("chatcmpl"),
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": body["model"],
        "service_tier": "default",
        "system_fingerprint": "fp_double",
    }
    if options.get("include_usage"):
        shared["usage"] = None

    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        padding = {} if options.get("include_obfuscation") is False else {"obfuscation": "Ht3"}
        return {**shared, "choices": [choice], **padding}

    content = None if turn.tools and not turn.text else ""
    yield chunk({"role": "assistant", "content": content, "refusal": None})
    for piece in turn.pieces():
        yield chunk({"content": piece})
    for index, wanted in enumerate(turn.tools):
        function = {"name": wanted.name, "arguments": ""}
        call = {"index": index, "id": wanted.id, "type": "function", "function": function}
        yield chunk({"tool_calls": [call]})
        for at in range(0, len(wanted.arguments), 5):
            piece = wanted.arguments[at : at + 5]
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
    yield chunk({}, turn.finish_reason)
    if options.get("include_usage"):
        yield {**shared, "choices": [], "usage": usage(turn, body)}


def completion(turn: Turn, body: Mapping[str, Any]) -> dict[str, Any]:
    """*turn* in one piece."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": turn.text or None,
        "refusal": None,
        "annotations": [],
    }
    if turn.tools:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in turn.tools
        ]
    choice = {"index": 0, "message": message, "logprobs": None}
    return {
        "id": new_id("chatcmpl"),
        "object": "chat.completion",
        "created": _CREATED,
        "model": body["model"],
        "choices": [{**choice, "finish_reason": turn.finish_reason}],
        "usage": usage(turn, body),
        "service_tier": "default",
        "system_fingerprint": "fp_double",
    }


def usage(turn: Turn, body: Mapping[str, Any]) -> dict[str, Any]:
    """What *turn* and its request took."""
    prompt, answered = prompt_tokens(body["messages"]), turn.tokens()
    return {
        "prompt_tokens": prompt,
        "completion_tokens": answered,
        "total_tokens": prompt + answered,
        "prompt_tokens_details": {"cached_tokens": min(turn.cached, prompt), "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": 0,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
