"""Speech to text with Soniox, over its real-time WebSocket."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from patter.audio.formats import ALAW_8K, MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.vendors.options import key, number, switch
from patter.vendors.requests import checked, warmed_connection
from patter_soniox import _options, _socket
from patter_soniox._errors import ERRORS
from patter_soniox._listening import Line, ListenSession, listening
from patter_soniox._models import fitting
from patter_soniox._options import VARIABLE, Pairs, encoded

if TYPE_CHECKING:
    from patter.providers.stt import STT

MOST_CONTEXT = 10_000
MOST_REFERENCE = 256

_BEFORE_V5 = re.compile(r"stt-rt-v[1-4]")
"""By name; what an alias stands for is Soniox's to say."""


@attrs.frozen(kw_only=True)
class SonioxSTT:
    """Where and how Soniox listens. Immutable: share one between any number of calls.

    *language_hints* are the languages to expect, as two letters, without which it finds out;
    *language_hints_strict* expects no other. *context_general* (names and values), *context_text*
    and *context_terms* say what the call is about and which words to expect, with up to 10 000
    letters. *enable_speaker_diarization* tells speakers apart: once there are two, a transcript
    says who speaks.

    With *enable_endpoint_detection* Soniox ends the caller's turn: at the latest
    *max_endpoint_delay_ms* after the voice (500 to 3000; None: its own 2000), sooner with a higher
    *endpoint_latency_adjustment_level* (0 to 3), more often with a higher *endpoint_sensitivity*
    (-1 to 1, from stt-rt-v5 on). A pause that it has not judged within *finalize_ms* (1 to 10000)
    is asked for its words; without endpoint detection every pause is, at once. What is None or
    empty is left to Soniox. *client_reference_id* (256 letters) is shown in its usage logs. In a
    spec string several values have commas between them.

    Raises PatterConfigError for a value that Soniox would refuse.
    """

    accepts: ClassVar[tuple[AudioFormat, ...]] = (
        MULAW_8K,
        ALAW_8K,
        PCM16_8K,
        PCM16_16K,
        PCM16_24K,
    )

    model: str = "stt-rt-v4"
    language_hints: tuple[str, ...] = attrs.field(default=(), converter=_options.languages)
    language_hints_strict: bool = switch(False)
    enable_language_identification: bool = switch(True)
    enable_speaker_diarization: bool = switch(False)
    enable_endpoint_detection: bool = switch(True)
    max_endpoint_delay_ms: int | None = number(500, 500, 3_000, whole=True, off=True)
    endpoint_sensitivity: float | None = number(None, -1.0, 1.0)
    endpoint_latency_adjustment_level: int | None = number(None, 0, 3, whole=True)
    context_general: Pairs = attrs.field(default=(), converter=_options.pairs)
    context_text: str = ""
    context_terms: tuple[str, ...] = attrs.field(default=(), converter=_options.terms)
    client_reference_id: str = ""
    finalize_ms: float = number(700, 1, 10_000)
    base_url: str = _options.address()
    api_key: str = key(VARIABLE)

    def __attrs_post_init__(self) -> None:
        if self.language_hints_strict and not self.language_hints:
            raise PatterConfigError(
                "language_hints_strict of SonioxSTT is on, and there are no language_hints",
                fix="give language_hints, or turn language_hints_strict off",
            )
        if self.endpoint_sensitivity is not None and _BEFORE_V5.fullmatch(self.model):
            raise PatterConfigError(
                f"{self.model!r} takes no endpoint_sensitivity",
                fix="use stt-rt-v5, or leave endpoint_sensitivity out",
            )
        _refuse_too_long("context", self._context_size, MOST_CONTEXT)
        _refuse_too_long("client_reference_id", len(self.client_reference_id), MOST_REFERENCE)

    @property
    def endpoints(self) -> bool:
        """Does it say when a turn is over?"""
        return self.enable_endpoint_detection

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it connects to: for calls, and to be tried out."""
        addresses = (self.base_url, _options.api_of(self.base_url))
        return tuple(dict.fromkeys(urlsplit(each).hostname or "" for each in addresses))

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[ListenSession]:
        """Connect, yield a session, and leave no task or socket behind.

        Soniox acknowledges no session: what it has against the key or an option is raised to
        whoever reads or sends. Raises PatterError when it is out of reach.
        """
        line = Line(
            base_url=self.base_url,
            key=self.api_key,
            start=self.start(audio),
            judge_ms=self.finalize_ms if self.enable_endpoint_detection else None,
        )
        async with listening(line, audio, call) as session:
            yield session

    async def check(self) -> HealthReport:
        """Does Soniox know the key, and has it such a model, with these options? Costs nothing."""
        return await checked(
            f"{_options.api_of(self.base_url)}/v1/models",
            errors=ERRORS,
            headers=_socket.authorization(self.api_key),
            text=lambda body: fitting(body, self.start(MULAW_8K)),
        )

    async def warm(self) -> None:
        """Leave a connection to Soniox open, on which the next call listens."""
        await warmed_connection(self.base_url, ERRORS)

    def start(self, audio: AudioFormat) -> dict[str, Any]:
        """The first message of a session: how to listen to *audio*. The key is not in it."""
        ends = self.enable_endpoint_detection
        options = {
            "model": self.model,
            **encoded(audio),
            "language_hints": list(self.language_hints) or None,
            "language_hints_strict": self.language_hints_strict or None,
            "enable_language_identification": self.enable_language_identification,
            "enable_speaker_diarization": self.enable_speaker_diarization,
            "enable_endpoint_detection": ends,
            "max_endpoint_delay_ms": self.max_endpoint_delay_ms if ends else None,
            "endpoint_sensitivity": self.endpoint_sensitivity if ends else None,
            "endpoint_latency_adjustment_level": (
                self.endpoint_latency_adjustment_level if ends else None
            ),
            "context": self._context or None,
            "client_reference_id": self.client_reference_id or None,
        }
        return {name: value for name, value in options.items() if value is not None}

    @property
    def _context(self) -> dict[str, object]:
        general = [{"key": name, "value": value} for name, value in self.context_general]
        sections = {
            "general": general,
            "text": self.context_text,
            "terms": list(self.context_terms),
        }
        return {name: section for name, section in sections.items() if section}

    @property
    def _context_size(self) -> int:
        """Its letters; the names around them are not counted."""
        general = [text for pair in self.context_general for text in pair]
        return sum(map(len, (self.context_text, *self.context_terms, *general)))


def _refuse_too_long(name: str, size: int, most: int) -> None:
    if size > most:
        raise PatterConfigError(
            f"{name} of SonioxSTT has {size} letters", fix=f"give at most {most}"
        )


if TYPE_CHECKING:
    _: type[STT] = SonioxSTT
