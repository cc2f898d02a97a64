"""What others offer for the layers of benchmarks/cpu.py: PyTorch in four arithmetics, OpenVINO, NumKong.

Each function returns a call without arguments that computes the layer once, on one thread unless said otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt


@dataclass(frozen=True)
class Conv:
    """A 3x3 convolution padded by 1: inputs float32 (N, C, S, S), weights -1 and +1 (M, C, 3, 3)."""

    images: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]

    @classmethod
    def random(cls, batch: int, channels: int, size: int) -> Conv:
        """Normal inputs and random signs, the same every time."""
        rng = np.random.default_rng(0)
        images = rng.normal(size=(batch, channels, size, size)).astype(np.float32)
        return cls(images, rng.choice(np.array([-1, 1], np.float32), (channels, channels, 3, 3)))


def signs(conv: Conv) -> torch.Tensor:
    """The binary convolution by PyTorch in float32, where its small integers are exact."""
    x = torch.from_numpy(np.where(conv.images >= 0, np.float32(1), np.float32(-1)))
    return torch.nn.functional.conv2d(x, torch.from_numpy(conv.weights), padding=1)


def torch_float(conv: Conv, dtype: torch.dtype, memory: torch.memory_format) -> Callable[[], Any]:
    """PyTorch's own convolution."""
    x, w = (torch.from_numpy(array).to(dtype).contiguous(memory_format=memory) for array in (conv.images, conv.weights))
    return lambda: torch.nn.functional.conv2d(x, w, padding=1)


def torch_int8(conv: Conv) -> Callable[[], Any]:
    """PyTorch's quantised convolution, uint8 by int8, packed weights, channels last."""
    x = torch.quantize_per_tensor(torch.from_numpy(conv.images), 0.05, 128, torch.quint8).contiguous(memory_format=torch.channels_last)
    w = torch.quantize_per_tensor(torch.from_numpy(conv.weights), 1.0, 0, torch.qint8)
    packed = torch.ops.quantized.conv2d_prepack(w, None, [1, 1], [1, 1], [1, 1], 1)
    return lambda: torch.ops.quantized.conv2d(x, packed, 1.0, 0)


def openvino_compiled(conv: Conv) -> Any:
    """A compiled OpenVINO model: float32 images, signs by FakeQuantize, BinaryConvolution with zeros in the padding."""
    import openvino as ov
    from openvino import opset1

    data = opset1.parameter(conv.images.shape, ov.Type.f32)
    low, high, zero = (opset1.constant(np.float32(v)) for v in (0.0, 1.0, -1e-30))
    bits = opset1.fake_quantize(data, zero, zero, low, high, 2)
    packed = np.packbits(conv.weights.reshape(-1) > 0, bitorder="little")
    tensor = ov.Tensor(packed, conv.weights.shape, ov.Type.u1)
    filters = ov.op.Constant(tensor, shared_memory=False)
    node = opset1.binary_convolution(bits, filters, [1, 1], [1, 1], [1, 1], [1, 1], "xnor-popcount", 0.0, "explicit")
    settings = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "PERF_COUNT": "YES", "INFERENCE_PRECISION_HINT": "f32"}
    return ov.Core().compile_model(ov.Model([node], [data]), "CPU", settings)


def openvino(conv: Conv) -> tuple[Callable[[], Any], Callable[[], float]]:
    """One inference, and the microseconds that the binary node alone took in the last one."""
    request = openvino_compiled(conv).create_infer_request()
    feed = {0: conv.images}

    def node() -> float:
        return sum(p.real_time.total_seconds() * 1e6 for p in request.profiling_info if p.node_type == "BinaryConvolution")

    return lambda: request.infer(feed)[0], node


def numkong(x: npt.NDArray[np.uint64], weights: npt.NDArray[np.uint64]) -> Callable[[], Any]:
    """Hamming distances of packed vectors (N, words) to packed rows (M, words)."""
    import numkong as nk

    rows = nk.hammings_pack(weights.view(np.uint8), dtype="uint1")
    out = nk.zeros((len(x), len(weights)), dtype="uint32")
    vectors = x.view(np.uint8)
    return lambda: nk.hammings_packed(vectors, rows, out=out)
