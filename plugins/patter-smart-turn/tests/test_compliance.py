"""The rules every turn detector keeps."""

from __future__ import annotations

import pytest

from patter_smart_turn import SmartTurnDetector
from patter_testing import TurnDetectorSuite

from .conftest import Write


class TestSmartTurnDetector(TurnDetectorSuite):
    @pytest.fixture
    def provider(self, network: Write) -> SmartTurnDetector:
        return SmartTurnDetector(model_path=str(network()), threshold=0.6)
