"""How a double of a JSON API takes a request, and answers it with a stream of events."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from aiohttp import web

from patter_testing.doubles.api_refusal import Refusal

if TYPE_CHECKING:
    from patter_testing.doubles.api_double import ApiDouble


@asynccontextmanager
async def noted(double: ApiDouble, request: web.Request) -> AsyncIterator[None]:
    """Note in *double* that whoever sent *request* left before its answer was complete."""
    complete = False
    try:
        yield
        complete = True
    finally:
        if not complete:
            double.aborted.append(request.path)


async def body_of(double: ApiDouble, request: web.Request) -> dict[str, Any]:
    """The JSON object in *request*, noted as what was asked. Raises Refusal."""
    try:
        body = await request.json()
    except ValueError:
        raise Refusal("We could not parse the JSON body of your request.") from None
    if not isinstance(body, dict):
        raise Refusal("The body is not an object.")
    double.log.append((request.path, body))
    return body


def check_model(double: ApiDouble, model: object) -> None:
    """Raise Refusal for a model that the vendor does not have."""
    if model not in double.models:
        raise Refusal(
            f"The model '{model}' does not exist or you do not have access to it.",
            status=404,
            code="model_not_found",
        )


async def stream(
    double: ApiDouble,
    request: web.Request,
    events: Iterable[Mapping[str, Any]],
    *,
    over: str,
    named: bool = False,
) -> web.StreamResponse:
    """Answer with *events* as server-sent events; *over* is what ends a stream, if anything does.

    With *named* each has its type as a name, too.
    """
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})

    def framed(text: str, kind: str = "") -> str:
        return f"event: {kind}\ndata: {text}\n\n" if named and kind else f"data: {text}\n\n"

    async with noted(double, request):
        await response.prepare(request)
        await double.latency.wait()
        sender = double.stream(response, framed(over) if over else "")
        for event in events:
            await sender.send(framed(json.dumps(event), str(event.get("type", ""))))
        if over:
            await sender.send(framed(over))
        await sender.end()
    return response
