"""Speechmatics' own SDKs: the real-time client, and the one for agents that stands on it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import attrs
from speechmatics import rt

from patter_speechmatics.double import SpeechmaticsDouble
from patter_testing.doubles.vendor_double import KEY

# The SDK for agents ships no types.
voice: Any = import_module("speechmatics.voice")
LanguagePackInfo: Any = import_module("speechmatics.voice._models").LanguagePackInfo

__all__ = ["LanguagePackInfo", "Telephone", "client", "rt", "shape", "url_of", "voice"]


def url_of(double: SpeechmaticsDouble) -> str:
    return double.url.replace("http", "ws") + "/v2"


def client(double: SpeechmaticsDouble, key: str = KEY) -> rt.AsyncClient:
    return rt.AsyncClient(api_key=key, url=url_of(double))


@attrs.frozen
class Telephone:
    """The format of a telephone, as the SDK has it."""

    audio: rt.AudioFormat = attrs.field(
        factory=lambda: rt.AudioFormat(encoding=rt.AudioEncoding.MULAW, sample_rate=8_000)
    )


def shape(config: dict[str, object]) -> dict[str, object]:
    """*config* as the SDK would send it, which knows no field that it does not declare."""
    known = dict(config)
    if speakers := known.get("speaker_diarization_config"):
        known["speaker_diarization_config"] = rt.SpeakerDiarizationConfig(**speakers)  # type: ignore[arg-type]
    if conversation := known.get("conversation_config"):
        known["conversation_config"] = rt.ConversationConfig(**conversation)  # type: ignore[arg-type]
    return rt.TranscriptionConfig(**known).to_dict()  # type: ignore[arg-type]
