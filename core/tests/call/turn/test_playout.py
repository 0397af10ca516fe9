"""The gate's arithmetic: what is sent when, and what the caller has heard of it."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from patter.call.playout.gate import CutShort, Playout
from patter.call.playout.queue import AudioQueue
from patter.call.playout.timing import Mark, PlayoutTiming
from patter.call.turn.events import Connected, Digit
from patter.call.turn.rules import TurnRules
from patter.providers.tts import SpokenWord

from .effort import tries
from .world import TICK_MS, Call, pattern

SECOND = pattern(1, 0, 8_000)


def speaking(
    line: PlayoutTiming | None = None, audio: bytes = SECOND, text: str = "one two"
) -> Playout:
    playout = Playout(line or PlayoutTiming())
    playout.open(1)
    playout.say(1, text)
    playout.put(1, audio)
    return playout


def audio_of(items: Iterable[bytes | Mark]) -> bytes:
    return b"".join(item for item in items if isinstance(item, bytes))


def take_due(playout: Playout, now: float) -> list[bytes | Mark]:
    return list(playout.due(now))


def names_of(items: Iterable[bytes | Mark]) -> list[str]:
    return [item.name for item in items if isinstance(item, Mark)]


def run(playout: Playout, start: int, end: int) -> list[bytes | Mark]:
    return [item for now in range(start, end, TICK_MS) for item in playout.due(now)]


# --- pacing


def test_the_carrier_never_holds_more_than_the_lead() -> None:
    playout = speaking()
    assert len(audio_of(take_due(playout, 0))) == 300 * 8
    assert take_due(playout, 50) == []
    assert playout.wake_ms() == playout.next_due() == 100
    assert len(audio_of(take_due(playout, 100))) == 100 * 8


def test_pacing_does_not_drift_when_the_loop_is_late() -> None:
    playout = speaking()
    late = (
        audio_of(take_due(playout, 0))
        + audio_of(take_due(playout, 190))
        + audio_of(take_due(playout, 270))
    )
    assert len(late) == 500 * 8


def test_after_a_gap_the_reserve_is_built_up_again() -> None:
    playout = speaking(audio=SECOND[:800])
    take_due(playout, 0)
    playout.put(1, SECOND)
    assert len(audio_of(take_due(playout, 5_000))) == 300 * 8


def test_chunks_are_whole_samples_at_any_rate() -> None:
    line = PlayoutTiming(bytes_per_ms=22.05, sample_bytes=2)
    playout = speaking(line, audio=bytes(44_100))
    chunks = [item for item in run(playout, 0, 3_000) if isinstance(item, bytes)]
    assert b"".join(chunks) == bytes(44_100)
    assert all(len(chunk) % 2 == 0 for chunk in chunks)


def test_what_is_held_is_neither_sent_nor_lost() -> None:
    playout = speaking()
    first = audio_of(take_due(playout, 0))
    playout.hold(7)
    assert not playout.held
    playout.hold(1)
    assert take_due(playout, 5_000) == []
    assert playout.wake_ms() is None
    playout.resume(7)
    assert playout.held
    playout.resume(1)
    assert first + audio_of(run(playout, 5_000, 6_000)) == SECOND


def test_makers_see_how_much_room_there_is() -> None:
    playout = speaking(PlayoutTiming(queue_ms=1_500))
    assert (playout.queued_ms, playout.room(), playout.begun) == (1_000, 500, False)
    assert playout.put(1, SECOND), "nothing is refused for want of room"
    assert (playout.queued_ms, playout.room()) == (2_000, 0)
    take_due(playout, 0)
    assert (playout.queued_ms, playout.sent_ms, playout.begun) == (1_700, 300, True)


@tries(quick=100, nightly=20_000)
@given(st.lists(st.binary(max_size=40), max_size=12), st.lists(st.integers(1, 50), max_size=30))
def test_a_backlog_gives_back_what_it_was_given(pieces: list[bytes], sizes: list[int]) -> None:
    backlog, everything = AudioQueue(), b"".join(pieces)
    for piece in pieces:
        backlog.push(piece)
    assert backlog.size == len(everything)
    taken = [backlog.take(size) for size in sizes]
    assert b"".join(taken) == everything[: sum(sizes)]
    assert all(len(part) <= size for part, size in zip(taken, sizes, strict=True))
    assert backlog.size == len(everything) - len(b"".join(taken))
    assert backlog.take(10_000) == everything[sum(sizes) :]


# --- the gate


def test_an_old_epoch_is_refused_and_its_marks_mean_nothing() -> None:
    playout = speaking()
    [mark] = names_of(take_due(playout, 0))
    playout.cut(2, 100)
    assert not playout.put(1, b"late")
    playout.open(3)
    playout.put(3, SECOND)
    take_due(playout, 200)
    playout.mark_played(mark, 210)
    assert playout.heard(210) == 0


def test_after_the_end_nothing_is_added() -> None:
    playout = speaking()
    playout.finish(1)
    playout.say(1, "three")
    assert not playout.put(1, b"more")
    assert playout.text == "one two"


def test_a_finish_of_another_epoch_finishes_nothing() -> None:
    playout = speaking()
    playout.finish(0)
    assert playout.put(1, b"more")


def test_after_a_cut_the_next_utterance_starts_at_once() -> None:
    playout = speaking()
    take_due(playout, 0)
    playout.cut(2, 50)
    playout.open(3)
    assert playout.text == ""
    assert (playout.sent_ms, playout.queued_ms, playout.audible()) == (0, 0, False)
    playout.put(3, SECOND)
    assert len(audio_of(take_due(playout, 50))) == 300 * 8


# --- marks and the cursor


def test_marks_come_with_the_first_audio_then_every_half_second_then_at_the_end() -> None:
    playout = speaking()
    playout.finish(1)
    assert names_of(run(playout, 0, 1_000)) == ["1.800", "1.4800", "1.8000"]


def test_a_mark_proves_what_was_heard_and_shows_the_delay() -> None:
    playout = speaking(PlayoutTiming(latency_ms=200))
    [mark] = names_of(take_due(playout, 0))
    assert playout.heard_ms(250) == 50, "as long as nothing is known, the line's latency is"
    assert playout.heard_ms(450) == 100, "not beyond the oldest mark on its way"
    playout = speaking(PlayoutTiming(latency_ms=200))
    take_due(playout, 0)
    playout.mark_played(mark, 150)
    assert playout.heard_ms(150) == 100
    assert playout.heard_ms(250) == 200, "50 ms behind, as the mark was"


def test_a_mark_that_was_slow_to_come_back_does_not_make_the_line_slower() -> None:
    playout = speaking(PlayoutTiming(latency_ms=200), audio=SECOND * 3)
    asked = [item for now in range(0, 1_000, TICK_MS) for item in playout.due(now)]
    first, second = names_of(asked)[:2]
    playout.mark_played(first, int(first.split(".")[1]) / 8 + 20)
    due_ms = int(second.split(".")[1]) / 8
    playout.mark_played(second, due_ms + 90)
    assert playout.heard_ms(due_ms + 120) == due_ms + 100


def test_audio_that_is_late_to_begin_is_late_to_its_end() -> None:
    playout = speaking(PlayoutTiming(latency_ms=200))
    playout.finish(1)
    for name in names_of(run(playout, 0, 1_000)):
        playout.mark_played(name, int(name.split(".")[1]) / 8 + 5)
    playout.open(2)
    playout.put(2, SECOND)
    [first] = names_of(take_due(playout, 2_000))
    playout.mark_played(first, 2_100 + 80)
    assert playout.heard_ms(2_200) == 120, "80 ms behind, though the last began 5 ms behind"


def test_a_mark_from_before_the_carrier_ran_dry_says_nothing_of_what_came_after() -> None:
    playout = speaking(PlayoutTiming(latency_ms=200), audio=SECOND[:800])
    [first] = names_of(take_due(playout, 0))
    playout.put(1, SECOND)
    [*asked] = names_of(run(playout, 300, 800))
    playout.mark_played(first, 305)
    playout.mark_played(asked[0], int(asked[0].split(".")[1]) / 8 + 200 + 250)
    assert playout.heard_ms(1_100) == 1_100 - 200 - 250


def test_what_a_line_is_slow_to_take_is_heard_no_sooner() -> None:
    playout = speaking(PlayoutTiming(marks=False, latency_ms=0), audio=SECOND[:800])
    playout.finish(1)
    [audio] = take_due(playout, 0)
    assert isinstance(audio, bytes)
    playout.arrived(audio, 1_500)
    assert playout.heard_ms(1_500) == 0
    assert not playout.over(1_599)
    assert playout.over(1_600)


def test_what_a_line_takes_in_time_is_heard_when_it_was_due() -> None:
    playout = speaking(PlayoutTiming(marks=False, latency_ms=0), audio=SECOND[:1_600])
    playout.finish(1)
    *_, last = (each for each in take_due(playout, 0) if isinstance(each, bytes))
    playout.arrived(last, 50)
    assert playout.over(200)


def test_a_carrier_without_marks_is_estimated_and_never_overclaimed() -> None:
    playout = speaking(PlayoutTiming(marks=False, latency_ms=200))
    assert names_of(take_due(playout, 0)) == []
    assert playout.heard(200) == 0
    assert playout.heard(300) == 800


def test_a_mark_that_never_comes_does_not_keep_the_agent_speaking() -> None:
    playout = speaking()
    playout.finish(1)
    run(playout, 0, 1_000)
    assert not playout.over(2_000)
    assert playout.wake_ms() == 1_000 + 200 + 2_000
    assert playout.over(3_200)


def test_without_marks_the_end_is_known_in_advance() -> None:
    playout = speaking(PlayoutTiming(marks=False))
    playout.finish(1)
    run(playout, 0, 1_000)
    assert playout.wake_ms() == 1_200
    assert not playout.over(1_199)
    assert playout.over(1_200)


def test_an_utterance_without_audio_is_over_at_once() -> None:
    playout = Playout()
    playout.open(1)
    playout.finish(1)
    assert playout.over(0)
    assert not playout.audible()
    assert (playout.begun, playout.error_ms(0), playout.first_heard_ms(0)) == (False, 0, None)


def test_a_filler_is_not_audible_speech() -> None:
    playout = speaking(text="")
    take_due(playout, 0)
    assert playout.begun
    assert not playout.audible()


def test_the_first_sound_of_the_own_text_has_a_time() -> None:
    playout = speaking(PlayoutTiming(latency_ms=200), audio=SECOND[:1_200], text="")
    playout.say(1, "now")
    playout.put(1, SECOND)
    [mark] = names_of(take_due(playout, 0))
    assert playout.audible(), "it is among the 300 ms sent"
    assert playout.first_heard_ms(349) is None
    playout.mark_played(mark, 140)
    assert playout.first_heard_ms(189) is None
    assert playout.first_heard_ms(400) == 150 + 40
    assert playout.first_heard_ms(9_000) == 150 + 40, "it does not move any more"


def test_a_gap_before_the_own_text_counts() -> None:
    playout = speaking(audio=SECOND[:800], text="")
    take_due(playout, 0)
    playout.say(1, "now")
    playout.put(1, SECOND)
    take_due(playout, 1_000)
    assert playout.first_heard_ms(1_500) == 1_200


# --- words


def test_word_times_count_from_the_first_audio_of_their_voice() -> None:
    playout = speaking(audio=SECOND[:1_600], text="")
    playout.begin(1)
    playout.say(1, "one two")
    playout.put(1, SECOND[:4_000], [SpokenWord("one", 200), SpokenWord("two", 450)])
    playout.say(1, "three")
    playout.put(1, SECOND[:4_000], [SpokenWord("three", 900)])
    playout.finish(1)
    run(playout, 0, 1_200)
    playout.mark_played("1.9600", 1_200)
    assert playout.heard_text(1_200) == "one two three"
    assert [piece.words for piece in playout._pieces[1:]] == [
        [(200, "one"), (450, "two")],
        [(400, "three")],
    ]


def test_word_times_that_come_late_go_to_the_piece_they_end_in() -> None:
    playout = speaking(PlayoutTiming(marks=False, latency_ms=0), SECOND[:4_000], "one two")
    playout.say(1, "three")
    playout.put(1, SECOND[:4_000], [SpokenWord("one", 300), SpokenWord("three", 800)])
    run(playout, 0, 400)
    assert playout.heard_text(350) == "one"


def test_a_cut_tells_what_was_heard_and_what_was_not() -> None:
    playout = speaking(PlayoutTiming(marks=False, latency_ms=0), text="one two three four")
    playout.say(1, "and five")
    playout.put(1, SECOND)
    run(playout, 0, 500)
    assert playout.text == "one two three four and five"
    assert playout.unheard_text(500) == "three four and five"
    cut = playout.cut(2, 500)
    assert (cut.epoch, cut.heard_ms, cut.sent_ms) == (1, 500, 700)
    assert (cut.heard_text, cut.unheard_text) == ("one two", "three four and five")
    assert cut.first_heard_ms == 0
    assert cut.error_ms <= 1


def test_a_cut_of_nothing_is_empty() -> None:
    playout = Playout()
    assert playout.cut(1, 0) == CutShort(0, 0, 0, 0, "", "", None)


def test_the_error_shrinks_when_a_mark_comes_back() -> None:
    playout = speaking()
    playout.finish(1)
    run(playout, 0, 1_000)
    before = playout.error_ms(1_150)
    playout.mark_played("1.8000", 1_150)
    assert playout.error_ms(1_150) <= 1 < before


# --- against what the caller really heard


@tries(quick=60, nightly=5_000)
@given(
    marks=st.booleans(),
    up_ms=st.integers(0, 180),
    down_ms=st.integers(0, 150),
    pieces=st.lists(st.integers(20, 1_500), min_size=1, max_size=5),
    cut_ms=st.integers(0, 4_000),
)
def test_history_never_claims_more_than_the_bound_allows(
    marks: bool, up_ms: int, down_ms: int, pieces: list[int], cut_ms: int
) -> None:
    call = Call(TurnRules(), PlayoutTiming(marks=marks), up_ms, down_ms)
    call.post(Connected(0))
    for ms in pieces:
        call.speak(1, "word", ms)
    call.run(cut_ms)
    truth_ms = call.carrier.truth(1) / call.line.bytes_per_ms
    call.post(Digit(call.now, "1"))
    claimed = sum(len(row.text.split()) for row in call.history if row.who == "agent")
    assert sum(pieces[:claimed]) <= truth_ms + call.line.error_ms + TICK_MS
    if call.cut_short:
        assert abs(call.cut_short.heard_ms - truth_ms) <= call.cut_short.error_ms + 2 * TICK_MS


@tries(quick=60, nightly=5_000)
@given(
    filler_ms=st.integers(0, 700),
    late_ms=st.integers(0, 900),
    up_ms=st.integers(0, 200),
    down_ms=st.integers(0, 150),
)
def test_the_first_sound_is_estimated_within_the_latency(
    filler_ms: int, late_ms: int, up_ms: int, down_ms: int
) -> None:
    call = Call(TurnRules(), PlayoutTiming(), up_ms, down_ms)
    call.post(Connected(0))
    call.speak(1, "", filler_ms)
    call.run(late_ms)
    call.speak(1, "word", 1_500)
    heard_ms = None
    while heard_ms is None:
        call.run(TICK_MS)
        if call.carrier.truth(1) > filler_ms * 8:
            heard_ms = call.now
    call.run(800)
    told_ms = call.playout.first_heard_ms(call.now)
    assert told_ms is not None
    assert heard_ms - 3 * TICK_MS <= told_ms <= heard_ms + call.line.latency_ms + TICK_MS
