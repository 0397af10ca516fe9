"""An ONNX network that takes what Smart Turn takes: its answer grows with the mean of the last
second of its features."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

# Old enough for every onnxruntime that is allowed.
OPSET, IR = 13, 8


def write(
    path: Path,
    *,
    shape: Sequence[int | str] = ("batch", 80, 800),
    gain: float = 2.0,
    bias: float = 1.0,
    sigmoid: bool = True,
    name: str = "input_features",
    answers: int = 1,
    inputs: int = 1,
) -> Path:
    """Write the network to *path*: sigmoid(*gain* * mean + *bias*), *answers* times."""
    numbers = {
        "from": np.array([700]),
        "to": np.array([800]),
        "time": np.array([2]),
        "gain": np.array(gain, np.float32),
        "bias": np.full((1, answers), bias, np.float32),
    }
    last = "sum" if sigmoid else "answer"
    nodes = [
        helper.make_node("Slice", [name, "from", "to", "time"], ["late"]),
        helper.make_node("ReduceMean", ["late"], ["column"], axes=[1, 2], keepdims=0),
        helper.make_node("Unsqueeze", ["column", "one"], ["mean"]),
        helper.make_node("Mul", ["mean", "gain"], ["scaled"]),
        helper.make_node("Add", ["scaled", "bias"], [last]),
    ]
    numbers["one"] = np.array([1])
    if sigmoid:
        nodes.append(helper.make_node("Sigmoid", ["sum"], ["answer"]))
    floats = TensorProto.FLOAT
    taken = [helper.make_tensor_value_info(name, floats, shape)]
    taken += [helper.make_tensor_value_info(f"more_{i}", floats, [1]) for i in range(1, inputs)]
    given = [helper.make_tensor_value_info("answer", floats, ["batch", answers])]
    constants = [numpy_helper.from_array(value, key) for key, value in numbers.items()]
    graph = helper.make_graph(nodes, "tiny", taken, given, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR)
    checker.check_model(model)
    save(model, str(path))
    return path
