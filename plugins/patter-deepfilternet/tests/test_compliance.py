"""The rules every audio filter keeps."""

from __future__ import annotations

import pytest

from patter_deepfilternet import DeepFilterNetFilter
from patter_testing import AudioFilterSuite


class TestDeepFilterNet(AudioFilterSuite):
    @pytest.fixture
    def provider(self) -> DeepFilterNetFilter:
        return DeepFilterNetFilter()
