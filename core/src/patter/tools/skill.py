"""A skill: instructions and tools that an agent takes up in the middle of a call, by its name."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from patter.errors import PatterConfigError, PatterTypeError
from patter.tools.tool import Tool


def _tuple_of(tools: Iterable[Tool] | Tool) -> tuple[Tool, ...]:
    if isinstance(tools, Tool) or not isinstance(tools, Iterable):
        raise PatterTypeError("the tools of a skill are no list", fix="write tools=[...]")
    return tuple(tools)


@attrs.frozen
class Skill:
    """What the model may take up with ``use_skill`` when a call needs it.

    Until then it reads only *name* and *description*; from then on *instructions* stand in its
    prompt, and it may call *tools*. Raises PatterConfigError for an empty name or instructions,
    PatterTypeError for what is no text and no tool.
    """

    name: str
    description: str
    instructions: str
    tools: tuple[Tool, ...] = attrs.field(default=(), converter=_tuple_of)

    def __attrs_post_init__(self) -> None:
        for field in ("name", "description", "instructions"):
            if not isinstance(getattr(self, field), str):
                raise PatterTypeError(
                    f"the {field} of a skill is not text", fix=f"write {field}='...'"
                )
        for field in ("name", "instructions"):
            if not getattr(self, field).strip():
                raise PatterConfigError(f"a skill has no {field}", fix=f"give it a {field}")
        if wrong := [each for each in self.tools if not isinstance(each, Tool)]:
            named = getattr(wrong[0], "__name__", type(wrong[0]).__name__)
            raise PatterTypeError(
                f"{named!r} in the tools of skill {self.name!r} is not a Tool",
                fix=f"put @tool above {named}",
            )

    @property
    def chapter(self) -> str:
        """What the prompt says of it once it is taken up."""
        return f"# Skill: {self.name}\n{self.instructions}"
