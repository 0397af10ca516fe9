"""Mistakes that can be heard when words are late, overtake others or come twice."""

from __future__ import annotations

from ..mutant import Mutant

LATE = (
    Mutant(
        "late words go to the turn of a tool's result",
        "turn.transition",
        "self.emit(Commit(self.state.committed_turn, text, amends=True))",
        "self.emit(Commit(self.state.turn, text, amends=True))",
        """
        ~500 caller says "taxi children" final=3000
             model tool=book:1000 lead=1
        ^40  caller presses 1
        """,
    ),
    Mutant(
        "a cough ends what goes on with a committed word",
        "turn.words",
        " and not _goes_on(state, new[repeated:])",
        "",
        """
             stt positions
        ^900 caller says "terrace friday parking charger phone" ms=1100
        +100 caller coughs
        2000 app hangs goodbye
        """,
    ),
    Mutant(
        "whoever begins to speak has said what others overtook",
        "turn.words",
        "<= LATE_MS and not _has_time_for(state, event)",
        "<= LATE_MS and state.voice_began_ms < state.finals[-1][1]",
        """
        ~200  caller says "we next" final=3000
        +2200 caller says seven ms=440
        ~500  caller says evening
        """,
    ),
    Mutant(
        "a final that is told again is more of the row",
        "turn.words",
        "if _is_replay(state, event):\n            return SortedWords(unconfirmed=waiting)",
        "if False:\n            return SortedWords(unconfirmed=waiting)",
        """
             given reconnects
        600  caller waits
        ^200 caller says "bus people" twice=400
        2000 stt dies away=1000
        ^200 leg lost
        """,
    ),
    Mutant(
        "the next voice is whose a lost interim was",
        "turn.on_caller",
        "min(s.voice_began_ms, s.worded_ms - WORD_MS * len(s.interim.split()))",
        "s.voice_began_ms",
        """
        ~200 caller says "book ... nuts another children" final=1200
        +800 caller says "garden some" dies=200
        """,
    ),
    Mutant(
        "what a late recogniser tells first cuts the greeting",
        "turn.words",
        "event.final or _told_ms(state) < state.voice_began_ms",
        "event.final",
        """
            voice opens=3500
            stt opens=3500
        600 caller says dogs final=never
        """,
    ),
    Mutant(
        "whoever is away is taken to speak on",
        "turn.on_caller",
        "tx.set(voice_on=False, voice_ended_ms=event.ended_ms)",
        "tx.set(voice_on=tx.state.phase is Phase.AWAY, voice_ended_ms=event.ended_ms)",
        """
             given barge_in_threshold_ms=0
        ^900 caller says "subscribe could music"
        ^900 caller waits ms=9000
        500  app transfers
             carrier fails
        """,
    ),
    Mutant(
        "a model that waits for a tool is not told of late words",
        "mind",
        "turn.role() is not role or turn.wording() != wording",
        "turn.role() is not role",
        """
        +800  caller says "also wait flowers price"
              model says=3 tool=book:4000
        ^1500 caller says smoking final=1200
        """,
    ),
    Mutant(
        "more of a row is told after what was told before it",
        "turn.words",
        "_beyond(waiting, text, least)",
        "_beyond(waiting, text)",
        """
        8000  stt dies
        ~900  caller says when final=never
        +4000 caller says "smoking hello" final=3000
        """,
    ),
    Mutant(
        "a recogniser that takes over has heard all of a turn",
        "turn.words",
        "least = 2 if heard_ms is None else 1",
        "least = 1 if retold else 2",
        """
        8000  stt dies
        ~900  caller says when final=never
              model first=5000
        +4000 caller says "smoking hello" final=3000
        """,
    ),
    Mutant(
        "a tool's result is told while a turn is open again",
        "turn.engine",
        "s.pending is Pending.RESULT and not s.tools and not s.open_text:",
        "s.pending is Pending.RESULT and not s.tools:",
        """
              given reconnects
        7000  leg lost
        +400  caller says soup
              model tool=book:25000
        ^200  caller echoes
        ~900  caller says photo
        ^300  caller says "music bus"
        ^60   caller says company ms=1200
        ^1500 caller says "change candle" ms=660
        +400  caller presses 6319*7843349*#07#191772*138*21526*914918 gap=120
        """,
    ),
    Mutant(
        "an engine is sent a turn again that it has ended",
        "stt_link",
        "if self._is_told:",
        "if False:",
        """
              given engine
        ^40   caller says "price wheelchair parking tomorrow you" final=1600
        ~1500 caller chatters ms=900
        +400  caller chatters
        +900  caller chatters ms=400
        5500  stt dies
        """,
    ),
)
