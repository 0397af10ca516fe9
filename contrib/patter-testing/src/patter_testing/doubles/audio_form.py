"""A file of audio that is uploaded to a double, in a form, and what is in it."""

from __future__ import annotations

import io
import wave
from typing import Any

from aiohttp import BodyPartReader, web

from patter.audio.formats import AudioFormat, Encoding
from patter_testing.doubles.api_refusal import Refusal


async def form_of(request: web.Request) -> dict[str, list[Any]]:
    """The fields of a form; a file is its name and its bytes."""
    fields: dict[str, list[Any]] = {}
    if not request.content_type.startswith("multipart/"):
        raise Refusal("The body is no form.")
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader), "no form is nested"
        value: Any = bytes(await part.read())
        value = (part.filename, value) if part.filename else value.decode()
        fields.setdefault(str(part.name), []).append(value)
    return fields


def read_wav(file: tuple[str, bytes], least_ms: float) -> tuple[AudioFormat, bytes]:
    """The samples of a file. Raises Refusal for what is no WAV, or is shorter than *least_ms*."""
    filename, written = file
    if not filename.endswith(".wav"):
        raise Refusal("Unrecognized file format.", param="file")
    try:
        with wave.open(io.BytesIO(written)) as read:
            audio = AudioFormat(Encoding.PCM16, read.getframerate())
            channels, sound = read.getnchannels(), read.readframes(read.getnframes())
    except (wave.Error, EOFError):
        raise Refusal("The audio file could not be decoded.", param="file") from None
    if channels != 1:
        raise Refusal("this double hears one channel", param="file")
    if audio.ms_in(len(sound)) < least_ms:
        raise Refusal(
            f"Audio file is too short. Minimum audio length is {least_ms / 1_000} seconds.",
            param="file",
            code="audio_too_short",
        )
    return audio, sound
