"""Every Python block of the documents runs as it stands there, with doubles behind it."""

from __future__ import annotations

import ast
import asyncio
import sys
import types
import warnings
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from inspect import CO_COROUTINE
from pathlib import Path
from typing import Any

import attrs
import pytest

import getpatter
import patter
from getpatter.cloud import CloudUnavailable
from patter.errors import PatterConfigError
from patter_softphone import Softphone
from patter_testing import FakeCarrier, FakeEngine, FakeLLM, FakeSTT, FakeTTS, FakeVAD

from .documents import CODE, CODE_LIKE, DECLARED, README, TYPESCRIPT, Block, blocks, lines
from .processes import row

ENVIRONMENT = {
    "TWILIO_ACCOUNT_SID": f"AC{'0' * 32}",
    "TWILIO_AUTH_TOKEN": "token",
    "TELNYX_API_KEY": "key",
    "TELNYX_CONNECTION_ID": "1",
    "OPENAI_API_KEY": "key",
    "ELEVENLABS_API_KEY": "key",
    "DEEPGRAM_API_KEY": "key",
    "PHONE_NUMBER": "+15550001234",
    "WEBHOOK_URL": "phone.example.com",
}
NO_ACCOUNT = {"003:100": "TWILIO_ACCOUNT_SID"}
"""The variable that is not set for a block which shows what happens then."""

RAISES: dict[str, type[BaseException]] = {
    "003:100": ValueError,  # as the block itself says
    "004:10": CloudUnavailable,
    "004:165": CloudUnavailable,
    "004:193": CloudUnavailable,
    "004:301": CloudUnavailable,
    "004:348": CloudUnavailable,
    "004:29": PatterConfigError,  # "AC..." is no account; test_local_mode_runs writes one
}
WARNS = {"004:29", "004:248"}
"""Blocks with a form that is deprecated."""

SERVE = getpatter.Patter.serve


def phone_of(**fields: Any) -> getpatter.Patter:
    carrier = FakeCarrier()
    host = "phone.example.com"
    return Short(carrier, "+15550001234", webhook_url=host, persist=False, **fields)


class Short(getpatter.Patter):
    """Serves on a free port until it is ready."""

    async def serve(self, agent: patter.Agent, port: int = 8_000, **named: Any) -> bool:  # type: ignore[override]
        async with serving(self, agent, **named):
            return True


@asynccontextmanager
async def serving(phone: getpatter.Patter, agent: patter.Agent, **named: Any) -> AsyncIterator[str]:
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(SERVE(phone, agent, **{**named, "port": 0}))
        yield await phone.ready
        await phone.disconnect()
    task.result()


class Rung(getpatter.Patter):
    """Serves until somebody has called, heard the greeting and hung up."""

    async def serve(self, agent: patter.Agent, port: int = 8_000, **named: Any) -> bool:  # type: ignore[override]
        async with (
            serving(self, agent, **named) as url,
            Softphone(url=url, caller="Ada").call() as call,
        ):
            await row(call, "agent", agent.first_message)
            await call.hang_up()
        return True


def names() -> dict[str, Any]:
    """What a block may name that stands before it on its page."""
    phone = phone_of()
    agent = phone.agent(
        "Be brief.", stt=FakeSTT(), llm=FakeLLM(), tts=FakeTTS(), vad=FakeVAD(), name="page"
    )
    return {"phone": phone, "agent": agent, "Patter": getpatter.Patter, "Twilio": getpatter.Twilio}


def run(code: str, name: str, space: dict[str, Any]) -> dict[str, Any]:
    """The names there are after *code*; ``await`` may stand outside of functions."""
    compiled = compile(code, name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    if not compiled.co_flags & CO_COROUTINE:
        exec(compiled, space)
        return space
    asyncio.run(awaited(compiled, space))
    return space


async def awaited(compiled: types.CodeType, space: dict[str, Any]) -> None:
    """Who places a call has a phone that serves."""
    if "call" not in compiled.co_names:
        await eval(compiled, space)
        return
    async with serving(space["phone"], space["agent"]):
        await eval(compiled, space)


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An account at every vendor, a data folder, and the package that reads ``.env``."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    dotenv = types.ModuleType("dotenv")
    dotenv.load_dotenv = lambda: True  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dotenv", dotenv)
    yield


@pytest.mark.parametrize("block", blocks(CODE), ids=str)
def test_a_block_runs(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(block)
    monkeypatch.delenv(NO_ACCOUNT.get(place, "NOT_SET"), raising=False)
    space = names()
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", DeprecationWarning)
        if place in RAISES:
            with pytest.raises(RAISES[place]):
                run(block.code, place, space)
        else:
            run(block.code, place, space)
            assert isinstance(space["agent"], patter.Agent)
    assert bool(warned) is (place in WARNS), [str(each.message) for each in warned]


def test_every_line_that_is_python_is_in_a_block() -> None:
    inside = {
        (each.document, number)
        for each in (*blocks(CODE), *blocks(DECLARED))
        for number in range(each.first, each.last + 1)
    }
    missed = [
        f"{document}:{number} {line}"
        for document in (*CODE, *TYPESCRIPT)
        for number, line in enumerate(lines(document), 1)
        if CODE_LIKE.match(line) and (document, number) not in inside
    ]
    assert not missed


def test_a_block_begins_and_ends_where_the_text_has_one() -> None:
    for block in blocks(CODE):
        ast.parse(block.code.replace("await ", ""))
        if block.document == README:
            assert lines(README)[block.first - 2] == "Python" or block.first == 348


def test_a_documents_settings_reach_what_is_made() -> None:
    nova, pipeline, dotenv = (
        run(Block("003", *place).code, "003", names()) for place in ((62, 70), (85, 93), (179, 194))
    )
    assert (nova["agent"].engine.voice, nova["agent"].first_message) == (
        "nova",
        "Thanks for calling!",
    )
    assert pipeline["agent"].stt.endpointing_ms == 80
    assert pipeline["agent"].tts.voice_id == getpatter.ElevenLabsTTS(voice_id="rachel").voice_id
    assert dotenv["phone"].webhook_url == "phone.example.com"


def test_a_call_that_a_document_places_is_placed() -> None:
    space = run(Block("004", 216, 221).code, "004:216", names())
    (request,) = space["phone"].carrier.dialed
    assert (request.to, request.machine_detection) == ("+14155551234", True)


def test_callbacks_that_a_document_writes_hear_of_a_call(
    capsys: pytest.CaptureFixture[str],
) -> None:
    phone = Rung(carrier="softphone", persist=False)
    parts: dict[str, Any] = {"stt": FakeSTT(), "llm": FakeLLM(), "tts": FakeTTS(ms_per_letter=10)}
    agent = phone.agent("Be brief.", first_message="Good evening.", **parts)
    run(Block("004", 288, 293).code, "004:288", {"phone": phone, "agent": agent})
    first, last = capsys.readouterr().out.splitlines()
    assert first == "[assistant] Good evening."
    assert last.startswith("Full history: [{")


def test_a_phone_with_a_carrier_needs_a_number() -> None:
    with pytest.raises(ValueError, match="phone_number"):
        getpatter.Patter(carrier=getpatter.Twilio())


def test_local_mode_runs_with_an_account_in_place_of_the_dots(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    served: list[Any] = []

    async def serve(phone: getpatter.Patter, agent: patter.Agent, port: int) -> None:
        served.append((phone.carrier, agent, port))
        phone.carrier = FakeCarrier()
        async with serving(phone, attrs.evolve(agent, engine=FakeEngine(), voice="")):
            pass

    monkeypatch.setattr(getpatter.Patter, "serve", serve)
    code = Block("004", 29, 46).code.replace('"AC..."', repr(ENVIRONMENT["TWILIO_ACCOUNT_SID"]))
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", DeprecationWarning)
        run(code.replace('"+1..."', '"+15550001234"'), "004:29", {})
    forms = [str(each.message).split("=")[0] for each in warned]
    assert forms == ["twilio_sid", "mode", "openai_key"]
    assert {each.filename for each in warned} == {"004:29"}, "who wrote it is who is warned"
    ((carrier, agent, port),) = served
    assert (carrier.auth_token, agent.engine.api_key, port) == ("...", "sk-...", 8_000)
    assert capsys.readouterr().out == "Listening for calls...\n"
