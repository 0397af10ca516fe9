"""A Smart Turn network in one onnxruntime session, shared by every call of the process.

What is wrong with a file is said when it is loaded: by then it has judged a window of silence, so
a call meets a network that is known to work, and that is warm.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs
import numpy as np

from patter.env import preset
from patter.errors import PatterConfigError, ProviderError
from patter_smart_turn._mel import BANDS, FRAMES, Floats, last_window, log_mel

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped]

_FIX = "give model_path the file of a Smart Turn v3 model, such as smart-turn-v3.2-cpu.onnx"


@attrs.frozen(eq=False)
class Model:
    """A loaded network: *session* takes its features as *input*."""

    session: InferenceSession
    input: str

    def probability(self, pcm: bytes) -> float:
        """How likely the turn in *pcm* (16-bit, 16 kHz) is finished. Blocks for some 100 ms."""
        return self.answer(log_mel(last_window(pcm)))

    def answer(self, features: Floats) -> float:
        """What the network says of *features*. Raises ProviderError if it is no probability."""
        answers = np.asarray(self.session.run(None, {self.input: features[np.newaxis]})[0])
        if answers.size != 1 or not 0 <= (likely := float(answers.reshape(()))) <= 1:
            raise ProviderError(
                f"the Smart Turn model answers {answers.ravel()[:4].tolist()}, and not one "
                "probability",
                fix=_FIX,
            )
        return likely


@cache
def load(path: Path) -> Model:
    """The network in the file *path*, made once a process. Raises PatterConfigError."""
    session = _session(path)
    inputs = session.get_inputs()
    shapes = [(each.type, list(each.shape)[-2:]) for each in inputs]
    if shapes != [("tensor(float)", [BANDS, FRAMES])]:
        raise PatterConfigError(
            f"{path} takes {', '.join(map(_described, inputs))}, and not the {BANDS} x {FRAMES} "
            "features of 8 s of audio",
            fix=_FIX,
        )
    model = Model(session, inputs[0].name)
    try:
        model.answer(log_mel(last_window(b"")))
    except Exception as broken:
        raise PatterConfigError(f"{path} cannot judge a turn: {broken}", fix=_FIX) from broken
    return model


@cache
def workers() -> ThreadPoolExecutor:
    """The threads that judge, for all calls of the process: one for every two processors.

    Each judgement keeps a processor busy, and calls need one too.
    """
    count = max(1, (os.cpu_count() or 1) // 2)
    return ThreadPoolExecutor(count, thread_name_prefix="smart-turn")


def _session(path: Path) -> InferenceSession:
    if not path.is_file():
        raise PatterConfigError(f"there is no Smart Turn model at {path}", fix=_FIX)
    # From 1.29 on it keeps an id of this machine and reports to its makers, from its import on.
    preset("ORT_DISABLE_TELEMETRY", "1")
    from onnxruntime import InferenceSession, SessionOptions

    options = SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as unreadable:
        raise PatterConfigError(f"{path} is not an ONNX model", fix=_FIX) from unreadable


def _described(argument: Any) -> str:
    return f"{argument.name} {argument.type} {list(argument.shape)}"
