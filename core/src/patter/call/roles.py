"""Who answers on one call by now: the agent that took it, or one that it was handed over to.

A change of roles makes another plan of the call's, for everybody who goes by it. What was said
stays, and so do voice, ears and whatever is on its way to the caller.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import attrs

from patter.call.consent import RECORDING_CONSENT
from patter.call.control import CallControl
from patter.call.link import as_patter_error
from patter.call.named_targets import ModelControls, NamedTargets
from patter.call.plan import CallPlan
from patter.observe.call_events import CallEvents
from patter.observe.events import Note
from patter.providers.llm import ToolSpec
from patter.tools.builtin import builtin_specs, builtin_tools
from patter.tools.role_tools import RESERVED, role_specs, role_tools
from patter.tools.tool import Tool


def offered_specs(plan: CallPlan, *, transfers: bool) -> tuple[ToolSpec, ...]:
    """What a model is shown of all tools when a call begins, as `CallRoles.tools` has them."""
    own = (each.spec for each in plan.tools)
    roles = role_specs(plan.handoffs, plan.skills)
    asks = (RECORDING_CONSENT,) if plan.consent else ()
    specs = (*builtin_specs(transfers=transfers), *asks, *roles, *own)
    return tuple({spec.name: spec for spec in specs}.values())


@attrs.define(eq=False, kw_only=True)
class CallRoles:
    """The role of the agent of *plan* on the call of *control*.

    *on_change* is awaited with each other plan, and makes it the call's.
    """

    plan: CallPlan
    control: CallControl
    events: CallEvents
    on_change: Callable[[CallPlan], Awaitable[None]]
    named: NamedTargets = attrs.field(init=False)
    _skills: set[str] = attrs.field(factory=set, init=False)
    _turn: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)

    def __attrs_post_init__(self) -> None:
        self.named = NamedTargets(self._words)

    def tools(self) -> dict[str, Tool]:
        """What the model may call now, by name."""
        controls = ModelControls(self.control, self.named)
        builtin = builtin_tools(controls, transfers=self.control.can_transfer)
        offered = (*builtin, *self.control.offers)
        own = role_tools(self, self.plan.handoffs, self.plan.skills)
        return {tool.name: tool for tool in (*offered, *own, *self.plan.tools)}

    def add_result(self, tool: str, result: str) -> None:
        """*tool* has returned *result*: a built-in one only repeats what the model has asked."""
        if tool not in RESERVED or any(own.name == tool for own in self.plan.tools):
            self.named.add_result(result)

    async def handoff(self, name: str, reason: str) -> dict[str, Any] | str:
        """Become the agent that is called *name*; the answer is for the model."""
        async with self._turn:
            make = self.plan.handoffs.get(name)
            if make is None:
                return {"error": f"there is no agent {name!r}", "available": [*self.plan.handoffs]}
            try:
                role = make()
            except Exception as raised:
                broken = as_patter_error(raised, f"agent {name!r}")
                self.events.error(broken, "handoff_to")
                return {"error": broken.message, "available": [*self.plan.handoffs]}
            because = f": {reason}" if reason else ""
            row = f"[handoff] {self.plan.agent} to {name}{because}"
            self.events.emit(Note(what="handoff", text=f"{name}{because}"))
            self._skills.clear()
            await self._change(self.plan.in_role(role))
            return f"{row}. You are {name} now: go on with the caller by your own instructions."

    async def use_skill(self, name: str) -> dict[str, Any]:
        """Take up the skill that is called *name*; the answer is for the model."""
        async with self._turn:
            skills = {skill.name: skill for skill in self.plan.skills}
            if (skill := skills.get(name)) is None:
                return {"error": f"there is no skill {name!r}", "available": [*skills]}
            if name in self._skills:
                return {"status": "already_active"}
            self._skills.add(name)
            self.events.emit(Note(what="skill", text=name))
            await self._change(self.plan.with_skill(skill))
            tools = [tool.name for tool in skill.tools]
            return {"status": "active", "instructions": skill.instructions, "tools": tools}

    @property
    def _words(self) -> tuple[str, ...]:
        words = self.plan.application_words
        return (self.plan.system_prompt,) if words is None else words

    async def _change(self, plan: CallPlan) -> None:
        self.plan = plan
        self.named.words = self._words
        await self.on_change(plan)
