"""A session as OpenAI is told of it: ``session.update`` from settings and setup (pure)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from patter.audio.formats import AudioFormat
from patter.errors import PatterConfigError
from patter.providers.engine import EngineSetup, EngineTurns, EngineUpdate, TurnDetection
from patter.providers.llm import ToolSpec
from patter_openai._realtime_settings import DETECTIONS, FORMATS, RealtimeSettings

_SPEAKING_LANGUAGES = ("gpt-transcribe", "gpt-live-transcribe")
"""Transcription models that take several languages, and no other form of one."""


def detection_of(settings: RealtimeSettings, turns: EngineTurns) -> TurnDetection:
    """Who ends turns: as the call wants it, else as it is set."""
    return turns.detection or DETECTIONS[settings.turn_detection]


def session_of(settings: RealtimeSettings, setup: EngineSetup) -> dict[str, Any]:
    """The whole session, in the shape the API has had since its general availability."""
    session: dict[str, Any] = {
        "type": "realtime",
        "output_modalities": ["text" if setup.text_only else "audio"],
        "instructions": setup.instructions,
        "audio": {"input": _hearing(settings, setup)},
        "tools": tools_of(setup.tools),
        "tool_choice": _tool_choice(settings.tool_choice),
        "max_output_tokens": settings.max_output_tokens or "inf",
        "truncation": _truncation(settings),
    }
    if not setup.text_only:
        session["audio"]["output"] = _speaking(settings, setup)
    if settings.parallel_tool_calls is not None:
        session["parallel_tool_calls"] = settings.parallel_tool_calls
    if settings.reasoning_effort:
        session["reasoning"] = {"effort": settings.reasoning_effort}
    if settings.prompt:
        session["prompt"] = _prompt(settings)
    if settings.tracing:
        named = {"workflow_name": settings.tracing}
        session["tracing"] = "auto" if settings.tracing == "auto" else named
    return session


def update_of(change: EngineUpdate) -> dict[str, Any]:
    """What of the session changes in mid-call."""
    session: dict[str, Any] = {"type": "realtime"}
    if change.instructions is not None:
        session["instructions"] = change.instructions
    if change.tools is not None:
        session["tools"] = tools_of(change.tools)
    return session


def tools_of(tools: Iterable[ToolSpec]) -> list[dict[str, Any]]:
    """Tools as the session has them: there is no ``strict`` here."""
    return [
        {
            "type": "function",
            "name": tool.name,
            "description": tool.description,
            "parameters": dict(tool.parameters),
        }
        for tool in tools
    ]


def check_formats(session: Any, setup: EngineSetup) -> None:
    """Raise PatterConfigError when the *session* in force has other audio than was asked for.

    There were days on which it took G.711 for a wish, and callers heard noise.
    """
    audio = session.get("audio") or {}
    wanted = {"input": setup.audio_in} | ({} if setup.text_only else {"output": setup.audio_out})
    for way, format in wanted.items():
        actual = ((audio.get(way) or {}).get("format") or {}).get("type")
        # A session that does not tell has what it was given.
        if actual is not None and actual != _format(format)["type"]:
            raise PatterConfigError(
                f"OpenAI's {way} is {actual}, though {_format(format)['type']} was asked for",
                fix=f"set {way}_format=pcm",
            )


def _hearing(settings: RealtimeSettings, setup: EngineSetup) -> dict[str, Any]:
    reduction = settings.noise_reduction
    return {
        "format": _format(setup.audio_in),
        "noise_reduction": {"type": reduction} if reduction else None,
        "transcription": _transcription(settings, setup.language),
        "turn_detection": _turn_detection(settings, setup.turns),
    }


def _speaking(settings: RealtimeSettings, setup: EngineSetup) -> dict[str, Any]:
    voice = setup.voice or settings.voice
    output: dict[str, Any] = {
        "format": _format(setup.audio_out),
        # Voices of the account's own have ids, the others names.
        "voice": {"id": voice} if voice.startswith("voice_") else voice,
    }
    if settings.speed is not None:
        output["speed"] = settings.speed
    return output


def _format(audio: AudioFormat) -> dict[str, Any]:
    name = next(name for name, each in FORMATS.items() if each == audio)
    rate = {"rate": audio.rate_hz} if name == "pcm" else {}
    return {"type": f"audio/{name}", **rate}


def _transcription(settings: RealtimeSettings, language: str) -> dict[str, Any] | None:
    model = settings.input_audio_transcription_model
    if not model:
        return None
    # ISO 639-1: en, not en-US.
    spoken = (settings.transcription_language or language).partition("-")[0]
    transcription: dict[str, Any] = {"model": model}
    if spoken and model.startswith(_SPEAKING_LANGUAGES):
        transcription["languages"] = [spoken]
    elif spoken:
        transcription["language"] = spoken
    if settings.transcription_prompt:
        transcription["prompt"] = settings.transcription_prompt
    return transcription


def _turn_detection(settings: RealtimeSettings, turns: EngineTurns) -> dict[str, Any] | None:
    detection = detection_of(settings, turns)
    if detection is TurnDetection.MANUAL:
        return None
    own = {"create_response": turns.responds, "interrupt_response": turns.interrupts}
    if detection is TurnDetection.SEMANTIC:
        eagerness = turns.eagerness or settings.eagerness
        return {"type": "semantic_vad", "eagerness": eagerness, **own}
    silence_ms, threshold = turns.silence_ms, turns.threshold
    return {
        "type": "server_vad",
        "threshold": settings.threshold if threshold is None else threshold,
        "prefix_padding_ms": settings.prefix_padding_ms,
        "silence_duration_ms": settings.silence_ms if silence_ms is None else silence_ms,
        **own,
    }


def _tool_choice(choice: str) -> str | dict[str, str]:
    if choice in ("auto", "none", "required"):
        return choice
    return {"type": "function", "name": choice}


def _truncation(settings: RealtimeSettings) -> str | dict[str, Any]:
    share = settings.truncation
    if isinstance(share, str):
        return share
    kept: dict[str, Any] = {"type": "retention_ratio", "retention_ratio": share}
    if settings.truncation_tokens is not None:
        kept["token_limits"] = {"post_instructions": settings.truncation_tokens}
    return kept


def _prompt(settings: RealtimeSettings) -> dict[str, Any]:
    prompt: dict[str, Any] = {"id": settings.prompt}
    if settings.prompt_version:
        prompt["version"] = settings.prompt_version
    if settings.prompt_variables:
        prompt["variables"] = dict(settings.prompt_variables)
    return prompt
