"""Responses of the double: strict about items, streaming as the vendor streams."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web

from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter_openai.double import request_fields
from patter_testing.doubles.api_answers import body_of, check_model, stream
from patter_testing.doubles.api_refusal import Refusal, check_fields, check_range
from patter_testing.doubles.chat_request import prompt_tokens, rows_in
from patter_testing.doubles.chat_turn import Turn, new_id

if TYPE_CHECKING:
    from patter_openai.double.vendor import OpenAIVendor

_CREATED = 1_790_000_000
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}


@attrs.frozen
class Responses:
    """``/v1/responses``."""

    double: OpenAIVendor

    def routes(self) -> Iterable[web.RouteDef]:
        """Its path."""
        yield web.post("/v1/responses", self.respond)

    async def respond(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        double = self.double
        body = await body_of(double, request)
        items = check_request(body)
        check_model(double, body["model"])
        turn = Turn.of(double.model.answer(_rows(items), _tools(body)))
        if not body.get("stream"):
            await double.latency.wait()
            *_, last = events(turn, body)
            return web.json_response(last["response"])
        return await stream(double, request, events(turn, body), over="", named=True)


def check_request(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The items of the input. Raises Refusal for what the vendor would refuse."""
    check_fields(body, request_fields.RESPONSES, ("model", "input"))
    check_range(body, "temperature", 0, 2)
    check_range(body, "top_p", 0, 1)
    check_range(body, "max_output_tokens", 16, 1 << 20)
    for at, tool in enumerate(body.get("tools") or ()):
        if tool.get("type") != "function" or not tool.get("name"):
            raise Refusal("Missing required parameter: name.", param=f"tools[{at}].name")
        if tool.get("strict") is not False:
            _check_strict(tool["parameters"], f"tools[{at}].parameters")
    source = body["input"]
    items = [{"role": "user", "content": source}] if isinstance(source, str) else source
    _check_calls(items)
    return list(items)


def _check_strict(schema: Mapping[str, Any], param: str) -> None:
    """A strict tool, as all are unless they say otherwise, has a closed schema."""
    if schema.get("additionalProperties") is not False:
        raise Refusal(
            "Invalid schema for function: 'additionalProperties' is required to be false.",
            param=param,
            code="invalid_function_parameters",
        )


def _check_calls(items: Iterable[Mapping[str, Any]]) -> None:
    """Each call has an output after it, and each output a call before it."""
    waiting: set[str] = set()
    for item in items:
        if item.get("type") == "function_call":
            waiting.add(item["call_id"])
        elif item.get("type") == "function_call_output":
            if item["call_id"] not in waiting:
                raise Refusal(
                    f"No tool call found for function call output with call_id {item['call_id']}.",
                    param="input",
                )
            waiting.discard(item["call_id"])
    if waiting:
        raise Refusal(f"No tool output found for function call {min(waiting)}.", param="input")


def _rows(items: Iterable[Mapping[str, Any]]) -> list[Message]:
    """The items of a request, as the model reads them."""
    rows = []
    for item in items:
        match item.get("type"):
            case "function_call":
                call = ToolRequest(item["call_id"], item["name"], item["arguments"])
                rows.append(Message("assistant", tool_calls=(call,)))
            case "function_call_output":
                rows.append(Message("tool", item["output"], tool_call_id=item["call_id"]))
            case _:
                rows += rows_in([item])
    return rows


def _tools(body: Mapping[str, Any]) -> list[ToolSpec]:
    if body.get("tool_choice") == "none":
        return []
    return [
        ToolSpec(each["name"], each.get("description", ""), each["parameters"])
        for each in body.get("tools") or ()
    ]


def events(turn: Turn, body: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """*turn* as it is streamed: each event numbered, the last with the whole response."""
    numbers, response = count(), _response(turn, body)
    options = body.get("stream_options") or {}
    padded = {} if options.get("include_obfuscation") is False else {"obfuscation": "Ht3"}
    begun = {**response, "status": "in_progress", "output": [], "usage": None}
    done: list[dict[str, Any]] = []

    def event(kind: str, **fields: Any) -> dict[str, Any]:
        return {"type": kind, "sequence_number": next(numbers), **fields}

    yield event("response.created", response={**begun, "incomplete_details": None})
    yield event("response.in_progress", response={**begun, "incomplete_details": None})
    for index, item in enumerate(response["output"]):
        write = _message if item["type"] == "message" else _call
        for kind, fields in write(item, index, turn):
            padding = padded if kind.endswith(".delta") else {}
            yield event(kind, **fields, **padding)
        done.append(item)
    yield event(f"response.{response['status']}", response={**response, "output": done})


def _message(item: dict[str, Any], index: int, turn: Turn) -> Iterator[tuple[str, dict[str, Any]]]:
    place = {"item_id": item["id"], "output_index": index, "content_index": 0}
    empty = {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
    begun = {**item, "status": "in_progress", "content": []}
    yield "response.output_item.added", {"output_index": index, "item": begun}
    yield "response.content_part.added", {**place, "part": empty}
    for piece in turn.pieces():
        yield (
            "response.output_text.delta",
            {**place, "delta": piece, "logprobs": []},
        )
    yield "response.output_text.done", {**place, "text": turn.text, "logprobs": []}
    yield "response.content_part.done", {**place, "part": item["content"][0]}
    yield "response.output_item.done", {"output_index": index, "item": item}


def _call(item: dict[str, Any], index: int, _: Turn) -> Iterator[tuple[str, dict[str, Any]]]:
    place = {"item_id": item["id"], "output_index": index}
    begun = {**item, "status": "in_progress", "arguments": ""}
    yield "response.output_item.added", {"output_index": index, "item": begun}
    for at in range(0, len(item["arguments"]), 5):
        piece = item["arguments"][at : at + 5]
        yield (
            "response.function_call_arguments.delta",
            {**place, "delta": piece},
        )
    yield (
        "response.function_call_arguments.done",
        {**place, "arguments": item["arguments"]},
    )
    yield "response.output_item.done", {"output_index": index, "item": item}


def _response(turn: Turn, body: Mapping[str, Any]) -> dict[str, Any]:
    """The response when it is complete, or as complete as it gets."""
    why = _INCOMPLETE.get(turn.reason)
    return {
        "id": new_id("resp"),
        "object": "response",
        "created_at": _CREATED,
        "status": "incomplete" if why else "completed",
        "error": None,
        "incomplete_details": {"reason": why} if why else None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": {},
        "model": body["model"],
        "output": _output(turn),
        "parallel_tool_calls": body.get("parallel_tool_calls", True),
        "previous_response_id": None,
        "reasoning": body.get("reasoning") or {"effort": None, "summary": None},
        "service_tier": "default",
        "temperature": body.get("temperature", 1.0),
        "text": body.get("text") or {"format": {"type": "text"}},
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools") or [],
        "top_p": body.get("top_p", 1.0),
        "truncation": "disabled",
        "usage": _usage(turn, body),
        "user": None,
    }


def _output(turn: Turn) -> list[dict[str, Any]]:
    text = {"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []}
    shared = {"type": "message", "role": "assistant", "status": "completed"}
    messages = [{**shared, "id": new_id("msg"), "content": [text]}] if turn.text else []
    return messages + [
        {
            "type": "function_call",
            "id": new_id("fc"),
            "call_id": call.id,
            "name": call.name,
            "arguments": call.arguments,
            "status": "completed",
        }
        for call in turn.tools
    ]


def _usage(turn: Turn, body: Mapping[str, Any]) -> dict[str, Any]:
    source = body["input"]
    prompt = prompt_tokens([{"content": source}] if isinstance(source, str) else source)
    return {
        "input_tokens": prompt,
        "input_tokens_details": {
            "cached_tokens": min(turn.cached, prompt),
            "cache_write_tokens": 0,
        },
        "output_tokens": turn.tokens(),
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": prompt + turn.tokens(),
    }
