"""A Live session as Google is told of it: ``setup``, and what was said before (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from patter.providers.engine import EngineSetup, EngineTurns, TurnDetection
from patter.providers.llm import Message, ToolSpec
from patter.vendors.chat_wire import clean
from patter_google import _wire
from patter_google._live_settings import LiveSettings
from patter_google._settings import safety_settings

_SPEAKERS = {"user": "Caller", "assistant": "You", "tool": "Tool result", "system": "Note"}
_UNSURE = 0.5
"""A threshold below this asks for a sensitive ear."""


def setup_of(settings: LiveSettings, setup: EngineSetup) -> dict[str, Any]:
    """The ``setup`` message: nothing in it that was not asked for."""
    compression = {
        "triggerTokens": settings.trigger_tokens,
        "slidingWindow": without_blanks({"targetTokens": settings.target_tokens}),
    }
    message = {
        "model": model_path(settings),
        "generationConfig": _generation(settings, setup),
        "systemInstruction": system_instruction(_instructions(settings, setup)),
        "tools": tools_of(settings, setup.tools),
        "realtimeInputConfig": _hearing(settings, setup.turns),
        "inputAudioTranscription": _transcription(settings),
        "outputAudioTranscription": {},
        "sessionResumption": without_blanks({"handle": setup.resume}),
        "contextWindowCompression": without_blanks(compression) if settings.compression else None,
        "proactivity": {"proactiveAudio": True} if settings.proactive else None,
        "explicitVadSignal": settings.explicit_vad or None,
        "historyConfig": _history_config(settings, setup),
        "safetySettings": safety_settings(settings.safety),
    }
    return {"setup": without_blanks(message)}


def model_path(settings: LiveSettings) -> str:
    """The model's name as a session has it: a path, in Google Cloud that of a project."""
    model = settings.model.removeprefix("models/")
    if not settings.vertexai:
        return f"models/{model}"
    place = f"projects/{quote(settings.project)}/locations/{quote(settings.location)}"
    return f"{place}/{model if '/' in model else f'publishers/google/models/{model}'}"


def system_instruction(text: str) -> dict[str, Any] | None:
    """Instructions as the vendor has them; None for none."""
    text = clean(text)
    return {"parts": [{"text": text}]} if text.strip() else None


def tools_of(settings: LiveSettings, tools: Sequence[ToolSpec]) -> list[dict[str, Any]]:
    """*tools* as the model is offered them, and whether it waits for them, where it can choose."""
    declared = _wire.tool_declarations(tools)
    if settings.family.async_tools:
        behavior = "BLOCKING" if settings.tools_wait else "NON_BLOCKING"
        for each in declared:
            for function in each["functionDeclarations"]:
                function["behavior"] = behavior
    return declared


def history_turns(settings: LiveSettings, setup: EngineSetup) -> list[dict[str, Any]]:
    """The rows that a session is sent before it begins; none where it has them otherwise."""
    if setup.resume or not settings.family.history:
        return []
    turns: list[dict[str, Any]] = []
    for role, text in _spoken(setup.history):
        if turns and turns[-1]["role"] == role:
            turns[-1]["parts"].append({"text": text})
        else:
            turns.append(turn(role, text))
    if turns and turns[0]["role"] == "model":
        turns.insert(0, turn("user", _wire.CALL_CONNECTED))
    return turns


def turn(role: str, text: str) -> dict[str, Any]:
    """One turn of a conversation, in text."""
    return {"role": role, "parts": [{"text": text}]}


def without_blanks(part: Mapping[str, Any]) -> dict[str, Any]:
    """*part* without what is None, an empty text or an empty list.

    >>> without_blanks({"a": None, "b": "", "c": [], "d": 0, "e": {}})
    {'d': 0, 'e': {}}
    """
    return {name: value for name, value in part.items() if value not in (None, "", [])}


def _instructions(settings: LiveSettings, setup: EngineSetup) -> str:
    """The instructions, with what was said before where there is no other place for it."""
    if setup.resume or settings.family.history:
        return setup.instructions
    lines = [f"{_SPEAKERS[row.role]}: {row.text}" for row in setup.history if row.text]
    begun = ["This conversation has begun before. Go on from here:", *lines] if lines else []
    return "\n\n".join(part for part in (setup.instructions, "\n".join(begun)) if part)


def _spoken(rows: Iterable[Message]) -> Iterable[tuple[str, str]]:
    """Rows as texts of two sides; what tools gave is told to the model as a remark."""
    for row in rows:
        if not (text := clean(row.text)).strip():
            continue
        match row.role:
            case "assistant":
                yield "model", text
            case "tool":
                yield "user", f"({row.name or 'a tool'} gave: {text})"
            case "system":
                yield "user", f"({text})"
            case _:
                yield "user", text


def _generation(settings: LiveSettings, setup: EngineSetup) -> dict[str, Any]:
    thinking = {
        "thinkingLevel": settings.thinking_level.upper(),
        "thinkingBudget": settings.thinking_budget,
    }
    voice = {"prebuiltVoiceConfig": {"voiceName": setup.voice or settings.voice}}
    config = {
        "responseModalities": ["AUDIO"],
        "temperature": settings.temperature,
        "topP": settings.top_p,
        "topK": settings.top_k,
        "maxOutputTokens": settings.max_output_tokens,
        "seed": settings.seed,
        "speechConfig": without_blanks({"voiceConfig": voice, "languageCode": settings.language}),
        "thinkingConfig": without_blanks(thinking) or None,
        "enableAffectiveDialog": settings.affective or None,
    }
    return without_blanks(config)


def is_manual(settings: LiveSettings, turns: EngineTurns) -> bool:
    """Are turns ended by hand? As the call wants it, else as it is set."""
    if turns.detection is not None:
        return turns.detection is TurnDetection.MANUAL
    return settings.manual_turns


def _hearing(settings: LiveSettings, turns: EngineTurns) -> dict[str, Any]:
    """Who finds turns, and whether a voice stops the model.

    Turns by hand begin with the next audio, at once: if that stopped the model, it never spoke.
    """
    manual = is_manual(settings, turns)
    interrupts = not manual and (settings.vendor_interrupts or turns.interrupts)
    config = {
        "automaticActivityDetection": {"disabled": True} if manual else _ear(settings, turns),
        "activityHandling": "START_OF_ACTIVITY_INTERRUPTS" if interrupts else "NO_INTERRUPTION",
        "turnCoverage": settings.turn_coverage,
    }
    return without_blanks(config)


def _ear(settings: LiveSettings, turns: EngineTurns) -> dict[str, Any] | None:
    start = settings.start_sensitivity
    if turns.threshold is not None:
        start = "high" if turns.threshold < _UNSURE else "low"
    end = settings.end_sensitivity
    ear = {
        "startOfSpeechSensitivity": f"START_SENSITIVITY_{start.upper()}" if start else None,
        "endOfSpeechSensitivity": f"END_SENSITIVITY_{end.upper()}" if end else None,
        "prefixPaddingMs": settings.prefix_padding_ms,
        "silenceDurationMs": (
            settings.silence_ms if turns.silence_ms is None else turns.silence_ms
        ),
    }
    return without_blanks(ear) or None


def _transcription(settings: LiveSettings) -> dict[str, Any]:
    config = {
        "languageCodes": list(settings.transcription_languages),
        "customVocabulary": list(settings.vocabulary),
    }
    return without_blanks(config)


def _history_config(settings: LiveSettings, setup: EngineSetup) -> dict[str, Any] | None:
    has_rows = bool(history_turns(settings, setup))
    return {"initialHistoryInClientContent": True} if has_rows else None
