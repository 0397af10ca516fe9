"""Transcriptions of the double: a WAV is heard as the next line of the script."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web

from patter.audio.formats import AudioFormat
from patter.providers.stt import Transcript
from patter_testing.doubles.api_answers import check_model, noted
from patter_testing.doubles.api_refusal import Refusal
from patter_testing.doubles.audio_form import form_of, read_wav
from patter_testing.doubles.chat_turn import new_id

if TYPE_CHECKING:
    from patter_groq.double.vendor import GroqVendor

FIELDS = frozenset(
    (
        *("file", "language", "model", "prompt", "response_format", "temperature"),
        *("timestamp_granularities[]", "url"),
    )
)
FORMATS = ("json", "text", "verbose_json")
GRANULARITIES = ("word", "segment")
LEAST_MS = 10
MOST_BYTES = 25 << 20
MOST_PROMPT = 896
"""The letters of a prompt that are taken, where the vendor counts 224 tokens."""


@attrs.frozen
class Transcriptions:
    """``/openai/v1/audio/transcriptions``, for WAV files."""

    double: GroqVendor

    def routes(self) -> Iterable[web.RouteDef]:
        """Its path."""
        yield web.post(f"{self.double.prefix}/audio/transcriptions", self.transcribe)

    async def transcribe(self, request: web.Request) -> web.StreamResponse:
        """Hear one file."""
        double, fields = self.double, await form_of(request)
        double.log.append((request.path, {n: v for n, v in fields.items() if n != "file"}))
        check_form(fields)
        check_model(double, fields["model"][0])
        audio, sound = read_wav(fields["file"][0], LEAST_MS)
        async with noted(double, request):
            await double.latency.wait()
            await double.stall_or_pass()
            heard = self._heard(audio, sound)
        if garbage := double.faults.garbage:
            body = garbage.encode() if isinstance(garbage, str) else garbage
            return web.Response(body=body, content_type="application/json")
        if fields.get("response_format") == ["text"]:
            return web.Response(text=heard.text)
        return web.json_response(_answer(heard, fields, audio.ms_in(len(sound)) / 1_000))

    def _heard(self, audio: AudioFormat, sound: bytes) -> Transcript:
        listener = self.double.listener(audio)
        listener.feed(sound)
        final = listener.finalize()[-1]
        assert isinstance(final, Transcript)
        return final


def check_form(fields: Mapping[str, list[Any]]) -> None:
    """Raise Refusal for what Groq would refuse of a form."""
    if "model" not in fields:
        raise Refusal("Missing required parameter: 'model'.", param="model")
    for name in fields:
        if name not in FIELDS:
            raise Refusal(f"Unrecognized request argument supplied: {name}", param=name)
    if "file" not in fields:
        raise Refusal("Either a file or a URL must be provided.", param="file")
    if len(fields["file"][0][1]) > MOST_BYTES:
        raise Refusal("Request Entity Too Large", status=413, code="request_too_large")
    kind = fields.get("response_format", ["json"])[0]
    if kind not in FORMATS:
        raise Refusal(f"response_format must be one of {FORMATS}", param="response_format")
    granularities = fields.get("timestamp_granularities[]", [])
    if granularities and kind != "verbose_json":
        raise Refusal("timestamp_granularities needs verbose_json", param="response_format")
    if not set(granularities) <= set(GRANULARITIES):
        raise Refusal(f"must be of {GRANULARITIES}", param="timestamp_granularities[]")
    if not 0 <= float(fields.get("temperature", ["0"])[0]) <= 1:
        raise Refusal("temperature must be from 0 to 1", param="temperature")
    if len(fields.get("prompt", [""])[0]) > MOST_PROMPT:
        raise Refusal("the prompt has more than 224 tokens", param="prompt")


def _answer(heard: Transcript, fields: Mapping[str, list[Any]], seconds: float) -> dict[str, Any]:
    answer: dict[str, Any] = {"text": heard.text, "x_groq": {"id": new_id("req")}}
    if fields.get("response_format") != ["verbose_json"]:
        return answer
    answer |= {"task": "transcribe", "language": "English", "duration": seconds}
    if "word" in fields.get("timestamp_granularities[]", ()):
        answer["words"] = [
            {"word": word.text, "start": word.start_ms / 1_000, "end": word.end_ms / 1_000}
            for word in heard.words
        ]
    return answer
