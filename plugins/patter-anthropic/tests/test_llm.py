"""Each option reaches the wire, and each refusal means one thing."""

from __future__ import annotations

import asyncio
from typing import Any

import anthropic  # noqa: F401 - which takes seconds, and no test waits for it
import attrs
import pytest

from patter.client_pool import client_pool
from patter.errors import (
    AuthenticationError,
    ErrorCode,
    MissingCredential,
    PatterConfigError,
    RateLimitError,
)
from patter.providers.llm import DoneChunk, Message, TextChunk, UsageChunk
from patter.providers.warmth import Warmable
from patter_anthropic import AnthropicLLM
from patter_anthropic._errors import STATUSES, refused
from patter_anthropic.double import AnthropicDouble, Turn
from patter_testing.doubles.vendor_double import VendorFaults

from .asking import ASK, BOOK, BOOKED, WITH_TOOLS, asked, calls_of, failure, model, text_of

OPTIONS: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({}, {"model": "claude-haiku-4-5-20251001", "max_tokens": 1024}),
    ({"max_tokens": "60"}, {"max_tokens": 60}),
    ({"temperature": "0.3"}, {"temperature": 0.3}),
    ({"temperature": "0"}, {"temperature": 0.0}),
    ({"top_p": "0.9"}, {"top_p": 0.9}),
    ({"top_k": "5"}, {"top_k": 5}),
    ({"stop_sequences": "STOP,END"}, {"stop_sequences": ["STOP", "END"]}),
    ({"thinking": "disabled"}, {"thinking": {"type": "disabled"}}),
    ({"service_tier": "standard_only"}, {"service_tier": "standard_only"}),
    ({"speed": "fast"}, {"speed": "fast"}),
    ({"inference_geo": "eu"}, {"inference_geo": "eu"}),
    ({"user_id": "u-1"}, {"metadata": {"user_id": "u-1"}}),
    ({"tool_choice": "any"}, {"tool_choice": {"type": "any"}}),
    ({"tool_choice": "book_table"}, {"tool_choice": {"type": "tool", "name": "book_table"}}),
    (
        {"parallel_tool_calls": "false"},
        {"tool_choice": {"type": "auto", "disable_parallel_tool_use": True}},
    ),
    ({"tool_choice": "none"}, {"tool_choice": {"type": "none"}}),
    (
        {"model": "claude-opus-5-5", "effort": "high"},
        {"output_config": {"effort": "high"}},
    ),
]


@pytest.mark.parametrize(("options", "sent"), OPTIONS, ids=str)
async def test_an_option_reaches_the_wire(options: dict[str, str], sent: dict[str, Any]) -> None:
    async with AnthropicDouble().running() as vendor:
        await asked(model(vendor, **options), WITH_TOOLS)
    (body,) = vendor.bodies
    assert {name: body[name] for name in sent} == sent


async def test_what_is_not_set_is_not_sent() -> None:
    async with AnthropicDouble().running() as vendor:
        await asked(model(vendor))
    assert sorted(vendor.bodies[0]) == ["max_tokens", "messages", "model", "stream", "system"]


async def test_the_cache_can_be_left_alone() -> None:
    async with AnthropicDouble().running() as vendor:
        await asked(model(vendor, prompt_caching="false"), WITH_TOOLS)
    assert "cache_control" not in str(vendor.bodies)


async def test_sampling_is_asked_of_the_version_that_has_it() -> None:
    async with AnthropicDouble().running() as vendor:
        await asked(model(vendor, temperature=0.2))
        await asked(model(vendor))
    versions = [each.headers["anthropic-version"] for each in vendor.requests]
    assert versions == ["2023-06-01", "2026-10-21"]


@pytest.mark.parametrize(
    ("name", "thinking", "effort"),
    [
        ("claude-haiku-4-5", None, None),
        ("claude-sonnet-4-6", None, None),
        ("claude-haiku-5-5", "disabled", None),
        ("claude-sonnet-5-5", "between_tools", None),
        ("claude-opus-5-5", None, "low"),
    ],
)
async def test_thinking_is_off_as_each_model_has_it(
    name: str, thinking: str | None, effort: str | None
) -> None:
    async with AnthropicDouble(models=(name,)).running() as vendor:
        await asked(model(vendor, model=name))
    body = vendor.bodies[0]
    assert body.get("thinking") == (thinking and {"type": thinking})
    assert body.get("output_config") == (effort and {"effort": effort})


async def test_thinking_may_be_left_to_the_model() -> None:
    async with AnthropicDouble().running() as vendor:
        await asked(model(vendor, model="claude-opus-5-5", thinking="default"))
    assert "thinking" not in vendor.bodies[0] and "output_config" not in vendor.bodies[0]


def test_more_effort_than_high_wants_thought() -> None:
    body = AnthropicLLM(api_key="k", model="claude-haiku-5-5", effort="max").body(ASK)
    assert "thinking" not in body and body["output_config"] == {"effort": "max"}


async def test_thoughts_are_never_spoken() -> None:
    turn = Turn(thinking="They want food.", text="Certainly.")
    async with AnthropicDouble(script=[turn]).running() as vendor:
        chunks = await asked(model(vendor))
    assert text_of(chunks) == "Certainly."


async def test_a_tool_that_must_be_called_is_called_once() -> None:
    told = attrs.evolve(WITH_TOOLS, messages=(*ASK.messages[:1], *BOOKED))
    async with AnthropicDouble().running() as vendor:
        await asked(model(vendor, tool_choice="book_table"), told)
    assert "tool_choice" not in vendor.bodies[0]


async def test_without_tools_nothing_is_said_about_them() -> None:
    async with AnthropicDouble().running() as vendor:
        await asked(model(vendor, tool_choice="any", parallel_tool_calls=False))
    assert "tool_choice" not in vendor.bodies[0]


async def test_a_strict_tool_is_sent_as_one() -> None:
    strict = attrs.evolve(WITH_TOOLS, tools=(attrs.evolve(BOOK, strict=True),))
    async with AnthropicDouble().running() as vendor:
        await asked(model(vendor), strict)
        await asked(model(vendor), WITH_TOOLS)
    assert [body["tools"][0].get("strict") for body in vendor.bodies] == [True, None]


async def test_one_tool_called_twice_is_two_calls() -> None:
    turn = Turn(calls=(("book_table", '{"people": 2}'), ("book_table", '{"people": 3}')))
    async with AnthropicDouble(script=[turn]).running() as vendor:
        chunks = await asked(model(vendor), WITH_TOOLS)
    assert calls_of(chunks) == [
        (0, "book_table", '{"people": 2}'),
        (1, "book_table", '{"people": 3}'),
    ]
    assert chunks[-1] == DoneChunk("tool_use")


async def test_tokens_of_the_cache_are_told() -> None:
    async with AnthropicDouble(least_cached=1).running() as vendor:
        first, second = [await asked(model(vendor)) for _ in range(2)]
    told = [
        next(chunk for chunk in chunks if isinstance(chunk, UsageChunk))
        for chunks in (first, second)
    ]
    assert told[0].cache_write_tokens == told[1].cache_read_tokens > 0
    assert told[0].cache_read_tokens == told[1].cache_write_tokens == 0


@pytest.mark.parametrize(
    ("turn", "settings", "reason"),
    [
        (Turn(text="One two three four"), {"max_tokens": 2}, "max_tokens"),
        (Turn(text="One STOP two"), {"stop_sequences": ("STOP",)}, "stop_sequence"),
        (Turn(text="One"), {}, "end_turn"),
        (Turn(text="One", reason="model_context_window_exceeded"), {}, None),
        (Turn(text="I would rather not.", refusal="bio"), {}, "refusal"),
    ],
)
async def test_why_it_stopped_is_told(
    turn: Turn, settings: dict[str, Any], reason: str | None
) -> None:
    async with AnthropicDouble(script=[turn]).running() as vendor:
        chunks = await asked(model(vendor, **settings))
    assert chunks[-1] == DoneChunk(reason or turn.reason)


async def test_a_refusal_without_a_word_is_an_error() -> None:
    async with AnthropicDouble(script=[Turn(refusal="cyber")]).running() as vendor:
        error = await failure(model(vendor))
    assert error.code is ErrorCode.PROVIDER_ERROR and "(cyber)" in error.message


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("overloaded_error", ErrorCode.CONNECTION),
        ("api_error", ErrorCode.CONNECTION),
        ("timeout_error", ErrorCode.TIMEOUT),
        ("rate_limit_error", ErrorCode.RATE_LIMIT),
        ("authentication_error", ErrorCode.AUTH),
        ("invalid_request_error", ErrorCode.PROVIDER_ERROR),
        ("brand_new_error", ErrorCode.CONNECTION),
    ],
)
async def test_an_error_in_the_middle_of_a_reply_is_known_by_its_type(
    kind: str, code: ErrorCode
) -> None:
    script = [Turn(text="Let me see", fails=kind)]
    async with AnthropicDouble(script=script).running() as vendor:
        said: list[str] = []
        with pytest.raises(Exception) as raised:
            async for chunk in model(vendor).stream(ASK):
                said += [chunk.text] if isinstance(chunk, TextChunk) else []
    assert "".join(said) == "Let me see"
    assert getattr(raised.value, "code", None) is code


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, {"message": "Your credit balance is too low to access"}, ErrorCode.AUTH),
        (402, {"type": "billing_error"}, ErrorCode.AUTH),
        (403, {"details": {"error_code": "contract_spend_limit_reached"}}, ErrorCode.AUTH),
        (429, {"details": {"error_code": "enforced_spend_limit_reached"}}, ErrorCode.AUTH),
        (429, {"details": {"error_code": "ramp_limit_exceeded"}}, ErrorCode.RATE_LIMIT),
        (404, {"message": "model: claude-9"}, ErrorCode.CONFIG),
        (413, {"type": "request_too_large"}, ErrorCode.PROVIDER_ERROR),
        (400, {"message": "prompt is too long: 210000 tokens"}, ErrorCode.PROVIDER_ERROR),
        (400, "not even an object", ErrorCode.PROVIDER_ERROR),
        (500, None, ErrorCode.CONNECTION),
    ],
)
def test_a_refusal_means_who_must_do_what(status: int, body: object, code: ErrorCode) -> None:
    error = refused(status, {"type": "error", "error": body})
    assert error.code is code and error.fix


@pytest.mark.parametrize("status", sorted(STATUSES.values()))
async def test_every_status_of_the_vendor_is_an_error_of_ours(status: int) -> None:
    async with AnthropicDouble(faults=VendorFaults(status=status)).running() as vendor:
        error = await failure(model(vendor))
    passing = status in (429, 500, 504, 529)
    assert error.passing is passing and error.fix


async def test_when_to_come_back_is_told() -> None:
    faults = VendorFaults(status=429, retry_after="7")
    async with AnthropicDouble(faults=faults).running() as vendor:
        error = await failure(model(vendor))
    assert isinstance(error, RateLimitError) and error.retry_after_ms == 7_000


def test_a_key_in_the_vendors_words_is_not_repeated() -> None:
    body = {"error": {"type": "invalid_request_error", "message": "sk-ant-1 is odd"}}
    assert "sk-ant-1" not in str(refused(400, body, secret="sk-ant-1"))


async def test_one_that_is_refused_is_not_asked_again() -> None:
    async with AnthropicDouble(faults=VendorFaults(status=529)).running() as vendor:
        await failure(model(vendor))
    assert len(vendor.requests) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"max_tokens": 0},
        {"temperature": 1.5},
        {"top_p": -0.1},
        {"effort": "lots"},
        {"thinking": "enabled"},
        {"cache_ttl": "1d"},
        {"service_tier": "gold"},
        {"speed": "slow"},
        {"base_url": "http://api.anthropic.com"},
    ],
    ids=str,
)
def test_a_value_that_anthropic_would_refuse_is_refused_at_once(settings: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError) as raised:
        AnthropicLLM(api_key="k", **settings)
    assert raised.value.fix


def test_no_key_names_the_variable_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    with pytest.raises(MissingCredential) as raised:
        AnthropicLLM()
    assert "ANTHROPIC_API_KEY" in raised.value.fix


async def test_a_check_asks_for_the_model_and_the_time() -> None:
    async with AnthropicDouble().running() as vendor:
        report = await model(vendor).check()
    assert report.text == "claude-haiku-4-5-20251001" and report.wall
    assert [each.path for each in vendor.requests] == ["/v1/models/claude-haiku-4-5-20251001"]


async def test_a_check_knows_a_key_that_is_refused() -> None:
    async with AnthropicDouble().running() as vendor:
        with pytest.raises(AuthenticationError):
            await AnthropicLLM(base_url=vendor.url, api_key="another").check()


@pytest.mark.parametrize("name", ["claude-9", "claude-2"])
async def test_a_check_knows_a_model_that_is_gone(name: str) -> None:
    async with AnthropicDouble(retired=("claude-2",)).running() as vendor:
        with pytest.raises(PatterConfigError, match=name):
            await model(vendor, model=name).check()


async def test_a_warm_model_has_its_connection() -> None:
    async with AnthropicDouble().running() as vendor, client_pool():
        llm = model(vendor)
        assert isinstance(llm, Warmable)
        await llm.warm()
        await llm.warm()
        assert [each.path for each in vendor.requests] == ["/v1/models"]
        await asked(llm)


async def test_replies_share_a_connection() -> None:
    peers: set[str] = set()

    @attrs.define(eq=False, kw_only=True)
    class Counting(AnthropicDouble):
        async def _messages(self, request: Any) -> Any:
            peers.add(str(request.transport.get_extra_info("peername")))
            return await super()._messages(request)

    async with Counting().running() as vendor, client_pool():
        for _ in range(3):
            await asked(model(vendor))
    assert len(peers) == 1


async def test_each_key_has_a_client_of_its_own() -> None:
    async with AnthropicDouble().running() as vendor, client_pool():
        assert text_of(await asked(model(vendor)))
        with pytest.raises(AuthenticationError):
            await asked(AnthropicLLM(base_url=vendor.url, api_key="another"))


async def test_a_closed_reply_is_aborted_at_the_vendor() -> None:
    slow = VendorFaults(trickle_ms=20)
    async with AnthropicDouble(faults=slow, script=["word " * 200]).running() as vendor:
        stream = model(vendor).stream(ASK)
        async for chunk in stream:
            if isinstance(chunk, TextChunk):
                break
        await stream.aclose()
        async with asyncio.timeout(1):
            while not vendor.aborted:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("after", [0, 1, 4])
async def test_a_vendor_that_stalls_is_left_after_the_timeout(after: int) -> None:
    stalling = VendorFaults(after=after, stalls=True)
    async with AnthropicDouble(faults=stalling).running() as vendor:
        error = await failure(model(vendor, timeout=0.2))
    assert error.code is ErrorCode.TIMEOUT


async def test_a_vendor_that_never_answers_is_left_after_the_timeout() -> None:
    async with AnthropicDouble(faults=VendorFaults(silent=True)).running() as vendor:
        error = await failure(model(vendor, timeout=0.2))
    assert error.code is ErrorCode.TIMEOUT


async def test_words_that_come_late_are_waited_for() -> None:
    slow = VendorFaults(trickle_ms=60)
    async with AnthropicDouble(faults=slow, script=["One two."]).running() as vendor:
        assert text_of(await asked(model(vendor, timeout=5))) == "One two."


async def test_an_end_without_a_reason_is_no_end() -> None:
    async with AnthropicDouble(faults=VendorFaults(after=4, over=True)).running() as vendor:
        error = await failure(model(vendor))
    assert error.code is ErrorCode.CONNECTION


async def test_a_greeting_can_be_answered() -> None:
    greeted = (Message("assistant", "Good evening."), Message("user", "Hi."))
    async with AnthropicDouble().running() as vendor:
        chunks = await asked(model(vendor), attrs.evolve(ASK, messages=greeted))
    assert text_of(chunks)


async def test_a_redirect_is_not_followed() -> None:
    @attrs.define(eq=False, kw_only=True)
    class Moved(AnthropicDouble):
        def refusal(self, status: int, reason: str = "", *, kind: str = "") -> Any:
            moved = super().refusal(status, reason, kind=kind)
            moved.headers["Location"] = f"{self.url}/elsewhere"
            return moved

    async with Moved(faults=VendorFaults(status=307)).running() as vendor:
        await failure(model(vendor))
    assert len(vendor.requests) == 1
