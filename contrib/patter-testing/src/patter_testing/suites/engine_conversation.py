"""The rules on what an engine's vendor knows: history, tools, turns, results."""

from __future__ import annotations

import pytest

from patter.providers.context import CallContext
from patter.providers.engine import (
    DELIVER_S,
    Engine,
    EngineTurns,
    EngineUpdate,
    HistoryForm,
    TurnDetection,
)
from patter.providers.engine_events import (
    CallerTranscript,
    CallerTurnEnded,
    ResponseCause,
    ResponseToolCall,
    SessionHandle,
)
from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter_testing.suites.engine_vendor import (
    EngineVendor,
    EventReader,
    conversation,
    mentioned,
)
from patter_testing.suites.rules import (
    ANSWER_S,
    ProviderSuite,
    within,
)

BOOK = ToolSpec("book_table", "Book a table", {"type": "object", "properties": {}})
CANCEL = ToolSpec("cancel_table", "Cancel a table", {"type": "object", "properties": {}})
WANT = ToolRequest("call-1", "book_table", '{"people":2}')
HISTORY = (
    Message("user", "My name is Rosalind."),
    Message("assistant", "Good evening, Rosalind."),
)


class ConversationRules(ProviderSuite):
    """What reaches the vendor, and what it makes of it."""

    async def test_history_is_there_before_the_first_response(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """What was said before the session is what the vendor goes on from.

        If this fails: send the setup's *history* as rows, or write it into the instructions.
        """
        opening = conversation(provider, call, history=HISTORY)
        async with opening as (session, events), within(ANSWER_S, "a response"):
            await events.until_done(await session.respond())
            if provider.can.history is HistoryForm.ROWS:
                assert tuple(vendor.rows[: len(HISTORY)]) == HISTORY
            for row in HISTORY:
                assert mentioned(vendor, row.text), f"the vendor never learned {row.text!r}"

    async def test_tools_are_those_of_the_setup_and_then_of_the_update(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """An update replaces all tools for the responses that follow; None changes nothing.

        If this fails: send every tool of the update, and nothing that is None.
        """
        opening = conversation(provider, call, tools=(BOOK,))
        async with opening as (session, events), within(ANSWER_S, "responses"):
            await events.until_done(await session.respond())
            if provider.can.setup_tools:
                assert list(vendor.tools) == [BOOK.name]
            if not provider.can.update_tools:
                return
            await session.update(EngineUpdate(tools=(CANCEL,)))
            await events.until_done(await session.respond())
            assert list(vendor.tools) == [CANCEL.name]
            assert "Be brief." in vendor.instructions

    async def test_instructions_are_those_of_the_setup_and_then_of_the_update(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """An update replaces the instructions for the responses that follow.

        If this fails: send the update's *instructions*; those of `respond` are for one response.
        """
        async with conversation(provider, call) as (session, events), within(ANSWER_S, "responses"):
            await events.until_done(await session.respond("Shout."))
            assert "Be brief." in vendor.instructions
            if not provider.can.update_instructions:
                return
            await session.update(EngineUpdate(instructions="Be kind."))
            await events.until_done(await session.respond())
            assert "Be kind." in vendor.instructions and "Be brief." not in vendor.instructions

    async def test_text_and_keys_become_rows_of_the_caller(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """What the caller wrote or pressed is there when the vendor answers.

        If this fails: send a user row; for keys, one that no response follows.
        """
        if not provider.can.text_in:
            pytest.skip("it takes no text")
        async with (
            conversation(provider, call) as (session, events),
            within(ANSWER_S, "a response"),
        ):
            await session.send_keys("42#")
            await events.until_done(await session.respond())
            assert len(events.started()) == 1, "keys were answered without being asked to"
            await session.send_text("My order is late.")
            await events.until_done(await session.respond())
            rows = [row.text for row in vendor.rows if row.role == "user"]
        assert any("42#" in row for row in rows), f"no keys in {rows}"
        assert "My order is late." in rows, f"no text in {rows}"

    async def test_the_caller_is_transcribed_under_one_id(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """A turn of the caller has one final transcript, and its end carries the same id.

        If this fails: use the vendor's item id, and add its deltas up to interims.
        """
        async with conversation(provider, call) as (_, events), within(ANSWER_S, "a transcript"):
            await vendor.hear("a table for two")
            ended = await events.until(lambda event: isinstance(event, CallerTurnEnded))
            assert isinstance(ended, CallerTurnEnded)
            if not _finals(events):
                await events.until(
                    lambda event: isinstance(event, CallerTranscript) and event.final
                )
        assert _finals(events) == [CallerTranscript(ended.item_id, "a table for two", True)]

    async def test_the_vendor_answers_by_itself_only_where_it_shall(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """With *responds* the caller is answered; without, nobody but `respond` starts anything.

        If this fails: tell the vendor in ``open``, or declare that it cannot be switched off.
        """
        async with within(ANSWER_S, "an answer of the vendor's own"):
            opening = conversation(provider, call, turns=EngineTurns(responds=True))
            async with opening as (_, events):
                await vendor.hear("hello")
                await events.until_done(await events.until_started(ResponseCause.CALLER))
        if not provider.can.responds_on_request:
            return
        async with (
            conversation(provider, call) as (session, events),
            within(ANSWER_S, "a response"),
        ):
            await vendor.hear("hello")
            await events.until(lambda event: isinstance(event, CallerTurnEnded))
            await events.until_done(await session.respond())
        assert [start.cause for start in events.started()] == [ResponseCause.REQUEST]

    async def test_a_turn_can_be_ended_by_hand(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """With `TurnDetection.MANUAL` the caller's words count once they are committed.

        If this fails: switch the vendor's detection off in ``open``.
        """
        if TurnDetection.MANUAL not in provider.can.turn_detection:
            pytest.skip("it ends turns by itself")
        turns = EngineTurns(detection=TurnDetection.MANUAL)
        opening = conversation(provider, call, turns=turns)
        async with opening as (session, events), within(ANSWER_S, "a transcript"):
            await vendor.hear("a table for two")
            await session.commit()
            await events.until(lambda event: isinstance(event, CallerTranscript) and event.final)
            await events.until_done(await session.respond())
        assert not any(isinstance(event, CallerTurnEnded) for event in events.log)

    async def test_a_tool_is_answered_once_and_a_response_follows(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """A tool call belongs to a response; its result becomes a row, and the vendor goes on.

        If this fails: send the result with the vendor's id of the call, then request a response.
        """
        async with (
            conversation(provider, call) as (session, events),
            within(ANSWER_S, "a tool call"),
        ):
            await vendor.want(WANT)
            wanted = await events.until(lambda event: isinstance(event, ResponseToolCall))
            assert isinstance(wanted, ResponseToolCall) and wanted.request == WANT
            await events.until_done(wanted.response_id)
            async with within(DELIVER_S, "the delivery of a result"):
                await session.tool_result(WANT.id, "table seven")
                await session.tool_result(WANT.id, "table eight")
            await events.until_done(await events.until_started(ResponseCause.TOOL))
            await events.until_done(await session.respond())
            rows = [row for row in vendor.rows if row.role == "tool"]
        assert [(row.tool_call_id, row.text) for row in rows] == [(WANT.id, "table seven")]
        causes = [start.cause for start in events.started()]
        assert causes.count(ResponseCause.TOOL) == 1, "one result was answered twice"

    async def test_a_quiet_result_is_followed_by_no_response(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """A result with *respond* False, of a tool that ends the call say, starts nothing.

        If this fails: do not request a response, or do not declare *quiet_tool_results*.
        """
        if not provider.can.quiet_tool_results:
            pytest.skip("its vendor answers every result")
        async with (
            conversation(provider, call) as (session, events),
            within(ANSWER_S, "a tool call"),
        ):
            await vendor.want(WANT)
            await events.until_done(await events.until_started(ResponseCause.CALLER))
            await session.tool_result(WANT.id, "done", respond=False)
            await events.until_done(await session.respond())
        causes = [start.cause for start in events.started()]
        assert causes == [ResponseCause.CALLER, ResponseCause.REQUEST]

    async def test_a_session_is_resumed_where_it_was(
        self, provider: Engine, vendor: EngineVendor, call: CallContext
    ) -> None:
        """The last SessionHandle opens a session that remembers.

        If this fails: give the vendor the handle in ``open``, or do not declare *resumption*.
        """
        if not provider.can.resumption:
            pytest.skip("it cannot resume")
        async with conversation(provider, call) as (session, events), within(ANSWER_S, "a handle"):
            await vendor.hear("My name is Rosalind.")
            await events.until(lambda event: isinstance(event, CallerTurnEnded))
            await events.until_done(await session.respond())
            handle = await events.until(lambda event: isinstance(event, SessionHandle))
        assert isinstance(handle, SessionHandle)
        opening = conversation(provider, call, resume=handle.handle)
        async with opening as (session, events), within(ANSWER_S, "a response"):
            await events.until_done(await session.respond())
            assert mentioned(vendor, "My name is Rosalind.")


def _finals(events: EventReader) -> list[CallerTranscript]:
    words = (event for event in events.log if isinstance(event, CallerTranscript))
    return [event for event in words if event.final]
