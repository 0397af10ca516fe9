"""A part given as an object is billed, and recorded, as the same part named in a string is."""

from __future__ import annotations

from typing import Any

import pytest

from patter import Patter, PluginRegistry
from patter.env import standing_in
from patter.observe.pricing import per_minute
from patter.plugins.kinds import LLM_KIND, STT_KIND, TTS_KIND, Kind
from patter.plugins.known import PROVIDERS
from patter_demo import RulesLLM
from patter_espeak import EspeakTTS
from patter_pocketsphinx import PocketsphinxSTT
from patter_silero import SileroVAD
from patter_testing import FakeLLM, FakeSTT, FakeTTS
from patter_webrtcvad import WebrtcVAD

from .far_ends import OURS, far_end

CARRIERS = ("softphone", "twilio", "telnyx", "plivo")
OBJECTS: dict[tuple[str, str], type] = {
    ("stt", "pocketsphinx"): PocketsphinxSTT,
    ("tts", "espeak"): EspeakTTS,
    ("llm", "rules"): RulesLLM,
    ("vad", "silero"): SileroVAD,
    ("vad", "webrtcvad"): WebrtcVAD,
}
KINDS: dict[str, Kind[Any]] = {"stt": STT_KIND, "tts": TTS_KIND, "llm": LLM_KIND}
NOT_ALONE = {"openai-compatible", "pocketsphinx"}
"""What a name is not enough to make."""
SPEAKING = [each for each in PROVIDERS if each[0] in KINDS and each[1] not in NOT_ALONE]


@pytest.mark.parametrize(("kind", "slug"), OBJECTS)
def test_the_record_calls_an_object_as_its_plugin_does(kind: str, slug: str) -> None:
    given = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS(), "vad": None}
    phone = Patter(persist=False)
    agent = phone.agent("Be brief.", **{**given, kind: OBJECTS[kind, slug]()})
    assert agent.gather(phone.registry).names[kind][0] == slug


@pytest.mark.parametrize(("kind", "slug"), SPEAKING)
def test_a_vendors_object_is_called_as_its_string_is(kind: str, slug: str) -> None:
    phone = Patter(persist=False)
    parts = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS()}
    with standing_in("key"):
        provider = phone.registry.resolve(KINDS[kind], slug)
        agent = phone.agent("Be brief.", **{**parts, kind: provider})
    assert agent.gather(phone.registry).names[kind][0] == slug


def test_an_object_has_the_price_of_its_string() -> None:
    by_name, by_object = PluginRegistry.from_environment(), PluginRegistry.from_environment()
    by_name.resolve(TTS_KIND, "espeak")
    by_object.resolve(TTS_KIND, EspeakTTS())
    assert by_object.prices() == by_name.prices() != []


@pytest.mark.parametrize("name", CARRIERS)
async def test_a_carrier_given_as_an_object_is_billed_under_its_name(name: str) -> None:
    async with far_end(name) as end:
        phone = Patter(carrier=end.carrier, phone_number=OURS, persist=False)
    agent = phone.agent("Be brief.", stt=FakeSTT(), llm=FakeLLM(), tts=FakeTTS())
    names = agent.gather(phone.registry, carrier=phone.carrier).names
    assert names["carrier"] == (name, "")
    bill = per_minute([("carrier", *names["carrier"])], phone.prices)
    assert bill.unpriced == ()
    assert (bill.costs["carrier"] > 0) == (name != "softphone")
