"""One-line changes that make an honest plugin break a rule on vendors."""

from __future__ import annotations

import functools
from typing import Any

import attrs

from .rogue_plugins import Change

KINDS = ("tts", "llm", "stt")


@attrs.frozen
class Culprit:
    """*changes* make the plugin of *kind* break *rule*, as the suite tries it with *arguments*.

    *why* is in the verdict, so that nobody is convicted of something else.
    """

    kind: str
    rule: str
    why: str
    changes: tuple[Change, ...]
    arguments: dict[str, Any] = attrs.field(factory=dict)

    def __str__(self) -> str:
        return f"{self.kind}-{self.rule.removeprefix('test_')}-{self.changes[-1].new[:30]!r}"


def culprit(kind: str, rule: str, why: str, *change: str, **arguments: Any) -> Culprit:
    """*change* is file, old, new, as often as needed."""
    changes = [Change(*change[at : at + 3]) for at in range(0, len(change), 3)]
    return Culprit(kind, f"test_{rule}", why, tuple(changes), arguments)


tts, llm, stt = (functools.partial(culprit, kind) for kind in KINDS)
STATUS, ERRORS = "a_status_has_one_meaning", "_errors.py"
LIBRARY = "hypothesis"
"""One that neither Patter nor aiohttp imports."""
LOST = "a_lost_connection_raises"


def wrong(method: str) -> tuple[str, str, str]:
    """What Parrot's refusals mean, with *method* in place of its own."""
    body = method.replace("\n", "\n    ")
    return (
        ERRORS,
        "ERRORS = VendorErrors(",
        f"class Wrong(VendorErrors):\n    {body}\n\n\nERRORS = Wrong(",
    )


def taken_for(status: int, other: int) -> tuple[str, str, str]:
    """A *status* is read as if it were the *other*."""
    return wrong(
        "def refused(self, status, *rest, **more):\n"
        f"    status = {other} if status == {status} else status\n"
        "    return super().refused(status, *rest, **more)"
    )


STATUSES = [
    each(STATUS, "401 became", *taken_for(401, 400), status=401) for each in (tts, llm, stt)
] + [
    llm(STATUS, f"{status} became", *taken_for(status, other), status=status)
    for status, other in [
        (402, 400),
        (403, 400),
        (404, 400),
        (429, 400),
        (400, 500),
        (500, 400),
        (503, 400),
        (529, 400),
    ]
]
UNREACHED = wrong("def unreachable(self, why=''):\n    return self.garbled(why)")
LINE = "response.raise_for_status()"
VENDORS = [
    *STATUSES,
    llm(STATUS, "401 became", "llm.py", LINE, "pass", status=401),
    tts(
        "a_secret_is_never_in_an_error",
        "AuthenticationError tells the secret",
        "tts.py",
        LINE,
        "if response.status != 200:\n                    "
        "raise ERRORS.refused(response.status, (await response.text())[:150])",
    ),
    stt(
        "a_secret_is_never_in_an_error",
        "WSServerHandshakeError tells the secret",
        "stt.py",
        "params=query,",
        'params=query | {"key": self.api_key},',
        *wrong(
            "@contextmanager\n"
            "def translated(self):\n"
            "    try:\n"
            "        yield\n"
            "    except aiohttp.WSServerHandshakeError as exc:\n"
            "        raise self.refused(exc.status) from exc"
        ),
        ERRORS,
        "from patter.vendors",
        "from contextlib import contextmanager\n\nimport aiohttp\nfrom patter.vendors",
    ),
    tts(
        "the_event_loop_stays_free",
        "the loop was busy for",
        "tts.py",
        'begins, pending = text, b""',
        'begins, pending = text, b""\n        sum(range(15_000_000))',
    ),
    llm(
        "a_vendor_out_of_reach_may_come_back",
        "PROVIDER_ERROR is not tried again",
        *UNREACHED,
    ),
    stt(
        "a_vendor_out_of_reach_may_come_back",
        "ClientConnectorError: ",
        *wrong("translated = lambda self: nullcontext()"),
        ERRORS,
        "from patter.vendors",
        "from contextlib import nullcontext\n\nfrom patter.vendors",
    ),
    tts(
        "an_answer_of_something_else_raises",
        "DID NOT RAISE",
        "tts.py",
        'startswith("audio/")',
        'startswith("")',
        answer="a page",
    ),
    tts(
        "an_answer_of_something_else_raises",
        "DID NOT RAISE",
        "tts.py",
        'startswith("audio/")',
        'startswith("a")',
        answer="an error",
    ),
    tts(
        "an_answer_of_something_else_raises",
        "DID NOT RAISE",
        "tts.py",
        'startswith("audio/")',
        'startswith("a")',
        "tts.py",
        "if begins and",
        "if False and",
        answer="nothing",
    ),
    llm(
        "an_answer_of_something_else_raises",
        "DID NOT RAISE",
        "llm.py",
        'raise PatterConnectionError("Parrot stopped in mid-answer", fix="try again")',
        "yield DoneChunk()",
        answer="nothing",
    ),
    llm(
        "an_answer_of_something_else_raises",
        "DID NOT RAISE",
        "_wire.py",
        "raise ERRORS.garbled(line) from exc",
        'return DoneChunk("stop")',
        answer="a page",
    ),
]
LINES = [each(LOST, "PROVIDER_ERROR is not tried again", *UNREACHED) for each in (tts, llm)]
READY, CHECKED = "_ready.py", "answer.raise_for_status()"
OWN_HTTP = "async with client_pool() as pool, pool.http.head("
IN_A_CHECK = "a_secret_is_never_in_a_check"
GETTING_READY = [
    llm(
        "how_long_to_wait_is_told",
        "Retry-After: 7 became retry_after_ms=0",
        *wrong(
            "def refused(self, status, reason='', **_):\n    return super().refused(status, reason)"
        ),
    ),
    llm(
        "a_call_makes_no_client",
        "made in a call: 1 aiohttp.ClientSession",
        "llm.py",
        "client_pool() as pool,",
        "aiohttp.ClientSession() as http,",
        "llm.py",
        "pool.http.post(",
        "http.post(",
    ),
    tts(
        "a_call_makes_no_client",
        "made in a call: 1 ssl.SSLContext",
        "tts.py",
        'begins, pending = text, b""',
        'begins, pending = text, b""\n        import ssl; ssl.create_default_context()',
    ),
    stt(
        "a_warm_call_imports_nothing",
        f"imported in a call: {LIBRARY}",
        "stt.py",
        "query = _wire",
        f"import {LIBRARY}\n        query = _wire",
    ),
    llm(
        "getting_ready_twice_is_cheap",
        "made by getting ready again: 3 aiohttp.ClientSession",
        READY,
        OWN_HTTP,
        "async with aiohttp.ClientSession() as http, http.head(",
    ),
    llm(
        IN_A_CHECK,
        "AuthenticationError tells the secret",
        READY,
        CHECKED,
        "if answer.status != 200:\n                "
        "raise ERRORS.refused(answer.status, (await answer.text())[:150])",
        status=401,
    ),
    tts(
        IN_A_CHECK,
        "it tells the secret",
        READY,
        "HealthReport(wall",
        "HealthReport(text=str(headers), wall",
        status=200,
    ),
    stt(IN_A_CHECK, "401 passed the check", READY, CHECKED, "pass", status=401),
    stt(IN_A_CHECK, "500 passed the check", READY, CHECKED, "pass", status=500),
    stt(
        "a_vendor_out_of_reach_keeps_nobody_from_getting_ready",
        "is not a PatterError",
        READY,
        "with ERRORS.translated():\n        async with client_pool() as pool, pool",
        "if True:\n        async with client_pool() as pool, pool",
    ),
]
ON_VENDORS = [*LINES, *VENDORS, *GETTING_READY]
