"""What every voice has to keep."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from patter.audio.formats import AudioFormat
from patter.errors import ErrorCode, PatterError
from patter.providers.context import CallContext
from patter.providers.tts import TTS, Speech, TTSSession
from patter_testing.suites.rules import (
    ANSWER_S,
    CLOSE_S,
    STALL_S,
    cancelled,
    has_fix,
    nothing_left,
    within,
)
from patter_testing.suites.sound import header_in, quiet_ms
from patter_testing.suites.vendor import VendorSuite

FIRST, SECOND = "Good morning.", "How can I help you today?"
LEAD_MS = 500
"""How much silence may come before a voice; people pause as long when they have finished."""


class TTSSuite(VendorSuite):
    """Subclass, and return the voice from ``provider``."""

    async def use(self, provider: TTS, call: CallContext) -> None:
        """Say a sentence."""
        await _speech_of(provider, call, provider.produces[0], FIRST)

    async def test_every_declared_format_is_delivered(
        self, provider: TTS, call: CallContext
    ) -> None:
        """A sentence is spoken in each of `produces`, in whole samples, for a credible time.

        If this fails: take the format out of ``produces``, or ask the vendor for it in ``open``.
        """
        assert provider.produces, "it produces no format at all"
        for audio in provider.produces:
            async with within(ANSWER_S, f"a sentence in {audio}"):
                pieces = await _speech_of(provider, call, audio, FIRST)
            assert all(len(p.audio) % audio.sample_bytes == 0 for p in pieces), "half a sample"
            ms = audio.ms_in(sum(len(p.audio) for p in pieces))
            assert 200 < ms < 10_000, f"{FIRST!r} in {audio} lasts {ms:.0f} ms"

    async def test_a_sentence_lasts_as_long_in_every_format(
        self, provider: TTS, call: CallContext
    ) -> None:
        """The audio has the rate and encoding that it was asked for.

        If this fails: send the vendor the format of ``open``; what it always sends is the only
        one that belongs into ``produces``.
        """
        lengths = {}
        for audio in provider.produces:
            async with within(ANSWER_S, f"a sentence in {audio}"):
                lengths[audio] = await _length(provider, call, audio, FIRST)
        first = lengths[provider.produces[0]]
        wrong = [f"{audio}: {ms:.0f} ms" for audio, ms in lengths.items() if not near(ms, first)]
        assert not wrong, f"{provider.produces[0]}: {first:.0f} ms, but {', '.join(wrong)}"

    async def test_audio_is_samples_and_nothing_else(
        self, provider: TTS, call: CallContext
    ) -> None:
        """No header of a file, and no compressed audio: to a caller both are noise.

        If this fails: ask the vendor for raw audio, or take the header off every answer.
        """
        for audio in provider.produces:
            async with within(ANSWER_S, f"two sentences in {audio}"):
                pieces = await _speech_of(provider, call, audio, FIRST, SECOND)
            header = header_in([piece.audio for piece in pieces])
            assert not header, f"there is a header of {header} in the audio ({audio})"

    async def test_a_voice_begins_without_a_pause(self, provider: TTS, call: CallContext) -> None:
        """Speech is not all silence, nor silent at first: the caller waits for the voice.

        If this fails: cut the silence that the vendor puts before its speech; let a double
        send audio that is not silence.
        """
        audio = provider.produces[0]
        async with within(ANSWER_S, "a sentence"):
            pieces = await _speech_of(provider, call, audio, FIRST)
        sound = b"".join(piece.audio for piece in pieces)
        lead_ms = quiet_ms(sound, audio)
        assert lead_ms < audio.ms_in(len(sound)), f"{FIRST!r} is nothing but silence"
        assert lead_ms <= LEAD_MS, f"{lead_ms:.0f} ms of silence before {FIRST!r}"

    async def test_each_sentence_is_spoken_once(self, provider: TTS, call: CallContext) -> None:
        """Two sentences last as long as the one and the other.

        If this fails: drop the audio that the vendor repeats in its last message, and wait for
        the end of the last sentence, not of the first.
        """
        audio = provider.produces[0]
        async with within(ANSWER_S, "four sentences"):
            alone = [await _length(provider, call, audio, text) for text in (FIRST, SECOND)]
            both = await _length(provider, call, audio, FIRST, SECOND)
        assert near(both, sum(alone), 0.3), f"{both:.0f} ms, alone {alone}"

    async def test_the_first_sentence_does_not_wait_for_the_second(
        self, provider: TTS, call: CallContext
    ) -> None:
        """Audio comes before the next sentence is known.

        If this fails: send each sentence to the vendor when it comes, and flush it.
        """
        audio, more = provider.produces[0], asyncio.Event()

        async def sentences() -> AsyncIterator[str]:
            yield FIRST
            await more.wait()
            yield SECOND

        async with (
            within(ANSWER_S, "the first audio"),
            provider.open(call, audio) as session,
            aclosing(_saying(session, sentences())) as speech,
        ):
            first = await _first_audio(speech)
            more.set()
            rest = [piece async for piece in speech]
        assert first.audio
        assert sum(len(piece.audio) for piece in rest), "the second sentence was not spoken"

    async def test_words_are_told_in_order(self, provider: TTS, call: CallContext) -> None:
        """Timed words never run back, and lie within the audio.

        If this fails: count word times from the first audio of this reply.
        """
        audio = provider.produces[0]
        async with within(ANSWER_S, "two sentences"):
            pieces = await _speech_of(provider, call, audio, FIRST, SECOND)
        ends = [word.end_ms for piece in pieces for word in piece.words]
        assert ends == sorted(ends)
        ms = audio.ms_in(sum(len(piece.audio) for piece in pieces))
        assert all(0 <= end <= ms + 200 for end in ends), f"{ends[-1]} ms of {ms:.0f}"

    async def test_words_are_those_of_the_text(self, provider: TTS, call: CallContext) -> None:
        """What is told as a word is a word that was to be spoken, each once and in its place.

        If this fails: join what the vendor times (letters, syllables) into words of the text.
        """
        async with within(ANSWER_S, "two sentences"):
            pieces = await _speech_of(provider, call, provider.produces[0], FIRST, SECOND)
        text, at = f"{FIRST} {SECOND}", 0
        for word in (word.text for piece in pieces for word in piece.words):
            where = re.compile(rf"(?<!\w){re.escape(word.strip())}(?!\w)").search(text, at)
            assert where and word.strip(), f"{word!r} is not a word of {text[at:]!r}"
            at = where.end()

    async def test_nothing_to_say_is_said_at_once(self, provider: TTS, call: CallContext) -> None:
        """A reply without sentences ends, without audio and without an error.

        If this fails: do not wait for a vendor that was asked nothing.
        """
        async with within(ANSWER_S, "an empty reply"):
            pieces = await _speech_of(provider, call, provider.produces[0])
        assert not any(piece.audio for piece in pieces)

    async def test_a_closed_reply_is_over_within_a_second(
        self, provider: TTS, call: CallContext
    ) -> None:
        """An interrupted reply stops, and the session speaks the next one, and only that.

        If this fails: cancel at the vendor when the iterator is closed; drop its late audio.
        """
        audio = provider.produces[0]
        async with nothing_left(), provider.open(call, audio) as session:
            async with within(ANSWER_S, "the first audio"):
                speech = _saying(session, _sentences(*[SECOND] * 10))
                await _first_audio(speech)
            async with within(CLOSE_S, "closing the reply"):
                await speech.aclose()
            async with within(ANSWER_S, "the next reply"):
                again = [piece async for piece in session.say(_sentences(FIRST))]
        ms = audio.ms_in(sum(len(piece.audio) for piece in again))
        assert 200 < ms < 10_000, f"after an interruption {FIRST!r} lasts {ms:.0f} ms"

    async def test_a_reply_that_is_closed_late_disturbs_no_other(
        self, provider: TTS, call: CallContext
    ) -> None:
        """Who begins the next reply before the last is closed hears all of the next, and only that.

        If this fails: stop a reply when another begins; let its end touch nothing of the other.
        """
        audio, late_is_closed = provider.produces[0], asyncio.Event()

        async def sentences() -> AsyncIterator[str]:
            yield FIRST
            await late_is_closed.wait()
            yield SECOND

        async with within(ANSWER_S, "two sentences"):
            alone = await _length(provider, call, audio, FIRST, SECOND)
        async with nothing_left(), provider.open(call, audio) as session:
            late = _saying(session, _sentences(*[SECOND] * 10))
            async with within(ANSWER_S, "the first audio"):
                await _first_audio(late)
            async with aclosing(_saying(session, sentences())) as speech:
                async with within(ANSWER_S, "the next reply"):
                    pieces = [await _first_audio(speech)]
                async with within(CLOSE_S, "closing the last reply"):
                    await late.aclose()
                late_is_closed.set()
                async with within(ANSWER_S, "the rest of the next reply"):
                    pieces += [piece async for piece in speech]
        ms = audio.ms_in(sum(len(piece.audio) for piece in pieces))
        assert near(ms, alone, 0.3), f"it lasts {ms:.0f} ms, alone {alone:.0f}"

    async def test_cancelling_closes_within_a_second(
        self, provider: TTS, call: CallContext
    ) -> None:
        """A call that ends in the middle of a word is not kept waiting.

        If this fails: bound what ``open`` does after its ``yield``.
        """

        async def speak(begun: asyncio.Event) -> None:
            async with provider.open(call, provider.produces[0]) as session:
                async for _ in session.say(_sentences(SECOND)):
                    begun.set()
                    await asyncio.get_running_loop().create_future()

        async with nothing_left(), cancelled(speak):
            pass

    async def test_a_closed_session_leaves_nothing(self, provider: TTS, call: CallContext) -> None:
        """No task and no socket outlives the ``async with``.

        If this fails: own every task with ``task_scope`` and close the socket in ``open``.
        """
        async with nothing_left(), within(ANSWER_S, "a sentence"):
            await _speech_of(provider, call, provider.produces[0], FIRST)

    async def test_two_calls_do_not_mix(self, provider: TTS, call: CallContext) -> None:
        """Each call hears its own sentence.

        If this fails: keep state in the session, never in the provider.
        """
        audio = provider.produces[0]
        alone = [await _length(provider, call, audio, text) for text in (FIRST, SECOND)]
        async with within(ANSWER_S, "two voices"), asyncio.TaskGroup() as tasks:
            one = tasks.create_task(_length(provider, call, audio, FIRST))
            other = tasks.create_task(_length(provider, call, audio, SECOND))
        assert [one.result(), other.result()] == pytest.approx(alone, rel=0.2)

    async def test_a_refusal_says_what_to_do(self, refused: TTS, call: CallContext) -> None:
        """A key that is refused is an AUTH error with a fix: trying again would not help.

        If this fails: raise AuthenticationError, and no PatterConnectionError, for a refused key.
        """
        async with within(ANSWER_S, "being refused"), nothing_left():
            with pytest.raises(PatterError) as raised:
                await _speech_of(refused, call, refused.produces[0], FIRST)
        has_fix(raised.value)
        assert raised.value.code == ErrorCode.AUTH, f"{raised.value.code}, not AUTH"

    async def test_a_vendor_that_hangs_up_ends_the_reply(
        self, cut_off: TTS, call: CallContext
    ) -> None:
        """A reply cut off in the middle raises: the caller must not take it for complete.

        If this fails: raise PatterConnectionError when the socket closes before the end.
        """
        async with within(ANSWER_S, "the vendor's hang-up"), nothing_left():
            with pytest.raises(PatterError) as raised:
                await _speech_of(cut_off, call, cut_off.produces[0], SECOND)
        has_fix(raised.value)

    async def test_a_lost_connection_raises(self, provider: TTS, call: CallContext) -> None:
        """A line that breaks, before the first audio or in the middle, is an error that may pass.

        If this fails: take a reply for complete when the vendor said so, not when bytes ended.
        """
        size = await self._size(provider, call)
        for keep_bytes in (0, size // 2):
            async with (
                self.line(provider, keep_bytes=keep_bytes, cuts=True) as (broken, _),
                within(ANSWER_S, "a broken connection"),
                nothing_left(),
            ):
                with pytest.raises(PatterError) as raised:
                    await self.use(broken, call)
            has_fix(raised.value)
            assert raised.value.passing, f"{raised.value.code} is not tried again"

    async def test_audio_does_not_wait_for_the_end(self, provider: TTS, call: CallContext) -> None:
        """What has arrived is played; a vendor that then stalls is left within a second.

        If this fails: yield audio as it is read, and do not wait for the vendor when closed.
        """
        size = await self._size(provider, call)
        async with self.line(provider, keep_bytes=size // 2) as (stalling, _):

            async def listen(begun: asyncio.Event) -> None:
                async with stalling.open(call, stalling.produces[0]) as session:
                    async for piece in session.say(_sentences(FIRST)):
                        if piece.audio:
                            asyncio.get_running_loop().call_later(STALL_S, begun.set)

            async with nothing_left(), cancelled(listen, "the first half of a sentence"):
                pass

    async def test_how_audio_arrives_changes_nothing(
        self, provider: TTS, call: CallContext
    ) -> None:
        """The network cuts where it likes: samples stay whole, and none is lost.

        If this fails: keep the byte that is half a sample for the next piece.
        """
        audio = provider.produces[-1]
        async with within(ANSWER_S, "a sentence"):
            whole = await _speech_of(provider, call, audio, FIRST)
        async with self.line(provider, piece_bytes=333) as (cut, _), within(ANSWER_S, "a sentence"):
            pieces = await _speech_of(cut, call, audio, FIRST)
        assert all(len(p.audio) % audio.sample_bytes == 0 for p in pieces), "half a sample"
        lengths = [sum(len(piece.audio) for piece in each) for each in (whole, pieces)]
        assert near(*lengths), f"{lengths[1]} bytes, in one piece {lengths[0]}"

    async def _size(self, provider: TTS, call: CallContext) -> int:
        """How many bytes the vendor sends for a sentence."""
        async with (
            self.line(provider) as (direct, between),
            within(ANSWER_S, "a sentence"),
            direct.open(call, provider.produces[0]) as session,
        ):
            async for _ in session.say(_sentences(FIRST)):
                pass
            return between.arrived_bytes

    async def test_garbage_hangs_nobody(self, garbage: TTS, call: CallContext) -> None:
        """Frames that make no sense are skipped or raise a PatterError, and never hang.

        If this fails: let ``_wire.decode`` raise ProviderError for what it cannot read.
        """
        async with within(ANSWER_S, "reading garbage"), nothing_left():
            try:
                await _speech_of(garbage, call, garbage.produces[0], FIRST)
            except Exception as error:
                has_fix(error)

    async def test_a_vendor_that_says_nothing_can_be_left(
        self, mute: TTS, call: CallContext
    ) -> None:
        """A reply that never begins can be cancelled like any other.

        If this fails: do not shield the wait for the vendor's first audio.
        """

        async def speak(begun: asyncio.Event) -> None:
            begun.set()
            await _speech_of(mute, call, mute.produces[0], FIRST)

        async with nothing_left(), cancelled(speak):
            pass


def _saying(session: TTSSession, sentences: AsyncIterator[str]) -> Any:
    """`say`, as the generator it has to be: one that can be closed."""
    speech = session.say(sentences)
    assert hasattr(speech, "aclose"), "say() must be an async generator, so it can be closed"
    return speech


async def _sentences(*sentences: str) -> AsyncIterator[str]:
    for sentence in sentences:
        yield sentence


async def _first_audio(speech: AsyncIterator[Speech]) -> Speech:
    async for piece in speech:
        if piece.audio:
            return piece
    pytest.fail("the reply ended without audio")


async def _speech_of(
    provider: TTS, call: CallContext, audio: AudioFormat, *sentences: str
) -> list[Speech]:
    async with provider.open(call, audio) as session:
        return [piece async for piece in session.say(_sentences(*sentences))]


async def _length(provider: TTS, call: CallContext, audio: AudioFormat, *text: str) -> float:
    return audio.ms_in(sum(len(p.audio) for p in await _speech_of(provider, call, audio, *text)))


def near(length: float, expected: float, share: float = 0.2) -> bool:
    """Is *length* within *share* of *expected*? No two sentences of a voice last the same."""
    return abs(length - expected) <= share * expected
