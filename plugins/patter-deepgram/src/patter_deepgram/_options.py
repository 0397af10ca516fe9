"""What options of Deepgram need beyond the kit's fields."""

from __future__ import annotations

from typing import Any

import attrs

from patter.audio.formats import AudioFormat, Encoding

API = "https://api.deepgram.com"
VARIABLE = "DEEPGRAM_API_KEY"
_ENCODINGS = {Encoding.MULAW: "mulaw", Encoding.ALAW: "alaw", Encoding.PCM16: "linear16"}


def switch(default: bool | None = False) -> Any:
    """A field that is true or false; with None, whatever its default, Deepgram decides."""
    # The kit's takes None only where it is the default; here None leaves any option to Deepgram.
    optional = attrs.converters.optional(attrs.converters.to_bool)
    return attrs.field(default=default, converter=optional)


def encoded(audio: AudioFormat) -> dict[str, object]:
    """How Deepgram calls the format *audio*."""
    return {"encoding": _ENCODINGS[audio.encoding], "sample_rate": audio.rate_hz}
