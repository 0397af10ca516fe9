"""Language models of anybody who speaks Chat Completions: a vendor, a gateway, one's own server."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs
import orjson

from patter import env
from patter.errors import MissingCredential, PatterConfigError
from patter.providers.health import HealthReport
from patter.vendors.chat_options import ChatOptions
from patter.vendors.chat_wire import ChatReply, request_body
from patter.vendors.errors import VendorErrors
from patter.vendors.options import number
from patter.vendors.reply_stream import decoded
from patter_openai._access import Access
from patter_openai._settings import SILENCES, any_url, host_of
from patter_openai.llm import agent_header

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from patter.providers.llm import LLM, LLMChunk, LLMRequest

NO_KEY = "EMPTY"
"""Sent where a server wants no key: it has to be something."""


def _headers(value: str | Mapping[str, str]) -> Mapping[str, str]:
    """Headers as a mapping, or as JSON text in a spec string."""
    headers: Any = value
    if isinstance(value, str):
        try:
            headers = orjson.loads(value or "{}")
        except orjson.JSONDecodeError:
            headers = None
    if not isinstance(headers, Mapping) or not all(isinstance(v, str) for v in headers.values()):
        raise PatterConfigError(
            "extra_headers is not a mapping of names to texts",
            fix="write extra_headers={'X-Team': 'phone'}",
        )
    return dict(headers)


@attrs.frozen(kw_only=True)
class OpenAICompatibleLLM(ChatOptions):
    """Which server and model to ask. Immutable: share one between any number of calls.

    *base_url* ends before ``/chat/completions``; plain http is for this machine and its network.
    A server may want no key; else it is *api_key*, or in the variable *api_key_env*. Nothing is
    waited for longer than *timeout* seconds. *extra_headers* go with every request.
    *reasoning_effort* is for servers that know it. *limit_name* is what the server calls
    *max_tokens*: older ones ``max_tokens``, OpenAI ``max_completion_tokens``.
    """

    base_url: str = attrs.field(converter=any_url)
    model: str
    api_key_env: str = ""
    timeout: float = number(60.0, *SILENCES)
    reasoning_effort: str = ""
    limit_name: str = "max_tokens"
    extra_headers: Mapping[str, str] = attrs.field(
        factory=dict, converter=_headers, repr=False, hash=False
    )
    api_key: str = attrs.field(default="", repr=False)
    name: ClassVar[str] = "openai-compatible"

    def __attrs_post_init__(self) -> None:
        if self.api_key_env and not self.key:
            raise MissingCredential(
                "OpenAICompatibleLLM has no api_key",
                fix=f"export {self.api_key_env}, or leave api_key_env out where no key is wanted",
            )

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host that every request goes to."""
        return (host_of(self.base_url),)

    @property
    def key(self) -> str:
        """The key, or nothing."""
        return self.api_key or (env.read(self.api_key_env) if self.api_key_env else "")

    async def stream(self, request: LLMRequest) -> AsyncGenerator[LLMChunk, None]:
        """Answer *request*; closing the iterator aborts it at the server."""
        access = self.access
        body, reply = self.chat_body(request), ChatReply(access.errors, access.api_key)
        async with (
            aclosing(access.api.events("/chat/completions", body, self.timeout)) as events,
            aclosing(decoded(events, reply)) as chunks,
        ):
            async for chunk in chunks:
                yield chunk

    async def check(self) -> HealthReport:
        """Is the server there, and does it accept the key? Free of charge."""
        return await self.access.reach()

    async def warm(self) -> None:
        """Import the client and open a connection."""
        await self.access.reach()

    def chat_body(self, request: LLMRequest) -> dict[str, Any]:
        """The body for Chat Completions."""
        effort = {"reasoning_effort": self.reasoning_effort} if self.reasoning_effort else {}
        options = self.body(request, tokens=self.limit_name)
        return {**request_body(request, self.model), **options, **effort}

    @property
    def _errors(self) -> VendorErrors:
        host = urlsplit(self.base_url).netloc
        return VendorErrors(f"the server at {host}", self.api_key_env or "API key", host)

    @property
    def access(self) -> Access:
        """Where requests go."""
        return Access(
            base_url=self.base_url,
            api_key=self.key or NO_KEY,
            errors=self._errors,
            headers={**agent_header(self.user_agent), **self.extra_headers},
        )


if TYPE_CHECKING:
    _: type[LLM] = OpenAICompatibleLLM
