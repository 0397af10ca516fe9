"""The telephone as a tool of another agent: it calls somebody, and reports what was said."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Protocol, Self

import attrs

from patter.agent import Agent
from patter.aio import task_scope
from patter.errors import InputError, PatterConfigError, PatterError
from patter.observe.call_events import Listener
from patter.phone.results import CallResult

SHORTEST_S, LONGEST_S = 5, 1_800
PROMPT = "You are on the phone for somebody else. Be polite and brief, and say goodbye at the end."
DESCRIPTION = (
    "Calls a phone number, holds the conversation, and returns its transcript and outcome."
)
log = logging.getLogger("patter.client")


class Phone(Protocol):
    """What is needed of a `patter.Patter`."""

    @property
    def address(self) -> object | None: ...

    @property
    def ready(self) -> asyncio.Future[str]: ...

    def agent(self, system_prompt: str, **options: Any) -> Agent: ...

    async def serve(
        self,
        agent: Agent,
        port: int = ...,
        recording: bool = ...,
        *,
        set_webhook: bool = ...,
        listeners: Iterable[Listener] = ...,
        dashboard: bool = ...,
    ) -> bool: ...

    async def call(
        self, to: str, first_message: str = ..., *, agent: Agent | None = ..., wait: bool = ...
    ) -> CallResult | None: ...

    async def disconnect(self) -> None: ...


@attrs.frozen(kw_only=True)
class PatterToolResult:
    """How a call went. *cost_usd* is None when a part of it has no known price."""

    call_id: str
    status: str
    duration_seconds: float
    outcome: str
    transcript: tuple[Mapping[str, str], ...] = ()
    cost_usd: float | None = None
    metrics: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """It as plain values, as JSON takes them."""
        return {**attrs.asdict(self), "transcript": [dict(each) for each in self.transcript]}


class ToolRegistry(Protocol):
    """Where Hermes keeps its tools."""

    def register(self, **tool: Any) -> object: ...


class PatterTool:
    """Calls numbers for another agent with *phone*.

    *agent* has the parameters of `Patter.agent`, or is an agent; without a prompt it has a plain
    one. A call is over *max_duration_sec* (5 to 1800) after it was answered at the latest: the
    agent says that its time is up and hangs up. *recording*, *port*, *set_webhook* and *listeners*
    are those of `Patter.serve`.
    Raises InputError, AgentError.

        async with PatterTool(phone, {"stt": "deepgram", "llm": "openai", "tts": "rime"}) as tool:
            result = await tool.execute("+15550107788", goal="Book a table for two at eight.")
    """

    def __init__(
        self,
        phone: Phone,
        agent: Mapping[str, Any] | Agent | None = None,
        *,
        name: str = "make_phone_call",
        description: str = DESCRIPTION,
        max_duration_sec: float = 180,
        recording: bool = False,
        port: int = 8_000,
        set_webhook: bool = True,
        listeners: Iterable[Listener] = (),
    ) -> None:
        self.phone = phone
        self.name, self.description = name, description
        self.max_duration_sec = _seconds(max_duration_sec)
        self.recording, self.port = recording, port
        self.set_webhook, self.listeners = set_webhook, tuple(listeners)
        self._agent = agent if isinstance(agent, Agent) else _described(phone, agent or {})
        self._serving: AsyncExitStack | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Serve the phone in the background; returns when it can call. One that serves stays so.

        Raises what `Patter.serve` raises.
        """
        if self.phone.address is not None:
            return
        if self._task is not None and self._task.done():
            # A signal or the application ended it: what is left of that is put away first.
            await self.stop()
        if self._serving is None:
            self._serving = AsyncExitStack()
            tasks = await self._serving.enter_async_context(task_scope())
            self._task = tasks.create_task(self._serve(), name="phone-tool")
        try:
            await self.phone.ready
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Stop serving, if `start` began it; twice is fine."""
        serving, self._serving, self._task = self._serving, None, None
        if serving is not None:
            try:
                await self.phone.disconnect()
            finally:
                await serving.aclose()

    async def _serve(self) -> None:
        try:
            await self.phone.serve(
                self._agent,
                self.port,
                self.recording,
                set_webhook=self.set_webhook,
                listeners=self.listeners,
                dashboard=False,
            )
        except PatterError as error:
            # At the start it is raised there, too. Later nobody waits: calls say that none serves.
            log.error("the phone of %s does not serve: %s", self.name, error)

    async def execute(
        self,
        to: str,
        goal: str = "",
        first_message: str = "",
        max_duration_sec: float | None = None,
    ) -> PatterToolResult:
        """Call *to* (E.164), pursue *goal*, and return when the call is over.

        Raises InputError, and what `Patter.call` raises; PatterConfigError before `start`.
        """
        if self.phone.address is None:
            raise PatterConfigError("the tool's phone does not serve", fix="await tool.start()")
        result = await self.phone.call(
            to, first_message, agent=self._for(goal, max_duration_sec), wait=True
        )
        assert result is not None, "a call that is waited for has a result"
        return _reported(result)

    # --- as models know it

    def openai_schema(self) -> dict[str, Any]:
        """The tool as chat completions take it."""
        return {"type": "function", "function": self.hermes_schema()}

    def anthropic_schema(self) -> dict[str, Any]:
        """The tool as Anthropic's messages take it."""
        schema = self.hermes_schema()
        return {
            "name": schema["name"],
            "description": schema["description"],
            "input_schema": schema["parameters"],
        }

    def hermes_schema(self) -> dict[str, Any]:
        """The tool as Hermes takes it: name, description, and parameters as JSON Schema."""
        return {
            "name": self.name,
            "description": self.description,
            "parameters": _parameters(self.max_duration_sec),
        }

    def hermes_handler(self) -> Callable[..., Awaitable[str]]:
        """A function of a dict of arguments; its JSON is the result, or has ``error``."""

        async def handler(arguments: Mapping[str, Any], **_: Any) -> str:
            try:
                return json.dumps((await self.execute(**arguments)).to_dict())
            except PatterError as error:
                return json.dumps({"error": error.message, "fix": error.fix})
            except TypeError as error:
                return json.dumps({"error": f"{self.name} was called wrongly: {error}"})

        return handler

    def register_hermes(self, registry: ToolRegistry, toolset: str = "patter") -> None:
        """Put the tool into a Hermes *registry*."""
        registry.register(
            name=self.name,
            toolset=toolset,
            schema=self.hermes_schema(),
            handler=self.hermes_handler(),
            is_async=True,
        )

    def _for(self, goal: str, seconds: float | None) -> Agent:
        """The agent of one call."""
        limit_s = self.max_duration_sec if seconds is None else _seconds(seconds)
        prompt = self._agent.system_prompt
        return attrs.evolve(
            self._agent,
            system_prompt=f"{prompt}\n\nWhat this call is for: {goal}" if goal else prompt,
            max_call_ms=round(min(limit_s, self.max_duration_sec) * 1_000),
        )


def _described(phone: Phone, options: Mapping[str, Any]) -> Agent:
    options = {"system_prompt": PROMPT, **options}
    return phone.agent(options.pop("system_prompt"), **options)


def _seconds(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise InputError(f"max_duration_sec={value!r} is not a number", fix="pass seconds")
    if not SHORTEST_S <= value <= LONGEST_S:
        raise InputError(
            f"max_duration_sec={value!r} is out of range",
            fix=f"pass {SHORTEST_S} to {LONGEST_S} seconds",
        )
    return value


def _parameters(longest_s: float) -> dict[str, Any]:
    text = {"type": "string"}
    properties = {
        "to": {**text, "description": "The number to call, E.164, such as +15550107788."},
        "goal": {**text, "description": "What the call is for, and when it has succeeded."},
        "first_message": {**text, "description": "The first words; empty: the other side begins."},
        "max_duration_sec": {"type": "number", "minimum": SHORTEST_S, "maximum": longest_s},
    }
    return {"type": "object", "properties": properties, "required": ["to"]}


def _reported(result: CallResult) -> PatterToolResult:
    metrics = None if result.metrics is None else attrs.asdict(result.metrics)
    return PatterToolResult(
        call_id=result.call_id,
        status=result.status,
        duration_seconds=result.duration_seconds,
        outcome=result.outcome.value,
        transcript=result.transcript,
        cost_usd=result.cost,
        metrics=metrics,
    )
