"""Texts that recognisers produce from noise or silence: video credits, sound labels.

Only whole utterances count. Some are words that a caller may answer with ("subscribe"), so these
are inventions only where nobody spoke and nothing was asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable

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


_QUESTION = re.compile("[?\uff1f\u061f\u055e]")


def is_hallucination(text: str) -> bool:
    """Is every sentence of *text* one of the known inventions? Empty text is, too."""
    return _is_all(text, _is_known)


def is_invented(text: str, *, question: bool, voice: bool) -> bool:
    """Did nobody say *text*?

    Sound labels and punctuation never were said. Words were if the agent had just asked a
    *question*, or if there was a *voice* just before.
    """
    spoken = question or voice
    if spoken and text.lstrip()[:1].isalnum():
        return False
    return _is_all(text, _is_wordless) or (not spoken and is_hallucination(text))


def asks(text: str) -> bool:
    """Does *text* end with a question, with at most one sentence after it?

    >>> asks("To cancel or to subscribe? Take your time."), asks("Who is it? Ada. I see.")
    (True, False)
    """
    sentences = [each for each in _SENTENCE_END.split(text) if each.strip()]
    return any(_QUESTION.search(each) for each in sentences[-2:])


def _is_all(text: str, judge: Callable[[str], bool]) -> bool:
    parts = [text, *_SENTENCE_END.split(text)]
    return judge(parts[0]) or all(map(judge, parts[1:]))


def _is_known(sentence: str) -> bool:
    return _is_wordless(sentence) or _bare(sentence) in _INVENTED


def _is_wordless(sentence: str) -> bool:
    low = sentence.strip().lower()
    return bool(not low or _LABEL.fullmatch(low)) or set(_bare(sentence)) <= {"♪", " "}


def _bare(sentence: str) -> str:
    low = sentence.strip().lower().replace("-", " ")
    return " ".join(_PUNCTUATION.sub("", low).split())
