"""A whole conversation at Google: the Live API hears, thinks and speaks over one socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, ClassVar
from urllib.parse import urlsplit

import attrs

from patter.aio import task_scope
from patter.audio.formats import PCM16_16K, PCM16_24K, AudioFormat
from patter.errors import ErrorCode, PatterError
from patter.providers.context import CallContext
from patter.providers.engine import (
    EngineCapabilities,
    EngineSetup,
    HistoryForm,
    TurnDetection,
    check_setup,
)
from patter.providers.health import HealthReport
from patter.vendors.options import socket_url
from patter_google._errors import ERRORS
from patter_google._http import Access
from patter_google._live_errors import hung_up
from patter_google._live_session import WHO, LiveSession
from patter_google._live_settings import LiveSettings
from patter_google._live_setup import is_manual
from patter_google._live_talk import LiveTalk
from patter_google._settings import BASE_URL, vertex_url

if TYPE_CHECKING:
    from patter.providers.engine import Engine

_SERVICES = {
    False: "google.ai.generativelanguage.{}.GenerativeService.BidiGenerateContent",
    True: "google.cloud.aiplatform.{}.LlmBidiService/BidiGenerateContent",
}
"""The method of Google AI, and of Vertex AI."""

_STALE = frozenset({ErrorCode.PROVIDER_ERROR, ErrorCode.CONNECTION})
"""How a handle that is too old is refused: as an argument that is none, or not at all."""

_TRIED = EngineSetup(instructions="Be brief.", audio_in=PCM16_16K, audio_out=PCM16_24K, language="")


@attrs.frozen(kw_only=True)
class GeminiLive(LiveSettings):
    """Which model to talk through. Immutable: share one between any number of calls.

    Raises PatterConfigError for an option that its model does not have.
    """

    name: ClassVar[str] = "google"
    accepts: ClassVar[tuple[AudioFormat, ...]] = (PCM16_16K,)
    produces: ClassVar[tuple[AudioFormat, ...]] = (PCM16_24K,)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where it connects to."""
        return (urlsplit(self._url).hostname or "",)

    @property
    def can(self) -> EngineCapabilities:
        """What the Live API can do with this model, its turn detection as it is set first."""
        family, detections = self.family, (TurnDetection.SILENCE, TurnDetection.MANUAL)
        return EngineCapabilities(
            turn_detection=detections[::-1] if self.manual_turns else detections,
            history=HistoryForm.ROWS if family.history else HistoryForm.PROMPT,
            interrupts_on_request=not self.vendor_interrupts,
            text_in=True,
            quiet_tool_results=not self.tools_wait,
            update_tools=family.updates,
            update_instructions=family.updates,
            usage=True,
            hears_voice=self.explicit_vad,
            resumption=True,
            max_session_s=None if self.connection_s is None else int(self.connection_s),
        )

    @asynccontextmanager
    async def open(self, call: CallContext, setup: EngineSetup) -> AsyncIterator[LiveSession]:
        """Connect, tell the whole setup, yield a session, and leave no socket behind.

        A handle that the vendor no longer takes is done without: the setup has the history.
        """
        check_setup(WHO, self.can, setup)
        deadline = asyncio.get_running_loop().time() + self.open_s
        async with AsyncExitStack() as stack:
            try:
                session = await stack.enter_async_context(self._begun(call, setup, deadline))
            except PatterError as refused:
                if not setup.resume or refused.code not in _STALE:
                    raise
                setup = attrs.evolve(setup, resume="")
                session = await stack.enter_async_context(self._begun(call, setup, deadline))
            yield session

    async def check(self) -> HealthReport:
        """Open a session and leave it: key, model and options are accepted. Free of charge."""
        async with self.open(CallContext(call_id="check"), _TRIED):
            return HealthReport(text=self.model.removeprefix("models/"))

    async def warm(self) -> None:
        """Import what a call needs, find credentials, and leave an open connection."""
        await asyncio.to_thread(import_module, "patter.vendors.sockets")
        requests = await asyncio.to_thread(import_module, "patter.vendors.requests")
        await self._access.headers()
        await requests.warmed_connection(self._url, ERRORS)

    @asynccontextmanager
    async def _begun(
        self, call: CallContext, setup: EngineSetup, deadline: float
    ) -> AsyncIterator[LiveSession]:
        """A session that is in force by *deadline*, in the loop's time."""
        # It imports aiohttp, which takes a while.
        from patter.vendors.sockets import vendor_socket

        with ERRORS.translated():
            async with asyncio.timeout_at(deadline):
                headers = await self._access.headers()
        connection = vendor_socket(
            socket_url(self._url, f"/ws/{_SERVICES[self.vertexai].format(self.version)}"),
            errors=ERRORS,
            headers=headers,
            hung_up=partial(hung_up, secret=self.api_key),
            connect_s=max(0.0, deadline - asyncio.get_running_loop().time()),
        )
        async with connection as socket, task_scope() as tasks:
            session = LiveSession(
                socket=socket,
                settings=self,
                setup=setup,
                can=self.can,
                clock=call.clock,
                talk=self._talk(setup),
            )
            with ERRORS.translated():
                async with asyncio.timeout_at(deadline):
                    await session.begin()
            running = [tasks.create_task(each, name="gemini-live") for each in session.run()]
            try:
                yield session
            finally:
                session.end()
                for each in running:
                    each.cancel()

    def _talk(self, setup: EngineSetup) -> LiveTalk:
        return LiveTalk(
            tools_wait=self.tools_wait,
            asks_by_text=self.family.asks_by_text,
            hears_voice=self.explicit_vad,
            manual=is_manual(self, setup.turns),
            response_ms=self.response_s * 1_000,
            secret=self.api_key,
        )

    @property
    def _url(self) -> str:
        """Where requests go: an address that was given, else the one of the location."""
        if self.vertexai and self.base_url == BASE_URL:
            return vertex_url(self.location)
        return self.base_url

    @property
    def _access(self) -> Access:
        cloud = {"project": self.project, "location": self.location} if self.vertexai else {}
        return Access(
            base_url=self._url,
            model=self.model,
            api_key=self.api_key,
            version=self.version,
            credentials=self.credentials,
            **cloud,
        )


if TYPE_CHECKING:
    _: type[Engine] = GeminiLive
