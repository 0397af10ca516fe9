"""What every recogniser has to keep."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from patter.audio.formats import AudioFormat
from patter.errors import PatterError
from patter.providers.context import CallContext
from patter.providers.stt import STT, STTSession, Transcript
from patter_testing.suites.rules import (
    ANSWER_S,
    CLOSE_S,
    ProviderSuite,
    cancelled,
    has_fix,
    nothing_left,
    within,
)


class STTSuite(ProviderSuite):
    """Subclass, and return the recogniser from ``provider``; from ``speech``, words it knows."""

    @pytest.fixture
    def speech(self, provider: STT) -> tuple[AudioFormat, bytes, str]:
        """A format, audio in it, and the words in the audio; silence unless overridden."""
        best = provider.accepts[0]
        return best, silence(best, 1_000), ""

    async def test_every_declared_format_is_accepted(
        self, provider: STT, call: CallContext
    ) -> None:
        """A session opens and takes audio in each of `accepts`.

        If this fails: take the format out of ``accepts``, or tell the vendor of it in ``open``.
        """
        assert provider.accepts, "it accepts no format at all"
        for audio in provider.accepts:
            limit = within(ANSWER_S, f"a session in {audio}")
            async with limit, provider.open(call, audio) as session:
                await session.send(silence(audio, 100))

    async def test_a_closed_session_leaves_nothing(self, provider: STT, call: CallContext) -> None:
        """No task and no socket outlives the ``async with``.

        If this fails: own every task with ``task_scope`` and close the socket in ``open``.
        """
        async with nothing_left(), provider.open(call, provider.accepts[0]) as session:
            await session.send(silence(provider.accepts[0], 200))

    async def test_an_error_of_the_caller_comes_out_bare(
        self, provider: STT, call: CallContext
    ) -> None:
        """What is raised inside the ``async with`` is what comes out.

        If this fails: use ``patter.aio.task_scope`` in place of a bare TaskGroup.
        """
        with pytest.raises(ZeroDivisionError):
            async with provider.open(call, provider.accepts[0]):
                raise ZeroDivisionError

    async def test_the_end_of_a_session_ends_its_events(
        self, provider: STT, call: CallContext
    ) -> None:
        """Whoever reads events is let go when the session closes.

        If this fails: close the queue of events in the ``finally`` of ``open``.
        """
        async with provider.open(call, provider.accepts[0]) as session:
            events = aiter(session)
        async with within(CLOSE_S, "the end of iteration"):
            while await anext(events, None) is not None:
                pass

    async def test_a_pause_is_answered_with_a_final(
        self, provider: STT, speech: tuple[AudioFormat, bytes, str], call: CallContext
    ) -> None:
        """`finalize` is followed by a final, empty if there were no words.

        If this fails: when the vendor answers the flush with nothing, deliver an empty final.
        """
        assert await heard(provider, call, speech, len(speech[1])) == speech[2]

    @pytest.mark.parametrize("size", [2, 160, 322, 4_000])
    async def test_how_audio_is_cut_changes_nothing(
        self, provider: STT, speech: tuple[AudioFormat, bytes, str], call: CallContext, size: int
    ) -> None:
        """The same audio in frames of another size gives the same words.

        If this fails: keep the samples that do not fill a frame for the next `send`.
        """
        audio, sound, words = speech
        sound = sound if size > 100 else sound[: audio.bytes_in(60)]
        expected = words if size > 100 else ""
        assert await heard(provider, call, (audio, sound, expected), size) == expected

    async def test_two_calls_do_not_mix(
        self, provider: STT, speech: tuple[AudioFormat, bytes, str], call: CallContext
    ) -> None:
        """A session hears its own caller only.

        If this fails: keep state in the session, never in the provider.
        """
        audio, sound, words = speech
        async with (
            within(2 * ANSWER_S, "two recognitions"),
            provider.open(call, audio) as one,
            provider.open(call, audio) as other,
        ):
            for at in range(0, len(sound), 320):
                await one.send(sound[at : at + 320])
                await other.send(silence(audio, 20))
            await other.finalize()
            await one.finalize()
            assert (await _words(other, ""), await _words(one, words)) == ("", words)

    async def test_cancelling_closes_within_a_second(
        self, provider: STT, call: CallContext
    ) -> None:
        """A call that ends in the middle of a word is not kept waiting.

        If this fails: bound what ``open`` does after its ``yield``, a farewell included.
        """

        async def listen(begun: asyncio.Event) -> None:
            async with provider.open(call, provider.accepts[0]) as session:
                await session.send(silence(provider.accepts[0], 200))
                begun.set()
                async for _ in session:
                    pass
                await asyncio.get_running_loop().create_future()

        async with nothing_left(), cancelled(listen):
            pass

    async def test_a_refusal_says_what_to_do(self, refused: STT, call: CallContext) -> None:
        """A vendor that says no makes `open` raise a PatterError with a fix.

        If this fails: map the vendor's status to AUTH, RATE_LIMIT, CONNECTION or TIMEOUT.
        """
        async with within(ANSWER_S, "being refused"), nothing_left():
            with pytest.raises(PatterError) as raised:
                async with refused.open(call, refused.accepts[0]) as session:
                    await _listen_out(session, refused.accepts[0])
        has_fix(raised.value)

    async def test_a_vendor_that_hangs_up_ends_the_events(
        self, cut_off: STT, call: CallContext
    ) -> None:
        """Nobody waits for words from a closed connection.

        If this fails: end or fail the queue of events when the reader returns.
        """
        async with within(ANSWER_S, "the vendor's hang-up"), nothing_left():
            await _allow_patter_errors(cut_off, call)

    async def test_garbage_hangs_nobody(self, garbage: STT, call: CallContext) -> None:
        """Frames that make no sense are skipped or raise a PatterError, and never hang.

        If this fails: let ``_wire.decode`` raise ProviderError for what it cannot read.
        """
        async with within(ANSWER_S, "reading garbage"), nothing_left():
            await _allow_patter_errors(garbage, call)

    async def test_a_vendor_that_says_nothing_can_be_left(
        self, mute: STT, call: CallContext
    ) -> None:
        """A session whose vendor is silent closes as fast as any other.

        If this fails: do not wait for the vendor's answer to a goodbye for over a second.
        """
        async with within(ANSWER_S + CLOSE_S, "a silent vendor"), nothing_left():
            try:
                async with mute.open(call, mute.accepts[0]) as session:
                    await session.send(silence(mute.accepts[0], 100))
            except PatterError as error:
                has_fix(error)


def silence(audio: AudioFormat, ms: float) -> bytes:
    """*ms* milliseconds of nothing."""
    return audio.silence * (audio.bytes_in(ms) // audio.sample_bytes)


async def heard(
    provider: STT, call: CallContext, speech: tuple[AudioFormat, bytes, str], size: int
) -> str:
    """Send the audio in pieces, pause, and return the words of all finals."""
    audio, sound, expected = speech
    async with within(ANSWER_S, "recognition"), provider.open(call, audio) as session:
        for at in range(0, len(sound), size):
            await session.send(sound[at : at + size])
        await session.finalize()
        return await _words(session, expected)


async def _words(session: STTSession, expected: str) -> str:
    """The words of the finals until they are those expected, or an empty one came."""
    finals: list[str] = []
    async for event in session:
        if isinstance(event, Transcript) and event.final:
            finals.append(event.text)
            if not event.text or " ".join(finals).split() == expected.split():
                break
    assert finals, "no final came"
    return " ".join(each for each in finals if each)


async def _allow_patter_errors(provider: STT, call: CallContext) -> None:
    try:
        async with provider.open(call, provider.accepts[0]) as session:
            await _listen_out(session, provider.accepts[0])
    except Exception as error:
        has_fix(error)


async def _listen_out(session: STTSession, audio: AudioFormat) -> None:
    """Send a second of audio and pause, then read until the end, an error or an answer."""
    for _ in range(10):
        await session.send(silence(audio, 100))
    await session.finalize()
    async for event in session:
        answer: Any = event
        if isinstance(answer, Transcript) and answer.final:
            return
