"""The voices of the double: every letter is 60 ms of one sample value, 24 kHz, as it is asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import attrs
from aiohttp import web

from patter.audio.formats import PCM16_24K
from patter_openai.double import request_fields
from patter_testing.doubles.api_answers import body_of, check_model, noted
from patter_testing.doubles.api_refusal import Refusal, check_fields, check_range
from patter_testing.doubles.vendor_sound import MS_PER_LETTER, sounded

if TYPE_CHECKING:
    from patter_openai.double.vendor import OpenAIVendor

VOICES = (
    *("alloy", "ash", "ballad", "cedar", "coral", "echo", "fable"),
    *("marin", "nova", "onyx", "sage", "shimmer", "verse"),
)
MOST_LETTERS = 4096
_PIECE_BYTES = PCM16_24K.bytes_in(100)


@attrs.frozen
class Speech:
    """``/v1/audio/speech``, as raw pcm: the double encodes nothing."""

    double: OpenAIVendor

    def routes(self) -> Iterable[web.RouteDef]:
        """Its path."""
        yield web.post("/v1/audio/speech", self.speak)

    async def speak(self, request: web.Request) -> web.StreamResponse:
        """Speak one text."""
        double = self.double
        body = await body_of(double, request)
        check_request(body)
        check_model(double, body["model"])
        ms_per_letter = round(MS_PER_LETTER / body.get("speed", 1.0))
        audio = sounded(body["input"], PCM16_24K, ms_per_letter)
        response = web.StreamResponse(headers={"Content-Type": "audio/pcm"})
        async with noted(double, request):
            await double.latency.wait()
            await response.prepare(request)
            sender = double.stream(response)
            for at in range(0, len(audio), _PIECE_BYTES):
                await sender.send(audio[at : at + _PIECE_BYTES])
            await sender.end()
        return response


def check_request(body: Mapping[str, Any]) -> None:
    """Raise Refusal for what the vendor would refuse, or the double cannot do."""
    check_fields(body, request_fields.SPEECH, ("input", "model", "voice"))
    check_range(body, "speed", 0.25, 4)
    if len(body["input"]) > MOST_LETTERS:
        raise Refusal(
            "String should have at most 4096 characters", param="input", code="string_too_long"
        )
    voice = body["voice"]
    if not (isinstance(voice, dict) and voice.get("id")) and voice not in VOICES:
        raise Refusal(f"Invalid value: '{voice}'.", param="voice", code="invalid_value")
    if body.get("response_format", "mp3") != "pcm" or body.get("stream_format", "audio") != "audio":
        raise Refusal("this double makes pcm alone, as raw audio", param="response_format")
