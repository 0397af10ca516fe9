"""An agent that lives at ElevenLabs (ElevenAgents, once Conversational AI) as an engine.

Its prompt, voice, tools, turn-taking and audio formats are those of the agent; what a call brings
of its own is an override, and each kind of override has to be allowed in the agent's Security
settings.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

import attrs
import orjson
from yarl import URL

from patter.aio import task_scope
from patter.audio.convert import Converter, Same, WholeSamples, converter
from patter.audio.fit import chain
from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, PCM16_24K, AudioFormat, Encoding
from patter.client_pool import ClientPool, client_pool
from patter.env import credential
from patter.errors import PatterConfigError
from patter.providers.context import CallContext
from patter.providers.engine import (
    EngineCapabilities,
    EngineSetup,
    HistoryForm,
    Truncation,
    TurnDetection,
    Verbatim,
    check_setup,
)
from patter.providers.health import HealthReport
from patter.vendors.options import address, key, number, socket_url, switch
from patter.vendors.requests import checked, warmed_connection
from patter.vendors.sockets import VendorSocket, vendor_socket
from patter_elevenlabs import _convai_wire as wire
from patter_elevenlabs._convai_agent import report_on
from patter_elevenlabs._convai_errors import hung_up
from patter_elevenlabs._convai_session import VENDOR, ConvAISession
from patter_elevenlabs._convai_setup import overrides, variables, written_history
from patter_elevenlabs._convai_signed import signer
from patter_elevenlabs._convai_talk import Talk
from patter_elevenlabs._errors import ERRORS, of_answer
from patter_elevenlabs._settings import BASE_URL, KEY

if TYPE_CHECKING:
    from patter.providers.engine import Engine

OPEN_S = 4.0
"""Less than a call waits for an engine, so that its error is told."""

MOST_S = 86_400.0
"""A day; nothing of a call takes longer."""


def _agent(value: str | None) -> str:
    return credential("ElevenLabsConvAI", "agent_id", value, "ELEVENLABS_AGENT_ID")


def _object(option: str | Mapping[str, Any]) -> dict[str, Any]:
    """A mapping, or the JSON text of one, as options are written in a spec string."""
    try:
        value = orjson.loads(option) if isinstance(option, str) else dict(option)
    except (ValueError, TypeError):
        value = None
    if not isinstance(value, dict):
        raise PatterConfigError(
            "dynamic_variables and custom_llm_extra_body are mappings",
            fix='give a dict, or JSON text such as {"name": "Rosa"}',
        )
    return value


@attrs.frozen(kw_only=True)
class ElevenLabsConvAI:
    """Which agent to talk through, and what a call overrides of it.

    *agent_id* falls back to ELEVENLABS_AGENT_ID. *use_signed_url* asks for a signed address first,
    with the vendor's client (extra ``sdk``); the key is then not sent with the conversation.
    *branch_id* and *environment* are the agent's. Overrides, each only where it is given: *voice*
    (else the call's), *model_id*, *speed* (0.7 to 1.2), *stability* and *similarity_boost* (0 to
    1), *language* (else the call's, unless that is English, which is what calls have when nobody
    chose), *max_duration_s*. *override_prompt* False leaves the agent its own prompt: the call's
    instructions are not sent, and its history as an update.

    *dynamic_variables* and those of the call fill the agent's placeholders; *custom_llm_extra_body*
    goes to a language model of your own. A response is over after *quiet_s* without audio, and has
    failed *answer_s* after it was asked for.
    """

    accepts: ClassVar[tuple[AudioFormat, ...]] = (MULAW_8K, PCM16_16K, PCM16_8K, PCM16_24K)
    produces: ClassVar[tuple[AudioFormat, ...]] = (MULAW_8K, PCM16_16K, PCM16_8K, PCM16_24K)

    agent_id: str = attrs.field(default=None, converter=_agent)
    use_signed_url: bool = switch()
    branch_id: str = ""
    environment: str = ""
    override_prompt: bool = switch(True)
    voice: str = ""
    model_id: str = ""
    language: str = ""
    speed: float | None = number(None, 0.7, 1.2)
    stability: float | None = number(None, 0, 1)
    similarity_boost: float | None = number(None, 0, 1)
    max_duration_s: int | None = number(None, 1, MOST_S, whole=True)
    dynamic_variables: Mapping[str, Any] = attrs.field(factory=dict, converter=_object)
    custom_llm_extra_body: Mapping[str, Any] = attrs.field(factory=dict, converter=_object)
    user_id: str = ""
    quiet_s: float = number(0.5, 0.001, MOST_S)
    answer_s: float = number(20.0, 0.001, MOST_S)
    open_s: float = number(OPEN_S, 0.001, MOST_S)
    base_url: str = address(BASE_URL)
    api_key: str = key(KEY)

    @property
    def hosts(self) -> tuple[str, ...]:
        """Where conversations go."""
        return (URL(self.base_url).host or "",)

    @property
    def can(self) -> EngineCapabilities:
        """What an agent can do; its tools, its turns and its memory are its own."""
        return EngineCapabilities(
            turn_detection=(TurnDetection.SILENCE,),
            verbatim=Verbatim.GREETING,
            truncation=Truncation.VENDOR,
            history=HistoryForm.PROMPT,
            text_in=True,
            setup_tools=False,
            word_times=True,
            max_session_s=self.max_duration_s,
        )

    @asynccontextmanager
    async def open(self, call: CallContext, setup: EngineSetup) -> AsyncIterator[ConvAISession]:
        """Connect, tell the agent what is this call's own, and wait until it is there."""
        check_setup(VENDOR, self.can, setup)
        by_s = asyncio.get_running_loop().time() + self.open_s
        async with client_pool() as pool, AsyncExitStack() as line:
            with ERRORS.translated():
                async with asyncio.timeout_at(by_s):
                    socket = await line.enter_async_context(await self._socket(pool))
                    session = await self._begin(socket, call, setup)
            async with task_scope() as tasks:
                work = [tasks.create_task(each, name="elevenlabs-convai") for each in session.run()]
                try:
                    yield session
                finally:
                    session.end()
                    for task in work:
                        task.cancel()

    async def warm(self) -> None:
        """Import the vendor's client where signed addresses are asked for, and connect."""
        async with client_pool() as pool:
            if self.use_signed_url:
                await signer(pool, self.base_url, self.api_key)
            await warmed_connection(self.base_url, ERRORS)

    async def check(self) -> HealthReport:
        """Ask for the agent, and whether it allows what these settings override."""
        url = URL(self.base_url) / "v1/convai/agents" / self.agent_id
        query = {"branch_id": self.branch_id} if self.branch_id else {}
        any_call = EngineSetup(instructions="Hello.", audio_in=MULAW_8K, audio_out=MULAW_8K)
        wanted = overrides(self, any_call)
        return await checked(
            str(url.with_query(query)),
            errors=ERRORS,
            headers=self._headers,
            refused=partial(of_answer, key=self.api_key),
            text=partial(report_on, wanted=wanted, key=self.api_key),
            answer_s=self.open_s,
        )

    @property
    def _headers(self) -> dict[str, str]:
        return {"xi-api-key": self.api_key}

    async def _socket(self, pool: ClientPool) -> AbstractAsyncContextManager[VendorSocket]:
        """The socket of a conversation, which opens when it is entered."""
        opened = partial(
            vendor_socket,
            errors=ERRORS,
            hung_up=partial(hung_up, self.api_key),
            connect_s=self.open_s,
        )
        if self.use_signed_url:
            vendor = await signer(pool, self.base_url, self.api_key)
            signed = await vendor.signed_url(self.agent_id, self.branch_id, self.environment)
            return opened(URL(signed, encoded=True))
        named = {
            "agent_id": self.agent_id,
            "branch_id": self.branch_id,
            "environment": self.environment,
        }
        query = [(name, value) for name, value in named.items() if value]
        url = socket_url(self.base_url, "/v1/convai/conversation")
        return opened(url, query=query, headers=self._headers)

    async def _begin(
        self, socket: VendorSocket, call: CallContext, setup: EngineSetup
    ) -> ConvAISession:
        """Introduce the call, and learn in which formats the agent speaks and hears."""
        await socket.send(
            wire.initiation(
                overrides(self, setup),
                variables(self.dynamic_variables, call),
                self.custom_llm_extra_body,
                self.user_id,
            )
        )
        metadata, early = await _metadata(socket, self.api_key)
        ear = await _join(setup.audio_in, wire.audio_format(metadata.hears))
        voice = await _join(wire.audio_format(metadata.speaks), setup.audio_out)
        talk = Talk(setup.audio_out, voice, self.quiet_s * 1_000, self.answer_s * 1_000)
        session = ConvAISession(socket, self.api_key, self.can, call.clock, talk, ear)
        await session.begin(
            early, bool(setup.greeting), "" if self.override_prompt else written_history(setup)
        )
        return session


async def _metadata(
    socket: VendorSocket, key: str
) -> tuple[wire.Metadata, list[wire.ServerMessage]]:
    """What the conversation begins with, and the messages that came before it."""
    early: list[wire.ServerMessage] = []
    while True:
        message = wire.decode(await socket.receive(), key)
        match message:
            case wire.Metadata():
                return message, early
            case wire.Ping(event_id):
                await socket.send(wire.pong(event_id))
            case wire.Problem(error, ends=True):
                raise error or ERRORS.hung_up()
            case None:
                continue
            case _:
                early.append(message)


async def _join(source: AudioFormat, sink: AudioFormat) -> Converter:
    """A stream from *source* to *sink*; what conversions need is imported in a thread."""
    if steps := chain(source, sink):
        return await asyncio.to_thread(converter, steps)
    return WholeSamples() if source.encoding is Encoding.PCM16 else Same()


if TYPE_CHECKING:
    _: type[Engine] = ElevenLabsConvAI
