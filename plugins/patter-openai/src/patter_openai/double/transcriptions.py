"""Transcriptions of the double over HTTP: a WAV is heard as the next line of the script."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web

from patter.audio.formats import AudioFormat
from patter.providers.stt import Transcript
from patter_openai.double import request_fields
from patter_testing.doubles.api_answers import check_model, noted
from patter_testing.doubles.api_refusal import Refusal
from patter_testing.doubles.audio_form import form_of, read_wav

if TYPE_CHECKING:
    from patter_openai.double.vendor import OpenAIVendor

_LISTS = ("include", "keywords", "languages", "timestamp_granularities")
FIELDS = frozenset(
    f"{name}[]" if name in _LISTS else name for name in request_fields.TRANSCRIPTIONS
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
        fields = await form_of(request)
        double.log.append((request.path, {n: v for n, v in fields.items() if n != "file"}))
        model, kind = _check(fields)
        check_model(double, model)
        audio, sound = read_wav(fields["file"][0], LEAST_MS)
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
        if name not in FIELDS:
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
