"""How much of its context a model has left, where the application says how much that is."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import attrs

from patter.call.compaction import estimated_tokens
from patter.call.plan import CallPlan
from patter.observe.call_events import CallEvents
from patter.observe.events import Note
from patter.providers.context import CallContext
from patter.providers.llm import Message

log = logging.getLogger("patter.call")
WARN_SHARE = 0.75


def budget_of(plan: CallPlan, call: CallContext, events: CallEvents) -> ContextBudget | None:
    """The budget of *plan* on *call*, if it has one."""
    tokens = plan.context_token_budget
    return None if tokens is None else ContextBudget(tokens, call.call_id, events)


@attrs.define(eq=False)
class ContextBudget:
    """Warns, once a call, when a request comes near *tokens*."""

    tokens: int
    call_id: str
    events: CallEvents
    _warned: bool = attrs.field(default=False, init=False)

    def shown(self, messages: Sequence[Message]) -> None:
        """A model is shown *messages*."""
        if self._warned:
            return
        used = estimated_tokens(messages)
        if used < self.tokens * WARN_SHARE:
            return
        self._warned = True
        text = f"about {used} of {self.tokens} tokens"
        log.warning("call %s: the model is shown %s of context_token_budget", self.call_id, text)
        self.events.emit(Note(what="context_budget", text=text, context_tokens=used))
