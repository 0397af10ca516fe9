"""What the package offers, and under which names."""

from __future__ import annotations

import argparse

import pytest

from patter import PatterError, PluginRegistry
from patter.observe.events import BargeIn, Ended, ErrorEvent, Row, ToolRun, Turn, Usage
from patter.plugins.commands import Commands
from patter.plugins.kinds import CARRIER_KIND
from patter.providers.context import CallContext
from patter_softphone import SoftphoneCarrier, phone


def test_a_spec_string_makes_the_carrier() -> None:
    assert PluginRegistry().resolve(CARRIER_KIND, "softphone?faults=true") == SoftphoneCarrier(
        faults=True
    )
    assert PluginRegistry().resolve(CARRIER_KIND, "softphone") == SoftphoneCarrier()


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("softphone?fault=true", "did you mean 'faults'"),
        ("softphone?faults=maybe", "write faults=true or faults=false"),
        ("softphone/red", "takes no model"),
    ],
)
def test_a_misspelt_spec_is_told_how_to_spell_it(spec: str, said: str) -> None:
    with pytest.raises(PatterError) as caught:
        PluginRegistry().resolve(CARRIER_KIND, spec)
    assert said in str(caught.value)


def test_as_an_extension_it_shows_its_own_calls_and_no_others() -> None:
    registry = PluginRegistry()
    registry.load_extensions()
    shown = registry.call_listeners(CallContext(call_id="plugin-1", carrier="softphone"))
    assert {Row, Turn, ToolRun, BargeIn, Ended, ErrorEvent} <= set(shown)
    assert Usage not in shown
    assert not registry.call_listeners(CallContext(call_id="plugin-2", carrier="twilio"))


def test_the_verb_phone_is_added() -> None:
    registry, commands = PluginRegistry(), Commands()
    registry.load_extensions()
    registry.cli(commands)
    assert phone.COMMAND in list(commands)


def test_phone_takes_a_target_a_port_and_a_spec_for_every_part() -> None:
    parser = argparse.ArgumentParser()
    phone.configure(parser)
    words = "bistro:agent --port 9000 --no-open --offline --stt deepgram/nova-3"
    args = parser.parse_args(words.split())
    assert (args.target, args.port, args.no_open, args.offline) == (
        "bistro:agent",
        9_000,
        True,
        True,
    )
    assert phone.parts_of(args)["stt"] == "deepgram/nova-3"
    assert phone.parts_of(args)["tts"] == "espeak"
    assert phone.parts_of(args)["engine"] is None, "an engine has its vendor's network"
    assert phone.parts_of(args)["carrier"] == "softphone?faults=true"


def test_without_offline_only_the_line_is_replaced() -> None:
    parser = argparse.ArgumentParser()
    phone.configure(parser)
    args = parser.parse_args(["bistro:agent"])
    assert phone.parts_of(args) == {"carrier": "softphone?faults=true", "tunnel": None}


def test_the_parts_of_an_agent_are_named_in_a_few_words() -> None:
    parts = {"stt": "pocketsphinx/reception", "llm": "rules", "tts": "espeak"}
    assert phone.hears_thinks_speaks(parts) == "pocketsphinx/reception, rules, espeak"
