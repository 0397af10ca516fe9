"""What the model of Live sessions hears, says and calls; and what its latest session holds."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

import attrs

from patter.providers.llm import Message, ToolRequest, ToolSpec
from patter_testing.doubles.scripted_model import Answer, ScriptedModel
from patter_testing.doubles.vendor_sound import MS_PER_LETTER

_OBEYED = re.compile(r"\bsay\b[^:]*:\s*(?P<words>.+?)\)?\Z", re.IGNORECASE | re.DOTALL)


class ScriptedSession(Protocol):
    """A session, as whoever holds the script sees it."""

    rows: list[Message]
    instructions: str

    @property
    def tools(self) -> Sequence[ToolSpec]: ...

    async def hear(self, text: str) -> None: ...

    async def want(self, *requests: ToolRequest) -> None: ...

    async def report(self, reason: str) -> None: ...


@attrs.define(eq=False, kw_only=True)
class LiveScript:
    """The script of all sessions; `session` is the latest.

    The model says the next of *replies*, then the last again, and without any what the double's
    `model` answers; what it is asked to say ("say ...: words") it says word for word. *calls* are
    made, all at once, instead of the next reply. Speech has *ms_per_letter*, and comes in pieces
    of *piece_ms*, each *pace_ms* after the other. With *lingers* a turn goes on until it is
    interrupted, with *plays* its end waits until a telephone has played it. The next turns end for
    the *reasons*, with nothing said; *thought* is what it thinks before each.

    With *late_words* the caller's words are told after the answer has begun, *guesses* tells
    interims, and *finishes* marks the last of them. A connection lasts *connection_s*, and the
    vendor says so *warning_s* before; it ends with *farewell*, a code and words.
    """

    replies: tuple[str, ...] = ("Of course.",)
    calls: list[ToolRequest] = attrs.field(factory=list)
    reasons: list[str] = attrs.field(factory=list)
    thought: str = ""
    ms_per_letter: int = MS_PER_LETTER
    piece_ms: int = 100
    pace_ms: float = 0.0
    lingers: bool = False
    plays: bool = False
    late_words: bool = False
    guesses: bool = False
    finishes: bool = False
    connection_s: float = 600.0
    warning_s: float = 50.0
    farewell: tuple[int, str] = (1_000, "The operation was cancelled.")
    sessions: list[ScriptedSession] = attrs.field(factory=list, init=False)
    handles: dict[str, tuple[Message, ...]] = attrs.field(factory=dict, init=False)
    """What sessions that can be resumed remember."""
    _replied: int = attrs.field(default=0, init=False)

    def answer(
        self, model: ScriptedModel, rows: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> Answer:
        """What is said or called next, to *rows*."""
        if self.calls:
            calls, self.calls = tuple(self.calls), []
            return Answer(tools=calls)
        latest = rows[-1] if rows else Message("user")
        if latest.role == "user" and (order := _OBEYED.search(latest.text)):
            return Answer(order["words"].strip())
        if not self.replies:
            return model.answer(rows, tools)
        self._replied += 1
        return Answer(self.replies[min(self._replied, len(self.replies)) - 1])

    def keep(self, rows: Sequence[Message]) -> str:
        """The handle under which *rows* are remembered."""
        handle = f"handle-{len(self.handles) + 1}"
        self.handles[handle] = tuple(rows)
        return handle

    def remembered(self, handles: Mapping[str, str]) -> list[Message] | None:
        """What a ``sessionResumption`` goes on from; None for a handle that is none."""
        handle = handles.get("handle") or ""
        if not handle:
            return []
        return list(self.handles[handle]) if handle in self.handles else None

    @property
    def session(self) -> ScriptedSession:
        """The latest session."""
        return self.sessions[-1]

    @property
    def instructions(self) -> str:
        """Those in force."""
        return self.session.instructions

    @property
    def rows(self) -> Sequence[Message]:
        """The conversation as the model remembers it."""
        return self.session.rows

    @property
    def tools(self) -> Sequence[str]:
        """The names of its tools."""
        return [tool.name for tool in self.session.tools]

    async def hear(self, text: str) -> None:
        """The caller says *text*, and pauses."""
        await self.session.hear(text)

    async def want(self, request: ToolRequest) -> None:
        """The model begins a turn that calls a tool."""
        await self.session.want(request)

    async def warn(self) -> None:
        """Report that nothing comes of something, which ends nothing."""
        await self.session.report("RESPONSE_REJECTED")

    async def linger(self) -> None:
        """From now on turns go on until they are interrupted."""
        self.lingers = True
