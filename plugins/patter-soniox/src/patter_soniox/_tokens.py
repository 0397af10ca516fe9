"""Soniox's tokens as words: parts of words, each with its own blank before it, where there is one.

Pure. Tokens are joined as they are; a word ends where a blank is. Writing without blanks, as
Chinese is written, is one word for as long as it goes on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any, NamedTuple

from patter.providers.stt import Transcript, Word


class Token(NamedTuple):
    """A part of a word, between two positions in milliseconds of this session's audio."""

    text: str
    final: bool
    start_ms: int | None
    end_ms: int | None
    confidence: float | None
    speaker: str


def tokens_in(body: Mapping[str, Any], lead_ms: int = 0) -> list[Token]:
    """What was heard in *body*, without what Soniox translated of it.

    *lead_ms* is what was sent before the caller's audio. Raises TypeError or ValueError.
    """
    tokens = body.get("tokens", [])
    if not isinstance(tokens, list):
        raise TypeError("tokens are a list")
    return [
        _token(each, lead_ms) for each in tokens if each.get("translation_status") != "translation"
    ]


def _token(raw: Mapping[str, Any], lead_ms: int) -> Token:
    text = raw["text"]
    if not isinstance(text, str):
        raise TypeError("a text is a string")
    return Token(
        text,
        raw.get("is_final") is True,
        _at(raw.get("start_ms"), lead_ms),
        _at(raw.get("end_ms"), lead_ms),
        _confidence(raw.get("confidence")),
        str(raw.get("speaker") or ""),
    )


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
    result: list[Word] = []
    begun = False
    for text, _, start_ms, end_ms, _, _ in tokens:
        parts = text.split()
        if parts and (start_ms is None or end_ms is None):
            return []
        begun = begun and not text[:1].isspace()
        for part, begin_ms, until_ms in _timed(parts, start_ms or 0, end_ms or 0):
            if begun:
                last = result.pop()
                result.append(Word(last.text + part, last.start_ms, until_ms))
            else:
                result.append(Word(part, begin_ms, until_ms))
            begun = False
        begun = bool(parts or begun) and not text[-1:].isspace()
    return result


def _timed(parts: list[str], start_ms: int, end_ms: int) -> Iterable[tuple[str, int, int]]:
    """*parts* of a token, which share its time by their letters."""
    if len(parts) == 1:
        return ((parts[0], start_ms, end_ms),)
    ends = [0, *accumulate(map(len, parts))]
    marks = [start_ms + (end_ms - start_ms) * end // (ends[-1] or 1) for end in ends]
    return zip(parts, marks, marks[1:], strict=False)


def whole(tokens: list[Token], rest: list[Token]) -> list[Token]:
    """*tokens* without the word at their end, if *rest* goes on with it."""
    if not rest or rest[0].text[:1].isspace() or (tokens and tokens[-1].text[-1:].isspace()):
        return tokens
    begun = next((at for at in reversed(range(len(tokens))) if tokens[at].text[:1].isspace()), 0)
    return tokens[:begun]


def _labelled(tokens: Iterable[Token]) -> Iterable[str]:
    """What each speaker said, in order; a token without one belongs to who spoke before."""
    turn: list[Token] = []
    for token in tokens:
        if turn and token.speaker and token.speaker != turn[0].speaker:
            yield _labelled_text(turn)
            turn = []
        turn.append(token)
    if turn:
        yield _labelled_text(turn)


def _labelled_text(turn: list[Token]) -> str:
    who = turn[0].speaker
    return f"Speaker {who}: {_joined(turn)}" if who else _joined(turn)


def _joined(tokens: Iterable[Token]) -> str:
    return " ".join("".join(token.text for token in tokens).split())


def _at(value: Any, lead_ms: int) -> int | None:
    """A position in whole milliseconds; Soniox leaves it out where there is none."""
    if type(value) is int:  # nearly always
        return max(0, value - lead_ms)
    return None if value is None else max(0, round(_number(value) - lead_ms))


def _confidence(value: Any) -> float | None:
    return None if value is None else min(1.0, max(0.0, _number(value)))


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError("not a number")
    return value


def position(body: Mapping[str, Any], lead_ms: int) -> int | None:
    """Up to where all that was said is final, if *body* tells it."""
    return _at(body.get("final_audio_proc_ms"), lead_ms)
