"""Speaking over a socket, against a Rime of our own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import attrs
import pytest

from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import ErrorCode, PatterError, PatterTimeoutError
from patter.providers.context import CallContext
from patter.providers.tts import SpokenWord
from patter.vendors import speech_session
from patter_rime import RimeTTS, _socket
from patter_rime.double import RimeDouble
from patter_testing.doubles.relay import relay
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.fast_clock import FastClock
from patter_testing.talking import CALL, begin, eventually, letters_of, say, sentences

from .talking import LONG, operations, voice, words_of

FAST = CallContext(call_id="fast", clock=FastClock())


# --- what is said


@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K])
async def test_every_sentence_is_spoken_in_order_and_says_where_it_begins(
    audio: AudioFormat,
) -> None:
    async with RimeDouble().running() as double, voice(double, audio) as session:
        pieces = await say(session, "one.", "two.", "three.")
    assert [piece.text for piece in pieces if piece.text] == ["one.", "two.", "three."]
    assert letters_of(pieces, audio) == "one.two.three."
    assert double.spoken == ["one.", "two.", "three."]
    assert double.ignored == []


async def test_each_sentence_is_flushed_under_a_name_of_its_own() -> None:
    async with RimeDouble().running() as double, voice(double) as session:
        await say(session, "one.", "two.")
        await say(session, "three.")
    texts = [each for each in double.messages if "text" in each]
    assert [each["text"] for each in texts] == ["one.", "two.", "three."]
    assert len({each["contextId"] for each in texts}) == 3
    assert operations(double) == ["one.", "flush", "two.", "flush", "three.", "flush"]


async def test_a_sentence_waits_until_the_one_before_is_done() -> None:
    async with RimeDouble(pace=8).running() as double, voice(double) as session:
        speech = await begin(session, LONG, "two.")
        await asyncio.sleep(0.1)
        assert operations(double) == [LONG, "flush"]
        pieces = [piece async for piece in speech]
    assert [piece.text for piece in pieces if piece.text] == ["two."]
    assert double.spoken == [LONG, "two."]


async def test_one_socket_speaks_for_a_whole_call() -> None:
    async with RimeDouble().running() as double, voice(double) as session:
        for text in ("one", "two", "three"):
            assert letters_of(await say(session, text)) == text
    assert double.sockets == 1
    assert "eos" not in operations(double), "Rime would speak what is left"


async def test_what_cannot_be_said_is_not_sent() -> None:
    async with RimeDouble().running() as double, voice(double) as session:
        assert letters_of(await say(session, "...", "one", "  ", "-")) == "one"
    assert operations(double) == ["one", "flush"]


async def test_a_text_longer_than_rime_takes_is_said_in_parts() -> None:
    text = " ".join(["word"] * 250)
    async with RimeDouble(ms_per_letter=1).running() as double, voice(double) as session:
        pieces = await say(session, text)
    assert " ".join(double.spoken) == text and len(double.spoken) == 3
    assert [piece.text for piece in pieces if piece.text] == double.spoken


async def test_samples_stay_whole_however_they_are_cut() -> None:
    double = RimeDouble(odd_bytes=1)
    async with double.running(), voice(double, PCM16_16K) as session:
        pieces = await say(session, LONG, "two")
    assert all(len(piece.audio) % 2 == 0 for piece in pieces)
    assert letters_of(pieces, PCM16_16K) == f"{LONG}two"


async def test_who_writes_the_reply_may_fail() -> None:
    async def broken() -> AsyncIterator[str]:
        yield "one"
        raise ZeroDivisionError

    async with RimeDouble().running() as double, voice(double) as session:
        with pytest.raises(ZeroDivisionError):
            async for _ in session.say(broken()):
                pass
        assert letters_of(await say(session, "two")) == "two"


# --- words


@pytest.mark.parametrize("model", ["coda", "mistv2"], ids=["attached", "punctuation apart"])
async def test_words_are_timed_from_the_first_audio_of_the_reply(model: str) -> None:
    async with RimeDouble().running() as double, voice(double, model=model) as session:
        pieces = await say(session, "Hi you.", "Well-known?")
    # Each letter lasts 60 ms, the first sentence 420.
    last = 1_020 if model == "mistv2" else 1_080
    words = words_of(pieces)
    assert [word.text for word in words] == ["Hi", "you.", "Well-known?"]
    assert words[0] == SpokenWord("Hi", 120)
    assert [word.end_ms for word in words[1:]] == (
        [360, last] if model == "mistv2" else [420, last]
    )


async def test_the_next_reply_counts_anew() -> None:
    async with RimeDouble().running() as double, voice(double) as session:
        for _ in range(2):
            assert words_of(await say(session, "Hi.")) == [SpokenWord("Hi.", 180)]


async def test_a_language_without_word_times_is_spoken_without() -> None:
    async with RimeDouble().running() as double, voice(double, lang="fra") as session:
        pieces = await say(session, "Bonjour.")
    assert letters_of(pieces) == "Bonjour." and words_of(pieces) == []


async def test_messages_that_name_no_context_are_about_what_is_spoken() -> None:
    async with RimeDouble(names_contexts=False).running() as double, voice(double) as session:
        pieces = await say(session, "one.", "two.")
    assert letters_of(pieces) == "one.two."
    assert [word.text for word in words_of(pieces)] == ["one.", "two."]


async def test_an_end_that_names_nothing_does_not_end_what_was_named() -> None:
    double = RimeDouble(faults=VendorFaults(over=True, after=3))
    async with double.running(), voice(double) as session:
        with pytest.raises(PatterError) as raised:
            await say(session, LONG)
    assert raised.value.passing, "half a sentence was taken for a whole one"


async def test_what_is_about_something_else_is_not_heard() -> None:
    stray = '{"type": "chunk", "data": "AAAA", "contextId": "another"}'
    double = RimeDouble(faults=VendorFaults(garbage=stray, after=2))
    async with double.running(), voice(double, timeout_ms=1_000) as session:
        pieces = []
        with pytest.raises(PatterTimeoutError):
            async for piece in session.say(sentences("one")):
                pieces.append(piece)
    assert sum(len(piece.audio) for piece in pieces) == 800


# --- being interrupted


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes its time to end a sentence."""
    monkeypatch.setattr(speech_session, "CANCEL_MS", 5_000.0)


@pytest.mark.usefixtures("patient")
async def test_a_sentence_that_ends_soon_keeps_its_socket() -> None:
    async with RimeDouble(pace=8).running() as double, voice(double) as session:
        speech = await begin(session, LONG, "never said")
        await speech.aclose()
        assert letters_of(await say(session, "two")) == "two"
    assert double.sockets == 1
    assert operations(double) == [LONG, "flush", "clear", "two", "flush"]


async def test_a_sentence_that_goes_on_is_left_with_its_socket() -> None:
    async with RimeDouble(pace=2).running() as double, voice(double) as session:
        speech = await begin(session, " ".join([LONG] * 4))
        loop = asyncio.get_running_loop()
        begun = loop.time()
        await speech.aclose()
        await eventually(lambda: double.sockets == 2)
        assert loop.time() - begun < 1.0
        assert letters_of(await say(session, "two")) == "two"
    assert double.spoken == ["two"]


async def test_what_is_interrupted_before_its_first_audio_is_not_heard_later() -> None:
    double = RimeDouble(latency=Latency(p50_ms=80))
    async with double.running(), voice(double) as session:
        speech = session.say(sentences(LONG))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                await anext(speech)
        await speech.aclose()
        pieces = await say(session, "two")
        assert letters_of(pieces) == "two" and [word.text for word in words_of(pieces)] == ["two"]


@pytest.mark.usefixtures("patient")
async def test_the_next_reply_waits_until_the_last_one_is_over() -> None:
    async with RimeDouble(pace=8).running() as double, voice(double) as session:
        speech = await begin(session, LONG)
        await speech.aclose()
        async with asyncio.TaskGroup() as tasks:
            reply = tasks.create_task(say(session, "two"))
            await asyncio.sleep(0.05)
            assert operations(double) == [LONG, "flush", "clear"]
        assert letters_of(reply.result()) == "two"


async def test_a_reply_that_is_complete_clears_nothing() -> None:
    async with RimeDouble().running() as double, voice(double) as session:
        speech = session.say(sentences("one"))
        assert [piece async for piece in speech]
        await speech.aclose()
    assert operations(double) == ["one", "flush"]


@pytest.mark.usefixtures("patient")
async def test_a_text_that_was_not_flushed_is_not_left_for_the_next_reply() -> None:
    async with RimeDouble().running() as double, voice(double) as session:
        line = session.line
        send, stuck = line.socket._socket.send_str, asyncio.Event()

        async def slow(message: str) -> None:
            if "flush" in message:
                stuck.set()
                await asyncio.sleep(1)
            await send(message)

        line.socket._socket.send_str = slow
        speech = session.say(sentences("one"))
        listening = asyncio.create_task(anext(speech))
        await stuck.wait()
        listening.cancel()
        await asyncio.wait({listening})
        await speech.aclose()
        async with asyncio.timeout(2):
            assert letters_of(await say(session, "two")) == "two"
    assert double.sockets == 2 and double.spoken == ["two"]


@pytest.mark.usefixtures("patient")
async def test_a_reply_that_was_left_unclosed_does_not_disturb_the_next() -> None:
    async with RimeDouble(pace=8).running() as double, voice(double) as session:
        left = await begin(session, LONG, "never said")
        speech = await begin(session, "two three")
        await left.aclose()
        assert [piece async for piece in speech]
    assert double.sockets == 1 and double.spoken == [LONG, "two three"]


@pytest.mark.usefixtures("patient")
async def test_who_goes_on_reading_a_reply_that_was_left_is_told_so() -> None:
    async with RimeDouble(pace=8).running() as double, voice(double) as session:
        left = await begin(session, LONG)
        assert letters_of(await say(session, "two")) == "two"
        with pytest.raises(PatterError, match="another reply"):
            async for _ in left:
                pass


async def test_a_call_that_ends_while_a_socket_is_opened_is_not_kept_waiting() -> None:
    async with (
        RimeDouble(pace=1).running() as double,
        asyncio.timeout(3),
        voice(double, call=FAST) as session,
    ):
        speech = await begin(session, LONG)
        double.faults = VendorFaults(silent=True)
        await speech.aclose()
        await eventually(lambda: len(double.requests) == 2)


async def test_a_call_that_ends_while_a_reply_is_written_is_not_kept_waiting() -> None:
    waiting = asyncio.Event()

    async def endless() -> AsyncIterator[str]:
        yield "one"
        waiting.set()
        await asyncio.get_running_loop().create_future()

    async with RimeDouble().running() as double, asyncio.timeout(2):
        async with voice(double) as session:
            speech = session.say(endless())
            await anext(speech)
            await waiting.wait()
        with pytest.raises(PatterError, match="has ended"):
            async for _ in speech:
                pass


# --- a long call


async def test_a_socket_that_rime_closed_early_is_replaced_when_it_is_needed() -> None:
    async with RimeDouble(idle_s=0.1).running() as double, voice(double) as session:
        await say(session, "one")
        await asyncio.sleep(0.25)
        assert double.sockets == 1, "whoever is hung up on at once is not called back at once"
        assert letters_of(await say(session, "two")) == "two"
    assert double.sockets == 2


async def test_a_socket_that_lived_long_is_replaced_before_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(speech_session, "STEADY_MS", 50.0)
    async with RimeDouble(idle_s=0.1).running() as double, voice(double) as session:
        await eventually(lambda: double.sockets == 2)
        assert letters_of(await say(session, "two")) == "two"


async def test_a_line_that_died_while_nobody_spoke_is_found_and_replaced(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert _socket.HEARTBEAT_S * 1.5 <= 15, "as the README says"
    monkeypatch.setattr(_socket, "HEARTBEAT_S", 0.1)
    monkeypatch.setattr(speech_session, "STEADY_MS", 0.0)
    async with RimeDouble().running() as double:
        vendor = double.url.removeprefix("http://")
        settings = RimeTTS(api_key=double.key)
        async with relay(vendor) as between:
            near = attrs.evolve(settings, base_url=f"http://{between.address}")
            async with near.open(CALL, MULAW_8K):
                handshake_bytes = between.arrived_bytes
        # The socket is opened, and then not a byte comes, and no end.
        async with relay(vendor, keep_bytes=handshake_bytes + 1) as between:
            near = attrs.evolve(settings, base_url=f"http://{between.address}")
            async with near.open(CALL, MULAW_8K):
                before = len(double.requests)
                await eventually(lambda: len(double.requests) > before)


async def test_a_socket_lost_between_two_sentences_is_not_missed() -> None:
    async def slowly() -> AsyncIterator[str]:
        yield "one"
        await asyncio.sleep(0.25)
        yield "two"

    async with RimeDouble(idle_s=0.1).running() as double, voice(double) as session:
        assert letters_of([piece async for piece in session.say(slowly())]) == "onetwo"
    assert double.sockets == 2


# --- what goes wrong


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_audio_that_stops_or_never_comes_is_a_failure_in_time(after: int) -> None:
    double = RimeDouble(faults=VendorFaults(stalls=True, after=after))
    async with double.running(), voice(double, timeout_ms=80) as session:
        with pytest.raises(PatterTimeoutError):
            await say(session, LONG)


@pytest.mark.usefixtures("patient")
async def test_after_a_failure_another_socket_speaks_at_once() -> None:
    double = RimeDouble(faults=VendorFaults(stalls=True, after=1))
    async with double.running(), voice(double, timeout_ms=80) as session:
        with pytest.raises(PatterTimeoutError):
            await say(session, LONG, "never said")
        double.faults = VendorFaults()
        # It does not wait for the end of what failed: that is 5 s here.
        assert letters_of(await say(session, "two")) == "two"
    assert double.spoken[-1] == "two" and "never said" not in operations(double)


async def test_nothing_is_sent_after_a_failure_however_late_it_is_read() -> None:
    double = RimeDouble(faults=VendorFaults(stalls=True, after=1))
    async with double.running(), voice(double, timeout_ms=250) as session:
        speech = await begin(session, LONG, "never said")
        await asyncio.sleep(0.5)
        with pytest.raises(PatterTimeoutError):
            async for _ in speech:
                pass
    assert operations(double) == [LONG, "flush"]


async def test_audio_that_comes_late_is_heard() -> None:
    double = RimeDouble(latency=Latency(p50_ms=100))
    async with double.running(), voice(double, timeout_ms=1_000) as session:
        assert letters_of(await say(session, "one", "two")) == "onetwo"


async def test_audio_that_keeps_coming_is_in_time() -> None:
    async with RimeDouble(pace=1).running() as double, voice(double, timeout_ms=600) as session:
        assert letters_of(await say(session, "one two three four")) == "one two three four"


async def test_who_writes_slowly_owes_nothing() -> None:
    async def slowly() -> AsyncIterator[str]:
        yield "one"
        await asyncio.sleep(0.5)
        yield "two"

    async with RimeDouble().running() as double, voice(double, timeout_ms=250) as session:
        assert letters_of([piece async for piece in session.say(slowly())]) == "onetwo"


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012])
async def test_a_socket_that_closes_in_the_middle_is_an_error_that_may_pass(code: int) -> None:
    double = RimeDouble(faults=VendorFaults(close_code=code, after=2))
    async with double.running(), voice(double) as session:
        with pytest.raises(PatterError, match=str(code)) as raised:
            await say(session, LONG)
        assert raised.value.passing
        double.faults = VendorFaults()
        assert letters_of(await say(session, "two")) == "two"


async def test_silence_for_a_sentence_is_a_failure() -> None:
    double = RimeDouble(faults=VendorFaults(garbage='{"type": "done"}'))
    async with double.running(), voice(double) as session:
        with pytest.raises(PatterError, match="no audio") as raised:
            await say(session, "one", "never said")
    assert raised.value.passing
    assert "never said" not in operations(double)


async def test_a_speaker_that_the_model_does_not_have_is_a_setting_to_change() -> None:
    async with RimeDouble().running() as double, voice(double, speaker="nobody") as session:
        with pytest.raises(PatterError, match="speaker") as raised:
            await say(session, "one")
    assert raised.value.code is ErrorCode.CONFIG


async def test_an_error_between_two_replies_ends_the_socket_and_nothing_else() -> None:
    wrong = '{"type": "error", "message": "internal error"}'
    double = RimeDouble(faults=VendorFaults(garbage=wrong, after=3))
    async with double.running(), voice(double, lang="fra") as session:
        speech = await begin(session, "one two three")
        await speech.aclose()
        double.faults = VendorFaults()
        assert letters_of(await say(session, "two")) == "two"


async def test_a_refused_key_is_known_before_anything_is_said() -> None:
    async with RimeDouble(subscribed=False).running() as double:
        with pytest.raises(PatterError) as raised:
            async with voice(double):
                pytest.fail("it opened")
    assert raised.value.code is ErrorCode.AUTH and "subscription" in raised.value.fix


async def test_more_sockets_than_rime_allows_are_a_rate_limit() -> None:
    async with RimeDouble(socket_limit=1).running() as double, voice(double):
        with pytest.raises(PatterError) as raised:
            async with voice(double):
                pytest.fail("it opened")
    assert raised.value.code is ErrorCode.RATE_LIMIT


async def test_nobody_who_takes_the_audio_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patter.vendors.speech_session.MOST_UNREAD", 3)
    async with RimeDouble().running() as double, voice(double, lang="fra") as session:
        speech = session.say(sentences(LONG))
        await anext(speech)
        await asyncio.sleep(0.1)
        with pytest.raises(PatterError, match="nobody takes"):
            async for _ in speech:
                pass


async def test_two_calls_have_a_socket_each() -> None:
    async with RimeDouble().running() as double, voice(double) as one, voice(double) as other:
        said = await asyncio.gather(say(one, "one"), say(other, "two"))
    assert [letters_of(each) for each in said] == ["one", "two"]
    assert double.sockets == 2
