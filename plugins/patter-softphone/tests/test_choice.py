"""Whom ``patter phone`` calls when nobody was named: the vendors of the keys, or nobody's."""

from __future__ import annotations

import argparse
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from patter.errors import MissingCredential
from patter_softphone import _vendors, phone
from patter_softphone._about import about

VENDORS = {"stt": ["deepgram", "openai"], "llm": ["openai"], "tts": ["elevenlabs"]}
COMMAND = "patter phone --stt deepgram --llm openai --tts elevenlabs"


@attrs.define
class Lines:
    """The terminal. *yes* is ``--yes``; *answer* is typed."""

    yes: bool = False
    lines: list[str] = attrs.field(factory=list)

    def progress(self, text: str) -> None:
        self.lines.append(text)

    def confirm(self, question: str) -> bool:
        self.lines.append(question)
        return self.yes


def chosen(monkeypatch: pytest.MonkeyPatch, vendors: dict[str, list[str]], *words: str) -> Any:
    """The arguments after the choice, with *vendors* ready."""
    monkeypatch.setattr(_vendors, "ready", lambda _: vendors)
    monkeypatch.setattr(phone, "has_example", lambda: True)
    parser = argparse.ArgumentParser()
    phone.configure(parser)
    args = parser.parse_args([word for word in words if word != "--yes"])
    args.out = Lines(yes="--yes" in words)
    phone.choose(args)
    return args


def test_without_keys_the_example_answers_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    args = chosen(monkeypatch, {})
    assert (args.target, args.offline, args.out.lines) == (phone.EXAMPLE, True, [])


def test_with_keys_the_vendors_are_named_and_not_used_unless_somebody_agrees(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    args = chosen(monkeypatch, VENDORS)
    assert (args.offline, args.stt) == (True, None)
    assert args.out.lines == [
        "keys found for  stt: deepgram, openai  llm: openai  tts: elevenlabs",
        f"  with your keys: {COMMAND}",
    ]


def test_who_agrees_talks_to_the_example_with_the_vendors(monkeypatch: pytest.MonkeyPatch) -> None:
    args = chosen(monkeypatch, VENDORS, "--yes")
    assert (args.offline, args.target) == (False, phone.EXAMPLE)
    parts = phone.parts_of(args)
    assert (parts["stt"], parts["llm"], parts["tts"]) == ("deepgram", "openai", "elevenlabs")
    assert "talk with deepgram, openai, elevenlabs, which charge for it?" in args.out.lines[-1]


def test_offline_names_the_vendors_and_asks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    args = chosen(monkeypatch, VENDORS, "--offline", "--yes")
    assert args.offline
    assert args.out.lines == [f"  with your keys: {COMMAND}"]


@pytest.mark.parametrize("words", [["bistro:agent"], ["--stt", "acme"], ["--simulate"]])
def test_who_said_what_they_want_gets_that(
    monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    args = chosen(monkeypatch, VENDORS, *words)
    assert not args.offline
    assert args.target == (words[0] if words == ["bistro:agent"] else None)


@attrs.frozen
class Vendor:
    """A provider over a network, or on this machine."""

    hosts: tuple[str, ...] = ()


class Registry:
    """Two vendors of each kind, one of them without its key; and one that needs none."""

    def __init__(self) -> None:
        names = ("deepgram", "soniox", "local", "deepgram-rest")
        pairs = {(kind, name): None for kind in ("stt", "llm", "tts") for name in names}
        self.catalogue = SimpleNamespace(candidates=pairs)

    def resolve(self, _: object, name: str) -> Vendor:
        if name == "soniox":
            raise MissingCredential("soniox has no api_key", fix="export SONIOX_API_KEY")
        return Vendor() if name == "local" else Vendor(("api.example.com",))


def test_vendors_are_ready_whose_keys_are_here(monkeypatch: pytest.MonkeyPatch) -> None:
    registry: Any = Registry()
    monkeypatch.setattr(_vendors, "environment", lambda: {"DEEPGRAM_API_KEY": "x"})
    assert _vendors.ready(registry) == {kind: ["deepgram"] for kind in ("stt", "llm", "tts")}
    monkeypatch.setattr(_vendors, "environment", lambda: {"DEEPGRAM_API_KEY": ""})
    assert _vendors.ready(registry) == {}


def test_an_agents_sentences_go_before_those_its_model_knows() -> None:
    class Rules:
        def suggestions(self, tools: tuple[object, ...]) -> list[str]:
            return [f"{len(tools)} tools"]

    names = {"stt": ("deepgram", "nova-3"), "carrier": ("softphone", "")}
    parts = SimpleNamespace(names=names, llm=Rules())
    caller: Any = SimpleNamespace(gathered=lambda _: parts)
    agent = SimpleNamespace(try_saying=(), tools=(1, 2))
    page = about(caller, agent, "bistro:agent", "offline")
    assert page.to_json() == {
        "agent": "bistro:agent",
        "note": "offline",
        "try_saying": ["2 tools"],
        "parts": {"stt": "deepgram/nova-3"},
    }
    agent.try_saying = ("Goodbye.",)
    assert about(caller, agent, "bistro:agent").try_saying == ("Goodbye.",)
