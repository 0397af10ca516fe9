"""How an agent at ElevenLabs is set up, and what of it can be made to go wrong."""

from __future__ import annotations

import attrs

from patter.providers.llm import ToolSpec
from patter_elevenlabs.double.convai_rules import OVERRIDES

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
class AgentSettings:
    """One agent, as its account has it; without an *agent_id* it is whichever is asked for.

    What a caller says and hears is scripted by the double.

    *hears* and *speaks* are its audio formats, *allowed* the overrides that its Security settings
    allow, *required* the variables its prompt cannot do without, *events* what it sends. A tool
    of *forgotten* is called without its result being waited for. It takes a caller's turn as over
    after *pause_ms*, and speaks in pieces of *piece_ms*, each of which it sends *pace* times as
    long after the one before as it lasts: 1 is real time, 0 at once. Of its speech *late_pieces*
    still come when it has been interrupted. The first message has to come within *first_s*, a
    pong before the next ping, each *ping_s*; *pings_first*: one comes before anything else. A
    conversation ends after *max_duration_s*.
    """

    agent_id: str = ""
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
    pings_first: bool = False
    first_s: float = 2.0
    ping_s: float = 2.0
    max_duration_s: float = 600.0

    def is_called(self, agent_id: str) -> bool:
        """Is it this agent that is asked for?"""
        return bool(agent_id) and self.agent_id in ("", agent_id)
