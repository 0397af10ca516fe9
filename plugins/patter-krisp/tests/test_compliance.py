"""The rules every audio filter keeps; the vendor's module is a double."""

from __future__ import annotations

import pytest

from patter_krisp import KrispVivaFilter
from patter_testing import AudioFilterSuite

from .double import KrispAudio


class TestKrisp(AudioFilterSuite):
    @pytest.fixture(params=[10, 15, 20, 30, 32])
    def provider(self, krisp: KrispAudio, request: pytest.FixtureRequest) -> KrispVivaFilter:
        return KrispVivaFilter(frame_duration_ms=request.param)
