"""The preamble comes first and can be left out."""

from __future__ import annotations

from patter.text.preamble import PHONE_PREAMBLE, with_preamble


def test_the_prompt_follows_the_preamble_after_an_empty_line() -> None:
    assert with_preamble("You are Rosa.") == f"{PHONE_PREAMBLE}\n\nYou are Rosa."
    assert with_preamble("") == PHONE_PREAMBLE


def test_a_disabled_preamble_leaves_the_prompt_alone() -> None:
    assert with_preamble("You are Rosa.", disabled=True) == "You are Rosa."
