"""Whatever a reader may meet has a page that names it; the page on agents tells its defaults."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import attrs
import pytest

import patter
from patter import Agent, CallContext, Patter, env
from patter.errors import ErrorCode
from patter.observe.summary import CallSummary
from patter.phone.call_changes import OVERRIDABLE
from patter.phone.callbacks import CallbackDispatcher
from patter.plugins import hookspecs
from patter.server.calls import CallEntry, CallRequest, CallState

from . import reference
from .house import ROOT

DOCS = ROOT / "docs"
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md"))}
GENERATED = {reference.PAGE.name}
WRITTEN = "\n".join(text for name, text in PAGES.items() if name not in GENERATED)
EVERYWHERE = "\n".join(PAGES.values())
AGENT = PAGES["agent.md"]


def parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    found = dict(inspect.signature(function).parameters)
    found.pop("self")
    return found


def event_types() -> list[str]:
    """The names of the events, as a call log has them."""
    events: Any = import_module("patter.observe.events")
    return [str(each) for each in getattr(events, "EVENTS", None) or events.EventType]


def hooks() -> list[str]:
    return [name for name in vars(hookspecs) if name.startswith("patter_")]


def commands() -> list[str]:
    return [each.name for each in reference.commands()]


def flags() -> list[str]:
    owners = [None, *reference.commands()]
    actions = [action for each in owners for action in reference.actions(each)]
    return sorted({flag for action in actions for flag in action.option_strings})


def names_in_code(text: str) -> set[str]:
    """The words of a page that stand between backticks or in a fence."""
    pieces = re.findall(r"```.*?```|`[^`\n]+`", text, re.DOTALL)
    return {word for piece in pieces for word in re.findall(r"\w+", piece)}


def unnamed(names: list[str], text: str) -> list[str]:
    """Those of *names* that no backticks of *text* hold, alone or in a list of names."""
    alone = {word.strip() for word in re.findall(r"`([^`\n]+)`", text)}
    return [name for name in names if name not in alone]


# --- everything has a page


def test_every_public_name_is_on_a_page() -> None:
    assert sorted(set(patter.__all__) - names_in_code(EVERYWHERE)) == []


@pytest.mark.parametrize(
    ("what", "names"),
    [
        ("fields of Agent", [field.alias for field in attrs.fields(Agent)]),
        ("parameters of serve", list(parameters(Patter.serve))),
        ("parameters of call", list(parameters(Patter.call))),
        ("events", event_types()),
        ("error codes", [code.value for code in ErrorCode]),
    ],
)
def test_everything_of_a_kind_is_on_a_page_that_somebody_wrote(what: str, names: list[str]) -> None:
    assert len(names) > 5, what
    assert unnamed(names, WRITTEN) == []


def test_every_hook_and_every_variable_is_on_a_page_that_somebody_wrote() -> None:
    assert [name for name in hooks() if f"`{name}(" not in WRITTEN] == []
    assert sorted(name for name in env.VARIABLES if name not in WRITTEN) == []


def test_every_command_and_every_flag_is_on_a_page() -> None:
    assert len(flags()) > 20
    assert [name for name in commands() if f"`patter {name}" not in EVERYWHERE] == []
    assert [flag for flag in flags() if not re.search(rf"{flag}\b", EVERYWHERE)] == []


@pytest.mark.parametrize(
    "word",
    ["Turn", "Epoch", "Heard", "Leg", "Mark", "Barge-in", "Endpointing", "Effect"],
)
def test_a_word_that_is_special_is_in_the_glossary(word: str) -> None:
    entries = re.findall(r"^\*\*(.+)\*\*\n: \w", PAGES["glossary.md"], re.M)
    assert word in {each for entry in entries for each in entry.split("**, **")}


# --- what the page on agents says is so


def rows(page: str, head: str) -> Iterator[list[str]]:
    """The rows of the tables whose first cell of the head is *head*."""
    for found in re.finditer(rf"^\| {re.escape(head)} \|.*\n\|[-| ]+\n((?:\|.*\n)+)", page, re.M):
        for line in found[1].splitlines():
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def told_defaults(head: str) -> dict[str, str]:
    """What the tables say is the default of each name; one row may have several names."""
    return {
        name: cells[1].split(" (")[0].strip("`")
        for cells in rows(AGENT, head)
        for name in re.findall(r"`(\w+)`", cells[0])
    }


def real_default(value: Any) -> str:
    if value in (inspect.Parameter.empty, attrs.NOTHING):
        return "required"
    made = value.factory() if hasattr(value, "factory") else value
    return f"{type(made).__name__}()" if attrs.has(type(made)) else repr(made)


def test_the_default_of_a_field_is_the_one_that_the_page_tells() -> None:
    real = {field.alias: real_default(field.default) for field in attrs.fields(Agent)}
    assert told_defaults("field") == real


@pytest.mark.parametrize("name", ["serve", "call"])
def test_the_default_of_a_parameter_is_the_one_that_the_page_tells(name: str) -> None:
    listed = told_defaults(f"argument of `{name}`")
    real = {key: real_default(p.default) for key, p in parameters(getattr(Patter, name)).items()}
    assert len(listed) > 5
    assert {key: value.replace('"', "'") for key, value in listed.items()} == {
        key: real[key] for key in listed
    }


def test_what_a_default_of_none_means_is_what_the_rules_say() -> None:
    rules = attrs.asdict(Agent(system_prompt="").rules())
    told = {
        cells[0].strip("`"): re.findall(r"\((.*)\)", cells[1])
        for cells in rows(AGENT, "field")
        if cells[0].strip("`") in rules
    }
    shown = {name: value[0] for name, value in told.items() if value}
    assert shown == {name: str(rules[name]).strip("()") for name in shown}
    assert {"silence_ms", "barge_in_confirm_ms", "idle_ms"} <= set(shown)


def keys_below(sentence: str) -> set[str]:
    """The keys of the first table after *sentence*."""
    after = AGENT.split(sentence, 1)[1]
    table = after[: after.index("\n\n", after.index("| key |"))]
    return {
        name for cells in rows(table + "\n", "key") for name in re.findall(r"`(\w+)`", cells[0])
    }


def test_a_callback_gets_the_keys_that_the_page_tells() -> None:
    story = CallbackDispatcher(CallContext(call_id="one"))
    assert keys_below("`on_call_start` is called") == set(story.start_data())
    attempt = CallRequest(carrier="fake", caller="", callee="")
    entry = CallEntry(
        call_id="one",
        request=attempt,
        state=list(CallState)[-1],
        summary=CallSummary(call_id="one", outcome="failed"),
    )
    assert keys_below("`on_call_end` is called") == set(story.end_data(entry, 0.0))


def test_what_a_call_may_change_of_its_agent_is_what_the_page_tells() -> None:
    text = AGENT.split("These can be changed:")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", text)) == set(OVERRIDABLE)
