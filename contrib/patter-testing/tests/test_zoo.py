"""A zoo of broken plugins: the whole suite of each fails in the one test that names its fault."""

from __future__ import annotations

import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import attrs
import pytest

from patter_testing.scaffold import render

from .rogue_plugins import Change
from .vendor_culprits import taken_for, wrong

INI = """
[pytest]
addopts = -q --import-mode=importlib -p patter_testing.pytest_plugin -p no:cacheprovider
patter_test_timeout = 20
"""


@attrs.frozen
class Animal:
    """*change* breaks the plugin of *kind*, and *fault* alone of its suite's tests says so."""

    name: str
    kind: str
    fault: str
    changes: tuple[Change, ...]


def animal(name: str, kind: str, fault: str, *change: str) -> Animal:
    changes = [Change(*change[at : at + 3]) for at in range(0, len(change), 3)]
    return Animal(name, kind, f"test_{fault}", tuple(changes))


READY = "_ready.py"
ZOO = [
    animal("unpaid", "llm", "a_status_has_one_meaning[402]", *taken_for(402, 400)),
    animal("unlimited", "stt", "a_status_has_one_meaning[503]", *taken_for(503, 400)),
    animal(
        "hasty",
        "llm",
        "how_long_to_wait_is_told",
        *wrong(
            "def refused(self, status, reason='', **_):\n    return super().refused(status, reason)"
        ),
    ),
    animal(
        "lonely",
        "llm",
        "a_call_makes_no_client",
        "llm.py",
        "client_pool() as pool,",
        "aiohttp.ClientSession() as http,",
        "llm.py",
        "pool.http.post(",
        "http.post(",
    ),
    animal(
        "locksmith",
        "tts",
        "a_call_makes_no_client",
        "tts.py",
        'begins, pending = text, b""',
        'begins, pending = text, b""\n        import ssl; ssl.create_default_context()',
    ),
    animal(
        "bookworm",
        "stt",
        "a_warm_call_imports_nothing",
        "stt.py",
        "query = _wire",
        "import hypothesis\n        query = _wire",
    ),
    animal(
        "rabbit",
        "llm",
        "getting_ready_twice_is_cheap",
        READY,
        "client_pool() as pool, pool.http.head(",
        "client_pool() as pool, aiohttp.ClientSession(), pool.http.head(",
    ),
    animal(
        "parrot",
        "tts",
        "a_secret_is_never_in_a_check[200]",
        READY,
        "HealthReport(wall",
        "HealthReport(text=str(headers), wall",
    ),
    animal(
        "ostrich",
        "stt",
        "a_vendor_out_of_reach_keeps_nobody_from_getting_ready",
        READY,
        "with ERRORS.translated():\n        async with client_pool() as pool, pool",
        "if True:\n        async with client_pool() as pool, pool",
    ),
    animal(
        "swapper",
        "tts",
        "a_sentence_lasts_as_long_in_every_format",
        "_wire.py",
        '"rate": audio.rate_hz',
        '"rate": 8_000',
    ),
    animal(
        "elephant",
        "tts",
        "each_sentence_is_spoken_once",
        "tts.py",
        "async for sentence in text:",
        "seen = ''\n        async for each in text:\n            seen = sentence = seen + each",
    ),
    animal(
        "cuckoo",
        "tts",
        "a_reply_that_is_closed_late_disturbs_no_other",
        "tts.py",
        "    _http: aiohttp.ClientSession\n",
        "    _http: aiohttp.ClientSession\n    _speaks: bool = False\n",
        "tts.py",
        "        async for sentence in text:\n"
        "            async with aclosing(self._sentence(sentence)) as pieces:\n"
        "                async for piece in pieces:\n"
        "                    yield piece\n",
        "        self._speaks = True\n"
        "        try:\n"
        "            async for sentence in text:\n"
        "                async for piece in self._sentence(sentence):\n"
        "                    if self._speaks:\n"
        "                        yield piece\n"
        "        finally:\n"
        "            self._speaks = False\n",
    ),
    animal(
        "twins",
        "llm",
        "two_tool_calls_are_kept_apart",
        "_wire.py",
        'int(body["index"]), ',
        "0, ",
    ),
    animal("miser", "llm", "tokens_are_told_once", "_wire.py", 'int(body["out"])', "0"),
    animal(
        "echo",
        "stt",
        "words_are_final_once",
        "stt.py",
        "async for message in self._socket:",
        "said = ''\n        async for message in self._socket:",
        "stt.py",
        "                yield heard\n",
        "                if isinstance(heard, Transcript):\n"
        "                    said = heard.text or said\n"
        "                    heard = attrs.evolve(heard, text=said)\n"
        "                yield heard\n",
        "stt.py",
        "from patter.providers.health",
        "from patter.providers.stt import Transcript\nfrom patter.providers.health",
    ),
    animal(
        "clock",
        "stt",
        "positions_fit_the_audio",
        "_wire.py",
        'int(body["end_ms"])',
        'int(body["end_ms"]) * 1_000',
    ),
    animal(
        "hearsay",
        "stt",
        "a_closed_session_refuses_audio",
        "stt.py",
        "await self._socket.send_bytes(audio)",
        "if not self._socket.closed:\n                await self._socket.send_bytes(audio)",
    ),
]


def settle(each: Animal, zoo: Path) -> str:
    """Write the plugin; return where its suite is."""
    render(each.kind, each.name, zoo)
    home = zoo / f"patter-{each.name}"
    for change in each.changes:
        change.make(home)
    return str(home / "tests" / "test_compliance.py")


@pytest.mark.slow
def test_each_animal_fails_in_the_test_that_names_its_fault(tmp_path: Path) -> None:
    suites = [settle(each, tmp_path) for each in ZOO]
    sources = [f"patter-{each.name}/src" for each in ZOO]
    (tmp_path / "pytest.ini").write_text(f"{INI}pythonpath = {' '.join(sources)}\n")
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", f"--junit-xml={report}", *suites]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False
    )
    assert report.exists(), done.stdout[-2_000:] + done.stderr[-2_000:]
    assert failures(report) == {(f"patter-{each.name}", each.fault) for each in ZOO}


def failures(report: Path) -> set[tuple[str, str]]:
    """Package and test of whatever failed or broke."""
    return {
        (str(case.get("classname")).split(".")[0], str(case.get("name")))
        for case in ET.parse(report).iter("testcase")
        if case.find("failure") is not None or case.find("error") is not None
    }


def test_there_are_enough_animals_of_each_kind() -> None:
    assert len(ZOO) >= 12
    assert {each.kind for each in ZOO} == {"stt", "tts", "llm"}
    assert len({each.name for each in ZOO}) == len(ZOO)
