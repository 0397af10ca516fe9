"""Each option reaches the wire, and each refusal means one thing."""

from __future__ import annotations

import asyncio
from typing import Any

import attrs
import pytest
from google.auth.credentials import Credentials as AnyCredentials
from google.auth.exceptions import RefreshError, TransportError
from google.oauth2.credentials import Credentials

from patter.client_pool import client_pool
from patter.errors import (
    AuthenticationError,
    ErrorCode,
    MissingCredential,
    PatterConfigError,
    PatterError,
    RateLimitError,
)
from patter.providers.llm import DoneChunk, Message, TextChunk, ToolRequest, UsageChunk
from patter.providers.warmth import Warmable
from patter_google import GoogleLLM
from patter_google._errors import refused
from patter_google.double import GoogleDouble, Turn
from patter_google.double.turn import CODES
from patter_testing.doubles.vendor_double import VendorFaults

from .asking import ASK, WITH_TOOLS, asked, booked, calls_of, failure, model, text_of

OPTIONS: list[tuple[dict[str, str], dict[str, Any]]] = [
    ({"temperature": "0.3"}, {"temperature": 0.3}),
    ({"temperature": "0"}, {"temperature": 0.0}),
    ({"max_output_tokens": "60"}, {"maxOutputTokens": 60}),
    ({"top_p": "0.9"}, {"topP": 0.9}),
    ({"top_k": "5"}, {"topK": 5}),
    ({"frequency_penalty": "0.5"}, {"frequencyPenalty": 0.5}),
    ({"presence_penalty": "-0.5"}, {"presencePenalty": -0.5}),
    ({"seed": "7"}, {"seed": 7}),
    ({"stop_sequences": "STOP,END"}, {"stopSequences": ["STOP", "END"]}),
    ({}, {"thinkingConfig": {"thinkingBudget": 0}}),
    ({"thinking_budget": "256"}, {"thinkingConfig": {"thinkingBudget": 256}}),
    ({"model": "gemini-2.5-pro"}, {"thinkingConfig": {"thinkingBudget": 128}}),
    ({"model": "gemini-3.8-flash"}, {"thinkingConfig": {"thinkingLevel": "LOW"}}),
    ({"model": "gemini-3-flash-preview"}, {"thinkingConfig": {"thinkingLevel": "MINIMAL"}}),
    (
        {"model": "gemini-3.8-flash", "thinking": "high"},
        {"thinkingConfig": {"thinkingLevel": "HIGH"}},
    ),
]
CHOICES = [
    ("auto", {"mode": "AUTO"}),
    ("any", {"mode": "ANY"}),
    ("none", {"mode": "NONE"}),
    ("book_table", {"mode": "ANY", "allowedFunctionNames": ["book_table"]}),
]


@pytest.mark.parametrize(("options", "sent"), OPTIONS, ids=str)
async def test_an_option_reaches_the_wire(options: dict[str, str], sent: dict[str, Any]) -> None:
    async with GoogleDouble().running() as vendor:
        await asked(model(vendor, **options), WITH_TOOLS)
    config = vendor.bodies[0]["generationConfig"]
    assert {name: config[name] for name in sent} == sent


@pytest.mark.parametrize(("choice", "sent"), CHOICES)
async def test_a_choice_of_tools_reaches_the_wire(choice: str, sent: dict[str, Any]) -> None:
    async with GoogleDouble().running() as vendor:
        await asked(model(vendor, tool_choice=choice), WITH_TOOLS)
    assert vendor.bodies[0]["toolConfig"] == {"functionCallingConfig": sent}


async def test_safety_is_said_of_every_harm() -> None:
    async with GoogleDouble().running() as vendor:
        await asked(model(vendor, safety="BLOCK_ONLY_HIGH"))
    settings = vendor.bodies[0]["safetySettings"]
    assert len(settings) == 4
    assert {each["threshold"] for each in settings} == {"BLOCK_ONLY_HIGH"}


async def test_what_is_not_set_is_not_sent() -> None:
    async with GoogleDouble().running() as vendor:
        await asked(model(vendor, thinking="default"))
    assert sorted(vendor.bodies[0]) == ["contents", "systemInstruction"]


async def test_a_key_goes_in_a_header() -> None:
    async with GoogleDouble().running() as vendor:
        await asked(model(vendor))
    (sent,) = vendor.requests
    assert sent.headers["x-goog-api-key"] == vendor.key and dict(sent.query) == {"alt": "sse"}
    assert sent.path == "/v1beta/models/gemini-2.5-flash:streamGenerateContent"


async def test_vertex_ai_is_asked_in_its_project_with_a_token() -> None:
    async with GoogleDouble().running() as vendor:
        llm = model(vendor, vertexai="true", project="bistro", location="europe-west1")
        assert text_of(await asked(llm))
    (sent,) = vendor.requests
    place = "projects/bistro/locations/europe-west1/publishers/google/models/gemini-2.5-flash"
    assert sent.path == f"/v1beta1/{place}:streamGenerateContent"
    assert sent.headers["Authorization"] == f"Bearer {vendor.key}"
    assert "x-goog-api-key" not in sent.headers


async def test_another_version_may_be_asked() -> None:
    async with GoogleDouble().running() as vendor:
        await asked(model(vendor, api_version="v1"))
    assert vendor.requests[0].path.startswith("/v1/models/")


def test_vertex_ai_has_the_host_of_its_location() -> None:
    cloud: dict[str, Any] = {"vertexai": True, "project": "p"}
    assert GoogleLLM(**cloud).hosts == ("us-central1-aiplatform.googleapis.com",)
    assert GoogleLLM(**cloud, location="global").hosts == ("aiplatform.googleapis.com",)
    assert GoogleLLM(api_key="k").hosts == ("generativelanguage.googleapis.com",)


async def test_a_token_is_renewed_when_it_is_due() -> None:
    class Renewed(AnyCredentials):
        renewals = 0

        def refresh(self, request: object) -> None:
            self.renewals += 1
            self.token = "double-key"

    credentials = Renewed()  # type: ignore[no-untyped-call]
    async with GoogleDouble().running() as vendor, client_pool():
        llm = attrs.evolve(model(vendor, vertexai=True, project="p"), credentials=credentials)
        await asked(llm)
        await asked(llm)
    assert credentials.renewals == 1


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RefreshError, ErrorCode.AUTH),
        (TransportError, ErrorCode.CONNECTION),
    ],
)
async def test_a_token_that_cannot_be_had_says_what_to_do(
    error: type[Exception], code: ErrorCode
) -> None:
    class Broken(AnyCredentials):
        def refresh(self, request: object) -> None:
            raise error("a secret")

    async with GoogleDouble().running() as vendor:
        llm = model(vendor, vertexai=True, project="p")
        broken = Broken()  # type: ignore[no-untyped-call]
        raised = await failure(attrs.evolve(llm, credentials=broken))
    assert raised.code is code and raised.fix and "secret" not in str(raised)


async def test_thoughts_are_never_spoken() -> None:
    turn = Turn(thought="They want food.", text="Certainly.")
    async with GoogleDouble(script=[turn]).running() as vendor:
        chunks = await asked(model(vendor))
    assert text_of(chunks) == "Certainly."
    assert UsageChunk in map(type, chunks)


async def test_a_tool_that_must_be_called_is_called_once() -> None:
    told = attrs.evolve(WITH_TOOLS, messages=booked("a"))
    async with GoogleDouble().running() as vendor:
        await asked(model(vendor, tool_choice="book_table"), told)
    assert "toolConfig" not in vendor.bodies[0]


async def test_without_tools_nothing_is_said_about_them() -> None:
    async with GoogleDouble().running() as vendor:
        await asked(model(vendor, tool_choice="any"))
    assert "toolConfig" not in vendor.bodies[0]


@pytest.mark.parametrize("name", ["gemini-2.5-flash", "gemini-3.8-flash"])
async def test_one_tool_called_twice_is_two_calls_and_both_are_answered(name: str) -> None:
    script: list[Turn | str] = [
        Turn(calls=(("book_table", '{"people": 2}'), ("book_table", '{"people": 3}'))),
        "Done.",
    ]
    async with GoogleDouble(script=script).running() as vendor:
        llm = model(vendor, model=name)
        first, second = calls_of(await asked(llm, WITH_TOOLS))
        assert (first.index, second.index) == (0, 1) and first.id != second.id
        calls = tuple(ToolRequest(each.id, each.name, each.arguments) for each in (first, second))
        rows = (
            *WITH_TOOLS.messages,
            Message("assistant", tool_calls=calls),
            Message("tool", "for three", tool_call_id=second.id, name="book_table"),
            Message("tool", "for two", tool_call_id=first.id, name="book_table"),
        )
        assert text_of(await asked(llm, attrs.evolve(WITH_TOOLS, messages=rows))) == "Done."
    *_, last = vendor.bodies[-1]["contents"]
    said = [part["functionResponse"]["response"]["output"] for part in last["parts"]]
    assert said == ["for two", "for three"]


async def test_a_signature_goes_back_to_the_model_that_signed() -> None:
    script: list[Turn | str] = [Turn(calls=(("book_table", "{}"),)), "Done."]
    async with GoogleDouble(script=script).running() as vendor:
        llm = model(vendor, model="gemini-3.8-flash")
        (call,) = calls_of(await asked(llm, WITH_TOOLS))
        rows = (
            *WITH_TOOLS.messages,
            Message("assistant", tool_calls=(ToolRequest(call.id, call.name, call.arguments),)),
            Message("tool", "done", tool_call_id=call.id, name=call.name),
        )
        await asked(llm, attrs.evolve(WITH_TOOLS, messages=rows))
    signed = vendor.bodies[-1]["contents"][1]["parts"][0]
    assert signed["thoughtSignature"] in vendor._issued
    assert signed["functionCall"]["id"] == call.id


async def test_tokens_of_the_cache_and_of_thought_are_told() -> None:
    turn = Turn(text="One two.", thought="Hm hm hm", cached=3)
    async with GoogleDouble(script=[turn]).running() as vendor:
        used = [c for c in await asked(model(vendor)) if isinstance(c, UsageChunk)]
    assert len(used) == 1 and used[0].cache_read_tokens == 3
    assert used[0].output_tokens == 2 + 3 and used[0].input_tokens > 0


@pytest.mark.parametrize(
    ("turn", "settings", "reason"),
    [
        (Turn(text="One two three"), {"max_output_tokens": 2}, "MAX_TOKENS"),
        (Turn(text="One STOP two"), {"stop_sequences": ("STOP",)}, "STOP"),
        (Turn(text="One", reason="SAFETY"), {}, "SAFETY"),
    ],
)
async def test_why_it_stopped_is_told(turn: Turn, settings: dict[str, Any], reason: str) -> None:
    async with GoogleDouble(script=[turn]).running() as vendor:
        chunks = await asked(model(vendor, **settings))
    assert chunks[-1] == DoneChunk(reason)


@pytest.mark.parametrize(
    ("turn", "words"),
    [
        (Turn(reason="SAFETY", message="harm"), "SAFETY: harm"),
        (Turn(blocked="PROHIBITED_CONTENT"), "PROHIBITED_CONTENT"),
        (Turn(text="I", reason="MISSING_THOUGHT_SIGNATURE"), "signature"),
    ],
)
async def test_a_reply_that_was_blocked_is_an_error(turn: Turn, words: str) -> None:
    async with GoogleDouble(script=[turn]).running() as vendor:
        error = await failure(model(vendor))
    assert error.code is ErrorCode.PROVIDER_ERROR and words in error.message


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("UNAVAILABLE", ErrorCode.CONNECTION),
        ("INTERNAL", ErrorCode.CONNECTION),
        ("DEADLINE_EXCEEDED", ErrorCode.TIMEOUT),
        ("RESOURCE_EXHAUSTED", ErrorCode.RATE_LIMIT),
        ("PERMISSION_DENIED", ErrorCode.AUTH),
        ("INVALID_ARGUMENT", ErrorCode.PROVIDER_ERROR),
    ],
)
async def test_an_error_in_the_middle_of_a_reply_is_known_by_its_code(
    kind: str, code: ErrorCode
) -> None:
    async with GoogleDouble(script=[Turn(text="Let me see", fails=kind)]).running() as vendor:
        said: list[str] = []
        with pytest.raises(PatterError) as raised:
            async for chunk in model(vendor).stream(ASK):
                said += [chunk.text] if isinstance(chunk, TextChunk) else []
    assert "".join(said) == "Let me see"
    assert raised.value.code is code


def _error(code: int, message: str = "", **detail: Any) -> dict[str, Any]:
    details = [{"@type": "x", **detail}] if detail else []
    return {"error": {"code": code, "message": message, "status": "S", "details": details}}


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, _error(400, reason="API_KEY_INVALID"), ErrorCode.AUTH),
        (400, _error(400, "API key expired. Please renew."), ErrorCode.AUTH),
        (403, _error(403, reason="SERVICE_DISABLED"), ErrorCode.AUTH),
        (403, _error(403, reason="BILLING_DISABLED"), ErrorCode.AUTH),
        (401, _error(401), ErrorCode.AUTH),
        (404, _error(404, "models/x is not found"), ErrorCode.CONFIG),
        (400, _error(400, "User location is not supported"), ErrorCode.PROVIDER_ERROR),
        (400, [_error(400, "in a list")], ErrorCode.PROVIDER_ERROR),
        (429, _error(429), ErrorCode.RATE_LIMIT),
        (503, "no JSON", ErrorCode.CONNECTION),
        (200, {"error": "odd"}, ErrorCode.CONNECTION),
    ],
    ids=str,
)
def test_a_refusal_means_who_must_do_what(status: int, body: object, code: ErrorCode) -> None:
    error = refused(status, body)
    assert error.code is code and error.fix


def test_what_is_to_be_enabled_is_said() -> None:
    assert "enable the API" in refused(403, _error(403, reason="SERVICE_DISABLED")).fix


@pytest.mark.parametrize(("delay", "ms"), [("7s", 7_000), ("0.5s", 500), ("soon", 0)])
def test_when_to_come_back_is_told(delay: str, ms: float) -> None:
    error = refused(429, _error(429, retryDelay=delay))
    assert isinstance(error, RateLimitError) and error.retry_after_ms == ms


async def test_when_to_come_back_may_be_a_header() -> None:
    faults = VendorFaults(status=429, retry_after="3")
    async with GoogleDouble(faults=faults).running() as vendor:
        error = await failure(model(vendor))
    assert isinstance(error, RateLimitError) and error.retry_after_ms == 3_000


def test_a_key_in_the_vendors_words_is_not_repeated() -> None:
    assert "AIza-1" not in str(refused(400, _error(400, "AIza-1 is odd"), secret="AIza-1"))


@pytest.mark.parametrize("status", sorted(CODES.values()))
async def test_every_status_of_the_vendor_is_an_error_of_ours(status: int) -> None:
    async with GoogleDouble(faults=VendorFaults(status=status)).running() as vendor:
        error = await failure(model(vendor))
    assert error.passing is (status in (429, 500, 503, 504)) and error.fix


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 2.5},
        {"top_p": 1.1},
        {"max_output_tokens": 0},
        {"thinking": "hard"},
        {"thinking_budget": -2},
        {"safety": "loose"},
        {"base_url": "http://generativelanguage.googleapis.com"},
    ],
    ids=str,
)
def test_a_value_that_google_would_refuse_is_refused_at_once(settings: dict[str, Any]) -> None:
    with pytest.raises(PatterConfigError) as raised:
        GoogleLLM(api_key="k", **settings)
    assert raised.value.fix


@pytest.mark.parametrize(
    ("settings", "variable"),
    [({}, "GEMINI_API_KEY"), ({"vertexai": True}, "GOOGLE_CLOUD_PROJECT")],
)
def test_what_lets_requests_in_must_be_there(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, Any], variable: str
) -> None:
    for each in ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(each, raising=False)
    with pytest.raises(MissingCredential) as raised:
        GoogleLLM(**settings)
    assert variable in raised.value.fix


def test_either_variable_has_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GEMINI_API_KEY", raising=False)
    monkeypatch.setenv("GOOGLE_API_KEY", "second")
    assert GoogleLLM().api_key == "second"
    monkeypatch.setenv("GEMINI_API_KEY", "first")
    assert GoogleLLM().api_key == "first"


async def test_a_check_asks_for_the_model_and_the_time() -> None:
    async with GoogleDouble().running() as vendor:
        report = await model(vendor).check()
        cloud = await model(vendor, vertexai=True, project="p").check()
    assert report.text == cloud.text == "gemini-2.5-flash" and report.wall and cloud.wall
    assert [each.path.rpartition("/")[2] for each in vendor.requests] == [
        "gemini-2.5-flash",
        "gemini-2.5-flash:countTokens",
    ]


@pytest.mark.parametrize("cloud", [{}, {"vertexai": True, "project": "p"}])
async def test_a_check_knows_what_is_refused(cloud: dict[str, Any]) -> None:
    async with GoogleDouble().running() as vendor:
        with pytest.raises(PatterConfigError, match="gemini-9"):
            await model(vendor, model="gemini-9", **cloud).check()
        llm = model(vendor, **cloud)
        token = Credentials("no")  # type: ignore[no-untyped-call]
        wrong: dict[str, Any] = {"credentials": token, "api_key": "no"}
        with pytest.raises(AuthenticationError):
            await attrs.evolve(llm, **wrong).check()


async def test_a_warm_model_has_its_connection() -> None:
    async with GoogleDouble().running() as vendor, client_pool():
        llm = model(vendor)
        assert isinstance(llm, Warmable)
        await llm.warm()
        await llm.warm()
        assert [each.path for each in vendor.requests] == ["/v1beta/models/gemini-2.5-flash"]
        await asked(llm)


async def test_replies_share_a_connection() -> None:
    peers: set[str] = set()

    @attrs.define(eq=False, kw_only=True)
    class Counting(GoogleDouble):
        async def _streamed(self, request: Any) -> Any:
            peers.add(str(request.transport.get_extra_info("peername")))
            return await super()._streamed(request)

    async with Counting().running() as vendor, client_pool():
        for _ in range(3):
            await asked(model(vendor))
    assert len(peers) == 1


async def test_a_closed_reply_is_aborted_at_the_vendor() -> None:
    slow = VendorFaults(trickle_ms=20)
    async with GoogleDouble(faults=slow, script=["word " * 200]).running() as vendor:
        stream = model(vendor).stream(ASK)
        await anext(stream)
        await stream.aclose()
        async with asyncio.timeout(1):
            while not vendor.aborted:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("after", [0, 1, 4])
async def test_a_vendor_that_stalls_is_left_after_the_timeout(after: int) -> None:
    async with GoogleDouble(faults=VendorFaults(after=after, stalls=True)).running() as vendor:
        error = await failure(model(vendor, timeout=0.2))
    assert error.code is ErrorCode.TIMEOUT


async def test_a_vendor_that_never_answers_is_left_after_the_timeout() -> None:
    async with GoogleDouble(faults=VendorFaults(silent=True)).running() as vendor:
        error = await failure(model(vendor, timeout=0.2))
    assert error.code is ErrorCode.TIMEOUT


async def test_words_that_come_late_are_waited_for() -> None:
    slow = VendorFaults(trickle_ms=60)
    async with GoogleDouble(faults=slow, script=["One two."]).running() as vendor:
        assert text_of(await asked(model(vendor, timeout=5))) == "One two."


async def test_an_oversized_piece_is_an_error() -> None:
    async with GoogleDouble(faults=VendorFaults(oversize=9 << 20)).running() as vendor:
        error = await failure(model(vendor))
    assert error.code is ErrorCode.PROVIDER_ERROR


async def test_a_redirect_is_not_followed() -> None:
    @attrs.define(eq=False, kw_only=True)
    class Moved(GoogleDouble):
        def refusal(self, status: int, reason: str = "", *, kind: str = "") -> Any:
            moved = super().refusal(status, reason, kind=kind)
            moved.headers["Location"] = f"{self.url}/elsewhere"
            return moved

    async with Moved(faults=VendorFaults(status=307)).running() as vendor:
        error = await failure(model(vendor))
    assert error.code is ErrorCode.PROVIDER_ERROR and len(vendor.requests) == 1
