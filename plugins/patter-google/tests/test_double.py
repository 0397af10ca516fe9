"""The double is what the SDK takes for Google, and as strict."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest
from aiohttp import ClientSession
from google import genai
from google.genai import errors, types
from google.oauth2.credentials import Credentials

from patter.providers.llm import LLMRequest, Message
from patter_google import GoogleLLM
from patter_google.double import GoogleDouble, Turn
from patter_google.double.request_check import NOT_THEIRS, Refusal, checked
from patter_google.double.turn import pieces, whole
from patter_testing.doubles.scripted_model import ScriptedModel
from patter_testing.doubles.vendor_double import VendorFaults

from .asking import ASK, BOOK, WITH_TOOLS, asked, booked, calls_of, text_of

# The SDK makes a class of aiohttp's session, which that warns of.
pytestmark = pytest.mark.filterwarnings("ignore:Inheritance class:DeprecationWarning")

TURNS = [
    Turn(text="Hello there."),
    Turn(thought="Hm.", text="One.", calls=(("book_table", '{"people": 2}'), ("stop", "{}"))),
    Turn(reason="SAFETY", message="harm"),
    Turn(text="On and", reason="MAX_TOKENS", cached=3),
    Turn(blocked="SAFETY"),
]
OURS = [
    GoogleLLM(api_key="k"),
    GoogleLLM(
        api_key="k",
        model="gemini-3.8-flash",
        temperature=0.5,
        top_p=0.5,
        top_k=3,
        max_output_tokens=60,
        frequency_penalty=0.1,
        presence_penalty=0.1,
        seed=1,
        stop_sequences=("A", "B"),
        tool_choice="book_table",
        safety="OFF",
    ),
    GoogleLLM(vertexai=True, project="p", thinking_budget=64, tool_choice="none"),
]
REQUESTS = [ASK, WITH_TOOLS, LLMRequest(messages=booked("a", "b"), tools=(BOOK,), call=ASK.call)]
NO_CALLING = types.AutomaticFunctionCallingConfig(disable=True)
SPOKEN: dict[str, Any] = {"role": "user", "parts": [{"text": "Hi."}]}
GOOD: dict[str, Any] = {"contents": [SPOKEN]}


def _client(vendor: GoogleDouble, **cloud: Any) -> genai.Client:
    options = types.HttpOptions(
        base_url=vendor.url, retry_options=types.HttpRetryOptions(attempts=1)
    )
    return genai.Client(http_options=options, **(cloud or {"api_key": vendor.key}))


@pytest.mark.parametrize("signs", [False, True])
@pytest.mark.parametrize("turn", TURNS)
def test_every_answer_of_the_double_is_one_of_the_sdk(turn: Turn, signs: bool) -> None:
    for piece in [*pieces(turn, "m", 9, signs), whole(turn, "m", 9, signs)]:
        types.GenerateContentResponse.model_validate(piece)


def test_the_models_of_the_sdk_would_convict_the_double() -> None:
    (piece, *_) = pieces(Turn(text="a"), "m", 9, False)
    with pytest.raises(ValueError, match="Extra inputs"):
        types.GenerateContentResponse.model_validate({**piece, "colour": 1})


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("ours", OURS)
def test_every_body_of_ours_is_one_of_the_sdk(ours: GoogleLLM, request_: LLMRequest) -> None:
    body = json.loads(json.dumps(ours.body(request_)))
    for row in [*body.pop("contents"), body.pop("systemInstruction", SPOKEN)]:
        types.Content.model_validate(row)
    for tool in body.pop("tools", []):
        types.Tool.model_validate(tool)
    types.ToolConfig.model_validate(body.pop("toolConfig", {}))
    for setting in body.pop("safetySettings", []):
        types.SafetySetting.model_validate(setting)
    types.GenerationConfig.model_validate(body.pop("generationConfig", {}))
    assert not body


@pytest.mark.parametrize("cloud", [False, True])
async def test_the_sdk_streams_from_the_double(cloud: bool) -> None:
    turn = Turn(text="Hello there.", calls=(("book_table", '{"people": 2}'),))
    async with GoogleDouble(script=[turn]).running() as vendor:
        token = Credentials(vendor.key)  # type: ignore[no-untyped-call]
        where = {"vertexai": True, "project": "p", "location": "l", "credentials": token}
        client = _client(vendor, **(where if cloud else {})).aio
        # What the type of the list is depends on whether mcp is installed.
        tools: list[Any] = [{"function_declarations": [{"name": "book_table"}]}]
        config = types.GenerateContentConfig(
            system_instruction="Be brief.",
            tools=tools,
            automatic_function_calling=NO_CALLING,
            thinking_config=types.ThinkingConfig(thinking_budget=0),
            max_output_tokens=50,
        )
        stream = await client.models.generate_content_stream(
            model="gemini-2.5-flash", contents="Hi.", config=config
        )
        got: list[Any] = [piece async for piece in stream]
        await client.aclose()
    parts = [p for piece in got for p in piece.candidates[0].content.parts]
    assert "".join(part.text or "" for part in parts) == "Hello there."
    calls = [part.function_call for part in parts if part.function_call]
    assert [(call.name, call.args) for call in calls] == [("book_table", {"people": 2})]
    assert got[-1].candidates[0].finish_reason is types.FinishReason.STOP
    assert got[-1].usage_metadata.candidates_token_count == 3


async def test_the_sdk_takes_whole_answers_models_and_counts_from_the_double() -> None:
    async with GoogleDouble().running() as vendor:
        client = _client(vendor).aio
        answer = await client.models.generate_content(model="gemini-2.5-flash", contents="Hi.")
        counted = await client.models.count_tokens(model="gemini-2.5-flash", contents="Hi.")
        one = await client.models.get(model="gemini-2.5-flash")
        listed = [each.name async for each in await client.models.list()]
        await client.aclose()
    assert answer.text and counted.total_tokens
    assert one.name == "models/gemini-2.5-flash"
    assert listed == [f"models/{each}" for each in vendor.models]


async def test_the_sdk_signs_as_the_double_wants() -> None:
    script: list[Turn | str] = [Turn(calls=(("book_table", "{}"),)), "Done."]
    tools: Any = [{"function_declarations": [{"name": "book_table"}]}]
    config = types.GenerateContentConfig(tools=tools, automatic_function_calling=NO_CALLING)
    async with GoogleDouble(script=script).running() as vendor:
        client = _client(vendor).aio
        chat = client.chats.create(model="gemini-3.8-flash", config=config)
        first: Any = await chat.send_message("Book a table.")
        name = first.function_calls[0].id
        response: Any = types.Part.from_function_response(name="book_table", response={"ok": True})
        response.function_response.id = name
        second = await chat.send_message(response)
        await client.aclose()
    assert second.text == "Done."


async def test_without_a_script_it_answers_as_its_model_does() -> None:
    spoken = ScriptedModel(["At seven."])
    booking = attrs.evolve(WITH_TOOLS, messages=(Message("user", "Book me a table for 4."),))
    async with GoogleDouble(model=spoken).running() as vendor:
        llm = vendor.pointed(OURS[0])
        first = text_of(await asked(llm, ASK))
        (call,) = calls_of(await asked(llm, booking))
        answered = text_of(await asked(llm, REQUESTS[2]))
    assert first == "At seven."
    assert (call.name, call.arguments) == ("book_table", '{"people": 4}')
    assert answered == "The tool said: for b"


@pytest.mark.parametrize("status", [400, 403, 404, 429, 500, 503])
async def test_the_sdk_knows_the_refusals_of_the_double(status: int) -> None:
    async with GoogleDouble(faults=VendorFaults(status=status)).running() as vendor:
        client = _client(vendor).aio
        with pytest.raises(errors.APIError) as raised:
            await client.models.generate_content(model="gemini-2.5-flash", contents="Hi.")
        await client.aclose()
    assert raised.value.code == status and raised.value.status


async def test_a_key_that_is_none_is_answered_as_google_does() -> None:
    async with GoogleDouble().running() as vendor, ClientSession() as http:
        url = f"{vendor.url}/v1beta/models?key=none"
        async with http.get(url) as answer:
            error = (await answer.json())["error"]
    assert (answer.status, error["status"]) == (400, "INVALID_ARGUMENT")
    assert error["details"][0]["reason"] == "API_KEY_INVALID"


def _with(**fields: Any) -> dict[str, Any]:
    return {**GOOD, **fields}


def _rows(*rows: Any) -> dict[str, Any]:
    return {"contents": [SPOKEN, *rows]}


def _tool(**schema: Any) -> dict[str, Any]:
    return _with(tools=[{"functionDeclarations": [{"name": "book", "parameters": schema}]}])


CALL: dict[str, Any] = {"functionCall": {"name": "book", "args": {}}}
RESPONSE = {"functionResponse": {"name": "book", "response": {}}}
MADE = {"role": "model", "parts": [CALL]}
TEXT = {"type": "STRING"}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "contents is not specified"),
        (_with(colour=1), 'Unknown name "colour"'),
        (_with(generation_config={"temperatur": 1}), "at 'generationConfig'"),
        ({"contents": [{"role": "user", "parts": []}]}, "must not be empty"),
        ({"contents": [{"role": "user", "parts": [{"text": ""}]}]}, "oneof field 'data'"),
        ({"contents": [{"role": "assistant", "parts": [{"text": "a"}]}]}, "valid role"),
        ({"contents": [MADE]}, "immediately after a user turn"),
        (_rows(MADE), "followed by a response turn"),
        (_rows(MADE, SPOKEN), "number of function response parts"),
        (_rows(MADE, {"role": "user", "parts": [RESPONSE, RESPONSE]}), "number of function"),
        (
            _rows(MADE, {"role": "user", "parts": [{"functionResponse": {"name": "x"}}]}),
            "names match",
        ),
        (_tool(type="OBJECT"), "should be non-empty"),
        (_tool(type="object", properties={"a": TEXT}), "type"),
        (_tool(type="OBJECT", properties={"a": TEXT}, additionalProperties=False), "Unknown name"),
        (_tool(type="OBJECT", properties={"a": {"type": "ARRAY"}}), "missing field"),
        (_tool(type="OBJECT", properties={"a": {**TEXT, "format": "email"}}), "format"),
        (_tool(type="OBJECT", properties={"a": TEXT}, required=["b"]), "not defined"),
        (_with(tools=[{"functionDeclarations": [{"name": "a b"}]}]), "Invalid function name"),
        (_with(tools=[{"functionDeclarations": [{"name": "a"}] * 2}]), "Duplicate"),
        (_with(toolConfig={"functionCallingConfig": {"mode": "MAYBE"}}), "mode"),
        (
            _with(toolConfig={"functionCallingConfig": {"allowedFunctionNames": ["a"]}}),
            "only when the mode is ANY",
        ),
        (_with(generationConfig={"temperature": 3}), "temperature"),
        (_with(generationConfig={"stopSequences": list("abcdef")}), "at most 5"),
        (_with(generationConfig={"thinkingConfig": {"thinkingLevel": "LOW"}}), "not supported"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_google_refuses_the_double_refuses(body: dict[str, Any], words: str) -> None:
    with pytest.raises(Refusal, match=words):
        checked(body, "gemini-2.5-flash", set())


@pytest.mark.parametrize(
    ("signed", "words"), [(None, "missing a thought_signature"), ("b3RoZXI=", "Corrupted")]
)
def test_a_newer_model_wants_its_signatures_back(signed: str | None, words: str) -> None:
    part = {**CALL, "thoughtSignature": signed} if signed else CALL
    body = _rows({"role": "model", "parts": [part]}, {"role": "user", "parts": [RESPONSE]})
    checked(body, "gemini-2.5-flash", set())
    with pytest.raises(Refusal, match=words):
        checked(body, "gemini-3.8-flash", set())
    part["thoughtSignature"] = NOT_THEIRS
    body["contents"][1]["parts"] = [part]
    checked(body, "gemini-3.8-flash", set())


@pytest.mark.parametrize(
    ("model", "thinking"),
    [
        ("gemini-2.5-pro", {"thinkingBudget": 0}),
        ("gemini-3.8-flash", {"thinkingLevel": "MINIMAL"}),
        ("gemini-3.8-flash", {"thinkingLevel": "LOW", "thinkingBudget": 1}),
    ],
)
def test_thinking_that_a_model_does_not_have_is_refused(model: str, thinking: Any) -> None:
    with pytest.raises(Refusal):
        checked(_with(generationConfig={"thinkingConfig": thinking}), model, set())


def test_both_spellings_are_taken() -> None:
    body = {"contents": [SPOKEN], "system_instruction": {"parts": [{"text": "a"}]}}
    assert "systemInstruction" in checked(body, "gemini-2.5-flash", set())
