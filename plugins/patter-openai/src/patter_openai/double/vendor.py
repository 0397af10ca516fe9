"""What all parts of the double share: the account, what is scripted, and how it refuses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

import attrs

from patter_openai.double.realtime_script import RealtimeScript
from patter_testing.doubles.api_double import ApiDouble

MODELS = (
    "gpt-4o-mini",
    "gpt-4o-mini-transcribe",
    "gpt-4o-mini-tts",
    "gpt-4o-transcribe",
    "gpt-5-mini",
    "gpt-live-transcribe",
    "gpt-realtime",
    "gpt-realtime-2",
    "gpt-realtime-mini",
    "gpt-realtime-whisper",
    "gpt-transcribe",
    "omni-moderation-latest",
    "tts-1",
    "tts-1-hd",
    "whisper-1",
)
FLAGS = {"idiot": "harassment", "kill": "violence"}


class Listening(Protocol):
    """A session that is open."""

    async def hear(self, text: str) -> None: ...


@attrs.define(eq=False, kw_only=True)
class OpenAIVendor(ApiDouble):
    """OpenAI on 127.0.0.1, below ``/v1``; what all such doubles have is in `ApiDouble`.

    What its models answer is *model*'s, and what its recognisers hear in *lines*. *flags* are
    words that its moderation minds, and as what. *realtime* is the script of its conversations.
    """

    types: ClassVar[Mapping[int, str]] = {
        429: "requests",
        500: "server_error",
        503: "server_error",
    }
    codes: ClassVar[Mapping[int, str]] = {
        401: "invalid_api_key",
        404: "model_not_found",
        429: "rate_limit_exceeded",
    }

    models: tuple[str, ...] = MODELS
    flags: Mapping[str, str] = attrs.field(default=FLAGS)
    realtime: RealtimeScript = attrs.field(factory=lambda: RealtimeScript(replies=()))
    listening: list[Listening] = attrs.field(factory=list, init=False, repr=False)
    """The sessions that are open and understand what is said."""

    async def hear(self, text: str) -> None:
        """Every open session understands *text* now; without one the next file is heard so."""
        if not self.listening:
            self.lines.put(text)
        for session in tuple(self.listening):
            await session.hear(text)
