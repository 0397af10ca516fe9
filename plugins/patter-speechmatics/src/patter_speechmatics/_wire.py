"""The messages to Speechmatics, and how it counts time. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping

import orjson

from patter.audio.formats import AudioFormat, Encoding

_ENCODINGS = {Encoding.MULAW: "mulaw", Encoding.PCM16: "pcm_s16le"}


def encoded(message: str, **fields: object) -> str:
    """A message to Speechmatics."""
    return orjson.dumps({"message": message, **fields}).decode()


def start(config: Mapping[str, object], audio: AudioFormat) -> str:
    """The first message of a session, which says how to listen to *audio*."""
    audio_format = {
        "type": "raw",
        "encoding": _ENCODINGS[audio.encoding],
        "sample_rate": audio.rate_hz,
    }
    return encoded("StartRecognition", audio_format=audio_format, transcription_config=config)


def force_end(at_ms: float) -> str:
    """Have the words up to *at_ms* of the audio made final."""
    return encoded("ForceEndOfUtterance", timestamp=round(at_ms / 1_000, 3))


def configure(config: Mapping[str, object]) -> str:
    """Change *config* in the middle of a session."""
    return encoded("SetRecognitionConfig", transcription_config=config)


def end_of_stream(frames: int) -> str:
    """Say goodbye after so many *frames* of audio."""
    return encoded("EndOfStream", last_seq_no=frames)


def ms(seconds: float) -> int:
    """Whole milliseconds of what Speechmatics counts in *seconds*. Raises ValueError.

    >>> ms(1.2346), ms(-0.01)
    (1235, 0)
    """
    if isinstance(seconds, bool) or not math.isfinite(seconds):
        raise ValueError("not a time")
    return max(0, round(seconds * 1_000))
