"""From espeak's word positions to the words of a text, and from audio to pieces of it.

Pure. espeak counts parts of words ("5" and "30" of "5:30"); a listener's transcript is made
of what stands between spaces, so that is what is timed here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from patter.audio.formats import AudioFormat
from patter.providers.tts import Speech, SpokenWord

LONGEST = 400
_ENDS = re.compile(r".*[.!?;:,]\s", re.DOTALL)


def word_ends(
    text: str, starts: Sequence[tuple[int, int]], length_ms: int
) -> tuple[SpokenWord, ...]:
    """When each word of *text* ends, in ms: not before the next one begins.

    *starts* are (character, ms) pairs in the order spoken; the last word ends with the audio.
    """
    tokens = [(match.start(), match.group()) for match in re.finditer(r"\S+", text)]
    spoken, ends = [], length_ms
    for place, word in reversed(tokens):
        spoken.append(SpokenWord(word, ends))
        begins = [ms for index, ms in starts if place <= index < place + len(word)]
        ends = min([ends, *begins])
    return tuple(reversed(spoken))


def cut(
    audio: bytes,
    words: Iterable[SpokenWord],
    text: str,
    before_ms: int,
    audio_format: AudioFormat,
    chunk_ms: int,
) -> Iterator[Speech]:
    """Pieces of *chunk_ms*: the first names its *text*, each the words that end in it.

    *before_ms* is the audio of the same reply that came before.
    """
    size, left = audio_format.bytes_in(chunk_ms), list(words)
    for at in range(0, len(audio), size):
        piece = audio[at : at + size]
        end_ms = audio_format.ms_in(at + len(piece))
        last = at + size >= len(audio)
        ended = [word for word in left if word.end_ms <= end_ms or last]
        left = left[len(ended) :]
        moved = tuple(SpokenWord(word.text, word.end_ms + before_ms) for word in ended)
        yield Speech(piece, text if at == 0 else "", moved)


def portions(text: str) -> Iterator[str]:
    """*text* in parts of at most 400 characters, cut after punctuation or between words."""
    text = " ".join(text.split())
    while len(text) > LONGEST:
        head = text[:LONGEST]
        match = _ENDS.match(head)
        at = match.end() if match else head.rfind(" ") + 1 or LONGEST
        yield text[:at].rstrip()
        text = text[at:].lstrip()
    if text:
        yield text
