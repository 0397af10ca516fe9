"""Gemini models of Google, with a key or over Vertex AI."""

from __future__ import annotations

from collections.abc import MutableMapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from patter.carriers.bounded_dict import BoundedDict
from patter.providers.health import HealthReport
from patter.vendors.options import address, choice, number, several, switch
from patter.vendors.reply_stream import decoded
from patter_google import _wire
from patter_google._errors import ERRORS
from patter_google._http import Access
from patter_google._reply import GeminiReply
from patter_google._settings import (
    BASE_URL,
    THRESHOLDS,
    cloud_project,
    gemini_key,
    safety_settings,
    vertex_url,
)
from patter_google._thinking import MODES, thinking_config

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from google.auth.credentials import Credentials

    from patter.providers.llm import LLM, LLMChunk, LLMRequest


@attrs.frozen(kw_only=True)
class GoogleLLM:
    """Which model to ask, and how. Share one between any number of calls.

    With *vertexai* it is asked in *project* and *location* of Google Cloud, with *credentials* or
    those of this machine; otherwise at Google AI with *api_key*. The model writes at most
    *max_output_tokens*, thoughts included, and ends before *stop_sequences*. *temperature* is 0
    to 2, *top_p* 0 to 1. *thinking* is ``off`` (as little as this model can), ``default`` (as
    much as it likes) or a level; *thinking_budget* a number of tokens, for Gemini 2.5.
    *tool_choice* is ``auto``, ``any``, ``none`` or a tool's name. *safety* is from which
    probability of harm on the vendor blocks. Nothing is waited for longer than *timeout* seconds.

    Raises PatterConfigError for a value that Google would refuse.
    """

    model: str = "gemini-2.5-flash"
    vertexai: bool = switch()
    project: str = cloud_project()
    location: str = "us-central1"
    temperature: float | None = number(None, 0, 2)
    max_output_tokens: int | None = number(None, 1, 1_000_000, whole=True)
    top_p: float | None = number(None, 0, 1)
    top_k: int | None = number(None, 1, 1_000_000, whole=True)
    frequency_penalty: float | None = number(None, -2, 2)
    presence_penalty: float | None = number(None, -2, 2)
    seed: int | None = number(None, -(1 << 31), (1 << 31) - 1, whole=True)
    stop_sequences: tuple[str, ...] = several(most=5)
    thinking: str = choice("off", *MODES)
    thinking_budget: int | None = number(None, -1, 32_768, whole=True)
    tool_choice: str = ""
    safety: str | None = choice(None, *THRESHOLDS)
    timeout: float = number(30, 0.1, 600)
    api_version: str = ""
    base_url: str = address(BASE_URL)
    api_key: str = gemini_key()
    credentials: Credentials | None = attrs.field(default=None, repr=False, eq=False)
    name: ClassVar[str] = "google"
    _signatures: MutableMapping[str, str] = attrs.field(
        factory=BoundedDict, init=False, repr=False, eq=False
    )
    """What the calls of tools that this model made are signed with, by their ids."""

    @property
    def hosts(self) -> tuple[str, ...]:
        """The host that every request goes to."""
        return (urlsplit(self._url).hostname or "",)

    async def stream(self, request: LLMRequest) -> AsyncGenerator[LLMChunk, None]:
        """Answer *request*; closing the iterator aborts it at Google."""
        events = self._access.events(self.body(request), self.timeout)
        reply = GeminiReply(ERRORS, self.api_key, self._signatures)
        async with (
            aclosing(events),
            aclosing(decoded(events, reply, self.timeout)) as chunks,
        ):
            async for chunk in chunks:
                yield chunk

    async def check(self) -> HealthReport:
        """Are the key, or the token, and the model accepted? Free of charge."""
        return await self._access.check()

    async def warm(self) -> None:
        """Import what is needed, find credentials, and open a connection."""
        await self._access.warm()

    def body(self, request: LLMRequest) -> dict[str, Any]:
        """The body that asks for a reply to *request*."""
        body = {
            "contents": _wire.contents(request.messages, self.model, self._signatures),
            "systemInstruction": _wire.system_instruction(request.messages),
            "tools": _wire.tool_declarations(request.tools),
            "toolConfig": self._tool_config(request),
            "generationConfig": self._generation_config(),
            "safetySettings": safety_settings(self.safety),
        }
        return {name: value for name, value in body.items() if value}

    def _generation_config(self) -> dict[str, Any]:
        config = {
            "temperature": self.temperature,
            "topP": self.top_p,
            "topK": self.top_k,
            "maxOutputTokens": self.max_output_tokens,
            "frequencyPenalty": self.frequency_penalty,
            "presencePenalty": self.presence_penalty,
            "seed": self.seed,
            "stopSequences": list(self.stop_sequences) or None,
            "thinkingConfig": thinking_config(self.model, self.thinking, self.thinking_budget),
        }
        return {name: value for name, value in config.items() if value is not None}

    def _tool_config(self, request: LLMRequest) -> dict[str, Any] | None:
        """What is said about tools, if there are any.

        A tool that must be called is called once: told its result, the model may speak.
        """
        if not request.tools:
            return None
        answered = request.messages[-1].role == "tool" if request.messages else False
        forced = self.tool_choice not in ("", "auto", "none")
        return _wire.tool_config("" if forced and answered else self.tool_choice)

    @property
    def _url(self) -> str:
        """Where requests go: an address that was given, else the one of the location."""
        if self.vertexai and self.base_url == BASE_URL:
            return vertex_url(self.location)
        return self.base_url

    @property
    def _access(self) -> Access:
        cloud = {"project": self.project, "location": self.location} if self.vertexai else {}
        return Access(
            base_url=self._url,
            model=self.model,
            api_key=self.api_key,
            version=self.api_version,
            credentials=self.credentials,
            **cloud,
        )


if TYPE_CHECKING:
    _: type[LLM] = GoogleLLM
