"""The seven callbacks around speech, in a pipeline and with an engine."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest

from patter import Patter, PatterError
from patter.call.conversation_state import AgentState, UserState, conversation_state
from patter.call.turn.events import UtteranceKind
from patter.call.turn.state import CallerStatus, Phase, Reply, TurnState
from patter.phone.speech_events import SPEECH_CALLBACKS, EouTrigger
from patter_testing import FakeEngine

from .listened import Listened

virtual = pytest.mark.virtual_time
ENGINE = FakeEngine(replies=("We open at five, every day.", "You are welcome."))
ORDER = [
    "on_user_speech_started",
    "on_user_speech_ended",
    "on_user_speech_eos",
    "on_llm_token",
    "on_audio_out",
    "on_agent_speech_started",
    "on_agent_speech_ended",
]
KEYS = {
    "on_user_speech_started": {"timestamp_ms", "audio_offset_ms"},
    "on_user_speech_ended": {"timestamp_ms", "audio_offset_ms", "speech_duration_ms"},
    "on_user_speech_eos": {"timestamp_ms", "trigger", "transcript_so_far", "trailing_silence_ms"},
    "on_llm_token": {"timestamp_ms", "turn_idx", "llm_provider", "model"},
    "on_audio_out": {"timestamp_ms", "turn_idx", "tts_provider"},
    "on_agent_speech_ended": {"timestamp_ms", "turn_idx", "speech_duration_ms", "interrupted"},
}


def stage(kind: str) -> Listened:
    engine = attrs.evolve(ENGINE) if kind == "engine" else None
    return Listened(engine=engine)


@virtual
@pytest.mark.parametrize("kind", ["pipeline", "engine"])
async def test_a_turn_is_told_from_the_first_voice_to_the_last_sound(kind: str) -> None:
    phone = stage(kind)
    phone.listen_to_speech()
    await phone.call()
    turn = [name for name, data in phone.heard if data.get("turn_idx") != 0]
    assert sorted(turn, key=ORDER.index) == ORDER
    # A vendor may end a turn before our own detector is sure that the voice is gone.
    assert turn[0] == ORDER[0] and (kind == "engine" or turn[:3] == ORDER[:3])
    assert [name for name in turn if "agent" in name] == ORDER[-2:]
    for name, keys in KEYS.items():
        for data in phone.of(name):
            assert set(data) | {"trailing_silence_ms"} >= keys | {"call_id"}, name
            assert set(data) <= keys | {"call_id"}, name
    assert {data["call_id"] for _, data in phone.heard} == {"c1"}
    stamps = [data["timestamp_ms"] for _, data in phone.heard]
    assert stamps == sorted(stamps)


@virtual
async def test_what_the_callbacks_are_told_is_what_happened() -> None:
    phone = stage("pipeline")
    phone.listen_to_speech()
    await phone.call()
    (began,), (ended,) = phone.of("on_user_speech_started"), phone.of("on_user_speech_ended")
    spoken_ms = ended["audio_offset_ms"] - began["audio_offset_ms"]
    assert ended["speech_duration_ms"] == spoken_ms > 300
    (eos,) = phone.of("on_user_speech_eos")
    assert EouTrigger.VAD_SILENCE is eos["trigger"] and str(eos["trigger"]) == "vad_silence"
    assert eos["transcript_so_far"] == "when are you open"
    assert eos["trailing_silence_ms"] >= 200
    greeting, answer = phone.of("on_agent_speech_started")
    assert (greeting["turn_idx"], answer["turn_idx"]) == (0, 1)
    assert answer["tts_provider"] == "fake" and "engine" not in answer
    assert [each["interrupted"] for each in phone.of("on_agent_speech_ended")] == [False, False]
    (token,) = phone.of("on_llm_token")
    assert (token["llm_provider"], token["turn_idx"]) == ("fake", 1)


@virtual
@pytest.mark.parametrize("kind", ["pipeline", "engine"])
async def test_an_answer_that_is_cut_ends_interrupted(kind: str) -> None:
    phone = stage(kind)
    phone.listen_to_speech("on_agent_speech_ended")
    await phone.call("c1", "when are you open", cut="no wait on sunday please")
    ends = [(each["turn_idx"], each["interrupted"]) for each in phone.of("on_agent_speech_ended")]
    assert ends[:2] == [(0, False), (1, True)]


@virtual
async def test_calls_that_run_at_the_same_time_share_no_turn() -> None:
    phone = stage("pipeline")
    phone.listen_to_speech()
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(phone.call("one", "when are you open", "thank you"))
        tasks.create_task(phone.call("two", "hello"))

    def turns(call_id: str) -> list[int]:
        told = phone.of("on_agent_speech_started")
        return [each["turn_idx"] for each in told if each["call_id"] == call_id]

    assert (turns("one"), turns("two")) == ([0, 1, 2], [0, 1])


@virtual
async def test_nothing_is_listened_to_while_no_callback_is_set() -> None:
    phone, wanted = stage("pipeline"), list[int]()
    phone.context.callbacks = attrs.evolve(
        phone.context.callbacks, on_transcript=lambda _: wanted.append(listeners(phone))
    )
    await phone.call()
    phone.speech.on_llm_token = print
    await phone.call()
    assert set(wanted[:3]) == {0} and set(wanted[3:]) == {1}


def listeners(phone: Listened) -> int:
    """How many listen to steps and pieces of the call that runs."""
    (state,) = phone.speech.calls.values()
    session = state.__closure__[0].cell_contents.session  # type: ignore[index]
    each = session.events._listeners.items()
    kinds = {"EngineStep", "TextPiece", "AudioPiece"}
    return sum(len(listening) for kind, listening in each if kind.__name__ in kinds)


@virtual
async def test_one_that_is_set_in_a_call_is_called_and_one_that_is_removed_is_not() -> None:
    phone = stage("pipeline")

    def greeted(data: dict[str, Any]) -> None:
        phone.speech.on_agent_speech_started = None
        phone.listen_to_speech("on_user_speech_eos")

    phone.speech.on_agent_speech_started = greeted
    await phone.call()
    assert [name for name, _ in phone.heard] == ["on_user_speech_eos"]


@virtual
async def test_a_callback_that_raises_or_never_returns_hurts_no_call() -> None:
    async def never(data: dict[str, Any]) -> None:
        await asyncio.Event().wait()

    def exits(data: dict[str, Any]) -> None:
        raise SystemExit

    phone = stage("pipeline")
    phone.speech.on_user_speech_started, phone.speech.on_llm_token = never, exits
    summary = await phone.call()
    assert (summary.outcome, summary.turns) == ("completed", 1)


@virtual
async def test_the_state_of_the_conversation_can_be_asked_for_at_any_time() -> None:
    phone, states = stage("pipeline"), list[tuple[str, str]]()

    def note(data: dict[str, Any]) -> None:
        state = phone.speech.conversation_state
        states.append((state["user"], state["agent"]))

    before = phone.speech.conversation_state
    for name in ("on_user_speech_started", "on_user_speech_eos", "on_agent_speech_started"):
        phone.speech.set(name, note)
    await phone.call()
    assert before == {"user": "listening", "agent": "initializing"}
    assert states == [
        ("listening", "speaking"),
        ("speaking", "listening"),
        ("listening", "thinking"),
        ("listening", "speaking"),
    ]
    assert phone.speech.conversation_state == before
    assert not phone.speech.calls


@pytest.mark.parametrize(
    ("state", "user", "agent"),
    [
        (TurnState(), UserState.LISTENING, AgentState.INITIALIZING),
        (TurnState(phase=Phase.LIVE), UserState.LISTENING, AgentState.IDLE),
        (TurnState(phase=Phase.AWAY), UserState.AWAY, AgentState.IDLE),
        (TurnState(phase=Phase.LIVE, idle_step=1), UserState.AWAY, AgentState.IDLE),
        (
            TurnState(phase=Phase.LIVE, caller=CallerStatus.PAUSED),
            UserState.THINKING,
            AgentState.LISTENING,
        ),
        (
            TurnState(phase=Phase.LIVE, reply=Reply(UtteranceKind.ANSWER, 1, 2)),
            UserState.LISTENING,
            AgentState.THINKING,
        ),
    ],
)
def test_each_state_has_its_documented_name(
    state: TurnState, user: UserState, agent: AgentState
) -> None:
    assert conversation_state(state) == {"user": user, "agent": agent}


def test_the_callbacks_are_attributes_of_a_phone_which_shares_them_with_no_other() -> None:
    phone, other = Patter(), Patter()
    for name in SPEECH_CALLBACKS:
        assert getattr(phone, name) is None
        setattr(phone, name, print)
        assert getattr(phone, name) is getattr(phone.speech_events, name) is print
        assert getattr(other, name) is None
        with pytest.raises(PatterError, match=f"{name} is 3"):
            setattr(phone, name, 3)
    phone.on_llm_token = None
    assert phone.speech_events.on_llm_token is None
    assert phone.conversation_state["agent"] == "initializing"
