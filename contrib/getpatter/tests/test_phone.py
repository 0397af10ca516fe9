"""The phone reads what the older README wrote, warns of it, and is `patter.Patter` in all else."""

from __future__ import annotations

from typing import Any

import pytest

import getpatter
import patter
from getpatter import CloudUnavailable, Patter
from patter.errors import PatterConfigError, PatterTypeError
from patter_testing import FakeCarrier, FakeEngine, FakeLLM, FakeSTT, FakeTTS

SID = f"AC{'0' * 32}"
FLAT: dict[str, Any] = {"twilio_sid": SID, "twilio_token": "t", "phone_number": "+15550001234"}
PARTS: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS()}
SLOTS: dict[str, Any] = {"name": "slots", "webhook_url": "https://api.example.com/slots"}


def phone() -> Any:
    return Patter(FakeCarrier(), "+15550001234", persist=False)


@pytest.mark.parametrize("kind", [Patter, patter.Patter])
def test_flat_credentials_are_a_carrier(kind: type[patter.Patter]) -> None:
    with pytest.warns(DeprecationWarning, match="carrier=Twilio") as warned:
        older: Any = kind(**FLAT, persist=False)
    assert isinstance(older, Patter)
    assert older.carrier == getpatter.Twilio(SID, "t")
    assert warned[0].filename == __file__


def test_a_key_of_openai_is_the_engine_of_agents_that_name_no_part() -> None:
    with pytest.warns(DeprecationWarning, match="openai_key"):
        older = Patter(FakeCarrier(), "+15550001234", openai_key="sk", persist=False)
    engine = older.agent("Be brief.", voice="nova").engine
    assert engine == getpatter.OpenAIRealtime("sk", "nova")
    assert older.agent("Be brief.", **PARTS).engine is None


def test_mode_local_is_the_only_one() -> None:
    with pytest.warns(DeprecationWarning, match="mode"):
        Patter(mode="local")
    with pytest.raises(CloudUnavailable):
        Patter(mode="cloud")


@pytest.mark.parametrize("name", ["api_key", "backend_url", "rest_url"])
@pytest.mark.parametrize("kind", [Patter, patter.Patter])
def test_the_hosted_service_is_refused_with_what_to_do(
    kind: type[patter.Patter], name: str
) -> None:
    fields: dict[str, Any] = {name: "pt_xxx"}
    with pytest.raises(NotImplementedError, match="hosted service") as caught:
        kind(**fields)
    assert isinstance(caught.value, PatterConfigError)
    assert "phone.serve(agent)" in caught.value.fix


async def test_connecting_to_it_is_refused_too() -> None:
    with pytest.raises(CloudUnavailable):
        await phone().connect(on_message=print, provider="twilio")


def test_a_tool_may_be_a_dict() -> None:
    with pytest.warns(DeprecationWarning, match="Tool"):
        agent = phone().agent("Be brief.", tools=[SLOTS], **PARTS)
    assert agent.tools == (patter.Tool(**SLOTS),)
    with pytest.warns(DeprecationWarning), pytest.raises(PatterTypeError, match="webhookUrl"):
        phone().agent("Be brief.", tools=[{"name": "slots", "webhookUrl": ""}], **PARTS)


def test_the_statics_describe_providers_that_an_agent_builds() -> None:
    with pytest.warns(DeprecationWarning, match="DeepgramSTT"):
        ears = Patter.deepgram("key", language="de")
    with pytest.warns(DeprecationWarning, match="ElevenLabsTTS"):
        voice = Patter.elevenlabs(api_key="key", voice="rachel")
    agent: Any = phone().agent("Be brief.", stt=ears, tts=voice, llm=FakeLLM())
    assert (agent.stt.api_key, agent.stt.language) == ("key", "de")
    assert agent.tts.voice_id == getpatter.ElevenLabsTTS("key", voice_id="rachel").voice_id
    with pytest.warns(DeprecationWarning, match="WhisperSTT"):
        ears = Patter.whisper("key")
    with pytest.warns(DeprecationWarning, match="OpenAITTS"):
        voice = Patter.openai_tts("key", "nova")
    agent = phone().agent("Be brief.", None, ears, FakeLLM(), voice)
    assert (agent.stt.api_key, agent.tts.voice) == ("key", "nova")


@pytest.mark.parametrize("part", ["stt", "tts"])
def test_an_engine_beside_a_part_of_a_pipeline_is_refused(part: str) -> None:
    with pytest.raises(ValueError, match=f"both engine and {part}"):
        phone().agent("Be brief.", FakeEngine(), **{part: PARTS[part]})


def test_a_mistake_is_refused_as_the_phone_of_core_does() -> None:
    with pytest.raises(PatterTypeError, match="phone_numbr"):
        Patter(phone_numbr="+15550001234")
    with pytest.raises(PatterTypeError, match="firts_message"):
        phone().agent("Be brief.", firts_message="Hello.")
    with pytest.raises(PatterConfigError, match="both carrier and twilio_sid"):
        Patter(FakeCarrier(), **FLAT)
