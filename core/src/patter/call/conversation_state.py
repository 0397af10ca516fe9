"""Who does what in a conversation, in the words that the documents have for it. Pure."""

from __future__ import annotations

from enum import StrEnum
from typing import TypedDict

from patter.call.turn.state import AgentStatus, CallerStatus, Phase, TurnState


class UserState(StrEnum):
    """What the caller does: `thinking` in a pause of their turn, `away` when long silent."""

    LISTENING = "listening"
    SPEAKING = "speaking"
    THINKING = "thinking"
    AWAY = "away"


class AgentState(StrEnum):
    """What the agent does: `initializing` before the call begins, `idle` when nobody speaks."""

    INITIALIZING = "initializing"
    IDLE = "idle"
    LISTENING = "listening"
    THINKING = "thinking"
    SPEAKING = "speaking"


class ConversationStateSnapshot(TypedDict):
    """Both sides at one moment."""

    user: UserState
    """What the caller does."""
    agent: AgentState
    """What the agent does."""


_USER = {
    CallerStatus.TALKING: UserState.SPEAKING,
    CallerStatus.PAUSED: UserState.THINKING,
}
_AGENT = {
    AgentStatus.SPEAKING: AgentState.SPEAKING,
    AgentStatus.HELD: AgentState.LISTENING,
}


def conversation_state(state: TurnState | None) -> ConversationStateSnapshot:
    """What *state* shows; None: there is no call."""
    if state is None or state.phase is Phase.RINGING:
        return {"user": UserState.LISTENING, "agent": AgentState.INITIALIZING}
    user = _USER.get(state.caller, UserState.LISTENING)
    # The caller is with somebody else, or has let a question of ours go unanswered.
    if state.phase is Phase.AWAY or (user is UserState.LISTENING and state.idle_step):
        user = UserState.AWAY
    attending = user in (UserState.SPEAKING, UserState.THINKING)
    silent = AgentState.LISTENING if attending else AgentState.IDLE
    agent = _AGENT.get(state.agent, silent)
    if state.reply is not None and not state.reply.audible:
        # An answer that is held back before its first sound is still being made, to a caller.
        agent = AgentState.THINKING
    return {"user": user, "agent": agent}
