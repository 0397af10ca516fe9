"""The double of Anthropic: its paths, how it refuses, and what it does wrong when told to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import attrs
from aiohttp import web

from patter_anthropic.double.prompt_cache import PromptCache
from patter_anthropic.double.request_check import Refusal, check
from patter_anthropic.double.rows import rows_of, tools_of
from patter_anthropic.double.turn import Turn, events, message
from patter_testing.doubles.vendor_double import VendorDouble

KINDS = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
    529: "overloaded_error",
}
MODELS = (
    "claude-haiku-4-5-20251001",
    "claude-haiku-5-5",
    "claude-sonnet-4-6",
    "claude-sonnet-5-5",
    "claude-opus-5-5",
)


@attrs.define(eq=False, kw_only=True)
class AnthropicDouble(VendorDouble):
    """Anthropic on 127.0.0.1. *models* are those it has, and *retired* those it had.

    It answers with *script*, turn by turn; then, and without one, as its *model* does. Prompts of
    *least_cached* tokens are kept. *bodies* are the bodies of requests that were accepted,
    *aborted* counts the answers that nobody waited for.
    """

    models: tuple[str, ...] = MODELS
    retired: tuple[str, ...] = ()
    script: Iterable[Turn | str] = ()
    least_cached: int = 1024
    bodies: list[dict[str, Any]] = attrs.field(factory=list, init=False, repr=False)
    aborted: int = attrs.field(default=0, init=False)
    _turns: Iterator[Turn | str] = attrs.field(init=False, repr=False)
    _cache: PromptCache = attrs.field(init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._turns, self._cache = iter(self.script), PromptCache(self.least_cached)

    def routes(self) -> Iterable[web.RouteDef]:
        """The vendor's paths."""
        yield web.post("/v1/messages", self._messages)
        yield web.get("/v1/models", self._list_models)
        yield web.get("/v1/models/{model}", self._one_model)

    def key_in(self, request: web.Request) -> str:
        """The key, in the header of the SDK or of the vendor's own examples."""
        return request.headers.get("x-api-key") or super().key_in(request)

    def refusal(self, status: int, reason: str = "", *, kind: str = "") -> web.Response:
        """Anthropic's answer of HTTP *status*."""
        request_id = f"req_{len(self.requests):024x}"
        error = {
            "type": kind or KINDS.get(status, "api_error" if status >= 500 else KINDS[400]),
            "message": reason or f"refused: {status}",
        }
        return web.json_response(
            {"type": "error", "error": error, "request_id": request_id},
            status=status,
            headers={"request-id": request_id},
        )

    async def _messages(self, request: web.Request) -> web.StreamResponse:
        try:
            body = await self._accepted(request)
        except Refusal as refused:
            return self.refusal(refused.status, refused.words, kind=refused.kind)
        turn = self._next_turn(body).within(body)
        prompt = self._cache.count(body)
        if not body.get("stream"):
            await self.latency.wait()
            return web.json_response(message(turn, body, prompt))
        complete = False
        try:
            response = await self._stream(request, events(turn, body, prompt))
            complete = True
        finally:
            self.aborted += not complete
        return response

    async def _accepted(self, request: web.Request) -> dict[str, Any]:
        """The request's body. Raises Refusal."""
        try:
            body = await request.json()
        except ValueError:
            raise Refusal("The request body is not valid JSON") from None
        check(body, request.headers.get("anthropic-version", ""))
        if body["model"] not in self.models:
            raise Refusal(f"model: {body['model']}", status=404)
        self.bodies.append(body)
        return dict(body)

    def _next_turn(self, body: Mapping[str, Any]) -> Turn:
        """What the script says, or the model would."""
        if scripted := next(self._turns, None):
            return Turn(text=scripted) if isinstance(scripted, str) else scripted
        off = (body.get("tool_choice") or {}).get("type") == "none"
        answer = self.model.answer(rows_of(body), [] if off else tools_of(body))
        return Turn(text=answer.text, calls=tuple((t.name, t.arguments) for t in answer.tools))

    async def _stream(
        self, request: web.Request, coming: Iterable[Mapping[str, Any]]
    ) -> web.StreamResponse:
        """Answer with the events of *coming*, as the faults demand."""
        headers = {"Content-Type": "text/event-stream; charset=utf-8", "request-id": "req_stream"}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        await self.latency.wait()
        stream = self.stream(response, farewell=_sse({"type": "message_stop"}))
        for event in coming:
            await stream.send(_sse(event))
        await stream.end()
        return response

    async def _list_models(self, request: web.Request) -> web.Response:
        limit = int(request.query.get("limit", "20"))
        models = [*self.models, *self.retired]
        shown = [self._model(each) for each in models[:limit]]
        body = {"data": shown, "has_more": len(models) > limit}
        ends = {"first_id": models[0], "last_id": models[: limit or 1][-1]}
        return web.json_response({**body, **ends})

    async def _one_model(self, request: web.Request) -> web.Response:
        name = request.match_info["model"]
        if name not in (*self.models, *self.retired):
            return self.refusal(404, f"model: {name}")
        return web.json_response(self._model(name))

    def _model(self, name: str) -> dict[str, Any]:
        return {
            "id": name,
            "type": "model",
            "display_name": name.replace("-", " ").title(),
            "created_at": "2026-10-01T00:00:00Z",
            "lifecycle": "retired" if name in self.retired else "active",
        }


def _sse(event: Mapping[str, Any]) -> bytes:
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
