"""What went wrong is told with what cloudflared said last, without secrets, and with a fix."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import ErrorCode
from patter_cloudflare._failure import SHOWN, SHOWN_CHARS, Ending
from patter_cloudflare._output import Seen

NAMED = Seen(host="red-fox.trycloudflare.com")


def ending(*last: str, seen: Seen = NAMED, status: int | None = 1, config: str = "") -> Ending:
    return Ending("cloudflared", seen, last, status, config)


@pytest.mark.parametrize(
    ("line", "code", "fix"),
    [
        (
            'ERR Error unmarshaling QuickTunnel response: error code: 1015 status_code="429 Too"',
            ErrorCode.RATE_LIMIT,
            "wait some minutes",
        ),
        (
            "failed to unmarshal quick Tunnel: invalid character '<'",
            ErrorCode.CONNECTION,
            "www.cloudflarestatus.com",
        ),
        (
            'failed to request quick Tunnel: Post "https://api.trycloudflare.com/tunnel": EOF',
            ErrorCode.CONNECTION,
            "api.trycloudflare.com",
        ),
        (
            "Incorrect Usage: flag provided but not defined: -no-autoupdate",
            ErrorCode.CONNECTION,
            "update cloudflared",
        ),
        ("something else", ErrorCode.CONNECTION, "by hand"),
    ],
)
def test_the_fix_fits_the_cause(line: str, code: ErrorCode, fix: str) -> None:
    error = ending(line).early()
    assert error.code is code
    assert fix in error.fix
    assert "--webhook-url HOST" in error.fix
    assert "ended with status 1" in error.message


def test_a_number_alone_is_no_rate_limit() -> None:
    assert ending("ERR dial tcp port 429: refused").early().code is ErrorCode.CONNECTION


def test_a_configuration_of_ones_own_is_suspected() -> None:
    assert "mine.yml" in ending("tunnel not found", config="mine.yml").early().fix


def test_a_name_without_a_connection_is_a_closed_port() -> None:
    error = ending(seen=NAMED, status=None).late(30)
    assert error.code is ErrorCode.TIMEOUT
    assert error.message == "cloudflared is not connected after 30 s"
    assert "7844" in error.fix


def test_no_name_in_time_is_told_with_what_was_said() -> None:
    error = ending("Requesting new quick Tunnel", seen=Seen(), status=None).late(0.5)
    assert error.message == ("cloudflared gave no address after 0.5 s: Requesting new quick Tunnel")


def test_a_lost_address_says_which_and_what_to_do() -> None:
    said = ending("timeout", status=-9).lost()
    assert "ended by signal 9" in said
    assert "red-fox.trycloudflare.com" in said
    assert "fix: " in said


@given(st.text(st.characters(categories=["L", "Nd"]), min_size=12), st.integers(0, 2))
def test_a_secret_is_never_told(secret: str, where: int) -> None:
    line = (f"http://joe:{secret}@proxy:1", f"TUNNEL_TOKEN={secret}", f"secret: {secret}")[where]
    told = ending(f"ERR no luck {line} then").early()
    assert secret not in told.message
    assert "no luck" in told.message


@given(st.lists(st.text(max_size=500), max_size=30))
def test_what_is_told_is_short(lines: list[str]) -> None:
    assert len(ending(*lines).quoted) <= (SHOWN_CHARS + 2) * SHOWN
