"""What the ends of a call note down while it runs: the truth the judges hold the record against."""

from __future__ import annotations

from collections.abc import Callable

import attrs


@attrs.frozen
class Spoken:
    """One word that a voice made: the *place*-th of *sentence*, said for the *instance*-th time."""

    code: int
    instance: int
    sentence: str
    place: int
    word: str
    frames: int


@attrs.frozen
class Talk:
    """A voice of the caller, from *began_ms* to *ended_ms*; *words* are empty for mere sound."""

    began_ms: int
    ended_ms: int
    words: tuple[str, ...] = ()


@attrs.define
class Question:
    """A `caller` line with words: what was said, when, and what the recogniser made of it."""

    index: int
    words: tuple[str, ...]
    options: dict[str, str]
    answer: dict[str, str]
    ended_ms: int | None = None
    final_ms: int | None = None
    asked: int = 0

    @property
    def told(self) -> tuple[str, ...]:
        """The words as the recogniser gives them."""
        other = self.options.get("text")
        return tuple(other.split()) if other else self.words

    def told_of(self, words: tuple[str, ...]) -> set[str]:
        """What the recogniser makes of *words*, as far as they are of this question."""
        told = zip(self.words, self.told, strict=False)
        return {other for word, other in told if word in words}


@attrs.frozen
class Request:
    """The model or brain was asked with *text*; question *index* is the newest it knows, or -1."""

    number: int
    at_ms: int
    index: int
    text: str
    first: bool
    last_role: str
    last_text: str


@attrs.define
class ToolUse:
    """A tool ran, asked for by a request about *text*; *ended_ms* is None while it does."""

    name: str
    effect: str
    text: str
    began_ms: int
    ended_ms: int | None = None


@attrs.define
class Entry:
    """The application collected keys from *began_ms* on; *digits* are None until it got them.

    *answers*: it collected them in the middle of an answer, which goes on with them.
    """

    began_ms: int
    wait_ms: int
    count: int
    answers: bool = True
    digits: str | None = None
    ended_ms: int | None = None


@attrs.define
class Notes:
    """Of one call. *now* is its clock in milliseconds."""

    now: Callable[[], int]
    questions: list[Question] = attrs.field(factory=list)
    delivered: list[tuple[int, str, bool]] = attrs.field(factory=list)
    requests: list[Request] = attrs.field(factory=list)
    tools: list[ToolUse] = attrs.field(factory=list)
    spoken: dict[int, Spoken] = attrs.field(factory=dict)
    answers: dict[str, int] = attrs.field(factory=dict)
    talk: list[Talk] = attrs.field(factory=list)
    keys: list[tuple[int, str]] = attrs.field(factory=list)
    entries: list[Entry] = attrs.field(factory=list)
    announced: list[tuple[int, str, str]] = attrs.field(factory=list)
    faults: list[tuple[int, str]] = attrs.field(factory=list)
    away: list[tuple[int, int | None]] = attrs.field(factory=list)
    lost: list[tuple[int, int | None]] = attrs.field(factory=list)
    commands: list[tuple[int, str]] = attrs.field(factory=list)
    instances: int = 0
    gone_ms: int | None = None

    def fault(self, what: str) -> None:
        """Something went wrong now, on purpose."""
        self.faults.append((self.now(), what))

    def about(self, text: str) -> Question | None:
        """The last question of which *text* has a word."""
        words = set(text.split())
        for question in reversed(self.questions):
            if words & {*question.words, *question.told}:
                return question
        return None

    def speak(self, sentence: str, frames: list[int]) -> list[Spoken]:
        """A voice is about to say *sentence*, word by word so many frames long."""
        self.instances += 1
        begun = len(self.spoken) + 1
        words = [
            Spoken(begun + place, self.instances, sentence, place, word, count)
            for place, (word, count) in enumerate(zip(sentence.split(), frames, strict=True))
        ]
        self.spoken.update((each.code, each) for each in words)
        return words
