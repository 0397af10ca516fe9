"""What `AddTranscript` and `AddPartialTranscript` say: words, where they lie, and how they end.

Pure. Results are words, entities ("half past ten" as "10:30") and punctuation, which attaches to
one of its neighbours. Both messages are of the audio behind the last final.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any

import attrs

from patter.providers.stt import Transcript, Word
from patter_speechmatics._wire import ms


class Ending(Enum):
    """How words end: with their sentence, in the middle of it, or with a word like "um"."""

    FINISHED = "finished"
    OPEN = "open"
    HESITATING = "hesitating"


@attrs.frozen
class Heard:
    """A *transcript* and its *ending*."""

    transcript: Transcript
    ending: Ending


def heard(
    body: Mapping[str, Any],
    *,
    final: bool,
    focus: frozenset[str],
    delimiter: str,
    base_ms: int = 0,
) -> Heard:
    """What *body* says, of the speakers in *focus* only, or of all if that is empty.

    *delimiter* is what stands between words of the language; times count from *base_ms*.
    Raises LookupError, TypeError or ValueError for what is not of the protocol.
    """
    results = (_best(each, base_ms) for each in body["results"])
    spoken = [each for each in results if each and _is_in(focus, each)]
    words = _words(spoken)
    metadata = body["metadata"]
    text = delimiter.join(word.text for word in words) if focus else metadata["transcript"]
    end_ms = words[-1].end_ms if words else base_ms + ms(metadata["end_time"])
    # A partial's confidence has no meaning, says the reference.
    sure = _confidence(spoken) if final else None
    return Heard(Transcript(text.strip(), final, end_ms, sure, tuple(words)), _ending(spoken))


@attrs.frozen
class _Result:
    """One result, and the best of its alternatives."""

    kind: str
    content: str
    start_ms: int
    end_ms: int
    confidence: float
    attaches_to: str
    is_eos: bool
    speaker: str
    tags: Sequence[str]


def _best(result: Mapping[str, Any], base_ms: int) -> _Result | None:
    """The best alternative; what has none, such as a change of speaker, says no words."""
    if not (alternatives := result.get("alternatives")):
        return None
    best = alternatives[0]
    return _Result(
        str(result["type"]),
        str(best["content"]),
        base_ms + ms(result["start_time"]),
        base_ms + ms(result["end_time"]),
        float(best["confidence"]),
        str(result.get("attaches_to") or ""),
        bool(result.get("is_eos")),
        str(best.get("speaker") or ""),
        tuple(best.get("tags") or ()),
    )


def _is_in(focus: frozenset[str], result: _Result) -> bool:
    return not focus or result.speaker in focus


def _words(spoken: Iterable[_Result]) -> list[Word]:
    """The words, each with the punctuation that attaches to it."""
    words, lead = list[Word](), ""
    for each in spoken:
        if each.kind != "punctuation":
            words.append(Word(lead + each.content, each.start_ms, each.end_ms))
            lead = ""
        elif each.attaches_to == "next" or not words:
            lead += each.content
        else:
            words[-1] = attrs.evolve(words[-1], text=words[-1].text + each.content)
    return words


def _confidence(spoken: Iterable[_Result]) -> float | None:
    sure = [each.confidence for each in spoken if each.kind != "punctuation"]
    return round(sum(sure) / len(sure), 4) if sure else None


def _ending(spoken: Sequence[_Result]) -> Ending:
    if not spoken:
        return Ending.OPEN
    words = [each for each in spoken if each.kind != "punctuation"]
    if words and "disfluency" in words[-1].tags:
        return Ending.HESITATING
    return Ending.FINISHED if spoken[-1].is_eos else Ending.OPEN
