"""The double in the place of the vendor's module, and a model and a licence that it takes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from patter_krisp import sdk

from .double import GOOD_MODEL, LICENCE, KrispAudio


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "noise.kef"
    path.write_bytes(GOOD_MODEL)
    monkeypatch.setenv("KRISP_VIVA_FILTER_MODEL_PATH", str(path))
    return path


@pytest.fixture
def krisp(model: Path, monkeypatch: pytest.MonkeyPatch) -> KrispAudio:
    """The double, which nobody holds yet: the process is as if new."""
    double = KrispAudio()
    monkeypatch.setitem(sys.modules, "krisp_audio", double)
    monkeypatch.setattr(sdk, "SDK", sdk.Sdk())
    monkeypatch.setenv("KRISP_VIVA_SDK_LICENSE_KEY", LICENCE)
    monkeypatch.delenv("KRISP_VIVA_API_KEY", raising=False)
    return double
