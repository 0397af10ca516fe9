"""Mistakes real voice agents were reported for, each one line away from the engine.

`python -m core.tests.call.turn.mutants` tries them all; what survives is a hole in the tests.
"""

from __future__ import annotations

import sys

from ..mutant import Mutant
from .bench import killed_by
from .late_mutants import LATE

MUTANTS = (
    *LATE,
    # two answers, or the wrong one
    Mutant(
        "two replies to one turn",
        "turn.transition",
        "elif reopen and reply.text and not reply.spent:",
        "elif False:",
    ),
    Mutant(
        "an answer while the caller still talks",
        "turn.engine",
        "    elif s.caller is CallerStatus.DONE:\n        if _is_settled",
        "    elif s.caller is not CallerStatus.QUIET:\n        if _is_settled",
    ),
    Mutant(
        "an answer before the last words came",
        "turn.engine",
        "return bool(s.open_text) and (s.interim_taken or not s.interim)",
        "return bool(s.open_text)",
    ),
    Mutant(
        "a booked table is booked again",
        "turn.transition",
        "elif reopen and reply.text and not reply.spent:",
        "elif reopen and reply.text:",
    ),
    Mutant(
        "a reconnect asks the question twice",
        "turn.words",
        "return event.end_ms <= state.consumed_ms and _repeats_words(state, event.text)",
        "return False",
    ),
    Mutant(
        "a late final is a new question",
        "turn.words",
        "if new[: len(old)] != old[: len(new)]:",
        "if True:",
    ),
    Mutant(
        "a draft for other words is spoken",
        "turn.transition",
        "and bool(text) and plain_words(draft.text) == plain_words(text)",
        "",
    ),
    Mutant(
        "an engine's late words are answered again",
        "turn.on_caller",
        "if s.rules.needs_words or not s.wordless:",
        "if True:",
    ),
    Mutant(
        "a turn detector ends a turn by itself",
        "turn.on_caller",
        "due_ms = min(due_ms, max(tx.now, s.paused_ms + s.rules.silence_ms))",
        "due_ms = tx.now",
    ),
    Mutant(
        "a turn detector that hears no end delays the answer for ever",
        "turn.on_caller",
        "due_ms = max(due_ms, s.paused_ms + s.rules.max_hold_ms)",
        "due_ms = due_ms + s.rules.max_hold_ms",
    ),
    Mutant(
        "a late vote begins a pause while the caller talks",
        "turn.on_caller",
        "if s.caller is not CallerStatus.PAUSED or due_ms is None:\n        return",
        "due_ms = due_ms or s.paused_ms + s.rules.silence_ms",
    ),
    # stale reports, stale audio
    Mutant(
        "a cut does not move the gate",
        "turn.transition",
        "self._close()\n        self.set(epoch=self.state.epoch + 1)",
        "self._close()",
    ),
    Mutant(
        "stale audio after a barge-in",
        "playout.gate",
        "if epoch != self.gate or self.finished:",
        "if self.finished:",
    ),
    Mutant(
        "the end of a cut reply ends the next one",
        "turn.on_agent",
        "if reply is None or reply.epoch != event.epoch:\n        return\n    tx.finish",
        "if reply is None:\n        return\n    tx.finish",
    ),
    Mutant(
        "a cut reply makes the next one audible",
        "turn.on_agent",
        "if reply is None or reply.epoch != event.epoch:\n        return\n    first",
        "if reply is None:\n        return\n    first",
    ),
    Mutant(
        "a failure of a cut reply fails the next one",
        "turn.on_agent",
        "elif reply and reply.epoch == event.epoch:\n        fail(tx)",
        "elif reply:\n        fail(tx)",
    ),
    Mutant(
        "a stopped timer fires",
        "turn.transition",
        "if self.timers.get(name, self.now + 1) > self.now:",
        "if name not in self.timers:",
    ),
    Mutant(
        "an old mark moves the new cursor",
        "playout.cursor",
        'name = f"{gate}.{self.sent}"',
        'name = f"{self.sent}"',
    ),
    # holding, cutting, going on
    Mutant(
        "held audio is lost",
        "playout.gate",
        "        self.held = self.held or epoch == self.gate",
        "        self.held = self.held or epoch == self.gate\n        self._waiting.clear()",
    ),
    Mutant(
        "a hold does not hold",
        "playout.gate",
        "while self._waiting.size and not self.held and",
        "while self._waiting.size and",
    ),
    Mutant(
        "silence for ever after a false interruption",
        "turn.on_caller",
        "    if not tx.state.open_text and not tx.state.digits:\n",
        "    if False:\n",
    ),
    Mutant(
        "a held reply never goes on",
        "turn.on_timer",
        "        tx.resume(reply, insists=talking)",
        "        pass",
    ),
    Mutant(
        "a cough kills the sentence",
        "turn.transition",
        "        elif reply and reply.held:\n            self.resume(reply)\n\n    def overheard",
        "        elif reply and reply.held:\n            self.cut(reply)\n\n    def overheard",
    ),
    Mutant(
        "barge-in by voice never cuts",
        "turn.on_timer",
        'if talking and reply.audible and tx.state.rules.barge_in_mode == "cancel":',
        "if False:",
    ),
    Mutant(
        "the threshold counts from the news of the voice",
        "turn.on_caller",
        'tx.arm("hold", began_ms - tx.now + rules.evidence_ms)',
        'tx.arm("hold", rules.evidence_ms)',
    ),
    Mutant(
        "the detector's tail is forgotten",
        "turn.rules",
        "return self.barge_in_threshold_ms + self.voice_tail_ms",
        "return self.barge_in_threshold_ms",
    ),
    Mutant(
        "a pause_resume voice cuts by itself",
        "turn.on_timer",
        'if talking and reply.audible and tx.state.rules.barge_in_mode == "cancel":',
        "if talking and reply.audible:",
    ),
    Mutant(
        "one mm-hm is enough",
        "turn.evidence",
        "return 0 < rules.barge_in_min_words <= _counted(state, reply)",
        "return bool(state.open_text)",
    ),
    Mutant(
        "a backchannel becomes part of the next question",
        "turn.transition",
        "        self.forget_words()\n        if self.state.caller is not",
        "        if self.state.caller is not",
    ),
    Mutant(
        "echo interrupts although nothing may",
        "turn.on_caller",
        "    if tx.state.ignores_caller or tx.state.phase is Phase.AWAY:",
        "    if tx.state.phase is Phase.AWAY:",
    ),
    Mutant(
        "echo is answered",
        "turn.on_caller",
        "elif not tx.state.ignores_caller or _was_said_before(tx.state, event):",
        "else:",
    ),
    Mutant(
        "keys do not interrupt where voices may not",
        "turn.on_caller",
        "if tx.state.yields(to_voice=False) and",
        "if tx.state.yields() and",
    ),
    # greetings
    Mutant(
        "the greeting plays into the ringing",
        "turn.engine",
        "Phase.RINGING: frozenset({Connected, CallerHungUp, EndRequested}),",
        "Phase.RINGING: _EVERYTHING,",
    ),
    Mutant(
        "a greeting is cancelled by line noise",
        "turn.on_caller",
        "elif interrupts(tx.state, reply) and not tx.state.greeting_unheard:",
        "elif interrupts(tx.state, reply):",
    ),
    Mutant(
        "a key cancels the unheard greeting",
        "turn.on_caller",
        " and not tx.state.greeting_unheard and not awaited:",
        " and not awaited:",
    ),
    Mutant(
        "a key cuts the reply that waits for it",
        "turn.on_caller",
        " and not tx.state.greeting_unheard and not awaited:",
        " and not tx.state.greeting_unheard:",
    ),
    Mutant(
        "a greeting the law wants heard is cut",
        "turn.state",
        "if reply.kind is UtteranceKind.GREETING and not rules.greeting_interruptible:",
        "if False:",
    ),
    Mutant(
        "hello gets an answer after the greeting",
        "turn.on_agent",
        "if 0 < len(tx.state.open_text.split()) < tx.state.rules.greeting_words:",
        "if False:",
    ),
    # waits without an end
    Mutant(
        "patience adds up with the detector's delay",
        "turn.transition",
        'self.arm("endpoint", ended_ms - self.now + self.state.rules.patience_ms)',
        'self.arm("endpoint", self.state.rules.patience_ms)',
    ),
    Mutant(
        "a final that never comes loses the turn",
        "turn.on_timer",
        "        tx.set(interim_taken=True)",
        "        tx.quiet()",
    ),
    Mutant(
        "a dead model is waited for",
        "turn.transition",
        '        self.arm("stall", rules.speech_max_ms if reply.keys else rules.reply_max_ms)',
        "        pass",
    ),
    Mutant(
        "nobody breaks the silence",
        "turn.engine",
        "elif due_ms is None:\n        # Who",
        "elif due_ms is not None:\n        # Who",
    ),
    Mutant(
        "noise keeps the ladder from ending",
        "turn.on_agent",
        "if waits_ms and step >= len(waits_ms):",
        "if waits_ms and step > len(waits_ms):",
    ),
    Mutant(
        "the ladder is not climbed anew",
        "turn.on_caller",
        "tx.set(words=joined(s.words, text), finals=_with_final(s, event), idle_step=0)",
        "tx.set(words=joined(s.words, text), finals=_with_final(s, event))",
    ),
    Mutant(
        "keys go nowhere",
        "turn.transition",
        "self.set(keyed=joined(self.state.keyed, key_text(digits)))",
        "self.set(keyed=self.state.keyed)",
    ),
    # tools
    Mutant(
        "the result of a cut reply is lost",
        "turn.on_agent",
        "    elif once:\n        tx.set(pending=Pending.RESULT)",
        "    elif once:\n        pass",
    ),
    Mutant(
        "an answer that does not know the result",
        "turn.engine",
        "    if tx.state.waited_for_tool or not tx.state.tools:\n        tx.answer()",
        "    if True:\n        tx.answer()",
    ),
    Mutant(
        "a tool that hangs keeps the caller waiting",
        "turn.on_timer",
        "tx.set(waited_for_tool=True)",
        "tx.set(waited_for_tool=False)",
    ),
    # failures and endings
    Mutant(
        "a failure is silence",
        "turn.on_agent",
        "        tx.set(pending=then)",
        "        pass",
    ),
    Mutant(
        "apologies without end",
        "turn.on_agent",
        "elif tx.state.failures >= tx.state.rules.failures_max:",
        "elif tx.state.failures > tx.state.rules.failures_max:",
    ),
    Mutant(
        "the goodbye is cut off",
        "turn.on_ending",
        "if reply and not reply.keys and (reply.held or reply.silent):",
        "if reply:",
    ),
    Mutant(
        "the caller talks a firm ending away",
        "turn.state",
        "if ending and (ending.firm or not rules.goodbye_interruptible):",
        "if ending and not rules.goodbye_interruptible:",
    ),
    Mutant(
        "our keys are cut in half by a voice",
        "turn.state",
        "if reply is None or reply.keys:",
        "if reply is None:",
    ),
    Mutant(
        "our keys wait for a menu to fall silent",
        "turn.engine",
        "is UtteranceKind.TONES:",
        "is UtteranceKind.TONES and s.caller is CallerStatus.QUIET:",
    ),
    Mutant(
        "keys that take long are a dead model",
        "turn.transition",
        "rules.speech_max_ms if reply.keys else rules.reply_max_ms",
        "rules.reply_max_ms",
    ),
    Mutant(
        "a transfer that failed leaves the caller alone",
        "turn.on_ending",
        '    tx.say(UtteranceKind.APOLOGY, "transfer")',
        "    pass",
    ),
    Mutant(
        "the message is spoken before the beep",
        "turn.on_ending",
        "beep = event.beep or not message",
        "beep = True",
    ),
    Mutant(
        "a machine that talks is spoken over",
        "turn.engine",
        "if not waits or s.caller is CallerStatus.TALKING or not s.rules.vad:",
        "if not waits or not s.rules.vad:",
    ),
    Mutant(
        "a machine nobody reports the beep of gets no message",
        "turn.on_timer",
        "    elif tx.state.ending and not tx.state.ending.beep:\n        beep_heard(tx)\n",
        "",
    ),
    Mutant(
        "the last words are missing",
        "turn.transition",
        "        if self.state.open_text:\n            self.commit()\n        if effect:",
        "        if effect:",
    ),
    Mutant(
        "after the hang-up the agent goes on",
        "turn.engine",
        "Phase.OVER: frozenset(),",
        "Phase.OVER: _EVERYTHING,",
    ),
    Mutant(
        "a drained server keeps its calls",
        "turn.on_ending",
        '    tx.arm("drain", event.by_ms - tx.now)',
        "    pass",
    ),
    # what was heard
    Mutant(
        "history holds unheard words",
        "playout.heard_text",
        "ended_words = [word for end_ms, word in piece.words if end_ms <= heard_ms]",
        "ended_words = [word for _, word in piece.words]",
    ),
    Mutant(
        "half a word counts",
        "playout.heard_text",
        'return text[: chars + 1].rpartition(" ")[0].rstrip()',
        "return text[: chars + 1]",
    ),
    Mutant(
        "a sentence still being made counts as heard",
        "playout.heard_text",
        "if ended and heard_ms >= length_ms:",
        "if heard_ms >= length_ms:",
    ),
    Mutant(
        "what was sent counts as heard",
        "playout.cursor",
        "guess = self.sent - self._unplayed(now, self._lag_ms)",
        "guess = self.sent",
    ),
    Mutant(
        "the way to the ear takes no time",
        "playout.cursor",
        "guess = self.sent - self._unplayed(now, self._lag_ms)",
        "guess = self.sent - self._unplayed(now, 0.0)",
    ),
    Mutant(
        "an utterance is as late as the one before",
        "playout.cursor",
        "            self._lags_ms.clear()\n        self.sent += size",
        "        self.sent += size",
    ),
    Mutant(
        "a mark tells of audio that was sent after it",
        "playout.cursor",
        "if mark.dry_ms > self._began_ms:",
        "if True:",
    ),
    Mutant(
        "marks on their way do not bound the cursor",
        "playout.cursor",
        "allowed = self._awaited[0].position if self._awaited else self.sent",
        "allowed = self.sent",
    ),
    Mutant(
        "a lost mark keeps the agent speaking",
        "playout.cursor",
        "        while self._awaited and self._awaited[0].dry_ms <= limit_ms:",
        "        while False:",
    ),
    Mutant(
        "pacing drifts with every late wake-up",
        "playout.cursor",
        "self._dry_ms = max(self._dry_ms, begins) + self.timing.ms_in(size)",
        "self._dry_ms = now + self.timing.ms_in(size)",
    ),
    Mutant(
        "a filler counts as the answer",
        "playout.gate",
        "if self._own_from is None and self._pieces and self._pieces[-1].own:",
        "if self._own_from is None:",
    ),
    Mutant(
        "words of one utterance show up in the next",
        "playout.gate",
        "        self._pieces = []\n",
        "",
    ),
    Mutant(
        "word times count from the filler",
        "playout.gate",
        "        if epoch == self.gate:\n            self._voice_from_ms = None",
        "        pass",
    ),
    Mutant(
        "the last bytes of a piece are sent twice",
        "playout.queue",
        "            self._pieces.popleft()\n            self._taken = 0",
        "            self._pieces.popleft()\n            self._taken = 1 if self._pieces else 0",
    ),
)


def main() -> int:
    """Try every mutant with everything; the number of survivors is the exit status."""
    alive = 0
    for mutant in MUTANTS:
        check = killed_by(mutant, depth=3, walks=2_000, properties=True)
        alive += not check
        print(f"{'caught' if check else 'ALIVE '}  {mutant.name}  <-  {check}", flush=True)
    print(f"{len(MUTANTS) - alive} of {len(MUTANTS)} caught")
    return alive


if __name__ == "__main__":
    sys.exit(main())
