"""How busy the machine of the tests is, is not the filter's."""

from __future__ import annotations

import pytest

from patter_deepfilternet import audio_filter, network


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that feeds faster than a call does may wait for its thread longer than a call."""
    monkeypatch.setattr(audio_filter, "LATE_MS", 20_000)
    monkeypatch.setattr(network, "MAKE_S", 20.0)
    monkeypatch.setattr(network, "TAKE_S", 20.0)
