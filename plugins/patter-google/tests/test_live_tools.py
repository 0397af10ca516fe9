"""Tools in Live sessions: beside the model, or while it waits."""

from __future__ import annotations

from patter.providers.engine_events import ResponseCause, ResponseToolCall, ToolCallsCancelled
from patter.providers.llm import ToolRequest, ToolSpec
from patter_google._live_wire import requests_of, tool_response
from patter_google.double import LiveScript

from .live_lab import talking, voice

BOOK = ToolSpec(
    "book", "Book a table", {"type": "object", "properties": {"people": {"type": "integer"}}}
)
WANT = ToolRequest("call-1", "book", '{"people":2}')
OTHER = ToolRequest("call-2", "book", '{"people":3}')


async def test_tools_that_run_beside_the_model_are_answered_once_all_are_done() -> None:
    async with talking(LiveScript(calls=[WANT, OTHER]), tools=(BOOK,)) as talk:
        await talk.script.hear("two tables")
        first = await talk.events.until_started(ResponseCause.CALLER)
        await talk.events.until_done(first)
        requests = [e.request for e in talk.events.log if isinstance(e, ResponseToolCall)]
        assert [each.arguments for each in requests] == ['{"people":2}', '{"people":3}']
        await talk.session.tool_result(requests[1].id, "no", failed=True)
        await talk.session.tool_result(requests[0].id, '{"table": 7}')
        await talk.events.until_done(await talk.events.until_started(ResponseCause.TOOL))
        sent = [each["functionResponses"][0] for each in talk.sent("toolResponse")]
    assert [(each["response"], each["scheduling"]) for each in sent] == [
        ({"error": "no"}, "SILENT"),
        ({"table": 7}, "WHEN_IDLE"),
    ]
    assert [each["name"] for each in sent] == ["book", "book"]
    assert len(talk.events.started()) == 2


async def test_a_quiet_result_is_told_in_silence() -> None:
    async with talking(LiveScript(calls=[WANT]), tools=(BOOK,)) as talk:
        await talk.script.hear("a table")
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        (request,) = [e.request for e in talk.events.log if isinstance(e, ResponseToolCall)]
        await talk.session.tool_result(request.id, "", respond=False)
        await talk.events.until_done(await talk.session.respond())
        (sent,) = talk.sent("toolResponse")
    assert sent["functionResponses"][0]["scheduling"] == "SILENT"
    assert sent["functionResponses"][0]["response"] == {"output": "(no result)"}
    assert [each.cause for each in talk.events.started()] == ["caller", "request"]


async def test_a_model_that_waits_goes_on_by_itself_and_nothing_is_said_meanwhile() -> None:
    """To say something would take the call back, so a notice waits for the result."""
    script = LiveScript(calls=[WANT], replies=("Booked.",))
    async with talking(script, settings={"tool_behavior": "BLOCKING"}, tools=(BOOK,)) as talk:
        await talk.script.hear("a table")
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        (request,) = [e.request for e in talk.events.log if isinstance(e, ResponseToolCall)]
        notice = await talk.session.say("One moment.")
        await talk.session.tool_result(request.id, "table 7")
        answer = await talk.events.until_started(ResponseCause.TOOL)
        await talk.events.until_done(answer)
        await talk.events.until_done(notice)
        assert "scheduling" not in talk.sent("toolResponse")[0]["functionResponses"][0]
    assert talk.events.text(answer) == "Booked."
    assert talk.events.text(notice) == "One moment."


async def test_a_caller_who_speaks_takes_back_what_the_model_waits_for() -> None:
    script = LiveScript(calls=[WANT])
    settings = {"tool_behavior": "BLOCKING"}
    async with talking(script, settings=settings, tools=(BOOK,), hears=["book", "no"]) as talk:
        await talk.session.send(voice(400, 700))
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        (request,) = [e.request for e in talk.events.log if isinstance(e, ResponseToolCall)]
        await talk.session.send(voice(400, 700))
        assert await talk.one(ToolCallsCancelled) == ToolCallsCancelled((request.id,))
        await talk.session.tool_result(request.id, "too late")
        await talk.events.until_done(await talk.events.until_started(ResponseCause.CALLER))
        assert talk.sent("toolResponse") == []


async def test_calls_without_an_id_are_told_apart_and_their_results_have_none() -> None:
    """Vertex AI gives none."""
    calls = {"functionCalls": [{"name": "a", "args": {}}, {"name": "a"}, {"id": "x", "name": "b"}]}
    made = requests_of(calls, ["1", "2"])
    assert [each.id for each in made] == ["patter_1", "patter_2", "x"]
    assert '"id"' not in tool_response("patter_1", "a", "ok", failed=False)
    assert '"id":"x"' in tool_response("x", "b", "ok", failed=False)
