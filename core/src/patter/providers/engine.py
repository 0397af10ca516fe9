"""Speech-to-speech engines: one vendor that is stt, llm and tts.

What an engine reports, and in which order, is in `patter.providers.engine_events`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from enum import StrEnum
from typing import Protocol

import attrs

from patter.audio.formats import AudioFormat
from patter.errors import InputError
from patter.providers.context import CallContext
from patter.providers.engine_events import EngineEvent
from patter.providers.llm import Message, ToolSpec

OPEN_S = 5.0
"""`Engine.open` has yielded or raised by then; a caller is waiting on the line."""

INTERRUPT_S = 1.0
"""After `EngineSession.interrupt` the response has its ResponseDone by then."""

DELIVER_S = 2.0
"""Every other method of a session has handed its message over, or raised, by then."""


class TurnDetection(StrEnum):
    """Who ends the caller's turn."""

    SILENCE = "silence"
    """The vendor, after a pause."""

    SEMANTIC = "semantic"
    """The vendor, by what was said."""

    MANUAL = "manual"
    """Patter, by `EngineSession.commit`."""


class Verbatim(StrEnum):
    """Which words the vendor speaks exactly as they are written."""

    NEVER = "never"
    """It can only be instructed to say them, and may change them."""

    GREETING = "greeting"
    ALWAYS = "always"


class Truncation(StrEnum):
    """How the vendor's history learns what the caller heard of a response."""

    NONE = "none"
    """It does not: the history keeps what was generated."""

    VENDOR = "vendor"
    """The vendor estimates it."""

    EXACT = "exact"
    """It keeps the *heard_ms* of `EngineSession.interrupt`."""


class HistoryForm(StrEnum):
    """How earlier rows of a conversation reach the vendor."""

    PROMPT = "prompt"
    """Written out in the instructions, by the engine."""

    ROWS = "rows"


@attrs.frozen(kw_only=True)
class EngineCapabilities:
    """What an engine's vendor can do.

    A method that needs what is not declared raises `unsupported`; it is never ignored.
    *turn_detection*: the values `EngineTurns` may have, the default one first.
    *responds_on_request*, *interrupts_on_request*: the vendor's own answering and interrupting
    can be switched off (`EngineTurns`). *cancel* False: an interrupted response ends here, but the
    vendor goes on generating, and charging. *text_in*: `send_text` and `send_keys`.
    *quiet_tool_results*: a tool result need not be followed by a response.
    *setup_tools* False: the vendor's account says which tools there are, not the setup.
    *update_tools*, *update_instructions*, *update_voice*: see `EngineUpdate`. *word_times*:
    ResponseText tells when words end. *usage*: ResponseDone has it. *hears_voice* False: it sends
    no SpeechStarted and SpeechEnded, so that a detector beside it must listen for interruptions.
    *max_session_s*: the vendor closes the session then. *resumption*: it sends SessionHandle and
    takes it in `EngineSetup`. *text_out*: it can answer in text alone (*text_only* of
    `EngineSetup`); its sessions are then a `TextOutSession`.
    """

    turn_detection: tuple[TurnDetection, ...] = (TurnDetection.SILENCE,)
    verbatim: Verbatim = Verbatim.NEVER
    truncation: Truncation = Truncation.NONE
    history: HistoryForm = HistoryForm.PROMPT
    responds_on_request: bool = False
    interrupts_on_request: bool = False
    cancel: bool = False
    text_in: bool = False
    quiet_tool_results: bool = False
    setup_tools: bool = True
    update_tools: bool = False
    update_instructions: bool = False
    update_voice: bool = False
    word_times: bool = False
    usage: bool = False
    hears_voice: bool = True
    resumption: bool = False
    text_out: bool = False
    max_session_s: int | None = None


@attrs.frozen(kw_only=True)
class EngineTurns:
    """Turn-taking. None leaves the vendor's default.

    *responds*: the vendor answers a caller's turn by itself; False: only `respond` does.
    *interrupts*: it stops its response by itself when the caller speaks. Engines that cannot
    switch these off do not refuse False: their events tell (ResponseCause, VendorInterrupted),
    and Patter drops what it does not want.
    """

    detection: TurnDetection | None = None
    silence_ms: int | None = None
    threshold: float | None = None
    eagerness: str | None = None
    responds: bool = False
    interrupts: bool = False


@attrs.frozen(kw_only=True)
class EngineSetup:
    """Everything a session needs to begin, or to go on with, a conversation.

    *history* is what was said before, oldest first, heard words only; the vendor has it before
    its first response. *greeting* is said first, once, without being requested (ResponseCause
    GREETING), as exactly as `Verbatim` allows. With *resume* the vendor has the history already.
    *text_only*: it hears the caller and answers in text, which a voice of the call's own speaks;
    there is no ResponseAudio, and *voice* and *audio_out* mean nothing to it.
    """

    instructions: str
    history: tuple[Message, ...] = ()
    tools: tuple[ToolSpec, ...] = ()
    greeting: str = ""
    voice: str = ""
    language: str = "en"
    audio_in: AudioFormat
    audio_out: AudioFormat
    turns: EngineTurns = EngineTurns()
    resume: str = attrs.field(default="", repr=False)
    text_only: bool = False


@attrs.frozen(kw_only=True)
class EngineUpdate:
    """What changes in mid-call; None leaves it as it is. *tools* replaces all of them."""

    instructions: str | None = None
    tools: tuple[ToolSpec, ...] | None = None
    voice: str | None = None


class EngineSession(Protocol):
    """One call's conversation at the vendor.

    Methods hand a message over and do not wait for what it leads to: that comes as events. They
    raise PatterError when the connection is gone, within `DELIVER_S`.
    """

    async def send(self, audio: bytes) -> None:
        """The caller's next audio, any length, whole samples of the setup's *audio_in*."""
        ...

    async def send_text(self, text: str) -> None:
        """The caller wrote *text*: a complete turn, answered as a spoken one would be."""
        ...

    async def send_keys(self, digits: str) -> None:
        """The caller pressed *digits*: a row of the conversation, which no response follows.

        Vendors without keys of their own are sent a sentence that says so.
        """
        ...

    async def commit(self) -> None:
        """The caller's turn is over (`TurnDetection.MANUAL`).

        `respond` is the next step, unless the vendor answers by itself (see `EngineTurns`).
        """
        ...

    async def respond(self, instructions: str = "") -> str:
        """Request a response, with *instructions* for this one only; return its id at once.

        One that is requested while another runs starts after it. Vendors that answer callers only
        are sent the *instructions* as a row of the caller.
        """
        ...

    async def say(self, text: str) -> str:
        """Request that *text* is said: a notice, a goodbye, "are you still there?".

        Exactly so with `Verbatim.ALWAYS`; else the vendor is instructed to. Returns the id of the
        response, which becomes part of the history.
        """
        ...

    async def interrupt(self, response_id: str, heard_ms: int) -> None:
        """Stop a response of which the caller heard *heard_ms*, and keep only that in history.

        A response that is done is no error: audio comes faster than it is played, so most
        interrupted responses were generated in full. ResponseTruncated confirms the history.
        """
        ...

    async def tool_result(
        self, tool_call_id: str, result: str, *, failed: bool = False, respond: bool = True
    ) -> None:
        """Answer a ResponseToolCall.

        Once the results of all tool calls of a response are delivered and that response is done,
        the next response starts by itself (ResponseCause TOOL), unless the last of them was
        delivered with *respond* False. A result the vendor no longer waits for is dropped.
        """
        ...

    async def update(self, update: EngineUpdate) -> None:
        """Change tools, instructions or voice; responses that start from now on have them."""
        ...

    def __aiter__(self) -> AsyncIterator[EngineEvent]:
        """Events until the session closes. One reader.

        Ends when the vendor hangs up in order; raises PatterError for an error that does not pass.
        """
        ...


class TextOutSession(EngineSession, Protocol):
    """A session of an engine with *text_out*. What was heard of a text is words, not time."""

    async def interrupt_text(self, response_id: str, heard: str) -> None:
        """`interrupt` a response of text alone, of which the caller heard *heard*, its beginning.

        History keeps these words, none when it is empty; ResponseTruncated (*text*) confirms it.
        """
        ...


class Engine(Protocol):
    """Settings of an engine."""

    @property
    def accepts(self) -> tuple[AudioFormat, ...]:
        """Formats it can be sent, best first."""
        ...

    @property
    def produces(self) -> tuple[AudioFormat, ...]:
        """Formats it can deliver, best first."""
        ...

    @property
    def can(self) -> EngineCapabilities:
        """What its vendor can do with these settings."""
        ...

    def open(
        self, call: CallContext, setup: EngineSetup
    ) -> AbstractAsyncContextManager[EngineSession]:
        """Connect for one call and tell the vendor the whole *setup*.

        The setup's formats are of `accepts` and `produces`. Raises PatterError: AUTH, RATE_LIMIT,
        CONNECTION, TIMEOUT or PROVIDER_ERROR as the vendor answers; and `unsupported` for a turn
        detection, a resume, or text alone, that `can` does not have.
        """
        ...


def unsupported(engine: str, what: str) -> InputError:
    """The error for what *engine* has not declared in its capabilities."""
    return InputError(
        f"{engine} cannot {what}", fix="check the engine's capabilities (`can`) before"
    )


def check_setup(engine: str, can: EngineCapabilities, setup: EngineSetup) -> None:
    """Raise `unsupported` for a *setup* that needs more than *can*."""
    detection = setup.turns.detection
    if detection is not None and detection not in can.turn_detection:
        raise unsupported(engine, f"end turns by {detection.value} detection")
    if setup.resume and not can.resumption:
        raise unsupported(engine, "resume a session")
    if setup.text_only and not can.text_out:
        raise unsupported(engine, "answer in text alone")


def check_update(engine: str, can: EngineCapabilities, update: EngineUpdate) -> None:
    """Raise `unsupported` for an *update* that needs more than *can*; nothing of it was sent."""
    for name in ("tools", "instructions", "voice"):
        if getattr(update, name) is not None and not getattr(can, f"update_{name}"):
            raise unsupported(engine, f"change its {name} in mid-call")
