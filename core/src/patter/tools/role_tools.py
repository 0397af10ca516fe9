"""The tools of an agent that can hand over to others, or has skills: ``handoff_to``, ``use_skill``.

They are made anew for each role, since their descriptions say whom and what there is.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from patter.providers.llm import ToolSpec
from patter.tools.skill import Skill
from patter.tools.tool import Handler, Tool

HANDOFF, USE_SKILL = "handoff_to", "use_skill"
RESERVED = frozenset({"end_call", "transfer_call", HANDOFF, USE_SKILL})
"""Names that no tool of a skill may have."""


class RoleControls(Protocol):
    """What the tools do to the role that the agent has on this call."""

    async def handoff(self, name: str, reason: str) -> dict[str, Any] | str: ...

    async def use_skill(self, name: str) -> dict[str, Any]: ...


def role_specs(handoffs: Iterable[str], skills: Iterable[Skill]) -> tuple[ToolSpec, ...]:
    """What a model is shown of them: each only where there is something to choose."""
    names, kept = tuple(handoffs), tuple(skills)
    return (*([_handoff(names)] if names else ()), *([_use_skill(kept)] if kept else ()))


def role_tools(
    controls: RoleControls, handoffs: Iterable[str], skills: Iterable[Skill]
) -> tuple[Tool, ...]:
    """The tools of `role_specs`, which act on *controls*."""

    async def handoff_to(name: str, reason: str = "") -> dict[str, Any] | str:
        return await controls.handoff(name, reason)

    async def use_skill(skill_name: str) -> dict[str, Any]:
        return await controls.use_skill(skill_name)

    handlers: dict[str, Handler] = {HANDOFF: handoff_to, USE_SKILL: use_skill}
    # Of effect once: a caller who speaks meanwhile must not leave vendor and call in two minds.
    return tuple(
        Tool(
            name=spec.name,
            description=spec.description,
            parameters=spec.parameters,
            handler=handlers[spec.name],
            effect="once",
        )
        for spec in role_specs(handoffs, skills)
    )


def _handoff(names: tuple[str, ...]) -> ToolSpec:
    return ToolSpec(
        HANDOFF,
        "Transfer the caller to another agent on this line, who goes on with the same voice and "
        f"knows what was said. There are: {', '.join(names)}.",
        {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "Which one."},
                "reason": {"type": "string", "description": "Why, in a few words."},
            },
            "required": ["name"],
        },
    )


def _use_skill(skills: tuple[Skill, ...]) -> ToolSpec:
    listed = "; ".join(f"{skill.name}: {skill.description}" for skill in skills)
    return ToolSpec(
        USE_SKILL,
        f"Get the instructions and tools for a part of your work. There are: {listed}",
        {
            "type": "object",
            "properties": {"skill_name": {"type": "string", "description": "Which one."}},
            "required": ["skill_name"],
        },
    )
