"""What one serve tells its extensions."""

from __future__ import annotations

from typing import Any

import pytest

from patter.agent import Agent
from patter.errors import NotInstalled, PatterTypeError
from patter.phone import arguments
from patter.plugins.catalogue import Catalogue, Switches
from patter.plugins.registry import PluginRegistry
from patter_testing import FakeTunnel

from .phones import phone_of, served

NONE = PluginRegistry(Catalogue(Switches.read({}), ()))
SERVE = {"dashboard": True, "dashboard_token": "", "allow_insecure_dashboard": False}


def test_a_dashboard_that_is_not_installed_is_nothing_that_was_asked_for() -> None:
    asked = arguments.dashboard(NONE, SERVE)
    assert asked == {"enabled": True, "token": "", "allow_insecure": False}


def test_its_token_is_and_says_what_to_install() -> None:
    with pytest.raises(NotInstalled) as caught:
        arguments.dashboard(NONE, {**SERVE, "dashboard_token": "t"})
    assert caught.value.fix == "pip install patter-dashboard"
    off = {**SERVE, "dashboard": False, "dashboard_token": "t"}
    assert arguments.dashboard(NONE, off)["enabled"] is False


def test_what_is_neither_true_nor_false_is_refused() -> None:
    with pytest.raises(PatterTypeError, match="dashboard='no' is neither"):
        arguments.dashboard(NONE, {**SERVE, "dashboard": "no"})


@pytest.mark.parametrize(
    "how, exposed",
    [
        ({}, False),
        ({"webhook_url": "a.example.com"}, True),
        ({"tunnel": FakeTunnel()}, True),
        ({"host": "0.0.0.0"}, True),
        ({"host": "localhost"}, False),
    ],
)
async def test_extensions_are_told_the_agent_and_who_can_reach_it(
    how: dict[str, Any], exposed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    scopes = PluginRegistry.server_scopes

    def watched(registry: PluginRegistry, server: Any) -> Any:
        told.append(server.served)
        return scopes(registry, server)

    monkeypatch.setattr(PluginRegistry, "server_scopes", watched)
    host = how.pop("host", "127.0.0.1")
    async with served(phone_of(**how), host=host, dashboard=False):
        assert [each.exposed for each in told] == [exposed]
    assert isinstance(told[0].agent, Agent)
    assert told[0].options["dashboard"]["enabled"] is False
