"""Secrets and control characters reach no error, no log line, no terminal."""

from __future__ import annotations

import io
import json
import logging
import sys
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from patter import safe_logs, safe_text
from patter.call.link import as_patter_error
from patter.cli.out import Out, _Lines
from patter.env import credential, standing_in
from patter.errors import PatterConfigError, PatterError, ProviderError
from patter.observe.events import ErrorEvent, Row
from patter.observe.view import LiveView
from patter.safe_text import LIMIT, LONGEST, MASK, MOST, remember_secret, safe, without_secrets
from patter.tools.result import reason_text

KEY = "sk-live/7f3a9d+e2c1b8"
FORGED = "a\nERROR patter: all is lost\x1b[2J\x9b2J\x00\u2028\u202eb"


@pytest.fixture(autouse=True)
def forgetting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other tests have secrets of their own, and this has none of theirs."""
    monkeypatch.setattr(safe_text, "_forms", {})
    monkeypatch.setattr(safe_text, "_longest_first", ())


@pytest.fixture
def key() -> str:
    return credential("Model", "api_key", KEY, "MODEL_API_KEY")


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """What a handler of somebody else's application writes."""
    safe_logs.make_logs_safe()
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.getLogger().addHandler(handler)
    yield written
    logging.getLogger().removeHandler(handler)


def is_plain(text: str) -> bool:
    """Is there nothing in *text* that a terminal obeys, but the ends of its lines?"""
    return all(line.isprintable() for line in text.split("\n"))


# --- secrets


def test_a_key_that_was_read_is_hidden_in_whatever_a_provider_raises(key: str) -> None:
    for raised in (
        RuntimeError(f"401 at https://api.example/?key={key}"),
        OSError(f"cannot connect with {key!r}"),
        ProviderError(f"the vendor says {key}", fix=f"see https://x?key={quote(key, safe='')}"),
    ):
        error = as_patter_error(raised, "model")
        for text in (str(error), error.message, error.fix, repr(error), reason_text(raised)):
            assert key not in text and quote(key, safe="") not in text
        assert MASK in str(error)


def test_a_key_of_the_environment_is_hidden_like_one_of_an_argument(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MODEL_TOKEN", KEY)
    assert credential("Model", "auth_token", None, "MODEL_TOKEN") == KEY
    assert safe(f"x{KEY}x") == f"x{MASK}x"


def test_what_is_no_secret_stays_readable() -> None:
    assert credential("Model", "project", "patter-demo", "MODEL_PROJECT")
    assert credential("Model", "api_key", "short", "MODEL_API_KEY")
    with standing_in("simulated"):
        assert credential("Model", "api_key", None, "NO_SUCH_KEY") == "simulated"
    text = "patter-demo is a short text of a simulated vendor"
    assert safe(text) == text


def test_the_longest_secret_is_hidden_first() -> None:
    remember_secret("abcdefg")
    remember_secret("abcdefghij")
    assert safe("abcdefghij abcdefg") == f"{MASK} {MASK}"


@given(st.integers(0, LIMIT + LONGEST), st.integers(6, 400))
def test_no_end_of_a_secret_is_left_where_a_long_text_is_cut(before: int, length: int) -> None:
    secret = "".join(chr(0x4E00 + each) for each in range(length))
    remember_secret(secret)
    shown = without_secrets("x" * before + secret + "y" * LIMIT)
    assert len(shown) <= LIMIT + 1
    assert not set(secret) & set(shown)


def test_what_a_cut_leaves_of_a_secret_is_not_moved_into_what_is_shown() -> None:
    secret = "".join(chr(0x4E00 + each) for each in range(401))
    remember_secret(secret)
    shown = without_secrets(secret * 200)
    assert not set(secret) & set(shown)


def test_with_many_keys_and_a_long_text_it_takes_no_time() -> None:
    for each in range(MOST + 50):
        remember_secret(f"secret-{each:06}")
    began = time.perf_counter()
    assert "secret-000500" not in without_secrets("secret-000500 " * 100_000)
    assert time.perf_counter() - began < 1
    assert len(safe_text._longest_first) <= 3 * MOST


# --- control characters


def test_an_error_is_on_one_line() -> None:
    error = PatterConfigError(f"{FORGED} failed", fix=FORGED)
    assert is_plain(str(error)) and str(error).count("\n") == 1
    assert error.message.startswith("a\\nERROR patter: all is lost\\x1b[2J\\x9b2J\\x00\\u2028")


def test_a_log_line_of_ours_cannot_be_forged(logged: io.StringIO, key: str) -> None:
    ours = logging.getLogger("patter.test")
    ours.warning("call from %s at %d", FORGED, 5)
    ours.warning("with %(who)s", {"who": FORGED})
    ours.warning(f"in the text {FORGED}")
    ours.warning("error: %s", ValueError(f"{FORGED} {key}"))
    text = logged.getvalue()
    assert is_plain(text) and key not in text
    assert [line.split()[0] for line in text.splitlines()] == ["WARNING"] * 4


def test_a_traceback_of_ours_has_no_key_and_nothing_a_terminal_obeys(
    logged: io.StringIO, key: str
) -> None:
    try:
        try:
            raise RuntimeError(f"inner {key} \x1b[2J")
        except RuntimeError as inner:
            raise ProviderError(f"outer {key}", fix="none") from inner
    except PatterError:
        logging.getLogger("patter_plugin.test").exception("it failed")
    text = logged.getvalue()
    assert "Traceback" in text and text.count(MASK) >= 2
    assert key not in text and is_plain(text)


def test_what_others_log_is_their_own(logged: io.StringIO) -> None:
    logging.getLogger("patterson").warning("two\nlines")
    assert logged.getvalue() == "WARNING patterson: two\nlines\n"


class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError


def test_an_exception_that_cannot_be_read_costs_no_log_line(logged: io.StringIO) -> None:
    logging.getLogger("patter.test").warning("raised: %s", Broken())
    assert logged.getvalue() == "WARNING patter.test: raised: \n"


@pytest.mark.parametrize("traces", [True, False])
def test_the_command_line_logs_everybody_safely(traces: bool, key: str) -> None:
    try:
        raise RuntimeError(f"{FORGED} {key}")
    except RuntimeError:
        record = logging.LogRecord("aiohttp", 30, "", 1, "%s", (FORGED,), sys.exc_info())
    text = _Lines(traces=traces).format(record)
    assert key not in text and is_plain(text)


# --- the terminal


def test_only_our_own_colours_reach_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    out = Out()
    out.answer(f"{FORGED}\x1b[31mred\x1b[0m\x1b[5m", {})
    out.progress(FORGED)
    out.warn(FORGED)
    out.error(PatterConfigError(FORGED, fix=FORGED))
    shown, errors = capsys.readouterr()
    assert "\x1b[31mred\x1b[0m" in shown
    assert is_plain(shown.replace("\x1b[31m", "").replace("\x1b[0m", "")) and is_plain(errors)


def test_json_holds_them_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    Out(json=True).answer("", {"who": FORGED})
    shown = capsys.readouterr().out
    assert is_plain(shown) and json.loads(shown)["who"] == FORGED


def test_what_a_caller_says_moves_no_cursor() -> None:
    view = LiveView()
    events = (
        Row(role="caller", text=FORGED, turn=1),
        ErrorEvent(code="X", message=FORGED, fix=FORGED, where=""),
    )
    lines = [line.text for event in events for line in view.feed(event)]
    assert lines and all(line.isprintable() and len(line) <= 80 for line in lines)
