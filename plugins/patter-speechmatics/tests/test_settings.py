"""The settings: keys, spec strings, what reaches the wire, and what Speechmatics would refuse."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import attrs
import pytest

from patter import PluginRegistry
from patter.audio.formats import MULAW_8K
from patter.errors import AuthenticationError, ErrorCode, PatterConfigError
from patter.plugins.kinds import STT_KIND
from patter.providers.stt import STTTraits
from patter_speechmatics import SpeechmaticsSTT, VocabularyWord
from patter_speechmatics.double import SpeechmaticsDouble
from patter_testing.doubles.vendor_double import KEY, VendorFaults
from patter_testing.talking import CALL, failure

from .sdk import rt, shape

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPEECHMATICS_API_KEY", "exported-key")


def test_a_missing_key_names_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPEECHMATICS_API_KEY")
    with pytest.raises(PatterConfigError) as raised:
        SpeechmaticsSTT()
    assert raised.value.fix == "export SPEECHMATICS_API_KEY, or SpeechmaticsSTT(api_key=...)"


def test_a_key_is_as_given_else_as_exported_and_never_printed() -> None:
    assert SpeechmaticsSTT().api_key == "exported-key"
    assert SpeechmaticsSTT(api_key="given-key").api_key == "given-key"
    assert "exported" not in repr(SpeechmaticsSTT())


def test_a_key_goes_nowhere_in_clear() -> None:
    with pytest.raises(PatterConfigError, match="neither https nor on this machine"):
        SpeechmaticsSTT(base_url="http://eu2.rt.speechmatics.com")
    assert SpeechmaticsSTT(base_url="https://us.rt.speechmatics.com/").hosts == (
        "us.rt.speechmatics.com",
    )


def test_every_option_is_in_the_readme() -> None:
    for field in attrs.fields(SpeechmaticsSTT):
        assert f"`{field.name}`" in README, field.name


def test_a_spec_string_says_everything_as_text() -> None:
    stt: Any = PluginRegistry().resolve(
        STT_KIND,
        "speechmatics/standard?language=de&turn_detection_mode=fixed&max_delay=2"
        "&end_of_utterance_silence_trigger=0.8&include_partials=false&enable_diarization=true"
        "&focus_speakers=S1,S2&additional_vocab=gnocchi:nyohki|nokey,%20bucatini&max_speakers=3"
        "&replacements=colour:color&permitted_marks=.&volume_threshold=2.5&finalize_ms=800",
    )
    assert stt == SpeechmaticsSTT(
        model="standard",
        language="de",
        turn_detection_mode="fixed",
        max_delay=2,
        end_of_utterance_silence_trigger=0.8,
        include_partials=False,
        enable_diarization=True,
        focus_speakers=["S1", "S2"],
        additional_vocab=[VocabularyWord("gnocchi", ["nyohki", "nokey"]), "bucatini"],
        max_speakers=3,
        replacements=["colour:color"],
        permitted_marks=["."],
        volume_threshold=2.5,
        finalize_ms=800,
    )


def test_words_to_expect_are_given_as_people_have_them() -> None:
    expected = (VocabularyWord("gnocchi", ("nyohki",)), VocabularyWord("sea bass"))
    ways: tuple[Any, ...] = (
        "gnocchi:nyohki,sea bass",
        ["gnocchi:nyohki", "sea bass"],
        [{"content": "gnocchi", "sounds_like": ["nyohki"]}, {"content": "sea bass"}],
        expected,
    )
    for given in ways:
        assert SpeechmaticsSTT(additional_vocab=given).additional_vocab == expected
    assert SpeechmaticsSTT(additional_vocab=None).additional_vocab == ()


def test_a_model_has_two_names() -> None:
    assert SpeechmaticsSTT().model == "enhanced"
    assert SpeechmaticsSTT(operating_point="standard").model == "standard"
    old = attrs.evolve(SpeechmaticsSTT(operating_point="standard"), language="de")
    assert (old.model, old.operating_point) == ("standard", "standard")


def test_traits_are_told_before_a_call() -> None:
    traits = STTTraits.of(SpeechmaticsSTT())
    assert (traits.endpoints, traits.model, traits.hears_voice) == (True, "enhanced", False)
    assert traits.hosts == ("eu2.rt.speechmatics.com",)
    assert not STTTraits.of(SpeechmaticsSTT(turn_detection_mode="external")).endpoints
    assert STTTraits.of(SpeechmaticsSTT(turn_detection_mode="fixed")).endpoints


@pytest.mark.parametrize(
    "bad",
    [
        {"model": "parrot"},
        {"model": "enhanced", "operating_point": "standard"},
        {"turn_detection_mode": "telepathy"},
        {"turn_detection_mode": "smart_turn"},
        {"max_delay": 0.6},
        {"max_delay": 4.1},
        {"max_delay_mode": "never"},
        {"end_of_utterance_silence_trigger": 0},
        {"end_of_utterance_silence_trigger": 2.1, "max_delay": 4},
        {"end_of_utterance_silence_trigger": 1},
        {"end_of_utterance_max_delay": 0.5},
        {"include_partials": "perhaps"},
        {"additional_vocab": 5},
        {"additional_vocab": [":nyohki"]},
        {"additional_vocab": [{"sounds_like": ["a"]}]},
        {"additional_vocab": [f"word{at}" for at in range(1_001)]},
        {"punctuation_sensitivity": 1.1},
        {"volume_threshold": 101},
        {"replacements": "colour"},
        {"replacements": 5},
        {"language_hints": 5},
        {"focus_speakers": "S1"},
        {"max_speakers": 2},
        {"speaker_sensitivity": 0.5},
        {"prefer_current_speaker": False},
        {"enable_diarization": True, "max_speakers": 1},
    ],
)
def test_what_speechmatics_would_refuse_is_refused_at_once(bad: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError) as raised:
        SpeechmaticsSTT(**bad)
    assert raised.value.fix


def test_the_model_of_turns_that_runs_here_is_named() -> None:
    with pytest.raises(PatterConfigError) as raised:
        SpeechmaticsSTT(turn_detection_mode="smart_turn")
    assert "turn_detector='smart-turn'" in raised.value.fix


# --- what reaches the wire

FULL: dict[str, Any] = {
    "model": "standard",
    "language": "de",
    "turn_detection_mode": "fixed",
    "end_of_utterance_silence_trigger": 0.8,
    "max_delay": 2.5,
    "max_delay_mode": "fixed",
    "include_partials": False,
    "enable_entities": False,
    "domain": "finance",
    "output_locale": "de-DE",
    "additional_vocab": ("gnocchi:nyohki", "bucatini"),
    "language_hints": ("de", "en"),
    "permitted_marks": (".", ","),
    "punctuation_sensitivity": 0.4,
    "remove_disfluencies": True,
    "replacements": ("colour:color",),
    "volume_threshold": 3.5,
    "enable_diarization": True,
    "speaker_sensitivity": 0.7,
    "max_speakers": 3,
    "prefer_current_speaker": True,
}
WIRE: dict[str, Any] = {
    "model": "standard",
    "language": "de",
    "conversation_config": {"end_of_utterance_silence_trigger": 0.8},
    "max_delay": 2.5,
    "max_delay_mode": "fixed",
    "enable_partials": False,
    "enable_entities": False,
    "domain": "finance",
    "output_locale": "de-DE",
    "additional_vocab": [
        {"content": "gnocchi", "sounds_like": ["nyohki"]},
        {"content": "bucatini"},
    ],
    "language_hints": ["de", "en"],
    "punctuation_overrides": {"permitted_marks": [".", ","], "sensitivity": 0.4},
    "transcript_filtering_config": {
        "remove_disfluencies": True,
        "replacements": [{"from": "colour", "to": "color"}],
    },
    "audio_filtering_config": {"volume_threshold": 3.5},
    "diarization": "speaker",
    "speaker_diarization_config": {
        "max_speakers": 3,
        "speaker_sensitivity": 0.7,
        "prefer_current_speaker": True,
    },
}
OURS = {
    "api_key",
    "base_url",
    "finalize_ms",
    "focus_speakers",
    "end_of_utterance_max_delay",
    "operating_point",
}
"""Options of this side, and the old name of the model."""


async def asked_for(settings: SpeechmaticsSTT) -> tuple[Any, Any]:
    """What a session of *settings* asks for, and the handshake."""
    async with (
        SpeechmaticsDouble().running() as double,
        double.pointed(settings).open(CALL, MULAW_8K),
    ):
        pass
    return double.received[0], double.requests[0]


async def test_every_option_reaches_the_wire() -> None:
    start, handshake = await asked_for(SpeechmaticsSTT(**FULL))
    assert start["transcription_config"] == WIRE
    assert shape(WIRE) == WIRE, "the SDK would send the same"
    assert handshake.headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in str(handshake.path) + str(handshake.query) + str(start)


def test_no_option_is_forgotten_here() -> None:
    settable = {field.name for field in attrs.fields(SpeechmaticsSTT)}
    assert settable - OURS == set(FULL)


def test_the_sdk_has_no_option_that_is_forgotten_here() -> None:
    known = set(rt.TranscriptionConfig.__dataclass_fields__)
    channels = {"channel_diarization_labels"}
    undocumented = {"ctrl", "streaming_mode", "language_hints_strict"}
    assert known - set(WIRE) == channels | undocumented | {"operating_point"}


async def test_what_is_not_set_is_left_out() -> None:
    start, _ = await asked_for(SpeechmaticsSTT(turn_detection_mode="external"))
    assert start["transcription_config"] == {
        "language": "en",
        "model": "enhanced",
        "enable_partials": True,
        "max_delay": 1,
    }


async def test_an_old_server_is_told_the_old_name_of_the_model() -> None:
    start, _ = await asked_for(SpeechmaticsSTT(operating_point="enhanced"))
    assert start["transcription_config"]["operating_point"] == "enhanced"
    assert "model" not in start["transcription_config"]


# --- trying them out


async def test_a_check_begins_a_session_and_sends_no_audio() -> None:
    async with SpeechmaticsDouble().running() as double:
        report = await double.pointed(SpeechmaticsSTT()).check()
    assert report.text == "English, telephony, 1 of 20 sessions"
    assert [body["message"] for body in double.received] == ["StartRecognition", "EndOfStream"]
    assert double.received[1]["last_seq_no"] == 0


async def test_a_check_says_when_the_key_is_refused() -> None:
    async with SpeechmaticsDouble().running() as double:
        stranger = attrs.evolve(double.pointed(SpeechmaticsSTT()), api_key="secret-stranger")
        with pytest.raises(AuthenticationError) as raised:
            await stranger.check()
    assert "SPEECHMATICS_API_KEY" in raised.value.fix
    assert "stranger" not in str(raised.value)


async def test_a_check_says_when_a_setting_is_refused() -> None:
    async with SpeechmaticsDouble().running() as double:
        with pytest.raises(PatterConfigError, match="klingon") as raised:
            await double.pointed(SpeechmaticsSTT(language="klingon")).check()
    assert "languages" in raised.value.fix


@pytest.mark.parametrize(
    ("status", "code"), [(402, ErrorCode.AUTH), (429, ErrorCode.RATE_LIMIT), (500, "CONNECTION")]
)
async def test_a_check_means_what_a_call_would_meet(status: int, code: str) -> None:
    async with SpeechmaticsDouble(faults=VendorFaults(status=status)).running() as double:
        assert (await failure(double.pointed(SpeechmaticsSTT()).check())).code == code


async def test_a_vendor_that_takes_a_call_and_never_answers_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # The bound of the kit's sockets is a default argument.
    monkeypatch.setitem(_vendor_socket_defaults(), "connect_s", 0.05)
    async with SpeechmaticsDouble(faults=VendorFaults(silent=True)).running() as double:
        stt = double.pointed(SpeechmaticsSTT())
        for work in (stt.check(), stt.open(CALL, MULAW_8K).__aenter__()):
            assert (await failure(work)).code is ErrorCode.TIMEOUT


def _vendor_socket_defaults() -> dict[str, Any]:
    from patter.vendors.sockets import vendor_socket

    defaults: dict[str, Any] = vendor_socket.__wrapped__.__kwdefaults__  # type: ignore[attr-defined]
    return defaults
