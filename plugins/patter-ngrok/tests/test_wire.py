"""What the agent answers is understood, and anything else is refused as what it is."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import ErrorCode, InputError
from patter_ngrok import _wire
from patter_ngrok._refusal import SHOWN_CHARS, is_not_yet, late, refused
from patter_ngrok._wire import AgentTunnel

PORTS = st.integers(1, 65_535)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["tunnels", "name", "public_url", "config", "addr", "msg", "details"]),
            inner,
        )
    ),
    max_leaves=12,
)


def listing(*tunnels: dict[str, Any]) -> bytes:
    return json.dumps({"tunnels": tunnels, "uri": "/api/tunnels"}).encode()


def detail(name: str, url: str, address: str) -> dict[str, Any]:
    return {"name": name, "public_url": url, "proto": "https", "config": {"addr": address}}


def test_a_listing_as_the_agents_page_has_it() -> None:
    body = listing(
        detail("command_line", "https://d95211d2.ngrok.app", "localhost:80"),
        detail("ssh", "tcp://0.tcp.ngrok.io:53476", "localhost:22"),
    )
    assert _wire.tunnels(body) == [
        AgentTunnel("command_line", "d95211d2.ngrok.app", 80),
        AgentTunnel("ssh", "", 22),
    ]


@given(PORTS, st.sampled_from(["localhost", "127.0.0.1", "[::1]"]), st.booleans())
def test_a_port_of_this_machine_is_found_however_it_is_written(
    port: int, host: str, scheme: bool
) -> None:
    assert _wire.port_of(f"{'http://' if scheme else ''}{host}:{port}") == port
    assert _wire.port_of(str(port)) == port


@pytest.mark.parametrize(
    "address",
    [
        "https://localhost:8000",
        "192.0.2.1:8000",
        "example.com:8000",
        "file:///srv/www",
        "http://localhost:99999",
        "http://[::1:80",
        "localhost.example.com:8000",
        "",
    ],
)
def test_another_machine_or_tls_is_no_port_of_ours(address: str) -> None:
    assert _wire.port_of(address) == 0


def test_http_without_a_port_is_80() -> None:
    assert _wire.port_of("http://localhost") == 80


@given(st.text(max_size=30))
def test_any_address_has_an_answer(address: str) -> None:
    assert 0 <= _wire.port_of(address) <= 10**30


@given(PORTS, PORTS)
def test_the_tunnel_to_our_port_is_taken_and_no_other(ours: int, other: int) -> None:
    listed = [
        AgentTunnel("plain", "", ours),
        AgentTunnel("a", "a.app", other),
        AgentTunnel("b", "b.app", ours),
    ]
    found = _wire.leading_to(ours, listed)
    assert found is not None
    assert found.name == ("a" if ours == other else "b")
    assert _wire.leading_to(ours, listed[:1]) is None


@given(PORTS, st.integers(0, 5))
def test_a_new_name_is_nobodys(port: int, count: int) -> None:
    taken: set[str] = set()
    for _ in range(count):
        taken.add(_wire.new_name(port, taken))
    assert len(taken) == count
    assert _wire.new_name(port, taken) not in taken


@given(st.text(st.characters(codec="utf-8"), min_size=1, max_size=20))
def test_a_name_stays_inside_its_path(name: str) -> None:
    path = _wire.path_of(name)
    assert path.count("/") == 3
    assert unquote(path.rpartition("/")[2]) == name


def test_what_is_posted_names_address_protocol_and_name() -> None:
    asked = json.loads(_wire.request(8_000, "patter-8000"))
    assert asked == {"addr": "127.0.0.1:8000", "proto": "http", "name": "patter-8000"}


@pytest.mark.parametrize(
    "url",
    [
        "http://plain.ngrok.app",
        "tcp://0.tcp.ngrok.io:5",
        "https://odd.app:8443",
        "https://[bad",
        "https://a.app:x",
        "",
    ],
)
def test_only_https_has_a_host(url: str) -> None:
    assert _wire.tunnel(json.dumps(detail("t", url, "80")).encode()) == AgentTunnel("t", "", 80)


@given(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=40))
def test_any_answer_is_understood_or_refused(body: bytes) -> None:
    for read in (_wire.tunnels, _wire.tunnel):
        try:
            read(body)
        except InputError as error:
            assert "Ngrok(api=" in error.fix
    assert isinstance(_wire.refusal(body), str)
    assert _wire.agent_description(body).startswith("ngrok ")


def test_a_refusal_has_the_words_of_both() -> None:
    body = b'{"error_code":103,"msg":"failed to start tunnel","details":{"err":"session closed"}}'
    assert _wire.refusal(body) == "failed to start tunnel: session closed"
    assert _wire.refusal(b'{"msg":"no"}') == "no"
    assert _wire.refusal(b"<html>") == ""


@pytest.mark.parametrize(
    ("reason", "code", "fix"),
    [
        ("Usage requires a verified account. ERR_NGROK_4018", ErrorCode.AUTH, "add-authtoken"),
        ("ERR_NGROK_107", ErrorCode.AUTH, "add-authtoken"),
        ("limited to 1 agent sessions ERR_NGROK_108", ErrorCode.CONNECTION, "other ngrok agent"),
        ("endpoint is online already ERR_NGROK_334", ErrorCode.CONNECTION, "endpoints"),
        ("something new ERR_NGROK_9999", ErrorCode.CONNECTION, "errors/err_ngrok_9999"),
        ("session closed", ErrorCode.CONNECTION, "what the agent logs"),
        ("", ErrorCode.CONNECTION, "what the agent logs"),
    ],
)
def test_each_refusal_has_its_code_and_fix(reason: str, code: ErrorCode, fix: str) -> None:
    error = refused(502, reason)
    assert error.code is code
    assert fix in error.fix


@given(
    st.from_regex(r"[A-Za-z0-9_]{20,40}", fullmatch=True),
    st.sampled_from(["105", "106", "107", "300", "9999"]),
)
def test_an_authtoken_is_never_told(token: str, code: str) -> None:
    reason = f"The authtoken is wrong.\nYour authtoken: {token}\nERR_NGROK_{code}"
    assert token not in str(refused(502, reason))


@given(st.text(max_size=2_000))
def test_what_is_told_is_short(reason: str) -> None:
    assert len(refused(502, reason).message) <= SHOWN_CHARS + 60


@pytest.mark.parametrize(
    "reason",
    [
        "a successful ngrok tunnel session has not yet been established",
        "failed to start tunnel: tunnel session not ready yet",
    ],
)
def test_an_agent_that_is_connecting_is_known(reason: str) -> None:
    assert is_not_yet(reason)
    assert not is_not_yet("session closed")


def test_being_late_says_for_what() -> None:
    assert "authtoken" in late(30, connecting=True).fix
    assert late(0.5, connecting=False).message == "the ngrok agent gave no tunnel in 0.5 s"
