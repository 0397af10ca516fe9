"""A sound behind the call: it fills the line, and no figure of what was heard knows of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import groupby
from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from patter.audio.convert import convert
from patter.audio.formats import MULAW_8K, PCM16_8K, PCM16_16K, AudioFormat
from patter.audio.sound_file import Sound
from patter.call.playout.ambience import Ambience, SoundStream
from patter.call.playout.gate import Playout
from patter.call.playout.timing import PlayoutTiming
from patter.call.turn.events import Connected, Digit
from patter.call.turn.rules import TurnRules

from .effort import tries
from .world import TICK_MS, Call, Carrier, Item, pattern

LEVEL = 4_000
"""The one value of every sample of `HUM`, and the value that mu-law has next to its tenth."""
HUM = Sound(LEVEL.to_bytes(2, "little") * 8_000, 8_000)
FILL = convert((400).to_bytes(2, "little"), PCM16_8K, MULAW_8K)


def humming(loop: bool = True, muted: Callable[[], bool] = lambda: False) -> Playout:
    playout = Playout(PlayoutTiming())
    playout.ambience = Ambience(HUM, MULAW_8K, 0.1, loop, muted)
    return playout


def sent(playout: Playout, start: int, end: int) -> bytes:
    items = (item for now in range(start, end, 10) for item in playout.due(now))
    return b"".join(item for item in items if isinstance(item, bytes))


# --- what is sent when


def test_a_silent_line_is_filled_no_further_ahead_than_60_ms() -> None:
    playout = humming()
    assert sent(playout, 0, 10) == FILL * 60 * 8
    assert sent(playout, 10, 30) == b""
    assert sent(playout, 30, 40) == FILL * 30 * 8
    assert playout.fill_ms() == 60


def test_a_loop_that_stood_still_does_not_make_up_for_it() -> None:
    playout = humming()
    sent(playout, 0, 1_000)
    assert len(sent(playout, 60_000, 60_010)) == 60 * 8


def test_words_are_sent_at_once_over_what_is_there() -> None:
    playout = humming()
    sent(playout, 0, 200)
    playout.open(1)
    playout.say(1, "word")
    playout.put(1, b"\xff" * 8_000)
    assert len(sent(playout, 200, 210)) == 200 * 8


def test_words_and_sound_are_added_up() -> None:
    playout = humming()
    playout.open(1)
    words = convert((2_000).to_bytes(2, "little") * 800, PCM16_8K, MULAW_8K)
    playout.put(1, words)
    both = convert(sent(playout, 0, 10)[:800], MULAW_8K, PCM16_8K)
    assert abs(int.from_bytes(both[:2], "little") - 2_400) <= 64


def test_while_words_are_held_the_sound_goes_on() -> None:
    playout = humming()
    playout.open(1)
    playout.say(1, "word")
    playout.put(1, b"\xff" * 16_000)
    sent(playout, 0, 500)
    playout.hold(1)
    assert sent(playout, 1_000, 2_000).count(FILL) == 1_050 * 8
    playout.resume(1)
    assert len(sent(playout, 2_000, 2_010)) >= 200 * 8


def test_after_a_cut_the_sound_goes_on_and_the_words_do_not() -> None:
    playout = humming()
    playout.open(1)
    playout.put(1, b"\x20" * 16_000)
    sent(playout, 0, 500)
    playout.cut(2, 500)
    assert sent(playout, 500, 1_000) == FILL * (540 * 8)


def test_a_cut_takes_the_sound_that_was_ahead_and_it_is_made_up_for_at_once() -> None:
    playout = humming()
    sent(playout, 0, 40)
    playout.cut(2, 45)
    assert sent(playout, 45, 46) == FILL * (60 * 8)


def test_muted_it_is_neither_heard_nor_waited_for() -> None:
    off = [True]
    playout = humming(muted=lambda: off[0])
    assert (sent(playout, 0, 500), playout.fill_ms()) == (b"", None)
    off[0] = False
    assert sent(playout, 500, 1_000) != b""


def test_without_a_loop_it_ends() -> None:
    playout = humming(loop=False)
    assert len(sent(playout, 0, 3_000)) == 8_000
    assert playout.fill_ms() is None


def test_what_a_lost_leg_took_along_is_sent_again_without_the_sound_twice() -> None:
    playout = humming()
    playout.open(1)
    playout.put(1, b"\xff" * 8_000)
    before = sent(playout, 0, 10)
    playout.lost(10)
    again = sent(playout, 10, 20)
    assert before[: len(again)] == again == FILL * len(again)


# --- the heard cursor, marks, history: as without it


@attrs.define
class Filler:
    """An ambience that a test can tell from words."""

    audible: bool = True

    def behind(self, audio: bytes) -> bytes:
        return audio

    def alone(self, size: int) -> bytes:
        return b"\xff" * size


@attrs.define
class FilledCarrier(Carrier):
    """Plays the filler as all else, and counts it apart."""

    filled: int = 0

    def receive(self, now: float, item: Item, epoch: int) -> None:
        filler = isinstance(item, bytes) and not item.strip(b"\xff")
        Carrier.receive(self, now, item, -1 if filler else epoch)

    def tick(self, now: float) -> None:
        Carrier.tick(self, now)
        self.filled += len(self.played.pop(-1, b""))


@tries(quick=100, nightly=5_000)
@given(
    marks=st.booleans(),
    up_ms=st.integers(0, 180),
    down_ms=st.integers(0, 150),
    gaps=st.lists(st.tuples(st.integers(20, 1_500), st.integers(0, 900)), min_size=1, max_size=5),
    cut_ms=st.integers(0, 2_000),
)
def test_what_was_heard_is_known_as_well_as_without_it(
    marks: bool, up_ms: int, down_ms: int, gaps: list[tuple[int, int]], cut_ms: int
) -> None:
    call = Call(TurnRules(), PlayoutTiming(marks=marks), up_ms, down_ms)
    call.carrier = FilledCarrier(call.line, up_ms, down_ms)
    filler: Any = Filler()
    call.playout.ambience = filler
    call.post(Connected(0))
    for ms, pause_ms in gaps:
        call.speak(1, "word", ms)
        call.run(pause_ms)
    call.run(cut_ms)
    truth_ms = call.carrier.truth(1) / call.line.bytes_per_ms
    call.post(Digit(call.now, "1"))
    claimed = sum(len(row.text.split()) for row in call.history if row.who == "agent")
    spoken = [ms for ms, _ in gaps]
    assert sum(spoken[:claimed]) <= truth_ms + call.line.error_ms + TICK_MS
    held = sum(len(item) for item, _ in call.carrier.buffer if isinstance(item, bytes))
    assert held <= (call.line.lead_ms + call.line.fill_lead_ms) * call.line.bytes_per_ms


def test_the_line_has_no_gap_and_all_of_the_words_are_known_to_be_heard() -> None:
    call = Call(up_ms=0)
    call.carrier = FilledCarrier(call.line, 0, 40)
    filler: Any = Filler()
    call.playout.ambience = filler
    call.post(Connected(0))
    call.run(1_000)
    call.speak(1, "word", 500)
    call.finish(1)
    call.run(1_500)
    assert call.carrier.filled + call.carrier.truth(1) == 2_500 * 8
    assert call.playout.over(call.now)
    assert call.playout.error_ms(call.now) <= 1


def test_a_fill_between_words_does_not_count_as_words_to_come() -> None:
    playout = humming()
    playout.open(1)
    playout.say(1, "one")
    playout.put(1, b"\x20" * 82 * 8)
    assert len(sent(playout, 0, 80)) == 112 * 8
    playout.put(1, b"\x20" * 20 * 8)
    sent(playout, 80, 81)
    assert playout.heard_ms(80) + playout.error_ms(80) >= 80


def test_without_a_sound_nobody_wakes_for_it() -> None:
    assert Playout(PlayoutTiming()).fill_ms() is None


# --- the sound itself


@given(
    st.sampled_from([8_000, 11_025, 16_000, 48_000]),
    st.sampled_from([8_000, 16_000]),
    st.lists(st.integers(1, 900), min_size=1, max_size=20),
)
def test_a_loop_delivers_what_it_is_asked_for(rate: int, line: int, counts: list[int]) -> None:
    stream = SoundStream(Sound(pattern(1, 0, 800), rate), line, loop=True)
    assert [len(stream.read(count)) for count in counts] == [2 * count for count in counts]


def test_a_sound_at_another_rate_keeps_its_length() -> None:
    stream = SoundStream(Sound(HUM.pcm * 2, 16_000), 8_000, loop=False)
    out = b"".join(iter(lambda: stream.read(400), b""))
    assert len(out) == 16_000


def test_lines_of_every_format_are_filled() -> None:
    for line in (MULAW_8K, PCM16_8K, PCM16_16K, AudioFormat("alaw", 8_000)):
        alone = Ambience(HUM, line, 0.1, loop=True).alone(line.bytes_in(200))
        assert len(alone) == line.bytes_in(200)
        middle = convert(alone, line, PCM16_8K)[1_600:1_620]
        assert [value for value, _ in groupby(middle[::2])] != [0]
