"""Language models of Anthropic, over the Messages API."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from patter.providers.health import HealthReport
from patter.vendors.options import address, choice, key, number, several, switch
from patter.vendors.reply_stream import decoded
from patter_anthropic import _wire
from patter_anthropic._errors import ERRORS
from patter_anthropic._reply import MessagesReply
from patter_anthropic._sdk import Access
from patter_anthropic._thinking import EFFORTS, MODES, without_thinking

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from patter.providers.llm import LLM, LLMChunk, LLMRequest

SAMPLING_VERSION = "2023-06-01"
"""The last version of the API that takes temperature, top_p and top_k; later ones refuse them."""


@attrs.frozen(kw_only=True)
class AnthropicLLM:
    """Which model to ask, and how. Immutable: share one between any number of calls.

    The model writes at most *max_tokens* and ends before *stop_sequences*. *temperature*, *top_p*
    (both 0 to 1) and *top_k* are only for models that still take them. *effort* says how much is
    thought and written, *thinking* when: ``off`` does what this model needs for it, ``default``
    leaves it to the model. *prompt_caching* has the vendor keep tools, system text and the
    conversation so far for *cache_ttl*. *tool_choice* is ``auto``, ``any``, ``none`` or a tool's
    name. *user_id* is whose request this is, in no words that name a person. Nothing is waited
    for longer than *timeout* seconds.

    Raises PatterConfigError for a value that Anthropic would refuse.
    """

    model: str = "claude-haiku-4-5-20251001"
    max_tokens: int = number(1024, 1, 1_000_000, whole=True)
    temperature: float | None = number(None, 0, 1)
    top_p: float | None = number(None, 0, 1)
    top_k: int | None = number(None, 1, 1_000_000, whole=True)
    stop_sequences: tuple[str, ...] = several()
    effort: str | None = choice(None, *EFFORTS)
    thinking: str = choice("off", *MODES)
    tool_choice: str = ""
    parallel_tool_calls: bool | None = switch(None)
    prompt_caching: bool = switch(True)
    cache_ttl: str = choice("5m", "5m", "1h")
    service_tier: str | None = choice(None, "auto", "standard_only")
    speed: str | None = choice(None, "standard", "fast")
    inference_geo: str = ""
    user_id: str = ""
    timeout: float = number(30, 0.1, 600)
    base_url: str = address("https://api.anthropic.com")
    api_key: str = key("ANTHROPIC_API_KEY")
    name: ClassVar[str] = "anthropic"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host that every request goes to."""
        return (urlsplit(self.base_url).hostname or "",)

    async def stream(self, request: LLMRequest) -> AsyncGenerator[LLMChunk, None]:
        """Answer *request*; closing the iterator aborts it at Anthropic."""
        events = self._access.events(self.body(request), self.headers(), self.timeout)
        reply = MessagesReply(ERRORS, self.api_key)
        async with (
            aclosing(events),
            aclosing(decoded(events, reply, self.timeout)) as chunks,
        ):
            async for chunk in chunks:
                yield chunk

    async def check(self) -> HealthReport:
        """Are the key and the model accepted? Free of charge."""
        return await self._access.check(self.model)

    async def warm(self) -> None:
        """Import the SDK and open a connection."""
        await self._access.warm()

    def headers(self) -> dict[str, str]:
        """What differs from the SDK's headers: a version that takes the options that are set."""
        sampled = (self.temperature, self.top_p, self.top_k) != (None, None, None)
        return {"anthropic-version": SAMPLING_VERSION} if sampled else {}

    def body(self, request: LLMRequest) -> dict[str, Any]:
        """The body that asks for a reply to *request*."""
        system = _wire.system_text(request.messages)
        body = {
            "model": self.model,
            "max_tokens": self.max_tokens,
            "messages": _wire.conversation(request.messages),
            "system": [{"type": "text", "text": system}] if system else None,
            "tools": _wire.tool_params(request.tools) or None,
            "tool_choice": self._tool_choice(request),
            **self._options(),
        }
        sent = {name: value for name, value in body.items() if value not in (None, "", [], {})}
        return _wire.cached(sent, self.cache_ttl) if self.prompt_caching else sent

    def _options(self) -> dict[str, Any]:
        thinking, effort = without_thinking(self.model, self.effort or "")
        if self.thinking != "off":
            thinking, effort = self.thinking, self.effort or ""
        return {
            "temperature": self.temperature,
            "top_p": self.top_p,
            "top_k": self.top_k,
            "stop_sequences": list(self.stop_sequences),
            "thinking": {"type": thinking} if thinking not in ("", "default") else None,
            "output_config": {"effort": effort} if effort else None,
            "service_tier": self.service_tier,
            "speed": self.speed,
            "inference_geo": self.inference_geo,
            "metadata": {"user_id": self.user_id} if self.user_id else None,
        }

    def _tool_choice(self, request: LLMRequest) -> dict[str, Any] | None:
        """What is said about tools, if there are any.

        A tool that must be called is called once: told its result, the model may speak.
        """
        if not request.tools:
            return None
        answered = request.messages[-1].role == "tool" if request.messages else False
        forced = self.tool_choice not in ("", "auto", "none")
        choice = "" if forced and answered else self.tool_choice
        return _wire.tool_choice(choice, self.parallel_tool_calls)

    @property
    def _access(self) -> Access:
        return Access(base_url=self.base_url, api_key=self.api_key)


if TYPE_CHECKING:
    _: type[LLM] = AnthropicLLM
