"""Which options fit which models, and what they are called on the wire."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, Protocol, TypedDict

import orjson

from patter.audio.formats import AudioFormat, Encoding
from patter.errors import PatterConfigError
from patter.vendors.options import Query, query, texts
from patter_assemblyai._socket import encoded

API = "https://streaming.assemblyai.com"
MOST_CONTEXT = 1_750
"""Letters of an agent_context; more of them end the session."""

STREAMING = ("universal-streaming", "whisper")
"""How the names of models begin that take neither prompts nor languages."""

_ENCODINGS = {Encoding.MULAW: "pcm_mulaw", Encoding.PCM16: "pcm_s16le"}
_MULTILINGUAL = ("en", "es", "fr", "de", "it", "pt")
_PRO = (
    "prompt",
    "agent_context",
    "language_codes",
    "mode",
    "voice_focus",
    "continuous_partials",
    "interruption_delay",
    "acknowledge_silence",
)
_NEEDS = {
    "voice_focus_threshold": "voice_focus",
    "max_speakers": "speaker_labels",
    "redact_pii_policies": "redact_pii",
    "redact_pii_sub": "redact_pii",
}
_AT_CONNECT = (
    "language_detection",
    "mode",
    "speaker_labels",
    "max_speakers",
    "voice_focus",
    "voice_focus_threshold",
    "continuous_partials",
    "redact_pii",
    "redact_pii_policies",
    "redact_pii_sub",
    "inactivity_timeout",
)


class Settings(Protocol):
    """`AssemblyAISTT`, of which the other options are read by name."""

    @property
    def model(self) -> str: ...
    @property
    def language(self) -> str: ...
    @property
    def language_codes(self) -> tuple[str, ...]: ...
    @property
    def agent_context(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def min_turn_silence(self) -> int | None: ...
    @property
    def max_turn_silence(self) -> int | None: ...


class LiveOptions(TypedDict, total=False):
    """What can be changed on a call that is up; each means what it does in the settings."""

    format_turns: bool
    end_of_turn_confidence_threshold: float
    min_turn_silence: int
    max_turn_silence: int
    vad_threshold: float
    keyterms_prompt: Iterable[str]
    prompt: str
    agent_context: str
    language_codes: Iterable[str]
    filter_profanity: bool
    interruption_delay: int
    turn_left_pad_ms: int
    session_heartbeat: bool
    acknowledge_silence: bool


LIVE = tuple(LiveOptions.__annotations__)


def validated(stt: Settings) -> None:
    """Raises PatterConfigError for options that AssemblyAI would end a session for."""
    streams = stt.model.startswith(STREAMING)
    for name in _PRO:
        if streams and _is_given(getattr(stt, name)):
            raise _misfit(
                f"{stt.model!r} takes no {name}", "use a Universal-3 model, or leave it out"
            )
    for name, other in _NEEDS.items():
        if _is_given(getattr(stt, name)) and not getattr(stt, other):
            raise _misfit(f"{name} is of no use without {other}", f"give {other}, too")
    if len(stt.agent_context) > MOST_CONTEXT:
        raise _misfit(
            f"agent_context has {len(stt.agent_context)} letters", f"give at most {MOST_CONTEXT}"
        )
    least, most = stt.min_turn_silence, stt.max_turn_silence
    if least is not None and most is not None and least > most:
        raise _misfit(
            f"min_turn_silence {least} is above max_turn_silence {most}", "make it at most that"
        )
    _check_languages(stt)


def _check_languages(stt: Settings) -> None:
    if stt.language and stt.language_codes:
        raise _misfit("both language and language_codes are given", "give language_codes alone")
    if "multi" in stt.language_codes and len(stt.language_codes) > 1:
        raise _misfit("'multi' does not go with other languages", "give it alone, or leave it out")
    fitting: Collection[str] = ()
    if stt.model.startswith("universal-streaming-english"):
        fitting = ("en",)
    elif stt.model.startswith("universal-streaming-multilingual"):
        fitting = _MULTILINGUAL
    if stt.language and fitting and bare(stt.language) not in fitting:
        raise _misfit(
            f"{stt.model!r} does not know {stt.language!r}",
            "use universal-streaming-multilingual (en es fr de it pt) or a Universal-3 model",
        )


def bare(language: str) -> str:
    """A language as AssemblyAI writes it, without its region.

    >>> bare("pt-BR"), bare("DE")
    ('pt', 'de')
    """
    return language.replace("_", "-").partition("-")[0].lower()


def connect_query(stt: Settings, audio: AudioFormat) -> Query:
    """What a session asks for: lists as JSON, as AssemblyAI wants them; what is None left out."""
    codes = stt.language_codes
    if stt.language and not stt.model.startswith(STREAMING):
        codes = (bare(stt.language),)
    wanted: dict[str, object] = {
        "speech_model": stt.model,
        "encoding": _ENCODINGS[audio.encoding],
        "sample_rate": audio.rate_hz,
        "domain": None if stt.domain == "general" else stt.domain,
        **{name: getattr(stt, name) for name in (*_AT_CONNECT, *LIVE)},
        "language_codes": codes,
    }
    return query({name: _texted(value) for name, value in wanted.items() if _is_given(value)})


def update(stt: Settings, changed: Iterable[str]) -> str:
    """The message that makes a session as *stt* in what is *changed*."""
    values = {name: getattr(stt, name) for name in changed}
    return encoded("UpdateConfiguration", **values)


def check_live(changed: Iterable[str]) -> None:
    """Raises PatterConfigError for what cannot be changed on a call that is up."""
    names = list(changed)
    if not names:
        raise _misfit("there is nothing to change", f"give one of {', '.join(LIVE)}")
    for name in names:
        if name not in LIVE:
            raise _misfit(
                f"{name} of a call that is up cannot be changed",
                f"give it to AssemblyAISTT, or one of {', '.join(LIVE)} here",
            )


def languages(value: Any) -> tuple[str, ...]:
    """Languages without their regions, each once.

    >>> languages("en-US,en_GB, de")
    ('en', 'de')
    """
    return tuple(dict.fromkeys(bare(each) for each in texts(value or ())))


def _texted(value: object) -> object:
    return orjson.dumps(value).decode() if isinstance(value, tuple) else value


def _is_given(value: object) -> bool:
    return value is not None and value not in ("", ())


def _misfit(what: str, fix: str) -> PatterConfigError:
    return PatterConfigError(f"AssemblyAISTT: {what}", fix=fix)
