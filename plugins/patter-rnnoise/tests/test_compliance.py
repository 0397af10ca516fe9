"""The rules every audio filter keeps."""

from __future__ import annotations

import pytest

from patter_rnnoise import RNNoiseFilter
from patter_testing import AudioFilterSuite


class TestRNNoise(AudioFilterSuite):
    @pytest.fixture
    def provider(self) -> RNNoiseFilter:
        return RNNoiseFilter()
