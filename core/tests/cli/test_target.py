"""``module:name`` finds an agent and its phone, or says what is wrong with it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from patter.cli import target
from patter.errors import InputError, PatterConfigError, PatterError


class Phone:
    """Stands for any class whose one object a module should have."""


HERE = "run it in the directory of that file"
WRITE = "write phone = Phone(...) in bistro"
CODE = """
from patter import PluginRegistry
from patter.plugins.kinds import STT_KIND
phone = PHONE()
same = phone
agent = PluginRegistry.from_environment({}).chosen(STT_KIND, "deepgram")
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setitem(__import__("builtins").__dict__, "PHONE", Phone)
    yield tmp_path
    sys.modules.pop("bistro", None)


def refusal(text: str, phone: str | None = None) -> tuple[str, str]:
    with pytest.raises(PatterError) as caught:
        target.load(text, Phone, {}, phone)
    return caught.value.message, caught.value.fix


def test_a_module_has_one_phone_whatever_it_is_called(here: Path) -> None:
    (here / "bistro.py").write_text(CODE)
    loaded = target.load("bistro:agent", Phone, {})
    assert (loaded.thing, loaded.phone, loaded.name) == ("deepgram", loaded.module.phone, "agent")


def test_replaced_parts_hold_while_the_module_is_imported(here: Path) -> None:
    (here / "bistro.py").write_text(CODE)
    assert target.load("bistro:agent", Phone, {"stt": "pocketsphinx"}).thing == "pocketsphinx"


def test_flags_become_parts() -> None:
    parser = argparse.ArgumentParser()
    target.add_arguments(parser)
    args = parser.parse_args(["bistro:agent", "--stt", "pocketsphinx", "--vad", "energy"])
    assert target.replaced(args) == {"stt": "pocketsphinx", "vad": "energy"}


def test_two_phones_ask_which(here: Path) -> None:
    (here / "bistro.py").write_text("agent = 1; phone = PHONE(); backup = PHONE()")
    assert refusal("bistro:agent") == (
        "bistro has two Phone objects: phone, backup",
        "--phone phone",
    )
    assert target.load("bistro:agent", Phone, {}, "backup").phone is sys.modules["bistro"].backup


@pytest.mark.parametrize(
    ("code", "text", "message", "fix"),
    [
        ("", "bistro", "'bistro' is not module:name", "write bistro:agent"),
        (
            "",
            "bistrot:agent",
            "there is no module 'bistrot' here",
            HERE,
        ),
        ("agent = 1", "bistro:agnet", "bistro has no 'agnet'", "did you mean 'agent'?"),
        (
            "agent = 1",
            "bistro:agent",
            "bistro has no Phone object",
            WRITE,
        ),
        (
            "import no_such_thing",
            "bistro:agent",
            "bistro cannot be imported: ModuleNotFoundError: No module named 'no_such_thing' "
            "(bistro.py:1)",
            "see it whole: python -c 'import bistro'",
        ),
    ],
)
def test_a_wrong_target_says_what_to_write(
    here: Path, code: str, text: str, message: str, fix: str
) -> None:
    (here / "bistro.py").write_text(code)
    assert refusal(text) == (message, fix)


def test_an_error_of_the_module_itself_comes_out_as_it_is(here: Path) -> None:
    (here / "bistro.py").write_text(
        "from patter.errors import PatterConfigError\nraise PatterConfigError('no key', fix='k')"
    )
    with pytest.raises(PatterConfigError, match="no key"):
        target.load("bistro:agent", Phone, {})


@pytest.mark.parametrize(
    ("text", "fix"),
    [
        ("bistro.py", "write bistro:agent"),
        ("bistro.py:phone", "write bistro:phone"),
        ("./bistro.py:agent", "write bistro:agent"),
        ("shop/bistro.py", "cd shop, then write bistro:agent"),
        ("/srv/shop/bistro.py:agent", "cd /srv/shop, then write bistro:agent"),
        ("C:\\shop\\bistro.py:agent", "cd C:\\shop, then write bistro:agent"),
        ("C:\\shop\\bistro.py", "cd C:\\shop, then write bistro:agent"),
    ],
)
def test_a_path_is_told_apart_from_a_module(text: str, fix: str) -> None:
    with pytest.raises(InputError) as caught:
        target.split(text)
    assert caught.value.message.endswith("is a file, and a target is module:name")
    assert caught.value.fix == fix


def test_a_phone_in_the_place_of_an_agent_names_the_agent(here: Path) -> None:
    (here / "bistro.py").write_text("phone = PHONE()")
    assert refusal("bistro:phone") == (
        "bistro:phone is a Phone, not an agent",
        "write agent = phone.agent(...), then bistro:agent",
    )


def test_offline_replaces_everything_and_a_flag_goes_over_it() -> None:
    parser = argparse.ArgumentParser()
    target.add_arguments(parser)
    parts = target.replaced(parser.parse_args(["a:b", "--offline", "--stt", "whisper"]))
    assert parts == {**target.OFFLINE, "stt": "whisper"}
    assert parts["tunnel"] is None and target.replaced(parser.parse_args(["a:b"])) == {}
