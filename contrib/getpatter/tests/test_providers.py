"""Providers take the documented arguments, and are the plugins' own in all else."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

import getpatter
import patter_deepgram
import patter_elevenlabs
import patter_openai
import patter_twilio

SID = f"AC{'0' * 32}"
KINDS: list[Any] = [getpatter.stt, getpatter.tts, getpatter.llm]
TWILIO = getpatter.Twilio(SID, "token")


def test_credentials_by_position_or_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (TWILIO.account_sid, TWILIO.auth_token) == (SID, "token")
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", SID)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "token")
    assert getpatter.Twilio() == TWILIO == getpatter.Twilio("", None)
    telnyx = getpatter.Telnyx("key", "7", "")
    assert (telnyx.api_key, telnyx.connection_id) == ("key", "7")
    assert getpatter.Plivo(plivo := f"MA{'X' * 18}", "token").auth_id == plivo


def test_engines_take_theirs_by_position() -> None:
    realtime = getpatter.OpenAIRealtime("key", "nova", "gpt-realtime")
    assert (realtime.api_key, realtime.voice, realtime.model) == ("key", "nova", "gpt-realtime")
    agent = getpatter.ElevenLabsConvAI("key", "agent", "rachel")
    assert (agent.api_key, agent.agent_id) == ("key", "agent")
    assert getpatter.OpenAIRealtime("key", reasoning_effort=None, noise_reduction=None).voice


def test_every_vendor_takes_its_key_first() -> None:
    modules = [getattr(kind, name) for kind in KINDS for name in kind.__all__]
    names = [name for each in modules for name in each.__all__ if name not in ("STT", "TTS", "LLM")]
    keyed = [name for name in names if name != "OpenAICompatibleLLM"]
    assert len(keyed) == 19
    for name in keyed:
        provider = getattr(getpatter, name)("key")
        assert provider.api_key == "key", name
        assert attrs.evolve(provider) == provider
    served = getpatter.OpenAICompatibleLLM("key", base_url="https://llm.example.com", model="m")
    assert served.api_key == "key"


def test_google_prefers_the_variable_of_gemini(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_API_KEY", "google")
    assert getpatter.GoogleLLM().api_key == "google"
    monkeypatch.setenv("GEMINI_API_KEY", "gemini")
    assert getpatter.GoogleLLM().api_key == "gemini"


def test_a_copy_of_a_provider_is_one_of_its_kind() -> None:
    voice: Any = getpatter.OpenAITTS("key", voice="nova")
    slower = attrs.evolve(voice, speed=0.9)
    assert (type(slower), slower.voice, slower.speed) == (getpatter.OpenAITTS, "nova", 0.9)
    assert isinstance(voice, patter_openai.OpenAITTS)
    assert isinstance(TWILIO, patter_twilio.Twilio)


def test_records_and_prices_know_a_provider_by_its_plugins_name() -> None:
    fields: dict[str, Any] = {"carrier": getpatter.Twilio(SID, "t"), "phone_number": "+15550001234"}
    phone = getpatter.Patter(**fields, persist=False)
    pairs = [
        (getpatter.DeepgramSTT, patter_deepgram.DeepgramSTT),
        (getpatter.OpenAILLM, patter_openai.OpenAILLM),
        (getpatter.ElevenLabsTTS, patter_elevenlabs.ElevenLabsTTS),
    ]
    theirs, ours = (
        phone.gathered(phone.agent("Be brief.", stt=stt, llm=llm, tts=tts)).names
        for stt, llm, tts in zip(*[[a("k"), b(api_key="k")] for a, b in pairs], strict=True)
    )
    assert theirs == ours
    assert ours["tts"][0] == "elevenlabs"


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("DeepgramSTT", {"encoding": "linear16", "sample_rate": 16_000}),
        ("SonioxSTT", {"sample_rate": 16_000, "num_channels": 1}),
        ("SpeechmaticsSTT", {"sample_rate": 16_000}),
        ("OpenAITTS", {"target_sample_rate": 16_000}),
        ("ElevenLabsTTS", {"chunk_size": 4_096}),
    ],
)
def test_a_format_that_is_negotiated_may_be_named_and_warns(
    name: str, options: dict[str, Any]
) -> None:
    with pytest.warns(DeprecationWarning, match="negotiates") as warned:
        provider = getattr(getpatter, name)("key", **options)
    assert provider == getattr(getpatter, name)("key")
    assert warned[0].filename == __file__


def test_an_option_that_there_is_not_is_refused() -> None:
    with pytest.raises(TypeError, match="zorp"):
        getpatter.DeepgramSTT("key", zorp=1)


def test_silero_is_made_as_applications_make_it() -> None:
    assert getpatter.SileroVAD.load(activation=0.6).activation == 0.6
    assert getpatter.SileroVAD.for_phone_call() == getpatter.SileroVAD()


def test_clips_mixing_and_resampling_are_there() -> None:
    assert getpatter.builtin_clip_path(getpatter.BuiltinAudioClip.HOLD_MUSIC).is_file()
    assert getpatter.select_sound_from_list(["a.wav", "b.wav"]) == "a.wav"
    assert len(getpatter.resample_24k_to_16k(bytes(4_800))) == 3_200
    assert getpatter.mix_pcm(b"\x01\x00", b"\x0a\x00", 0.1) == b"\x02\x00"
