"""Mistakes real voice agents were reported for, each one line away from the engine.

`python -m core.tests.call.turns.mutants` tries them all; what survives is a hole in the tests.
"""

from __future__ import annotations

import sys

from .bench import Mutant, killed_by

MUTANTS = (
    # two answers, or the wrong one
    Mutant(
        "two replies to one turn",
        "moves",
        "elif reopen and reply.text and not reply.spent:",
        "elif False:",
    ),
    Mutant(
        "an answer while the caller still talks",
        "turns",
        "    elif s.caller is Caller.DONE:\n        if not s.interim",
        "    elif s.caller is not Caller.QUIET:\n        if not s.interim",
    ),
    Mutant(
        "an answer before the last words came",
        "turns",
        "if not s.interim and (s.words",
        "if (s.words",
    ),
    Mutant(
        "a booked table is booked again",
        "moves",
        "elif reopen and reply.text and not reply.spent:",
        "elif reopen and reply.text:",
    ),
    Mutant(
        "a reconnect asks the question twice",
        "floor",
        'return "" if event.end_ms <= self.consumed_ms else event.text.strip()',
        "return event.text.strip()",
    ),
    Mutant(
        "a late final is a new question",
        "floor",
        "if new[: len(old)] != old[: len(new)]:",
        "if True:",
    ),
    Mutant(
        "a draft for other words is spoken",
        "moves",
        "drafted = draft is not None and bool(text) and plain(draft.text) == plain(text)",
        "drafted = draft is not None",
    ),
    Mutant(
        "an engine's late words are answered again",
        "hearing",
        "if s.rules.needs_words or not s.turn or s.said:",
        "if True:",
    ),
    # stale reports, stale audio
    Mutant(
        "a cut does not move the gate",
        "moves",
        "self._close()\n        self.set(epoch=self.state.epoch + 1)",
        "self._close()",
    ),
    Mutant(
        "stale audio after a barge-in",
        "playout",
        "if epoch != self.gate or self.finished:",
        "if self.finished:",
    ),
    Mutant(
        "the end of a cut reply ends the next one",
        "speaking",
        "if reply is None or reply.epoch != event.epoch:\n        return\n    do.finish",
        "if reply is None:\n        return\n    do.finish",
    ),
    Mutant(
        "a cut reply makes the next one audible",
        "speaking",
        "if reply is None or reply.epoch != event.epoch:\n        return\n    do.set",
        "if reply is None:\n        return\n    do.set",
    ),
    Mutant(
        "a failure of a cut reply fails the next one",
        "speaking",
        "elif reply and reply.epoch == event.epoch:\n        fail(do)",
        "elif reply:\n        fail(do)",
    ),
    Mutant(
        "a stopped timer fires",
        "ledger",
        "if self.timers.get(name, self.now + 1) > self.now:",
        "if name not in self.timers:",
    ),
    Mutant(
        "an old mark moves the new cursor",
        "cursor",
        'name = f"{gate}.{self.sent}"',
        'name = f"{self.sent}"',
    ),
    # holding, cutting, going on
    Mutant(
        "held audio is lost",
        "playout",
        "        self.held = self.held or epoch == self.gate",
        "        self.held = self.held or epoch == self.gate\n        self._waiting.clear()",
    ),
    Mutant(
        "a hold does not hold",
        "playout",
        "while self._waiting.size and not self.held and",
        "while self._waiting.size and",
    ),
    Mutant(
        "silence for ever after a false interruption",
        "hearing",
        "    if not do.state.open_text and not do.state.digits:\n        do.set(owed=Owed.UNHEARD)",
        "    pass",
    ),
    Mutant(
        "a held reply never goes on",
        "timers",
        "    elif do.state.reply:\n        do.resume(do.state.reply)",
        "    elif do.state.reply:\n        pass",
    ),
    Mutant(
        "a cough kills the sentence",
        "hearing",
        "        do.resume(do.state.reply)\n    do.quiet()",
        "        do.cut(do.state.reply)\n    do.quiet()",
    ),
    Mutant(
        "barge-in by voice never cuts",
        "timers",
        "if do.state.caller is Caller.TALKING:\n        give_way(do)",
        "if False:\n        give_way(do)",
    ),
    Mutant(
        "the threshold counts from the news of the voice",
        "hearing",
        'do.arm("hold", began_ms - do.now + rules.evidence_ms)',
        'do.arm("hold", rules.evidence_ms)',
    ),
    Mutant(
        "the detector's tail is forgotten",
        "floor",
        "return self.barge_in_threshold_ms + self.voice_tail_ms",
        "return self.barge_in_threshold_ms",
    ),
    Mutant(
        "a pause_resume voice cuts by itself",
        "hearing",
        'elif reply.audible and rules.barge_in_mode == "cancel":',
        "elif reply.audible:",
    ),
    Mutant(
        "one mm-hm is enough",
        "hearing",
        "enough = 0 < rules.barge_in_min_words <= len(do.state.open_text.split())",
        "enough = bool(do.state.open_text)",
    ),
    Mutant(
        "a backchannel becomes part of the next question",
        "moves",
        '            self.set(words="", interim="")\n            if self.state.caller',
        "            if self.state.caller",
    ),
    Mutant(
        "echo interrupts although nothing may",
        "hearing",
        "    if do.state.deaf:\n        return",
        "    pass",
    ),
    Mutant(
        "echo is answered",
        "hearing",
        "elif not do.state.deaf:\n        _listen",
        "else:\n        _listen",
    ),
    Mutant(
        "keys do not interrupt where voices may not",
        "hearing",
        "if do.state.yields(to_voice=False) and",
        "if do.state.yields() and",
    ),
    Mutant(
        "an answer begins over the caller",
        "turns",
        "if s.reply and not s.reply.audible and s.caller is Caller.TALKING and s.yields():",
        "if False:",
    ),
    # greetings
    Mutant(
        "the greeting plays into the ringing",
        "turns",
        "Phase.RINGING: frozenset({c.Connected, c.HungUp, c.End}),",
        "Phase.RINGING: _EVERYTHING,",
    ),
    Mutant(
        "a greeting is cancelled by line noise",
        "hearing",
        "if not do.state.greets and (enough or not reply.audible):",
        "if enough or not reply.audible:",
    ),
    Mutant(
        "a key cancels the unheard greeting",
        "hearing",
        "if do.state.yields(to_voice=False) and not do.state.greets and not waits_for_it:",
        "if do.state.yields(to_voice=False) and not waits_for_it:",
    ),
    Mutant(
        "a key cuts the reply that waits for it",
        "hearing",
        "if do.state.yields(to_voice=False) and not do.state.greets and not waits_for_it:",
        "if do.state.yields(to_voice=False) and not do.state.greets:",
    ),
    Mutant(
        "a greeting the law wants heard is cut",
        "floor",
        "if reply.kind is Kind.GREETING and not rules.greeting_interruptible:",
        "if False:",
    ),
    Mutant(
        "hello gets an answer after the greeting",
        "speaking",
        "if 0 < len(do.state.open_text.split()) < do.state.rules.greeting_words:",
        "if False:",
    ),
    # waits without an end
    Mutant(
        "patience adds up with the detector's delay",
        "moves",
        'self.arm("endpoint", ended_ms - self.now + self.state.rules.patience_ms)',
        'self.arm("endpoint", self.state.rules.patience_ms)',
    ),
    Mutant(
        "a final that never comes loses the turn",
        "timers",
        '        do.set(words=do.state.open_text, interim="")',
        "        do.quiet()",
    ),
    Mutant(
        "a dead model is waited for",
        "moves",
        '        self.arm("stall", rules.speech_max_ms if reply.keys else rules.reply_max_ms)',
        "        pass",
    ),
    Mutant(
        "nobody breaks the silence",
        "turns",
        'elif "idle" not in do.timers:',
        'elif "idle" in do.timers:',
    ),
    Mutant(
        "noise keeps the ladder from ending",
        "speaking",
        "if ladder and rung >= len(ladder):",
        "if ladder and rung > len(ladder):",
    ),
    Mutant(
        "the ladder is not climbed anew",
        "hearing",
        'do.set(words=join(do.state.words, text), interim="", rung=0)',
        'do.set(words=join(do.state.words, text), interim="")',
    ),
    Mutant(
        "keys go nowhere",
        "moves",
        'self.set(words=join(self.state.words, f"[DTMF: {digits}]"))',
        "pass",
    ),
    # tools
    Mutant(
        "the result of a cut reply is lost",
        "speaking",
        "    elif ended:\n        do.set(owed=Owed.RESULT)",
        "    elif ended:\n        pass",
    ),
    Mutant(
        "an answer that does not know the result",
        "turns",
        "    if not do.state.tools:\n        do.answer()",
        "    if True:\n        do.answer()",
    ),
    Mutant(
        "a tool that hangs keeps the caller waiting",
        "timers",
        "    if do.state.caller is Caller.DONE:\n        do.answer()",
        "    pass",
    ),
    # failures and endings
    Mutant(
        "a failure is silence",
        "speaking",
        "    else:\n        do.say(c.Kind.APOLOGY)",
        "    else:\n        pass",
    ),
    Mutant(
        "apologies without end",
        "speaking",
        "elif do.state.failures >= do.state.rules.failures_max:",
        "elif do.state.failures > do.state.rules.failures_max:",
    ),
    Mutant(
        "the goodbye is cut off",
        "ending",
        "if reply and not reply.keys and (reply.held or not reply.audible):",
        "if reply:",
    ),
    Mutant(
        "the caller talks a firm ending away",
        "floor",
        "if ending and (ending.firm or not rules.goodbye_interruptible):",
        "if ending and not rules.goodbye_interruptible:",
    ),
    Mutant(
        "our keys are cut in half by a voice",
        "floor",
        "if reply is None or reply.keys:",
        "if reply is None:",
    ),
    Mutant(
        "our keys wait for a menu to fall silent",
        "turns",
        "if s.notices and s.notices[0][0] is c.Kind.TONES:",
        "if s.notices and s.notices[0][0] is c.Kind.TONES and s.caller is Caller.QUIET:",
    ),
    Mutant(
        "keys that take long are a dead model",
        "moves",
        "rules.speech_max_ms if reply.keys else rules.reply_max_ms",
        "rules.reply_max_ms",
    ),
    Mutant(
        "a transfer that failed leaves the caller alone",
        "ending",
        '    do.say(c.Kind.APOLOGY, "transfer")',
        "    pass",
    ),
    Mutant(
        "the message is spoken before the beep",
        "ending",
        "beep = event.beep or not message",
        "beep = True",
    ),
    Mutant(
        "a machine that talks is spoken over",
        "turns",
        "if not waits or s.caller is Caller.TALKING or not s.rules.vad:",
        "if not waits or not s.rules.vad:",
    ),
    Mutant(
        "a machine nobody reports the beep of gets no message",
        "timers",
        "    elif do.state.ending and not do.state.ending.beep:\n        beep_heard(do)\n",
        "",
    ),
    Mutant(
        "the last words are missing",
        "moves",
        "        if self.state.open_text:\n            self.commit()\n        if effect:",
        "        if effect:",
    ),
    Mutant(
        "after the hang-up the agent goes on",
        "turns",
        "Phase.OVER: frozenset(),",
        "Phase.OVER: _EVERYTHING,",
    ),
    Mutant(
        "a drained server keeps its calls",
        "ending",
        '    do.arm("drain", event.by_ms - do.now)',
        "    pass",
    ),
    # what was heard
    Mutant(
        "history holds unheard words",
        "spoken",
        "ended_words = [word for end_ms, word in piece.words if end_ms <= heard_ms]",
        "ended_words = [word for _, word in piece.words]",
    ),
    Mutant(
        "half a word counts",
        "spoken",
        'return text[: chars + 1].rpartition(" ")[0].rstrip()',
        "return text[: chars + 1]",
    ),
    Mutant(
        "a sentence still being made counts as heard",
        "spoken",
        "if ended and heard_ms >= length_ms:",
        "if heard_ms >= length_ms:",
    ),
    Mutant(
        "what was sent counts as heard",
        "cursor",
        "guess = self.sent - self._unplayed(now, self._lag_ms)",
        "guess = self.sent",
    ),
    Mutant(
        "the way to the ear takes no time",
        "cursor",
        "guess = self.sent - self._unplayed(now, self._lag_ms)",
        "guess = self.sent - self._unplayed(now, 0.0)",
    ),
    Mutant(
        "an utterance is as late as the one before",
        "cursor",
        "            self._lags_ms.clear()\n        self.sent += size",
        "        self.sent += size",
    ),
    Mutant(
        "a mark tells of audio that was sent after it",
        "cursor",
        "if asked.dry_ms > self._began_ms:",
        "if True:",
    ),
    Mutant(
        "marks on their way do not bound the cursor",
        "cursor",
        "allowed = self._asked[0].position if self._asked else self.sent",
        "allowed = self.sent",
    ),
    Mutant(
        "a lost mark keeps the agent speaking",
        "cursor",
        "        while self._asked and self._asked[0].dry_ms <= limit_ms:",
        "        while False:",
    ),
    Mutant(
        "pacing drifts with every late wake-up",
        "cursor",
        "self._dry_ms = max(self._dry_ms, now) + self.line.ms_in(size)",
        "self._dry_ms = now + self.line.ms_in(size)",
    ),
    Mutant(
        "a filler counts as the answer",
        "playout",
        "if self._own_from is None and self._pieces and self._pieces[-1].text:",
        "if self._own_from is None:",
    ),
    Mutant(
        "words of one utterance show up in the next",
        "playout",
        "        self._pieces = []\n",
        "",
    ),
    Mutant(
        "word times count from the filler",
        "playout",
        "        if epoch == self.gate:\n            self._voice_from_ms = None",
        "        pass",
    ),
    Mutant(
        "the last bytes of a piece are sent twice",
        "backlog",
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
