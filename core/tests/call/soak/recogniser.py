"""A recogniser that reads the words off the caller's sound, and a detector of voices.

How late, how often and how wrong its words come stands in the options of the `caller` line that
they are of; what happens to its connection in lines of `stt`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import attrs

from patter.aio import Mailbox
from patter.audio.formats import MULAW_8K, AudioFormat
from patter.call.link import LinkRules
from patter.errors import PatterConnectionError
from patter.providers.context import CallContext
from patter.providers.stt import STTEvent, Transcript
from patter.providers.vad import SpeechEvent, VoiceStart, VoiceStop

from .notes import Notes, Question
from .script import Line
from .sound import FRAME, FRAME_MS, NOISE, read

INTERIM_MS, FINAL_MS = 250, 150
ONSET_MS, TAIL_MS = 30, 100
OPEN_MS = LinkRules().open_ms


async def connect(notes: Notes, settings: Line) -> None:
    """Take as long as a line of `stt` or `voice` says; for ever is its fault."""
    opens_ms = settings.number("opens")
    if opens_ms > OPEN_MS:
        notes.fault(settings.who)
    await asyncio.sleep(opens_ms / 1_000)


@attrs.frozen(kw_only=True, eq=False)
class Recogniser:
    """*settings* is the `stt` line of the whole call; *words* what the caller's codes mean."""

    notes: Notes
    settings: Line
    words: dict[int, tuple[str, Question]]
    accepts: tuple[AudioFormat, ...] = (MULAW_8K,)
    sessions: list[RecogniserSession] = attrs.field(factory=list)
    away: list[int] = attrs.field(factory=lambda: [-1])

    @asynccontextmanager
    async def open(self, call: CallContext, audio: AudioFormat) -> AsyncIterator[RecogniserSession]:
        await connect(self.notes, self.settings)
        if self.notes.now() < self.away[0]:
            raise PatterConnectionError("the recogniser cannot be reached", fix="none")
        session = RecogniserSession(self)
        self.sessions.append(session)
        try:
            yield session
        finally:
            session.end()

    def die(self, away_ms: int) -> bool:
        """Lose the connection; there is none for *away_ms*. False if that changes nothing."""
        self.away[0] = self.notes.now() + away_ms
        if self.sessions:
            self.sessions[-1].fail()
        return bool(self.sessions or away_ms)


@attrs.define(eq=False)
class RecogniserSession:
    settings: Recogniser
    _events: Mailbox[STTEvent] = attrs.field(factory=lambda: Mailbox(10_000))
    _timers: list[asyncio.TimerHandle] = attrs.field(factory=list)
    _pending: list[int] = attrs.field(factory=list)
    _ends: dict[int, int] = attrs.field(factory=dict)
    _code: int = -1
    _fed: int = 0
    _sent_s: float = 0.0
    _failed: bool = False
    _over: bool = False

    async def send(self, audio: bytes) -> None:
        self.check()
        self._sent_s = asyncio.get_running_loop().time()
        if not audio.strip(b"\xff"):
            self._word_ends()
        else:
            for at, each in enumerate(read(audio)):
                code = -1 if each is None or each[0] == NOISE else each[0]
                if code != self._code:
                    self._word_ends(at * FRAME)
                    self._code = code
        self._fed += len(audio)

    async def finalize(self) -> None:
        self.check()
        self.finish()

    def finish(self) -> None:
        """Make what was heard final."""
        if asyncio.get_running_loop().time() - self._sent_s > TAIL_MS / 1_000:
            self._word_ends()  # no sound comes any more, not even silence
        codes = self._pending
        question = self._of(codes)
        if question is None:
            self._later(self._default("final", FINAL_MS), [], True)
            return
        if question.options.get("final") == "never" and question.final_ms is None:
            question.final_ms = -1
            self.settings.notes.fault("final")
            return
        self._pending = []
        self._make_final(codes, question)

    @property
    def heard(self) -> list[int]:
        """The codes of all words that are over."""
        return list(self._ends)

    def fail(self) -> None:
        self._failed = True
        self.end()

    def end(self) -> None:
        self._over = True
        for timer in self._timers:
            timer.cancel()
        self._events.close()

    async def __aiter__(self) -> AsyncIterator[STTEvent]:
        async for event in self._events:
            yield event
        if self._failed:
            self.check()

    def _word_ends(self, after: int = 0) -> None:
        """The word that was heard is over, *after* more bytes than were fed."""
        if self._code == -1:
            return
        self._pending.append(self._code)
        self._ends[self._code], self._code = _ms_of(self._fed + after), -1
        question = self._of(self._pending)
        assert question is not None
        usual = self.settings.settings.options.get("interim", str(INTERIM_MS))
        late = question.options.get("interim", usual)
        if late != "never":
            self._later(int(late), list(self._pending), False)

    def _make_final(self, codes: list[int], question: Question) -> None:
        own = question.options.get("final", "never")
        late = self._default("final", FINAL_MS) if own == "never" else int(own)
        split = question.options.get("split")
        if split and len(codes) > 1:
            self._later(late, codes[:1], True)
            self._later(late + int(split), codes[1:], True)
        else:
            self._later(late, codes, True)
        if again := question.options.get("twice"):
            self._later(late + int(again), codes, True)

    def _later(self, ms: int, codes: list[int], final: bool) -> None:
        """Deliver *codes* in words after *ms*, with where they end if this recogniser tells."""
        tells = "positions" in self.settings.settings.options
        end_ms = (self._ends[codes[-1]] if codes else _ms_of(self._fed)) if tells else None
        event = Transcript(" ".join(self.texts(codes)), final, end_ms)
        # Of two that are due at once a loop may run either first: a recogniser keeps its order.
        late_s = ms / 1_000 + len(self._timers) * 1e-9
        loop = asyncio.get_running_loop()
        self._timers.append(loop.call_later(late_s, self._deliver, event, codes))

    def _deliver(self, event: Transcript, codes: list[int]) -> None:
        notes = self.settings.notes
        if not event.final and not set(codes) <= set(self._pending):
            return  # no recogniser takes a final back
        now = notes.now()
        notes.delivered.append((now, event.text, event.final))
        if event.final and (question := notes.about(event.text)):
            question.final_ms = now
        self._events.put(event)

    def texts(self, codes: list[int]) -> list[str]:
        """What is understood; a question with another `text` gives that in place of its words."""
        texts: list[str] = []
        for code in codes:
            word, question = self.settings.words[code]
            place = question.words.index(word)
            texts += question.told[place : place + 1]
        return texts

    def _of(self, codes: list[int]) -> Question | None:
        return self.settings.words[codes[-1]][1] if codes else None

    def _default(self, name: str, ms: int) -> int:
        return self.settings.settings.number(name, ms)

    def check(self) -> None:
        """Raise PatterConnectionError where the connection is gone."""
        if self._over:
            raise PatterConnectionError("the recogniser is gone", fix="none")


def _ms_of(fed: int) -> int:
    """Where in its audio, of which *fed* bytes came, something ends: no word before its end."""
    return -(-fed * FRAME_MS // FRAME)


@attrs.frozen
class Detector:
    """Hears every sound as a voice."""

    accepts: tuple[AudioFormat, ...] = (MULAW_8K,)
    tail_ms: int = TAIL_MS

    def start(self, audio: AudioFormat) -> _Detecting:
        return _Detecting()


@attrs.define(eq=False)
class _Detecting:
    _ms: int = 0
    _run_ms: int = 0
    _speaking: bool = False
    _changes: list[SpeechEvent] = attrs.field(factory=list)

    def feed(self, audio: bytes) -> SpeechEvent | None:
        sounds = bool(audio.strip(b"\xff"))
        if not sounds and not self._speaking:
            self._ms, self._run_ms = self._ms + len(audio) // FRAME * FRAME_MS, 0
        else:
            for each in read(audio):
                self._judge(each is not None)
        return self._changes.pop(0) if self._changes else None

    def _judge(self, sounds: bool) -> None:
        self._ms += FRAME_MS
        self._run_ms = self._run_ms + FRAME_MS if sounds != self._speaking else 0
        if self._run_ms >= (TAIL_MS if self._speaking else ONSET_MS):
            at = self._ms - self._run_ms
            self._changes.append(VoiceStop(at) if self._speaking else VoiceStart(at))
            self._speaking, self._run_ms = not self._speaking, 0
