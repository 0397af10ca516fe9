"""A stretch of telephone audio with labels: when somebody speaks, and which words. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs
import numpy as np

from voices.sound import Samples, at_level, count, joined, ms_of

WORD_MS = 320
_PAUSES_MS = (250, 1_400)
_FILL = ("table", "friday", "evening", "people", "window", "garden", "street", "number")


@attrs.frozen
class Word:
    """What somebody says from *start_ms* to *end_ms*."""

    text: str
    start_ms: int
    end_ms: int

    def later(self, ms: float) -> Word:
        """The same word, *ms* later."""
        return attrs.evolve(
            self, start_ms=round(self.start_ms + ms), end_ms=round(self.end_ms + ms)
        )


@attrs.frozen
class Clip:
    """*samples*; *spans* are where somebody speaks, in milliseconds, *words* what they say."""

    name: str
    samples: Samples = attrs.field(repr=False, eq=False)
    spans: tuple[tuple[int, int], ...] = ()
    words: tuple[Word, ...] = attrs.field(default=(), repr=False)

    @property
    def ms(self) -> float:
        """How long it is."""
        return ms_of(self.samples)

    @property
    def begins_ms(self) -> int:
        """When the first voice begins."""
        return self.spans[0][0] if self.spans else 0

    @property
    def ends_ms(self) -> int:
        """When the last voice has ended."""
        return self.spans[-1][1] if self.spans else round(self.ms)

    def text(self) -> str:
        """All its words."""
        return " ".join(word.text for word in self.words)

    def meaning(self, text: str) -> Clip:
        """The same sound as if it were the words of *text*; none if that is empty."""
        return attrs.evolve(self, words=span_words(self.spans, text.split()))

    def at(self, db: float) -> Clip:
        """The same at another level."""
        return attrs.evolve(self, samples=at_level(self.samples, db))

    def repeated(self, ms: float) -> Clip:
        """The same over and over for *ms*; without its words."""
        return Clip(self.name, np.resize(self.samples, count(ms)), ((0, round(ms)),))


def span_words(spans: Sequence[tuple[int, int]], texts: Sequence[str]) -> tuple[Word, ...]:
    """*texts* evenly over all of *spans*, as they would be spoken."""
    total = sum(last - first for first, last in spans)
    words, done = [], 0.0
    for number, text in enumerate(texts):
        end = total * (number + 1) / len(texts)
        words.append(Word(text, _in_spans(spans, done), _in_spans(spans, end, ending=True)))
        done = end
    return tuple(words)


def guessed(spans: Sequence[tuple[int, int]]) -> tuple[Word, ...]:
    """As many words in each span as people speak in that time."""
    words: list[Word] = []
    for first, last in spans:
        number = max(1, round((last - first) / WORD_MS))
        texts = [_FILL[(len(words) + each) % len(_FILL)] for each in range(number)]
        words += span_words([(first, last)], texts)
    return tuple(words)


def pauses(number: int, random: np.random.Generator) -> list[float]:
    """So many pauses of people who think, in milliseconds: more short ones than long ones."""
    shortest, longest = np.log(_PAUSES_MS)
    return [float(np.exp(random.uniform(shortest, longest))) for _ in range(number)]


def chained(name: str, clips: Sequence[Clip], gaps_ms: Sequence[float]) -> Clip:
    """One clip after the other with those pauses between them."""
    spans: list[tuple[int, int]] = []
    words: list[Word] = []
    at_ms = 0.0
    for clip, gap in zip(clips, (*gaps_ms, 0), strict=True):
        spans += [(round(first + at_ms), round(last + at_ms)) for first, last in clip.spans]
        words += [word.later(at_ms) for word in clip.words]
        at_ms += clip.ms + gap
    return Clip(name, joined([clip.samples for clip in clips], gaps_ms), tuple(spans), tuple(words))


def _in_spans(spans: Sequence[tuple[int, int]], spoken_ms: float, *, ending: bool = False) -> int:
    """When so much has been spoken."""
    for first, last in spans:
        length = last - first
        if spoken_ms < length or (ending and spoken_ms <= length + 0.5):
            return round(first + spoken_ms)
        spoken_ms -= length
    return spans[-1][1]


@attrs.frozen(kw_only=True)
class Clips:
    """Everything the tables are made of, from one *source*.

    *questions* have no pause in them, *sentences* may; *singles* are one word each, *stops* say
    "stop", *backchannels* "mm-hm" and the like. *agents* and *strangers* speak for long.
    """

    source: str
    questions: tuple[Clip, ...]
    sentences: tuple[Clip, ...]
    singles: tuple[Clip, ...]
    stops: tuple[Clip, ...]
    backchannels: tuple[Clip, ...]
    laughs: tuple[Clip, ...] = ()
    coughs: tuple[Clip, ...] = ()
    agents: tuple[Clip, ...]
    strangers: tuple[Clip, ...]
    monologues: tuple[Clip, ...]
    noises: Mapping[str, tuple[Clip, ...]]

    def few(self, number: int) -> Clips:
        """Only the first of each, for a quick look."""
        kinds = [each.name for each in attrs.fields(Clips) if each.name not in ("source", "noises")]
        return attrs.evolve(self, **{kind: getattr(self, kind)[:number] for kind in kinds})
