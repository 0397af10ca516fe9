"""The one way in for a carrier's webhook: size, signature, replay, and only then its content.

Every carrier signs differently, so a plugin brings the check; the order of the steps is the
same for all of them and stands here alone. What fails a step is refused, never passed on.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, Protocol, TypeAlias, TypeVar

import attrs
from aiohttp import web

from patter.carriers.request_charge import refund
from patter.carriers.webhooks import BODY_BYTES, Replays, form_fields, public_url, raw_body
from patter.providers.carrier import Switchboard

Fields: TypeAlias = Mapping[str, Sequence[str]]
BodyCheck: TypeAlias = Callable[[bytes], str | bytes]
"""Verifies a raw body and returns what names this delivery, a signature or a nonce.

Raises WebhookVerificationError, or PatterConfigError when no secret is set.
"""


async def verified_body(
    request: web.Request, check: BodyCheck, replays: Replays, *, limit: int = BODY_BYTES
) -> bytes:
    """The body of a request that *check* accepts, at most *limit* bytes.

    A new delivery does not count against the rate of its address; a repeated one does.
    Raises HTTPRequestEntityTooLarge and WebhookVerificationError.
    """
    body = await raw_body(request, limit)
    # A copy of a signed request is accepted for a while: charged, its sender has a limit.
    if replays.check(check(body)):
        refund()
    return body


class FormSignature(Protocol):
    """What proves a form that was posted to one of our addresses."""

    def verify(self, url: str, fields: Fields, headers: Mapping[str, str]) -> str:
        """The signature of the form. Raises WebhookVerificationError."""
        ...


@attrs.frozen
class SignedForm:
    """The *fields* of a verified form, and the *query* of the address it was posted to."""

    fields: Fields
    query: Sequence[tuple[str, str]] = ()

    def get(self, name: str) -> str:
        """The first value of a field; empty when there is none."""
        return next(iter(self.fields.get(name, ())), "")

    def param(self, name: str) -> str:
        """The value our address has under *name*; empty when it has none."""
        return dict(self.query).get(name, "")

    def prefixed(self, prefix: str) -> list[tuple[str, str]]:
        """The fields whose names begin with *prefix*, in any case, without it."""
        start = prefix.lower()
        return [
            (name[len(prefix) :], self.get(name))
            for name in self.fields
            if name.lower().startswith(start)
        ]


async def verified_form(
    request: web.Request, signature: FormSignature, public_host: str, replays: Replays
) -> SignedForm:
    """The form of a request that *signature* accepts for its address on *public_host*.

    Raises HTTPRequestEntityTooLarge, InputError, PatterConfigError, WebhookVerificationError.
    """
    fields: Fields = {}

    def check(body: bytes) -> str:
        nonlocal fields
        fields = form_fields(body)
        return signature.verify(public_url(public_host, request), fields, request.headers)

    await verified_body(request, check, replays)
    return SignedForm(fields, tuple(request.query.items()))


F = TypeVar("F")
FormHandler: TypeAlias = Callable[[F], Awaitable[str | None]]
"""Takes a verified form; returns the XML the carrier is to follow, or None for no answer."""


@attrs.frozen(eq=False, kw_only=True)
class FormWebhooks(Generic[F]):
    """Routes for one account's forms: verified, read by *read*, answered in XML.

    *read* turns a form into the plugin's own value and refuses other accounts'.
    *empty_status*: how the carrier wants a webhook answered that asks for nothing.
    """

    switchboard: Switchboard
    signature: FormSignature = attrs.field(repr=False)
    read: Callable[[SignedForm], F]
    empty_status: int = 204
    replays: Replays = attrs.field(factory=Replays)

    def route(self, path: str, handler: FormHandler[F]) -> web.RouteDef:
        """A POST route whose *handler* sees nothing that was not verified."""

        async def handle(request: web.Request) -> web.Response:
            document = await handler(self.read(await self._verified(request)))
            if document is None:
                return web.Response(status=self.empty_status, content_type="text/plain")
            return web.Response(text=document, content_type="text/xml")

        return web.post(path, handle)

    async def _verified(self, request: web.Request) -> SignedForm:
        host = self.switchboard.public_host
        return await verified_form(request, self.signature, host, self.replays)
