"""Mistakes that show when words are late, vendors stop, or a caller is human."""

from __future__ import annotations

from ..mutant import Mutant

LATE = (
    Mutant(
        "a committed interim is said again by its final",
        "turn.transition",
        "unconfirmed=self._unconfirmed(),",
        'unconfirmed="",',
    ),
    Mutant(
        "a final that adds words makes a second row",
        "turn.words",
        "    if late:\n        return _revised",
        "    if False:\n        return _revised",
    ),
    Mutant(
        "words from before the answer cut it",
        "turn.on_caller",
        "if reply.audible_ms is not None and ended_ms <= reply.audible_ms:",
        "if False:",
    ),
    Mutant(
        "a late hello is answered after the greeting",
        "turn.on_caller",
        "tx.set(reply=evolve(reply, hello=reply.kind is UtteranceKind.GREETING))",
        "tx.set(reply=reply)",
    ),
    Mutant(
        "a held reply is failing",
        "turn.on_timer",
        "if reply.silent and (reply.held or keys_awaited):",
        "if False:",
    ),
    Mutant(
        "a turn is taken back for ever",
        "turn.transition",
        "return s.restarts < most and self._went_on_ms - s.taken_ms <= rules.restart_max_ms",
        "return True",
    ),
    Mutant(
        "a contradiction waits for its turn",
        "turn.transition",
        "most = rules.restarts_max * (2 if contradicts(rules, s.open_text) else 1)",
        "most = rules.restarts_max",
    ),
    Mutant(
        "a pause counts as a change of mind",
        "turn.transition",
        "restarts=self.state.restarts + (not self._only_paused(reply)),",
        "restarts=self.state.restarts + 1,",
    ),
    Mutant(
        "a voice behind silences the agent",
        "turn.on_caller",
        'tx.arm("hold", tx.state.rules.barge_in_hold_ms)',
        'tx.arm("hold", 60_000)',
    ),
    Mutant(
        "mm-hm is an interruption",
        "turn.evidence",
        "harmless = frozenset() if is_question else lexicon.backchannels",
        "harmless = frozenset()",
    ),
    Mutant(
        "yes is no answer to a question",
        "turn.evidence",
        "harmless = frozenset() if is_question else lexicon.backchannels",
        "harmless = lexicon.backchannels",
    ),
    Mutant(
        "good morning ends the greeting",
        "turn.evidence",
        "harmless |= lexicon.salutations",
        "harmless |= frozenset()",
    ),
    Mutant(
        "the answer is heard as soon as it is ready",
        "turn.transition",
        "if reply and ended_ms + pause_ms > self.now:",
        "if False:",
    ),
    Mutant(
        "a sentence that is not over is answered at once",
        "turn.evidence",
        "    return ends_with_any(words, lexicon.unfinished)",
        "    return False",
    ),
    Mutant(
        "a voice behind keeps the turn open",
        "turn.on_caller",
        "soon = s.interims_seen and bool(s.open_text)",
        "soon = False",
    ),
    Mutant(
        "half an answer is all the caller gets",
        "turn.on_agent",
        "    if reply.broken:\n        break_off(tx)",
        "    if False:\n        break_off(tx)",
    ),
    Mutant(
        "who waits for a booking is asked whether they are there",
        "turn.engine",
        "not (s.digits or s.tools)",
        "not s.digits",
    ),
    Mutant(
        "noise in a pause counts towards hanging up",
        "turn.engine",
        'tx.say(UtteranceKind.REPROMPT, "unheard")',
        'on_agent.reprompt(tx, "unheard")',
    ),
    Mutant(
        "keys before the end are lost",
        "turn.transition",
        "        if self.state.digits:\n            self.finish_digits(complete=False)\n        if",
        "        if",
    ),
    Mutant(
        "a human who has talked is taken for a machine",
        "turn.on_ending",
        "if tx.state.doubts_machine:",
        "if False:",
    ),
    Mutant(
        "who speaks to an engine that tells no words is hung up on as silent",
        "turn.transition",
        "            idle_step=0,\n            greeted=False,",
        "            greeted=False,",
    ),
    Mutant(
        "words that wait for their final are forgotten when more follow",
        "turn.transition",
        "goes_on = s.continues or s.reopened",
        "goes_on = s.continues",
    ),
    Mutant(
        "words wait for a final that came while the caller was away",
        "turn.on_caller",
        "if event.final and shares(tx.state.unconfirmed, event.text):",
        "if False:",
    ),
    Mutant(
        "whoever is away cannot be hung up on",
        "turn.on_ending",
        "if tx.state.phase in (Phase.RINGING, Phase.AWAY):",
        "if tx.state.phase is Phase.RINGING:",
    ),
    Mutant(
        "whoever speaks over the end is not waited for",
        "turn.transition",
        "        if ignored:\n            self._listen_again()",
        "        if False:\n            self._listen_again()",
    ),
    Mutant(
        "a voice that cries wolf is believed for ever",
        "turn.on_caller",
        "    if not _held_for_nothing(tx):\n",
        "    if True:\n",
    ),
    Mutant(
        "mm-hm is waited out",
        "turn.on_caller",
        "if reply.held and not precede_voice(tx.state, event):",
        "if False:",
    ),
    Mutant(
        "a listener's late words let a new voice be talked over",
        "turn.on_caller",
        "if reply.held and not precede_voice(tx.state, event):",
        "if reply.held:",
    ),
    Mutant(
        "a request that began like a hello is not answered",
        "turn.on_caller",
        "    if _is_more_than_hello(tx.state, text):\n",
        "    if False:\n",
    ),
    Mutant(
        "who hangs up waits for keys",
        "turn.transition",
        "        if self.state.collect:\n            self.finish_digits(complete=False)",
        "        if False:\n            self.finish_digits(complete=False)",
    ),
    Mutant(
        "what is said last waits for keys as long as anything",
        "turn.on_timer",
        "keys_awaited = tx.state.collect and not tx.state.ending",
        "keys_awaited = tx.state.collect",
    ),
    Mutant(
        "an engine's own answer waits for the rest of an interim",
        "turn.engine",
        "if s.sure and not s.rules.needs_words:",
        "if s.sure and not s.rules.needs_words and not s.interim:",
    ),
    Mutant(
        "an engine is asked again for words that it heard",
        "turn.on_caller",
        "anew = tx.state.rules.needs_words and unheard and event.final",
        "anew = unheard and event.final",
    ),
    Mutant(
        "what is written of a turn later is lost when it goes on",
        "turn.on_caller",
        "    tx.amend(text)\n    if reply and answers_it:\n",
        "    tx.amend(text)\n    if False:\n",
    ),
    Mutant(
        "a filler waits for its time though a tool took as long",
        "turn.transition",
        'if "progress" in self.timers and "filler" in self.timers:',
        "if False:",
    ),
    Mutant(
        "the rest of an engine's interim is another turn",
        "turn.words",
        "return bool(state.unconfirmed) and shares(state.unconfirmed, event.text)",
        "return False",
    ),
)
