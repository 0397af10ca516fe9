"""One whole call on this machine: Rosa's bistro is served, the caller calls, all is closed.

Everything between the two is the real thing: the server, the softphone's socket, recogniser,
voice and voice detector, each found as any agent finds them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from patter.agent import Agent
from patter.aio import task_scope
from patter.call.hooks import PipelineHooks
from patter.call.session import CallSession
from patter.clock import Clock, LoopClock
from patter.observe.call_log import CallLogWriter, read_record
from patter.observe.events import Note
from patter.observe.recorder import NAME as RECORDING
from patter.plugins.kinds import CARRIER_KIND
from patter.plugins.registry import PluginRegistry
from patter.plugins.spec import ProviderSpec
from patter.providers.context import CallContext
from patter.providers.llm import Message
from patter.server.app import Server
from patter.tools.tool import Tool, tool
from patter_demo import bistro
from patter_demo.evidence import MODEL_REQUEST, Evidence
from patter_demo.leftovers import look, settled
from patter_demo.script import Caller
from patter_demo.terminal import Screen
from patter_softphone import Softphone

LIMIT_S = 55.0
TICK_MS = 250.0
STT = str(ProviderSpec("pocketsphinx", options={"grammar": "|".join(bistro.GRAMMAR)}))
TTS, VAD, CARRIER = "espeak", "silero", "softphone?page=false"
TOOLS: tuple[Tool, ...] = (
    tool(handler=bistro.opening_hours, effect="read"),
    tool(handler=bistro.book_table, effect="once"),
)


def agent(hooks: PipelineHooks) -> Agent:
    """Who answers at the bistro."""
    return Agent(
        name="bistro",
        system_prompt=bistro.PROMPT,
        first_message=bistro.GREETING,
        stt=STT,
        llm=bistro.BRAIN,
        tts=TTS,
        vad=VAD,
        tools=TOOLS,
        hooks=hooks,
    )


async def make_call(folder: Path, screen: Screen) -> Evidence:
    """Make the call, show it on *screen*, keep its record and recording in *folder*.

    Raises PatterError when it cannot begin; how it went is for others to judge.
    """
    clock, before = LoopClock(), look()
    record = CallLogWriter(folder)
    async with asyncio.timeout(LIMIT_S):
        caller = await _called(folder, record, screen, clock)
        await record.finish()
        left = await settled(before, clock)
    return Evidence(
        events=read_record(record.path) if record.path.exists() else (),
        spoken=caller.spoken,
        caller_audio=bytes(caller.call.sent_audio),
        heard=bytes(caller.call.heard),
        gave_up=caller.gave_up,
        left=left,
    )


async def _called(folder: Path, record: CallLogWriter, screen: Screen, clock: Clock) -> Caller:
    """Serve, call, and close both ends."""
    registry = PluginRegistry.from_environment()
    sessions: list[CallSession] = []

    async def note(shown: Sequence[Message], _: object) -> None:
        _note_request(sessions[-1], shown)

    hooks = PipelineHooks(before_llm=note)
    carrier, plan = registry.resolve(CARRIER_KIND, CARRIER), agent(hooks).plan(registry)

    def start(call: CallContext) -> CallSession:
        session = CallSession(
            plan=plan,
            call=call,
            carrier=serving.line(carrier.name),
            listeners=(record, screen),
            extensions=registry,
            prices=registry.prices(),
            recording=folder / RECORDING,
        )
        sessions.append(session)
        return session

    async with (
        Server(port=0).open(start, carriers=[carrier], extensions=registry) as serving,
        Softphone(url=serving.url).call() as call,
        task_scope() as tasks,
    ):
        ticker = tasks.create_task(_tick(sessions, screen, clock), name="demo-ticker")
        caller = Caller(call)
        await caller.converse()
        ticker.cancel()
    return caller


def _note_request(session: CallSession, shown: Sequence[Message]) -> None:
    """Keep in the record what the model is shown."""
    messages = [{"role": row.role, "text": row.text} for row in shown]
    session.events.emit(Note(what=MODEL_REQUEST, text=shown[-1].text, messages=messages))


async def _tick(sessions: list[CallSession], screen: Screen, clock: Clock) -> None:
    """Let the screen's clock run."""
    while True:
        if sessions:
            screen.tick(sessions[-1].now_ms())
        await clock.sleep(TICK_MS)
