"""A spec string makes the tunnel, and making it runs nothing."""

from __future__ import annotations

import sys

import pytest

from patter import PatterError, PluginRegistry
from patter.phone.public_endpoint import tunnel_of
from patter.plugins.kinds import TUNNEL_KIND
from patter_cloudflare import CloudflareTunnel


def test_a_spec_string_makes_the_tunnel_with_its_options() -> None:
    made = PluginRegistry.from_environment().resolve(
        TUNNEL_KIND, "cloudflare?protocol=http2&start_s=5"
    )
    assert made == CloudflareTunnel(protocol="http2", start_s=5)


def test_true_is_this_tunnel_whatever_else_is_installed() -> None:
    assert tunnel_of(PluginRegistry.from_environment(), True) == CloudflareTunnel()


@pytest.mark.parametrize("option", ["start_s=0", "start_s=soon", "end_s=-1", "protocol=smoke"])
def test_an_option_that_makes_no_sense_is_named(option: str) -> None:
    with pytest.raises(PatterError) as caught:
        PluginRegistry.from_environment().resolve(TUNNEL_KIND, f"cloudflare?{option}")
    assert option.partition("=")[0] in str(caught.value)


def test_a_tunnel_does_not_know_its_host_before() -> None:
    assert CloudflareTunnel().hostname == ""


def test_a_name_there_is_not_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Mole"):
        getattr(sys.modules["patter_cloudflare"], "Mole")  # noqa: B009
