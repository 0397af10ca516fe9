"""Speech to text with Speechmatics, over its real-time socket ``/v2``."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import attrs

from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.health import HealthReport
from patter.vendors.options import address, choice, key, number
from patter.vendors.requests import warmed_connection
from patter_speechmatics import _config, _socket, _wire
from patter_speechmatics._errors import ERRORS, KEY
from patter_speechmatics._hearing import Hearing
from patter_speechmatics._listening import SESSIONS, Line, ListenSession, listening
from patter_speechmatics._options import API, VocabularyWord, pairs, several, switch, vocabulary
from patter_speechmatics._turns import TurnMode, Turns

if TYPE_CHECKING:
    from patter.providers.stt import STT

MODELS = ("enhanced", "standard", "melia-1")


@attrs.frozen(kw_only=True)
class SpeechmaticsSTT:
    """Where and how Speechmatics listens. Immutable: share one between any number of calls.

    *turn_detection_mode* says who ends the caller's turn: ``external``, the call; ``fixed``,
    Speechmatics, after *end_of_utterance_silence_trigger* seconds without a word (above 0, up to
    2); ``adaptive``, the same after a complete sentence, later in the middle of one, at most
    after *end_of_utterance_max_delay* seconds. A pause is answered within *finalize_ms*.

    *max_delay* (0.7 to 4 s) bounds how long a word waits to be final while the caller goes on;
    with *max_delay_mode* ``flexible`` it waits for the end of a number or date. *model* is
    ``enhanced``, ``standard`` or ``melia-1``; *operating_point* is its name on older servers.
    *additional_vocab* are up to 1000 words to expect, as texts, `VocabularyWord`s or mappings of
    ``content`` and ``sounds_like``. With *enable_diarization* words have speakers, of whom only
    *focus_speakers* (``S1`` speaks first) are heard, if any are named. *volume_threshold* (0 to
    100) leaves out what is quieter. What is None or empty is left to Speechmatics. In a spec
    string several values have commas between them.

    Raises PatterConfigError for a value that Speechmatics would refuse.
    """

    accepts: ClassVar[tuple[AudioFormat, ...]] = (MULAW_8K, PCM16_16K, PCM16_8K, PCM16_24K)

    model: str = choice("", *MODELS)
    operating_point: str = choice("", "enhanced", "standard")
    language: str = "en"
    turn_detection_mode: str = choice("adaptive", *TurnMode, "smart_turn")
    end_of_utterance_silence_trigger: float = number(0.5, 0.01, 2)
    end_of_utterance_max_delay: float = number(10, 0.01, 60)
    max_delay: float = number(1, 0.7, 4)
    max_delay_mode: str | None = choice(None, "flexible", "fixed")
    include_partials: bool = switch(True)
    enable_entities: bool | None = switch(None)
    domain: str = ""
    output_locale: str = ""
    additional_vocab: tuple[VocabularyWord, ...] = attrs.field(default=(), converter=vocabulary)
    language_hints: tuple[str, ...] = attrs.field(default=(), converter=several)
    permitted_marks: tuple[str, ...] = attrs.field(default=(), converter=several)
    punctuation_sensitivity: float | None = number(None, 0, 1)
    remove_disfluencies: bool | None = switch(None)
    replacements: tuple[str, ...] = attrs.field(default=(), converter=pairs)
    volume_threshold: float | None = number(None, 0, 100)
    enable_diarization: bool = switch(False)
    speaker_sensitivity: float | None = number(None, 0, 1)
    max_speakers: int | None = number(None, 2, 100, whole=True)
    prefer_current_speaker: bool | None = switch(None)
    focus_speakers: tuple[str, ...] = attrs.field(default=(), converter=several)
    finalize_ms: float = number(1_000, 1, 10_000)
    base_url: str = address(API)
    api_key: str = key(KEY)

    def __attrs_post_init__(self) -> None:
        if self.model and self.operating_point and self.model != self.operating_point:
            raise PatterConfigError(
                f"model is {self.model!r}, and operating_point {self.operating_point!r}",
                fix="give one of them: operating_point is the old name of model",
            )
        object.__setattr__(self, "model", self.model or self.operating_point or "enhanced")
        _refuse_turns(self)
        _refuse_speakers(self)

    @property
    def endpoints(self) -> bool:
        """Does it say when a turn is over?"""
        return self.turn_detection_mode != TurnMode.EXTERNAL

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it connects to."""
        return (urlsplit(self.base_url).hostname or "",)

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[ListenSession]:
        """Connect, begin, yield a session, and leave no task or socket behind."""
        line = Line(
            base_url=self.base_url,
            key=self.api_key,
            start=self._start(audio),
            finalize_ms=self.finalize_ms,
        )
        turns = Turns(
            TurnMode(self.turn_detection_mode),
            self.end_of_utterance_silence_trigger * 1_000,
            self.end_of_utterance_max_delay * 1_000,
        )
        hearing = Hearing(turns, frozenset(self.focus_speakers), key=self.api_key)
        async with listening(line, hearing, audio, call) as session:
            yield session

    async def configure(
        self,
        call_id: str,
        *,
        max_delay: float | None = None,
        max_delay_mode: str | None = None,
        include_partials: bool | None = None,
        volume_threshold: float | None = None,
        end_of_utterance_silence_trigger: float | None = None,
    ) -> None:
        """Change, on a call that is up, what is given; it lasts until the connection is lost.

        Speechmatics confirms nothing: it obeys, or ends the session. Raises CallStateError for a
        call that is not up, PatterConfigError for what these settings would refuse.
        """
        changes = {
            "max_delay": max_delay,
            "max_delay_mode": max_delay_mode,
            "include_partials": include_partials,
            "volume_threshold": volume_threshold,
            "end_of_utterance_silence_trigger": end_of_utterance_silence_trigger,
        }
        session = SESSIONS.of(self.base_url, call_id)
        new: dict[str, Any] = {name: value for name, value in changes.items() if value is not None}
        config = _config.changes(_options_of(attrs.evolve(self, **new)), new)
        await session.configure(config, end_of_utterance_silence_trigger)

    async def check(self) -> HealthReport:
        """Does Speechmatics begin a session with these settings? It is sent no audio."""
        async with _socket.connected(self.base_url, self.api_key) as socket:
            started = await _socket.begun(socket, self._start(MULAW_8K), self.api_key)
            await socket.leave(_wire.end_of_stream(0))
        return HealthReport(text=started.text)

    async def warm(self) -> None:
        """Import the client, and open a connection on which the next call listens."""
        await asyncio.to_thread(import_module, "aiohttp")
        await warmed_connection(self.base_url, ERRORS)

    def _start(self, audio: AudioFormat) -> str:
        return _wire.start(_config.transcription_config(_options_of(self)), audio)


def _options_of(stt: SpeechmaticsSTT) -> dict[str, Any]:
    return attrs.asdict(stt, recurse=False)


def _refuse_turns(stt: SpeechmaticsSTT) -> None:
    if stt.turn_detection_mode == "smart_turn":
        raise PatterConfigError(
            "smart_turn is a model that runs here, not at Speechmatics",
            fix="use turn_detection_mode='external', and turn_detector='smart-turn' of the agent",
        )
    trigger = stt.end_of_utterance_silence_trigger
    if stt.endpoints and trigger >= stt.max_delay:
        raise PatterConfigError(
            f"end_of_utterance_silence_trigger {trigger:g} is not below max_delay",
            fix=f"make it less than {stt.max_delay:g}, or max_delay more",
        )
    if stt.end_of_utterance_max_delay <= trigger:
        raise PatterConfigError(
            "end_of_utterance_max_delay is not above end_of_utterance_silence_trigger",
            fix=f"make it more than {trigger:g}",
        )


def _refuse_speakers(stt: SpeechmaticsSTT) -> None:
    names = ("speaker_sensitivity", "max_speakers", "prefer_current_speaker", "focus_speakers")
    for name in names:
        if not stt.enable_diarization and getattr(stt, name) not in (None, ()):
            raise PatterConfigError(
                f"{name} is about speakers, and they are not told apart",
                fix="set enable_diarization to True, or leave it out",
            )


if TYPE_CHECKING:
    _: type[STT] = SpeechmaticsSTT
