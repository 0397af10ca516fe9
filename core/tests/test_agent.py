"""An agent tells everything that is wrong with it at once, and becomes the plan of a call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import (
    Agent,
    AgentError,
    BackgroundAudioPlayer,
    PatterError,
    PipelineHooks,
    PluginRegistry,
    tool,
)
from patter.audio.formats import PCM16_16K
from patter.call.mind import ModelMind
from patter.plugins.overrides import overriding
from patter.text.preamble import PHONE_PREAMBLE
from patter_testing import (
    FakeCarrier,
    FakeGuardrail,
    FakeLLM,
    FakeSTT,
    FakeTTS,
    FakeTurnDetector,
    FakeVAD,
)

if TYPE_CHECKING:
    from conftest import Shelf

PARROT = """
    @attrs.frozen(kw_only=True)
    class Parrot:
        model: str = "polly"
        voice: str = "squawk"
        produces: tuple = ()
        accepts: tuple = ()
        def open(self, call, audio): ...
        async def stream(self, request):
            yield

    @hookimpl
    def patter_stt(spec):
        return spec.build(Parrot)

    @hookimpl
    def patter_tts(spec):
        return spec.build(Parrot)

    @hookimpl
    def patter_llm(spec):
        return spec.build(Parrot)
"""
KEYED = """
    from patter.errors import PatterConfigError

    @hookimpl
    def patter_llm(spec):
        raise PatterConfigError("Oracle has no api_key", fix="export ORACLE_API_KEY")
"""
JUDGE = """
    @attrs.frozen
    class Judge:
        threshold: float = attrs.field(default=0.5, converter=float)
        accepts = ()
        window_ms = 1_000
        async def predict(self, audio, text): ...

    @hookimpl
    def patter_turn_detector(spec):
        return spec.build(Judge)
"""
PARTS: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS()}


@pytest.fixture
def bare() -> PluginRegistry:
    """No plugin is installed."""
    return PluginRegistry.from_environment({}, source=[])


def described(**given: Any) -> Agent:
    return Agent(**{"system_prompt": "Be brief.", **PARTS, **given})


def complaint(agent: Agent, registry: PluginRegistry, **given: Any) -> tuple[str, str]:
    with pytest.raises(AgentError) as caught:
        agent.gather(registry, **given)
    return caught.value.message, caught.value.fix


@tool(effect="read")
def opening_hours(day: str) -> str:
    """When we are open."""
    return day


def test_a_plan_has_the_parts_the_words_and_the_rules(bare: PluginRegistry) -> None:
    agent = described(
        vad=FakeVAD(tail_ms=90),
        first_message="Hello {name}.",
        variables={"name": "Ada"},
        tools=[opening_hours],
        guardrails=[FakeGuardrail()],
        idle_ms=(1_000,),
        max_call_ms=60_000,
        silence_ms=700,
        long_turn_message="One second.",
        llm_error_message="Oh dear.",
        voicemail_message="Call {name} back.",
        language="de",
    )
    plan = agent.plan(bare)
    assert (plan.stt, plan.tts) == (PARTS["stt"], PARTS["tts"])
    assert plan.mind == ModelMind(PARTS["llm"])
    assert plan.system_prompt == f"{PHONE_PREAMBLE}\n\nBe brief."
    script = plan.phrases
    said = script.greeting, script.filler, script.apology, script.voicemail
    assert said == ("Hello Ada.", "One second.", "Oh dear.", "Call Ada back.")
    rules = plan.rules
    assert (rules.vad, rules.voice_tail_ms, rules.idle_ms) == (True, 100, (1_000,))
    assert (rules.filler_ms, rules.call_max_ms, rules.silence_ms) == (4_000, 60_000, 700)
    assert (rules.voicemail, rules.greeting, plan.language) == ("message", True, "de")
    assert (plan.tools, len(plan.guardrails)) == ((opening_hours,), 1)


def test_a_turn_detector_comes_with_the_longest_pause_it_may_ask_for(bare: PluginRegistry) -> None:
    detector = FakeTurnDetector()
    plan = described(turn_detector=detector, max_semantic_hold_ms=2_000).plan(bare)
    assert plan.turn_detector is detector
    assert (plan.rules.max_hold_ms, plan.rules.silence_ms) == (2_000, 500)
    assert plan.names["turn_detector"] == ("faketurndetector", "")
    for without in (described(), described(turn_detector="none", silence_ms=1_500)):
        assert without.plan(bare).turn_detector is None


def test_a_turn_detector_of_a_plugin_is_named_as_in_its_spec(shelf: Shelf) -> None:
    shelf.add("a-judge", {"turn_detector": "judge"}, JUDGE)
    plan = described(turn_detector="judge?threshold=0.7").plan(shelf.registry())
    assert plan.turn_detector is not None and plan.turn_detector.threshold == 0.7
    assert plan.names["turn_detector"] == ("judge", "")
    assert described().plan(shelf.registry()).turn_detector is None, "only who asks gets one"


def test_where_callers_may_go_is_a_list_or_a_function(bare: PluginRegistry) -> None:
    there, elsewhere = "+4930123456", "+4940123456"
    for told in (["+4930*"], iter(["+4930*"]), lambda target: target == there):
        agent = described(transfer_allowed=told)
        for _ in range(2):
            allowed = agent.plan(bare).transfer_allowed
            assert allowed is not None and allowed(there) and not allowed(elsewhere)
    assert described().plan(bare).transfer_allowed is None


@pytest.mark.parametrize("given", ["+4930*", ["4930*"], [None], 5])
def test_a_list_that_allows_who_knows_whom_is_refused_when_built(
    bare: PluginRegistry, given: object
) -> None:
    said, fix = complaint(described(transfer_allowed=given), bare)
    assert "transfer" in said and "+4930*" in fix


def test_the_operators_list_is_checked_when_an_agent_is_built(
    bare: PluginRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATTER_TRANSFER_ALLOW", "everybody")
    said, _ = complaint(described(), bare)
    assert "PATTER_TRANSFER_ALLOW" in said and "everybody" in said


def test_the_preamble_can_be_left_out(bare: PluginRegistry) -> None:
    assert described(disable_phone_preamble=True).plan(bare).system_prompt == "Be brief."


def test_without_a_first_message_there_is_no_greeting(bare: PluginRegistry) -> None:
    assert not described().plan(bare).rules.greeting


def test_a_recogniser_that_ends_turns_is_waited_for(bare: PluginRegistry) -> None:
    assert described(stt=FakeSTT(endpoints=True)).plan(bare).rules.wait_for_turn_end


def test_variables_of_a_call_go_before_those_of_the_agent(bare: PluginRegistry) -> None:
    agent = described(system_prompt="{a} {b}", variables={"a": 1, "b": 2})
    plan = agent.plan(bare, variables={"b": "{a}"})
    assert plan.system_prompt.endswith("\n\n1 {a}")


VALUES = st.text(st.sampled_from("{}ab \n") | st.characters(), max_size=20)


@given(VALUES, VALUES)
def test_no_value_is_expanded_again_wherever_it_is_put(a: str, b: str) -> None:
    text = "<{a}|{b}|{c}>"
    agent = described(system_prompt=text, first_message=text, voicemail_message=text)
    plan = agent.plan(
        PluginRegistry.from_environment({}, source=[]), variables={"a": a + "{b}", "b": b + "{a}"}
    )
    wanted = f"<{a}{{b}}|{b}{{a}}|{{c}}>"
    assert plan.system_prompt.endswith(wanted)
    assert (plan.phrases.greeting, plan.phrases.voicemail) == (wanted, wanted)


@given(st.text(max_size=60), st.text(max_size=20))
def test_a_value_is_never_looked_into(prompt: str, value: str) -> None:
    agent = described(system_prompt="{name}" + prompt, disable_phone_preamble=True)
    plan = agent.plan(PluginRegistry.from_environment({}, source=[]), variables={"name": value})
    assert plan.system_prompt.startswith(value)


def test_names_come_from_the_spec_string(shelf: Shelf) -> None:
    shelf.add("parrots", {"stt": "parrot", "tts": "parrot", "llm": "parrot"}, PARROT)
    agent = described(stt="parrot", llm="parrot/grey", tts="parrot?voice=soft")
    names = agent.gather(shelf.registry()).names
    assert names == {
        "stt": ("parrot", "polly"),
        "llm": ("parrot", "grey"),
        "tts": ("parrot", "polly"),
    }


def test_names_of_objects_are_their_own_or_those_of_their_class(bare: PluginRegistry) -> None:
    names = described().gather(bare).names
    assert names == {"stt": ("fake", ""), "llm": ("fake", "fake"), "tts": ("fake", "")}


def test_a_carrier_is_named_for_an_estimate_whether_it_tells_its_price_or_not(
    bare: PluginRegistry,
) -> None:
    from patter.providers.carrier import CarrierCapabilities

    silent = FakeCarrier(can=CarrierCapabilities())
    assert described().gather(bare, carrier=silent).names["carrier"] == ("fake", "")
    assert described().gather(bare, carrier=FakeCarrier()).names["carrier"] == ("fake", "")


def test_voice_and_model_are_given_to_who_can_choose(shelf: Shelf) -> None:
    shelf.add("parrots", {"stt": "parrot", "tts": "parrot", "llm": "parrot"}, PARROT)
    agent = described(llm="parrot", tts="parrot", voice="soft", model="grey")
    parts = agent.gather(shelf.registry())
    assert (parts.tts.voice, parts.llm.model) == ("soft", "grey")  # type: ignore[union-attr]
    assert parts.names["llm"] == ("parrot", "grey")


def test_a_voice_for_who_has_none_is_refused(bare: PluginRegistry) -> None:
    expected = ("fake tts has no voice to choose", "remove voice='alloy'")
    assert complaint(described(voice="alloy"), bare) == expected


# --- who is tried after whom


def test_a_list_has_its_candidates_in_order(shelf: Shelf) -> None:
    shelf.add("parrots", {"stt": "parrot", "tts": "parrot", "llm": "parrot"}, PARROT)
    ear, mouth = FakeSTT(), FakeTTS()
    agent = described(stt=["parrot/loud", ear], tts=(mouth, "parrot"), llm=["parrot", FakeLLM()])
    parts = agent.gather(shelf.registry())
    assert parts.stt_candidates == (parts.stt, ear)
    assert parts.tts_candidates == (mouth, parts.tts_fallbacks[0])
    assert (parts.names["stt"], parts.names["tts"]) == (("parrot", "loud"), ("fake", ""))
    assert parts.fallback_names == {
        "stt": (("fake", ""),),
        "tts": (("parrot", "polly"),),
        "llm": (("fake", "fake"),),
    }
    assert agent.plan(shelf.registry(), parts=parts).stt is parts.stt


def test_a_list_of_one_is_that_one_and_an_empty_one_is_none(bare: PluginRegistry) -> None:
    parts = described(stt=[PARTS["stt"]]).gather(bare)
    assert (parts.stt_candidates, parts.fallback_names) == ((PARTS["stt"],), {})
    assert complaint(described(stt=[]), bare)[0] == "agent has no stt"


def test_a_candidate_that_cannot_be_made_is_told_before_any_call(bare: PluginRegistry) -> None:
    agent = described(stt=[FakeSTT(), "zorp"])
    assert complaint(agent, bare)[0] == "no stt provider named 'zorp' is known"


def test_every_candidate_must_take_the_carriers_audio(bare: PluginRegistry) -> None:
    deaf = FakeSTT(accepts=())
    with pytest.raises(AgentError):
        described(stt=deaf).gather(bare, carrier=FakeCarrier())
    with pytest.raises(AgentError):
        described(stt=[FakeSTT(), deaf]).gather(bare, carrier=FakeCarrier())
    with pytest.raises(AgentError):
        mute = FakeTTS(produces=())
        described(tts=[FakeTTS(), mute]).gather(bare, carrier=FakeCarrier())


def test_a_voice_is_that_of_the_first_candidate(shelf: Shelf) -> None:
    shelf.add("parrots", {"tts": "parrot"}, PARROT)
    parts: Any = described(tts=["parrot", "parrot?voice=own"], voice="soft").gather(
        shelf.registry()
    )
    assert [each.voice for each in parts.tts_candidates] == ["soft", "own"]


# --- what replaces a part


def test_an_override_replaces_a_part_that_is_not_installed(bare: PluginRegistry) -> None:
    heard = FakeSTT()
    with overriding({"stt": heard}):
        assert described(stt="deepgram/nova-3").gather(bare).stt is heard


def test_an_override_replaces_a_whole_list_of_fallbacks(bare: PluginRegistry) -> None:
    mind = FakeLLM()
    replaced = bare.overriding({"llm": mind})
    assert described(llm=["openai/gpt-4o-mini", "groq"]).gather(replaced).llm is mind


# --- what is refused


def test_all_problems_are_told_at_once_with_one_fix(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    from patter.errors import ProviderNotFound
    from patter.plugins import catalogue

    known = {("stt", "deepgram"): "patter-deepgram"}
    monkeypatch.setattr(catalogue, "PROVIDERS", known)
    shelf.add("an-oracle", {"llm": "oracle"}, KEYED)
    line = ProviderNotFound(
        "no carrier provider named 'twilio' is installed", fix="pip install patter-twilio"
    )
    agent = described(stt="deepgram/nova-3", llm="oracle")
    assert complaint(agent, shelf.registry(), problems=[line]) == (
        "3 problems: no stt provider named 'deepgram' is installed; Oracle has no api_key; "
        "no carrier provider named 'twilio' is installed",
        "pip install patter-deepgram patter-twilio && export ORACLE_API_KEY",
    )


@pytest.mark.parametrize("kind", ["stt", "tts"])
def test_a_pipeline_needs_ears_and_a_mouth(bare: PluginRegistry, kind: str) -> None:
    expected = (f"agent has no {kind}", f"{kind}='PROVIDER'; see: patter plugins {kind}")
    assert complaint(described(**{kind: None}), bare) == expected


@pytest.mark.parametrize(
    ("llm", "has_handler", "expected"),
    [
        (FakeLLM(), True, ("agent has an llm, and serve an on_message", "remove one of them")),
        (
            None,
            False,
            (
                "agent has no llm, and serve no on_message",
                "llm='PROVIDER/MODEL', or on_message=...; see: patter plugins llm",
            ),
        ),
    ],
)
def test_exactly_one_mind_answers(
    bare: PluginRegistry, llm: object, has_handler: bool, expected: tuple[str, str]
) -> None:
    assert complaint(described(llm=llm), bare, has_handler=has_handler) == expected


def test_who_answers_may_be_open_until_it_serves(bare: PluginRegistry) -> None:
    assert described(llm=None).gather(bare).llm is None


@pytest.mark.parametrize(
    ("given", "said", "fix"),
    [
        ({"tools": [print]}, "'print' in tools is not a Tool", "put @tool above print"),
        ({"tools": "hours"}, "tools is a str, not a list", "write tools=[...]"),
        (
            {"tools": [opening_hours, opening_hours]},
            "two tools are named 'opening_hours'",
            "give one of them another name",
        ),
        ({"variables": "Ada"}, "variables is not a mapping", 'write variables={"name": "Ada"}'),
        ({"hooks": print}, "hooks is not a PipelineHooks", "write hooks=PipelineHooks(...)"),
        (
            {"text_transforms": ["upper"]},
            "text_transforms is not a list of functions",
            "write text_transforms=[...]",
        ),
        *(
            (
                {"pronunciations": wrong},
                "pronunciations is not a mapping of words to texts",
                'write pronunciations={"Nguyen": "win"}',
            )
            for wrong in ("win", {"Nguyen": 7}, {"": "win"}, {"Nguyen": ""})
        ),
        ({"max_history": 0}, "max_history=0 is out of range", "give 1 or more"),
        (
            {"high_pass_hz": 5},
            "high_pass_hz=5 is out of range",
            "give 10 to 1000, such as 80, or None for none",
        ),
        (
            {"agc": 3},
            "agc=3 is neither a bool nor an AgcConfig",
            "write agc=True, or agc=AgcConfig()",
        ),
        (
            {"background_audio": "office.wav"},
            "background_audio is not a BackgroundAudioPlayer",
            'write background_audio=BackgroundAudioPlayer("office.wav")',
        ),
        (
            {"background_audio": BackgroundAudioPlayer("/nowhere/office.wav")},
            "the sound '/nowhere/office.wav' cannot be read: No such file or directory",
            "name a file that exists and may be read",
        ),
        ({"guardrails": "lawsuit"}, "guardrails is a str", "write guardrails=[...]"),
        (
            {"barge_in_mode": "shout"},
            "barge_in_mode='shout' means nothing",
            "choose one of cancel, pause_resume",
        ),
        ({"silence_ms": -1}, "silence_ms=-1 is out of range", "give a whole number >= 0"),
        (
            {"vad": [FakeVAD(), FakeVAD()]},
            "vad is a list, and only stt, tts, llm and engine may be one",
            "name one vad",
        ),
        (
            {"turn_detector": FakeTurnDetector(accepts=())},
            "the sink of an audio path offers no format",
            "list at least one AudioFormat in what the sink produces or accepts",
        ),
        (
            {"turn_detector": object()},
            "object cannot be the turn_detector: it has no 'accepts', 'window_ms', 'threshold', "
            "'predict'",
            "pass a spec string or an object like those in patter.providers.turn_detector",
        ),
        (
            {"turn_detector": FakeTurnDetector(), "silence_ms": 1_200},
            "max_semantic_hold_ms=1200 is not above silence_ms=1200, so the turn_detector has "
            "no say",
            "give max_semantic_hold_ms more than silence_ms, or remove turn_detector",
        ),
        ({"max_semantic_hold_ms": 0}, "max_hold_ms=0 is out of range", "give a whole number >= 1"),
        (
            {"tts": FakeTTS},
            "tts is given the class FakeTTS, not one of its objects",
            "write tts=FakeTTS(...)",
        ),
        (
            {"llm": object()},
            "object cannot be the llm: it has no 'stream'",
            "pass a spec string or an object like those in patter.providers.llm",
        ),
        (
            {"stt": FakeSTT(accepts=())},
            "the sink of an audio path offers no format",
            "list at least one AudioFormat in what the sink produces or accepts",
        ),
    ],
)
def test_what_makes_no_sense_is_named_with_its_fix(
    bare: PluginRegistry, given: dict[str, Any], said: str, fix: str
) -> None:
    assert complaint(described(**given), bare, carrier=FakeCarrier()) == (said, fix)


def test_formats_far_apart_are_no_problem(bare: PluginRegistry) -> None:
    agent = described(stt=FakeSTT(accepts=(PCM16_16K,)))
    assert agent.gather(bare, carrier=FakeCarrier()).ears.accepts == (PCM16_16K,)


def test_hooks_reach_the_plan(bare: PluginRegistry) -> None:
    hooks = PipelineHooks(before_synthesize=lambda sentence, call: sentence)
    assert described(hooks=hooks).plan(bare).hooks is hooks


def test_pronunciations_reach_the_plan(bare: PluginRegistry) -> None:
    [lexicon] = described(pronunciations={"Nguyen": "win"}).plan(bare).respellings
    assert [span.spoken for span in lexicon("Mrs Nguyen")] == ["win"]
    assert described().plan(bare).respellings == ()


def test_every_problem_is_a_patter_error_with_a_fix(bare: PluginRegistry) -> None:
    with pytest.raises(AgentError) as caught:
        Agent(system_prompt="", silence_ms=-1).gather(bare)
    assert len(caught.value.problems) == 2
    assert all(isinstance(each, PatterError) and each.fix for each in caught.value.problems)
