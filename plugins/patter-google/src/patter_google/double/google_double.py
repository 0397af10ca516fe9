"""The double of Gemini: its paths, how it refuses, and what it does wrong when told to."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import attrs
from aiohttp import web

from patter_google.double.live import LiveSocket
from patter_google.double.live_rules import LiveRules
from patter_google.double.live_script import LiveScript
from patter_google.double.request_check import Refusal, checked, signs
from patter_google.double.rows import rows_of, tools_of
from patter_google.double.turn import CODES, Turn, pieces, whole
from patter_testing.doubles.vendor_double import VendorDouble

P = TypeVar("P")

MODELS = ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-flash-preview", "gemini-3.8-flash")
LIVE_MODELS = (
    "gemini-2.5-flash-native-audio-preview-09-2025",
    "gemini-2.5-flash-native-audio-preview-12-2025",
    "gemini-3.1-flash-live-preview",
    "gemini-3.8-live",
    "gemini-live-2.5-flash-native-audio",
)
_AI_LIVE = "/ws/google.ai.generativelanguage."
_CLOUD_LIVE = "/ws/google.cloud.aiplatform."
_KINDS = {code: kind for kind, code in CODES.items()}
_WRONG_KEY = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "API_KEY_INVALID",
    "domain": "googleapis.com",
}


@attrs.define(eq=False, kw_only=True)
class GoogleDouble(VendorDouble):
    """Google AI and Vertex AI on 127.0.0.1. *models* are those they have.

    It answers with *script*, turn by turn; then, and without one, as its *model* does. *bodies* are
    the bodies of requests that were accepted, *aborted* counts the answers that nobody waited for.

    *live_models* have the Live API, where *live* is the script; *log* has what its sessions were
    sent, as (kind, content), and *talking* those that are open.
    """

    models: tuple[str, ...] = MODELS
    live_models: tuple[str, ...] = LIVE_MODELS
    live: LiveScript = attrs.field(factory=lambda: LiveScript(replies=()))
    log: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list, init=False, repr=False)
    talking: list[LiveSocket] = attrs.field(factory=list, init=False, repr=False)
    script: Iterable[Turn | str] = ()
    bodies: list[dict[str, Any]] = attrs.field(factory=list, init=False, repr=False)
    aborted: int = attrs.field(default=0, init=False)
    _turns: Iterator[Turn | str] = attrs.field(init=False, repr=False)
    _issued: set[str] = attrs.field(factory=set, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        self._turns = iter(self.script)

    def routes(self) -> Iterable[web.RouteDef]:
        """The paths of both."""
        ours, theirs = "/{version:v1|v1beta}/models", "/{version:v1|v1beta1}/projects/{project}"
        yield web.get(ours, self._list_models)
        yield web.get(ours + "/{model}", self._one_model)
        for models in (ours, theirs + "/locations/{location}/publishers/google/models"):
            yield web.post(models + "/{model}:streamGenerateContent", self._streamed)
            yield web.post(models + "/{model}:generateContent", self._generated)
            yield web.post(models + "/{model}:countTokens", self._counted)
        yield web.get(
            _AI_LIVE + "{version:v1|v1alpha|v1beta}.GenerativeService.BidiGenerateContent",
            self._talked,
        )
        yield web.get(
            _CLOUD_LIVE + "{version:v1|v1beta1}.LlmBidiService/BidiGenerateContent",
            self._talked_in_the_cloud,
        )

    async def hear(self, text: str) -> None:
        """Every open session understands *text* now."""
        for session in tuple(self.talking):
            await session.hear(text)

    def key_in(self, request: web.Request) -> str:
        """The key, or for Vertex AI the token; Google AI answers 400 to a key that is none.

        A socket it opens all the same, and closes once it was sent something.
        """
        shown = _key_of(request)
        if shown and request.path.startswith(_AI_LIVE):
            return self.key
        if shown and shown != self.key:
            text = "API key not valid. Please pass a valid API key."
            body = _error(400, text, "INVALID_ARGUMENT", [_WRONG_KEY])
            raise web.HTTPBadRequest(text=json.dumps(body), content_type="application/json")
        return shown or super().key_in(request)

    def refusal(self, status: int, reason: str = "", *, kind: str = "") -> web.Response:
        """Google's answer of HTTP *status*."""
        kind = kind or _KINDS.get(status, "INTERNAL" if status >= 500 else "FAILED_PRECONDITION")
        return web.json_response(
            _error(status, reason or f"refused: {status}", kind), status=status
        )

    def pointed(self, provider: P) -> P:
        """The same *provider*, whose vendor is this double."""
        pointed = super().pointed(provider)
        if not getattr(provider, "vertexai", False):
            return pointed
        from google.oauth2.credentials import Credentials

        token: dict[str, Any] = {"credentials": Credentials(self.key)}  # type: ignore[no-untyped-call]
        return attrs.evolve(pointed, **token)  # type: ignore[misc]

    async def _talked(self, request: web.Request) -> web.StreamResponse:
        rules = LiveRules(False, request.match_info["version"], self.live_models)
        good = _key_of(request) == self.key
        return await LiveSocket(self, request, rules).serve(key_is_good=good)

    async def _talked_in_the_cloud(self, request: web.Request) -> web.StreamResponse:
        rules = LiveRules(True, request.match_info["version"], self.live_models)
        return await LiveSocket(self, request, rules).serve(key_is_good=True)

    async def _streamed(self, request: web.Request) -> web.StreamResponse:
        try:
            body, model, turn = await self._accepted(request)
        except Refusal as refused:
            return self.refusal(refused.status, refused.words, kind=refused.kind)
        if request.query.get("alt") != "sse":
            return self.refusal(400, "the double streams with alt=sse alone")
        complete = False
        try:
            coming = pieces(turn, model, _tokens(body), signs(model))
            response = await self._stream(request, self._noted(coming))
            complete = True
        finally:
            self.aborted += not complete
        return response

    async def _generated(self, request: web.Request) -> web.StreamResponse:
        try:
            body, model, turn = await self._accepted(request)
        except Refusal as refused:
            return self.refusal(refused.status, refused.words, kind=refused.kind)
        await self.latency.wait()
        answer = whole(turn, model, _tokens(body), signs(model))
        return web.json_response(next(self._noted(iter([answer]))))

    async def _counted(self, request: web.Request) -> web.Response:
        model = request.match_info["model"]
        if model not in self.models:
            return self.refusal(404, f"models/{model} is not found for API version v1beta")
        total = _tokens(await request.json())
        details = [{"modality": "TEXT", "tokenCount": total}]
        return web.json_response({"totalTokens": total, "promptTokensDetails": details})

    async def _accepted(self, request: web.Request) -> tuple[dict[str, Any], str, Turn]:
        """The request's body, its model, and what that says. Raises Refusal."""
        model = request.match_info["model"]
        if model not in self.models:
            words = f"models/{model} is not found for API version v1beta"
            raise Refusal(words, status=404, kind="NOT_FOUND")
        try:
            body = await request.json()
        except ValueError:
            raise Refusal("Invalid JSON payload received. Unexpected token.") from None
        body = checked(body, model, self._issued)
        self.bodies.append(body)
        turn = self._next_turn(body)
        return body, model, turn.within(body.get("generationConfig") or {})

    def _next_turn(self, body: Mapping[str, Any]) -> Turn:
        """What the script says, or the model would."""
        if scripted := next(self._turns, None):
            return Turn(text=scripted) if isinstance(scripted, str) else scripted
        answer = self.model.answer(rows_of(body), tools_of(body))
        return Turn(text=answer.text, calls=tuple((t.name, t.arguments) for t in answer.tools))

    def _noted(self, coming: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """*coming*, whose signatures are known from then on."""
        for piece in coming:
            for candidate in piece.get("candidates") or ():
                for part in (candidate.get("content") or {}).get("parts") or ():
                    self._issued.update(filter(None, [part.get("thoughtSignature")]))
            yield piece

    async def _stream(
        self, request: web.Request, coming: Iterable[Mapping[str, Any]]
    ) -> web.StreamResponse:
        """Answer with the pieces of *coming*, as the faults demand."""
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await self.latency.wait()
        farewell = _sse({"candidates": [{"finishReason": "STOP", "index": 0}]})
        stream = self.stream(response, farewell=farewell)
        for piece in coming:
            await stream.send(_sse(piece))
        await stream.end()
        return response

    async def _list_models(self, _: web.Request) -> web.Response:
        return web.json_response({"models": [_model(each) for each in self.models]})

    async def _one_model(self, request: web.Request) -> web.Response:
        name = request.match_info["model"]
        if name not in self.models:
            return self.refusal(404, f"models/{name} is not found for API version v1beta")
        return web.json_response(_model(name))


def _key_of(request: web.Request) -> str:
    return request.headers.get("x-goog-api-key") or request.query.get("key") or ""


def _error(
    status: int, message: str, kind: str, details: Iterable[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    error = {"code": status, "message": message, "status": kind}
    return {"error": {**error, **({"details": list(details)} if details else {})}}


def _model(name: str) -> dict[str, Any]:
    return {
        "name": f"models/{name}",
        "version": "001",
        "displayName": name.replace("-", " ").title(),
        "inputTokenLimit": 1_048_576,
        "outputTokenLimit": 65_536,
        "supportedGenerationMethods": ["generateContent", "countTokens"],
        "temperature": 1,
        "topP": 0.95,
        "topK": 64,
        "maxTemperature": 2,
        "thinking": True,
    }


def _tokens(body: Mapping[str, Any]) -> int:
    """The tokens of a prompt: four bytes of JSON each."""
    parts = ("contents", "systemInstruction", "tools")
    return max(1, len(json.dumps([body.get(each) for each in parts])) // 4)


def _sse(piece: Mapping[str, Any]) -> bytes:
    return f"data: {json.dumps(piece)}\r\n\r\n".encode()
