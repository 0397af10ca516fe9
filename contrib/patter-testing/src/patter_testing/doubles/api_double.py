"""A vendor whose API speaks as OpenAI's does, impersonated: models, refusals and their bodies."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, TypeVar

import attrs
from aiohttp import web
from aiohttp.typedefs import Handler

from patter_testing.doubles.api_refusal import Refusal
from patter_testing.doubles.vendor_double import VendorDouble

P = TypeVar("P")


@attrs.define(eq=False, kw_only=True)
class ApiDouble(VendorDouble):
    """Subclass: the API is below *prefix*; *types* and *codes* are what its refusals are called.

    *models* are the names of those it has. *log* has the JSON bodies of requests, the fields of
    forms and the messages of sockets, as (path, body); *aborted* the paths of requests whose
    sender left before the end.
    """

    prefix: ClassVar[str] = "/v1"
    owner: ClassVar[str] = "openai"
    types: ClassVar[Mapping[int, str]] = {}
    codes: ClassVar[Mapping[int, str]] = {}

    models: tuple[str, ...] = ()
    log: list[tuple[str, dict[str, Any]]] = attrs.field(factory=list, init=False, repr=False)
    aborted: list[str] = attrs.field(factory=list, init=False, repr=False)

    def refusal(self, status: int, reason: str = "", **error: Any) -> web.Response:
        """The vendor's answer of HTTP *status*; *error* overrides what its body says."""
        body = {
            "message": reason or f"refused: {status}",
            "type": self.types.get(status, "invalid_request_error"),
            "param": None,
            "code": self.codes.get(status),
        }
        headers = {"x-request-id": f"req_{len(self.requests)}"}
        return web.json_response({"error": {**body, **error}}, status=status, headers=headers)

    def pointed(self, provider: P) -> P:
        """The same *provider*, whose vendor is this double."""
        changed: dict[str, Any] = {"base_url": f"{self.url}{self.prefix}", "api_key": self.key}
        return attrs.evolve(provider, **changed)  # type: ignore[misc]

    async def stall_or_pass(self) -> None:
        """Stop here for ever where an answer in one piece is to stall."""
        if self.faults.stalls:
            await asyncio.get_running_loop().create_future()

    def bodies(self, path: str) -> list[dict[str, Any]]:
        """What was asked of *path*, below the prefix."""
        return [body for at, body in self.log if at == f"{self.prefix}{path}"]

    def refusing(self, routes: Iterable[web.RouteDef]) -> Iterable[web.RouteDef]:
        """*routes*, where a `Refusal` becomes the vendor's answer."""
        for route in routes:
            handler: Any = route.handler
            yield attrs.evolve(route, handler=self._refusing(handler))

    def model_routes(self) -> Iterable[web.RouteDef]:
        """Which models there are, and each."""
        yield web.get(f"{self.prefix}/models", self._list_models)
        yield web.get(f"{self.prefix}/models/{{model:.+}}", self._one_model)

    def _refusing(self, handler: Handler) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                return await handler(request)
            except Refusal as refused:
                error = {name: each for name, each in refused.error.items() if name != "message"}
                return self.refusal(refused.status, refused.error["message"], **error)

        return answer

    async def _list_models(self, _: web.Request) -> web.Response:
        rows = [self._model(each) for each in self.models]
        return web.json_response({"object": "list", "data": rows})

    async def _one_model(self, request: web.Request) -> web.Response:
        name = request.match_info["model"]
        if name not in self.models:
            return self.refusal(404, f"The model '{name}' does not exist", param="model")
        return web.json_response(self._model(name))

    def _model(self, name: str) -> dict[str, Any]:
        owner, created = self.owner, 1_700_000_000
        return {"id": name, "object": "model", "created": created, "owned_by": owner}
