"""A whole conversation at OpenAI: the Realtime API hears, thinks and speaks over one socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import quote

import attrs

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.providers.engine import (
    EngineCapabilities,
    EngineSetup,
    HistoryForm,
    Truncation,
    TurnDetection,
    check_setup,
)
from patter.vendors.options import socket_url
from patter_openai._errors import ERRORS
from patter_openai._realtime_config import detection_of, session_of
from patter_openai._realtime_conversation import RealtimeConversation
from patter_openai._realtime_session import (
    ENDING_S,
    MAX_SESSION_S,
    WHO,
    RealtimeSession,
    hung_up,
)
from patter_openai._realtime_settings import DETECTIONS, FORMATS, RealtimeSettings
from patter_openai._settings import host_of

if TYPE_CHECKING:
    from patter.clock import Clock
    from patter.providers.context import CallContext
    from patter.providers.engine import Engine
    from patter.providers.health import HealthReport


@attrs.frozen(kw_only=True)
class OpenAIRealtime(RealtimeSettings):
    """Which model to talk through. Immutable: share one between any number of calls."""

    name: ClassVar[str] = "openai"

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        """The one format that is set: what is best for the model is not what is best for a line."""
        return (FORMATS[self.input_format],)

    @property
    def produces(self) -> tuple[AudioFormat, ...]:
        """The one format that is set."""
        return (FORMATS[self.output_format],)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it connects to."""
        return (host_of(self.base_url),)

    @property
    def can(self) -> EngineCapabilities:
        """What the Realtime API can do, its turn detection as it is set first."""
        first = DETECTIONS[self.turn_detection]
        rest = (detection for detection in TurnDetection if detection is not first)
        return attrs.evolve(_CAN, turn_detection=(first, *rest))

    @asynccontextmanager
    async def open(self, call: CallContext, setup: EngineSetup) -> AsyncIterator[RealtimeSession]:
        """Connect, tell the whole setup, yield a session, and leave no socket behind."""
        # It imports aiohttp, which takes a while.
        from patter.vendors.sockets import vendor_socket

        check_setup(WHO, self.can, setup)
        deadline = asyncio.get_running_loop().time() + self.open_s
        connection = vendor_socket(
            socket_url(self.base_url, "/realtime"),
            errors=ERRORS,
            headers=self._headers,
            query=[("model", self.model)],
            hung_up=hung_up,
            connect_s=self.open_s,
        )
        async with connection as socket, task_scope() as tasks:
            session = RealtimeSession(
                socket=socket,
                talk=self._conversation(setup),
                can=self.can,
                setup=setup,
                response_s=self.response_s,
            )
            with ERRORS.translated():
                async with asyncio.timeout_at(deadline):
                    await session.begin(session_of(self, setup))
            at_work = (session.read(), session.watch(), _ending(session, call.clock))
            running = [tasks.create_task(each, name="openai-realtime") for each in at_work]
            try:
                yield session
            finally:
                session.end()
                for each in running:
                    each.cancel()

    async def check(self) -> HealthReport:
        """Ask OpenAI for the model: the key is good, and the model is there."""
        requests = await asyncio.to_thread(import_module, "patter.vendors.requests")
        report: HealthReport = await requests.checked(
            f"{self.base_url}/models/{quote(self.model, safe=':')}",
            errors=ERRORS,
            headers=self._headers,
            text=lambda _: self.model,
        )
        return report

    async def warm(self) -> None:
        """Import what a call needs, and leave an open connection, which the socket will take."""
        await self.check()

    def _conversation(self, setup: EngineSetup) -> RealtimeConversation:
        return RealtimeConversation(
            instructions=setup.instructions,
            responds=setup.turns.responds,
            manual=detection_of(self, setup.turns) is TurnDetection.MANUAL,
            audio_out=setup.audio_out,
            secret=self.api_key,
        )

    @property
    def _headers(self) -> dict[str, str]:
        whose = {"OpenAI-Organization": self.organization, "OpenAI-Project": self.project}
        headers = {name: value for name, value in whose.items() if value}
        return {"Authorization": f"Bearer {self.api_key}", **headers}


_CAN = EngineCapabilities(
    truncation=Truncation.EXACT,
    history=HistoryForm.ROWS,
    responds_on_request=True,
    interrupts_on_request=True,
    cancel=True,
    text_in=True,
    quiet_tool_results=True,
    update_tools=True,
    update_instructions=True,
    usage=True,
    text_out=True,
    max_session_s=3_600,
)
"""Of its voice: `update_voice` is missing, for it cannot change once the model has spoken."""


async def _ending(session: RealtimeSession, clock: Clock) -> None:
    """Say in time that the vendor will end *session*."""
    left_s = float(MAX_SESSION_S)
    if session.expires_at is not None:
        # A clock that is wrong here must not end a call that has just begun.
        left_s = min(left_s, max(session.expires_at - clock.wall(), ENDING_S))
    await clock.sleep((left_s - ENDING_S) * 1_000)
    session.warn(ENDING_S * 1_000)


if TYPE_CHECKING:
    _: type[Engine] = OpenAIRealtime
