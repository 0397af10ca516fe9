"""A recorded call as the source of a test: the same words, keys and interruptions, in a lab.

The model, or the engine, answers as it did then, so that the test is the same every day; without
an agent of yours to test, tools do too. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from keyword import iskeyword

import attrs

from patter.errors import InputError
from patter.observe.events import CallEvent, Row, Started
from patter.safe_text import one_line
from patter.text.keys import SHOWN_KEYS
from patter_testing.fakes.llm import Reply
from patter_testing.fakes.tts import MS_PER_LETTER
from patter_testing.recorded.answers import Answered, answered
from patter_testing.recorded.as_engine_test import (
    EVIDENCE_MS,
    engine_answers,
    engine_imports,
    with_engine,
    with_words,
)
from patter_testing.recorded.as_engine_test import HEAD as ENGINE_HEAD
from patter_testing.recorded.script import has_own_voice, led_by_engine, of_type

_NAME = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
HEAD = '''"""Call {call} of {day}, again.

Made by: patter calls export {call} --format test{target}
"""

{imports}

ANSWERS = {answers}
"""What the model answered, by what the caller said."""


def answer(request: LLMRequest) -> Reply:
    """The recorded answer to the caller's last words; of words said twice, the second time's."""
    said = [at for at, row in enumerate(request.messages) if row.role == "user"]
    words = [request.messages[at].text for at in said]
    alike = [replies for text, replies in ANSWERS if text == words[-1]]
    replies = alike[min(words[:-1].count(words[-1]), len(alike) - 1)]
    rounds = sum(bool(row.tool_calls) for row in request.messages[said[-1] :])
    return replies[min(rounds, len(replies) - 1)]


'''


@attrs.frozen
class Step:
    """One turn of the caller: *text*, *after_ms* into the agent's words if it interrupts them."""

    turn: int
    text: str
    keys: str = ""
    after_ms: int | None = None
    listens: bool = True
    expects: tuple[str, ...] = ()


def as_test(events: Sequence[CallEvent], target: str = "") -> str:
    """The source of a test of the agent *target*, ``module:name``, or of one made of the call.

    Raises InputError when nothing was said in the call, or *target* is not one.
    """
    engine, turns = led_by_engine(events), answered(events)
    turns = with_words(turns) if engine else turns
    steps = [*steps_of(events, turns)]
    if not (steps or _greeting(events)):
        raise InputError("nothing was said in this call", fix="export one with a conversation")
    started = next(iter(of_type(events, Started)), Started())
    name = re.sub(r"\W", "_", events[0].call)[:8]
    head = (ENGINE_HEAD if engine else HEAD).format(
        call=re.sub(r"[^\w.-]", "_", events[0].call),
        day=datetime.fromtimestamp(started.wall, UTC).date(),
        target=f" {target}" if target else "",
        imports=_imports(target, turns, events),
        answers=engine_answers(turns) if engine else _answers(turns),
    )
    agent = _imported(target, events) if target else _made(events, started, turns)
    body = _body(events, steps, expects_greeting=not (engine and target))
    conversation = "\n".join(f"        {line}" for line in body)
    return (
        f"{head}{agent}\n\nasync def conversation() -> None:\n"
        f"    async with lab(AGENT) as call:\n{conversation}\n\n\n"
        f"def test_call_{name}() -> None:\n    run_virtual(conversation())\n"
    )


def _body(
    events: Sequence[CallEvent], steps: Sequence[Step], *, expects_greeting: bool
) -> list[str]:
    """The statements of the conversation. An engine may have worded a greeting in its own way."""
    greeting = _greeting(events)
    greeted = _greeted(greeting)
    if not expects_greeting:
        greeted = greeted[:1]
    if steps and steps[0].after_ms is not None and greeting:
        greeted = greeted[1:]
    return [*greeted, *(line for step in steps for line in _lines(step))]


def steps_of(events: Sequence[CallEvent], turns: Mapping[int, Answered]) -> Iterator[Step]:
    """What the caller did, turn by turn, and what came of it."""
    agent = [row for row in of_type(events, Row) if row.role == "agent"]
    early_ms = EVIDENCE_MS if led_by_engine(events) else 0
    cut: Row | None = next((row for row in agent if row.turn == 0 and row.interrupted), None)
    for number, turn in sorted(turns.items()):
        if not turn.words:
            continue
        its = [row for row in agent if row.turn == number and row.kind in ("", "answer")]
        keys = SHOWN_KEYS.fullmatch(turn.words[-1])
        whole = [row.text for row in its if row.text and not row.interrupted]
        tools = [f"call.expect_tool({run.name!r}{_arguments(run.arguments)})" for run in turn.runs]
        lines = [f"call.expect_said({one_line(text)!r})" for text in whole]
        interrupted = next((row for row in its if row.interrupted and row.text), None)
        yield Step(
            turn=number,
            text=turn.words[-1],
            keys=keys[1] if keys else "",
            after_ms=_after_ms(cut.text, early_ms) if cut and cut.text and not keys else None,
            listens=bool(its) and interrupted is None,
            expects=(*tools, *lines) if interrupted is None else tuple(tools),
        )
        cut = interrupted


def _after_ms(heard: str, early_ms: int) -> int:
    """When whoever heard *heard* of the agent began to interrupt it."""
    return max(MS_PER_LETTER, len(heard) * MS_PER_LETTER - early_ms)


def _lines(step: Step) -> Iterator[str]:
    """The statements of one turn."""
    words = repr(one_line(step.text))
    if step.keys:
        yield f"await call.caller.presses({step.keys!r})"
        if step.listens:
            yield "await call.listens()"
    elif step.after_ms is not None and step.listens:
        yield f"await call.interrupts({words}, after_ms={step.after_ms})"
    elif step.after_ms is not None:
        yield f"await call.caller.interrupts({words}, after_ms={step.after_ms})"
    elif step.listens:
        yield f"await call.says({words})"
    else:
        yield f"await call.caller.says({words})"
    yield from step.expects


def _greeting(events: Sequence[CallEvent]) -> Row | None:
    rows = (row for row in of_type(events, Row) if row.role == "agent" and row.kind == "greeting")
    return next(rows, None)


def _greeted(greeting: Row | None) -> list[str]:
    if greeting is None or not greeting.text:
        return []
    listens = ["await call.listens()"]
    return listens if greeting.interrupted else [*listens, f"call.expect_said({greeting.text!r})"]


def _imports(target: str, turns: Mapping[int, Answered], events: Sequence[CallEvent]) -> str:
    tools = any(turn.runs for turn in turns.values())
    if led_by_engine(events):
        own_voice = has_own_voice(events)
        return "\n".join(engine_imports(target, own_voice=own_voice, tools=tools))
    made = "from patter import Agent, Tool" if tools else "from patter import Agent"
    lines = [
        *(["import attrs", ""] if target else []),
        *([] if target else [made]),
        f"from patter.providers.llm import LLMRequest{', ToolRequest' if tools else ''}",
        "from patter.testing import FakeLLM, Reply, lab, run_virtual",
        *([f"from {target.partition(':')[0]} import {target.partition(':')[2]}"] if target else []),
    ]
    return "\n".join(lines)


def _imported(target: str, events: Sequence[CallEvent]) -> str:
    module, _, name = target.partition(":")
    if not (_NAME.fullmatch(module) and _NAME.fullmatch(name)):
        raise InputError(f"{target!r} is not module:name", fix="write bistro:agent")
    if led_by_engine(events):
        return with_engine(name, own_voice=has_own_voice(events))
    return (
        f"AGENT = attrs.evolve({name}, llm=FakeLLM(answer=answer))\n"
        '"""Without the llm here, its own model answers."""\n'
    )


def _made(events: Sequence[CallEvent], started: Started, turns: Mapping[int, Answered]) -> str:
    """The source of an agent with the greeting, the tools and the model of the record."""
    runs = [run for turn in turns.values() for run in turn.runs]
    tools: dict[str, str] = {}
    for run in runs:
        names = sorted({name for each in runs if each.name == run.name for name in each.arguments})
        schema = {"type": "object", "properties": {name: {} for name in names}}
        tools[run.name] = (
            f"        Tool(\n            name={run.name!r},\n            parameters={schema!r},\n"
            f"            handler=lambda **_: {run.result or ''!r},\n"
            f"            effect={run.effect or 'once'!r},\n        ),\n"
        )
    greeting = _greeting(events)
    whole = " ".join(filter(None, (greeting.text, greeting.unheard))) if greeting else ""
    offered = f"    tools=[\n{''.join(tools.values())}    ],\n" if tools else ""
    return (
        f"AGENT = Agent(\n    system_prompt='',\n    name={started.agent!r},\n"
        f"    language={started.language or 'en'!r},\n    first_message={one_line(whole)!r},\n"
        f"{_parts(events)}{offered})\n"
    )


def _parts(events: Sequence[CallEvent]) -> str:
    """The source of who answers in the test."""
    if not led_by_engine(events):
        return "    vad='none',\n    llm=FakeLLM(answer=answer),\n"
    return "    engine=ENGINE,\n" + ("    tts=FakeTTS(),\n" if has_own_voice(events) else "")


def _answers(turns: Mapping[int, Answered]) -> str:
    lines = ["["]
    for turn in turns.values():
        for words in dict.fromkeys(turn.words):
            replies = ", ".join(map(_reply, turn.replies))
            lines.append(f"    ({words!r}, [{replies}]),")
    return "\n".join([*lines, "]"])


def _reply(reply: Reply) -> str:
    if not reply.tools:
        return f"Reply(text={reply.text!r})"
    tools = ", ".join(
        f"ToolRequest({tool.id!r}, {tool.name!r}, {tool.arguments!r})" for tool in reply.tools
    )
    return f"Reply(tools=({tools},))"


def _arguments(arguments: Mapping[str, object]) -> str:
    """Keyword arguments; what is no name of Python's goes in a mapping."""
    if all(name.isidentifier() and not iskeyword(name) for name in arguments):
        return "".join(f", {name}={value!r}" for name, value in arguments.items())
    return f", **{dict(arguments)!r}"
