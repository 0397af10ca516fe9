"""Holds the conversations of a suite, each a whole call in virtual time, and has them judged.

A case that cannot be held is a case that failed: nothing that an agent, a factory or a model does
keeps the other cases from running.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from typing import Any, TypeAlias

import attrs

from patter import Agent, PluginRegistry
from patter.application import result_of
from patter.errors import PatterError, PatterTimeoutError, PatterTypeError, indefinite
from patter.testing import JudgeResult, LLMJudge, lab, run_virtual
from patter_evals.results import CaseResult, EvalResult
from patter_evals.suite import EvalCase, EvalSuite

AgentFactory: TypeAlias = Callable[..., Any]
"""``factory()`` or ``factory(case)``, sync or async; makes the agent of one case."""
CASE_S = 600.0
"""Real seconds that the conversation of one case may take, its models included."""
FACTORY_S = 60.0


@attrs.frozen
class EvalRunner:
    """Runs suites; *judge* is asked about cases that say how the agent should behave.

    *registry* has the plugins, and what replaces the agents' own parts.
    """

    judge: LLMJudge = attrs.field(factory=LLMJudge)
    registry: PluginRegistry | None = attrs.field(default=None, repr=False)

    async def run(
        self,
        suite: EvalSuite,
        factory: AgentFactory | Agent | None = None,
        *,
        on_case: Callable[[CaseResult], object] = lambda _: None,
    ) -> EvalResult:
        """Run every case of *suite*, in order; *on_case* is called after each.

        *factory* makes the agent of each case that has none; an agent is one for all.
        """
        results = []
        for case in suite.cases:
            results.append(await self._case(case, factory))
            on_case(results[-1])
        return EvalResult(suite=suite.name, cases=tuple(results))

    async def _case(self, case: EvalCase, factory: AgentFactory | Agent | None) -> CaseResult:
        talk = _Talk(case, self.registry)
        try:
            agent = await _agent_of(case, factory)
            await asyncio.get_running_loop().run_in_executor(None, talk.hold, agent)
        except Exception as raised:  # whatever it is, it is this case's
            reason = raised.message if isinstance(raised, PatterError) else repr(raised)
            return talk.result([f"no conversation: {reason}"], None)
        judged = None
        if case.criterion:
            judged = await self.judge.judge(case.criterion, talk.transcript)
        return talk.result(talk.lacks(), judged)


@attrs.define(eq=False)
class _Talk:
    """The conversation of one case."""

    case: EvalCase
    registry: PluginRegistry | None
    answers: list[str] = attrs.field(factory=list)
    transcript: list[dict[str, str]] = attrs.field(factory=list)
    call_ms: int = 0

    def hold(self, agent: Agent) -> None:
        """Hold it, in virtual time, on a loop of its own."""
        run_virtual(self._held(agent), patience_s=CASE_S)

    async def _held(self, agent: Agent) -> None:
        async with lab(agent, registry=self.registry, real_model=True) as call:
            if call.session.plan.phrases.greeting:
                await call.listens()
            for turn in self.case.turns:
                try:
                    self.answers.append(await call.says(turn.user))
                except PatterTimeoutError:
                    # Nothing was said, or the agent has hung up: the answer is no words.
                    self.answers.append("")
        self.transcript += call.conversation
        self.call_ms = call.summary.duration_ms if call.summary else 0

    def lacks(self) -> list[str]:
        """What is not in the answers and should be."""
        turns = zip(self.case.turns, self.answers, strict=True)
        return [
            f'turn {number} lacks "{words}"; the answer was "{answer}"'
            for number, (turn, answer) in enumerate(turns, start=1)
            for words in turn.expected_contains
            if _plain(words) not in _plain(answer)
        ]

    def result(self, failures: list[str], judged: JudgeResult | None) -> CaseResult:
        if judged is not None and not judged.passed:
            failures = [*failures, f"judged {judged.score:.2f}: {judged.reasoning}"]
        return CaseResult(
            name=self.case.name,
            score=judged.score if judged else float(not failures),
            failures=tuple(failures),
            judged=judged,
            transcript=tuple(self.transcript),
            tags=self.case.tags,
            call_ms=self.call_ms,
        )


async def _agent_of(case: EvalCase, factory: AgentFactory | Agent | None) -> Agent:
    """The agent of *case*. Raises PatterTypeError, and what the factory raises."""
    agent: Any = case.agent
    if agent is None and callable(factory):
        arguments = (case,) if _takes_case(factory) else ()
        async with asyncio.timeout(FACTORY_S):
            agent = await result_of(factory, *arguments, owner=f"eval-{case.name}")
    elif agent is None:
        agent = factory
    if not isinstance(agent, Agent):
        raise PatterTypeError(
            f"the factory made {indefinite(type(agent).__name__)}, not an agent",
            fix="return what phone.agent(...) makes",
        )
    changes: dict[str, Any] = {}
    if case.first_message:
        changes["first_message"] = case.first_message
    if case.llm_provider is not None:
        changes["llm"] = case.llm_provider
    return attrs.evolve(agent, **changes)


def _takes_case(factory: AgentFactory) -> bool:
    """Does it need an argument? One that has a default is its own affair."""
    parameters = inspect.signature(factory).parameters.values()
    return any(
        each.default is each.empty and each.kind < each.VAR_POSITIONAL for each in parameters
    )


def _plain(text: str) -> str:
    """*text* as it is compared: a voice breaks it where it likes, and case is nothing to hear."""
    return "".join(text.split()).casefold()
