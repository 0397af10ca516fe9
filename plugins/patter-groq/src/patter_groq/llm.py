"""Language models at Groq, over Chat Completions."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from patter.errors import PatterConfigError
from patter.vendors.chat_options import ChatOptions
from patter.vendors.chat_wire import request_body
from patter.vendors.http_api import HttpApi
from patter.vendors.options import address, choice, key, number, switch
from patter.vendors.reply_stream import decoded
from patter_groq._access import api_of, check
from patter_groq._errors import ERRORS, ToolUseFailed
from patter_groq._reasoning import EFFORTS, check_effort, effort_of, family_of
from patter_groq._reply import GroqReply
from patter_groq._settings import BASE_URL, KEY, SILENCES, host_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from patter.providers.health import HealthReport
    from patter.providers.llm import LLM, LLMChunk, LLMRequest

TIERS = ("auto", "on_demand", "flex", "performance")


@attrs.frozen(kw_only=True)
class GroqLLM(ChatOptions):
    """Which model to ask, and how. Immutable: share one between any number of calls.

    *max_tokens* is sent as ``max_completion_tokens``. *reasoning_effort* is the least that the
    model takes unless it is set; ``default`` leaves it to the model. *reasoning_format* is
    ``hidden`` or ``parsed``, or in its place *include_reasoning*: thoughts are never spoken.
    *service_tier* is Groq's; *user* whose request this is, in no words that name a person.

    A tool call that is none is asked for again *tool_retries* times (0 to 3), each time at half
    the temperature, unless something of the reply was told already. With
    *disable_tool_validation* Groq does not look whether there is such a tool. Nothing is waited
    for longer than *timeout* seconds.

    Raises PatterConfigError for a value that Groq would refuse.
    """

    model: str = "llama-3.3-70b-versatile"
    reasoning_effort: str = choice("", *EFFORTS)
    reasoning_format: str = choice("", "hidden", "parsed")
    include_reasoning: bool | None = switch(None)
    service_tier: str = choice("", *TIERS)
    user: str = ""
    disable_tool_validation: bool = switch(False)
    tool_retries: int = number(1, 0, 3, whole=True)
    timeout: float = number(30.0, *SILENCES)
    base_url: str = address(BASE_URL)
    api_key: str = key(KEY)
    name: ClassVar[str] = "groq"

    def __attrs_post_init__(self) -> None:
        check_effort(self.model, self.reasoning_effort)
        if self.reasoning_format and self.include_reasoning is not None:
            raise PatterConfigError(
                "Groq takes reasoning_format or include_reasoning, not both",
                fix="leave include_reasoning out",
            )

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host that every request goes to."""
        return (host_of(self.base_url),)

    async def stream(self, request: LLMRequest) -> AsyncGenerator[LLMChunk, None]:
        """Answer *request*; closing the iterator aborts it at Groq."""
        body = self.chat_body(request)
        for left in range(self.tool_retries, -1, -1):
            has_begun = False
            try:
                async with aclosing(self._reply(body)) as chunks:
                    async for chunk in chunks:
                        has_begun = True
                        yield chunk
                return
            except ToolUseFailed:
                if has_begun or not left:
                    raise
            body = {**body, "temperature": body.get("temperature", 1.0) / 2}

    async def check(self) -> HealthReport:
        """Are the key and the model accepted? Free of charge."""
        return await check(self._api, self.model)

    async def warm(self) -> None:
        """Open a connection that the next request takes over."""
        await self._api.warm("/models")

    def chat_body(self, request: LLMRequest) -> dict[str, Any]:
        """The body for Chat Completions."""
        body = request_body(request, self.model)
        # Groq tells tokens without being asked, and its SDK has no such field.
        del body["stream_options"]
        return {
            **body,
            **self.body(request, tokens="max_completion_tokens"),
            **{name: value for name, value in self._theirs().items() if value not in ("", None)},
        }

    def _theirs(self) -> dict[str, Any]:
        """The fields that are Groq's alone."""
        family, form = family_of(self.model), self.reasoning_format
        if not form and family and family.mixes and self.include_reasoning is None:
            form = "parsed"
        return {
            "reasoning_effort": effort_of(self.model, self.reasoning_effort),
            "reasoning_format": form,
            "include_reasoning": self.include_reasoning,
            "service_tier": self.service_tier,
            "user": self.user,
            "disable_tool_validation": self.disable_tool_validation or None,
        }

    async def _reply(self, body: dict[str, Any]) -> AsyncGenerator[LLMChunk, None]:
        reply = GroqReply(ERRORS, self.api_key, self.model)
        async with (
            aclosing(self._api.events("/chat/completions", body, self.timeout)) as events,
            aclosing(decoded(events, reply)) as chunks,
        ):
            async for chunk in chunks:
                yield chunk

    @property
    def _api(self) -> HttpApi:
        return api_of(self.base_url, self.api_key, self.model, self.user_agent)


if TYPE_CHECKING:
    _: type[LLM] = GroqLLM
