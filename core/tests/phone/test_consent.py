"""With ``consent="ask"`` nothing is recorded before the caller has agreed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from patter.call.control import CallControl
from patter.errors import PatterConfigError, PatterTypeError
from patter.observe.events import Note, Row
from patter.providers.llm import ToolRequest
from patter_testing import Caller, FakeLLM, Reply

from .phones import PARTS, phone_of
from .test_sensitive_calls import Everything

pytestmark = pytest.mark.virtual_time
QUESTION = "Is it all right with you if this call is recorded?"


def told(it: Everything) -> list[str]:
    return [each.text for each in it.events if isinstance(each, Note) and each.what == "consent"]


def recordings(it: Everything) -> tuple[list[str], int]:
    """What the carrier was asked, and how many files of ours there are."""
    deeds = [each.deed for each in it.carrier.orders if each.deed.endswith("_recording")]
    return deeds, len(list(it.folder.rglob("*.wav")))


async def answered(folder: Path, *answers: str, llm: FakeLLM | None = None) -> Everything:
    """A call in which the caller hears the question and says *answers*."""
    it = Everything(folder, llm or FakeLLM(replies=(Reply(text="Very well."),)))

    async def script(_: CallControl, caller: Caller) -> None:
        for answer in answers:
            await caller.says(answer)
            await caller.hears_the_agent_out()

    await it.live(script, asks_consent=True)
    return it


async def test_the_greeting_asks_and_a_yes_begins_both_recordings(tmp_path: Path) -> None:
    it = await answered(tmp_path, "Yes, of course.", "a table for two")
    (greeting,) = [each for each in it.told["on_transcript"] if each["text"].startswith("Hello.")]
    assert greeting["text"] == f"Hello. {QUESTION}"
    assert told(it) == ["asked", "given: words"]
    assert recordings(it) == (["start_recording"], 1)
    caller, agent = it.sides()
    (given,) = [each.at_ms for each in it.events if getattr(each, "text", "") == "given: words"]
    size = round(given * 16)
    assert not agent[:size].strip(b"\0") and not caller[:size].strip(b"\0")
    assert agent.strip(b"\0") and caller.strip(b"\0")
    assert it.told["on_call_end"][0]["recording_path"].endswith("call.wav")


@pytest.mark.parametrize(
    ("answer", "notes"),
    [
        ("No, I would rather not.", ["asked", "refused: words"]),
        ("A table for two, please.", ["asked"]),
    ],
)
async def test_without_a_yes_no_audio_is_kept(
    tmp_path: Path, answer: str, notes: list[str]
) -> None:
    it = await answered(tmp_path, answer, "Yes, at eight.", "yes")
    assert told(it) == notes
    assert recordings(it) == ([], 0)
    assert it.told["on_call_end"][0]["recording_path"] == ""


async def test_the_models_tool_notes_what_is_said_in_other_words_and_a_change_of_mind(
    tmp_path: Path,
) -> None:
    def says(agreed: str) -> Reply:
        return Reply(tools=(ToolRequest(agreed, "recording_consent", f'{{"agreed": {agreed}}}'),))

    replies = (says("true"), Reply(text="Thanks."), says("false"), Reply(text="As you like."))
    it = await answered(
        tmp_path, "well if you must", "oh stop recording me", llm=FakeLLM(replies=replies)
    )
    assert told(it) == ["asked", "given: tool", "refused: tool"]
    assert recordings(it) == (["start_recording", "pause_recording"], 1)


async def test_a_question_that_was_talked_over_is_asked_again(tmp_path: Path) -> None:
    it = Everything(tmp_path, FakeLLM(replies=(Reply(text="Hi there."),)))

    async def script(_: CallControl, caller: Caller) -> None:
        await caller.waits(6_000)
        await caller.says("yes")
        await caller.hears_the_agent_out()

    await it.live(script, talks_over="yes I want a table for two please", asks_consent=True)
    assert told(it) == ["asked", "given: words"]
    said = [each["text"] for each in it.told["on_transcript"] if each["role"] == "assistant"]
    assert QUESTION in said


async def test_the_application_may_say_it_and_nobody_may_resume_what_was_not_agreed_to(
    tmp_path: Path,
) -> None:
    it = Everything(tmp_path, FakeLLM())

    async def script(control: CallControl, caller: Caller) -> None:
        await control.resume_recording()
        await caller.waits(500)
        assert recordings(it) == ([], 0)
        await control.pause_recording(sensitive=False)
        await control.record_consent(True)
        await caller.waits(500)
        assert recordings(it)[0] == []
        await control.resume_recording()

    await it.live(script, asks_consent=True)
    assert recordings(it) == (["start_recording"], 1)
    assert told(it) == ["asked", "given: application"]


async def test_consent_is_not_noted_where_nobody_asks(tmp_path: Path) -> None:
    it = Everything(tmp_path, FakeLLM())

    async def script(control: CallControl, _: Caller) -> None:
        with pytest.raises(PatterConfigError, match="no consent is asked"):
            await control.record_consent(True)

    await it.live(script)
    assert told(it) == []


@pytest.mark.parametrize(
    ("fields", "error", "says"),
    [
        ({"consent": "sure", "recording": True}, PatterConfigError, "is not known"),
        ({"consent": "ask"}, PatterConfigError, "there is none"),
        ({"consent": True, "recording": True}, PatterTypeError, "not text"),
    ],
)
async def test_serve_refuses_a_consent_that_makes_no_sense(
    fields: dict[str, Any], error: type[Exception], says: str
) -> None:
    phone = phone_of()
    with pytest.raises(error, match=says):
        await phone.serve(phone.agent("Be brief.", **PARTS), port=0, **fields)


async def test_a_yes_over_the_greeting_is_no_answer_to_a_question_that_came_later(
    tmp_path: Path,
) -> None:
    it = Everything(tmp_path, FakeLLM(replies=(Reply(text="Hi there."),)))

    async def script(_: CallControl, caller: Caller) -> None:
        await caller.waits(3_000)

    await it.live(script, talks_over="yes hello there", asks_consent=True)
    rows = [each for each in it.events if isinstance(each, Row) and each.role == "caller"]
    assert [each.text for each in rows] == ["yes hello there"]
    asked_ms = next(each.at_ms for each in it.events if getattr(each, "what", "") == "consent")
    assert rows[0].at_ms == asked_ms
    assert told(it) == ["asked"] and recordings(it) == ([], 0)
