"""What cloudflared prints is understood in every form, and any other text does no harm."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter_cloudflare._output import LINE_BYTES, Lines, Seen, host_in, message_of, version_in

NAMES = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+){0,4}", fullmatch=True).filter(lambda n: n != "api")
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n"), max_size=60)
REGISTERED = "Registered tunnel connection connIndex=0 ip=198.41.192.7 location=ams01"
BEFORE_2022 = "Connection c206cf44-945f-4c3c-a85c-af60c6338dc2 registered connIndex=0 location=ORD"


def console(message: str) -> str:
    return f"2023-04-18T14:06:46Z INF {message}"


def as_json(message: str) -> str:
    told = {"level": "info", "time": "2023-04-18T14:06:46Z", "message": message}
    return json.dumps(told, ensure_ascii=False)


FORMS = pytest.mark.parametrize("form", [console, as_json])


def after(*lines: str) -> Seen:
    seen = Seen()
    for line in lines:
        seen = seen.after(message_of(line))
    return seen


@FORMS
@given(NAMES, st.integers(0, 60))
def test_the_name_is_found_in_its_box(form: object, name: str, padding: int) -> None:
    assert callable(form)
    line = form(f"|  https://{name}.trycloudflare.com{' ' * padding}|")
    assert after(line).host == f"{name}.trycloudflare.com"


@pytest.mark.parametrize(
    "line",
    [
        'failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": EOF',
        "Requesting new quick Tunnel on trycloudflare.com...",
        "See https://developers.cloudflare.com/cloudflare-one/connections/connect-apps",
        "https://red-fox.trycloudflare.com.evil.example/",
        "https://red-fox.trycloudflare.community",
        "https://red.fox.trycloudflare.com",
        "http://red-fox.trycloudflare.com",
    ],
)
def test_a_line_that_gives_no_name_gives_none(line: str) -> None:
    assert host_in(line) == ""


def test_the_name_is_found_beside_the_api() -> None:
    line = "https://api.trycloudflare.com gave https://Red-Fox.trycloudflare.com."
    assert host_in(line) == "red-fox.trycloudflare.com"


@FORMS
@pytest.mark.parametrize("told", [REGISTERED, BEFORE_2022])
def test_a_name_counts_when_the_edge_has_the_connection(form: object, told: str) -> None:
    assert callable(form)
    named = after(form("|  https://red-fox.trycloudflare.com  |"))
    assert not named.named_and_registered
    assert named.after(message_of(form(told))).named_and_registered
    assert not after(form(told)).named_and_registered


@FORMS
@pytest.mark.parametrize("address", ["127.0.0.1:20241", "[::1]:8081", "localhost:40095"])
def test_the_address_to_ask_is_found(form: object, address: str) -> None:
    assert callable(form)
    assert after(form(f"Starting metrics server on {address}/metrics")).metrics == address


def test_only_this_machine_is_asked() -> None:
    assert after(console("Starting metrics server on 192.0.2.1:20241/metrics")).metrics == ""


def test_the_first_name_stays() -> None:
    lines = [console(f"https://{name}.trycloudflare.com") for name in ("red-fox", "blue-fox")]
    assert after(*lines).host == "red-fox.trycloudflare.com"


def test_fields_of_a_json_line_are_told_as_in_the_console() -> None:
    line = json.dumps({"level": "error", "message": "gone", "error": "EOF", "status_code": 429})
    assert message_of(line) == "gone error=EOF status_code=429"


def test_colours_and_bells_are_not_passed_on() -> None:
    line = "\x1b[90m2023-04-18T14:06:46Z\x1b[0m \x1b[31mERR\x1b[0m no\x07 luck\x1b]0;title"
    assert message_of(line) == "ERR no  luck ]0;title"


@FORMS
@given(TEXTS)
def test_both_forms_say_the_same(form: object, text: str) -> None:
    assert callable(form)
    assert message_of(form(text)).endswith(message_of(text))


@given(st.text(max_size=80) | st.from_regex(r"\{[\"\[\]{}:,0-9a-z]*", fullmatch=True))
def test_any_line_is_a_printable_message(line: str) -> None:
    message = message_of(line)
    assert message.isprintable()
    Seen().after(message)


def test_a_deep_json_line_is_only_text() -> None:
    assert message_of('{"a":' * 4_000).startswith('{"a":')


def split(data: bytes, cuts: list[int]) -> list[str]:
    places = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    lines, found = Lines(), list[str]()
    for begin, end in pairwise(places):
        found += lines.feed(data[begin:end])
    return found + lines.flush()


@given(st.lists(st.binary(max_size=30).filter(lambda b: b"\n" not in b)), st.lists(st.integers(0)))
def test_lines_are_the_same_however_they_arrive(lines: list[bytes], cuts: list[int]) -> None:
    data = b"".join(line + b"\n" for line in lines)
    assert split(data, cuts) == [line.decode("utf-8", "replace").rstrip("\r") for line in lines]


def test_a_last_line_without_an_end_is_heard() -> None:
    lines = Lines()
    assert lines.feed(b"one\ntw") == ["one"]
    assert lines.feed(b"o") == []
    assert lines.flush() == ["two"]
    assert lines.flush() == []


@given(st.integers(1, 5), st.integers(1, 3 * LINE_BYTES))
def test_a_long_line_is_cut_and_the_next_is_whole(pieces: int, size: int) -> None:
    lines = Lines()
    for _ in range(pieces):
        assert lines.feed(b"x" * size) == []
    assert lines.feed(b"\nnext\n") == ["x" * min(pieces * size, LINE_BYTES), "next"]


def test_a_whole_log_of_a_user_is_understood() -> None:
    log = (Path(__file__).parent / "quick-tunnel.log").read_text(encoding="utf-8")
    seen = after(*log.splitlines())
    assert seen.host == "red-fox-runs-far.trycloudflare.com"
    assert seen.metrics == "127.0.0.1:20241"
    assert seen.named_and_registered


@given(st.lists(TEXTS, max_size=5), st.from_regex(r"20\d\d\.\d{1,2}\.\d", fullmatch=True))
def test_a_version_is_found_among_other_lines(others: list[str], version: str) -> None:
    assert version_in(others) == ""
    assert version_in([*others, f"cloudflared version {version} (built today)"]) == version
