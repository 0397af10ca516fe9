"""What of an agent can be handed over in the middle of a call: what it knows and may do.

Voice, ears, media and turn-taking are the call's and stay.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs

from patter.providers.guardrail import GuardrailProvider
from patter.tools.skill import Skill
from patter.tools.tool import Tool


def names_of(handoffs: Mapping[str, object]) -> str:
    """How they are shown: two agents that hand over to each other have no end."""
    return repr(list(handoffs))


@attrs.frozen(kw_only=True)
class Role:
    """One agent's part in a call, variables filled in; the fields are those of `CallPlan`.

    *handoffs* make the roles that it may hand over to, by name, when they are needed: they may
    raise PatterError.
    """

    agent: str = "agent"
    system_prompt: str = ""
    application_words: tuple[str, ...] | None = None
    tools: tuple[Tool, ...] = ()
    guardrails: tuple[GuardrailProvider, ...] = ()
    text_transforms: tuple[Callable[[str], str], ...] = ()
    skills: tuple[Skill, ...] = ()
    handoffs: Mapping[str, Callable[[], Role]] = attrs.field(factory=dict, repr=names_of)


RoleMaker: TypeAlias = Callable[[], Role]
