"""Language models of Anthropic, over the Messages API."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from patter.llm.chat_options import between, one_of, optional_bool, optional_float, optional_int
from patter.llm.reply_stream import decoded
from patter.providers.health import HealthReport
from patter_anthropic import _wire
from patter_anthropic._errors import ERRORS
from patter_anthropic._reply import MessagesReply
from patter_anthropic._sdk import Access
from patter_anthropic._settings import BASE_URL, KEY, api_key, host_of, secret_url, texts
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
    max_tokens: int = attrs.field(default=1024, converter=int, validator=between(1, 1_000_000))
    temperature: float | None = attrs.field(
        default=None, converter=optional_float, validator=between(0, 1)
    )
    top_p: float | None = attrs.field(
        default=None, converter=optional_float, validator=between(0, 1)
    )
    top_k: int | None = attrs.field(
        default=None, converter=optional_int, validator=between(1, 1_000_000)
    )
    stop_sequences: tuple[str, ...] = attrs.field(default=(), converter=texts)
    effort: str = attrs.field(default="", validator=one_of(*EFFORTS))
    thinking: str = attrs.field(default="off", validator=one_of(*MODES))
    tool_choice: str = ""
    parallel_tool_calls: bool | None = attrs.field(default=None, converter=optional_bool)
    prompt_caching: bool = attrs.field(default=True, converter=attrs.converters.to_bool)
    cache_ttl: str = attrs.field(default="5m", validator=one_of("5m", "1h"))
    service_tier: str = attrs.field(default="", validator=one_of("auto", "standard_only"))
    speed: str = attrs.field(default="", validator=one_of("standard", "fast"))
    inference_geo: str = ""
    user_id: str = ""
    timeout: float = attrs.field(default=30.0, converter=float, validator=attrs.validators.gt(0))
    base_url: str = attrs.field(default=BASE_URL, converter=secret_url)
    api_key: str = attrs.field(default=None, converter=api_key, repr=False, metadata={"env": KEY})
    name: ClassVar[str] = "anthropic"

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host that every request goes to."""
        return (host_of(self.base_url),)

    async def stream(self, request: LLMRequest) -> AsyncGenerator[LLMChunk, None]:
        """Answer *request*; closing the iterator aborts it at Anthropic."""
        events = self._access.events(self.body(request), self.headers(), self.timeout)
        reply = MessagesReply(self.api_key)
        async with (
            aclosing(events),
            aclosing(decoded(events, reply, ERRORS, self.timeout)) as chunks,
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
        thinking, effort = without_thinking(self.model, self.effort)
        if self.thinking != "off":
            thinking, effort = self.thinking, self.effort
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
