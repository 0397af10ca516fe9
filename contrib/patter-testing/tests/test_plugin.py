"""The pytest plugin, as a project that uses it meets it."""

from __future__ import annotations

import signal
import textwrap
import time
from collections.abc import Callable
from typing import TypeAlias

import pytest

Outcome: TypeAlias = Callable[..., tuple[dict[str, int], str]]
pytest_plugins = "pytester"

INI = """
[pytest]
addopts = -p patter_testing.pytest_plugin --strict-markers
filterwarnings = error
patter_test_timeout = 2
"""


@pytest.fixture
def outcome(pytester: pytest.Pytester) -> Outcome:
    def run(code: str, *options: str) -> tuple[dict[str, int], str]:
        pytester.makeini(INI)
        pytester.makepyfile("import asyncio, socket, pytest\n" + textwrap.dedent(code))
        result = pytester.runpytest_inprocess("-p", "no:cacheprovider", *options)
        counts = result.parseoutcomes()
        return counts, result.stdout.str()

    return run


def test_async_tests_and_fixtures_share_a_loop(outcome: Outcome) -> None:
    counts, _ = outcome("""
        @pytest.fixture
        async def loop_of_fixture():
            return asyncio.get_running_loop()

        @pytest.fixture
        async def ticking():
            async with asyncio.TaskGroup() as tasks:
                task = tasks.create_task(asyncio.sleep(60))
                yield task
                task.cancel()

        class TestIt:
            @pytest.fixture
            async def me(self):
                yield self

            async def test_one(self, me, loop_of_fixture, ticking):
                assert me is self and not ticking.done()
                assert asyncio.get_running_loop() is loop_of_fixture

            def test_plain(self, me):
                assert me is self
    """)
    assert counts == {"passed": 2}


def test_a_failure_and_an_error_in_a_fixture_are_told_apart(outcome: Outcome) -> None:
    counts, _ = outcome("""
        @pytest.fixture
        async def broken():
            raise ValueError("early")
            yield

        @pytest.fixture
        async def late():
            yield
            raise ValueError("late")

        async def test_false(): assert 1 == 2
        async def test_early(broken): pass
        async def test_late(late): pass
    """)
    assert counts == {"failed": 1, "errors": 2, "passed": 1}


def test_hypothesis_drives_async_tests(outcome: Outcome) -> None:
    counts, _ = outcome("""
        from hypothesis import given, strategies as st, settings

        @settings(max_examples=5, database=None)
        @given(n=st.integers())
        async def test_numbers(n):
            await asyncio.sleep(0)
            assert n == n

        @settings(max_examples=5, database=None)
        @given(n=st.integers())
        async def test_wrong(n):
            await asyncio.sleep(0)
            assert n > n
    """)
    assert counts == {"passed": 1, "failed": 1}


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("asyncio.get_running_loop().create_task(asyncio.sleep(60), name='stray')", "*stray*"),
        ("asyncio.get_running_loop().call_soon(lambda: 1 / 0); await asyncio.sleep(0)", "*Zero*"),
        ("await asyncio.Event().wait()", "*took longer than 0.1 s*"),
        ("await asyncio.open_connection('192.0.2.1', 80)", "*tried to reach 192.0.2.1*"),
        ("socket.getaddrinfo('example.com', 80)", "*tried to reach example.com*"),
    ],
)
def test_what_a_test_may_not_do_fails_it(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch, body: str, said: str
) -> None:
    monkeypatch.setattr("patter_testing.running.GRACE_S", 0.05)
    counts, text = outcome(f"""
        @pytest.mark.patter_timeout(0.1)
        async def test_it():
            {body}
    """)
    assert counts.get("failed") == 1
    assert said.strip("*") in text


@pytest.mark.parametrize("hidden", ["connect", "connect_ex", "sendto"])
def test_leaving_the_machine_cannot_be_hidden(outcome: Outcome, hidden: str) -> None:
    kind = "DGRAM" if hidden == "sendto" else "STREAM"
    arguments = "b'x', ('192.0.2.1', 9)" if hidden == "sendto" else "('192.0.2.1', 9)"
    counts, text = outcome(f"""
        def test_it():
            with socket.socket(socket.AF_INET, socket.SOCK_{kind}) as mine:
                try:
                    mine.{hidden}({arguments})
                except OSError:
                    pass
    """)
    assert counts == {"failed": 1}
    assert "192.0.2.1" in text


def test_this_machine_may_be_reached(outcome: Outcome) -> None:
    counts, _ = outcome("""
        async def test_tcp():
            async def serve(reader, writer):
                writer.close()
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            host, port = server.sockets[0].getsockname()
            reader, writer = await asyncio.open_connection("localhost", port)
            assert await reader.read() == b""
            writer.close()
            await writer.wait_closed()
            server.close()
            await server.wait_closed()

        def test_unix(tmp_path, monkeypatch):
            monkeypatch.chdir(tmp_path)
            with socket.socket(socket.AF_UNIX) as a, socket.socket(socket.AF_UNIX) as b:
                a.bind("s")
                a.listen()
                b.connect("s")
    """)
    assert counts == {"passed": 2}


def test_live_tests_are_asked_for(outcome: Outcome) -> None:
    code = """
        @pytest.mark.live
        @pytest.mark.slow
        async def test_vendor(): pass
    """
    assert outcome(code)[0] == {"skipped": 1}
    assert outcome(code, "--live")[0] == {"passed": 1}


def test_virtual_time_is_asked_for_with_a_marker(outcome: Outcome) -> None:
    counts, text = outcome("""
        @pytest.mark.virtual_time
        async def test_an_hour():
            await asyncio.sleep(3600)
            assert asyncio.get_running_loop().time() == 3600

        @pytest.mark.virtual_time
        async def test_deadlock():
            await asyncio.Event().wait()
    """)
    assert counts == {"passed": 1, "failed": 1}
    assert "nothing will ever happen again" in text


def test_an_async_fixture_of_a_wider_scope_is_refused(outcome: Outcome) -> None:
    counts, text = outcome("""
        @pytest.fixture(scope="module")
        async def wide(): return 1
        async def test_it(wide): pass
    """)
    assert counts == {"errors": 1}
    assert "scope='function'" in text


HANGS = """
    from patter_testing import FakeLLM, LLMSuite, Reply

    class TestMine(LLMSuite):
        @pytest.fixture
        def provider(self):
            return FakeLLM(replies=(Reply(silent=True),))

    class TestOther:
        @pytest.mark.patter_timeout(0.1)
        async def test_exactly_one_done(self):
            \"\"\"It has words of its own.\"\"\"
            await asyncio.Event().wait()
"""
RULE = "Text comes in chunks, then one DoneChunk, then nothing."
REMEDY = "If this fails: yield DoneChunk once, from the vendor's finish reason."


@pytest.mark.parametrize(
    ("limit", "said"), [("100", "took longer than 2 s; waiting"), ("0.1", "a reply took longer")]
)
def test_a_rule_that_hangs_says_what_it_demands_and_what_to_do(
    outcome: Outcome, limit: str, said: str
) -> None:
    code = HANGS + f"    from patter_testing.suites import llm; llm.ANSWER_S = {limit}\n"
    counts, text = outcome(code, "-k", "exactly_one_done")
    assert counts["failed"] == 2
    assert said in text
    assert text.count(RULE) == text.count(REMEDY) == 1
    assert "words of its own" not in text


def test_a_rule_that_is_broken_shows_itself_once(outcome: Outcome) -> None:
    code = HANGS.replace("silent=True", "text=''")
    for style in ("auto", "short", "no"):
        _, text = outcome(code, "-k", "TestMine and exactly_one_done", "--tb", style)
        assert text.count(REMEDY) == (style != "no"), style


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="nothing can interrupt it here")
@pytest.mark.parametrize("blocks", ["threading.Event().wait(30)", "time.sleep(30)"])
def test_what_blocks_the_loop_is_ended_and_named(
    outcome: Outcome, monkeypatch: pytest.MonkeyPatch, blocks: str
) -> None:
    monkeypatch.setattr("patter_testing.running.BLOCKED_S", 0.1)
    begun = time.monotonic()
    counts, text = outcome(f"""
        import threading, time

        @pytest.mark.patter_timeout(0.1)
        async def test_it():
            {blocks}

        async def test_the_next():
            await asyncio.sleep(0.3)
    """)
    assert counts == {"failed": 1, "passed": 1}
    assert "the event loop was blocked for 0.2 s" in text
    assert "fix: await it, or run it in a thread" in text
    assert "in test_it" in text
    assert time.monotonic() - begun < 20


def test_an_alarm_of_somebody_else_is_left_alone(outcome: Outcome) -> None:
    counts, _ = outcome("""
        import signal

        def test_it():
            signal.signal(signal.SIGALRM, lambda *_: None)

        async def test_async():
            assert signal.getsignal(signal.SIGALRM).__name__ == "<lambda>"
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
    """)
    assert counts == {"passed": 2}
