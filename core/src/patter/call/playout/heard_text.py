"""Which words of an utterance were heard, given how many milliseconds of it were.

The answer is always a prefix of what was spoken, and in doubt the shorter one: an agent that
claims too little repeats itself, one that claims too much believes the caller knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import attrs

from patter.text.respelling import Respelled

MS_PER_CHAR = 65
"""At least this long is a character of speech whose audio is still being made."""
_NEAR = 3
"""A vendor's word is looked for among so many of the text's next words, no further."""


@attrs.define
class Piece:
    """Audio that begins at *start_ms* of the utterance and speaks *text*.

    *words* are (end in ms from the piece's start, word), where the voice tells them. *own*: it
    is the utterance's own, rather than a filler or a sound; its text may come later. *spoken*: how
    it sounds, where that is not how it is written.
    """

    start_ms: float
    text: str
    words: list[tuple[float, str]] = attrs.field(factory=list)
    spoken: Respelled | None = None
    own: bool = attrs.field(kw_only=True)

    @own.default
    def _has_text(self) -> bool:
        return bool(self.text)


def heard_words(pieces: Sequence[Piece], heard_ms: float, made_ms: float, whole: bool) -> str:
    """What was heard of each of *pieces*; *made_ms* of audio exist, all of it if *whole*."""
    return join_texts(
        _part(piece, heard_ms - piece.start_ms, end_ms - piece.start_ms, ended)
        for piece, end_ms, ended in _with_ends(pieces, made_ms, whole)
        if piece.text
    )


def unheard_words(pieces: Sequence[Piece], heard: str) -> str:
    """What of the text of *pieces* comes after *heard*."""
    return join_texts(piece.text for piece in pieces)[len(heard) :].strip()


def join_texts(texts: Iterable[str]) -> str:
    """Pieces as one text."""
    return " ".join(filter(None, texts))


def _with_ends(
    pieces: Sequence[Piece], made_ms: float, whole: bool
) -> Iterator[tuple[Piece, float, bool]]:
    """Each piece with where its audio ends, and whether that is known to be its end."""
    for index, piece in enumerate(pieces):
        if index + 1 < len(pieces):
            yield piece, pieces[index + 1].start_ms, True
        else:
            yield piece, made_ms, whole


def _part(piece: Piece, heard_ms: float, length_ms: float, ended: bool) -> str:
    if heard_ms <= 0:
        return ""
    if ended and heard_ms >= length_ms:
        return piece.text
    sounds = piece.text if piece.spoken is None else piece.spoken.spoken
    if piece.words:
        ended_words = [word for end_ms, word in piece.words if end_ms <= heard_ms]
        return _written(piece, sounds[: reach(sounds, ended_words)])
    if not ended:
        length_ms = max(length_ms, len(sounds) * MS_PER_CHAR)
    return _written(piece, _whole_words(sounds, int(len(sounds) * heard_ms / length_ms)))


def _written(piece: Piece, heard: str) -> str:
    """What of the text of *piece* its first sounds *heard* are."""
    if piece.spoken is None:
        return heard
    return piece.text[: piece.spoken.written_chars(len(heard))].rstrip()


def _whole_words(text: str, chars: int) -> str:
    """The words of *text* that end within its first *chars* characters."""
    return text[: chars + 1].rpartition(" ")[0].rstrip()


def reach(text: str, words: Iterable[str]) -> int:
    """How far into *text* these *words* of a vendor go, who may spell them its own way."""
    bare = ((_bare(token[0]), token.end()) for token in re.finditer(r"\S+", text))
    # A dash between spaces is no word: no vendor times it, so it takes no part in the search.
    tokens = [(word, end) for word, end in bare if word]
    reached = 0
    for word in (_bare(part) for spoken in words for part in spoken.split()):
        for index in range(reached, min(reached + _NEAR, len(tokens))):
            if tokens[index][0] == word:
                reached = index + 1
                break
    return tokens[reached - 1][1] if reached else 0


def _bare(word: str) -> str:
    return "".join(filter(str.isalnum, word)).casefold()
