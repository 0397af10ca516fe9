"""What options of Deepgram need beyond the kit's fields."""

from __future__ import annotations

from functools import partial

from patter.audio.formats import AudioFormat, Encoding
from patter.vendors import options

API = "https://api.deepgram.com"
VARIABLE = "DEEPGRAM_API_KEY"
_ENCODINGS = {Encoding.MULAW: "mulaw", Encoding.ALAW: "alaw", Encoding.PCM16: "linear16"}


switch = partial(options.switch, optional=True)
"""A field that is true or false; with None, whatever its default, Deepgram decides."""


def encoded(audio: AudioFormat) -> dict[str, object]:
    """How Deepgram calls the format *audio*."""
    return {"encoding": _ENCODINGS[audio.encoding], "sample_rate": audio.rate_hz}
