"""What a message of each provider costs the loop, each at the double of its vendor.

The doubles are in processes of their own. Times are the processor's, of the thread of the loop.
"""

from __future__ import annotations

import asyncio
import sys
import time
import tracemalloc
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Final

import attrs

from callbench.double_process import named
from patter import PluginRegistry
from patter.client_pool import client_pool
from patter.env import standing_in
from patter.plugins.kinds import LLM_KIND, STT_KIND, TTS_KIND, Kind
from patter.providers.context import CallContext
from patter.providers.llm import LLMRequest, Message
from patter_testing.doubles.vendor_double import KEY
from patter_testing.doubles.vendor_sound import sounded

KINDS: Final[dict[str, Kind[Any]]] = {"stt": STT_KIND, "llm": LLM_KIND, "tts": TTS_KIND}
PROVIDERS: Final = (
    ("stt", "deepgram/nova-3", "deepgram"),
    ("stt", "deepgram/flux-general-en", "deepgram"),
    ("stt", "openai/gpt-4o-transcribe", "openai"),
    ("stt", "elevenlabs", "elevenlabs"),
    ("stt", "assemblyai", "assemblyai"),
    ("stt", "cartesia", "cartesia"),
    ("stt", "cartesia-turns", "cartesia"),
    ("stt", "soniox", "soniox"),
    ("stt", "speechmatics", "speechmatics"),
    ("llm", "openai/gpt-4o-mini", "openai"),
    ("llm", "openai/gpt-4o-mini?api=responses", "openai"),
    ("llm", "anthropic", "anthropic"),
    ("llm", "google", "google"),
    ("llm", "groq", "groq"),
    ("llm", "cerebras", "cerebras"),
    ("tts", "elevenlabs", "elevenlabs"),
    ("tts", "elevenlabs-rest", "elevenlabs"),
    ("tts", "openai", "openai"),
    ("tts", "deepgram", "deepgram"),
    ("tts", "deepgram/flux-haley-en", "deepgram"),
    ("tts", "cartesia", "cartesia"),
    ("tts", "rime", "rime"),
    ("tts", "rime-rest", "rime"),
    ("tts", "lmnt", "lmnt"),
    ("tts", "lmnt-rest", "lmnt"),
)
"""Kind, spec string, and whose double."""
FRAME_MS, FRAMES, LONG_MS = 20, 150, 1_000
SENTENCE = "This sentence is as long as what an agent says before a caller has had enough of it."


@attrs.frozen
class Row:
    """*ms* of the processor and *size* bytes a message, of *messages*.

    *copies*: how many times its audio was in memory at once, at the most; what is reckoned with
    it, such as a loudness in floating point, is counted.
    """

    kind: str
    spec: str
    messages: int
    ms: float
    size: float
    copies: float | None = None

    def __str__(self) -> str:
        copies = "" if self.copies is None else f"{self.copies:.1f}"
        figures = f"{self.messages:5} {self.ms:8.3f} {self.size:8.0f} {copies:>6}"
        return f"{self.kind}  {self.spec:36} {figures}"


HEAD: Final = f"{'':4} {'':36} {'':5} {'ms':>8} {'bytes':>8} copies  (a message)"


async def row(kind: str, spec: str, vendor: str) -> Row:
    """The figures of one provider."""
    async with _double(vendor) as url, client_pool():
        double = named(vendor)
        double.url = url
        with standing_in(KEY):
            provider = PluginRegistry.from_environment({}).resolve(KINDS[kind], spec)
        return await WAYS[kind](kind, spec, double.pointed(provider))


async def _heard(kind: str, spec: str, provider: Any) -> Row:
    """A recogniser that is sent a frame every 20 ms, and tells what it hears."""
    audio, events = provider.accepts[0], 0
    frames = sounded("a" * 60, audio)

    async def read(session: Any) -> None:
        nonlocal events
        async for _ in session:
            events += 1

    async with provider.open(_call(), audio) as session, asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(read(session))
        size = audio.bytes_in(FRAME_MS)
        await session.send(frames[:size])
        await asyncio.sleep(0.5)
        used = time.thread_time()
        for place in range(FRAMES):
            await session.send(frames[place * size : (place + 1) * size])
            await asyncio.sleep(FRAME_MS / 1_000)
        used = time.thread_time() - used
        long = bytes(audio.bytes_in(LONG_MS))
        await session.send(long)  # what is made once is no copy
        copies = await _held(session.send(long)) / len(long)
        reader.cancel()
    messages = FRAMES + events
    return Row(kind, spec, messages, used * 1_000 / messages, size, copies)


async def _said(kind: str, spec: str, provider: Any) -> Row:
    """A voice that speaks a sentence, and speaks it again."""
    async with provider.open(_call(), provider.produces[0]) as session:
        await _drained(session.say(_text(SENTENCE)))
        used = time.thread_time()
        sizes = [len(speech.audio) for speech in await _drained(session.say(_text(SENTENCE)))]
        used = time.thread_time() - used
        copies = await _held(_counted(session.say(_text(SENTENCE)))) / sum(sizes)
    return Row(kind, spec, len(sizes), used * 1_000 / len(sizes), sum(sizes) / len(sizes), copies)


async def _thought(kind: str, spec: str, provider: Any) -> Row:
    """A model that answers a hundred words, and answers again."""
    request = LLMRequest(messages=(Message("user", "Hi."),), call=_call())
    await _drained(provider.stream(request))
    used = time.thread_time()
    chunks = await _drained(provider.stream(request))
    used = time.thread_time() - used
    size = sum(len(getattr(chunk, "text", "")) for chunk in chunks)
    return Row(kind, spec, len(chunks), used * 1_000 / len(chunks), size / len(chunks))


WAYS: Final[dict[str, Callable[[str, str, Any], Coroutine[Any, Any, Row]]]] = {
    "stt": _heard,
    "llm": _thought,
    "tts": _said,
}


def _call() -> CallContext:
    return CallContext(call_id="row")


async def _text(sentence: str) -> AsyncIterator[str]:
    yield sentence


async def _drained(stream: Any) -> list[Any]:
    async with aclosing(stream):
        return [each async for each in stream]


async def _counted(stream: Any) -> None:
    """Read *stream*, and keep nothing of it."""
    async with aclosing(stream):
        async for _ in stream:
            continue


async def _held(work: Any) -> int:
    """How many bytes more than before were in memory at once, while *work* was done."""
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        await work
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@asynccontextmanager
async def _double(name: str) -> AsyncIterator[str]:
    """The double of *name* in a process of its own; its address."""
    options = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    args = ("-m", "callbench.double_process", name)
    here: Any = {**options, "cwd": Path(__file__).parent.parent}
    process = await asyncio.create_subprocess_exec(sys.executable, *args, **here)
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            yield (await process.stdout.readline()).decode().strip()
    finally:
        process.kill()
        await process.wait()
