"""What the model in the double hears, says and calls; and what its latest conversation holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import attrs

from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter_testing.doubles.scripted_model import Answer, ScriptedModel
from patter_testing.doubles.vendor_sound import MS_PER_LETTER

_OBEYED = re.compile(r"\bsay\b[^:]*:\s*(?P<words>.+)\Z", re.IGNORECASE | re.DOTALL)


class ScriptedSession(Protocol):
    """A conversation, as whoever holds the script sees it."""

    @property
    def session(self) -> Mapping[str, Any]: ...

    def rows(self) -> Sequence[Message]: ...

    async def hear(self, text: str) -> None: ...

    async def want(self, *requests: ToolRequest) -> None: ...

    async def report(self, code: str, message: str) -> None: ...


@attrs.define(eq=False, kw_only=True)
class RealtimeScript:
    """The script of all conversations; `session` is the latest.

    The model says the next of *replies*, then the last again, and without any what the double's
    `model` answers; what it is instructed to say ("say ...: words") it says word for word.
    *calls* are made, all in one response, instead of the next reply. Speech has *ms_per_letter*,
    and comes in pieces of *piece_ms*, each *pace_ms* after the other. With *lingers* a response
    goes on until it is cancelled. The next responses
    have the *failures*, as ``{"code", "message", "type"}``, or are *filtered* by their content.

    *session_s* is how long a session lasts. With *keeps_pcm* other formats are not honoured.
    """

    replies: tuple[str, ...] = ("Of course.",)
    calls: list[ToolRequest] = attrs.field(factory=list)
    failures: list[dict[str, str]] = attrs.field(factory=list)
    filtered: int = 0
    ms_per_letter: int = MS_PER_LETTER
    piece_ms: int = 100
    pace_ms: float = 0.0
    lingers: bool = False
    session_s: float = 3_600
    keeps_pcm: bool = False
    sessions: list[ScriptedSession] = attrs.field(factory=list, init=False)
    _replied: int = attrs.field(default=0, init=False)

    def answer(self, model: ScriptedModel, instructions: str, tools: Sequence[ToolSpec]) -> Answer:
        """What is said or called next, with *instructions* for this response alone."""
        if self.calls:
            calls, self.calls = tuple(self.calls), []
            return Answer(tools=calls)
        if order := _OBEYED.search(instructions):
            return Answer(order["words"].strip())
        if not self.replies:
            return model.answer(self.rows, tools)
        self._replied += 1
        return Answer(self.replies[min(self._replied, len(self.replies)) - 1])

    @property
    def session(self) -> ScriptedSession:
        """The latest conversation."""
        return self.sessions[-1]

    @property
    def instructions(self) -> str:
        """Those in force."""
        return str(self.session.session["instructions"])

    @property
    def rows(self) -> Sequence[Message]:
        """The conversation as the model remembers it."""
        return self.session.rows()

    @property
    def tools(self) -> Sequence[str]:
        """The names of its tools."""
        return [tool["name"] for tool in self.session.session["tools"]]

    async def hear(self, text: str) -> None:
        """The caller says *text*, and pauses."""
        await self.session.hear(text)

    async def want(self, request: ToolRequest) -> None:
        """The model begins a response that calls a tool."""
        await self.session.want(request)

    async def warn(self) -> None:
        """Report an error that ends nothing."""
        await self.session.report("server_hiccup", "Something went wrong; the session goes on.")

    async def linger(self) -> None:
        """From now on responses go on until they are cancelled."""
        self.lingers = True
