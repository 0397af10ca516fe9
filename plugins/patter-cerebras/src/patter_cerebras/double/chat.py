"""Chat Completions of the double: strict about requests, streaming as Cerebras streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
import msgspec
from aiohttp import web

from patter_testing.doubles.api_answers import check_model, stream
from patter_testing.doubles.api_refusal import Refusal
from patter_testing.doubles.chat_request import check_chat, prompt_tokens, rows_in, tools_in
from patter_testing.doubles.chat_turn import Turn, new_id

if TYPE_CHECKING:
    from patter_cerebras.double.vendor import CerebrasVendor

FIELDS = frozenset(
    (
        *("clear_thinking", "disable_reasoning", "frequency_penalty", "logit_bias", "logprobs"),
        *("max_completion_tokens", "max_tokens", "messages", "min_completion_tokens"),
        *("min_tokens", "model", "model_parameters", "n", "parallel_tool_calls", "prediction"),
        *("presence_penalty", "prompt_cache_key", "reasoning_effort", "reasoning_format"),
        *("response_format", "seed", "service_tier", "stop", "stream", "stream_options"),
        *("temperature", "tool_choice", "tools", "top_logprobs", "top_p", "user"),
    )
)
"""The fields of a request, as the vendor publishes them with its SDK."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "reasoning_effort": ("none", "low", "medium", "high"),
    "reasoning_format": ("none", "parsed", "text_parsed", "raw", "hidden"),
    "service_tier": ("auto", "default", "flex", "priority"),
}
REASONS = ("gpt-oss", "qwen", "zai-glm")
"""Models whose name begins so reason."""

THRESHOLDS_MS = (50, 20_000)
MOST_REPLY_TOKENS = 32_768
"""What a reply may take where the request does not say; it counts before it is made."""

WORDS_A_CHUNK = 3
THOUGHT = "The caller wants an answer."
_CREATED = 1_790_000_000


@attrs.frozen
class Chat:
    """``/v1/chat/completions``."""

    double: CerebrasVendor

    def routes(self) -> Iterable[web.RouteDef]:
        """Its path."""
        yield web.post("/v1/chat/completions", self.complete)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        double, body = self.double, await body_of(request)
        double.log.append((request.path, body))
        check_request(body)
        check_model(double, body["model"])
        self._check_account(request, body)
        turn = Turn.of(double.model.answer(rows_in(body["messages"]), tools_in(body)))
        if body.get("stream"):
            return await stream(double, request, chunks(turn, body), over="[DONE]")
        await double.latency.wait()
        return web.json_response(completion(turn, body))

    def _check_account(self, request: web.Request, body: Mapping[str, Any]) -> None:
        """Raise Refusal for more than the account has left, and than the queue has room for."""
        left, tokens = self.double.tokens_left, prompt_tokens(body["messages"])
        tokens += body.get("max_completion_tokens") or MOST_REPLY_TOKENS
        if left is not None and tokens > left:
            raise Refusal(
                "Tokens per minute limit exceeded - too many tokens processed.",
                status=429,
                param="quota",
                code="token_quota_exceeded",
                type="too_many_requests_error",
            )
        if self.double.queue_ms > _threshold_ms(request, body):
            raise Refusal(
                "We're experiencing high traffic right now! Please try again soon.",
                status=429,
                param="queue",
                code="queue_exceeded",
                type="too_many_requests_error",
            )


async def body_of(request: web.Request) -> dict[str, Any]:
    """The object in *request*, which may be MessagePack, and compressed. Raises Refusal."""
    data = await request.read()
    try:
        if request.content_type == "application/vnd.msgpack":
            body = msgspec.msgpack.decode(data)
        elif request.content_type == "application/json":
            body = msgspec.json.decode(data)
        else:
            raise Refusal(f"Unsupported content type {request.content_type}", status=415)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Refusal("The body cannot be read.") from None
    if not isinstance(body, dict):
        raise Refusal("The body is not an object.")
    return body


def _threshold_ms(request: web.Request, body: Mapping[str, Any]) -> float:
    """How long *request* would wait. Raises Refusal for what is no such time."""
    low, high = THRESHOLDS_MS
    header = request.headers.get("queue_threshold")
    if header is None:
        return high
    if not header.isdecimal() or not low <= int(header) <= high:
        raise Refusal(f"queue_threshold must be from {low} to {high}", param="queue_threshold")
    return int(header) if body.get("service_tier") in ("auto", "flex") else high


def check_request(body: Mapping[str, Any]) -> None:
    """Raise Refusal for what Cerebras would refuse."""
    check_chat(body, FIELDS)
    for name, values in CHOICES.items():
        if body.get(name) not in (None, *values):
            raise Refusal(f"'{name}' must be one of {', '.join(values)}", param=name)
    _check_strict(body)
    model, effort = str(body["model"]), body.get("reasoning_effort")
    if effort is not None and not model.startswith(REASONS):
        raise Refusal("reasoning_effort is not supported by this model", param="reasoning_effort")
    if effort == "none" and model.startswith("gpt-oss"):
        raise Refusal("reasoning_effort must be low, medium or high", param="reasoning_effort")
    if body.get("disable_reasoning") is not None:
        raise Refusal("disable_reasoning is no longer supported", param="disable_reasoning")


def _check_strict(body: Mapping[str, Any]) -> None:
    """Tools that are strict: all, or none, and not with every model."""
    strict = {bool(tool["function"].get("strict")) for tool in body.get("tools") or ()}
    if len(strict) > 1:
        raise Refusal(
            "Tools with mixed values for 'strict' are not allowed. Please set all tools to "
            "'strict: true' or 'strict: false'",
            status=422,
            param="tools",
            code="wrong_api_format",
        )
    if strict == {True} and str(body["model"]).startswith("qwen"):
        raise Refusal("Tools with strict=True are not supported by this model", param="tools")


def chunks(turn: Turn, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """*turn* as it is streamed: some tokens a chunk, and what they took with the reason."""
    shared = {
        "id": new_id("chatcmpl"),
        "created": _CREATED,
        "model": body["model"],
        "system_fingerprint": "fp_double",
        "object": "chat.completion.chunk",
    }

    def chunk(delta: dict[str, Any], **choice: Any) -> dict[str, Any]:
        return {**shared, "choices": [{"delta": delta, "index": 0, **choice}]}

    yield chunk({"role": "assistant"})
    if where := _thinks(body):
        yield chunk({where: THOUGHT if where == "reasoning" else f"<think>{THOUGHT}</think>"})
    pieces = turn.pieces()
    for at in range(0, len(pieces), WORDS_A_CHUNK):
        yield chunk({"content": "".join(pieces[at : at + WORDS_A_CHUNK])})
    for index, call in enumerate(turn.tools):
        half = len(call.arguments) // 2
        named = {"name": call.name, "arguments": call.arguments[:half]}
        rest = {"arguments": call.arguments[half:]}
        about = {"type": "function", "index": index}
        yield chunk({"tool_calls": [{**about, "id": call.id, "function": named}]})
        yield chunk({"tool_calls": [{**about, "function": rest}]})
    yield chunk({})
    yield {**chunk({}, finish_reason=turn.finish_reason), **_taken(turn, body)}


def completion(turn: Turn, body: Mapping[str, Any]) -> dict[str, Any]:
    """*turn* in one piece."""
    message: dict[str, Any] = {"role": "assistant", "content": turn.text or None}
    if _thinks(body) == "reasoning":
        message["reasoning"] = THOUGHT
    if turn.tools:
        message["tool_calls"] = [
            {
                "id": call.id,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for call in turn.tools
        ]
    choice = {"index": 0, "message": message, "finish_reason": turn.finish_reason}
    return {
        "id": new_id("chatcmpl"),
        "choices": [choice],
        "created": _CREATED,
        "model": body["model"],
        "system_fingerprint": "fp_double",
        "object": "chat.completion",
        **_taken(turn, body),
    }


def _thinks(body: Mapping[str, Any]) -> str:
    """Where the model's thoughts are, if it has some: Qwen says them, unless it is told not to."""
    model, form = str(body["model"]), body.get("reasoning_format") or "none"
    reasons = model.startswith(REASONS) and body.get("reasoning_effort") != "none"
    if not reasons or form == "hidden":
        return ""
    aloud = form == "raw" or (form == "none" and model.startswith("qwen"))
    return "content" if aloud else "reasoning"


def _taken(turn: Turn, body: Mapping[str, Any]) -> dict[str, Any]:
    """The tokens that *turn* and its request took, and the seconds."""
    prompt, answered = prompt_tokens(body["messages"]), turn.tokens()
    times = {"queue_time": 0.00007, "prompt_time": 0.001, "completion_time": 0.0057}
    return {
        "usage": {
            "prompt_tokens": prompt,
            "completion_tokens": answered,
            "total_tokens": prompt + answered,
            "prompt_tokens_details": {"cached_tokens": min(turn.cached, prompt)},
        },
        "time_info": {**times, "total_time": 0.022, "created": _CREATED},
    }
