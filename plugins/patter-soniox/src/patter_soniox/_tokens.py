"""Soniox's tokens as words: parts of words, each with its own blank before it, where there is one.

Pure. Tokens are joined as they are; a word ends where a blank is. Writing without blanks, as
Chinese is written, is one word for as long as it goes on.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from typing import Any

import attrs

from patter.providers.stt import Transcript, Word

_PARTS = re.compile(r"\s+|\S+")


@attrs.frozen
class Token:
    """A part of a word, between two positions in milliseconds of this session's audio."""

    text: str
    final: bool
    start_ms: int | None
    end_ms: int | None
    confidence: float | None
    speaker: str


def tokens_in(body: Mapping[str, Any], lead_ms: float = 0.0) -> list[Token]:
    """What was heard in *body*, without what Soniox translated of it.

    *lead_ms* is what was sent before the caller's audio. Raises TypeError or ValueError.
    """
    found = body.get("tokens") or []
    if not isinstance(found, list):
        raise TypeError("tokens are a list")
    return [
        Token(
            _text(each["text"]),
            each.get("is_final") is True,
            _at(each.get("start_ms"), lead_ms),
            _at(each.get("end_ms"), lead_ms),
            _confidence(each.get("confidence")),
            str(each.get("speaker") or ""),
        )
        for each in found
        if each.get("translation_status") != "translation"
    ]


def transcript(tokens: list[Token], *, final: bool, labels: bool = False) -> Transcript:
    """What *tokens* say. With *labels* each change of speaker is told, as ``Speaker 2: ...``."""
    ends = [token.end_ms for token in tokens if token.end_ms is not None]
    scores = [token.confidence for token in tokens if token.confidence is not None]
    text = " ".join(_labelled(tokens) if labels else [_joined(tokens)])
    return Transcript(
        text,
        final,
        max(ends, default=None),
        round(math.fsum(scores) / len(scores), 3) if text and scores else None,
        tuple(words(tokens)),
    )


def words(tokens: Iterable[Token]) -> list[Word]:
    """The words of *tokens*; none where Soniox did not say when a part was said."""
    found: list[Word] = []
    begun = False
    for token in tokens:
        for part in _PARTS.findall(token.text):
            if part.isspace():
                begun = False
                continue
            if token.start_ms is None or token.end_ms is None:
                return []
            if begun:
                last = found.pop()
                found.append(Word(last.text + part, last.start_ms, token.end_ms))
            else:
                found.append(Word(part, token.start_ms, token.end_ms))
            begun = True
    return found


def _labelled(tokens: Iterable[Token]) -> Iterable[str]:
    """What each speaker said, in order; a token without one belongs to who spoke before."""
    turn: list[Token] = []
    for token in tokens:
        if turn and token.speaker and token.speaker != turn[0].speaker:
            yield _said(turn)
            turn = []
        turn.append(token)
    if turn:
        yield _said(turn)


def _said(turn: list[Token]) -> str:
    who = turn[0].speaker
    return f"Speaker {who}: {_joined(turn)}" if who else _joined(turn)


def _joined(tokens: Iterable[Token]) -> str:
    return " ".join("".join(token.text for token in tokens).split())


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("a text is a string")
    return value


def _at(value: object, lead_ms: float) -> int | None:
    """A position in whole milliseconds; Soniox leaves it out where there is none."""
    return None if value is None else max(0, round(_number(value) - lead_ms))


def _confidence(value: object) -> float | None:
    return None if value is None else min(1.0, max(0.0, _number(value)))


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a number")
    return value


def position(body: Mapping[str, Any], lead_ms: float) -> int | None:
    """Up to where all that was said is final, if *body* tells it."""
    return _at(body.get("final_audio_proc_ms"), lead_ms)
