"""Speech to text over Universal-Streaming, ``/v3/ws``."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar, Unpack
from urllib.parse import urlsplit

import attrs

from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.vendors.options import address, choice, key, number, several, switch
from patter.vendors.requests import warmed_connection
from patter_assemblyai import _socket
from patter_assemblyai._errors import ERRORS, VARIABLE
from patter_assemblyai._listening import SESSIONS, Line, ListenSession, listening
from patter_assemblyai._options import (
    API,
    LiveOptions,
    check_live,
    connect_query,
    languages,
    update,
    validated,
)

if TYPE_CHECKING:
    from patter.providers.stt import STT


@attrs.frozen(kw_only=True)
class AssemblyAISTT:
    """Where and how AssemblyAI listens. Immutable: share one between any number of calls.

    *model*: ``universal-streaming-english``, ``universal-streaming-multilingual`` (en es fr de it
    pt), ``whisper-rt``, or one of Universal-3, as ``u3-rt-pro`` and ``universal-3-6-pro``.
    *language* is checked against the model, and steers Universal-3, as up to ten *language_codes*
    do; with *language_detection* AssemblyAI notes which was spoken, which a call does not read.

    *turn_detection*: AssemblyAI judges when a caller has finished, and a pause that it has not
    judged within *finalize_ms* (1 to 10000) gets its words without a judgement. False: each pause
    gets its words at once, and the call judges. A turn ends after *min_turn_silence* ms when
    AssemblyAI is surer than *end_of_turn_confidence_threshold* (0 to 1), else after
    *max_turn_silence* ms. *format_turns* has final words punctuated, which takes its time; the
    models of Universal-3 always do. *vad_threshold* (0 to 1) is what counts as a voice.

    *keyterms_prompt*: up to 100 words to expect, of 50 letters, at a price. For Universal-3:
    *prompt* says what the call is about, *agent_context* what the agent said last, *mode*
    (min_latency, balanced, max_accuracy) tunes all silences, *voice_focus* (near-field,
    far-field) and its *voice_focus_threshold* (0 to 1) ignore other voices,
    *interruption_delay* (0 to 1000 ms) and *continuous_partials* say when interims come.

    *inactivity_timeout* (5 to 3600 s) ends a session that nobody keeps alive; a call does.
    *use_query_token* connects with a temporary token in the address in place of the key in a
    header, for proxies that drop it. What is None or empty is left to AssemblyAI. In a spec
    string several values have commas between them.

    Raises PatterConfigError for a value that AssemblyAI would refuse.
    """

    accepts: ClassVar[tuple[AudioFormat, ...]] = (MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K)
    hears_voice: ClassVar[bool] = True
    chunk_ms: ClassVar[int] = 60

    model: str = "universal-streaming-english"
    language: str = ""
    language_codes: tuple[str, ...] = attrs.field(default=(), converter=languages)
    language_detection: bool | None = switch(None)
    turn_detection: bool = switch(True)
    finalize_ms: float = number(700, 1, 10_000)
    end_of_turn_confidence_threshold: float | None = number(None, 0, 1)
    min_turn_silence: int | None = number(None, 0, 60_000, whole=True)
    max_turn_silence: int | None = number(None, 0, 60_000, whole=True)
    format_turns: bool | None = switch(None)
    vad_threshold: float | None = number(None, 0, 1)
    keyterms_prompt: tuple[str, ...] = several(most=100, longest=50)
    prompt: str = ""
    agent_context: str = ""
    mode: str | None = choice(None, "min_latency", "balanced", "max_accuracy")
    domain: str = choice("general", "general", "medical-v1")
    voice_focus: str | None = choice(None, "near-field", "far-field")
    voice_focus_threshold: float | None = number(None, 0, 1)
    continuous_partials: bool | None = switch(None)
    interruption_delay: int | None = number(None, 0, 1_000, whole=True)
    turn_left_pad_ms: int | None = number(None, 0, 10_000, whole=True)
    speaker_labels: bool | None = switch(None)
    max_speakers: int | None = number(None, 1, 100, whole=True)
    filter_profanity: bool | None = switch(None)
    redact_pii: bool | None = switch(None)
    redact_pii_policies: tuple[str, ...] = several()
    redact_pii_sub: str | None = choice(None, "hash", "entity_name")
    session_heartbeat: bool | None = switch(None)
    acknowledge_silence: bool | None = switch(None)
    inactivity_timeout: int | None = number(None, 5, 3_600, whole=True)
    use_query_token: bool = switch(False)
    base_url: str = address(API)
    api_key: str = key(VARIABLE)

    def __attrs_post_init__(self) -> None:
        if not self.model:
            raise PatterConfigError(
                "AssemblyAISTT has no model", fix="give one, as universal-streaming-english"
            )
        if len(self.language_codes) > 10:
            raise PatterConfigError(
                f"language_codes of AssemblyAISTT are {len(self.language_codes)}",
                fix="give at most 10",
            )
        validated(self)

    @property
    def endpoints(self) -> bool:
        """Does it say when a caller's turn is over?"""
        return self.turn_detection

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it connects to."""
        return (urlsplit(self.base_url).hostname or "",)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[ListenSession]:
        """Connect, yield a session that has begun, and leave no task or socket behind."""
        query, headers = connect_query(self, audio), _socket.authorization(self.api_key)
        secret = self.api_key
        if self.use_query_token:
            secret = await _socket.temporary_token(self.base_url, self.api_key)
            query, headers = [*query, ("token", secret)], {}
        line = Line(
            base_url=self.base_url,
            query=query,
            headers=headers,
            secret=secret,
            finalize_ms=self.finalize_ms,
            judges=self.turn_detection,
            formats=bool(self.format_turns),
            keep_alive_ms=(self.inactivity_timeout or 0) * 1_000 / 3,
        )
        async with listening(line, audio, call) as session:
            yield session

    async def configure(self, call_id: str, **changes: Unpack[LiveOptions]) -> None:
        """Change options on a call that is up; it lasts until the call loses its connection.

        *keyterms_prompt* and *language_codes* replace all there are, and none clear them.
        AssemblyAI does not answer, and ends the session for what it refuses, so *changes* are
        checked as settings are. Raises PatterConfigError for such a one, CallStateError for a
        call that is not up.
        """
        check_live(changes)
        steers = {"language": ""} if "language_codes" in changes else {}
        changed = attrs.evolve(self, **steers, **changes)  # type: ignore[arg-type]
        formats = changed.format_turns if "format_turns" in changes else None
        session = SESSIONS.of(self.base_url, call_id)
        await session.configure(update(changed, changes), formats=formats)

    async def check(self) -> HealthReport:
        """Does AssemblyAI know the key?"""
        return await _socket.check(self.base_url, self.api_key)

    async def warm(self) -> None:
        """Leave a connection to AssemblyAI open, on which the next call listens."""
        await warmed_connection(self.base_url, ERRORS)


if TYPE_CHECKING:
    _: type[STT] = AssemblyAISTT
