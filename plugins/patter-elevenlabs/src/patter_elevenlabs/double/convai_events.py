"""The vendor's messages of a conversation, as its published contract has them (pure)."""

from __future__ import annotations

import base64
from typing import Any


def metadata(conversation_id: str, speaks: str, hears: str) -> dict[str, Any]:
    """The first message."""
    event = {
        "conversation_id": conversation_id,
        "agent_output_audio_format": speaks,
        "user_input_audio_format": hears,
    }
    name = "conversation_initiation_metadata"
    return {"type": name, f"{name}_event": event}


def audio(piece: bytes, event_id: int, text: str, ms_per_letter: int) -> dict[str, Any]:
    """A piece of speech, every letter of which lasts as long; times count from its begin."""
    alignment = {
        "chars": list(text),
        "char_start_times_ms": [at * ms_per_letter for at in range(len(text))],
        "char_durations_ms": [ms_per_letter] * len(text),
    }
    encoded = base64.b64encode(piece).decode()
    event = {"audio_base_64": encoded, "event_id": event_id, "alignment": alignment}
    return {"type": "audio", "audio_event": event}


def response(text: str, event_id: int) -> dict[str, Any]:
    """All that is going to be said."""
    event = {"agent_response": text, "event_id": event_id}
    return {"type": "agent_response", "agent_response_event": event}


def part(text: str, kind: str, event_id: int) -> dict[str, Any]:
    """A piece of what is said; *kind* is start, delta or stop."""
    event = {"text": text, "type": kind, "event_id": event_id}
    return {"type": "agent_chat_response_part", "text_response_part": event}


def complete(event_id: int) -> dict[str, Any]:
    """A response has been played."""
    name = "agent_response_complete"
    return {"type": name, f"{name}_event": {"event_id": event_id}}


def correction(original: str, corrected: str, event_id: int) -> dict[str, Any]:
    """What was heard of a response."""
    event = {
        "original_agent_response": original,
        "corrected_agent_response": corrected,
        "event_id": event_id,
    }
    return {"type": "agent_response_correction", "agent_response_correction_event": event}


def interruption(event_id: int) -> dict[str, Any]:
    """The caller broke in."""
    return {"type": "interruption", "interruption_event": {"event_id": event_id}}


def transcript(text: str, event_id: int) -> dict[str, Any]:
    """What the caller said."""
    event = {"user_transcript": text, "event_id": event_id}
    return {"type": "user_transcript", "user_transcription_event": event}


def tentative(text: str, event_id: int) -> dict[str, Any]:
    """What the caller has said so far."""
    event = {"user_transcript": text, "event_id": event_id}
    return {"type": "tentative_user_transcript", "tentative_user_transcription_event": event}


def vad_score(value: float) -> dict[str, Any]:
    """How sure the vendor is that the caller speaks."""
    return {"type": "vad_score", "vad_score_event": {"vad_score": value}}


def ping(event_id: int) -> dict[str, Any]:
    """Is the client there?"""
    return {"type": "ping", "ping_event": {"event_id": event_id, "ping_ms": None}}


def tool_call(
    identity: str, name: str, parameters: dict[str, Any], event_id: int, answered: bool
) -> dict[str, Any]:
    """A tool of the client is to be run."""
    call = {
        "tool_name": name,
        "tool_call_id": identity,
        "parameters": parameters,
        "event_id": event_id,
        "expects_response": answered,
    }
    return {"type": "client_tool_call", "client_tool_call": call}


def tool_failed(identity: str, event_id: int) -> dict[str, Any]:
    """A tool call was given up."""
    event = {
        "tool_name": "",
        "tool_call_id": identity,
        "tool_type": "client",
        "is_error": True,
        "is_called": True,
        "event_id": event_id,
    }
    return {"type": "agent_tool_response", "agent_tool_response": event}


def error(code: int, kind: str, words: str) -> dict[str, Any]:
    """An error, after which the socket is closed."""
    event = {"code": code, "error_type": kind, "message": words}
    return {"type": "error", "error_event": event}


def client_error(code: int, kind: str, words: str) -> dict[str, Any]:
    """An error that leaves the socket open."""
    return {**error(code, kind, words), "type": "client_error"}
