"""Install hints are what the packages say, never a guess."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

import patter
from patter.plugins import known

GENERATOR = runpy.run_path(str(Path(__file__).with_name("known.py")))


def test_known_is_what_the_packages_say() -> None:
    assert GENERATOR["KNOWN"].read_text() == GENERATOR["generated"](), "run nox -s known"


def test_a_class_that_moved_into_a_plugin_says_where(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(known.CLASSES, "DeepgramSTT", "patter-deepgram")
    with pytest.raises(ImportError) as caught:
        _ = patter.DeepgramSTT
    assert str(caught.value) == (
        "DeepgramSTT needs patter-deepgram: pip install patter-deepgram, "
        "then: from patter_deepgram import DeepgramSTT"
    )


def test_an_unknown_name_is_a_plain_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'ZorpSTT'"):
        _ = patter.ZorpSTT
