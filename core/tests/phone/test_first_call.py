"""Before calls come, what they need is there, and nothing else."""

from __future__ import annotations

import subprocess
import sys

import pytest

READY = """
import sys
from patter import Agent, PluginRegistry
from patter.audio.formats import MULAW_8K, PCM16_16K
from patter.phone.first_call import ready_for_calls
from patter_testing.fakes.carrier import FakeCarrier
from patter_testing.fakes.llm import FakeLLM
from patter_testing.fakes.stt import FakeSTT
from patter_testing.fakes.tts import FakeTTS

agent = Agent(
    system_prompt="Be brief.",
    stt=FakeSTT(accepts=({accepts},)),
    llm=FakeLLM(),
    tts=FakeTTS(produces=(MULAW_8K,)),
    vad="none",
)
parts = agent.gather(PluginRegistry.from_environment({{}}, source=()))
carrier = FakeCarrier()
assert carrier.formats == (MULAW_8K,)
before = set(sys.modules)
ready_for_calls(agent, parts, carrier, recording={recording})
print(*sorted({{"numpy", "soxr"}} & (set(sys.modules) - before)))
"""


@pytest.mark.parametrize(
    ("accepts", "recording", "wanted"),
    [
        ("MULAW_8K", False, []),
        ("MULAW_8K", True, ["numpy"]),
        ("PCM16_16K", False, ["numpy", "soxr"]),
    ],
)
def test_numpy_and_soxr_are_there_when_audio_is_converted(
    accepts: str, recording: bool, wanted: list[str]
) -> None:
    code = READY.format(accepts=accepts, recording=recording)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == wanted


def test_a_phone_is_there_without_numpy() -> None:
    code = "import sys; from patter import Patter; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "soxr"} & set(done.stdout.split())
