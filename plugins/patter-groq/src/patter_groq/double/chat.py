"""Chat Completions of the double: strict about requests, streaming as Groq streams."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web

from patter_testing.doubles.api_answers import body_of, check_model, noted, stream
from patter_testing.doubles.api_refusal import Refusal
from patter_testing.doubles.chat_request import check_chat, prompt_tokens, rows_in, tools_in
from patter_testing.doubles.chat_turn import Turn, new_id
from patter_testing.doubles.scripted_model import Answer

if TYPE_CHECKING:
    from patter_groq.double.vendor import GroqVendor

FIELDS = frozenset(
    (
        *("citation_options", "compound_custom", "disable_tool_validation", "documents"),
        *("exclude_domains", "frequency_penalty", "function_call", "functions"),
        *("include_domains", "include_reasoning", "logit_bias", "logprobs"),
        *("max_completion_tokens", "max_tokens", "messages", "metadata", "model", "n"),
        *("parallel_tool_calls", "presence_penalty", "reasoning_effort", "reasoning_format"),
        *("response_format", "search_settings", "seed", "service_tier", "stop", "store"),
        *("stream", "stream_options", "temperature", "tool_choice", "tools", "top_logprobs"),
        *("top_p", "user"),
    )
)
"""The fields of a request: those of the SDK, and ``stream_options``, which Groq documents."""

CHOICES: Mapping[str, tuple[str, ...]] = {
    "reasoning_effort": ("none", "default", "low", "medium", "high"),
    "reasoning_format": ("hidden", "raw", "parsed"),
    "service_tier": ("auto", "on_demand", "flex", "performance"),
}
EFFORTS: Mapping[str, tuple[str, ...]] = {
    "openai/gpt-oss": ("low", "medium", "high"),
    "qwen/qwen3.8": ("none", "default", "low", "medium", "high"),
    "qwen/": ("none", "default"),
}
"""What models of a name that begins so take; the others do not reason."""

MOST_TOOLS = 128
THOUGHT = "The caller wants an answer."
_CREATED = 1_790_000_000


@attrs.frozen
class FailedToolUse(Answer):
    """A reply that is no tool call, though it begins as one: *text* is what the model wrote.

    In a stream it comes after the status, as an event, unless *early*.
    """

    early: bool = attrs.field(default=False, kw_only=True)

    @property
    def error(self) -> dict[str, Any]:
        """What Groq says of it."""
        return {
            "message": "Failed to call a function. Please adjust your prompt. "
            "See 'failed_generation' for more details.",
            "type": "invalid_request_error",
            "code": "tool_use_failed",
            "failed_generation": self.text,
        }


@attrs.frozen
class Chat:
    """``/openai/v1/chat/completions``."""

    double: GroqVendor

    def routes(self) -> Iterable[web.RouteDef]:
        """Its path."""
        yield web.post(f"{self.double.prefix}/chat/completions", self.complete)

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        double, body = self.double, await body_of(self.double, request)
        check_request(body)
        self._check_account(body)
        answer = double.model.answer(rows_in(body["messages"]), tools_in(body))
        streams = bool(body.get("stream"))
        if isinstance(answer, FailedToolUse):
            if streams and not answer.early:
                return await self._fail(request, answer)
            error = answer.error
            raise Refusal(error.pop("message"), **error)
        turn = Turn.of(answer)
        if streams:
            return await stream(double, request, chunks(turn, body), over="[DONE]")
        await double.latency.wait()
        return web.json_response(completion(turn, body))

    def _check_account(self, body: Mapping[str, Any]) -> None:
        if body["model"] in self.double.ended:
            raise Refusal(
                f"The model `{body['model']}` has been decommissioned and is no longer supported.",
                code="model_decommissioned",
            )
        check_model(self.double, body["model"])
        if self.double.flex_full and body.get("service_tier") == "flex":
            raise Refusal("No flex capacity.", status=498, code="capacity_exceeded")

    async def _fail(self, request: web.Request, failed: FailedToolUse) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        error = {"error": {**failed.error, "status_code": 400}}
        async with noted(self.double, request):
            await response.prepare(request)
            await self.double.latency.wait()
            await response.write(f"event: error\ndata: {json.dumps(error)}\n\n".encode())
            await response.write_eof()
        return response


def check_request(body: Mapping[str, Any]) -> None:
    """Raise Refusal for what Groq would refuse."""
    check_chat(body, FIELDS)
    for name, values in CHOICES.items():
        if body.get(name) not in (None, *values):
            raise Refusal(f"'{name}' must be one of {', '.join(values)}", param=name)
    if body.get("n") not in (None, 1):
        raise Refusal("'n' must be 1.", param="n")
    for name in ("logprobs", "top_logprobs", "logit_bias"):
        if body.get(name):
            raise Refusal(f"'{name}' is not supported with this model.", param=name)
    if len(body.get("tools") or ()) > MOST_TOOLS:
        raise Refusal(f"'tools' has more than {MOST_TOOLS} items.", param="tools")
    if any("name" in row for row in body["messages"] if row["role"] == "tool"):
        raise Refusal("property 'name' is unsupported", param="messages")
    _check_reasoning(body)


def _check_reasoning(body: Mapping[str, Any]) -> None:
    """Whether the model reasons, how much, and where its thoughts may go."""
    form, own = body.get("reasoning_format"), body.get("include_reasoning")
    if form is not None and own is not None:
        raise Refusal("'reasoning_format' and 'include_reasoning' exclude each other")
    if form == "raw" and (body.get("tools") or body.get("response_format")):
        raise Refusal("'reasoning_format' must not be raw with tools", param="reasoning_format")
    model, effort = str(body["model"]), body.get("reasoning_effort")
    efforts = next((each for start, each in EFFORTS.items() if model.startswith(start)), ())
    if effort is not None and effort not in efforts:
        raise Refusal(f"`reasoning_effort` must be one of {efforts}", param="reasoning_effort")
    if not efforts and (form, own) != (None, None):
        raise Refusal("`reasoning_format` is not supported with this model")
    if form is not None and model.startswith("openai/"):
        raise Refusal("`reasoning_format` is not supported with this model")


def chunks(turn: Turn, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """*turn* as it is streamed: tool calls whole, tokens in the last chunk."""
    shared = {
        "id": new_id("chatcmpl"),
        "object": "chat.completion.chunk",
        "created": _CREATED,
        "model": body["model"],
        "system_fingerprint": "fp_double",
    }
    request_id = new_id("req")

    def chunk(delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
        return {**shared, "choices": [choice]}

    yield {**chunk({"role": "assistant", "content": ""}), "x_groq": {"id": request_id, "seed": 7}}
    if where := _thinks(body):
        yield chunk({where: THOUGHT if where == "reasoning" else f"<think>{THOUGHT}</think>"})
    for piece in turn.pieces():
        yield chunk({"content": piece})
    if turn.tools:
        calls = [{**call, "index": at} for at, call in enumerate(_calls(turn))]
        yield chunk({"tool_calls": calls})
    used = usage(turn, body)
    yield {**chunk({}, turn.finish_reason), "x_groq": {"id": request_id, "usage": used}}
    if (body.get("stream_options") or {}).get("include_usage"):
        yield {**shared, "choices": [], "usage": used}


def completion(turn: Turn, body: Mapping[str, Any]) -> dict[str, Any]:
    """*turn* in one piece."""
    message: dict[str, Any] = {"role": "assistant", "content": turn.text or None}
    if turn.tools:
        message["tool_calls"] = _calls(turn)
    choice = {"index": 0, "message": message, "logprobs": None}
    return {
        "id": new_id("chatcmpl"),
        "object": "chat.completion",
        "created": _CREATED,
        "model": body["model"],
        "choices": [{**choice, "finish_reason": turn.finish_reason}],
        "usage": usage(turn, body),
        "system_fingerprint": "fp_double",
        "x_groq": {"id": new_id("req"), "seed": 7},
    }


def _thinks(body: Mapping[str, Any]) -> str:
    """Where the model's thoughts are, if it has some: Qwen says them, unless it is told not to."""
    model, form = str(body["model"]), body.get("reasoning_format")
    hidden = form == "hidden" or body.get("include_reasoning") is False
    if hidden or not model.startswith(tuple(EFFORTS)) or body.get("reasoning_effort") == "none":
        return ""
    plain = not body.get("tools") and not body.get("response_format")
    own = form is None and body.get("include_reasoning") is None
    aloud = form == "raw" or (own and plain and model.startswith("qwen/"))
    return "content" if aloud else "reasoning"


def _calls(turn: Turn) -> list[dict[str, Any]]:
    return [
        {
            "id": call.id,
            "type": "function",
            "function": {"name": call.name, "arguments": call.arguments},
        }
        for call in turn.tools
    ]


def usage(turn: Turn, body: Mapping[str, Any]) -> dict[str, Any]:
    """What *turn* and its request took, and how long."""
    prompt, answered = prompt_tokens(body["messages"]), turn.tokens()
    cached = min(turn.cached, prompt)
    return {
        "queue_time": 0.09,
        "prompt_tokens": prompt,
        "prompt_time": 0.003,
        "completion_tokens": answered,
        "completion_time": 0.028,
        "total_tokens": prompt + answered,
        "total_time": 0.031,
        **({"prompt_tokens_details": {"cached_tokens": cached}} if cached else {}),
    }
