"""Speaking with Sonic, against a Cartesia of our own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from patter import ErrorCode
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.errors import PatterConfigError, PatterConnectionError, PatterTimeoutError
from patter_cartesia import CartesiaTTS
from patter_cartesia._sonic import Done
from patter_cartesia._speaking import SpeakSession
from patter_cartesia.double import CartesiaDouble
from patter_testing.doubles.vendor_double import Latency, VendorFaults
from patter_testing.doubles.vendor_sound import read_back
from patter_testing.fast_clock import fast
from patter_testing.talking import CALL, begin, eventually, failure, say, sentences, sound_of

LONG = "one two three four five six seven eight nine ten"


def voice(double: CartesiaDouble, **options: Any) -> CartesiaTTS:
    return double.pointed(CartesiaTTS(api_key="k", **options))


def heard(pieces: Any) -> str:
    return read_back(sound_of(pieces), MULAW_8K)


def told(double: CartesiaDouble) -> list[tuple[str, ...]]:
    """What the client said: (context, text), (context, "flush"), "end" or "cancel"."""
    return [_told(json.loads(text)) for text in double.texts]


def _told(body: dict[str, Any]) -> tuple[str, ...]:
    context = body["context_id"].rpartition("-")[2]
    if "cancel" in body:
        return (context, "cancel")
    if body.get("flush"):
        return (context, "flush")
    return (context, body["transcript"] if body["continue"] else "end")


# --- what is said


async def test_every_sentence_is_spoken_in_order_and_says_where_it_begins() -> None:
    async with CartesiaDouble().running() as double, voice(double).open(CALL, MULAW_8K) as session:
        pieces = await say(session, "one.", "two.", "three.")
        await eventually(lambda: double.spoken)
    assert [piece.text for piece in pieces if piece.text] == ["one.", "two.", "three."]
    assert heard(pieces) == "one. two. three. "
    assert double.spoken == ["one. two. three."]
    assert told(double) == [
        ("1", "one. "), ("1", "flush"), ("1", "two. "), ("1", "flush"),
        ("1", "three. "), ("1", "flush"), ("1", "end"),
    ]  # fmt: skip


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize("audio", [MULAW_8K, PCM16_16K])
async def test_words_end_where_their_audio_does(first: bool, anew: bool, audio: Any) -> None:
    async with (
        CartesiaDouble(times_first=first, times_anew=anew).running() as double,
        voice(double).open(CALL, audio) as session,
    ):
        pieces = await say(session, "One two three.", "Four five six.", "Seven.")
    words = [(word.text, word.end_ms) for piece in pieces for word in piece.words]
    assert words == [
        ("One", 180), ("two", 420), ("three.", 840), ("Four", 1140), ("five", 1440),
        ("six.", 1740), ("Seven.", 2160),
    ]  # fmt: skip


async def test_words_are_told_with_their_sentence_or_after_it() -> None:
    async with (
        CartesiaDouble(times_first=True).running() as double,
        voice(double).open(CALL, MULAW_8K) as session,
    ):
        begun = ""
        for piece in await say(session, "One two.", "Three four."):
            begun += f" {piece.text}"
            assert all(word.text in begun for word in piece.words)
    assert begun.split() == ["One", "two.", "Three", "four."]


async def test_a_voice_without_times_or_numbers_is_heard_all_the_same() -> None:
    async with (
        CartesiaDouble(flushes=False).running() as double,
        voice(double, word_timestamps=False).open(CALL, MULAW_8K) as session,
    ):
        pieces = await say(session, "one.", "two.")
    assert heard(pieces) == "one. two. "
    assert " ".join(piece.text for piece in pieces if piece.text) == "one. two."
    assert not [word for piece in pieces for word in piece.words]
    assert not json.loads(double.texts[0])["add_timestamps"]


async def test_one_socket_speaks_for_a_whole_call_in_a_context_a_reply() -> None:
    async with CartesiaDouble().running() as double, voice(double).open(CALL, MULAW_8K) as session:
        for text in ("one", "two", "three"):
            assert heard(await say(session, text)) == f"{text} "
        await eventually(lambda: len(double.spoken) == 3)
        assert double.active == 0, "contexts that are over count no more"
    assert double.sockets == 1
    assert [context for context, text in told(double) if text == "end"] == ["1", "2", "3"]


async def test_what_cannot_be_said_is_not_sent() -> None:
    async with CartesiaDouble().running() as double, voice(double).open(CALL, MULAW_8K) as session:
        assert heard(await say(session, "...", "one", "  ", "-")) == "one "
        assert await say(session, "...") == []
        assert await say(session) == []
    assert [text for _, text in told(double)] == ["one ", "flush", "end"]


async def test_who_writes_the_reply_may_fail() -> None:
    async def broken() -> AsyncIterator[str]:
        yield "one"
        raise ZeroDivisionError

    async with CartesiaDouble().running() as double, voice(double).open(CALL, MULAW_8K) as session:
        with pytest.raises(ZeroDivisionError):
            async for _ in session.say(broken()):
                pass
        assert heard(await say(session, "two")) == "two "


async def test_sonic_is_not_made_to_wait_for_more_text() -> None:
    async with (
        CartesiaDouble().running() as double,
        voice(double, max_buffer_delay_ms=5_000).open(CALL, MULAW_8K) as session,
    ):
        speech = session.say(_endless("one"))
        async with asyncio.timeout(1):
            await anext(speech)
        await speech.aclose()


# --- replies that take their time


@pytest.mark.parametrize("expiry_s", [0.1, 10.0], ids=["expired", "not yet"])
async def test_a_sentence_after_a_long_silence_is_said_in_a_context_of_its_own(
    expiry_s: float,
) -> None:
    async def slowly() -> AsyncIterator[str]:
        yield "one"
        await asyncio.sleep(0.3)
        yield "two"

    # A second, by the clock of the call, is 100 ms here. Nobody waits for Cartesia's word of it.
    async with (
        CartesiaDouble(expiry_s=expiry_s).running() as double,
        voice(double).open(fast(10), MULAW_8K) as session,
    ):
        pieces = [piece async for piece in session.say(slowly())]
    assert heard(pieces) == "one two "
    assert [(w.text, w.end_ms) for p in pieces for w in p.words] == [("one", 180), ("two", 420)]
    assert told(double)[2] == ("2", "two ")


async def test_a_sentence_that_comes_too_late_for_its_context_is_said_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The context expires while the sentence is on its way: its end comes late, by a slow line."""
    hear, held = SpeakSession._hear, list[Done]()

    def late(session: SpeakSession, reply: Any, news: Any) -> None:
        if not isinstance(news, Done) or held:
            hear(session, reply, news)
            return
        held.append(news)

        async def later() -> None:
            await eventually(lambda: reply.progress.owes)
            hear(session, reply, news)

        session.work(later())

    async def slowly() -> AsyncIterator[str]:
        yield "one"
        await eventually(lambda: held)
        yield "two"
        yield "three"

    monkeypatch.setattr(SpeakSession, "_hear", late)
    double = CartesiaDouble(expiry_s=0.05)
    async with double.running(), voice(double).open(CALL, MULAW_8K) as session:
        pieces = [piece async for piece in session.say(slowly())]
        await eventually(lambda: len(double.spoken) == 2)
    assert heard(pieces) == "one two three "
    assert double.spoken == ["one", "two three"]


async def test_a_context_that_is_refused_as_expired_is_followed_by_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def slowly() -> AsyncIterator[str]:
        yield "one"
        await eventually(lambda: double.spoken)
        yield "two"

    # The news of the end never comes: all there is is the refusal of the next sentence.
    hear = SpeakSession._hear
    monkeypatch.setattr(
        SpeakSession,
        "_hear",
        lambda session, reply, news: None if isinstance(news, Done) else hear(session, reply, news),
    )
    double = CartesiaDouble(expiry_s=0.05)
    async with double.running(), voice(double).open(CALL, MULAW_8K) as session:
        assert heard([piece async for piece in session.say(slowly())]) == "one two "
    assert double.sockets == 1


async def test_a_reply_that_fails_in_mid_sentence_has_failed() -> None:
    error = '{"type": "error", "context_id": "", "status_code": 400, "title": "Oh"}'
    async with (
        CartesiaDouble(faults=VendorFaults(garbage=error, after=8)).running() as double,
        voice(double).open(CALL, MULAW_8K) as session,
    ):
        failed = await failure(say(session, "one", "two three four", "five"))
    assert failed.code is ErrorCode.PROVIDER_ERROR
    assert {context for context, _ in told(double)} == {"1"}, "nothing is said again"


async def test_a_reply_may_take_longer_than_audio_may() -> None:
    async def slowly() -> AsyncIterator[str]:
        yield "one"
        await asyncio.sleep(0.3)
        yield "two"

    async with (
        CartesiaDouble().running() as double,
        voice(double, timeout_ms=100).open(CALL, MULAW_8K) as session,
    ):
        assert heard([piece async for piece in session.say(slowly())]) == "one two "


# --- being interrupted


async def test_a_reply_that_is_interrupted_is_cancelled_and_the_socket_speaks_on() -> None:
    async with (
        CartesiaDouble(pace=4).running() as double,
        voice(double).open(CALL, MULAW_8K) as session,
    ):
        speech = await begin(session, LONG, LONG)
        await speech.aclose()
        await eventually(lambda: double.cancelled)
        made = len(double.chunks)
        assert heard(await say(session, "two")) == "two "
        assert double.chunks[made:] == [double.chunks[-1]] * 3, "only the second reply is made"
        await eventually(lambda: double.spoken)
    assert double.sockets == 1
    assert double.spoken == ["two"] and double.active == 0


async def test_what_is_interrupted_before_its_first_audio_is_not_heard_later() -> None:
    async with (
        CartesiaDouble(latency=Latency(p50_ms=80)).running() as double,
        voice(double).open(CALL, MULAW_8K) as session,
    ):
        speech = session.say(sentences(LONG))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.03):
                await anext(speech)
        await speech.aclose()
        assert heard(await say(session, "two")) == "two "
    assert len(double.cancelled) == 1


async def test_a_reply_between_two_sentences_is_cancelled_too() -> None:
    async with CartesiaDouble().running() as double, voice(double).open(CALL, MULAW_8K) as session:
        speech = session.say(_endless("one"))
        await anext(speech)
        await eventually(lambda: session.reply and not session.reply.owes)
        await speech.aclose()
        await eventually(lambda: double.cancelled)
        assert double.active == 0


async def test_a_reply_that_is_complete_cancels_nothing() -> None:
    async with CartesiaDouble().running() as double, voice(double).open(CALL, MULAW_8K) as session:
        speech = session.say(sentences("one"))
        assert [piece async for piece in speech]
        await speech.aclose()
    assert "cancel" not in [text for _, text in told(double)]


async def test_a_reply_that_nobody_closed_holds_up_no_end() -> None:
    async with CartesiaDouble().running() as double, asyncio.timeout(2):
        async with voice(double).open(CALL, MULAW_8K) as session:
            speech = session.say(_endless("one"))
            await anext(speech)
        await speech.aclose()


async def test_a_reply_that_is_closed_late_disturbs_no_other() -> None:
    async with (
        CartesiaDouble().running() as double,
        voice(double).open(CALL, MULAW_8K) as session,
        asyncio.timeout(3),
    ):
        first = session.say(sentences("one two three four"))
        await anext(first)
        second = session.say(sentences("five six"))
        pieces = [await anext(second)]
        await first.aclose()
        pieces += [piece async for piece in second]
    assert heard(pieces) == "five six "


# --- sockets


async def test_a_socket_that_goes_between_two_replies_is_replaced_at_once() -> None:
    async with (
        CartesiaDouble(idle_s=0.2).running() as double,
        voice(double).open(fast(), MULAW_8K) as session,
    ):
        assert heard(await say(session, "one")) == "one "
        await eventually(lambda: double.sockets == 2)
        assert heard(await say(session, "two")) == "two "
    assert double.sockets == 2


async def test_a_socket_is_replaced_before_it_was_idle_for_too_long() -> None:
    async with (
        CartesiaDouble().running() as double,
        voice(double).open(fast(400), MULAW_8K) as session,
    ):
        # This one closes none: 270 s are 675 ms here.
        await eventually(lambda: double.sockets == 2)
        assert heard(await say(session, "one")) == "one "


async def test_a_socket_that_goes_at_once_is_not_asked_for_again_and_again() -> None:
    faults = VendorFaults(close_code=1011)
    async with (
        CartesiaDouble(faults=faults).running() as double,
        voice(double).open(CALL, MULAW_8K) as session,
    ):
        assert (await failure(say(session, "one"))).code is ErrorCode.CONNECTION
        await asyncio.sleep(0.1)
        assert double.sockets == 1
        assert (await failure(say(session, "one"))).code is ErrorCode.CONNECTION
        assert double.sockets == 2


async def test_a_session_that_has_ended_says_so() -> None:
    async with CartesiaDouble().running() as double, voice(double).open(CALL, MULAW_8K) as session:
        pass
    error = await failure(_of_ended(session))
    assert "has ended" in error.message


# --- what goes wrong


@pytest.mark.parametrize("after", [0, 1, 3])
async def test_a_voice_that_stops_is_left_in_time_with_its_socket(after: int) -> None:
    double = CartesiaDouble(faults=VendorFaults(stalls=True, after=after))
    async with double.running(), voice(double, timeout_ms=100).open(CALL, MULAW_8K) as session:
        pieces = []
        with pytest.raises(PatterTimeoutError):
            async with asyncio.timeout(1):
                async for piece in session.say(sentences("Good morning to you all.")):
                    pieces.append(piece)
        await eventually(lambda: double.sockets == 2)
    assert len(pieces) == after


async def test_a_voice_two_seconds_late_is_heard() -> None:
    late = Latency(p50_ms=200)  # two seconds, in time that goes ten times faster
    async with (
        CartesiaDouble(latency=late).running() as double,
        voice(double).open(fast(10), MULAW_8K) as session,
    ):
        assert heard(await say(session, "Late.", "But here.")) == "Late. But here. "


async def test_a_sentence_that_is_left_out_is_a_failure() -> None:
    async with (
        CartesiaDouble(mute=lambda text: "two" in text).running() as double,
        voice(double).open(CALL, MULAW_8K) as session,
    ):
        error = await failure(say(session, "one", "two", "three"))
        assert isinstance(error, PatterConnectionError) and "no audio" in error.message
        assert heard(await say(session, "four")) == "four "
        assert double.sockets == 1


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        ({"model": "parrot-1"}, ErrorCode.CONFIG, "model_not_found"),
        ({"voice": "nobody"}, ErrorCode.CONFIG, "voice_not_found"),
    ],
)
async def test_what_cartesia_does_not_have_is_a_setting_to_change(
    options: dict[str, Any], code: ErrorCode, words: str
) -> None:
    async with (
        CartesiaDouble().running() as double,
        voice(double, **options).open(CALL, MULAW_8K) as session,
    ):
        error = await failure(say(session, "one"))
        assert isinstance(error, PatterConfigError) and words in error.message
        assert error.code is code


async def test_credits_that_run_out_in_mid_call_are_a_matter_of_the_account() -> None:
    async with (
        CartesiaDouble(credits=12).running() as double,
        voice(double).open(CALL, MULAW_8K) as session,
    ):
        assert heard(await say(session, "one")) == "one "
        error = await failure(say(session, "four five six seven"))
        assert error.code is ErrorCode.AUTH and "credits" in error.fix
        assert heard(await say(session, "two")) == "two ", "errors end a context, not the socket"
        assert double.sockets == 1


async def test_too_many_contexts_are_a_limit() -> None:
    async with (
        CartesiaDouble(concurrency=1, pace=1).running() as double,
        voice(double).open(CALL, MULAW_8K) as one,
        voice(double).open(CALL, MULAW_8K) as other,
    ):
        speech = await begin(one, LONG)
        assert (await failure(say(other, "two"))).code is ErrorCode.RATE_LIMIT
        await speech.aclose()
        await eventually(lambda: double.active == 0)
        assert heard(await say(other, "two")) == "two "


@pytest.mark.parametrize(
    ("garbage", "code"),
    [
        ("{", ErrorCode.PROVIDER_ERROR),
        ('{"type": "chunk", "context_id": "x", "data": "?"}', ErrorCode.PROVIDER_ERROR),
        ('{"type": "chunk", "context_id": "x"}', ErrorCode.PROVIDER_ERROR),
        ('{"type": "error", "status_code": 500, "title": "Oh"}', ErrorCode.CONNECTION),
        ('{"type": "error", "status_code": 401}', ErrorCode.AUTH),
    ],
)
async def test_what_ends_a_reply_says_how(garbage: str, code: ErrorCode) -> None:
    async with (
        CartesiaDouble(faults=VendorFaults(garbage=garbage, after=1)).running() as double,
        voice(double).open(CALL, MULAW_8K) as session,
    ):
        error = await failure(say(session, "Good morning."))
        assert error.code is code and error.fix


@pytest.mark.parametrize(
    "garbage",
    [
        '{"type": "novelty"}',
        '{"type": "phoneme_timestamps", "context_id": "x"}',
        '{"type": "done", "context_id": "another"}',
        '{"type": "error", "context_id": "another", "status_code": 400}',
    ],
)
async def test_what_is_of_no_context_of_ours_is_no_news(garbage: str) -> None:
    double = CartesiaDouble(faults=VendorFaults(garbage=garbage, after=4))
    async with double.running(), voice(double, timeout_ms=200).open(CALL, MULAW_8K) as session:
        error = await failure(say(session, "Good morning to you."))
        assert error.code is ErrorCode.TIMEOUT, "nothing else came"


async def _endless(text: str) -> AsyncIterator[str]:
    yield text
    await asyncio.get_running_loop().create_future()


async def _of_ended(session: Any) -> None:
    await say(session, "one")
