"""A whole call in virtual time: caller, mind and carrier each do what they like when they like."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from patter.call.playout.timing import PlayoutTiming
from patter.call.turn.codec import effects_to_data, event_to_data, replay
from patter.call.turn.events import (
    Audible,
    CallerHungUp,
    CallerWords,
    Connected,
    Heard,
    TimerFired,
    UtteranceKind,
    VoiceStarted,
    VoiceStopped,
)
from patter.call.turn.state import CallerStatus, Phase

from .effort import tries
from .explore import VARIANTS, alphabet
from .world import Call

SAYING = ("and", "so", "on", "it", "goes", "for", "ever")


class WholeCall(RuleBasedStateMachine):
    """The engine and the gate between performers that keep no promise of their own."""

    call: Call | None = None

    @initialize(
        variant=st.sampled_from(sorted(VARIANTS)),
        marks=st.booleans(),
        marks_back=st.booleans(),
        up_ms=st.sampled_from([0, 40, 180]),
        down_ms=st.sampled_from([20, 120]),
        sample_bytes=st.sampled_from([1, 2]),
    )
    def answer(
        self,
        variant: str,
        marks: bool,
        marks_back: bool,
        up_ms: int,
        down_ms: int,
        sample_bytes: int,
    ) -> None:
        line = PlayoutTiming(bytes_per_ms=8 * sample_bytes, sample_bytes=sample_bytes, marks=marks)
        self.call = Call(VARIANTS[variant], line, up_ms, down_ms, marks_back)
        self.word = 0
        self.answered: dict[int, int] = {}
        self.call.post(Connected(self.call.now))

    def live(self) -> bool:
        return self.call is not None and self.call.state.phase is not Phase.OVER

    def talking(self) -> bool:
        return self.call is not None and self.call.state.caller is CallerStatus.TALKING

    def replying(self) -> bool:
        return self.call is not None and self.call.state.reply is not None

    @rule(ms=st.sampled_from([20, 60, 100, 300, 600, 1_500, 4_000]))
    def time_passes(self, ms: int) -> None:
        assert self.call
        self.call.run(ms)

    @precondition(live)
    @rule()
    def the_caller_starts(self) -> None:
        assert self.call
        self.call.post(VoiceStarted(self.call.now, self.call.now))

    @precondition(talking)
    @rule()
    def the_caller_stops(self) -> None:
        assert self.call
        self.call.post(VoiceStopped(self.call.now, self.call.now))

    @precondition(live)
    @rule(final=st.booleans(), timed=st.booleans())
    def words_arrive(self, final: bool, timed: bool) -> None:
        assert self.call
        self.word += 1
        end_ms = self.call.now if timed else None
        self.call.post(CallerWords(self.call.now, f"w{self.word}", final, end_ms))

    @precondition(live)
    @rule(choice=st.integers(0, 40))
    def anything_else_happens(self, choice: int) -> None:
        assert self.call
        letters = list(alphabet(self.call.state, self.call.now, self.word))
        event = letters[choice % len(letters)]
        if not isinstance(event, Audible | Heard | TimerFired):
            self.call.post(event)

    @precondition(replying)
    @rule(words=st.integers(1, 8), ms=st.integers(40, 2_500))
    def the_agent_speaks(self, words: int, ms: int) -> None:
        assert self.call
        assert self.call.state.reply
        text = " ".join(SAYING[:words])
        self.call.speak(self.call.state.reply.epoch, text, ms)

    @precondition(replying)
    @rule()
    def the_agent_has_said_it(self) -> None:
        assert self.call
        assert self.call.state.reply
        self.call.finish(self.call.state.reply.epoch)

    @precondition(live)
    @rule(ms=st.sampled_from([700, 1_700]))
    def the_caller_takes_a_turn(self, ms: int) -> None:
        self.the_caller_starts()
        self.words_arrive(final=True, timed=False)
        assert self.call
        self.call.post(VoiceStopped(self.call.now, self.call.now))
        self.call.run(ms)

    @precondition(replying)
    @rule(words=st.integers(1, 7), ms=st.sampled_from([100, 500, 900]))
    def the_agent_is_heard_so_far(self, words: int, ms: int) -> None:
        self.the_agent_speaks(words, ms=1_200)
        assert self.call
        self.call.run(ms)

    @precondition(live)
    @rule(back=st.integers(1, 3))
    def a_late_maker_is_refused(self, back: int) -> None:
        assert self.call
        gate = self.call.playout.gate
        assert gate < back or not self.call.playout.put(gate - back, b"late")

    @invariant()
    def a_turn_has_one_audible_answer(self) -> None:
        reply = self.call.state.reply if self.call else None
        if reply and reply.kind is UtteranceKind.ANSWER and reply.audible:
            assert self.answered.setdefault(reply.turn, reply.epoch) == reply.epoch

    def teardown(self) -> None:
        if self.call is None:
            return
        self.call.run(400)
        self.call.post(CallerHungUp(self.call.now))
        self.no_row_is_written_twice(self.call)
        self.the_record_steps_again(self.call)

    def no_row_is_written_twice(self, call: Call) -> None:
        rows = [(row.who, row.number) for row in call.history]
        assert len(rows) == len(set(rows))
        turns = [row.number for row in call.history if row.who == "caller"]
        assert sorted(turns) == turns

    def the_record_steps_again(self, call: Call) -> None:
        rows = [
            {"input": event_to_data(event), "effects": effects_to_data(done)}
            for event, done in call.record
        ]
        assert list(replay(call.rules, rows)) == call.record


WholeCall.TestCase.settings = tries(quick=200, nightly=3_000)
TestWholeCall = WholeCall.TestCase
