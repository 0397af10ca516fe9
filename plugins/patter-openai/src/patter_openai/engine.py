"""A whole conversation at OpenAI: the Realtime API hears, thinks and speaks over one socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlencode

import attrs

from patter.aio import task_scope
from patter.audio.formats import AudioFormat
from patter.client_pool import client_pool
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
from patter_openai._realtime_settings import DETECTIONS, FORMATS, RealtimeSettings
from patter_openai._settings import host_of

if TYPE_CHECKING:
    import aiohttp

    from patter.clock import Clock
    from patter.providers.context import CallContext
    from patter.providers.engine import Engine
    from patter.providers.health import HealthReport
    from patter_openai._realtime_session import RealtimeSession

PING_S = 20.0
"""A connection that answers no ping is a lost one, and is noticed half of this later."""

LARGEST = 16 << 20
"""No message of the vendor's is anywhere near so large."""

GOODBYE_S = 0.5
CHECK_S = 4.0


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
        from patter_openai._realtime_session import WHO, RealtimeSession

        check_setup(WHO, self.can, setup)
        deadline = asyncio.get_running_loop().time() + self.open_s
        async with client_pool() as pool:
            with ERRORS.translated():
                async with asyncio.timeout_at(deadline):
                    socket = await self._connect(pool.http)
            async with socket, task_scope() as tasks:
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
        from email.utils import parsedate_to_datetime

        from patter.providers.health import HealthReport

        async with client_pool() as pool:
            date = await self._look_up(pool.http)
        wall = parsedate_to_datetime(date).timestamp() if date else None
        return HealthReport(text=self.model, wall=wall)

    async def warm(self) -> None:
        """Import what a call needs, and leave an open connection, which the socket will take."""
        await asyncio.to_thread(_import_session)
        async with client_pool() as pool:
            await self._look_up(pool.http)

    def _conversation(self, setup: EngineSetup) -> RealtimeConversation:
        return RealtimeConversation(
            instructions=setup.instructions,
            responds=setup.turns.responds,
            manual=detection_of(self, setup.turns) is TurnDetection.MANUAL,
            audio_out=setup.audio_out,
            secret=self.api_key,
        )

    async def _connect(self, client: aiohttp.ClientSession) -> aiohttp.ClientWebSocketResponse:
        import aiohttp

        return await client.ws_connect(
            f"{socket_url(self.base_url, '/realtime')}?{urlencode({'model': self.model})}",
            headers=self._headers,
            heartbeat=PING_S,
            timeout=aiohttp.ClientWSTimeout(ws_close=GOODBYE_S),
            max_msg_size=LARGEST,
        )

    async def _look_up(self, client: aiohttp.ClientSession) -> str:
        """Raise what the vendor has against key or model; return its Date."""
        url = f"{self.base_url}/models/{self.model}"
        with ERRORS.translated():
            async with (
                asyncio.timeout(CHECK_S),
                client.get(url, headers=self._headers) as answer,
            ):
                await answer.read()
                if answer.status != 200:
                    raise ERRORS.refused(answer.status, headers=answer.headers)
                return answer.headers.get("Date", "")

    @property
    def _headers(self) -> dict[str, str]:
        whose = {"OpenAI-Organization": self.organization, "OpenAI-Project": self.project}
        told = {name: value for name, value in whose.items() if value}
        return {"Authorization": f"Bearer {self.api_key}", **told}


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
    from patter_openai._realtime_session import ENDING_S, MAX_SESSION_S

    left_s = float(MAX_SESSION_S)
    if session.expires_at is not None:
        # A clock that is wrong here must not end a call that has just begun.
        left_s = min(left_s, max(session.expires_at - clock.wall(), ENDING_S))
    await clock.sleep((left_s - ENDING_S) * 1_000)
    session.warn(ENDING_S * 1_000)


def _import_session() -> None:
    import patter_openai._realtime_session  # noqa: F401


if TYPE_CHECKING:
    _: type[Engine] = OpenAIRealtime
