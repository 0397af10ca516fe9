"""``patter doctor`` against the double of each carrier: what it asks, what it tells, no secret."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import attrs
import pytest

from patter import Patter, PluginRegistry
from patter.cli.checks.finding import Finding, Level
from patter.cli.checks.line import Closed
from patter.cli.checks.subject import Subject
from patter.cli.doctor import NAMES, as_text, as_value, examined
from patter.cli.out import Out
from patter.phone.public_endpoint import PublicEndpoint

from .processes import clean, patter

NUMBER, HOST = "+15550001234", "phone.example.com"
SECRET = {"twilio": "auth_token", "telnyx": "api_key", "plivo": "auth_token"}
CANARY = "Zq7pWv3xKm9tRb2yLd5gHc8nFs4jXu6aVe1o"

each_carrier = pytest.mark.parametrize("slug", SECRET)


@asynccontextmanager
async def vendor(slug: str) -> AsyncIterator[Any]:
    """The double of *slug*, running."""
    double: Any = getattr(import_module(f"patter_{slug}.double"), f"{slug.title()}Double")
    async with double(numbers=(NUMBER,), public_host=HOST).open() as running:
        yield running


def leads_elsewhere(running: Any) -> None:
    """The number was another application's, where numbers have one."""
    for number in running.numbers.values():
        if hasattr(number, "connection_id"):
            number.connection_id = "1700000000000000001"


def of(carrier: Any, number: str = NUMBER) -> Subject:
    registry = PluginRegistry.from_environment({}, source=[])
    phone = Patter(carrier=carrier, phone_number=number, persist=False, registry=registry)
    way_in = PublicEndpoint(host=HOST)
    return Subject(
        registry=registry, target="bistro:agent", phone=phone, address=way_in, environ={}
    )


async def told(subject: Subject) -> dict[str, Finding]:
    """What the checks of the line find; nobody is asked at the public host."""
    report = await examined(subject, ("keys", "number", "webhook"))
    lines = as_text(report, Out()).splitlines()[:-1]
    said = f"{lines} {as_value(report)['checks']}"
    runs = {CANARY[i : i + 4] for i in range(len(CANARY) - 3)}
    assert not [run for run in runs if run in said]
    assert str(len(CANARY)) not in said
    return {each.name: each for each in report.findings}


@each_carrier
async def test_a_number_of_the_account_is_found_and_its_webhook_compared(slug: str) -> None:
    async with vendor(slug) as running:
        carrier = running.carrier()
        leads_elsewhere(running)
        before = await told(of(carrier))
        assert before["keys"] == Finding(Level.OK, "keys", f"{slug} accepted")
        assert before["number"].level is Level.OK
        assert before["webhook"].level is Level.WARN
        assert before["webhook"].fix == "patter serve bistro:agent sets it"
        assert not any(number.written for number in running.numbers.values())
        async with carrier.open(Closed(HOST)) as line:
            await line.configure(NUMBER)
        after = await told(of(carrier))
        assert after["webhook"] == Finding(Level.OK, "webhook", f"number points to {HOST}")


@each_carrier
async def test_a_key_that_is_refused_fails_and_is_not_told(slug: str) -> None:
    async with vendor(slug) as running:
        wrong = attrs.evolve(running.carrier(), **{SECRET[slug]: CANARY})
        found = await told(of(wrong))
        assert set(found) == {"keys"}
        assert found["keys"].level is Level.FAIL
        assert f"{slug}_{SECRET[slug]}".upper() in found["keys"].text + found["keys"].fix


@each_carrier
async def test_a_number_of_somebody_else_fails(slug: str) -> None:
    async with vendor(slug) as running:
        found = await told(of(running.carrier(), "+15550009999"))
        assert found["keys"].level is Level.OK
        assert found["number"].level is Level.FAIL
        assert f"not on this {slug.title()} account" in found["number"].text
        assert found["number"].fix


VARIABLES = {
    "twilio": {
        "TWILIO_ACCOUNT_SID": "AC9f3c7a1e5b8d2046ce73ab1967d0f2e4",
        "TWILIO_AUTH_TOKEN": CANARY,
    },
    "telnyx": {"TELNYX_API_KEY": CANARY, "TELNYX_CONNECTION_ID": "1494404757140276705"},
    "plivo": {"PLIVO_AUTH_ID": "MAZQ7PWV3XKM9TRB2YLD", "PLIVO_AUTH_TOKEN": CANARY},
}
MODULE = """
from patter import Patter
from patter_testing import FakeLLM, FakeSTT, FakeTTS

phone = Patter(carrier="SLUG?api_base=URL", phone_number="+15550001234", persist=False)
agent = phone.agent("Be brief.", stt=FakeSTT(), llm=FakeLLM(), tts=FakeTTS())
"""


@each_carrier
@pytest.mark.parametrize("flag", ["--json", "--verbose"])
async def test_a_process_tells_nobodys_keys_in_answer_or_log(
    slug: str, flag: str, tmp_path: Path
) -> None:
    async with vendor(slug) as running:
        text = MODULE.replace("SLUG", slug).replace("URL", running.runtime.url)
        (tmp_path / "bistro.py").write_text(text, encoding="utf-8")
        process = await asyncio.create_subprocess_exec(
            *patter("doctor", "bistro:agent", flag),
            cwd=tmp_path,
            env=clean(tmp_path, **VARIABLES[slug]),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = (said.decode() for said in await process.communicate())
    assert process.returncode == 1, err
    assert "keys" in out
    plain = f"{text} {' '.join(VARIABLES[slug])} {NUMBER}"
    secrets = [value for name, value in VARIABLES[slug].items() if name != "TELNYX_CONNECTION_ID"]
    runs = {secret[i : i + 4] for secret in secrets for i in range(len(secret) - 3)}
    assert not [run for run in runs if run in out + err and run not in plain]


def test_these_are_the_checks_of_a_line() -> None:
    assert {"keys", "number", "webhook"} < set(NAMES)
