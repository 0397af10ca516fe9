"""What comes late, stops in the middle, or never comes: each wait of a conversation ends."""

from __future__ import annotations

import base64
import json
from typing import Any

from patter.errors import ErrorCode
from patter.providers.engine_events import (
    CallerTranscript,
    CallerTurnEnded,
    EngineEvent,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    ResponseToolCall,
    SessionHandle,
    VendorInterrupted,
)
from patter_google._live_caller import LATE_MS
from patter_google._live_talk import UNWANTED_MS, LiveTalk
from patter_google._live_turn import CUT_MS, QUIET_MS

RESPONSE_MS = 15_000.0
SECOND = base64.b64encode(bytes(48_000)).decode()
SOUND = {
    "serverContent": {
        "modelTurn": {
            "parts": [{"inlineData": {"mimeType": "audio/pcm;rate=24000", "data": SECOND}}]
        }
    }
}
COMPLETE = {"serverContent": {"turnComplete": True}}
CUT = {"serverContent": {"interrupted": True}}
CALL = {"toolCall": {"functionCalls": [{"id": "c", "name": "book", "args": {}}]}}


def talk(**options: Any) -> LiveTalk:
    defaults: dict[str, Any] = {
        "tools_wait": False,
        "asks_by_text": False,
        "hears_voice": False,
        "manual": False,
        "response_ms": RESPONSE_MS,
    }
    return LiveTalk(**{**defaults, **options})


def heard(text: str, **told: Any) -> dict[str, Any]:
    return {"serverContent": {"inputTranscription": {"text": text, **told}}}


def news(conversation: LiveTalk) -> list[EngineEvent]:
    events, conversation.events = conversation.events, []
    return events


def done(conversation: LiveTalk) -> list[ResponseDone]:
    return [each for each in news(conversation) if isinstance(each, ResponseDone)]


def test_a_response_that_never_comes_has_failed() -> None:
    it = talk()
    own = it.request("Hi.", 0)
    assert it.due_ms == RESPONSE_MS
    it.tick(RESPONSE_MS - 1)
    assert news(it) == []
    it.tick(RESPONSE_MS)
    started, over = news(it)
    assert started == ResponseStarted(own)
    assert isinstance(over, ResponseDone) and over.status is ResponseStatus.FAILED
    assert over.error is not None and over.error.code is ErrorCode.TIMEOUT
    assert it.due_ms is None


def test_a_response_that_stops_in_the_middle_has_failed_once_it_was_played() -> None:
    it = talk()
    it.request("Hi.", 0)
    it.take(SOUND, 100)
    it.take(SOUND, 100)
    assert it.due_ms == 100 + 2_000 + RESPONSE_MS
    it.tick(it.due_ms)
    (over,) = done(it)
    assert over.status is ResponseStatus.FAILED


def test_a_response_whose_end_never_comes_is_complete_when_all_was_generated() -> None:
    it = talk()
    it.request("Hi.", 0)
    it.take(SOUND, 100)
    it.take({"serverContent": {"generationComplete": True}}, 100)
    it.tick(1_100 + RESPONSE_MS)
    (over,) = done(it)
    assert over.status is ResponseStatus.COMPLETED


def test_audio_two_seconds_late_is_the_responses_own() -> None:
    it = talk()
    own = it.request("Hi.", 0)
    it.tick(2_000)
    it.take(SOUND, 2_000)
    assert [each.response_id for each in news(it) if isinstance(each, ResponseAudio)] == [own]


def test_the_end_of_an_interrupted_turn_is_not_waited_for_long() -> None:
    it = talk()
    it.request("Hi.", 0)
    it.take(SOUND, 100)
    it.take(CUT, 200)
    assert any(isinstance(each, VendorInterrupted) for each in news(it))
    it.tick(200 + CUT_MS)
    (over,) = done(it)
    assert over.status is ResponseStatus.CANCELLED


def test_what_follows_an_interruption_is_the_next_response_even_without_an_end() -> None:
    it = talk()
    first = it.request("Hi.", 0)
    it.take(SOUND, 100)
    it.take(CUT, 200)
    it.take(SOUND, 300)
    events = news(it)
    starts = [each for each in events if isinstance(each, ResponseStarted)]
    assert [each.cause for each in starts] == [ResponseCause.REQUEST, ResponseCause.CALLER]
    assert [e.response_id for e in events if isinstance(e, ResponseDone)] == [first]


def test_a_request_that_is_interrupted_before_anything_came_is_over() -> None:
    it = talk()
    own = it.request("Hi.", 0)
    it.take(CUT, 100)
    it.take(COMPLETE, 110)
    events = news(it)
    assert events[0] == ResponseStarted(own) and VendorInterrupted(own) in events
    assert isinstance(events[-1], ResponseDone)
    assert events[-1].status is ResponseStatus.CANCELLED


def test_an_answer_to_the_caller_is_not_taken_for_one_that_nobody_wants() -> None:
    """The call gave a request up; the vendor did not, and then the caller spoke."""
    it = talk()
    own = it.request("Hi.", 0)
    it.interrupt(own, 100)
    it.take(heard("and now?"), 200)
    it.take(SOUND, 900)
    events = news(it)
    (start,) = [e for e in events if isinstance(e, ResponseStarted) and e.response_id != own]
    assert start.cause is ResponseCause.CALLER
    assert [e.response_id for e in events if isinstance(e, ResponseAudio)] == [start.response_id]


def test_what_nobody_wants_is_dropped_and_holds_the_next_request_up_for_two_seconds_at_most() -> (
    None
):
    it = talk()
    first = it.request("One.", 0)
    it.interrupt(first, 100)
    second = it.request("Two.", 200)
    assert len(it.outbox) == 1, "it would stop the first, whose sound would be taken for its own"
    it.tick(100 + UNWANTED_MS)
    assert len(it.outbox) == 2
    it.take(SOUND, 3_000)
    assert [e.response_id for e in news(it) if isinstance(e, ResponseAudio)] == [second]


def test_the_sound_of_a_response_that_nobody_wants_is_dropped_by_its_turn() -> None:
    it = talk()
    first = it.request("One.", 0)
    it.interrupt(first, 100)
    second = it.request("Two.", 200)
    it.take(SOUND, 300)
    assert len(it.outbox) == 2, "now that it is known for the first, it is stopped"
    it.take(CUT, 400)
    it.take(COMPLETE, 400)
    it.take(SOUND, 500)
    assert [e.response_id for e in news(it) if isinstance(e, ResponseAudio)] == [second]


def test_words_that_are_there_are_final_before_the_answer_begins() -> None:
    """The call waits for a final; to hold it back would hold the answer back."""
    it = talk()
    it.take(heard("a table"), 0)
    it.take(SOUND, 100)
    it.take(heard(" for two"), 100 + LATE_MS - 1)
    said = [type(each).__name__ for each in news(it)]
    assert said[1:4] == ["CallerTranscript", "CallerTurnEnded", "ResponseStarted"]
    assert "CallerTranscript" not in said[4:], "a rest that comes late is no turn of its own"
    it.take(heard("wait"), 100 + LATE_MS)
    assert news(it) == [CallerTranscript("turn-2", "wait", False)]


def test_words_that_come_beside_the_answer_wait_a_moment_for_more_of_them() -> None:
    it = talk()
    it.take(SOUND, 100)
    it.take(heard("a table"), 200)
    it.take(heard(" for two"), 300)
    assert not any(isinstance(each, CallerTranscript) for each in news(it))
    assert it.due_ms == 300 + LATE_MS
    it.tick(300 + LATE_MS)
    assert news(it) == [CallerTranscript("turn-1", "a table for two", True)]


def test_words_that_never_come_are_not_those_of_the_next_turn() -> None:
    it = talk()
    it.take(SOUND, 0)
    it.take(COMPLETE, 100)
    it.take(heard("and", finished=True), 200)
    it.take(SOUND, 300)
    events = news(it)
    ended = [each.item_id for each in events if isinstance(each, CallerTurnEnded)]
    said = [each.item_id for each in events if isinstance(each, CallerTranscript)]
    assert ended == ["turn-1", "turn-2"] and set(said) == {"turn-2"}


def test_noise_is_no_word() -> None:
    it = talk()
    it.take(heard("<noise>", finished=True), 0)
    assert news(it) == []


def test_a_turn_that_called_a_tool_is_over_when_nothing_more_comes() -> None:
    it = talk()
    it.take(CALL, 0)
    assert done(it) == []
    it.tick(QUIET_MS)
    (over,) = done(it)
    assert over.status is ResponseStatus.COMPLETED
    it.take(COMPLETE, QUIET_MS + 100)
    assert news(it) == []


def test_a_fast_tool_does_not_take_the_rest_of_the_sentence_for_its_answer() -> None:
    it = talk()
    it.take(SOUND, 0)
    it.take(CALL, 10)
    it.result("c", "ok", 20, failed=False, follow=True)
    it.take(SOUND, 30)
    it.take(COMPLETE, 40)
    it.take(SOUND, 500)
    events = news(it)
    starts = [each for each in events if isinstance(each, ResponseStarted)]
    assert [each.cause for each in starts] == [ResponseCause.CALLER, ResponseCause.TOOL]
    sounds = [each.response_id for each in events if isinstance(each, ResponseAudio)]
    assert sounds == [starts[0].response_id] * 2 + [starts[1].response_id]


def test_an_answer_about_a_tool_that_never_comes_has_failed() -> None:
    it = talk(tools_wait=True)
    it.take(CALL, 0)
    it.result("c", "ok", 100, failed=False, follow=True)
    news(it)
    it.tick(100 + RESPONSE_MS)
    started, over = news(it)
    assert isinstance(started, ResponseStarted) and started.cause is ResponseCause.TOOL
    assert isinstance(over, ResponseDone) and over.status is ResponseStatus.FAILED


def test_a_tool_that_is_called_for_nobody_is_answered_all_the_same() -> None:
    """A model that waits for it would never speak again."""
    it = talk(tools_wait=True)
    own = it.request("Hi.", 0)
    it.take({"serverContent": {"outputTranscription": {"text": "Let me see."}}}, 50)
    it.interrupt(own, 60)
    it.take(CALL, 100)
    assert not any(isinstance(each, ResponseToolCall) for each in news(it))
    (answer,) = [json.loads(each) for each in it.outbox if "toolResponse" in each]
    (response,) = answer["toolResponse"]["functionResponses"]
    assert response["id"] == "c" and "error" in response["response"]


def test_the_late_end_of_a_turn_that_was_given_up_is_not_the_end_of_a_request() -> None:
    it = talk()
    it.take(CALL, 0)
    it.tick(QUIET_MS)
    own = it.request("Hi.", QUIET_MS + 10)
    news(it)
    it.take(CUT, QUIET_MS + 50)
    it.take(COMPLETE, QUIET_MS + 60)
    assert news(it) == []
    it.take(SOUND, QUIET_MS + 500)
    assert [e.response_id for e in news(it) if isinstance(e, ResponseAudio)] == [own]


def test_a_moment_that_cannot_be_gone_on_from_has_no_handle() -> None:
    it = talk()
    it.take({"sessionResumptionUpdate": {"newHandle": "h", "resumable": False}}, 0)
    it.take({"sessionResumptionUpdate": {"resumable": True}}, 0)
    assert news(it) == []
    it.take({"sessionResumptionUpdate": {"newHandle": "h", "resumable": True}}, 0)
    assert news(it) == [SessionHandle("h")]
