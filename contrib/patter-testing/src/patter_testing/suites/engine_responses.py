"""The rules on responses of an engine: their order, their end, their words."""

from __future__ import annotations

from typing import cast

import pytest

from patter.errors import PatterError
from patter.providers.context import CallContext
from patter.providers.engine import (
    INTERRUPT_S,
    Engine,
    TextOutSession,
    Truncation,
    Verbatim,
)
from patter.providers.engine_events import (
    ResponseAudio,
    ResponseCause,
    ResponseDone,
    ResponseEvent,
    ResponseStarted,
    ResponseStatus,
    ResponseText,
    ResponseTruncated,
)
from patter_testing.suites.engine_vendor import (
    EngineVendor,
    EventReader,
    conversation,
    mentioned,
)
from patter_testing.suites.rules import (
    ANSWER_S,
    has_fix,
    nothing_left,
    within,
)
from patter_testing.suites.vendor import VendorSuite

NOTICE = "This call is recorded; press nine to object."


class ResponseRules(VendorSuite):
    """What a response is, from its start to what history keeps of it."""

    async def test_a_response_starts_before_its_audio_and_text(
        self, provider: Engine, call: CallContext
    ) -> None:
        """Under the id that `respond` returned: ResponseStarted, audio and text, ResponseDone.

        If this fails: map the vendor's id to yours when it reports that a response was created.
        """
        async with (
            conversation(provider, call) as (session, events),
            within(ANSWER_S, "a response"),
        ):
            response_id = await session.respond("Say hello.")
            await events.until(lambda event: isinstance(event, ResponseDone))
        first, *middle, last = events.of(response_id)
        assert first == ResponseStarted(response_id, ResponseCause.REQUEST)
        assert isinstance(last, ResponseDone) and last.status is ResponseStatus.COMPLETED
        assert any(isinstance(event, ResponseAudio) for event in middle), "no audio"
        assert events.text(response_id), "no text"

    async def test_audio_comes_in_whole_samples(self, provider: Engine, call: CallContext) -> None:
        """No piece of audio ends in the middle of a sample.

        If this fails: keep the odd byte back for the next piece.
        """
        async with (
            conversation(provider, call) as (session, events),
            within(ANSWER_S, "a response"),
        ):
            await events.until_done(await session.respond())
        pieces = [event.audio for event in events.log if isinstance(event, ResponseAudio)]
        assert all(len(piece) % provider.produces[0].sample_bytes == 0 for piece in pieces)

    async def test_a_response_is_done_exactly_once(
        self, provider: Engine, call: CallContext
    ) -> None:
        """Every start has one end, and every id one start.

        If this fails: when the vendor reports the end in several ways, use one of them.
        """
        async with (
            conversation(provider, call) as (session, events),
            within(ANSWER_S, "two responses"),
        ):
            for _ in range(2):
                await events.until_done(await session.respond())
        starts = [start.response_id for start in events.started()]
        ends = [event.response_id for event in events.log if isinstance(event, ResponseDone)]
        assert starts == ends and len(set(starts)) == 2, f"started {starts}, done {ends}"

    async def test_responses_do_not_overlap(self, provider: Engine, call: CallContext) -> None:
        """Two requested at once come one after the other.

        If this fails: keep requests back until the ResponseDone of the one before.
        """
        async with (
            conversation(provider, call) as (session, events),
            within(ANSWER_S, "two responses"),
        ):
            first, second = await session.respond(), await session.respond()
            await events.until_done(second)
        _follow(events, first, second)

    async def test_an_interrupted_response_ends_and_the_next_one_comes(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """After `interrupt`, a response that would go on is CANCELLED within `INTERRUPT_S`.

        If this fails: send the vendor's cancel, emit ResponseDone yourself when no answer comes,
        and drop by its id what the vendor still sends.
        """
        async with conversation(provider, call) as (session, events):
            async with within(ANSWER_S, "the first audio"):
                await vendor.linger()
                first = await session.respond()
                await events.until(lambda event: isinstance(event, ResponseAudio))
            async with within(INTERRUPT_S, "an interrupt"):
                await session.interrupt(first, 20)
                done = await events.until_done(first)
            async with within(ANSWER_S, "the next response"):
                second = await session.respond()
                await events.until(
                    lambda event: isinstance(event, ResponseAudio) and event.response_id == second
                )
        assert done.status is ResponseStatus.CANCELLED, done
        assert first != second, "two responses have one id"

    async def test_a_response_that_waits_can_be_interrupted(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """One that never began gets its ResponseStarted and its ResponseDone, too.

        If this fails: emit both for requests you take out of your queue.
        """
        async with (
            conversation(provider, call) as (session, events),
            within(ANSWER_S, "interrupts"),
        ):
            await vendor.linger()
            first, second = await session.respond(), await session.respond()
            await events.until(lambda event: isinstance(event, ResponseAudio))
            await session.interrupt(second, 0)
            await session.interrupt(first, 20)
            await events.until_done(second)
        assert isinstance(events.of(second)[0], ResponseStarted), "it was done, but never started"
        assert not events.audio(second), "it spoke"
        _follow(events, first, second)

    async def test_a_silent_vendor_can_be_interrupted(
        self, mute: Engine, call: CallContext
    ) -> None:
        """A requested response that the vendor never began is CANCELLED within `INTERRUPT_S`.

        If this fails: emit ResponseStarted and ResponseDone yourself; do not wait for the vendor.
        """
        async with nothing_left():
            try:
                async with conversation(mute, call) as (session, events):
                    response_id = await session.respond()
                    async with within(INTERRUPT_S, "an interrupt of a silent vendor"):
                        await session.interrupt(response_id, 0)
                        done = await events.until_done(response_id)
                    assert done.status is ResponseStatus.CANCELLED
            except PatterError as error:
                has_fix(error)

    async def test_history_keeps_only_what_was_heard(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """Interrupting after ResponseDone truncates, as far as `Truncation` declares it.

        If this fails: send the vendor's truncate with the item and the milliseconds heard.
        """
        async with (
            conversation(provider, call) as (session, events),
            within(ANSWER_S, "a truncation"),
        ):
            response_id = await session.respond()
            await events.until_done(response_id)
            await session.interrupt(response_id, 0)
            if provider.can.truncation is Truncation.EXACT:
                await events.until(
                    lambda event: isinstance(event, ResponseTruncated) and event.heard_ms == 0
                )
                assert not mentioned(vendor, events.text(response_id)), "history keeps it all"
            await events.until_done(await session.respond())
        truncated = [event for event in events.log if isinstance(event, ResponseTruncated)]
        assert provider.can.truncation is not Truncation.NONE or not truncated

    async def test_text_alone_is_cut_where_the_caller_stopped_listening(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """With *text_only* there is text and no audio, and history keeps the words heard.

        If this fails: ask the vendor for text, and replace the row in `interrupt_text`.
        """
        if not provider.can.text_out:
            pytest.skip("its vendor always speaks")
        async with (
            conversation(provider, call, text_only=True) as (session, events),
            within(ANSWER_S, "a text"),
        ):
            response_id = await session.say(NOTICE)
            await events.until_done(response_id)
            words = events.text(response_id)
            heard = words[: len(words) // 2]
            await cast(TextOutSession, session).interrupt_text(response_id, heard)
            await events.until(
                lambda event: isinstance(event, ResponseTruncated) and event.text == heard
            )
            assert mentioned(vendor, heard), "history lost what was heard"
            assert not mentioned(vendor, words), "history keeps it all"
        assert words and not events.audio(response_id), "it spoke"

    async def test_the_greeting_comes_first_and_once(
        self, provider: Engine, call: CallContext
    ) -> None:
        """The setup's *greeting* is said without being requested, and marked as such.

        If this fails: start it in ``open``, with ResponseCause.GREETING.
        """
        opening = conversation(provider, call, greeting=NOTICE)
        async with opening as (session, events), within(ANSWER_S, "a greeting"):
            greeting = await events.until_started(ResponseCause.GREETING)
            await events.until_done(greeting)
            await events.until_done(await session.respond())
        assert [start.cause for start in events.started()] == ["greeting", "request"]
        if provider.can.verbatim is not Verbatim.NEVER:
            assert events.text(greeting) == NOTICE

    async def test_words_are_said_as_exactly_as_declared(
        self, provider: Engine, call: CallContext
    ) -> None:
        """`say` speaks, and with `Verbatim.ALWAYS` not a word differs.

        If this fails: declare `Verbatim.NEVER`. A vendor that is instructed may change words.
        """
        async with conversation(provider, call) as (session, events), within(ANSWER_S, "a notice"):
            response_id = await session.say(NOTICE)
            await events.until_done(response_id)
        assert events.audio(response_id), "nothing was said"
        if provider.can.verbatim is Verbatim.ALWAYS:
            assert events.text(response_id) == NOTICE

    async def test_declared_usage_and_word_times_are_there(
        self, provider: Engine, call: CallContext
    ) -> None:
        """ResponseDone has the usage, and words end in order, within the audio.

        If this fails: do not declare *usage* or *word_times*.
        """
        async with (
            conversation(provider, call) as (session, events),
            within(ANSWER_S, "a response"),
        ):
            response_id = await session.respond()
            done = await events.until_done(response_id)
        texts = [event for event in events.log if isinstance(event, ResponseText)]
        ends = [word.end_ms for text in texts for word in text.words]
        assert bool(ends) == provider.can.word_times
        assert ends == sorted(ends)
        assert not ends or ends[-1] <= provider.produces[0].ms_in(len(events.audio(response_id)))
        assert (done.usage is not None) == provider.can.usage


def _follow(events: EventReader, first: str, second: str) -> None:
    """Fail unless everything of *first* comes before anything of *second*."""
    responding = (event for event in events.log if isinstance(event, ResponseEvent))
    order = [each.response_id for each in responding if not isinstance(each, ResponseTruncated)]
    assert order == [first] * order.count(first) + [second] * order.count(second), order
