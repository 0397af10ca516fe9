"""One reply: a cancellable scope in which a mind thinks and a voice speaks.

Both run side by side, with a short queue of sentences between them. A failure of the mind after
its first sentence is reported when the sentences so far have been spoken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial

import attrs

from patter.aio import task_scope
from patter.call.call_hooks import CallHooks
from patter.call.context_budget import ContextBudget
from patter.call.control import INSIDE, CallControl, InsideAnswer
from patter.call.draft_voice import SpeechAhead, made_ahead
from patter.call.failed_reply import note_empty, report_failure
from patter.call.history import History, HistoryRow
from patter.call.hooks import HookContext
from patter.call.mind import MindTurn
from patter.call.model_reports import note_model
from patter.call.plan import CallPlan
from patter.call.playout.sender import PlayoutSender
from patter.call.sentences import Sentences
from patter.call.spoken_reply import PlainReply, SpokenReply, one_sentence
from patter.call.toolbox import Toolbox
from patter.call.tts_link import TTSLink
from patter.call.turn.events import TurnEvent, UtteranceKind
from patter.call.turn_recorder import TurnRecorder, Utterance
from patter.errors import ProviderError
from patter.llm.loop import LoopItem, ModelWaits
from patter.llm.race import ModelReport
from patter.observe.call_events import CallEvents
from patter.observe.events import AudioPiece, TextPiece, Usage
from patter.providers.context import CallContext
from patter.providers.llm import Message, ToolRequest, UsageChunk
from patter.providers.tts import Speech

# So many are spoken for minutes; the mind waits then, rather than filling memory.
SENTENCES = 64
# What ends like a sentence and may go on ("5 p.m.") is kept for about a token's time, no longer:
# the caller hears nothing meanwhile.
PAUSE_MS = 30


@attrs.define(eq=False)
class Speaker:
    """Everything a reply needs of its call."""

    plan: CallPlan
    call: CallContext
    events: CallEvents
    turn_recorder: TurnRecorder
    history: History
    sender: PlayoutSender
    tts_link: TTSLink
    toolbox: Toolbox
    control: CallControl
    post: Callable[[TurnEvent], None]
    hooks: CallHooks
    budget: ContextBudget | None
    _speaking: int = attrs.field(default=0, init=False)

    async def speak(
        self,
        utterance: Utterance,
        sentences: AsyncIterator[str],
        released: asyncio.Event | None = None,
    ) -> None:
        """Put the voice's audio under the utterance's epoch until it is refused or ends.

        That of a draft is made at once and put when it is *released*.
        """
        epoch, own = utterance.epoch, utterance.kind is not UtteranceKind.FILLER
        counted = self._spoken(sentences)
        began_ms, cut = self.sender.clock.ms(), partial(self._shorten, epoch, counted)
        if own:
            self._speaking = epoch
        ok = False
        try:
            async with self._speeches(counted, cut, released) as speeches:
                async for speech in speeches:
                    if utterance.stamps.first_audio is None:
                        utterance.stamps.first_audio = self.sender.clock.ms()
                        self.sender.begin(epoch)
                    note_audio(self.events, utterance, len(speech.audio))
                    if speech.text:
                        text, sounds = counted.begun(speech.text)
                        if not own or text in utterance.fillers:
                            self.sender.say(epoch, "")
                        elif text:
                            self.sender.say(epoch, text, sounds)
                    if not await self.sender.put(epoch, speech.audio, speech.words):
                        return
            ok = True
        finally:
            self._account(utterance, counted.characters, began_ms, ok)

    def _spoken(self, sentences: AsyncIterator[str]) -> PlainReply | SpokenReply:
        respellings = self.plan.respellings
        return SpokenReply(sentences, respellings) if respellings else PlainReply(sentences)

    def _speeches(
        self,
        sentences: AsyncIterator[str],
        cut: Callable[[int], None],
        released: asyncio.Event | None,
    ) -> AbstractAsyncContextManager[AsyncIterator[Speech]]:
        if released is None:
            return aclosing(self._played(sentences, cut))
        ahead = SpeechAhead(released, self.tts_link.audio.ms_in, cut)
        return made_ahead(ahead, self._played(sentences, ahead.broke_off))

    def _played(
        self, sentences: AsyncIterator[str], cut: Callable[[int], None]
    ) -> AsyncGenerator[Speech, None]:
        """What the voice makes of *sentences*, and the application's hook of that."""
        speeches = self.tts_link.say(sentences, cut)
        if self.plan.hooks.after_synthesize is None:
            return speeches
        return self.hooks.voice(self.tts_link.audio, speeches)

    def _shorten(self, epoch: int, counted: PlainReply | SpokenReply, chars: int) -> None:
        """A voice broke off before its last *chars* characters, and another says them."""
        self.sender.shorten(epoch, chars)
        counted.broke_off(chars)

    async def speak_phrase(self, utterance: Utterance, text: str) -> None:
        """Speak *text* as it stands; a filler only if what it fills has not begun."""
        if utterance.kind is UtteranceKind.FILLER and self._speaking == utterance.epoch:
            return
        try:
            await self.speak(utterance, one_sentence(text))
        except Exception as raised:
            self.failed(utterance, raised)
        if utterance.kind is not UtteranceKind.FILLER:
            self.sender.finish(utterance.epoch)

    def failed(self, utterance: Utterance, raised: Exception) -> None:
        """Mind or voice gave up: report it to the turn engine, which decides what is said."""
        report_failure(self.events, self.post, utterance, raised)

    def _account(self, utterance: Utterance, characters: int, began_ms: float, ok: bool) -> None:
        provider, model = self.tts_link.current.name
        if characters:
            self.turn_recorder.span("tts", provider, began_ms, utterance, ok)
            use = Usage(
                kind="tts", provider=provider, model=model, unit="characters", amount=characters
            )
            self.events.emit(use)


def note_text(events: CallEvents, utterance: Utterance, text: str) -> None:
    """Tell who listens that *text* is a piece of *utterance*."""
    turn, epoch = utterance.turn, utterance.epoch
    events.pass_by(TextPiece, lambda: TextPiece(text=text, turn=turn, epoch=epoch))


def note_audio(events: CallEvents, utterance: Utterance, size: int) -> None:
    """Tell who listens that *size* bytes of *utterance*'s audio exist."""
    turn, epoch = utterance.turn, utterance.epoch
    events.pass_by(AudioPiece, lambda: AudioPiece(size=size, turn=turn, epoch=epoch))


@attrs.define(eq=False)
class Answer:
    """The reply to a caller's turn. A draft is heard only once it is released."""

    speaker: Speaker
    utterance: Utterance
    text: str
    draft: bool = False
    released: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _ready: _Ready = attrs.field(factory=lambda: _Ready(), init=False)
    _rows: list[HistoryRow] = attrs.field(factory=list, init=False)
    _failure: Exception | None = attrs.field(default=None, init=False)
    _reworded: bool = attrs.field(default=False, init=False)
    _speech: list[str] = attrs.field(factory=list, init=False)
    _acted: bool = attrs.field(default=False, init=False)
    _made_sentences: Sentences | None = attrs.field(default=None, init=False)
    _cutting: asyncio.Lock = attrs.field(factory=asyncio.Lock, init=False)
    _text_came: asyncio.Event = attrs.field(factory=asyncio.Event, init=False)
    _last_text_ms: float = attrs.field(default=0.0, init=False)
    _tasks: asyncio.TaskGroup | None = attrs.field(default=None, init=False)
    _pausing: asyncio.Task[None] | None = attrs.field(default=None, init=False)
    _context: HookContext = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        hooks = self.speaker.hooks
        self._context = hooks.context
        if not self.draft:
            self.released.set()
        elif hooks.any:
            self._context = hooks.context_of(self._history)

    @property
    def _sentences(self) -> Sentences:
        """Made with the first text: until then nothing must hold up asking for it.

        Another role has other rules; what its predecessor said was flushed before.
        """
        speaker, before = self.speaker, self._made_sentences
        if before is not None and before.plan is speaker.plan:
            return before
        made = self._made_sentences = Sentences(
            speaker.plan, speaker.call, speaker.events, speaker.hooks.executor, self._context
        )
        made.any = before is not None and before.any
        return made

    def release(self) -> None:
        """The draft was right: let it be heard. Its turn is committed by now."""
        self.released.set()
        self._reword()
        for row in self._rows:
            self.speaker.history.add(row)

    async def run(self) -> None:
        """Think and speak; failures are reported, never raised.

        The voice is asked for only when there is something to say, so a filler can go first.
        """
        try:
            async with task_scope() as tasks:
                self._tasks = tasks
                tasks.create_task(self._speak(), name=f"voice-{self.utterance.epoch}")
                await self._think()
            if self._failure:
                self.speaker.failed(self.utterance, self._failure)
        except Exception as raised:
            self.speaker.failed(self.utterance, raised)
        finally:
            # Group, task and answer hold each other; only a collection would find them.
            self._tasks = self._pausing = None
        self.speaker.sender.finish(self.utterance.epoch)

    @property
    def begun(self) -> bool:
        """Has the voice been given something to say?"""
        return bool(self._speech)

    async def say(self, text: str) -> bool:
        """Say *text* in its place: after what was said before, before what comes.

        False when this answer is over.
        """
        if self._ready.closed or self.speaker.sender.playout.gate > self.utterance.epoch:
            return False
        await self._flush()
        if text:
            await self._put([text])
        return True

    def fill(self, text: str) -> None:
        """Say *text* while nothing else is there to be said; it is no part of the answer."""
        if self._ready.put_if_empty(text):
            self.utterance.fillers.add(text)

    def unheard(self, heard: str) -> str:
        """What was to be said after *heard*, which is how it began."""
        return " ".join(self._speech)[len(heard) :].strip()

    async def _speak(self) -> None:
        if await self._ready.begun():
            released = self.released if self.draft else None
            await self.speaker.speak(self.utterance, self._ready, released)
        await self.released.wait()
        self._ready.close()

    async def _think(self) -> None:
        INSIDE.set(InsideAnswer(self.speaker.control, self.say))
        began_ms = self.speaker.sender.clock.ms()
        try:
            if await self._transcribed():
                await self._ask_twice()
        except Exception as raised:
            self._failure = raised
        if self._pausing is not None:
            async with self._cutting:
                self._pausing.cancel()
        name = self.speaker.plan.names.get("llm", ("llm", ""))[0]
        self.speaker.turn_recorder.span(
            "llm", name, began_ms, self.utterance, self._failure is None
        )
        await self._ready.put(None)

    async def _ask_twice(self) -> None:
        """Ask, and once more if nothing comes of it: silence is no answer."""
        await self._ask()
        if self._gave_nothing:
            note_empty(self.speaker.events)
            await self._ask()
        if self._gave_nothing:
            raise ProviderError(
                "the answer was empty, twice",
                fix="look at what the model or the function was asked, in the record",
            )

    async def _ask(self) -> None:
        acts, mind = self.speaker.control.acts, self.speaker.plan.mind
        assert mind is not None, "an agent without a mind has an engine"
        async with aclosing(mind.think(self._turn(), self.speaker.control)) as items:
            async for item in items:
                await self._take(item)
        await self._flush()
        self._acted = self._acted or self.speaker.control.acts != acts

    @property
    def _gave_nothing(self) -> bool:
        """Did the mind say nothing, and do nothing that the caller notices instead?"""
        return not (self._speech or self._sentences.any or self._acted)

    def _turn(self) -> MindTurn:
        speaker = self.speaker
        return MindTurn(
            text=self.text,
            call=speaker.call,
            messages=self._messages,
            transcript=speaker.history.transcript,
            role=lambda: speaker.plan,
            wording=lambda: self._history.wording(self.utterance.turn),
            tools=lambda: speaker.toolbox.specs,
            run_tool=self._run_tool,
            committed=self.released.wait,
            waits=ModelWaits(speaker.plan.rules.first_words_ms, speaker.plan.rules.model_ms),
            in_order=speaker.toolbox.is_once,
            report=self._report_model,
        )

    async def _messages(self) -> tuple[Message, ...]:
        """The conversation as the model reads it, after the application's hook."""
        plan = self.speaker.plan
        messages = self._history.messages(plan.system_prompt)
        if plan.hooks.before_llm is not None:
            messages = await self.speaker.hooks.executor.run_before_llm(messages, self._context)
        if self.speaker.budget is not None:
            self.speaker.budget.shown(messages)
        return messages

    async def _transcribed(self) -> bool:
        """Let the application change what the caller said; False when it drops the turn."""
        if self.speaker.plan.hooks.after_transcribe is None:
            return True
        executor = self.speaker.hooks.executor
        text = await executor.run_after_transcribe(self.text, self._context)
        if text is not None and text != self.text:
            self.text, self._reworded = text, True
            self._reword()
        return text is not None

    def _reword(self) -> None:
        if self._reworded and self.released.is_set():
            self.speaker.history.reword(self.utterance.turn, self.text)

    @property
    def _history(self) -> History:
        """What was said so far; for a draft, as if its turn were committed."""
        history = self.speaker.history
        if self.released.is_set():
            return history
        return history.with_turn(self.utterance.turn, self.text)

    async def _take(self, item: LoopItem) -> None:
        if isinstance(item, str):
            self._stamp_token()
            note_text(self.speaker.events, self.utterance, item)
            async with self._cutting:
                if sentences := await self._sentences.push(item):
                    await self._put(sentences)
                if self._sentences.may_be_over:
                    self._await_more()
        elif isinstance(item, UsageChunk):
            name = self.speaker.plan.names.get("llm", ("llm", ""))
            self.speaker.turn_recorder.model_used(name, item)

    async def _run_tool(self, request: ToolRequest) -> str:
        self._stamp_token()
        await self._flush()
        tool = self.speaker.toolbox.tools.get(request.name)
        if tool is None or tool.effect != "read":
            await self.released.wait()
        outcome = await self.speaker.toolbox.run(
            request, self.utterance, self._reassure, self._remember
        )
        return outcome.text

    def _remember(self, row: HistoryRow) -> None:
        """Rows of a draft wait until it is one no more; a discarded one leaves none."""
        if self.released.is_set():
            self.speaker.history.add(row)
        else:
            self._rows.append(row)

    async def _reassure(self, text: str) -> None:
        await self._put([text])

    async def _flush(self) -> None:
        async with self._cutting:
            await self._put(await self._sentences.flush())

    def _await_more(self) -> None:
        """The text may be a sentence as it stands: should no more come, it is one."""
        self._last_text_ms = self.speaker.sender.clock.ms()
        self._text_came.set()
        if self._pausing is None and self._tasks is not None:
            name = f"pauses-{self.utterance.epoch}"
            self._pausing = self._tasks.create_task(self._pauses(), name=name)

    async def _pauses(self) -> None:
        """Say what is a sentence already when no more text comes for a moment."""
        clock = self.speaker.sender.clock
        while True:
            await self._text_came.wait()
            self._text_came.clear()
            while (left_ms := self._last_text_ms + PAUSE_MS - clock.ms()) > 0:
                await self.speaker.call.clock.sleep(left_ms)
            async with self._cutting:
                if not self._text_came.is_set():
                    await self._put(await self._sentences.pause())

    async def _put(self, sentences: list[str]) -> None:
        for sentence in sentences:
            if self.utterance.stamps.first_sentence is None:
                self.utterance.stamps.first_sentence = self.speaker.sender.clock.ms()
            self._speech.append(sentence)
            await self._ready.put(sentence)

    def _stamp_token(self) -> None:
        if self.utterance.stamps.first_token is None:
            self.utterance.stamps.first_token = self.speaker.sender.clock.ms()

    def _report_model(self, report: ModelReport) -> None:
        note_model(self.speaker.events, report)


@attrs.define(eq=False)
class _Ready:
    """Sentences on their way from the mind to the voice; None is the end.

    An iterator, not a generator: a reader cancelled while it waits has lost nothing.
    """

    _queue: asyncio.Queue[str | None] = attrs.field(factory=lambda: asyncio.Queue(SENTENCES))
    _filled: asyncio.Event = attrs.field(factory=asyncio.Event)
    _any: bool = False
    _ended: bool = False

    async def put(self, sentence: str | None) -> None:
        """Add a sentence, waiting for room; after `close` it is dropped."""
        if not self._filled.is_set():
            self._any = sentence is not None
            self._filled.set()
        if not self._ended:
            await self._queue.put(sentence)

    @property
    def closed(self) -> bool:
        """Does nobody read any more?"""
        return self._ended

    def put_if_empty(self, sentence: str) -> bool:
        """Add a sentence if the reader waits for one; False if others come first."""
        if self._ended or not self._any or not self._queue.empty():
            return False
        self._queue.put_nowait(sentence)
        return True

    async def begun(self) -> bool:
        """Wait for the first sentence; False when the reply ends without one."""
        await self._filled.wait()
        return self._any

    def close(self) -> None:
        """The reader is gone: from now on `put` does not wait for room."""
        self._ended = True
        while not self._queue.empty():
            self._queue.get_nowait()

    def __aiter__(self) -> AsyncIterator[str]:
        return self

    async def __anext__(self) -> str:
        sentence = None if self._ended else await self._queue.get()
        if sentence is None:
            self._ended = True
            raise StopAsyncIteration
        return sentence
