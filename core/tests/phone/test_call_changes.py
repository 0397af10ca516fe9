"""What on_call_start may return: fields of the agent, providers by name, with their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import attrs
import pytest

from patter import PatterError, PluginRegistry, ProviderSpec, SpecError
from patter.phone.call_changes import agent_fields
from patter.phone.values import (
    IncomingMessage,
    SessionContext,
    STTConfig,
    TTSConfig,
    config_of,
    hash_caller,
)

if TYPE_CHECKING:
    from conftest import Shelf

PARROTS = """
    @attrs.frozen
    class ParrotSTT:
        accepts = ()
        api_key: str = attrs.field(repr=False)
        model: str = "polly"
        loud: bool = False
        language: str = "any"
        def open(self, call, audio): ...

    @attrs.frozen
    class ParrotTTS:
        produces = ()
        voice_id: str = "grey"
        def open(self, call, audio): ...

    @hookimpl
    def patter_stt(spec):
        return spec.build(ParrotSTT)

    @hookimpl
    def patter_tts(spec):
        return spec.build(ParrotTTS)
"""


@pytest.fixture
def registry(shelf: Shelf) -> PluginRegistry:
    shelf.add("patter-parrot", {"stt": "parrot", "tts": "parrot"}, PARROTS)
    return shelf.registry()


@attrs.frozen
class Parrot:
    """A provider with a key."""

    api_key: str = attrs.field(repr=False)
    model: str = "grey"
    language: str = ""


def test_a_recogniser_and_a_voice_may_be_given_by_name_key_and_options(
    registry: PluginRegistry,
) -> None:
    options = {"model": "macaw", "loud": True}
    config = {"provider": "parrot", "api_key": "k", "language": "de", "options": options}
    changes = {"stt_config": config, "tts_config": TTSConfig("parrot_tts", voice="blue")}
    fields = agent_fields({**changes, "variables": {"a": 1}, "language": "de"}, registry)
    assert set(fields) == {"stt", "tts", "language"}
    stt, tts = fields["stt"], fields["tts"]
    assert (stt.api_key, stt.model, stt.loud, stt.language) == ("k", "macaw", True, "de")
    assert tts.voice_id == "blue"


def test_the_language_and_voice_that_everybody_has_leave_the_providers_own(
    registry: PluginRegistry,
) -> None:
    changes = {"stt_config": STTConfig("parrot", "k"), "tts_config": TTSConfig("parrot")}
    fields = agent_fields(changes, registry)
    assert (fields["stt"].language, fields["tts"].voice_id) == ("any", "grey")


@pytest.mark.parametrize(
    ("provider", "engine"),
    [("openai_realtime", "openai"), ("elevenlabs_convai", "elevenlabs"), ("fake", "fake")],
)
def test_another_provider_is_an_engine_alone_and_pipeline_is_none(
    registry: PluginRegistry, provider: str, engine: str
) -> None:
    alone = {"engine": engine, "stt": None, "tts": None, "llm": None}
    assert agent_fields({"provider": provider}, registry) == alone
    assert agent_fields({"provider": "pipeline"}, registry) == {"engine": None}


@pytest.mark.parametrize(
    "changes",
    [
        {"provider": 3},
        {"provider": ""},
        {"stt_config": "deepgram"},
        {"stt_config": {"name": "fake"}},
        {"stt_config": {"provider": "zorp"}},
        {"stt_config": {"provider": "parrot", "api_key": "a key", "options": {"modell": 1}}},
        {"stt_config": {"provider": "parrot", "api_key": "a key", "options": 7}},
        {"stt_config": {"provider": "parrot", "options": {"api_key": "a key"}}},
        {"tts_config": {"provider": "parrot", "api_key": "a key"}},
        {"tts_config": STTConfig("fake")},
    ],
)
def test_what_makes_no_provider_is_a_patter_error_that_tells_no_key(
    registry: PluginRegistry, changes: dict[str, Any]
) -> None:
    with pytest.raises(PatterError) as refused:
        agent_fields(changes, registry)
    assert refused.value.fix and "a key" not in str(refused.value)


def test_a_secret_is_no_part_of_how_a_spec_is_written() -> None:
    spec = ProviderSpec("parrot", "green", secrets={"api_key": "s3cret"})
    assert str(spec) == "parrot/green" and "s3cret" not in repr(spec)
    assert spec.build(Parrot) == Parrot("s3cret", "green")
    with pytest.raises(SpecError, match="no option 'token'"):
        ProviderSpec("parrot", secrets={"api_key": "s3cret", "token": "x"}).build(Parrot)


def test_configs_are_frozen_values_that_print_no_key() -> None:
    config = config_of(STTConfig, {"provider": "deepgram", "api_key": "s3cret"})
    assert "s3cret" not in repr(config)
    assert config.to_dict() == {
        "provider": "deepgram",
        "api_key": "s3cret",
        "language": "en",
        "options": {},
    }
    assert TTSConfig("elevenlabs", "k").to_dict()["voice"] == "alloy"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        config.provider = "other"  # type: ignore[misc]


def test_a_caller_is_hashed_the_same_each_time_and_nobody_not_at_all() -> None:
    assert hash_caller("+15550107788") == "31be11618f9dece7"
    assert hash_caller("") is None
    context = SessionContext("c1", caller="+15550107788")
    assert context.caller_hash == hash_caller(context.caller)
    assert context.to_dict()["callee"] == ""
    message = IncomingMessage("hello", "c1", "+15550107788")
    assert message.to_dict() == {
        "text": "hello",
        "call_id": "c1",
        "caller": "+15550107788",
        "history": (),
    }
