"""What every recogniser has to keep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from typing import Any

import pytest

from patter.audio.formats import AudioFormat
from patter.errors import ErrorCode, PatterError
from patter.providers.context import CallContext
from patter.providers.stt import STT, STTEvent, STTSession, Transcript, TurnEnded
from patter_testing.suites.rules import (
    ANSWER_S,
    CLOSE_S,
    cancelled,
    has_fix,
    nothing_left,
    within,
)
from patter_testing.suites.vendor import VendorSuite

SLACK_MS = 200
"""How far a position may lie beyond the audio: vendors count in frames of their own."""

_SETTLE_S = 0.05


class STTSuite(VendorSuite):
    """Subclass, and return the recogniser from ``provider``; from ``speech``, words it knows."""

    async def use(self, provider: STT, call: CallContext) -> None:
        """Listen to a second of nothing, and to the answer of a pause."""
        async with provider.open(call, provider.accepts[0]) as session:
            await _listen_out(session, provider.accepts[0])

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

    @pytest.mark.parametrize("ms", [0, 400])
    async def test_a_pause_without_words_is_answered_too(
        self, provider: STT, call: CallContext, ms: int
    ) -> None:
        """`finalize` after silence, or after no audio at all, is followed by an empty final.

        If this fails: when the vendor answers a flush with nothing, deliver an empty final.
        """
        audio = provider.accepts[0]
        async with within(ANSWER_S, "an empty final"), provider.open(call, audio) as session:
            await session.send(silence(audio, ms))
            await session.finalize()
            assert await _final(aiter(session)) == ""

    async def test_words_are_final_once(
        self, provider: STT, speech: tuple[AudioFormat, bytes, str], call: CallContext
    ) -> None:
        """A second pause, with nothing said since, is answered with an empty final.

        If this fails: forget the pending words when they became final; drop the final that the
        vendor repeats for the flush.
        """
        audio, sound, words = speech
        async with within(2 * ANSWER_S, "two finals"), provider.open(call, audio) as session:
            events = aiter(session)
            await _send(session, sound)
            await session.finalize()
            await _words(events, words)
            await session.finalize()
            again = await _final(events)
        assert not again, f"{again!r} was final before"

    async def test_positions_fit_the_audio(
        self, provider: STT, speech: tuple[AudioFormat, bytes, str], call: CallContext
    ) -> None:
        """Positions are milliseconds of all audio sent to this session, and never run back.

        If this fails: add what the vendor heard before, where it counts anew for each utterance;
        multiply by 1 000 what it gives in seconds.
        """
        audio, sound, words = speech
        async with within(2 * ANSWER_S, "two utterances"), provider.open(call, audio) as session:
            events, said_ms = aiter(session), audio.ms_in(len(sound))
            begun_ms = 0.0
            for _ in range(2):
                await _send(session, sound)
                await session.finalize()
                for event in await _until_final(events, words):
                    _check_position(event, begun_ms, begun_ms + said_ms)
                begun_ms += said_ms

    async def test_nothing_is_heard_after_the_end(
        self, provider: STT, speech: tuple[AudioFormat, bytes, str], call: CallContext
    ) -> None:
        """A session that is being closed makes nothing final any more: the call is over.

        If this fails: close the queue of events before the farewell to the vendor, and drop what
        is pending.
        """
        audio, sound, _ = speech
        over, late = False, list[str]()

        async def listen(session: STTSession) -> None:
            async for event in session:
                if over and isinstance(event, Transcript) and event.final:
                    late.append(event.text)

        async with asyncio.TaskGroup() as tasks:
            async with within(2 * ANSWER_S, "a session"), provider.open(call, audio) as session:
                reader = tasks.create_task(listen(session), name="suite-listener")
                await _send(session, sound)
                await asyncio.sleep(_SETTLE_S)
                over = True
            _, endless = await asyncio.wait({reader}, timeout=CLOSE_S)
            reader.cancel()
        assert not endless, "its events do not end"
        assert not late, f"heard after the end: {late}"

    async def test_a_closed_session_refuses_audio(self, provider: STT, call: CallContext) -> None:
        """Audio that nobody will hear is not taken in silence.

        If this fails: raise PatterConnectionError in `send` once the connection is gone.
        """
        audio = provider.accepts[0]
        async with provider.open(call, audio) as session:
            await session.send(silence(audio, 20))
        with pytest.raises(PatterError) as raised:
            await session.send(silence(audio, 20))
        has_fix(raised.value)

    async def test_a_lost_connection_is_noticed(
        self, provider: STT, speech: tuple[AudioFormat, bytes, str], call: CallContext
    ) -> None:
        """A line that breaks without a farewell ends the events, or fails them with a fix.

        If this fails: end or fail the queue of events when the reader returns.
        """
        audio, sound, _ = speech
        async with (
            self.line(provider, keep_bytes=0, cuts=True) as (broken, _),
            within(ANSWER_S, "a broken connection"),
            nothing_left(),
        ):
            try:
                async with broken.open(call, audio) as session:
                    await _send(session, sound)
                    await session.finalize()
                    async for _ in session:
                        pass
            except Exception as error:
                has_fix(error)

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
            assert await _words(other, "") == ""
            assert await _words(one, words) == words

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
        """A key that is refused is an AUTH error with a fix: trying again would not help.

        If this fails: raise AuthenticationError, and no PatterConnectionError, for a refused key.
        """
        async with within(ANSWER_S, "being refused"), nothing_left():
            with pytest.raises(PatterError) as raised:
                async with refused.open(call, refused.accepts[0]) as session:
                    await _listen_out(session, refused.accepts[0])
        has_fix(raised.value)
        assert raised.value.code == ErrorCode.AUTH, f"{raised.value.code}, not AUTH"

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


async def _words(events: AsyncIterable[STTEvent], expected: str) -> str:
    """The words of the finals until they are those expected, or an empty one came."""
    finals = [
        event.text
        for event in await _until_final(events, expected)
        if isinstance(event, Transcript) and event.final
    ]
    return " ".join(each for each in finals if each)


async def _until_final(events: AsyncIterable[STTEvent], expected: str) -> list[STTEvent]:
    """Events until the finals have the words expected, or an empty one came."""
    seen, finals = list[STTEvent](), list[str]()
    async for event in events:
        seen.append(event)
        if isinstance(event, Transcript) and event.final:
            finals.append(event.text)
            if not event.text or " ".join(finals).split() == expected.split():
                break
    assert finals, "no final came"
    return seen


async def _final(events: AsyncIterable[STTEvent]) -> str:
    """The text of the next final."""
    async for event in events:
        if isinstance(event, Transcript) and event.final:
            return event.text
    pytest.fail("no final came")


async def _send(session: STTSession, sound: bytes) -> None:
    for at in range(0, len(sound), 320):
        await session.send(sound[at : at + 320])


def _check_position(event: STTEvent, begun_ms: float, end_ms: float) -> None:
    """Fail unless *event* lies before *end_ms*, and words end after *begun_ms*."""
    if isinstance(event, TurnEnded):
        return
    at_ms = event.end_ms if isinstance(event, Transcript) else event.at_ms
    if at_ms is not None:
        assert 0 <= at_ms <= end_ms + SLACK_MS, f"{event} of {end_ms:.0f} ms of audio"
    if isinstance(event, Transcript) and event.text and event.final and at_ms is not None:
        assert at_ms > begun_ms, f"{event} was said after {begun_ms:.0f} ms"
        marks = [mark for word in event.words for mark in (word.start_ms, word.end_ms)]
        assert marks == sorted(marks), f"words run back: {event.words}"
        assert all(0 <= mark <= end_ms + SLACK_MS for mark in marks), f"{event.words}"


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
