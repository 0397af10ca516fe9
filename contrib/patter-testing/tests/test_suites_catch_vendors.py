"""Each rule on vendors convicts a plugin that is honest but for one line, and no honest one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from patter.audio.formats import MULAW_8K
from patter.providers.llm import LLMRequest, Message
from patter_testing import LLMSuite, STTSuite, TTSSuite
from patter_testing.suites.llm import BOOK, CANCEL
from patter_testing.suites.readiness import ReadinessSuite
from patter_testing.suites.vendor import VendorSuite

from .rogue_plugins import DOUBLE, Plugin, plugin
from .trial import CALL, ON_WIRE, verdict
from .vendor_culprits import ON_VENDORS, Culprit, llm, stt, tts

SUITES = {"tts": TTSSuite, "llm": LLMSuite, "stt": STTSuite}
REQUEST = LLMRequest(messages=(Message("user", "hello"),), call=CALL)
TWO = LLMRequest(
    messages=(Message("user", "book a table and cancel another table"),),
    tools=(BOOK, CANCEL),
    call=CALL,
)
GIVEN: dict[str, dict[str, Any]] = {
    "tts": {},
    "llm": {"request_": REQUEST, "tools_request": TWO},
    "stt": {"speech": (MULAW_8K, b"\x10" * 800, "100 ms")},
}
SPEAKING = [
    tts(
        "a_sentence_lasts_as_long_in_every_format",
        "mulaw/8k: 780 ms, but pcm16/16k: 390 ms",
        "_wire.py",
        '"rate": audio.rate_hz',
        '"rate": 8_000',
    ),
    tts(
        "audio_is_samples_and_nothing_else",
        "header of WAV",
        DOUBLE,
        "return sounded(",
        'return b"RIFF\\x24\\0\\0\\0WAVEfmt " + sounded(',
    ),
    tts(
        "audio_is_samples_and_nothing_else",
        "header of MP3",
        DOUBLE,
        "return sounded(",
        'return b"ID3\\4\\0\\0" + sounded(',
    ),
    tts(
        "a_voice_begins_without_a_pause",
        "1000 ms of silence before",
        DOUBLE,
        "return sounded(",
        'return b"\\xff" * 8_000 + sounded(',
    ),
    tts(
        "a_voice_begins_without_a_pause",
        "nothing but silence",
        DOUBLE,
        "return sounded(",
        'return b"\\xff" * 8_000 or sounded(',
    ),
    tts(
        "each_sentence_is_spoken_once",
        "3060 ms, alone",
        "tts.py",
        "async for sentence in text:",
        "seen = ''\n        async for each in text:\n            seen = sentence = seen + each",
    ),
    tts(
        "words_are_those_of_the_text",
        "'Go' is not a word",
        "tts.py",
        "yield Speech(ready, begins)",
        "yield Speech(ready, begins, (SpokenWord(text[:2], 1),))",
        "tts.py",
        "import Speech\n",
        "import Speech, SpokenWord\n",
    ),
    tts(
        "a_lost_connection_raises",
        "DID NOT RAISE",
        "tts.py",
        "with ERRORS.translated():\n            async with self",
        "with suppress(aiohttp.ClientPayloadError):\n            async with self",
        "tts.py",
        "import aclosing, asynccontextmanager",
        "import aclosing, asynccontextmanager, suppress",
    ),
    tts(
        "audio_does_not_wait_for_the_end",
        "the first half of a sentence took longer",
        "tts.py",
        "response.content.iter_any():",
        "_all(response):",
        "tts.py",
        "@attrs.define",
        "async def _all(response):\n    yield await response.read()\n\n\n@attrs.define",
    ),
    tts(
        "how_audio_arrives_changes_nothing",
        "half a sample",
        "_wire.py",
        "return arrived[:end], arrived[end:]",
        'return arrived, b""',
    ),
    tts(
        "how_audio_arrives_changes_nothing",
        "Parrot sent no audio",
        "tts.py",
        "if ready:\n",
        "if len(ready) > 900:\n",
    ),
]

NO_END = (
    "llm.py",
    'raise PatterConnectionError("Parrot stopped in mid-answer", fix="try again")',
    'yield DoneChunk("stop")',
)
BUFFERED = (
    "llm.py",
    "async for line in response.content:",
    "for line in (await response.read()).splitlines():",
)
USAGE = 'yield {"type": "usage", "in": 7, "out": 3}'
TWO_TOOLS = "two_tool_calls_are_kept_apart"
THINKING = [
    llm(TWO_TOOLS, why, "_wire.py", old, new)
    for why, old, new in [
        ("were called with one index", 'int(body["index"]), ', "0, "),
        ("share an id: ['call', 'call']", 'str(body["id"])', '"call"'),
        ("the first piece has no id", 'str(body["id"])', '""'),
        ("are not JSON", 'str(body["arguments"])', "'{\"a\": '"),
        ("'simulated-1' was not offered", 'str(body["name"])', 'str(body["id"])'),
    ]
] + [
    llm(
        "tokens_are_told_once",
        "no tokens were told",
        "_wire.py",
        "return UsageChunk(",
        "return None and (",
    ),
    llm("tokens_are_told_once", "told as [7, 7]", DOUBLE, USAGE, f"{USAGE}\n    {USAGE}"),
    llm(
        "a_lost_connection_raises",
        "DID NOT RAISE",
        "llm.py",
        "with ERRORS.translated():",
        "with suppress(aiohttp.ClientPayloadError):",
        "llm.py",
        'raise PatterConnectionError("Parrot stopped in mid-answer", fix="try again")',
        'yield DoneChunk("")',
        "llm.py",
        "import aiohttp\n",
        "from contextlib import suppress\n\nimport aiohttp\n",
    ),
    llm(
        "text_does_not_wait_for_the_end", "text before the end of the reply took longer", *BUFFERED
    ),
    llm("tokens_are_told_once", "took no tokens", "_wire.py", 'int(body["out"])', "0"),
    llm(
        "a_reply_ends_with_exactly_one_done",
        "has no reason",
        "_wire.py",
        'str(body["reason"])',
        '""',
    ),
    llm("half_a_reply_is_no_reply", "DID NOT RAISE", *NO_END),
    llm(
        "how_the_answer_arrives_changes_nothing",
        "ProviderError: Parrot sent",
        "llm.py",
        "async for line in response.content:",
        "async for line in response.content.iter_any():",
    ),
]

ANSWERED = "await tell(stream, ear.feed(message.data) if binary else ear.finalize())"
TOLD = "await stream.send(words(event.text, event.final, event.end_ms or 0))"
HEARING = [
    stt(
        "a_pause_without_words_is_answered_too",
        "an empty final took longer",
        DOUBLE,
        "case Transcript():",
        "case Transcript() if event.text or not event.final:",
        ms=400,
    ),
    stt(
        "a_pause_without_words_is_answered_too",
        "an empty final took longer",
        "stt.py",
        "await self._socket.send_str(_wire.FINALIZE)",
        "if self.sent:\n                await self._socket.send_str(_wire.FINALIZE)",
        "stt.py",
        "await self._socket.send_bytes(audio)",
        "self.sent += len(audio)\n            await self._socket.send_bytes(audio)",
        "stt.py",
        "_socket: aiohttp.ClientWebSocketResponse",
        "_socket: aiohttp.ClientWebSocketResponse\n    sent: int = 0",
        ms=0,
    ),
    stt(
        "words_are_final_once",
        "was final before",
        DOUBLE,
        TOLD,
        "SAID[:] = [event.text or SAID[0]]\n                "
        + TOLD.replace("event.text", "SAID[0]"),
        DOUBLE,
        "REQUIRED = frozenset(",
        'SAID = [""]\nREQUIRED = frozenset(',
    ),
    stt(
        "positions_fit_the_audio",
        "was said after 0 ms",
        "_wire.py",
        'int(body["end_ms"])',
        'int(body["end_ms"]) // 1_000',
    ),
    stt(
        "positions_fit_the_audio",
        "was said after 100 ms",
        DOUBLE,
        ANSWERED,
        ANSWERED + "\n                ear = ear if binary else self.listener(audio)",
    ),
    stt(
        "positions_fit_the_audio",
        "of 100 ms of audio",
        "_wire.py",
        'int(body["end_ms"])',
        'int(body["end_ms"]) * 1_000',
    ),
    stt(
        "positions_fit_the_audio",
        "words run back",
        "_wire.py",
        'int(body["end_ms"]))',
        'int(body["end_ms"]), words=(Word("a", 50, 40),))',
        "_wire.py",
        "SpeechStarted, Transcript\n",
        "SpeechStarted, Transcript, Word\n",
    ),
    stt(
        "nothing_is_heard_after_the_end",
        "heard after the end: ['late']",
        "stt.py",
        "await self._socket.send_bytes(audio)",
        "await self._socket.send_bytes(audio)\n        self.late = Transcript('late', True)",
        "stt.py",
        "                yield heard\n",
        "                yield heard\n        yield self.late\n",
        "stt.py",
        "_socket: aiohttp.ClientWebSocketResponse",
        "_socket: aiohttp.ClientWebSocketResponse\n    late: object = None",
        "stt.py",
        "from patter.providers.context",
        "from patter.providers.stt import Transcript\nfrom patter.providers.context",
    ),
    stt(
        "a_closed_session_refuses_audio",
        "DID NOT RAISE",
        "stt.py",
        "await self._socket.send_bytes(audio)",
        "if not self._socket.closed:\n                await self._socket.send_bytes(audio)",
    ),
    stt(
        "a_lost_connection_is_noticed",
        "a broken connection took longer",
        "stt.py",
        "                yield heard\n",
        "                yield heard\n        await asyncio.Event().wait()\n",
    ),
]
CULPRITS = [*ON_VENDORS, *SPEAKING, *THINKING, *HEARING]


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Plugin]]:
    plugins = {}
    for kind in SUITES:
        with plugin(kind, tmp_path_factory.mktemp(kind)) as each:
            plugins[kind] = each
    yield plugins


def tried_on_wire(kind: str) -> set[str]:
    """The rules of *kind* for which there is a culprit here."""
    return {one.rule for one in CULPRITS if one.kind == kind}


def tried(one: Culprit, accused: Plugin) -> str:
    @asynccontextmanager
    async def opens() -> AsyncIterator[Any]:
        async with accused.double().running() as vendor:
            yield vendor.pointed(accused.provider(api_key="k"))

    return verdict(
        SUITES[one.kind](),
        one.rule,
        limits=ON_WIRE,
        opens=opens,
        **GIVEN[one.kind],
        **one.arguments,
    )


@pytest.mark.parametrize("one", CULPRITS, ids=str)
def test_one_line_that_breaks_a_rule_is_convicted(one: Culprit, tmp_path: Path) -> None:
    with plugin(one.kind, tmp_path, *one.changes) as accused:
        assert one.why in tried(one, accused)


@pytest.mark.parametrize("one", CULPRITS, ids=str)
def test_who_keeps_the_rule_is_not(one: Culprit, honest: dict[str, Plugin]) -> None:
    assert tried(one, honest[one.kind]) == ""


def test_every_rule_on_vendors_was_tried() -> None:
    suites = (VendorSuite, ReadinessSuite)
    rules = {name for suite in suites for name in vars(suite) if name.startswith("test_")}
    assert rules - {one.rule for one in CULPRITS} == set()
