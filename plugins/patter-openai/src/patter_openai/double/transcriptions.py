"""Transcriptions of the double over HTTP: a WAV is heard as the next line of the script."""

from __future__ import annotations

import io
import wave
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web
from openai.types.audio.transcription_create_params import TranscriptionCreateParamsStreaming

from patter.audio.formats import AudioFormat, Encoding
from patter.providers.stt import Transcript
from patter_openai.double.answers import Refusal, check_model, noted

if TYPE_CHECKING:
    from patter_openai.double.vendor import OpenAIVendor

_LISTS = ("include", "keywords", "languages", "timestamp_granularities")
KNOWN = frozenset(
    f"{name}[]" if name in _LISTS else name
    for name in TranscriptionCreateParamsStreaming.__annotations__
)
"""The fields of a form, as the vendor publishes them with its SDK."""

FORMATS = {"whisper-1": ("json", "text", "verbose_json"), "": ("json",)}
LEAST_MS = 100


@attrs.frozen
class Transcriptions:
    """``/v1/audio/transcriptions``, for WAV files."""

    double: OpenAIVendor

    def routes(self) -> Iterable[web.RouteDef]:
        """Its path."""
        yield web.post("/v1/audio/transcriptions", self.transcribe)

    async def transcribe(self, request: web.Request) -> web.StreamResponse:
        """Hear one file."""
        double = self.double
        form = await request.post()
        fields: dict[str, Any] = {name: form.getall(name) for name in form}
        double.log.append((request.path, {n: v for n, v in fields.items() if n != "file"}))
        model, kind = _check(fields)
        check_model(double, model)
        audio, sound = _read_wav(form["file"])
        async with noted(double, request):
            await double.latency.wait()
            await double.stall_or_pass()
            heard = self._heard(audio, sound)
        if double.faults.garbage:
            return web.Response(body=_bytes(double.faults.garbage), content_type="application/json")
        if kind == "text":
            return web.Response(text=heard.text)
        return web.json_response(_answer(heard, kind, fields, audio.ms_in(len(sound)) / 1_000))

    def _heard(self, audio: AudioFormat, sound: bytes) -> Transcript:
        listener = self.double.listener(audio)
        listener.feed(sound)
        final = listener.finalize()[-1]
        assert isinstance(final, Transcript)
        return final


def _check(fields: dict[str, list[Any]]) -> tuple[str, str]:
    """The model and the format asked for. Raises Refusal."""
    for name in ("file", "model"):
        if name not in fields:
            raise Refusal(f"Missing required parameter: '{name}'.", param=name)
    for name in fields:
        if name not in KNOWN:
            raise Refusal(f"Unrecognized request argument supplied: {name}", param=name)
    model = str(fields["model"][0])
    kind = str(fields.get("response_format", ["json"])[0])
    if kind not in FORMATS.get(model, FORMATS[""]):
        raise Refusal(
            f"response_format '{kind}' is not compatible with model '{model}'.",
            param="response_format",
            code="unsupported_value",
        )
    if "timestamp_granularities[]" in fields and kind != "verbose_json":
        raise Refusal("needs verbose_json", param="timestamp_granularities[]")
    return model, kind


def _read_wav(file: Any) -> tuple[AudioFormat, bytes]:
    """The samples of a file. Raises Refusal for what is no WAV, and for one that is too short."""
    if not isinstance(file, web.FileField) or not file.filename.endswith(".wav"):
        raise Refusal("Unrecognized file format.", param="file")
    with file.file as opened:
        written = opened.read()
    try:
        with wave.open(io.BytesIO(written)) as read:
            audio = AudioFormat(Encoding.PCM16, read.getframerate())
            channels, sound = read.getnchannels(), read.readframes(read.getnframes())
    except (wave.Error, EOFError):
        raise Refusal("The audio file could not be decoded.", param="file") from None
    if channels != 1:
        raise Refusal("this double hears one channel", param="file")
    if audio.ms_in(len(sound)) < LEAST_MS:
        raise Refusal(
            "Audio file is too short. Minimum audio length is 0.1 seconds.",
            param="file",
            code="audio_too_short",
        )
    return audio, sound


def _answer(
    heard: Transcript, kind: str, fields: dict[str, list[Any]], seconds: float
) -> dict[str, Any]:
    usage = {"type": "duration", "seconds": seconds}
    if kind == "json":
        return {"text": heard.text, "usage": usage}
    answer: dict[str, Any] = {
        "task": "transcribe",
        "language": "english",
        "duration": seconds,
        "text": heard.text,
        "usage": usage,
    }
    if "word" in fields.get("timestamp_granularities[]", ()):
        answer["words"] = [
            {"word": word.text, "start": word.start_ms / 1_000, "end": word.end_ms / 1_000}
            for word in heard.words
        ]
    return answer


def _bytes(data: bytes | str) -> bytes:
    return data.encode() if isinstance(data, str) else data
