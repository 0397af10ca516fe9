"""Agents that live at ElevenLabs: their settings, their script, and the paths that lead to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import attrs
from aiohttp import web

from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter_elevenlabs.double.convai_rules import OVERRIDES
from patter_elevenlabs.double.convai_session import HostedConversation

if TYPE_CHECKING:
    from patter_elevenlabs.double.vendor import ElevenLabsDouble

EVENTS = frozenset(
    {
        "agent_response",
        "agent_response_correction",
        "audio",
        "client_error",
        "client_tool_call",
        "conversation_initiation_metadata",
        "interruption",
        "ping",
        "tentative_user_transcript",
        "user_transcript",
    }
)
"""What an agent sends; others are switched on in its settings."""


@attrs.define(eq=False, kw_only=True)
class HostedAgent:
    """One agent, as its account has it. What a caller says and hears is scripted by the double.

    *hears* and *speaks* are its audio formats, *allowed* the overrides that its Security settings
    allow, *required* the variables its prompt cannot do without, *events* what it sends. A tool
    of *forgotten* is called without its result being waited for. It takes a caller's turn as over
    after *pause_ms*, and speaks in pieces of *piece_ms*, each of which it sends *pace* times as
    long after the one before as it lasts: 1 is real time, 0 at once. Of its speech *late_pieces*
    still come when it has been interrupted. The first message has to come within *first_s*, a
    pong before the next ping, each *ping_s*. A conversation ends after *max_duration_s*.
    """

    agent_id: str = "agent_double"
    name: str = "Double"
    prompt: str = "You are a double."
    first_message: str = ""
    hears: str = "ulaw_8000"
    speaks: str = "ulaw_8000"
    allowed: frozenset[str] = frozenset(OVERRIDES)
    required: frozenset[str] = frozenset()
    hosted_tools: tuple[ToolSpec, ...] = ()
    forgotten: frozenset[str] = frozenset()
    events: frozenset[str] = EVENTS
    branches: frozenset[str] = frozenset()
    pause_ms: float = 300.0
    piece_ms: int = 100
    pace: float = 0.0
    ms_per_letter: int = 60
    late_pieces: int = 0
    first_s: float = 2.0
    ping_s: float = 2.0
    max_duration_s: float = 600.0
    conversations: list[HostedConversation] = attrs.field(factory=list, init=False, repr=False)

    def routes(self, double: ElevenLabsDouble) -> Iterable[web.RouteDef]:
        """The paths of conversations and of the agent, at *double*."""

        async def converse(request: web.Request) -> web.WebSocketResponse:
            conversation = HostedConversation(self, double)
            self.conversations.append(conversation)
            return await conversation.serve(request)

        async def sign(request: web.Request) -> web.Response:
            if request.query.get("agent_id") != self.agent_id:
                return double.refusal(404, "no such agent")
            token = f"cvtkn_{uuid4().hex}"
            double.tokens.add(token)
            query = {name: request.query[name] for name in request.query}
            address = request.url.with_scheme("ws").with_path("/v1/convai/conversation")
            signed = address.with_query({**query, "conversation_signature": token})
            return web.json_response({"signed_url": str(signed)})

        async def tell(request: web.Request) -> web.Response:
            if request.match_info["agent_id"] != self.agent_id:
                return double.refusal(404, "no such agent")
            return web.json_response(self.resource())

        return [
            web.get("/v1/convai/conversation", converse),
            web.get("/v1/convai/conversation/get-signed-url", sign),
            web.get("/v1/convai/agents/{agent_id}", tell),
        ]

    def resource(self) -> dict[str, Any]:
        """The agent as the API tells of it: what a conversation needs of it."""
        return {
            "agent_id": self.agent_id,
            "name": self.name,
            "conversation_config": {
                "agent": {"first_message": self.first_message, "prompt": {"prompt": self.prompt}},
                "asr": {"user_input_audio_format": self.hears},
                "conversation": {
                    "client_events": sorted(self.events),
                    "max_duration_seconds": int(self.max_duration_s),
                },
                "tts": {"agent_output_audio_format": self.speaks},
            },
            "metadata": {"created_at_unix_secs": 0, "updated_at_unix_secs": 0},
            "platform_settings": {
                "overrides": {"conversation_config_override": _permits(self.allowed)}
            },
        }

    @property
    def instructions(self) -> str:
        """The prompt of the latest conversation."""
        return self.latest.prompt

    @property
    def rows(self) -> Sequence[Message]:
        """The latest conversation as the agent remembers it."""
        return self.latest.rows

    @property
    def tools(self) -> Sequence[str]:
        """The names of its tools."""
        return [tool.name for tool in self.hosted_tools]

    @property
    def latest(self) -> HostedConversation:
        """The conversation that began last."""
        assert self.conversations, "nobody has called"
        return self.conversations[-1]

    async def hear(self, text: str) -> None:
        """The callers of all conversations say *text*."""
        for conversation in self.conversations:
            await conversation.hear(text)

    async def want(self, request: ToolRequest) -> None:
        """Have the agent of the latest conversation call a tool."""
        self.latest.want(request)

    async def warn(self) -> None:
        """Report an error that passes."""
        await self.latest.warn()

    async def linger(self) -> None:
        """From now on the agent goes on speaking until it is interrupted."""
        self.latest.lingers = True


def _permits(allowed: Iterable[str]) -> dict[str, Any]:
    """Each of *allowed* as true, at its place in a tree."""
    tree: dict[str, Any] = {}
    for name in allowed:
        at = tree
        *parents, leaf = name.split(".")
        for parent in parents:
            at = at.setdefault(parent, {})
        at[leaf] = True
    return tree
