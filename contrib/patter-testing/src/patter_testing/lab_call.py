"""A whole call in virtual time: your agent, a scripted caller, fakes for everything else.

    async with lab(agent) as call:
        await call.says("book a table for two")
        call.expect_tool("book_table", people=2)

Run it on a virtual loop (the marker ``virtual_time``): a long call takes milliseconds. With
``simulate=True`` the vendors are doubles instead, real servers on this machine: then the loop must
be a real one, and the call takes as long as its words.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast

import attrs

from patter.aio import task_scope
from patter.call.mind import ModelMind
from patter.call.plan import CallPlan
from patter.call.session import CallSession
from patter.observe.events import CallEvent, Row, ToolRun
from patter.observe.summary import CallSummary
from patter.plugins.registry import PluginRegistry
from patter.providers.context import CallContext
from patter.providers.llm import LLM
from patter_testing.caller import Caller
from patter_testing.exercise import Unexercised, unexercised
from patter_testing.fakes.carrier import FakeCarrier, FakeLeg
from patter_testing.fakes.engine import FakeEngine
from patter_testing.fakes.stt import FakeSTT
from patter_testing.fakes.tts import FakeTTS
from patter_testing.fakes.vad import FakeVAD
from patter_testing.judge import PASS_THRESHOLD, JudgeResult, LLMJudge
from patter_testing.persona import Persona, PersonaCall, played
from patter_testing.real_time import RealTimeLLM

if TYPE_CHECKING:
    from patter_testing.simulation import Simulation

E = TypeVar("E", bound=CallEvent)


class Described(Protocol):
    """An agent as users describe it."""

    def plan(self, registry: PluginRegistry) -> CallPlan: ...


@attrs.define(eq=False)
class LabCall:
    """One call. What the caller does takes (virtual) time; `expect_*` look back.

    *simulation* has the simulators of the agent's vendors, if it is simulated.
    """

    session: CallSession
    leg: FakeLeg
    stt: FakeSTT
    carrier: FakeCarrier
    engine: FakeEngine | None = None
    events: list[CallEvent] = attrs.field(factory=list)
    summary: CallSummary | None = None
    simulation: Simulation | None = None
    caller: Caller = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.caller = Caller(self.leg)
        if not (self._simulates("stt") or self._simulates("engine")):
            self.caller.on_speech = self.heard
        if self._simulates("tts") or self._simulates("engine"):
            from patter_testing.doubles.vendor_sound import read_back

            self.caller.read = read_back

    def heard(self, text: str) -> None:
        """The recogniser, or the engine, understands *text* now."""
        (self.engine or self.stt).sessions[-1].hear(text)

    async def says(self, text: str) -> str:
        """Speak *text* and listen; returns what the agent answered."""
        await self.speaks(text)
        return await self.caller.hears_the_agent_out()

    async def speaks(self, text: str) -> None:
        """Speak *text*; `listens` hears what comes of it."""
        self._to_be_heard(text)
        await self.caller.says(text)

    async def listens(self) -> str:
        """Hear the agent out; returns what it said."""
        return await self.caller.hears_the_agent_out()

    async def interrupts(self, text: str, *, after_ms: float = 600) -> str:
        """Speak *text* once the agent has spoken for *after_ms*; returns its answer."""
        self._to_be_heard(text)
        await self.caller.interrupts(text, after_ms=after_ms)
        return await self.caller.hears_the_agent_out()

    def _simulates(self, kind: str) -> bool:
        return self.simulation is not None and self.simulation.simulates(kind)

    def _to_be_heard(self, text: str) -> None:
        """Have a double hear *text* in the voice that comes next."""
        if self.simulation is not None:
            self.simulation.lines.put(text)

    async def hangs_up(self) -> None:
        """Hang up."""
        self.caller.hangs_up()
        await asyncio.sleep(0)

    def of(self, kind: type[E]) -> list[E]:
        """The events of one type, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def utterances(self) -> list[str]:
        """What the caller heard of each utterance, in order."""
        return [row.text for row in self.of(Row) if row.role == "agent"]

    def expect_said(self, text: str) -> None:
        """Fail unless the caller has heard *text*, whatever its case."""
        heard = " | ".join(self.utterances)
        assert text.casefold() in heard.casefold(), f"the caller heard {heard!r}, not {text!r}"

    def expect_tool(self, tool: str, /, **arguments: Any) -> None:
        """Fail unless *tool* was run with at least *arguments*."""
        runs = [(run.name, run.arguments) for run in self.of(ToolRun) if run.what == "started"]
        fits = [
            values for name, values in runs if name == tool and arguments.items() <= values.items()
        ]
        assert fits, f"no run of {tool} with {arguments}; there were {runs}"

    @property
    def transfers(self) -> list[str]:
        """Where the carrier was asked to transfer the caller, in order."""
        return [order.detail for order in self.carrier.orders if order.deed == "transfer"]

    @property
    def agent_hung_up(self) -> bool:
        """Did the agent end the call?"""
        return any(order.deed == "hangup" for order in self.carrier.orders)

    @property
    def conversation(self) -> list[dict[str, str]]:
        """What both sides said, in order, as rows of ``role`` and ``text``."""
        return [{"role": row.role, "text": row.text} for row in self.of(Row) if row.text]

    @property
    def unexercised(self) -> Unexercised:
        """What of the agent this call has not used so far."""
        return unexercised(self.session.plan, [self.events])

    def expect_transfer(self, target: str = "") -> None:
        """Fail unless the caller was transferred, to *target* if that is given."""
        fits = not target or target in self.transfers
        there = f"transfers to {self.transfers}" if self.transfers else "no transfer"
        assert self.transfers and fits, f"no transfer to {target or 'anybody'}; there was {there}"

    def expect_hangup(self) -> None:
        """Fail unless the agent has ended the call."""
        how = "the call is over, and the caller ended it" if self.leg.closed else "the call goes on"
        assert self.agent_hung_up, f"the agent has not hung up: {how}"

    async def expect_judged(
        self, criterion: str, *, llm: LLM | str, pass_threshold: float = PASS_THRESHOLD
    ) -> JudgeResult:
        """Fail unless the model *llm* finds that the conversation so far meets *criterion*.

        It is asked in real time, while the call stands still. No verdict is a failure, too.
        """
        judge = LLMJudge(llm=llm, pass_threshold=pass_threshold)
        verdict = await judge.judge(criterion, self.conversation)
        assert verdict.passed, f"{criterion!r} scored {verdict.score:g}: {verdict.reasoning}"
        return verdict

    async def persona(self, persona: Persona) -> PersonaCall:
        """Let a model play the caller until one side hangs up. Raises PatterError."""
        return await played(self, persona)

    def expect_no_tool(self) -> None:
        """Fail if a tool was run."""
        names = [run.name for run in self.of(ToolRun) if run.what == "started"]
        assert not names, f"tools were run: {names}"


@asynccontextmanager
async def lab(
    agent: CallPlan | Described,
    *,
    stt: FakeSTT | None = None,
    tts: FakeTTS | None = None,
    engine: FakeEngine | None = None,
    carrier: FakeCarrier | None = None,
    leg: FakeLeg | None = None,
    registry: PluginRegistry | None = None,
    keep: Sequence[str] = (),
    simulate: bool = False,
    real_model: bool = False,
) -> AsyncIterator[LabCall]:
    """Call *agent*; on leaving, the caller hangs up if nobody has.

    Ears, voice and detector are fakes except those of *keep* (``"stt"``, ``"tts"``, ``"vad"``);
    the model and the tools are the agent's own. An agent with an engine is called with that, if
    it is a `FakeEngine`, or with *engine*, and with the detector and the voice that it has. A
    FakeVAD listens without the agent's `echo_gate`: how loud fakes are means nothing. Nor is there
    the agent's `background_audio`, behind which the caller could not tell when the agent is quiet,
    unless *keep* has it. With *simulate* each provider that has a simulator is kept, and talks to
    that: an `Agent` on a real loop; see `patter_testing.simulation`. A *real_model* may use the
    network in virtual time, which stands still while it answers.
    """
    stt, carrier, events = stt or FakeSTT(), carrier or FakeCarrier(), list[CallEvent]()
    fakes: dict[str, Any] = {"stt": stt, "tts": tts or FakeTTS(), "vad": FakeVAD()}
    if engine is not None or getattr(agent, "engine", None) is not None:
        fakes = {"engine": engine} if engine is not None else {}
    async with _simulated(agent, registry) if simulate else nullcontext() as simulation:
        if simulation is not None:
            agent, registry = simulation.agent, simulation.registry
            keep = [*keep, *(kind for kind in fakes if simulation.simulates(kind))]
        plan = _plan(agent, registry, {k: fake for k, fake in fakes.items() if k not in keep})
        if "vad" not in keep:
            plan = attrs.evolve(plan, echo_gate=False)
        if real_model and isinstance(plan.mind, ModelMind):
            plan = attrs.evolve(plan, mind=ModelMind(RealTimeLLM(llm=plan.mind.llm)))
        if "background_audio" not in keep:
            plan = attrs.evolve(plan, background_audio=None)
        session = CallSession(
            plan=plan,
            call=CallContext(call_id="lab", caller="+15550100001", callee="+15550100002"),
            carrier=carrier,
            listeners=(events.append,),
            extensions=registry,
        )
        fake = plan.engine if isinstance(plan.engine, FakeEngine) else None
        far = leg or carrier.leg()
        call = LabCall(session, far, stt, carrier, fake, events, simulation=simulation)
        async with _on_the_line(call):
            yield call


@asynccontextmanager
async def _on_the_line(call: LabCall) -> AsyncIterator[None]:
    """Run *call*; on leaving, the caller hangs up if nobody has."""
    async with task_scope() as tasks:
        run = tasks.create_task(call.session.run(), name="call")
        tasks.create_task(call.session.attach(call.leg), name="leg")
        yield
        if not call.leg.closed:
            await call.hangs_up()
        call.summary = await run


def _simulated(
    agent: CallPlan | Described, registry: PluginRegistry | None
) -> AbstractAsyncContextManager[Simulation]:
    # Not at the top: a lab of fakes needs neither servers nor clients.
    from patter_testing.simulation import simulated

    return simulated(cast(Any, agent), registry or PluginRegistry.from_environment())


def _plan(
    agent: CallPlan | Described, registry: PluginRegistry | None, fakes: dict[str, Any]
) -> CallPlan:
    if isinstance(agent, CallPlan):
        return attrs.evolve(agent, **fakes)
    parts = (registry or PluginRegistry.from_environment()).overriding(fakes)
    return attrs.evolve(agent.plan(parts), **fakes)
