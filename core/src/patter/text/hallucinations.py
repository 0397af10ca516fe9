"""Texts that recognisers produce from noise or silence: video credits, sound labels.

Only whole utterances count, and no word a caller would answer with is in the list.
"""

from __future__ import annotations

import re

_PUNCTUATION = re.compile(r"[^\w\s♪]|_")
_SENTENCE_END = re.compile(r"(?<=[.!?…。！？])(?=\s)|\n")
_LABEL = re.compile(r"[\[(](?:no audio|silence|blank[ _]audio|music|applause|laughter)[\])]\.?")

_PHRASES = frozenset(
    """
    thanks for watching|thank you for watching|thank you so much for watching
    thanks so much for watching|thanks for watching please subscribe
    thank you for watching please subscribe|thanks for listening|thank you for listening
    please subscribe|please subscribe to my channel|subscribe to my channel
    dont forget to subscribe|dont forget to like and subscribe|like and subscribe
    please like and subscribe|subscribe|subtitles by the amaraorg community
    subtitles by amaraorg|amaraorg|captions by amaraorg|transcribed by
    transcription by castingwords|the end|see you next time|well see you next time
    see you in the next video|music|piano music|upbeat music|applause|♪|♪♪|♪ music ♪
    """.strip()
    .replace("\n", "|")
    .split("|")
)
_INVENTED = frozenset(phrase.strip() for phrase in _PHRASES)


def is_hallucination(text: str) -> bool:
    """Is every sentence of *text* one of the known inventions? Empty text is, too."""
    parts = [text, *_SENTENCE_END.split(text)]
    return _is_invented(parts[0]) or all(map(_is_invented, parts[1:]))


def _is_invented(sentence: str) -> bool:
    low = sentence.strip().lower()
    if not low or _LABEL.fullmatch(low):
        return True
    bare = " ".join(_PUNCTUATION.sub("", low.replace("-", " ")).split())
    return not bare or bare in _INVENTED or set(bare) <= {"♪", " "}
