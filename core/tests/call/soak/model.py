"""What answers: a model, or the application's own function, doing what the script's line says.

A turn is answered by the line of the last question whose words are in it, every time it is asked:
a model that is asked twice books twice. Every sentence is said by one request alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import attrs

from patter.errors import PatterConnectionError
from patter.providers.context import CallContext
from patter.providers.llm import (
    DoneChunk,
    LLMChunk,
    LLMRequest,
    Message,
    TextChunk,
    ToolCallChunk,
)
from patter.tools.tool import Tool

from .notes import Entry, Notes, Request, ToolUse

FIRST_MS = 300
REASSURANCE = "Let me see about that for you."
NUMBERS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth")
SCHEMA = {
    "type": "object",
    "properties": {
        "number": {"type": "integer"},
        "ms": {"type": "integer"},
        "how": {"type": "string"},
    },
    "required": ["number", "ms", "how"],
}


def ordinal(number: int) -> str:
    """*number* in words, as far as there are some."""
    return NUMBERS[number] if number < len(NUMBERS) else f"{number + 1}th"


def sentence(request: int, part: int) -> str:
    """The *part*-th sentence of a request's answer: no other is like it."""
    return f"This is part {ordinal(part)} of answer {ordinal(request)}."


@attrs.frozen(eq=False)
class Model:
    """A language model; *default* answers what no line is for."""

    notes: Notes
    default: dict[str, str]
    model: str = "soak"
    asking: dict[str, object] = attrs.field(factory=dict)

    async def stream(self, request: LLMRequest) -> AsyncIterator[LLMChunk]:
        noted, plan = self._noted(request.messages)
        told = _results(request.messages)
        tool = plan.get("tool") if not told else None
        async for piece in sentences(self.notes, noted, plan, lead_only=tool is not None):
            yield TextChunk(piece)
            await asyncio.sleep(0.02)
        if "stops" in plan and noted.first:
            return
        if tool:
            name, given = tool.partition(":")[0], arguments(tool, noted.number)
            self.asking[f"t{noted.number}"] = asyncio.current_task()
            yield ToolCallChunk(0, f"t{noted.number}", name, given)
        yield DoneChunk("tool_calls" if tool else "stop")

    def _noted(self, messages: tuple[Message, ...]) -> tuple[Request, dict[str, str]]:
        texts = [each.text for each in messages if each.role == "user"] or [""]
        last = messages[-1] if messages else Message("user", "")
        # A further round runs in the task that asked for the tool; a turn of its own does not.
        first = self.asking.get(last.tool_call_id or "") is not asyncio.current_task()
        return note(self.notes, self.default, texts, last.role, last.text, first)


def note(
    notes: Notes, default: dict[str, str], texts: list[str], role: str, last: str, first: bool
) -> tuple[Request, dict[str, str]]:
    """Write down that somebody is asked, and how the script has it answered."""
    question = notes.about(texts[-1])
    # Who answers keys answers the words before them, too, that had no answer yet.
    newest = notes.about(" ".join(texts))
    index = newest.index if newest else -1
    noted = Request(len(notes.requests), notes.now(), index, texts[-1], first, role, last)
    notes.requests.append(noted)
    plan = dict(question.answer if question else default)
    times = int(plan.get("times", 1))
    if question is not None and first:
        question.asked += 1
        if question.asked > times:
            for fault in ("first", "stops", "fails", "hangs", "empty"):
                plan.pop(fault, None)
    return noted, plan


async def sentences(
    notes: Notes, noted: Request, plan: dict[str, str], *, lead_only: bool
) -> AsyncIterator[str]:
    """The sentences of a request, with the failures of its plan."""
    faulty = {name for name in ("stops", "fails", "hangs", "empty") if name in plan} and noted.first
    if noted.first and "first" in plan and int(plan["first"]) > 1_500:
        notes.fault("model late")
    await asyncio.sleep((int(plan.get("first", FIRST_MS)) if noted.first else FIRST_MS) / 1_000)
    count = int(plan.get("lead", 0)) if lead_only else int(plan.get("says", 1))
    ends = int(plan.get("stops") or plan.get("fails") or plan.get("hangs") or 0)
    if faulty:
        notes.fault("model")
        count = 0 if "empty" in plan else ends
    for part in range(count):
        said = sentence(noted.number, part)
        notes.answers[said] = noted.number
        yield f"{said} "
    if faulty and "fails" in plan:
        raise PatterConnectionError("the model broke", fix="none")
    if faulty and "hangs" in plan:
        await asyncio.get_running_loop().create_future()


def _results(messages: tuple[Message, ...]) -> bool:
    """Is there a result of a tool after the last words of the caller?"""
    for each in reversed(messages):
        if each.role == "user":
            return False
        if each.role == "tool":
            return True
    return False


def arguments(tool: str, number: int) -> str:
    """What *tool* is called with by request *number*."""
    _, ms, how = (*tool.split(":"), "ok")[:3]
    return f'{{"number": {number}, "ms": {ms}, "how": "{how}"}}'


@attrs.frozen(eq=False)
class Tools:
    """`book` may run once, `look` reads; both take as long and end as the model asks."""

    notes: Notes

    def tools(self) -> tuple[Tool, ...]:
        """What the model may call."""
        return tuple(
            Tool(
                name=name,
                description=name,
                parameters=SCHEMA,
                effect="once" if name == "book" else "read",
                handler=self._handler(name),
                timeout_s=60,
                reassurance=REASSURANCE if name == "look" else "",
            )
            for name in ("book", "look")
        )

    def _handler(self, name: str) -> Any:
        async def handler(number: int, ms: int, how: str, call: CallContext) -> str:
            effect = "once" if name == "book" else "read"
            use = ToolUse(name, effect, self.notes.requests[number].text, self.notes.now())
            self.notes.tools.append(use)
            try:
                await call.clock.sleep(10_000_000 if how == "hangs" else ms)
                if how == "fails":
                    raise RuntimeError("the tool broke")
                if how == "exits":
                    raise SystemExit(2)
                return f"done {number}"
            finally:
                use.ended_ms = self.notes.now()

        return handler


@attrs.frozen(eq=False)
class Brain:
    """A function of the application: it yields, says, and collects keys."""

    notes: Notes
    default: dict[str, str]

    async def answer(self, message: dict[str, Any], control: Any) -> AsyncIterator[str]:
        """Do the steps of the line, in order."""
        text = message["text"]
        noted, plan = note(self.notes, self.default, [text], "user", text, True)
        await asyncio.sleep(int(plan.get("first", FIRST_MS)) / 1_000)
        if not {"yield", "say", "collect"} & {
            each.partition(":")[0] for each in plan.get("steps", "yield").split(",")
        }:
            self.notes.fault("model")
        for part, step in enumerate(plan.get("steps", "yield").split(",")):
            name, _, much = step.partition(":")
            if name == "yield":
                said = sentence(noted.number, part)
                self.notes.answers[said] = noted.number
                yield f"{said} "
            elif name == "say":
                await self.say(control, f"The application says number {ordinal(noted.number)}.")
            elif name == "wait":
                await asyncio.sleep(int(much) / 1_000)
            elif name == "collect":
                await collect(self.notes, control, int(much or 0), 10_000)

    async def say(self, control: Any, text: str) -> None:
        """Have *text* said by the call."""
        self.notes.announced.append((self.notes.now(), text, ""))
        await control.say(text)


async def collect(
    notes: Notes, control: Any, count: int, wait_ms: int, *, answers: bool = True
) -> None:
    """Collect keys, and note what came of it."""
    entry = Entry(notes.now(), wait_ms, count, answers)
    notes.entries.append(entry)
    try:
        entry.digits = await control.collect_digits(count, wait_ms=wait_ms)
    except Exception as refused:
        entry.digits = f"! {type(refused).__name__}"
    finally:
        entry.ended_ms = notes.now()
