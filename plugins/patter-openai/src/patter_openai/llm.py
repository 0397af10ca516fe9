"""Language models of OpenAI, over Chat Completions or Responses."""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar

import attrs

from patter.errors import PatterConfigError
from patter.providers.health import HealthReport
from patter.vendors.chat_options import ChatOptions
from patter.vendors.chat_wire import ChatReply, request_body
from patter.vendors.options import address, choice, key, number, switch
from patter.vendors.reply_stream import StreamedReply, decoded
from patter_openai import _responses
from patter_openai._access import Access
from patter_openai._errors import ERRORS
from patter_openai._settings import BASE_URL, KEY, SILENCES, host_of

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from patter.providers.llm import LLM, LLMChunk, LLMRequest

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
TIERS = ("auto", "default", "flex", "scale", "priority", "fast")
_CHAT_ALONE = ("frequency_penalty", "presence_penalty", "seed", "stop")


@attrs.frozen(kw_only=True)
class OpenAILLM(ChatOptions):
    """Which model to ask, and how. Immutable: share one between any number of calls.

    *api* is ``chat`` or ``responses``. *max_tokens* is sent as ``max_completion_tokens`` or
    ``max_output_tokens``. *reasoning_effort* and *verbosity* are for models that reason: the
    less, the sooner a caller hears something. *service_tier* and *prompt_cache_key* are OpenAI's.
    *organization* and *project* are the account's, if the key has several. Nothing is waited for
    longer than *timeout* seconds. *store* keeps replies at OpenAI (Responses alone).

    Raises PatterConfigError for a value that OpenAI would refuse.
    """

    model: str = "gpt-4o-mini"
    api: str = choice("chat", "chat", "responses")
    reasoning_effort: str = choice("", *EFFORTS)
    verbosity: str = choice("", "low", "medium", "high")
    service_tier: str = choice("", *TIERS)
    prompt_cache_key: str = ""
    store: bool = switch(False)
    organization: str = ""
    project: str = ""
    timeout: float = number(30.0, *SILENCES)
    base_url: str = address(BASE_URL)
    api_key: str = key(KEY)
    name: ClassVar[str] = "openai"

    def __attrs_post_init__(self) -> None:
        names = [each for each in _CHAT_ALONE if getattr(self, each) not in (None, ())]
        if self.api == "responses" and names:
            raise PatterConfigError(
                f"the Responses API has no {' or '.join(names)}",
                fix=f"leave {' and '.join(names)} out, or api='responses'",
            )

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host that every request goes to."""
        return (host_of(self.base_url),)

    def stream(self, request: LLMRequest) -> AsyncGenerator[LLMChunk, None]:
        """Answer *request*; closing the iterator aborts it at OpenAI."""
        if self.api == "responses":
            reply = _responses.ResponsesReply(ERRORS, self.api_key)
            return self._stream("/responses", self.responses_body(request), reply)
        chat = ChatReply(ERRORS, self.api_key)
        return self._stream("/chat/completions", self.chat_body(request), chat)

    async def check(self) -> HealthReport:
        """Are the key and the model accepted? Free of charge."""
        return await self.access.check(self.model)

    async def warm(self) -> None:
        """Import the client and open a connection."""
        await self.access.reach()

    def chat_body(self, request: LLMRequest) -> dict[str, Any]:
        """The body for Chat Completions."""
        theirs = {
            "reasoning_effort": self.reasoning_effort,
            "verbosity": self.verbosity,
            "service_tier": self.service_tier,
            "prompt_cache_key": self.prompt_cache_key,
        }
        return {
            **request_body(request, self.model),
            **self.body(request, tokens="max_completion_tokens"),
            **{name: value for name, value in theirs.items() if value},
        }

    def responses_body(self, request: LLMRequest) -> dict[str, Any]:
        """The body for Responses."""
        text = {"format": _responses.text_format(self.response_format), "verbosity": self.verbosity}
        theirs = {
            "reasoning": {"effort": self.reasoning_effort} if self.reasoning_effort else None,
            "text": {name: value for name, value in text.items() if value},
            "service_tier": self.service_tier,
            "prompt_cache_key": self.prompt_cache_key,
        }
        options = self.body(request, tokens="max_output_tokens")
        options.pop("response_format", None)
        if choice := options.get("tool_choice"):
            options["tool_choice"] = _responses.tool_choice(choice)
        return {
            **_responses.request_body(request, self.model),
            **options,
            "store": self.store,
            **{name: value for name, value in theirs.items() if value},
        }

    @property
    def access(self) -> Access:
        """Where requests go."""
        return Access(
            base_url=self.base_url,
            api_key=self.api_key,
            organization=self.organization,
            project=self.project,
            headers=agent_header(self.user_agent),
        )

    async def _stream(
        self, path: str, body: dict[str, Any], reply: StreamedReply
    ) -> AsyncGenerator[LLMChunk, None]:
        async with (
            aclosing(self.access.api.events(path, body, self.timeout)) as events,
            aclosing(decoded(events, reply)) as chunks,
        ):
            async for chunk in chunks:
                yield chunk


def agent_header(user_agent: str) -> dict[str, str]:
    """The header that says who asks, if it is said."""
    return {"User-Agent": user_agent} if user_agent else {}


if TYPE_CHECKING:
    _: type[LLM] = OpenAILLM
