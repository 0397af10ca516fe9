"""Lives through a call as its script says, and tells of each expectation whether it held."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from patter.agent import Agent
from patter.errors import PatterTimeoutError
from patter.observe.events import CallEvent, Row, ToolRun
from patter.plugins.registry import PluginRegistry
from patter.providers.llm import LLM
from patter_testing.call_script import (
    CallScript,
    ExpectHangup,
    ExpectJudged,
    ExpectSaid,
    ExpectTool,
    ExpectTransfer,
    HangsUp,
    Interrupts,
    Presses,
    Says,
    Step,
    Waits,
    read_script,
)
from patter_testing.clock import run_virtual
from patter_testing.exercise import Unexercised
from patter_testing.judge import LLMJudge
from patter_testing.lab_call import LabCall, lab

__all__ = ["ScriptReport", "StepResult", "read_script", "run_script"]

PATIENCE_S = 600.0
"""Real seconds that a whole script may take, its models' time included."""
AFTER_KEYS_MS = 8_000
"""How long the caller waits for an answer to keys; there need not be one."""
HANGUP_MS = 5_000
"""How long a hang-up may take; later, an agent hangs up because nobody says anything."""


@attrs.frozen(kw_only=True)
class StepResult:
    """An expectation, or a step that could not be taken: *text* is what to print of it."""

    line: int
    ok: bool
    text: str

    def __str__(self) -> str:
        return f"{'ok  ' if self.ok else 'FAIL'}  line {self.line}  {self.text}"


@attrs.frozen(kw_only=True)
class ScriptReport:
    """How a script went: its call lasted *call_ms*, and took *took_s* real seconds."""

    results: tuple[StepResult, ...]
    call_ms: float
    took_s: float
    events: tuple[CallEvent, ...] = attrs.field(repr=False)
    unexercised: Unexercised

    @property
    def ok(self) -> bool:
        """Did every expectation hold?"""
        return all(result.ok for result in self.results)

    def __str__(self) -> str:
        failed = sum(not result.ok for result in self.results)
        counts = [f"{failed} failed"] if failed else []
        counts.append(f"{len(self.results) - failed} ok")
        took = f"{self.call_ms / 1_000:.0f} s of call in {self.took_s:.1f} s"
        return f"{', '.join(counts)}   {took}"


def run_script(
    script: CallScript,
    agent: Agent,
    registry: PluginRegistry | None = None,
    *,
    judge: LLM | str | None = None,
    **options: Any,
) -> ScriptReport:
    """Live through *script* with *agent* in virtual time; its model answers in real time.

    *judge* is asked for ``expect judged``. *options* are those of `lab`; with ``simulate=True`` all
    of it lives in real time. Raises PatterError when the agent cannot be called.
    """
    began = time.monotonic()
    run = _ScriptRun(script, judge, {"real_model": True, **options})
    if options.get("simulate"):
        asyncio.run(asyncio.wait_for(run.live(agent, registry), PATIENCE_S))
    else:
        run_virtual(run.live(agent, registry), patience_s=PATIENCE_S)
    assert run.call is not None
    summary = run.call.summary
    return ScriptReport(
        results=tuple(run.results),
        call_ms=summary.duration_ms if summary else 0,
        took_s=time.monotonic() - began,
        events=tuple(run.call.events),
        unexercised=run.call.unexercised,
    )


@attrs.define(eq=False)
class _ScriptRun:
    script: CallScript
    judge: LLM | str | None
    options: Mapping[str, Any]
    call: LabCall | None = None
    results: list[StepResult] = attrs.field(factory=list)
    _since: int = 0

    @property
    def _interrupts_at_once(self) -> bool:
        """Is it the greeting that the caller interrupts?"""
        return isinstance(next(iter(self.script), None), Interrupts)

    async def live(self, agent: Agent, registry: PluginRegistry | None) -> None:
        async with lab(agent, registry=registry, **self.options) as call:
            self.call = call
            if call.session.plan.phrases.greeting and not self._interrupts_at_once:
                await call.listens()
            for step, following in zip(self.script, (*self.script[1:], None), strict=True):
                await self._take(call, step, following)

    async def _take(self, call: LabCall, step: Step, following: Step | None) -> None:
        match step:
            case Says() | Interrupts() | Presses() | Waits() | HangsUp():
                await self._act(call, step, following)
            case ExpectHangup():
                await self._agent_leaves(call)
                self._note(step, call.agent_hung_up, "the agent has not hung up")
            case ExpectTransfer(target=target):
                fits = (target in call.transfers) if target else bool(call.transfers)
                self._note(step, fits, f"transfers were {call.transfers or 'none'}")
            case ExpectSaid(words=words):
                heard = self._heard(call)
                self._note(step, words.casefold() in heard.casefold(), f'was said "{heard}"')
            case ExpectTool():
                self._note(step, *self._ran(call, step))
            case ExpectJudged(criterion=criterion):
                await self._judged(call, step, criterion)

    async def _act(self, call: LabCall, step: Step, following: Step | None) -> None:
        """Do what the caller does; on a line that is gone nothing can be done."""
        if call.leg.closed:
            if not isinstance(step, HangsUp | Waits):
                self._note(step, ok=False, otherwise="the call was over before")
            return
        self._since = len(call.events)
        try:
            match step:
                case Says(words=words) if isinstance(following, Interrupts):
                    await call.speaks(words)
                case Says(words=words):
                    await call.says(words)
                case Interrupts(words=words):
                    await call.interrupts(words)
                case Presses(digits=digits):
                    await call.caller.presses(digits)
                    if not isinstance(following, Presses | Interrupts):
                        await self._answer_to_keys(call)
                case Waits(ms=ms):
                    await call.caller.waits(ms)
                case HangsUp():
                    await call.hangs_up()
        except PatterTimeoutError as nothing:
            # Hung up on or handed over without a word: the expectations say if that is right.
            if not call.leg.closed:
                self._note(step, ok=False, otherwise=nothing.message)

    async def _answer_to_keys(self, call: LabCall) -> None:
        usual, call.caller.patience_ms = call.caller.patience_ms, AFTER_KEYS_MS
        try:
            await call.listens()
        except PatterTimeoutError:
            return
        finally:
            call.caller.patience_ms = usual

    async def _agent_leaves(self, call: LabCall) -> None:
        until_ms = call.leg.now_ms + HANGUP_MS
        while not call.leg.closed and call.leg.now_ms < until_ms:
            await call.caller.waits(100)

    async def _judged(self, call: LabCall, step: Step, criterion: str) -> None:
        if self.judge is None:
            self._note(step, ok=False, otherwise="nobody judges: name a model with --judge")
            return
        verdict = await LLMJudge(llm=self.judge).judge(criterion, call.conversation)
        self._note(step, verdict.passed, f"scored {verdict.score:g}: {verdict.reasoning}")

    def _heard(self, call: LabCall) -> str:
        rows = (event for event in self._recent(call) if isinstance(event, Row))
        return " | ".join(row.text for row in rows if row.role == "agent" and row.text)

    def _ran(self, call: LabCall, step: ExpectTool) -> tuple[bool, str]:
        runs = [
            event
            for event in self._recent(call)
            if isinstance(event, ToolRun) and event.what == "started"
        ]
        there = ", ".join(f"{run.name}({_written(run.arguments)})" for run in runs) or "none"
        if not step.tool:
            return not runs, f"tools run were {there}"
        fits = any(
            run.name == step.tool and step.arguments.items() <= dict(run.arguments).items()
            for run in runs
        )
        return fits, f"tools run were {there}"

    def _recent(self, call: LabCall) -> Sequence[CallEvent]:
        """What has happened since the caller last did something."""
        return call.events[self._since :]

    def _note(self, step: Step, ok: bool, otherwise: str) -> None:
        text = step.text if ok else f"expected {step.text}; {otherwise}"
        self.results.append(StepResult(line=step.line, ok=ok, text=text))


def _written(arguments: Any) -> str:
    return ", ".join(f"{name}={value!r}" for name, value in arguments.items())
