"""Whole calls in virtual time: real detectors, engine and session; the rest keeps to a script.

A talk begins with a question; then things happen while the agent thinks or answers.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from patter import Agent, PluginRegistry
from patter.aio import task_scope
from patter.call.session import CallSession
from patter.observe.events import BargeIn, CallEvent, Row
from patter.plugins.kinds import VAD_KIND
from patter.providers.context import CallContext
from patter.providers.vad import VAD
from patter_testing.clock import VirtualClock, run_virtual
from patter_testing.fakes.carrier import FakeCarrier
from voices.clip import Clip
from voices.line import Line
from voices.recogniser import LabelSTT
from voices.talker import ANSWER, MODEL_MS, ClipTTS, answer_words, model

QUESTION_MS = 500.0
_PATIENCE_MS, _JOIN_MS, _REAL_S = 40_000.0, 40.0, 300.0


@attrs.frozen
class Settings:
    """A detector of that name, and what else the agent is told; the rest is as it comes."""

    name: str
    vad: str = "silero"
    agent: Mapping[str, Any] = attrs.field(factory=dict)

    def detector(self) -> VAD:
        """The detector, as its plugin ships it."""
        return PluginRegistry.from_environment({}).resolve(VAD_KIND, self.vad)


@attrs.frozen(kw_only=True)
class Talk:
    """The caller asks *question*; *over* sounds once the answer has been heard for *over_ms*.

    *behind* is a second voice, that begins *behind_ms* after the end of the question, or with
    *behind_answer* after the beginning of the answer. The caller stays for *stay_ms* from then
    on. Without an answer in 40 s the talk is over.
    """

    question: Clip
    agent: Clip
    over: Clip | None = None
    over_ms: float = 2_000.0
    behind: Clip | None = None
    behind_ms: float = 0.0
    behind_answer: bool = False
    echo_db: float | None = None
    stay_ms: float = 20_000.0
    model_ms: float = MODEL_MS
    voice_ms: float = 0.0
    text: str = ANSWER
    seed: int = 1


@attrs.frozen(kw_only=True)
class Outcome:
    """What came of a talk, in milliseconds of the call.

    *asked_ms* is when the question's voice ended, *answer_ms* when the agent was first heard
    (None: never), *over_ms* when the voice of what sounded over it began, *played* when the
    caller heard the agent (from, to), *cuts* when it was interrupted, *heard* which words of the
    answer were heard, *commits* when a turn of the caller was taken for complete.
    """

    asked_ms: float
    answer_ms: float | None
    over_ms: float | None
    played: tuple[tuple[float, float], ...]
    cuts: tuple[float, ...]
    heard: frozenset[str]
    commits: tuple[float, ...]
    agent_texts: tuple[str, ...]


def run(talk: Talk, settings: Settings) -> Outcome:
    """Make the call."""
    return run_virtual(_call(talk, settings), patience_s=_REAL_S)


async def _call(talk: Talk, settings: Settings) -> Outcome:
    stt, events = LabelSTT(), list[CallEvent]()
    carrier = FakeCarrier()
    session = CallSession(
        plan=_plan(talk, settings, stt),
        call=CallContext(call_id="talk", carrier="fake", clock=VirtualClock()),
        carrier=carrier,
        listeners=(events.append,),
    )
    leg = carrier.leg()
    line = Line(leg, stt.words, talk.echo_db, talk.seed)
    async with task_scope() as tasks:
        living = tasks.create_task(session.run())
        tasks.create_task(session.attach(leg))
        times = await _caller(talk, line)
        played = _spans([(each.at_ms, len(each.audio) / 8) for each in leg.played])
        leg.hang_up()
        await living
    return _outcome(times, played, events)


def _plan(talk: Talk, settings: Settings, stt: LabelSTT) -> Any:
    agent = Agent(
        system_prompt="Answer.",
        disable_phone_preamble=True,
        stt=stt,
        llm=model(talk.model_ms, talk.text),
        tts=ClipTTS(clip=talk.agent, first_ms=talk.voice_ms),
        vad=settings.detector(),
        **settings.agent,
    )
    return agent.plan(PluginRegistry.from_environment({}, source=()))


async def _caller(talk: Talk, line: Line) -> tuple[float, float | None, float | None]:
    """Play the caller; when the question ended, the answer began, the interruption began."""
    line.put(talk.question, QUESTION_MS)
    asked_ms = QUESTION_MS + talk.question.ends_ms
    if talk.behind and not talk.behind_answer:
        line.put(talk.behind, asked_ms + talk.behind_ms)
    answer_ms = await line.until_agent(limit_ms=asked_ms + _PATIENCE_MS)
    if answer_ms is None:
        return asked_ms, None, None
    if talk.behind and talk.behind_answer:
        line.put(talk.behind, line.now_ms + talk.behind_ms)
    over_ms = None
    if talk.over:
        at_ms = max(line.now_ms, answer_ms + talk.over_ms)
        line.put(talk.over, at_ms)
        over_ms = at_ms + talk.over.begins_ms
    await line.until(answer_ms + talk.stay_ms)
    return asked_ms, answer_ms, over_ms


def _outcome(
    times: tuple[float, float | None, float | None],
    played: tuple[tuple[float, float], ...],
    events: list[CallEvent],
) -> Outcome:
    rows = [event for event in events if isinstance(event, Row)]
    texts = tuple(row.text for row in rows if row.role == "agent")
    return Outcome(
        asked_ms=times[0],
        answer_ms=times[1],
        over_ms=times[2],
        played=played,
        cuts=tuple(float(event.cut_ms) for event in events if isinstance(event, BargeIn)),
        heard=frozenset(answer_words(" ".join(texts))),
        commits=tuple(float(row.at_ms) for row in rows if row.role == "caller"),
        agent_texts=texts,
    )


def _spans(pieces: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    """When sound was heard, gaps below 40 ms closed."""
    spans: list[tuple[float, float]] = []
    for at_ms, length_ms in pieces:
        if spans and at_ms - spans[-1][1] < _JOIN_MS:
            spans[-1] = (spans[-1][0], at_ms + length_ms)
        else:
            spans.append((at_ms, at_ms + length_ms))
    return tuple(spans)
