"""A caller does what the script says, and sees what a person would hear."""

from __future__ import annotations

import base64

import attrs
import pytest

from patter_load.conversation import Kind, Script, Step
from patter_load.person import (
    CUT_AFTER_MS,
    ENDLESS_MS,
    GREETING_MS,
    KEYS_MS,
    LOST_MS,
    PAUSE_MS,
    Gone,
    Person,
)
from patter_load.sightings import MS, Sightings

FRAME = b"\x20" * 160
SILENCE = b"\xff" * 160
SAYS = Step(Kind.SAYS, "hi", (FRAME,) * 20)
CUTS = Step(Kind.INTERRUPTS, "wait", (FRAME,) * 10)


def payload(audio: bytes) -> str:
    return base64.b64encode(audio).decode()


@attrs.define
class Talk:
    """A person in a time that a test moves; what they do is in *done*, 20 ms each."""

    steps: tuple[Step, ...]
    now: int = 10**12
    seen: Sightings = attrs.field(factory=Sightings)
    done: list[bytes | str] = attrs.field(factory=list)
    person: Person = attrs.field(init=False)
    gone: bool = False

    def __attrs_post_init__(self) -> None:
        self.person = Person(self.steps, lambda: self.seen)

    def passes(self, ms: float) -> list[bytes | str]:
        """So much time passes; what the caller did."""
        before = len(self.done)
        for _ in range(int(ms // 20)):
            if self.gone:
                break
            try:
                self.done.append(self.person.says(self.now))
            except Gone:
                self.gone = True
            self.now += 20 * MS
        return self.done[before:]

    def agent(self, ms: float, *, frame: bytes = FRAME) -> None:
        """The agent's sound comes, all at once."""
        self.person.plays(payload(frame * int(ms // 20)), self.now)

    def until_voice(self, limit_ms: float = 30_000) -> float:
        """How long it takes until the caller speaks."""
        for passed in range(0, int(limit_ms), 20):
            if self.passes(20) == [FRAME]:
                return passed
        raise AssertionError("nobody spoke")


def test_a_greeting_is_heard_out_before_the_caller_speaks() -> None:
    talk = Talk((SAYS,))
    talk.agent(1_000)
    assert talk.until_voice() == 1_000 + PAUSE_MS
    assert talk.passes(19 * 20) == [FRAME] * 19
    assert talk.passes(20) == [b""]


def test_without_a_greeting_the_caller_begins_by_and_by() -> None:
    assert Talk((SAYS,)).until_voice() == GREETING_MS


def test_an_answer_counts_from_the_end_of_the_voice_to_the_first_sound() -> None:
    talk = Talk((SAYS,))
    talk.until_voice()
    talk.passes(20 * 20)
    ended = talk.now
    talk.agent(200, frame=SILENCE)
    talk.passes(300)
    talk.agent(500)
    (turn,) = talk.seen.turns
    # One frame of grace: the voice has ended when there is nothing more to send.
    assert turn.response_ms == pytest.approx((talk.now - ended) / MS + 20, abs=21)


def test_who_is_not_answered_notes_it_and_goes_on() -> None:
    talk = Talk((SAYS, SAYS))
    talk.until_voice()
    talk.passes(19 * 20)
    assert talk.until_voice() >= LOST_MS
    assert talk.seen.lost_turns == 1


def test_an_interruption_comes_into_the_answer_and_is_timed_to_the_clear() -> None:
    talk = Talk((SAYS, CUTS))
    talk.until_voice()
    talk.passes(20 * 20)
    talk.agent(3_000)
    assert talk.until_voice() == pytest.approx(CUT_AFTER_MS, abs=20)
    talk.passes(80)
    talk.person.is_cleared(talk.now)
    assert talk.person.dry_ns == talk.now, "what was not heard is dropped"
    turn = talk.seen.turns[-1]
    assert turn.barge
    assert turn.clear_ms == pytest.approx(100, abs=20)


def test_what_still_comes_of_the_old_reply_is_no_answer() -> None:
    talk = Talk((SAYS, CUTS))
    talk.until_voice()
    talk.passes(20 * 20)
    talk.agent(2_000)
    talk.until_voice()
    talk.passes(12 * 20)
    talk.agent(100)
    turn = talk.seen.turns[-1]
    assert turn.response_ms is None, "nobody knows yet whether it was cut"
    talk.passes(100)
    talk.person.is_cleared(talk.now)
    talk.passes(200)
    talk.agent(300)
    assert turn.response_ms == pytest.approx(340, abs=60)


def test_an_answer_too_short_to_be_interrupted_is_followed_by_the_same_words() -> None:
    talk = Talk((SAYS, CUTS))
    talk.until_voice()
    talk.passes(20 * 20)
    talk.agent(300)
    assert talk.until_voice() == pytest.approx(300 + PAUSE_MS, abs=20)
    assert not talk.seen.turns[-1].barge


@pytest.mark.parametrize(("gap_ms", "counts"), [(10, 0), (40, 1), (300, 1), (900, 0)])
def test_a_hole_in_a_reply_is_an_underrun_and_a_pause_is_none(gap_ms: int, counts: int) -> None:
    talk = Talk((SAYS,))
    talk.until_voice()
    talk.passes(20 * 20)
    talk.agent(400)
    talk.now += (400 + gap_ms) * MS
    talk.agent(400)
    assert talk.seen.underruns == counts
    if counts:
        assert talk.seen.worst_gap_ms == pytest.approx(gap_ms)


def test_silence_that_is_sent_as_sound_is_no_underrun_and_no_answer() -> None:
    talk = Talk((SAYS,))
    talk.until_voice()
    talk.passes(20 * 20)
    for _ in range(20):
        talk.agent(20, frame=SILENCE)
        talk.passes(20)
    assert talk.seen.underruns == 0
    assert talk.seen.turns[0].answer_ns == 0


def test_a_voice_that_breathes_is_no_underrun_and_a_hole_behind_it_is_one() -> None:
    talk = Talk((SAYS,))
    talk.until_voice()
    talk.passes(20 * 20)
    for frame in (FRAME, SILENCE, SILENCE, SILENCE, FRAME):
        talk.agent(100, frame=frame)
        talk.now += 102 * MS
    assert talk.seen.underruns == 0
    assert max(talk.seen.jitter_ms) == pytest.approx(2.0)
    talk.now += 98 * MS
    talk.agent(100)
    assert talk.seen.underruns == 1


def test_jitter_is_how_much_later_a_piece_came_than_the_last_one_lasted() -> None:
    talk = Talk((SAYS,))
    talk.until_voice()
    talk.passes(20 * 20)
    talk.agent(1_000)
    for late_ms in (0, 15, 0):
        talk.now += (100 + late_ms) * MS
        talk.agent(100)
    assert talk.seen.jitter_ms == [0.0, 15.0, 0.0]


def test_nobody_listens_for_ever() -> None:
    talk = Talk((SAYS,))
    for _ in range(3_600):
        talk.agent(20)
        if FRAME in talk.passes(20):
            break
    assert len(talk.done) * 20 == pytest.approx(ENDLESS_MS, abs=40)


def test_keys_are_pressed_apart_and_need_no_answer() -> None:
    talk = Talk((Step(Kind.PRESSES, "12"), Step(Kind.HANGS_UP)))
    talk.passes(GREETING_MS + 2_000)
    keys = [at for at, each in enumerate(talk.done) if isinstance(each, str)]
    assert [talk.done[at] for at in keys] == ["1", "2"]
    assert keys[1] - keys[0] == 10
    talk.passes(KEYS_MS)
    assert talk.gone


def test_a_wait_is_as_long_as_it_says_and_then_the_caller_is_gone() -> None:
    talk = Talk((Step(Kind.WAITS, ms=5_000),))
    talk.passes(GREETING_MS + 4_900)
    assert not talk.gone
    talk.passes(500)
    assert talk.gone
    assert set(talk.done) == {b""}


def test_a_turn_of_before_the_measured_stretch_counts_where_it_is_answered() -> None:
    talk = Talk((SAYS,))
    talk.until_voice()
    talk.passes(20 * 20)
    talk.seen = Sightings()
    talk.agent(200)
    assert len(talk.seen.turns) == 1


def test_a_script_is_that_of_patter_test_without_what_it_expects() -> None:
    script = Script.of('caller: hi\nexpect said "x"\ninterrupt: no\ndtmf: 1\nwait: 2s\nhangup')
    kinds = [step.kind for step in script.steps]
    assert kinds == [Kind.SAYS, Kind.INTERRUPTS, Kind.PRESSES, Kind.WAITS, Kind.HANGS_UP]
    assert script.words == ("hi", "no")
    steps = script.spoken({"hi": FRAME * 2 + b"\x20" * 7, "no": FRAME})
    assert [len(step.frames) for step in steps] == [3, 1, 0, 0, 0]
    assert steps[0].frames[-1] == b"\x20" * 7 + b"\xff" * 153
