"""What an engine did in a recorded call, piece by piece, with its times; values alone.

Times count from when a response began, so that it may begin whenever it is asked for.
"""

from __future__ import annotations

from typing import TypeAlias

import attrs

from patter.providers.llm import ToolRequest
from patter.providers.tts import SpokenWord

WITHHELD = "(Words that a guardrail stopped before any was heard; the record has none of them.)"


@attrs.frozen
class Words:
    """*text* comes *after_ms*, its audio of *lasts_ms* from *sounds_ms* on; *words* are timed."""

    after_ms: int
    text: str
    sounds_ms: int = 0
    lasts_ms: int = 0
    words: tuple[SpokenWord, ...] = ()


@attrs.frozen
class Request:
    """A tool is asked for *after_ms*."""

    after_ms: int
    request: ToolRequest


Piece: TypeAlias = Words | Request


@attrs.frozen
class Response:
    """The *pieces* of one response, in the order in which they came; times count from its begin."""

    pieces: tuple[Piece, ...] = ()

    @property
    def wants(self) -> tuple[str, ...]:
        """The ids of the tools that it asks for."""
        return tuple(piece.request.id for piece in self.pieces if isinstance(piece, Request))


@attrs.frozen
class Attempt:
    """The *responses* of an answer that was asked for after so many *outages* of the call.

    *breaks*: the connection was lost in it, and the answer was asked for once more.
    """

    outages: int = 0
    responses: tuple[Response, ...] = (Response(),)
    breaks: bool = False


@attrs.frozen
class Answer:
    """What the engine said to turn *turn*, as utterance *epoch*, once the caller had done *heard*.

    *is_whole* False: it had more, or all, to say that nobody heard, so the record does not have it.
    *fails*: the last response broke off. *until_ms* after that had begun it did, or was stopped.
    """

    turn: int
    epoch: int
    heard: int
    attempts: tuple[Attempt, ...] = (Attempt(),)
    is_whole: bool = True
    fails: bool = False
    until_ms: int = 0


@attrs.frozen
class Phrase:
    """Words that the engine was told to say once the caller had done *heard*; *text*: as it did.

    Without text nobody heard them. After *until_ms* they were stopped, or, with *fails*, broke off.
    """

    text: str
    attempt: Attempt
    heard: int = 0
    until_ms: int = 0
    fails: bool = False


@attrs.frozen
class Refusal:
    """The guardrail *guardrail* stopped *sentence*, and *replacement* was said instead."""

    guardrail: str
    sentence: str
    replacement: str


@attrs.frozen
class EngineScript:
    """Everything that an engine did. *says* is false of one whose text another voice speaks."""

    answers: tuple[Answer, ...] = ()
    phrases: tuple[Phrase, ...] = ()
    refusals: tuple[Refusal, ...] = ()
    says: bool = True
    pace_ms: float = 60.0
    first_ms: int = 0
