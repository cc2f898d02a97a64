"""Random small QONNX networks, the same for the same seed: what tests and the recorded benchmark feed the compiler.

Multi-layer perceptrons and convolutional networks over what the compiler accepts: 1- to 8-bit weights, 1- to 4-bit
activations, kernels 1/3/5, strides, dilations, paddings of -1, 0 and +1 (asymmetric ones too), pooling before and after the
quantiser, negative gammas, scales per tensor and per channel, odd channel counts, images that are not square.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from xnorflow.hw.random_writer import Writer
from xnorflow.pixels import PixelNorm

_CHANNELS = (1, 2, 3, 4, 5, 7, 8, 12)
_OPSETS = (11, 13, 17)
_POWER_OF_TWO = PixelNorm(Fraction(1, 256))
_HALF = PixelNorm(Fraction(1, 255), (0.5,), (0.5,))
_NORMS = (PixelNorm(), _POWER_OF_TWO, _HALF, PixelNorm(Fraction(1, 255), (128 / 255,), (128 / 255,)))


def draw(seed: int | np.random.Generator, *, exact: bool = True) -> Any:
    """Draw one network.

    Args:
        seed: a number, or a generator to draw from.
        exact: only power-of-two scales, so that the file's float32 sums are exact in any order (``notes["float_exact"]`` of
            every such network); else any positive ones.

    Returns:
        An ``onnx.ModelProto`` with batch 1, an input of at most 10x10 pixels, at most 12 channels, 2 to 6 classes.
    """
    writer = Writer(np.random.default_rng(seed), exact)
    if writer.chance(0.4):
        _mlp(writer)
    else:
        _convnet(writer)
    return writer.model()


def _mlp(w: Writer) -> None:
    height, width, channels = int(w.rng.integers(1, 7)), int(w.rng.integers(1, 7)), w.pick(1, 1, 3)
    _start(w, (channels, height, width))
    if w.chance(0.5):
        _input_quantiser(w)
        _flatten(w)
    else:
        _flatten(w)
        _input_quantiser(w)
    for _ in range(int(w.rng.integers(1, 4))):
        _dense(w, w.pick(*_CHANNELS))
        _norm(w)
        _activation(w)
        _quantiser(w)
    _head(w)


def _convnet(w: Writer) -> None:
    _start(w, (w.pick(1, 2, 3), int(w.rng.integers(4, 11)), int(w.rng.integers(4, 11))))
    if w.chance(0.8):
        _input_quantiser(w)
    elif w.exact:
        w.norm = _POWER_OF_TWO
    for _ in range(int(w.rng.integers(1, 4))):
        if not _conv(w):
            break
        order = w.pick("none", "none", "before norm", "before quantiser", "after")
        if order == "before norm":
            _pool(w)
        _norm(w)
        if order == "before quantiser":
            _pool(w)
        else:
            _activation(w)
        _quantiser(w)
        if order == "after":
            _pool(w)
    _flatten(w)
    if w.chance(0.3):
        _dense(w, w.pick(*_CHANNELS))
        _norm(w)
        _quantiser(w)
    _head(w)


def _start(w: Writer, shape: tuple[int, ...]) -> None:
    w.input_shape = w.shape = shape
    w.opset = w.pick(*_OPSETS)
    w.norm = w.pick(*_NORMS)


def _input_quantiser(w: Writer) -> None:
    kind = w.pick("int8", "uint8", "bipolar", "int2")
    if kind == "bipolar":
        w.tensor = w.add("Sub", w.const(0.4))
        w.tensor = w.add("BipolarQuant", w.const(1.0))
        w.levels, w.bipolar = 1, True
        return
    signed, bits = kind != "uint8", 2 if kind == "int2" else 8
    scale = 2.0 ** -(bits - 1 if signed else bits)
    w.tensor = w.add("Quant", w.const(scale), w.const(0.0), w.const(bits), signed=int(signed), narrow=0, rounding_mode="ROUND")
    w.levels, w.bipolar = 1 << bits, False


def _weights(w: Writer, shape: tuple[int, ...]) -> str:
    """A quantised weight tensor, output channel first."""
    latent = w.const(w.rng.normal(size=shape))
    scale = w.scale(shape[0], len(shape))
    bits = w.weight_bits = w.pick(1, 1, 1, 2, 3, 4, 8)
    if bits == 1:
        return w.add("BipolarQuant", w.const(scale), source=latent)
    unit = np.float32(scale * (2.0 ** -(bits - 2) if w.exact else 2.5 / (1 << (bits - 1))))
    return w.add("Quant", w.const(unit), w.const(0.0), w.const(bits), source=latent, signed=1, narrow=w.pick(0, 1), rounding_mode="ROUND")


def _dense(w: Writer, rows: int) -> None:
    weights = _weights(w, (rows, w.shape[0]))
    if w.chance(0.5):
        w.tensor = w.add("Gemm", weights, *([w.const(w.rng.integers(-3, 4, rows))] if w.chance(0.5) and w.exact else []), transB=1)
    else:
        w.tensor = w.add("MatMul", w.add("Transpose", source=weights, perm=[1, 0]))
    w.shape = (rows,)


def _conv(w: Writer) -> bool:
    """A convolution that fits, or False."""
    kernel = (w.pick(1, 3, 3, 5), w.pick(3, 3, 5) if w.chance(0.2) else 0)
    size = (kernel[0], kernel[1] or kernel[0])
    dilation = w.pick((1, 1), (1, 1), (1, 1), (2, 2), (1, 2))
    reach = [(k - 1) * d + 1 for k, d in zip(size, dilation, strict=True)]
    pads = _explicit_pads(w, reach)
    padded = [n + pads[i] + pads[i + 2] for i, n in enumerate(w.shape[1:])]
    if any(p < r for p, r in zip(padded, reach, strict=True)):
        return False
    stride = w.pick((1, 1), (1, 1), (2, 2), (2, 1))
    rows = w.pick(*_CHANNELS)
    weights = _weights(w, (rows, w.shape[0], *size))
    value = w.pick(-1.0, 1.0, 0.0) if w.bipolar else 0.0
    outside = value != 0 or w.chance(0.3)
    if outside and any(pads):
        full = [0, 0, *pads[:2], 0, 0, *pads[2:]]
        w.tensor = w.add("Pad", w.const(full, np.int64), w.const(value), mode="constant")
        pads = [0, 0, 0, 0]
    w.tensor = w.add("Conv", weights, kernel_shape=list(size), strides=list(stride), dilations=list(dilation), pads=pads)
    w.shape = (rows, *((p - r) // s + 1 for p, r, s in zip(padded, reach, stride, strict=True)))
    return True


def _explicit_pads(w: Writer, reach: list[int]) -> list[int]:
    """Top, left, bottom, right, each less than the kernel's reach."""
    style = w.pick("none", "same", "same", "free")
    if style == "none" or (w.norm is _HALF and not any(n.op_type == "Quant" for n in w.nodes)):
        return [0, 0, 0, 0]
    if style == "same":
        return [reach[0] // 2, reach[1] // 2, reach[0] // 2, reach[1] // 2]
    return [int(w.rng.integers(0, min(r, 4))) for r in (*reach, *reach)]


def _pool(w: Writer) -> None:
    kernel, stride, pad = w.pick((2, 2, 0), (2, 2, 0), (3, 2, 1), (2, 1, 0), (3, 1, 1))
    if min(w.shape[1:]) + 2 * pad < kernel:
        return
    w.tensor = w.add("MaxPool", kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)
    w.shape = (w.shape[0], *((n + 2 * pad - kernel) // stride + 1 for n in w.shape[1:]))


def _norm(w: Writer) -> None:
    count, axes = w.shape[0], (1, w.shape[0], *(1,) * (len(w.shape) - 1))
    gamma = w.rng.normal(size=count) * w.pick(0.05, 0.3)
    style = w.pick("affine", "batch norm", "scale", "none")
    if style == "affine":
        w.tensor = w.add("Mul", w.const(gamma.reshape(axes)))
        w.tensor = w.add("Add", w.const(w.rng.normal(size=axes)))
    elif style == "batch norm":
        spread = w.rng.uniform(0.5, 20.0 + w.levels, count)
        w.tensor = w.add("BatchNormalization", *(w.const(c) for c in (gamma * 10, w.rng.normal(size=count), w.rng.normal(size=count) * 3, spread)))
    elif style == "scale":
        w.tensor = w.add("Div", w.const(w.pick(2.0, 3.0, -5.0)))


def _activation(w: Writer) -> None:
    kind = w.pick("none", "none", "relu", "leaky", "prelu", "clip")
    if kind == "relu":
        w.tensor = w.add("Relu")
    elif kind == "leaky":
        w.tensor = w.add("LeakyRelu", alpha=0.125)
    elif kind == "prelu":
        slopes = w.rng.uniform(-0.3 if w.levels == w.weight_bits == 1 else 0.0, 0.5, (w.shape[0], *(1,) * (len(w.shape) - 1)))
        w.tensor = w.add("PRelu", w.const(slopes))
    elif kind == "clip":
        w.tensor = w.add("Clip", w.const(-1.0), w.const(w.pick(1.0, 1.5)))


def _quantiser(w: Writer) -> None:
    if w.chance(0.6):
        scale = np.float32(1.0) if w.chance(0.7) else w.scale(1, 1).reshape(())
        w.tensor = w.add("BipolarQuant", w.const(scale))
        w.levels, w.bipolar = 1, bool(scale == 1)
        return
    bits, signed = w.pick(2, 3, 4), w.pick(0, 1)
    scale = np.float32(0.25 if w.exact else w.rng.uniform(0.1, 0.5))
    narrow, mode = w.pick(0, 1) if signed else 0, w.pick("ROUND", "ROUND", "FLOOR", "CEIL")
    w.tensor = w.add("Quant", w.const(scale), w.const(0.0), w.const(bits), signed=signed, narrow=narrow, rounding_mode=mode)
    w.levels, w.bipolar = 1 << bits, False


def _flatten(w: Writer) -> None:
    w.tensor = w.add("Flatten", axis=1) if w.chance(0.5) else w.add("Reshape", w.const([1, -1], np.int64))
    w.shape = (int(np.prod(w.shape)),)


def _head(w: Writer) -> None:
    _dense(w, int(w.rng.integers(2, 7)))
    if w.chance(0.5):
        _norm(w)
