"""Language models at Cerebras, over Chat Completions."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import quote, urlsplit

import attrs

from patter.errors import PatterConfigError
from patter.vendors.chat_options import ChatOptions
from patter.vendors.chat_wire import request_body
from patter.vendors.http_api import HttpApi
from patter.vendors.options import address, choice, key, number, switch
from patter.vendors.reply_stream import decoded
from patter_cerebras._access import api_of, name_of, written
from patter_cerebras._errors import ERRORS
from patter_cerebras._reasoning import EFFORTS, check_effort, effort_of, family_of
from patter_cerebras._reply import CerebrasReply

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from patter.providers.health import HealthReport
    from patter.providers.llm import LLM, LLMChunk, LLMRequest

TIERS = ("auto", "default", "flex", "priority")
QUEUED = ("auto", "flex")
"""The tiers that take a limit of their queue."""


@attrs.frozen(kw_only=True)
class CerebrasLLM(ChatOptions):
    """Which model to ask, and how. Immutable: share one between any number of calls.

    *max_tokens* is sent as ``max_completion_tokens``; Cerebras counts it against the limit of the
    account before it answers. *reasoning_effort* is the least that the model takes unless it is
    set; ``default`` leaves it to the model. *reasoning_format* is ``parsed``, ``text_parsed`` or
    ``hidden``: thoughts are never spoken. *strict_tools* is whether the model is held to the
    parameters of tools, if all of them ask for it; not every model can be.

    *service_tier* is the account's; with ``flex`` and ``auto`` a request that would have to wait
    for longer than *queue_threshold_ms* (50 to 20000) is refused at once. Requests with one
    *prompt_cache_key* share a cache. Bodies are *msgpack*, and *gzip* where that saves packets.
    *user* is whose request it is, in no words that name a person. Nothing is waited for longer
    than *timeout* seconds.

    Raises PatterConfigError for a value that Cerebras would refuse.
    """

    model: str = "gpt-oss-120b"
    reasoning_effort: str = choice("", *EFFORTS)
    reasoning_format: str = choice("", "parsed", "text_parsed", "hidden")
    strict_tools: bool = switch(True)
    service_tier: str = choice("", *TIERS)
    queue_threshold_ms: int | None = number(None, 50, 20_000, whole=True)
    prompt_cache_key: str = ""
    user: str = ""
    gzip: bool = switch(True)
    msgpack: bool = switch(True)
    timeout: float = number(30.0, 0.001, 600)
    base_url: str = address("https://api.cerebras.ai/v1")
    api_key: str = key("CEREBRAS_API_KEY")
    name: ClassVar[str] = "cerebras"

    def __attrs_post_init__(self) -> None:
        check_effort(self.model, self.reasoning_effort)
        if self.queue_threshold_ms is not None and self.service_tier not in QUEUED:
            raise PatterConfigError(
                "queue_threshold_ms is of the service tiers auto and flex alone",
                fix="set service_tier=auto, or leave queue_threshold_ms out",
            )

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host that every request goes to."""
        return (urlsplit(self.base_url).hostname or "",)

    async def stream(self, request: LLMRequest) -> AsyncGenerator[LLMChunk, None]:
        """Answer *request*; closing the iterator aborts it at Cerebras."""
        reply, queue = CerebrasReply(ERRORS, self.api_key), self.queue_threshold_ms
        body, headers = await written(self.chat_body(request), gzip=self.gzip, msgpack=self.msgpack)
        if queue is not None:
            headers["queue_threshold"] = str(queue)
        answer = self._api.events("/chat/completions", body, self.timeout, headers=headers)
        async with (
            aclosing(answer) as events,
            aclosing(decoded(events, reply)) as chunks,
        ):
            async for chunk in chunks:
                yield chunk

    async def check(self) -> HealthReport:
        """Are the key and the model accepted? Free of charge."""
        return await self._api.check(f"/models/{quote(self.model, safe='')}", text=name_of)

    async def warm(self) -> None:
        """Open a connection that the next request takes over."""
        await self._api.warm("/models")

    def chat_body(self, request: LLMRequest) -> dict[str, Any]:
        """The body for Chat Completions."""
        body = {
            **request_body(request, self.model),
            **self.body(request, tokens="max_completion_tokens"),
            **{name: value for name, value in self._theirs().items() if value},
        }
        if request.tools:
            # Some that are strict and some that are not are refused.
            strict = self.strict_tools and all(tool.strict for tool in request.tools)
            for tool in body["tools"]:
                tool["function"]["strict"] = strict
        return body

    def _theirs(self) -> dict[str, str]:
        """The fields that are Cerebras' alone."""
        family = family_of(self.model)
        form = "parsed" if family and family.mixes else ""
        return {
            "reasoning_effort": effort_of(self.model, self.reasoning_effort),
            "reasoning_format": self.reasoning_format or form,
            "service_tier": self.service_tier,
            "prompt_cache_key": self.prompt_cache_key,
            "user": self.user,
        }

    @property
    def _api(self) -> HttpApi:
        return api_of(self.base_url, self.api_key, self.user_agent)


if TYPE_CHECKING:
    _: type[LLM] = CerebrasLLM
