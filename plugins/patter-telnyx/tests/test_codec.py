"""Which audio a Telnyx call is streamed in: as told, or as suits who listens and speaks."""

from __future__ import annotations

import pytest

from patter import Patter
from patter.audio.formats import MULAW_8K, PCM16_16K, AudioFormat
from patter.providers.carrier import MultiFormatCarrier
from patter_telnyx import Telnyx
from patter_testing import FakeLLM, FakeSTT, FakeTTS

KEYS = {"api_key": "KEY", "connection_id": "1"}
WIDE = (PCM16_16K, MULAW_8K)


@pytest.mark.parametrize(
    ("codec", "accepts", "wanted"),
    [
        ("auto", WIDE, PCM16_16K),
        ("auto", (MULAW_8K,), MULAW_8K),
        ("PCMU", WIDE, MULAW_8K),
        ("L16", (MULAW_8K,), PCM16_16K),
    ],
)
def test_the_codec_suits_the_recogniser_unless_it_was_told(
    codec: str, accepts: tuple[AudioFormat, ...], wanted: AudioFormat
) -> None:
    carrier = Telnyx(codec=codec, **KEYS)
    phone = Patter(carrier=carrier, phone_number="+15550001234", persist=False)
    agent = phone.agent("Hi.", stt=FakeSTT(accepts=accepts), llm=FakeLLM(), tts=FakeTTS())
    assert phone.gathered(agent).negotiate(carrier).formats == (wanted,)


def test_one_that_was_told_stays_as_it_is() -> None:
    told = Telnyx(codec="L16", l16_big_endian=True, **KEYS)
    assert isinstance(told, MultiFormatCarrier)
    assert told.streaming(PCM16_16K) == told
