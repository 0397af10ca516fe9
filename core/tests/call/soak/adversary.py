"""Callers who do what callers must not do, to vendors that fail while they do it.

They talk over the greeting, say nothing for long, say "yeah" to everything, storm the keys, hang up
in the middle of a word, come back as an echo, and are understood too late. A seed, and always the
same call.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import attrs

from .draw import Draw, draw
from .script import Line, Script

BACKCHANNELS = ("yeah", "okay", "right", "sure", "mhm", "exactly", "uh-huh", "aha")
HABITS: tuple[tuple[int, str], ...] = (
    (3, "talks over the greeting"),
    (2, "keeps silent"),
    (4, "backchannels"),
    (3, "storms the keys"),
    (3, "echoes"),
    (3, "is understood late"),
    (3, "interrupts"),
)
NO_ENGINE = {"brain", "speculate", "barge_in_threshold_ms"}
"""Settings that mean nothing to an engine, or of which the judge knows nothing there."""
ENDS: tuple[tuple[int, str], ...] = (
    (3, "in its own word"),
    (3, "in the agent's word"),
    (4, ""),
)


class Adversary(Draw):
    """One such caller."""

    def script(self) -> Script:
        self.settings()
        self.vendors()
        habits = self.random.choice((1, 2, 2, 3))
        for number in range(habits):
            self.habit(self.one(HABITS), number)
        self.leaves(self.one(ENDS))
        self.rings()
        return tuple(self.lines)

    def vendors(self) -> None:
        """Recogniser, voice and line, each as bad as may be."""
        if self.chance(0.5):
            self.voice_faults()
        if self.chance(0.15):
            self.add(self.ms(600, 2_500, 5_000, 8_000), "stt", "dies", away=self.ms(0, 300, 1_000))
        if self.chance(0.1):
            self.lost_leg(self.ms(1_500, 4_000, 7_000))

    def habit(self, habit: str, number: int) -> None:
        """What they do this time."""
        does: dict[str, Callable[[int], None]] = {
            "talks over the greeting": self.talks_over_the_greeting,
            "keeps silent": self.keeps_silent,
            "backchannels": self.backchannels,
            "storms the keys": self.storms_the_keys,
            "echoes": self.echoes,
            "is understood late": self.is_understood_late,
            "interrupts": self.interrupts,
        }
        does[habit](number)

    def talks_over_the_greeting(self, number: int) -> None:
        when = self.ms(60, 200, 500, 900, 1_400) if number == 0 else "^" + self.ms(60, 200, 600)
        self.asks(when, self.random.choice((3, 4, 6)))

    def keeps_silent(self, number: int) -> None:
        self.add(self.when(number), "caller", "waits", ms=self.ms(9_000, 18_000, 40_000))

    def backchannels(self, number: int) -> None:
        """Asks, and says nothing of its own while it is told."""
        self.asks(self.when(number), 2)
        said = {each.word(1) for each in self.lines if each.does == "says"}
        left = [word for word in BACKCHANNELS if word not in said]
        for word in left[: self.random.choice((1, 2, 3))]:
            when = "^" + self.ms(150, 500, 900, 1_600)
            self.add(when, "caller", "says", word, ms=self.ms(220, 320))

    def storms_the_keys(self, number: int) -> None:
        keys = "".join(self.random.choices("0123456789*#", k=self.random.choice((9, 20, 40))))
        when = self.random.choice((self.when(number), "^" + self.ms(60, 400), "+200"))
        self.add(when, "caller", "presses", keys, gap=self.ms(60, 120))

    def echoes(self, number: int) -> None:
        """The agent hears itself, for as long as it speaks."""
        self.asks(self.when(number), 2)
        self.add("^" + self.ms(60, 200, 500), "caller", "echoes", ms=self.ms(2_000, 5_000, 9_000))

    def is_understood_late(self, number: int) -> None:
        late = self.random.choice(
            (
                {"final": self.ms(1_200, 1_600, 2_400, 3_000)},
                {"final": "never"},
                {"twice": self.ms(100, 400, 1_200)},
                {"split": self.ms(150, 400, 800)},
                {"dies": self.ms(0, 200, 400, 700), "away": self.ms(0, 300, 1_000)},
            )
        )
        self.asks(self.when(number), self.random.choice((2, 3, 5)), **late)

    def interrupts(self, number: int) -> None:
        """Asks again and again, each time into the answer."""
        self.asks(self.when(number), 3)
        for _ in range(self.random.choice((1, 2, 3))):
            self.asks("^" + self.ms(60, 300, 700, 1_500), self.random.choice((2, 3)))

    def asks(self, when: str, count: int, **options: str) -> None:
        """Some *count* words nobody has said yet; a model that may fail answers."""
        words, self.unused = self.unused[:count], self.unused[count:]
        options["ms"] = str(count * self.random.choice((220, 300, 400)))
        self.add(when, "caller", "says", " ".join(words), **options)
        if self.brain:
            self.brain_line()
        elif self.chance(0.5):
            self.add("", "model", **self.model_plan())

    def leaves(self, how: str) -> None:
        """Hangs up in the middle of a word; or waits for what is still owed."""
        if how == "in its own word":
            words, self.unused = self.unused[:4], self.unused[4:]
            hangs = self.ms(80, 450, 900)
            self.add(self.when(1), "caller", "says", " ".join(words), ms="1400", leaves=hangs)
        elif how:
            self.add("^" + self.ms(60, 250, 700, 1_300), "caller", "hangs")


def adversary(seed: int) -> Script:
    """The script of *seed*."""
    return Adversary(Random(f"adversary {seed}")).script()


def engine_call(seed: int) -> Script:
    """A call of either kind with an engine in place of recogniser, model and voice."""
    lines = list((draw if seed % 2 else adversary)(seed))
    given = next((each for each in lines if each.who == "given"), Line("", "given"))
    options = {name: value for name, value in given.options.items() if name not in NO_ENGINE}
    return (
        attrs.evolve(given, options={**options, "engine": ""}),
        *(_told_once(each) for each in lines if each.who not in {"given", "voice", "brain"}),
    )


def _told_once(line: Line) -> Line:
    """An engine writes each turn down once, and whole."""
    options = {key: value for key, value in line.options.items() if key not in {"twice", "split"}}
    return attrs.evolve(line, options=options)


def habits(line: Line) -> bool:
    """Is *line* one that only these callers have?"""
    return line.does == "echoes" or "leaves" in line.options or "gap" in line.options
