"""What the checks of ``patter doctor`` make of answers, silence, wrong clocks and broken checks."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import attrs
import pytest
from aiohttp import ClientSession, web
from aiohttp.abc import AbstractResolver, ResolveResult
from hypothesis import given
from hypothesis import strategies as st

from patter import Patter, PluginRegistry
from patter.cli.checks import public, records, timing
from patter.cli.checks.bounded import Check, in_thread, run_check
from patter.cli.checks.finding import Finding, Level, bad, good
from patter.cli.checks.hidden import MASK, RUN, Hidden
from patter.cli.checks.probe import HttpProbe, ProbeAnswer, Trouble
from patter.cli.checks.subject import ClockReading, Subject
from patter.cli.doctor import NAMES, Report, examined
from patter.clock import LoopClock
from patter.env import environment
from patter.errors import PatterConnectionError
from patter.parts import AgentParts
from patter.phone.public_endpoint import PublicEndpoint
from patter.providers.carrier import NumberSettings
from patter.providers.health import HealthReport, health_check_of
from patter.server.admission import Limits
from patter.server.app import Server
from patter.server.client_address import networks
from patter_testing import (
    FakeCarrier,
    FakeGuardrail,
    FakeLLM,
    FakeSTT,
    FakeTTS,
    FakeTunnel,
    site,
)

NUMBER = "+15550001234"
HEALTH = '{"status":"ok","mode":"local"}'


@attrs.frozen
class Late(LoopClock):
    """A clock that is *by_s* seconds behind."""

    by_s: float = 0.0

    def wall(self) -> float:
        return super().wall() - self.by_s


@attrs.frozen(kw_only=True)
class Wire(FakeCarrier):
    """A carrier whose number points at *webhook*, and whose line tells *wall*."""

    webhook: str = ""
    wall: float | None = None

    async def look_up(self, number: str) -> NumberSettings:
        return NumberSettings(number=number, webhook=self.webhook)

    async def check(self) -> HealthReport:
        return HealthReport(wall=self.wall)


@attrs.frozen(kw_only=True)
class Mole(FakeTunnel):
    """A tunnel that is tried out with *answer*."""

    answer: Callable[[], Awaitable[HealthReport | None]]

    async def check(self) -> HealthReport | None:
        return await self.answer()


@asynccontextmanager
async def answering(
    body: str = HEALTH, status: int = 200, date: datetime | None = None
) -> AsyncIterator[str]:
    """A host on this machine that says *body* at /health."""

    async def health(_: web.Request) -> web.Response:
        headers = {} if date is None else {"Date": format_datetime(date, usegmt=True)}
        return web.Response(text=body, status=status, headers=headers)

    app = web.Application()
    app.router.add_get("/health", health)
    async with site(app) as url:
        yield url.removeprefix("http://")


def subject(
    host: str = "",
    *,
    carrier: Any = None,
    tunnel: FakeTunnel | None = None,
    parts: AgentParts | None = None,
    clock: LoopClock | None = None,
) -> Subject:
    registry = PluginRegistry.from_environment({}, source=[])
    phone = Patter(
        carrier=carrier or Wire(),
        phone_number=NUMBER,
        persist=False,
        registry=registry,
    )
    return Subject(
        registry=registry,
        target="bistro:agent",
        phone=phone,
        parts=parts,
        address=PublicEndpoint(host=host, tunnel=tunnel),
        environ={},
        clock=clock or LoopClock(),
        probe=HttpProbe(scheme="http"),
    )


async def finding(of: Subject, *only: str) -> dict[str, Finding]:
    report = await examined(of, only or NAMES)
    return {each.name: each for each in report.findings}


# --- reach


async def test_a_served_phone_answers_from_outside() -> None:
    async def nobody(call: object) -> None:
        raise AssertionError("nobody calls")

    async with Server(port=0).open(nobody, carriers=[]) as serving:  # type: ignore[arg-type]
        result = (await finding(subject(f"127.0.0.1:{serving.port}")))["reach"]
    assert result.level is Level.OK
    assert result.text.startswith("public URL answered from outside in ")


@pytest.mark.parametrize(("trusted", "warned"), [((), True), (("127.0.0.1",), False)])
async def test_a_proxy_that_is_not_trusted_is_said_to_be_one_address(
    trusted: tuple[str, ...], warned: bool
) -> None:
    async def nobody(call: object) -> None:
        raise AssertionError("nobody calls")

    limits = Limits(trusted_proxies=networks(trusted))
    async with Server(port=0, limits=limits).open(nobody, carriers=[]) as serving:  # type: ignore[arg-type]

        async def passed_on(request: web.Request) -> web.Response:
            async with ClientSession() as client:
                url = f"http://127.0.0.1:{serving.port}{request.path}"
                async with client.get(url, headers={"X-Forwarded-For": "203.0.113.9"}) as answer:
                    return web.Response(body=await answer.read(), status=answer.status)

        proxy = web.Application()
        proxy.add_routes([web.get("/health", passed_on)])
        async with site(proxy) as url:
            of = subject(url.removeprefix("http://"))
            report = await examined(of, ("reach",))
    told = [each for each in report.findings if each.level is Level.WARN]
    assert [("one address" in each.text, "--trusted-proxies" in each.fix) for each in told] == (
        [(True, True)] if warned else []
    )


@pytest.mark.parametrize(
    ("body", "status", "text"),
    [
        ("<html>", 200, "something else answers at"),
        (HEALTH, 404, "something else answers at"),
        ("", 502, "nothing answers behind"),
        ("", 530, "nothing answers behind"),
    ],
)
async def test_what_is_not_patter_is_doubtful(body: str, status: int, text: str) -> None:
    async with answering(body, status) as host:
        result = (await finding(subject(host), "reach"))["reach"]
    assert result.level is Level.WARN
    assert result.text.startswith(f"{text} {host}")
    assert result.fix.startswith("patter serve bistro:agent")


async def test_when_nothing_is_served_it_says_how_to_serve() -> None:
    async with answering() as host:
        pass
    result = (await finding(subject(host), "reach"))["reach"]
    assert result == Finding(
        Level.WARN, "reach", f"nothing answers at {host} now", "patter serve bistro:agent"
    )


class Nowhere(AbstractResolver):
    """Knows no name."""

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:
        raise OSError(f"{host} is unknown")

    async def close(self) -> None: ...


async def test_a_name_without_an_address_fails() -> None:
    probe = HttpProbe(resolver=Nowhere())
    result = (await finding(attrs.evolve(subject("a.example.com"), probe=probe), "reach"))["reach"]
    assert (result.level, result.text) == (Level.FAIL, "a.example.com has no address")


async def test_a_host_that_says_nothing_fails_in_time() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
        host = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert await HttpProbe(scheme="http", limit_s=0.05).health(host) is Trouble.SILENT
        [result] = public.findings_of(host, Trouble.SILENT, "patter serve bistro:agent")
    assert result.level is Level.FAIL


async def test_a_host_without_tls_has_no_valid_certificate() -> None:
    async with answering() as host:
        assert await HttpProbe().health(host) is Trouble.CERTIFICATE
    [result] = public.findings_of(host, Trouble.CERTIFICATE, "")
    assert (result.level, "not valid" in result.text) == (Level.FAIL, True)


@pytest.mark.parametrize(
    "answer", [*Trouble, ProbeAnswer(status=200), ProbeAnswer(status=503)], ids=str
)
def test_whatever_keeps_calls_away_has_a_fix(answer: ProbeAnswer | Trouble) -> None:
    [result] = public.findings_of("a.example.com", answer, "patter serve bistro:agent")
    assert result.level is not Level.OK
    assert result.fix
    assert "a.example.com" in result.text


async def test_without_an_address_nothing_is_checked() -> None:
    assert {"reach", "clock"}.isdisjoint(await finding(subject()))


# --- clock and tunnel


async def refused() -> HealthReport | None:
    raise PatterConnectionError("cloudflared is not on PATH", fix="install cloudflared")


async def test_a_clock_60_s_off_and_a_tunnel_that_is_down_are_two_fails_with_two_fixes() -> None:
    async with answering(date=datetime.now(UTC)) as host:
        of = subject(host, tunnel=Mole(answer=refused), clock=Late(by_s=60))
        result = await finding(of)
    assert {name for name, each in result.items() if each.level is Level.FAIL} == {
        "clock",
        "tunnel",
    }
    assert result["clock"].text.startswith(
        ("60 s behind 127", "59 s behind 127", "61 s behind 127")
    )
    assert "set-ntp" in result["clock"].fix
    assert result["tunnel"] == bad("tunnel", "cloudflared is not on PATH", "install cloudflared")


async def test_a_clock_that_is_right_says_by_whom() -> None:
    async with answering() as host:
        result = (await finding(subject(host), "clock"))["clock"]
    assert result.level is Level.OK
    assert result.text.endswith(f" s off (limit 30), says {host}")


async def test_a_vendors_time_goes_before_that_of_ones_own_server() -> None:
    late = Late(by_s=60)
    wire = Wire(wall=float(int(LoopClock().wall())))
    async with answering(date=datetime.fromtimestamp(late.wall(), UTC)) as host:
        result = await finding(subject(host, carrier=wire, clock=late), "clock")
    assert set(result) == {"clock"}
    assert result["clock"].level is Level.FAIL
    assert " s behind fake (limit 30)" in result["clock"].text


@given(st.lists(st.builds(ClockReading, st.just("x"), st.floats(-1e6, 1e6), st.booleans())))
def test_the_clock_fails_only_when_nobody_outside_agrees(times: list[ClockReading]) -> None:
    result = timing.findings_of(times)
    reference = [each for each in times if each.outside] or times
    assert bool(result) == bool(times)
    for each in result:
        agrees = any(abs(reading.offset_s) <= timing.LIMIT_S for reading in reference)
        assert each.level is (Level.OK if agrees else Level.FAIL)


@pytest.mark.parametrize(
    ("webhook", "level", "text"),
    [
        ("https://a.example.com/x", Level.OK, "number points to a.example.com"),
        ("https://joe:hunter2@a.example.com/x", Level.OK, "number points to a.example.com"),
        ("https://b.example.com:8443/x", Level.WARN, "number points to b.example.com:8443"),
        ("application AP1", Level.WARN, "number points to application AP1"),
        ("", Level.WARN, "number points nowhere"),
    ],
)
async def test_a_webhook_is_shown_by_its_host_alone(webhook: str, level: Level, text: str) -> None:
    of = subject("a.example.com", carrier=Wire(webhook=webhook))
    result = (await finding(of, "webhook"))["webhook"]
    assert (result.level, result.text) == (level, text)


@pytest.mark.parametrize(
    ("webhook", "level", "text"),
    [
        ("https://old.example.com/x", Level.OK, "number points to old.example.com until patter"),
        ("", Level.WARN, "number points nowhere"),
    ],
)
async def test_before_a_tunnel_gives_an_address_it_says_who_will_set_it(
    webhook: str, level: Level, text: str
) -> None:
    of = subject(carrier=Wire(webhook=webhook), tunnel=Mole(answer=refused))
    result = (await finding(of, "webhook"))["webhook"]
    assert (result.level, result.text.startswith(text)) == (level, True)


# --- every check is bounded and alone


async def test_a_check_that_never_ends_fails_and_the_others_are_reported() -> None:
    async def never() -> list[Finding]:
        await asyncio.Event().wait()
        return []

    result = await run_check(Check("keys", never, "deepgram stt", limit_s=0.02))
    assert result == [bad("keys", "deepgram stt did not answer within 0.02 s", "try again")]


@pytest.mark.virtual_time
async def test_all_that_hang_together_take_no_longer_than_one() -> None:
    async def never() -> HealthReport | None:
        await asyncio.Event().wait()
        return None

    of = attrs.evolve(subject(tunnel=Mole(answer=never)), times=[])
    began = asyncio.get_running_loop().time()
    result = await finding(of, "tunnel", "environment")
    assert asyncio.get_running_loop().time() - began == pytest.approx(5.0)
    assert result["tunnel"].text == "mole tunnel did not answer within 5 s"
    assert result["environment"].level is Level.OK


async def test_a_check_that_breaks_is_named_without_its_words() -> None:
    async def broken() -> list[Finding]:
        raise ValueError("a secret")

    (result,) = await run_check(Check("number", broken))
    assert result.level is Level.FAIL
    assert result.text.startswith("the check 'number' broke: ValueError (test_doctor_checks.py:")
    assert "a secret" not in f"{result}"
    assert result.fix == "tell the authors of Patter"


async def test_a_thread_gives_its_result_or_its_failure() -> None:
    def fails() -> None:
        raise KeyError("x")

    assert await in_thread(lambda: 7) == 7
    with pytest.raises(KeyError):
        await in_thread(fails)


async def test_a_thread_that_hangs_is_left_to_itself() -> None:
    stuck = threading.Event()

    async def hang() -> list[Finding]:
        await in_thread(stuck.wait)
        return []

    (result,) = await run_check(Check("records", hang, limit_s=0.02))
    stuck.set()
    assert result.text == "the check 'records' did not answer within 0.02 s"


def test_what_needs_arguments_is_no_checkup() -> None:
    """A guardrail's check judges a text."""
    assert health_check_of(FakeGuardrail()) is None
    assert health_check_of(FakeSTT()) is None
    assert health_check_of(None) is None
    wire = Wire()
    assert health_check_of(wire) is wire


async def test_every_model_of_a_fallback_is_checked() -> None:
    checked_names: list[str] = []

    @attrs.frozen(kw_only=True)
    class Mind(FakeLLM):
        name: str

        async def check(self) -> None:
            checked_names.append(self.name)

    minds = [Mind(name="one"), Mind(name="two")]
    base = subject()
    assert base.phone is not None
    agent = base.phone.agent("", stt=FakeSTT(), tts=FakeTTS(), llm=minds, vad="none")
    result = await finding(attrs.evolve(base, parts=base.phone.gathered(agent)), "keys")
    assert checked_names == ["one", "two"]
    assert result["keys"].text == "one accepted, two accepted, fake accepted"


# --- values

secrets = st.text("abcdefghijklmnopqrstuvwxyz0123456789-", min_size=RUN, max_size=40)


@given(secrets, st.integers(0, 36), st.integers(RUN, 40), st.text(" ab(", max_size=3))
def test_no_piece_of_a_secret_gets_through(secret: str, begin: int, size: int, near: str) -> None:
    piece = secret[begin : begin + size]
    text = Hidden(frozenset([secret])).text(f"bad key {near}{piece}")
    runs = {piece[i : i + RUN] for i in range(len(piece) - RUN + 1)}
    assert not [run for run in runs if run in text.replace(MASK, "").removeprefix("bad key ")]


@given(st.text())
def test_without_secrets_every_word_stays(text: str) -> None:
    assert Hidden().text(text) == text


def test_names_that_are_shown_anyway_stay() -> None:
    hidden = Hidden.of({"EARS_API_KEY": "EARS_API_KEY-1234"}, [], ["api.ears.example"])
    text = "export EARS_API_KEY for api.ears.example, not EARS_API_KEY-1234"
    assert hidden.text(text) == f"export EARS_API_KEY for api.ears.example, not {MASK}"


def test_no_findings_are_summed_up_too() -> None:
    assert not Report((), 0.0).failed
    assert Report((good("keys", ""), bad("reach", "", "")), 0.0).failed


def test_the_environment_is_what_is_looked_at() -> None:
    assert Subject(registry=PluginRegistry.from_environment({}, source=[])).environ is environment()


@pytest.mark.parametrize("strange", [SystemExit(0), KeyboardInterrupt(), GeneratorExit()])
async def test_a_check_that_would_end_the_process_is_a_finding(strange: BaseException) -> None:
    async def ends() -> list[Finding]:
        raise strange

    async def ends_in_thread() -> list[Finding]:
        return await in_thread(lambda: (_ for _ in ()).throw(strange))

    for ask in (ends, ends_in_thread):
        (finding,) = await run_check(Check("keys", ask, "parrot stt", limit_s=2))
        assert finding.level is Level.FAIL
        assert finding.text.startswith("parrot stt: it ")
        assert finding.fix


def test_webhooks_that_were_given_up_are_a_warning_with_what_to_do(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (whole,) = records.findings_of(str(tmp_path))
    assert whole.level is Level.OK
    dead = tmp_path / "outbox" / "1a2b" / "dead"
    dead.mkdir(parents=True)
    for name in ("1-0001-call-a.json", "1-0001-call-b.json"):
        (dead / name).write_text("{}")
    (warning,) = [each for each in records.findings_of(str(tmp_path)) if each.level is Level.WARN]
    assert warning.text == "2 webhooks about calls were given up"
    assert "patter outbox --retry" in warning.fix
