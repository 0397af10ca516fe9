"""Every sentence that core can speak is there in every language, and nothing else is spoken."""

from __future__ import annotations

import ast
import logging
import re
import tomllib
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import attrs
import pytest

import patter
from patter import Agent, AgentError, Phrases, PluginRegistry
from patter.call.phrasebook import ENGLISH, phrases_in, phrases_with
from patter.call.turn.events import UtteranceKind
from patter.providers.guardrail import REPLACEMENT
from patter_testing import FakeLLM, FakeSTT, FakeTTS

LANGUAGES = (
    "en de fr es it pt nl pl sv da no fi cs ro hu tr ru uk el ja zh ko ar hi".split()  # noqa: SIM905
)
REGIONS = ["pt-br"]
ENGLISH_WORDS = {"the", "you", "your", "please", "goodbye", "this", "something", "technical"}
CORE = Path(patter.__file__).parent
FOR_MODELS = {
    *("tools/builtin.py", "tools/role_tools.py", "text/preamble.py"),
    *(
        "call/transfer.py",
        "call/roles.py",
        "call/consent.py",
        "call/note_prompts.py",
        "tools/consult.py",
        "phone/phone_tool.py",
    ),
}
"""What these write is read by a model, in English, and never spoken."""


def texts(phrases: Phrases) -> dict[str, str]:
    """Every sentence there is, by where it stands."""
    found = dict[str, str]()
    for name, value in attrs.asdict(phrases).items():
        match value:
            case str():
                found[name] = value
            case tuple():
                found |= {f"{name}.{i}": each for i, each in enumerate(value)}
            case _:
                found |= {f"{name}.{key}": each for key, each in value.items()}
    return {name: text for name, text in found.items() if name not in ("greeting", "voicemail")}


@pytest.mark.parametrize("language", [*LANGUAGES, *REGIONS])
def test_every_phrase_is_there_in_every_language(language: str) -> None:
    spoken, english = texts(phrases_in(language)), texts(ENGLISH)
    assert spoken.keys() == english.keys()
    assert all(re.search(r"[.?!。？！।؟;]$", text) for text in spoken.values())
    if language != "en":
        same = [name for name, text in spoken.items() if text == english[name]]
        assert same == []
        words = set(re.findall(r"\w+", " ".join(spoken.values()).casefold()))
        assert words & ENGLISH_WORDS == set()


def test_each_language_has_the_fields_of_phrases_and_no_other() -> None:
    wanted = set(attrs.fields_dict(Phrases)) - {"greeting", "voicemail"}
    book = tomllib.loads((files("patter.text") / "phrases.toml").read_text(encoding="utf-8"))
    assert set(book) == {*LANGUAGES[1:], *REGIONS}
    for tag, values in book.items():
        assert set(values) == wanted, tag
        assert set(values["goodbyes"]) == set(ENGLISH.goodbyes), tag


@pytest.mark.parametrize("language", LANGUAGES[1:])
def test_an_agent_says_nothing_in_english_whatever_it_says(language: str) -> None:
    agent = Agent(system_prompt="", language=language)
    phrases, english = agent.spoken({}), set(texts(ENGLISH).values())
    details = ["", "progress", "working", "unheard", "transfer", "1", "2", "9", *ENGLISH.goodbyes]
    said = {phrases.text(kind, each) for kind in SPOKEN for each in details}
    assert {*said, phrases.instead(REPLACEMENT)} & english == set()
    assert phrases.instead("My own words.") == "My own words."


SPOKEN = [kind for kind in UtteranceKind if kind is not UtteranceKind.NOTICE]


def sentences(path: Path) -> Iterator[str]:
    """The string constants of a module that are whole sentences, and no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docs = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docs:
            text = node.value
            if re.fullmatch(r"[A-Z][^`*]*[a-z][.?!]", text) and (" " in text or len(text) > 6):
                yield text


@pytest.mark.parametrize("room", ["call", "llm", "phone", "providers", "server", "text", "tools"])
def test_no_other_sentence_stands_in_the_rooms_that_make_calls(room: str) -> None:
    known = {*texts(ENGLISH).values()}
    others = {
        text: path.relative_to(CORE).as_posix()
        for path in sorted((CORE / room).rglob("*.py"))
        if path.relative_to(CORE).as_posix() not in FOR_MODELS
        for text in sentences(path)
        if text not in known
    }
    assert others == {}, "a sentence for a caller is a phrase, with translations"


def test_the_scan_sees_the_sentences_there_are() -> None:
    assert set(sentences(CORE / "call" / "plan.py")) >= {ENGLISH.filler, ENGLISH.apology}
    assert REPLACEMENT in set(sentences(CORE / "providers" / "guardrail.py"))


# --- which language


@pytest.mark.parametrize(
    ("tag", "same"),
    [
        *[("de-AT", "de"), ("DE_ch", "de"), ("zh-Hant-TW", "zh"), ("pt-PT", "pt"), ("nb-NO", "no")],
        *[("nn", "no"), ("en-GB", "en"), ("", "en"), ("multi", "en"), ("auto", "en")],
    ],
)
def test_a_region_falls_back_to_its_language(
    tag: str, same: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert phrases_in(tag) == phrases_in(same)
    assert not caplog.records


def test_brazil_has_its_own() -> None:
    assert phrases_in("pt-BR").goodbyes["drain"] != phrases_in("pt").goodbyes["drain"]


@pytest.mark.parametrize("tag", ["tlh", "../de", "x" * 99, "t\0h"])
def test_an_unknown_language_is_english_and_said_once(
    tag: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "patter.agent"):
        assert phrases_in(tag) == phrases_in(tag) == ENGLISH
    assert len(caplog.records) == 1


# --- the agent's own


@pytest.mark.parametrize("own", [{"filler": "Sekunde."}, Phrases(filler="Sekunde.")])
def test_what_the_agent_does_not_say_itself_is_in_its_language(own: Any) -> None:
    phrases = phrases_with("de", own)
    assert phrases.filler == "Sekunde."
    assert attrs.evolve(phrases, filler="") == attrs.evolve(phrases_in("de"), filler="")


@pytest.mark.parametrize(
    "own", [{"goodbyes": {"idle": "Weg."}}, Phrases(goodbyes={"idle": "Weg."})]
)
def test_goodbyes_are_taken_reason_by_reason(own: Any) -> None:
    phrases = phrases_with("de", own)
    assert phrases.goodbyes == {**phrases_in("de").goodbyes, "idle": "Weg."}


def test_a_text_for_several_is_for_all_of_them() -> None:
    phrases = phrases_with("de", {"goodbyes": "Tschüss.", "reprompts": "Hallo?"})
    assert set(phrases.goodbyes.values()) == {"Tschüss."}
    assert phrases.reprompts == ("Hallo?",)


def test_nothing_can_be_said_on_purpose() -> None:
    assert phrases_with("de", {"filler": "", "reprompts": []}).filler == ""
    assert phrases_with("de", Phrases(filler="")).filler == ""


def test_a_field_of_the_agent_goes_before_its_phrases() -> None:
    agent = Agent(
        system_prompt="",
        language="de",
        phrases={"greeting": "Tag.", "filler": "Sekunde.", "voicemail": "Ruf an, {name}."},
        first_message="Guten Abend, {name}.",
    )
    phrases = agent.spoken({"name": "Ada"})
    assert (phrases.greeting, phrases.filler) == ("Guten Abend, Ada.", "Sekunde.")
    assert phrases.voicemail == "Ruf an, Ada."
    assert agent.rules().voicemail == "message"


def test_a_greeting_among_the_phrases_is_said() -> None:
    greeting = Agent(system_prompt="", phrases=Phrases(greeting="Tag."))
    assert greeting.rules().greeting
    assert not Agent(system_prompt="", phrases=Phrases(filler="Sekunde.")).rules().greeting


@pytest.mark.parametrize(
    ("own", "error", "message"),
    [
        ("Tschüss.", TypeError, "phrases is a str, neither"),
        ({"filler": 5}, TypeError, "the phrase 'filler' is 5"),
        ({"reprompts": 5}, TypeError, "'reprompts' is 5"),
        ({"goodbyes": {"idle": None}}, TypeError, "'goodbyes'"),
        ({"goodbyes": ["a"]}, TypeError, "'goodbyes'"),
        ({"fillr": "x"}, ValueError, "there is no phrase 'fillr'"),
    ],
)
def test_phrases_that_are_none_are_refused(own: Any, error: type, message: str) -> None:
    parts: dict[str, Any] = {"stt": FakeSTT(), "tts": FakeTTS(), "llm": FakeLLM()}
    agent = Agent(system_prompt="", phrases=own, **parts)
    with pytest.raises(AgentError, match=message) as caught:
        agent.gather(PluginRegistry.from_environment({}, source=[]))
    assert isinstance(caught.value, error)
