"""What a conversation remembers of what was heard, its tools, its errors, and its order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import PatterError
from patter.audio.formats import MULAW_8K, PCM16_24K
from patter.errors import ErrorCode
from patter.providers.engine import EngineSetup, EngineTurns, TurnDetection
from patter.providers.engine_events import (
    CallerTranscript,
    EngineProblem,
    ResponseAudio,
    ResponseDone,
    ResponseStarted,
    ResponseToolCall,
    ResponseTruncated,
)
from patter_openai._realtime_config import check_formats, session_of
from patter_openai._realtime_conversation import RealtimeConversation
from patter_openai._realtime_items import Cut, SpokenItems, ToolRounds
from patter_openai._realtime_settings import RealtimeSettings

from .test_realtime_wire import conversation, created, done, piece, sent

# --- what was heard


def test_a_response_of_several_messages_is_cut_where_it_was_left() -> None:
    items = SpokenItems(48)
    for name in "abc":
        items.add("r", name).audio_bytes = 48_000
    assert items.heard("r", 1_500) == [Cut("b", 500), Cut("c", None)]
    assert items.heard("r", 1_500) == []
    assert items.heard("r", 0) == [Cut("a", None), Cut("b", None)]


@given(st.lists(st.integers(0, 5_000), max_size=5), st.integers(0, 30_000))
def test_no_cut_is_where_the_vendor_has_nothing(lengths: list[int], heard_ms: int) -> None:
    items = SpokenItems(48)
    for at, length in enumerate(lengths):
        items.add("r", str(at)).audio_bytes = length * 48
    for cut in items.heard("r", heard_ms):
        length = lengths[int(cut.item_id)]
        assert cut.at_ms is None or 0 < cut.at_ms < length
    kept = sum(item.audio_bytes for item in items.of("r")) / 48
    assert kept == min(heard_ms, sum(lengths))


def test_what_was_heard_to_its_end_is_confirmed_without_the_vendor() -> None:
    talk = conversation()
    own = talk.respond("")
    talk.take(created("r1", own))
    talk.take(piece("r1", "i1", b"\0\0" * 2_400))
    talk.take(done("r1"))
    talk.interrupt(own, 9_999)
    assert talk.events[-1] == ResponseTruncated(own, 9_999, "i1")
    assert not sent(talk, "conversation.item.truncate")


def test_a_cut_behind_the_end_is_no_problem() -> None:
    talk = conversation()
    own = talk.respond("")
    talk.take(created("r1", own))
    talk.take(piece("r1", "i1", b"\0\0" * 2_400))
    talk.take(done("r1"))
    talk.interrupt(own, 99)
    error = {"code": "invalid_value", "event_id": "cut-i1", "message": "90ms is already shorter"}
    talk.take({"type": "error", "error": error})
    assert talk.events[-1] == ResponseTruncated(own, 99, "i1")


def test_a_text_is_replaced_by_what_was_heard_of_it() -> None:
    talk = conversation()
    own = talk.respond("")
    talk.take(created("r1", own))
    for delta in ("We open", " at five."):
        fields = {"response_id": "r1", "item_id": "i1", "delta": delta}
        talk.take({"type": "response.output_text.delta", **fields})
    talk.take(done("r1"))
    talk.interrupt(own, "We open at five.")
    assert talk.events[-1] == ResponseTruncated(own, text="We open at five.")
    assert not sent(talk, "conversation.item.delete")
    talk.interrupt(own, "We open")
    made, gone = talk.outbox[-2:]
    assert made["previous_item_id"] == gone["item_id"] == "i1"
    assert made["item"]["content"] == [{"type": "output_text", "text": "We open"}]
    talk.take({"type": "conversation.item.deleted", "item_id": "i1"})
    assert talk.events[-1] == ResponseTruncated(own, text="We open")


# --- tools


def test_the_next_response_waits_for_all_results_and_the_end() -> None:
    rounds = ToolRounds()
    rounds.want("r", "a")
    rounds.want("r", "b")
    assert not rounds.answer("a", follow=True)
    assert not rounds.end("r")
    assert rounds.answer("b", follow=True)
    assert not rounds.waits_for("a")


def test_results_that_come_before_the_end_are_answered_after_it() -> None:
    rounds = ToolRounds()
    rounds.want("r", "a")
    assert not rounds.answer("a", follow=True)
    assert rounds.end("r")


def test_the_last_result_says_whether_an_answer_follows() -> None:
    rounds = ToolRounds()
    for call in "ab":
        rounds.want("r", call)
    rounds.end("r")
    assert not rounds.answer("a", follow=True)
    assert not rounds.answer("b", follow=False)


def test_a_result_that_comes_before_the_end_of_its_response_is_answered_after_it() -> None:
    talk = conversation()
    own = talk.respond("")
    talk.take(created("r1", own))
    item = {"id": "i", "type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"}
    talk.take({"type": "response.output_item.done", "response_id": "r1", "item": item})
    talk.result("c", "seven", follow=True)
    assert len(sent(talk, "response.create")) == 1
    talk.take(done("r1"))
    assert len(sent(talk, "response.create")) == 2


def test_a_call_in_an_interrupted_response_is_neither_run_nor_remembered() -> None:
    talk = conversation()
    own = talk.respond("")
    talk.take(created("r1", own))
    talk.interrupt(own, 0)
    talk.insist(own)
    item = {"id": "i2", "type": "function_call", "call_id": "c", "name": "n", "arguments": "{}"}
    talk.take({"type": "response.output_item.done", "response_id": "r1", "item": item})
    assert not any(isinstance(event, ResponseToolCall) for event in talk.events)
    assert sent(talk, "conversation.item.delete")[0]["item_id"] == "i2"


# --- errors, formats


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("beta_api_shape_disabled", ErrorCode.PROVIDER_ERROR),
        ("session_expired", ErrorCode.CONNECTION),
        ("model_not_found", ErrorCode.CONFIG),
        ("invalid_api_key", ErrorCode.AUTH),
        ("insufficient_quota", ErrorCode.AUTH),
    ],
)
def test_errors_that_end_a_session_are_raised(code: str, meaning: ErrorCode) -> None:
    with pytest.raises(PatterError) as raised:
        conversation().take({"type": "error", "error": {"code": code, "message": "no"}})
    assert raised.value.code is meaning


def test_other_errors_pass_and_hold_no_key() -> None:
    talk = conversation(secret="k-1")
    talk.take({"type": "error", "error": {"code": "odd", "message": "about k-1", "event_id": "x"}})
    (problem,) = talk.events
    assert isinstance(problem, EngineProblem) and "k-1" not in str(problem.error)


def test_a_transcription_that_fails_leaves_the_words_there_are() -> None:
    talk = conversation()
    kind = "conversation.item.input_audio_transcription"
    talk.take({"type": f"{kind}.delta", "item_id": "i", "delta": "a table"})
    error = {"type": "server_error", "code": "audio_unintelligible", "message": "sorry"}
    talk.take({"type": f"{kind}.failed", "item_id": "i", "content_index": 0, "error": error})
    assert isinstance(talk.events[1], EngineProblem)
    assert talk.events[2] == CallerTranscript("i", "a table", final=True)


def test_a_cancel_that_came_too_late_is_no_news() -> None:
    talk = conversation()
    talk.take({"type": "error", "error": {"code": "response_cancel_not_active"}})
    assert talk.events == []


def test_a_format_that_is_not_honoured_is_refused() -> None:
    setup = EngineSetup(instructions="", audio_in=PCM16_24K, audio_out=MULAW_8K)
    session = session_of(RealtimeSettings(api_key="k"), setup)
    check_formats(session, setup)
    check_formats({}, setup)
    session["audio"]["output"]["format"] = {"type": "audio/pcm", "rate": 24_000}
    with pytest.raises(PatterError, match="output is audio/pcm"):
        check_formats(session, setup)


def test_the_setup_goes_before_the_settings() -> None:
    turns = EngineTurns(detection=TurnDetection.SILENCE, silence_ms=0, threshold=0.0)
    setup = EngineSetup(
        instructions="", audio_in=MULAW_8K, audio_out=MULAW_8K, turns=turns, voice="cedar"
    )
    settings = RealtimeSettings(api_key="k", turn_detection="semantic_vad", voice="marin")
    audio = session_of(settings, setup)["audio"]
    assert audio["output"]["voice"] == "cedar"
    assert audio["input"]["turn_detection"] == {
        "type": "server_vad",
        "threshold": 0.0,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 0,
        "create_response": False,
        "interrupt_response": False,
    }


# --- the order, whatever happens

ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(
            ["respond", "interrupt", "insist", "give up", "created", "audio", "done", "busy", "own"]
        ),
        st.integers(0, 3),
    ),
    max_size=30,
)


def perform(talk: RealtimeConversation, own_ids: list[str], action: str, at: int) -> None:
    """One thing that may happen; *at* says to which response."""
    own = own_ids[at % len(own_ids)] if own_ids else "patter-0"
    match action:
        case "respond":
            own_ids.append(talk.respond(""))
        case "interrupt":
            talk.interrupt(own, at * 10)
        case "insist":
            talk.insist(own)
        case "give up":
            talk.give_up()
        case "created":
            talk.take(created(f"r-{own}", own))
        case "own":
            talk.take(created(f"v{at}"))
        case "audio":
            talk.take(piece(f"r-{own}", f"i-{own}", b"\0\0" * 480))
        case "done":
            talk.take(done(f"r-{own}"))
        case "busy":
            error = {"code": "conversation_already_has_active_response", "event_id": own}
            talk.take({"type": "error", "error": error})


@given(ACTIONS, st.booleans())
def test_responses_keep_their_order_whatever_happens(
    actions: list[tuple[str, int]], responds: bool
) -> None:
    talk, own_ids = conversation(responds=responds), list[str]()
    for action, at in actions:
        perform(talk, own_ids, action, at)
    running, over = "", set[str]()
    for event in talk.events:
        match event:
            case ResponseStarted(response_id):
                assert not running and response_id not in over
                running = response_id
            case ResponseDone(response_id):
                assert response_id == running
                over.add(response_id)
                running = ""
            case ResponseAudio(response_id):
                assert response_id == running
            case ResponseTruncated(response_id):
                assert response_id == running or response_id in over
    created_once = [each["event_id"] for each in sent(talk, "response.create")]
    assert all(created_once.count(each) <= 3 for each in created_once)
