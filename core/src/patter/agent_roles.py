"""Whom an agent may hand over to, and the skills it may take up: checked before any call. Pure.

Two agents that hand over to each other share a mapping that is filled once both are made. So it is
kept as it is, what it holds is checked again when a phone serves, and its circles are no problem.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from patter.agent_fields import refuse_consult, refuse_functions, refuse_texts, refuse_tools
from patter.agent_mcp import refuse_mcp_servers
from patter.errors import indefinite
from patter.parts import AgentResolver
from patter.providers.engine import Engine
from patter.tools.role_tools import HANDOFF, RESERVED, USE_SKILL
from patter.tools.skill import Skill
from patter.tools.tool import Tool


def as_skills(value: Iterable[Skill] | None) -> tuple[Skill, ...]:
    """The skills as a tuple; what is no list is refused later."""
    kept: Any = () if value is None else tuple(value) if isinstance(value, list) else value
    return kept  # type: ignore[no-any-return]


def as_handoffs(value: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The mapping itself, so that it may be filled later; nothing is an empty one."""
    return {} if value is None else value


def refuse_handoffs(resolver: AgentResolver, agent: Any) -> None:
    """Note names that are none, and what is no agent, here and behind those that are."""
    for each in _reachable(agent):
        handoffs = each.handoffs
        if not isinstance(handoffs, Mapping):
            resolver.note_type("handoffs is not a mapping", 'write handoffs={"billing": billing}')
            continue
        for name, other in handoffs.items():
            _refuse_handoff(resolver, name, other, type(agent))
        if handoffs:
            _refuse_name(resolver, each.tools, HANDOFF, "handoffs")


def others(agent: Any) -> Iterator[Any]:
    """The agents that a call of *agent* can come to by handing over, each once."""
    return (each for each in _reachable(agent) if each is not agent)


def refuse_role(resolver: AgentResolver, agent: Any) -> None:
    """Note what is wrong with *agent*, of what another one may hand over to."""
    refuse_tools(resolver, agent.tools)
    refuse_consult(resolver, agent.consult, agent.tools)
    refuse_skills(resolver, agent.skills, agent.tools)
    refuse_mcp_servers(resolver, agent.mcp_servers)
    refuse_texts(resolver, agent)
    refuse_functions(resolver, agent.hooks, agent.text_transforms)


def refuse_skills(resolver: AgentResolver, skills: Any, tools: Any) -> None:
    """Note what is no skill, and names that two of them have, or a tool beside them has."""
    if not isinstance(skills, tuple):
        wrong = indefinite(type(skills).__name__)
        resolver.note_type(f"skills is {wrong}, not a list", "write skills=[Skill(...)]")
        return
    taken = _tool_names(tools)
    names = set[str]()
    for skill in skills:
        if not isinstance(skill, Skill):
            resolver.note_type(f"{skill!r} in skills is not a Skill", "write skills=[Skill(...)]")
            continue
        if skill.name in names:
            resolver.note(f"two skills are named {skill.name!r}", "give one of them another name")
        names.add(skill.name)
        _refuse_taken(resolver, skill, taken)
    if skills:
        _refuse_name(resolver, tools, USE_SKILL, "skills")


def refuse_fixed_engine(resolver: AgentResolver, agent: Any, engine: Engine | None) -> None:
    """Note roles for an *engine* whose vendor lets nobody change them in mid-call."""
    if engine is None or (engine.can.update_tools and engine.can.update_instructions):
        return
    for field in ("handoffs", "skills"):
        if getattr(agent, field):
            resolver.note(
                f"the engine cannot change its instructions and tools in mid-call, so {field} "
                "would do nothing",
                f"remove {field}, or use stt, llm and tts, or another engine",
            )


def _refuse_taken(resolver: AgentResolver, skill: Skill, taken: set[str]) -> None:
    """Note tools of *skill* whose names are *taken*; those of the others are from now on."""
    for tool in skill.tools:
        if tool.name in taken | RESERVED:
            resolver.note(
                f"the tool {tool.name!r} of skill {skill.name!r} has the name of another tool",
                "give it another name",
            )
        taken.add(tool.name)


def _reachable(agent: Any) -> Iterator[Any]:
    waiting, seen = [agent], {id(agent)}
    while waiting:
        each = waiting.pop()
        yield each
        handoffs = each.handoffs if isinstance(each.handoffs, Mapping) else {}
        for other in handoffs.values():
            if isinstance(other, type(agent)) and id(other) not in seen:
                seen.add(id(other))
                waiting.append(other)


def _refuse_handoff(resolver: AgentResolver, name: object, other: object, wanted: type) -> None:
    if not isinstance(name, str):
        resolver.note_type(f"the name {name!r} in handoffs is not text", "name agents with text")
    elif not name.strip():
        resolver.note("a name in handoffs is empty", "give every agent in handoffs a name")
    if not isinstance(other, wanted):
        wrong = indefinite(type(other).__name__)
        resolver.note_type(
            f"{name!r} in handoffs is {wrong}, not an agent", "write phone.agent(...) for it"
        )


def _refuse_name(resolver: AgentResolver, tools: Any, name: str, field: str) -> None:
    if name in _tool_names(tools):
        resolver.note(f"a tool has the name {name!r}, which {field} needs", "give it another name")


def _tool_names(tools: Any) -> set[str]:
    """Those of what is a list of tools; what is none is refused elsewhere."""
    listed = tools if isinstance(tools, tuple) else ()
    return {tool.name for tool in listed if isinstance(tool, Tool)}
