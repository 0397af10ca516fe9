"""What an agent's messages amount to: begin, end and order of responses, without a socket."""

from __future__ import annotations

import pytest

from patter.audio.convert import converter
from patter.audio.fit import chain
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.errors import ErrorCode, ProviderError
from patter.providers.engine_events import (
    CallerTranscript,
    CallerTurnEnded,
    EngineProblem,
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseStarted,
    ResponseStatus,
    ResponseText,
    ResponseToolCall,
    ResponseTruncated,
    ToolCallsCancelled,
    VendorInterrupted,
)
from patter.providers.llm import ToolRequest
from patter.providers.stt import SpeechEnded, SpeechStarted
from patter.providers.tts import SpokenWord
from patter_elevenlabs import _convai_wire as wire
from patter_elevenlabs._convai_talk import Talk

from .convai_bench import ANSWER_MS, QUIET_MS, SOUND, Bench, dones, kinds


def test_a_response_begins_with_its_first_sign_and_ends_with_silence() -> None:
    bench = Bench()
    bench.heard()
    assert kinds(bench.said()) == ["ResponseStarted", "ResponseText"]
    assert kinds(bench.audio()) == ["ResponseAudio"]
    assert bench.wait(499) == []
    assert dones(bench.wait(1)) == [("response-1", ResponseStatus.COMPLETED)]


def test_audio_keeps_a_response_alive() -> None:
    bench = Bench()
    for _ in range(5):
        bench.audio()
        assert bench.wait(450) == []
    assert dones(bench.wait(50)) == [("response-1", ResponseStatus.COMPLETED)]


def test_a_response_is_not_over_before_it_has_been_played() -> None:
    bench = Bench()
    for _ in range(30):
        bench.audio()
    assert bench.wait(2_999) == []
    assert kinds(bench.wait(1)) == ["ResponseDone"]


def test_the_caller_interrupts_what_is_still_being_played() -> None:
    bench = Bench()
    for _ in range(30):
        bench.audio()
    bench.wait(2_000)
    interrupted = bench.take(wire.Interruption(bench.next_id))
    assert interrupted == [
        VendorInterrupted("response-1"),
        ResponseDone("response-1", ResponseStatus.CANCELLED),
    ]


def test_audio_up_to_the_interruption_is_dropped_and_later_audio_is_not() -> None:
    bench = Bench()
    bench.audio()
    last = bench.next_id
    bench.take(wire.Interruption(last))
    assert bench.take(wire.Audio(last, SOUND)) == []
    assert bench.take(wire.FullText("old", last)) == []
    assert kinds(bench.take(wire.Audio(last + 1, SOUND))) == ["ResponseStarted", "ResponseAudio"]


def test_an_older_interruption_does_not_lift_a_later_one() -> None:
    bench = Bench()
    bench.audio()
    bench.take(wire.Interruption(7))
    bench.take(wire.Interruption(3))
    assert bench.take(wire.Audio(7, SOUND)) == []


def test_an_interruption_of_the_response_before_leaves_this_one_alone() -> None:
    bench = Bench()
    bench.audio()
    before = bench.next_id
    bench.wait(600)
    bench.audio()
    assert bench.take(wire.Interruption(before)) == []
    assert kinds(bench.audio()) == ["ResponseAudio"]


def test_the_callers_next_turn_ends_a_response() -> None:
    bench = Bench()
    bench.audio()
    assert kinds(bench.heard()) == ["ResponseDone", "CallerTranscript", "CallerTurnEnded"]


def test_a_transcript_that_comes_after_its_answer_began_does_not_end_it() -> None:
    bench = Bench()
    number = bench.number()
    bench.audio()
    late = bench.take(wire.Heard("hi", number))
    assert kinds(late) == ["CallerTranscript", "CallerTurnEnded"]


def test_the_vendor_says_that_a_response_is_over() -> None:
    bench = Bench()
    bench.said()
    for _ in range(30):
        bench.audio()
    done = bench.take(wire.Complete(bench.number()))
    assert dones(done) == [("response-1", ResponseStatus.COMPLETED)]


def test_that_the_response_before_is_over_does_not_end_this_one() -> None:
    bench = Bench()
    bench.audio()
    before = bench.next_id
    bench.wait(600)
    bench.audio()
    assert bench.take(wire.Complete(before)) == []


def test_text_without_audio_is_waited_for_and_incomplete_in_the_end() -> None:
    bench = Bench()
    bench.said()
    assert bench.wait(ANSWER_MS - 1) == []
    (done,) = bench.wait(1)
    assert isinstance(done, ResponseDone) and done.status is ResponseStatus.INCOMPLETE
    assert done.reason


def test_audio_that_comes_two_seconds_after_its_text_belongs_to_it() -> None:
    bench = Bench()
    bench.said()
    bench.wait(2_000)
    assert bench.audio() == [ResponseAudio("response-1", SOUND)]


def test_parts_add_up_to_the_whole_and_nothing_is_said_twice() -> None:
    bench = Bench()
    for text in ("Hello", " there"):
        bench.take(wire.Part(text, bench.number()))
    bench.said("Hello there, Rosa.")
    bench.said("Bye.")
    pieces = [each.text for each in bench.events if isinstance(each, ResponseText)]
    assert "".join(pieces) == "Hello there, Rosa. Bye."


def test_the_whole_after_all_of_its_parts_is_no_news() -> None:
    bench = Bench()
    bench.take(wire.Part("Hello.", bench.number()))
    assert bench.said("Hello.") == []


def test_the_same_sentence_twice_is_said_twice() -> None:
    bench = Bench()
    bench.said("Yes.")
    bench.said("Yes.")
    pieces = [each.text for each in bench.events if isinstance(each, ResponseText)]
    assert "".join(pieces) == "Yes. Yes."


def test_what_comes_first_unasked_is_the_agents_greeting() -> None:
    bench = Bench()
    assert bench.audio()[0] == ResponseStarted("response-1", ResponseCause.GREETING)
    bench.wait(600)
    assert bench.audio()[0] == ResponseStarted("response-2", ResponseCause.CALLER)


@pytest.mark.parametrize("first", ["heard", "tool"])
def test_what_comes_after_a_turn_or_with_a_tool_is_no_greeting(first: str) -> None:
    bench = Bench()
    getattr(bench, first)()
    bench.audio()
    started = [each for each in bench.events if isinstance(each, ResponseStarted)]
    assert [each.cause for each in started] == [ResponseCause.CALLER]


def test_a_greeting_that_was_asked_for_and_never_comes_has_failed() -> None:
    bench = Bench()
    bench.talk.expect_greeting(bench.now_ms)
    started, done = bench.wait(ANSWER_MS)
    assert started == ResponseStarted("response-1", ResponseCause.GREETING)
    assert isinstance(done, ResponseDone) and done.status is ResponseStatus.FAILED
    assert done.error is not None and done.error.code is ErrorCode.TIMEOUT


def test_a_request_waits_for_the_response_before_to_end() -> None:
    bench = Bench()
    bench.audio()
    name = bench.talk.request("Go on.")
    assert bench.talk.has_request and bench.send() == ""
    bench.wait(600)
    assert bench.send() == "Go on." and bench.send() == ""
    assert bench.audio()[0] == ResponseStarted(name, ResponseCause.REQUEST)


def test_a_request_waits_for_the_request_before_to_be_answered() -> None:
    bench = Bench()
    first, second = bench.talk.request("one"), bench.talk.request("two")
    assert (bench.send(), bench.send()) == ("one", "")
    bench.audio()
    assert bench.send() == ""
    bench.wait(600)
    assert bench.send() == "two"
    bench.audio()
    assert [e.response_id for e in bench.events if isinstance(e, ResponseStarted)] == [
        first,
        second,
    ]


def test_a_request_that_is_never_answered_has_failed_and_the_next_one_is_sent() -> None:
    bench = Bench()
    first = bench.talk.request("one")
    bench.talk.request("two")
    bench.send()
    assert bench.wait(ANSWER_MS - 1) == []
    assert dones(bench.wait(1)) == [(first, ResponseStatus.FAILED)]
    assert bench.send() == "two"


def test_an_answer_two_seconds_late_is_that_of_its_request() -> None:
    bench = Bench()
    name = bench.talk.request("one")
    bench.send()
    bench.wait(2_000)
    assert bench.audio()[0] == ResponseStarted(name, ResponseCause.REQUEST)


def test_an_interrupted_response_is_over_at_once_and_its_rest_is_dropped() -> None:
    bench = Bench()
    bench.audio()
    assert dones(bench.interrupt("response-1")) == [("response-1", ResponseStatus.CANCELLED)]
    assert bench.audio() == [] and bench.said() == []
    assert bench.wait(499) == [] and bench.audio() == []
    bench.wait(500)
    assert bench.audio()[0] == ResponseStarted("response-2", ResponseCause.CALLER)


def test_after_an_interrupt_the_next_text_begins_a_response() -> None:
    bench = Bench()
    bench.said("One.")
    bench.audio()
    bench.interrupt("response-1")
    assert bench.audio() == []
    assert kinds(bench.said("Two.")) == ["ResponseStarted", "ResponseText"]
    assert bench.audio() == [ResponseAudio("response-2", SOUND)]


def test_after_an_interrupt_the_next_first_part_begins_a_response() -> None:
    bench = Bench()
    bench.audio()
    bench.interrupt("response-1")
    assert bench.take(wire.Part("more", bench.number())) == []
    assert kinds(bench.take(wire.Part("", bench.number(), begins=True))) == ["ResponseStarted"]


def test_a_request_is_sent_at_once_after_an_interrupt() -> None:
    bench = Bench()
    bench.audio()
    bench.interrupt("response-1")
    name = bench.talk.request("stop")
    assert bench.send() == "stop"
    bench.take(wire.Interruption(bench.next_id))
    assert bench.audio()[0] == ResponseStarted(name, ResponseCause.REQUEST)


def test_a_request_that_waits_can_be_interrupted() -> None:
    bench = Bench()
    bench.audio()
    name = bench.talk.request("one")
    assert bench.interrupt(name) == []
    assert kinds(bench.wait(600)) == ["ResponseDone", "ResponseStarted", "ResponseDone"]
    assert bench.send() == ""


def test_the_late_answer_to_an_interrupted_request_is_dropped() -> None:
    bench = Bench()
    name = bench.talk.request("one")
    bench.send()
    assert dones(bench.interrupt(name)) == [(name, ResponseStatus.CANCELLED)]
    assert bench.said() == [] and bench.audio() == []
    bench.wait(600)
    assert kinds(bench.audio()) == ["ResponseStarted", "ResponseAudio"]


def test_after_the_callers_turn_an_interrupted_request_is_not_waited_for() -> None:
    bench = Bench()
    name = bench.talk.request("one")
    bench.send()
    bench.interrupt(name)
    bench.heard()
    assert kinds(bench.audio()) == ["ResponseStarted", "ResponseAudio"]


def test_a_tool_call_belongs_to_its_response_which_ends_without_the_result() -> None:
    bench = Bench()
    bench.heard()
    assert bench.tool()[-1] == ResponseToolCall("response-1", ToolRequest("t1", "book", "{}"))
    assert bench.wait(499) == []
    assert dones(bench.wait(1)) == [("response-1", ResponseStatus.COMPLETED)]
    assert bench.talk.waits_for("t1")


def test_the_answer_after_a_result_is_because_of_the_tool() -> None:
    bench = Bench()
    bench.heard()
    bench.tool()
    assert dones(bench.result()) == [("response-1", ResponseStatus.COMPLETED)]
    assert not bench.talk.waits_for("t1")
    assert bench.audio()[0] == ResponseStarted("response-2", ResponseCause.TOOL)
    bench.wait(600)
    assert bench.audio()[0] == ResponseStarted("response-3", ResponseCause.CALLER)


def test_only_the_last_result_of_a_response_ends_it() -> None:
    bench = Bench()
    bench.heard()
    bench.tool("t1")
    bench.tool("t2")
    assert bench.result("t1") == []
    assert kinds(bench.result("t2")) == ["ResponseDone"]


def test_a_request_waits_for_the_answer_to_a_tool() -> None:
    bench = Bench()
    bench.heard()
    bench.tool()
    bench.result()
    bench.talk.request("one")
    assert bench.send() == ""
    bench.wait(ANSWER_MS)
    assert bench.send() == "one"


def test_a_tool_nobody_waits_for_is_called_and_its_result_is_not_wanted() -> None:
    bench = Bench()
    bench.heard()
    assert "ResponseToolCall" in kinds(bench.tool(answered=False))
    assert not bench.talk.waits_for("t1")


def test_a_tool_call_is_not_lost_with_the_response_that_was_interrupted() -> None:
    bench = Bench()
    bench.audio()
    bench.interrupt("response-1")
    assert kinds(bench.tool()) == ["ResponseStarted", "ResponseToolCall"]


def test_a_tool_that_the_vendor_gave_up_is_cancelled_once() -> None:
    bench = Bench()
    bench.tool()
    assert bench.take(wire.ToolFailed("t1")) == [ToolCallsCancelled(("t1",))]
    assert bench.take(wire.ToolFailed("t1")) == []
    assert not bench.talk.waits_for("t1")


def test_a_correction_truncates_the_response_that_said_so() -> None:
    bench = Bench()
    bench.said("We open at five.")
    bench.audio()
    bench.take(wire.Interruption(bench.next_id))
    bench.said("Yes?")
    bench.audio()
    truncated = bench.take(wire.Correction("We open at five.", "We open"))
    assert truncated == [ResponseTruncated("response-1", text="We open")]


def test_a_correction_of_what_nobody_said_truncates_the_latest() -> None:
    bench = Bench()
    bench.said("One.")
    bench.audio()
    assert bench.take(wire.Correction("Other.", "")) == [ResponseTruncated("response-1", text="")]


def test_a_correction_of_what_had_no_audio_is_none() -> None:
    bench = Bench()
    bench.said("One.")
    assert bench.take(wire.Correction("One.", "")) == []


def test_a_caller_turn_has_one_name_from_its_first_word_to_its_end() -> None:
    bench = Bench()
    bench.take(wire.Heard("a", bench.number(), tentative=True))
    bench.take(wire.Heard("a table", bench.number(), tentative=True))
    bench.heard("a table for two")
    bench.heard("please")
    assert bench.events == [
        SpeechStarted(),
        CallerTranscript("turn-1", "a", False),
        CallerTranscript("turn-1", "a table", False),
        SpeechEnded(),
        CallerTranscript("turn-1", "a table for two", True),
        CallerTurnEnded("turn-1"),
        CallerTranscript("turn-2", "please", True),
        CallerTurnEnded("turn-2"),
    ]


def test_scores_tell_when_the_caller_speaks_and_words_do_not_any_more() -> None:
    bench = Bench()
    for score in (0.1, 0.4, 0.6, 0.45, 0.7, 0.3, 0.2):
        bench.take(wire.Score(score))
    bench.take(wire.Heard("a", bench.number(), tentative=True))
    assert kinds(bench.events) == ["SpeechStarted", "SpeechEnded", "CallerTranscript"]


@pytest.mark.parametrize("text", ["", "...", "."])
def test_a_silent_caller_has_no_turn(text: str) -> None:
    bench = Bench()
    assert bench.heard(text) == []


def test_a_request_that_comes_back_as_a_transcript_is_not_the_callers() -> None:
    bench = Bench()
    bench.talk.request("Go on.")
    bench.send()
    assert bench.heard("Go on.") == []
    assert kinds(bench.heard("Go on.")) == ["CallerTranscript", "CallerTurnEnded"]


def test_words_end_where_their_letters_do_over_the_borders_of_pieces() -> None:
    bench = Bench()
    bench.audio(letters=(wire.Letter("H", 20), wire.Letter("i", 40), wire.Letter(" ", 60)))
    bench.audio(letters=(wire.Letter("y", 30), wire.Letter("o", 60)))
    bench.audio(letters=(wire.Letter("u", 500),))
    bench.wait(600)
    words = [word for e in bench.events if isinstance(e, ResponseText) for word in e.words]
    # The last letter would end after the audio it came with.
    assert words == [SpokenWord("Hi", 40), SpokenWord("you", 300)]


def test_an_error_that_passes_is_reported() -> None:
    error = ProviderError("no", fix="yes")
    assert Bench().take(wire.Problem(error, ends=False)) == [EngineProblem(error)]
    assert Bench().take(wire.Problem(None, ends=False)) == []


def test_audio_that_conversion_held_back_comes_before_the_end() -> None:
    voice = converter(chain(PCM16_16K, MULAW_8K))
    bench = Bench(Talk(MULAW_8K, voice, QUIET_MS, ANSWER_MS))
    bench.audio(b"\x00\x10" * 1_600)
    bench.wait(2_000)
    sound = b"".join(each.audio for each in bench.events if isinstance(each, ResponseAudio))
    assert len(sound) == 800
    assert isinstance(bench.events[-1], ResponseDone)


@pytest.mark.parametrize("who", ["we", "the vendor"])
def test_what_was_held_back_of_an_interrupted_response_is_not_the_next_ones(who: str) -> None:
    voice = converter(chain(PCM16_16K, MULAW_8K))
    bench = Bench(Talk(MULAW_8K, voice, QUIET_MS, ANSWER_MS))
    bench.audio(b"\x00\x10" * 1_600)
    if who == "we":
        bench.interrupt("response-1")
    else:
        bench.take(wire.Interruption(bench.next_id))
    bench.wait(2_000)
    bench.audio(b"\x00\x10" * 1_600)
    bench.wait(2_000)
    sound = [each for each in bench.events if isinstance(each, ResponseAudio)]
    assert sum(len(each.audio) for each in sound if each.response_id == "response-1") < 800
    assert sum(len(each.audio) for each in sound if each.response_id == "response-2") == 800
