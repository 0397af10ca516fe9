"""Scripts at random: a seed, and always the same call."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import attrs

from .script import Line, Script

_VOCABULARY = (
    "when are you open tomorrow please could we book some table near window six people seven"
    " o'clock thanks hello yes no stop wait sorry also another thing maybe next friday evening"
    " garden parking children dogs menu fish soup bread wine price card cash bill birthday cake"
    " music quiet corner early late number name phone address change cancel subscribe remind"
    " again lunch dinner coffee water vegan nuts allergy chair wheelchair stairs train bus taxi"
    " weather rain terrace heater blanket smoking gift voucher invoice company group private"
    " room stage speech flowers candle balloon camera photo wifi charger umbrella coat"
)
WORDS = tuple(_VOCABULARY.split())
RULES: tuple[tuple[int, str], ...] = (
    (14, ""),
    (4, "barge_in_mode=cancel"),
    (3, "barge_in_threshold_ms=0"),
    (2, "silence_ms=300"),
    (2, "silence_ms=900"),
    (2, "speculate=yes"),
    (2, "filler_ms=1200"),
    (1, "filler_ms=0"),
    (1, "speak_after_ms=0"),
    (1, "greeting_interruptible=no"),
    (1, "barge_in_min_words=2"),
    (1, "barge_in_threshold_ms=100"),
    (1, "goodbye_interruptible=yes"),
    (1, "marks=no"),
)
STT: tuple[tuple[int, str], ...] = (
    (6, ""),
    (3, "positions"),
    (1, "final=600"),
    (1, "interim=600"),
    (1, "interim=never"),
)
VOICE: tuple[tuple[int, str], ...] = ((6, ""), (2, "first=500"), (1, "first=900"))


ACTS: tuple[tuple[int, str], ...] = (
    (12, "says"),
    (2, "coughs"),
    (2, "chatters"),
    (2, "presses"),
    (1, "waits"),
    (1, "goes on"),
    (1, "asks again"),
)


@attrs.define
class Draw:
    """Draws a script of ordinary bad luck; *random* decides everything."""

    random: Random
    unused: list[str] = attrs.field(init=False)
    lines: list[Line] = attrs.field(factory=list)
    pending: list[Line] = attrs.field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.unused = self.random.sample(WORDS, len(WORDS))

    def one(self, weighted: tuple[tuple[int, str], ...]) -> str:
        """One of *weighted* texts."""
        return self.random.choices([text for _, text in weighted], [n for n, _ in weighted])[0]

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def ms(self, *choices: int) -> str:
        return str(self.random.choice(choices))

    def add(self, when: str, who: str, *words: str, **options: str) -> None:
        self.lines.append(Line(when, who, words, options))

    # --- the call

    def script(self) -> Script:
        self.settings()
        self.voice_faults()
        for number in range(self.random.choice((1, 1, 2, 2, 2, 3, 3, 4))):
            self.act(number)
        self.other_faults()
        if self.chance(0.12):
            self.add(self.when(1), "caller", "hangs")
        self.rings()
        return tuple(self.lines)

    def settings(self) -> None:
        given = self.options(self.one(RULES))
        if self.chance(0.15):
            given["greeting"] = ""
        if self.chance(0.1):
            given["brain"] = ""
        if self.chance(0.1):
            given["idle_ms"] = self.random.choice(("4000,4000", "6000,6000,6000"))
        for who, options in (
            ("given", given),
            ("stt", self.options(self.one(STT))),
            ("voice", self.options(self.one(VOICE))),
        ):
            if options:
                self.add("", who, **options)

    def options(self, text: str) -> dict[str, str]:
        pairs = (each.partition("=") for each in text.split())
        return {name: value for name, _, value in pairs}

    @property
    def brain(self) -> bool:
        return bool(self.lines) and "brain" in self.lines[0].options

    def act(self, number: int) -> None:
        """Something the caller does, and what comes of it."""
        what = self.one(ACTS)
        when = self.when(number)
        if what == "says":
            self.says(when)
        elif what == "coughs":
            self.add(when, "caller", "coughs", ms=self.ms(120, 250, 420, 700))
        elif what == "chatters":
            self.chatters(when)
        elif what == "goes on":
            self.goes_on(when)
        elif what == "asks again":
            self.asks_again(when)
        elif what == "presses":
            keys = "".join(self.random.choices("0123456789", k=self.random.randint(1, 4)))
            self.add(when, "caller", "presses", keys + ("#" if self.chance(0.5) else ""))
        else:
            self.add(when, "caller", "waits", ms=self.ms(1_000, 4_000, 9_000))

    def when(self, number: int) -> str:
        if number == 0 and self.chance(0.15):
            return self.ms(100, 300, 600, 1_200)
        kind = self.one(((6, "~"), (3, "^"), (2, "+")))
        return (
            kind
            + {
                "~": self.ms(200, 500, 900, 1_500),
                "^": self.ms(40, 200, 500, 900, 1_500),
                "+": self.ms(100, 400, 800, 1_300, 2_200, 4_000),
            }[kind]
        )

    def says(self, when: str) -> None:
        count = self.random.choice((1, 1, 2, 3, 4, 5))
        words, self.unused = self.unused[:count], self.unused[count:]
        options = {"ms": str(count * self.random.choice((220, 300, 400)))}
        if count > 1 and self.chance(0.12):
            words.insert(self.random.randint(1, count - 1), "...")
            options["pause"] = self.ms(250, 450, 700, 1_100)
        if self.chance(0.25):
            options.update(self.stt_fault(count))
        self.add(when, "caller", "says", " ".join(words), **options)
        if self.brain:
            self.brain_line()
        elif self.chance(0.45):
            self.add("", "model", **self.model_plan())

    def stt_fault(self, count: int) -> dict[str, str]:
        fault = self.one(
            (
                (4, "final"),
                (1, "never"),
                (2, "twice"),
                (1, "split"),
                (1, "text"),
                (1, "cease"),
                (2, "dies"),
            )
        )
        if fault == "final":
            return {"final": self.ms(400, 900, 1_200, 1_600, 2_400, 3_000)}
        if fault == "never":
            return {"final": "never"}
        if fault == "twice":
            return {"twice": self.ms(100, 400, 1_200)}
        if fault == "split" and count > 1:
            return {"split": self.ms(150, 400, 800)}
        if fault == "text":
            words, self.unused = self.unused[:count], self.unused[count:]
            return {"text": " ".join(words)}
        if fault == "dies":
            return {"dies": self.ms(0, 200, 400, 700), "away": self.ms(0, 300, 1_000)}
        return {"cease": "yes"} if fault == "cease" else {}

    def model_plan(self) -> dict[str, str]:
        plan = {"says": self.ms(1, 1, 2, 3)}
        kind = self.one(((5, "well"), (3, "slow"), (4, "tool"), (5, "fault")))
        if kind == "slow":
            plan["first"] = self.ms(600, 1_000, 1_400)
        elif kind == "tool":
            name = self.random.choice(("book", "look"))
            how = self.one(((12, ""), (2, ":fails"), (1, ":hangs")))
            plan["tool"] = f"{name}:{self.ms(200, 1_000, 2_000, 4_000, 9_000, 25_000)}{how}"
            if self.chance(0.5):
                plan["lead"] = "1"
        elif kind == "fault":
            plan.update(self.model_fault())
        return plan

    def model_fault(self) -> dict[str, str]:
        fault = self.one(((3, "first"), (2, "stops"), (2, "fails"), (1, "hangs"), (1, "empty")))
        if fault == "first":
            plan = {"first": self.ms(2_500, 5_000, 8_000, 20_000)}
        elif fault == "empty":
            plan = {"empty": ""}
        else:
            plan = {fault: self.ms(0, 0, 1)}
        if self.chance(0.2):
            plan["times"] = "9"
        return plan

    def brain_line(self) -> None:
        steps = self.one(
            (
                (5, "yield"),
                (2, "yield,yield"),
                (2, "yield,collect:4,yield"),
                (1, "say,collect:4,yield"),
                (1, "wait:2500,yield"),
            )
        )
        self.add("", "brain", steps=steps)
        if "collect" in steps and self.chance(0.8):
            self.add(
                self.random.choice(("~500", "^400", "+1500", "~1200")),
                "caller",
                "presses",
                "".join(self.random.choices("0123456789", k=4)),
            )

    def goes_on(self, when: str) -> None:
        """Speaks for long, to a recogniser that may keep it all to itself until the end."""
        count = self.random.choice((6, 11, 16))
        words, self.unused = self.unused[:count], self.unused[count:]
        self.add(when, "caller", "says", " ".join(words), ms=str(count * 860))

    def asks_again(self, when: str) -> None:
        """Waits for a slow model, and says something every few seconds."""
        first, wait = self.ms(1_500, 5_000, 8_000), self.ms(3_000, 6_000)
        for place in range(4):
            word, *self.unused = self.unused
            self.add(when if not place else f"+{wait}", "caller", "says", word, ms="400")
            if not self.brain:
                self.add("", "model", first=first, times="99")

    def chatters(self, when: str) -> None:
        """A voice behind the caller, which comes and goes."""
        self.add(when, "caller", "chatters", ms=self.ms(900, 2_500, 6_000))
        for _ in range(self.random.choice((0, 0, 2, 5))):
            self.add("+" + self.ms(400, 900, 1_800), "caller", "chatters", ms=self.ms(400, 900))

    def rings(self) -> None:
        """Rings first, while recogniser and voice connect: in time, late, or never."""
        if self.chance(0.7):
            return
        self.option("given", rings=self.ms(20, 400, 3_000))
        for who in ("stt", "voice"):
            if self.chance(0.4):
                self.option(who, opens=self.ms(200, 1_000, 3_500, 60_000))

    # --- what others do wrong

    def voice_faults(self) -> None:
        if self.chance(0.06):
            self.add("", "voice", dead=self.ms(300, 600, 1_200))
            self.lines = _one_voice(self.lines)
        if self.chance(0.14):
            fault = self.random.choice(("raises", "stops", "stalls", "first"))
            value = self.ms(1_500, 3_000) if fault == "first" else self.ms(0, 0, 1)
            self.add("", "voice", self.ms(1, 2, 2, 3), **{fault: value})

    def other_faults(self) -> None:
        for share, fault in self.faults():
            if self.chance(share):
                fault(self.ms(500, 2_000, 4_000, 5_500, 7_000, 9_000, 12_000))

    def faults(self) -> Iterator[tuple[float, Callable[[str], None]]]:
        yield 0.05, lambda at: self.add(at, "stt", "dies", away=self.ms(0, 300, 1_000))
        yield 0.03, lambda at: self.add(at, "leg", "raises")
        yield 0.03, lambda at: self.add(at, "leg", "stalls", ms=self.ms(500, 1_500))
        yield 0.06, self.lost_leg
        yield (
            0.03,
            lambda at: self.add(
                at, "app", "hangs", **({"goodbye": ""} if self.chance(0.5) else {})
            ),
        )
        yield 0.05, lambda at: self.add(at, "app", "says")
        yield 0.03, lambda at: self.add(at, "app", "collects", count=self.ms(0, 2, 4))
        yield 0.03, lambda at: self.add(at, "app", "drains", ms=self.ms(500, 3_000))
        yield (
            0.03,
            lambda at: self.add(at, "app", "machine", **({"beep": ""} if self.chance(0.5) else {})),
        )
        yield 0.06, self.transfer

    def lost_leg(self, at: str) -> None:
        when = at if self.chance(0.4) else "^" + self.ms(200, 700, 1_500)
        self.add(when, "leg", "lost", ms=self.ms(300, 1_500, 4_000))
        self.given("reconnects")

    def given(self, *names: str) -> None:
        """Add settings of the call."""
        self.option("given", **dict.fromkeys(names, ""))

    def option(self, who: str, **options: str) -> None:
        """Add settings of *who* for the whole call."""
        for place, old in enumerate(self.lines):
            if old.who == who and not old.when and not old.words:
                self.lines[place] = attrs.evolve(old, options={**old.options, **options})
                return
        self.lines.insert(0, Line("", who, (), options))

    def transfer(self, at: str) -> None:
        self.given("tells")
        self.add(at, "app", "transfers")
        does = self.one(((4, "fails"), (2, "takes"), (1, "loses"), (1, "refuses"), (1, "nothing")))
        self.add("", "carrier", does, ms=self.ms(1_000, 4_000))
        if self.chance(0.5):
            later = str(int(at) + int(self.ms(600, 1_800)))
            other = self.random.choice(("hangs", "says", "collects", "drains"))
            self.add(later, "app", other)


def _one_voice(lines: list[Line]) -> list[Line]:
    """One line for all of the voice's settings."""
    voices = [each for each in lines if each.who == "voice"]
    options = {name: value for each in voices for name, value in each.options.items()}
    return [*(each for each in lines if each.who != "voice"), Line("", "voice", (), options)]


def draw(seed: int) -> Script:
    """The script of *seed*."""
    return Draw(Random(f"soak {seed}")).script()
