"""Agents that live at ElevenLabs: their settings, their script, and the paths that lead to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import uuid4

import attrs
from aiohttp import web

from patter.providers.llm import Message, ToolRequest
from patter_elevenlabs.double.convai_session import HostedConversation
from patter_elevenlabs.double.convai_settings import AgentSettings
from patter_testing.doubles.vendor_double import VendorDouble


@attrs.define(eq=False, kw_only=True)
class HostedAgent(AgentSettings):
    """An agent that is called; its *conversations* are in the order they began."""

    conversations: list[HostedConversation] = attrs.field(factory=list, init=False, repr=False)

    def routes(self, double: VendorDouble, tokens: set[str]) -> Iterable[web.RouteDef]:
        """The paths of conversations and of the agent, at *double*; *tokens* admit, too."""

        async def converse(request: web.Request) -> web.WebSocketResponse:
            conversation = HostedConversation(self, double, self.conversations.append)
            return await conversation.serve(request)

        async def sign(request: web.Request) -> web.Response:
            if not self.is_called(request.query.get("agent_id", "")):
                return double.refusal(404, "no such agent")
            token = f"cvtkn_{uuid4().hex}"
            tokens.add(token)
            query = {name: request.query[name] for name in request.query}
            address = request.url.with_scheme("ws").with_path("/v1/convai/conversation")
            signed = address.with_query({**query, "conversation_signature": token})
            return web.json_response({"signed_url": str(signed)})

        async def tell(request: web.Request) -> web.Response:
            if not self.is_called(agent_id := request.match_info["agent_id"]):
                return double.refusal(404, "no such agent")
            return web.json_response({**self.resource(), "agent_id": agent_id})

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
            if not conversation.over:
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
