"""The border table against a convolution written out in loops."""

import numpy as np
import pytest

from xnorflow.hw.graph import StreamType
from xnorflow.hw.lowering.border import border_table
from xnorflow.hw.lowering.float_nodes import Linear
from xnorflow.hw.types import BIPOLAR


def zero_padded(x, weights, pads, stride, dilation):
    """Sum over taps inside the image, one output at a time."""
    height, width, _ = x.shape
    rows = (pads[0] + height + pads[2] - (weights.shape[1] - 1) * dilation[0] - 1) // stride[0] + 1
    cols = (pads[1] + width + pads[3] - (weights.shape[2] - 1) * dilation[1] - 1) // stride[1] + 1
    out = np.zeros((rows, cols, len(weights)), dtype=np.int64)
    for oy in range(rows):
        for ox in range(cols):
            for ky in range(weights.shape[1]):
                for kx in range(weights.shape[2]):
                    y, z = oy * stride[0] + ky * dilation[0] - pads[0], ox * stride[1] + kx * dilation[1] - pads[1]
                    if 0 <= y < height and 0 <= z < width:
                        out[oy, ox] += weights[:, ky, kx] @ x[y, z]
    return out


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3), (5, 5), (3, 5)])
@pytest.mark.parametrize("stride", [(1, 1), (2, 2), (2, 1)])
@pytest.mark.parametrize("dilation", [(1, 1), (2, 1)])
@pytest.mark.parametrize("pads", [(1, 1, 1, 1), (2, 0, 1, 3), (0, 1, 0, 0), (4, 4, 4, 4)])
def test_minus_one_padding_plus_table_is_zero_padding(rng, kernel, stride, dilation, pads):
    x = rng.choice([-1, 1], (9, 10, 3))
    weights = rng.choice([-1, 1], (4, *kernel, 3))
    linear = Linear(
        name="c",
        inputs=("x",),
        outputs=("y",),
        codes=weights,
        weight_type=BIPOLAR,
        scale=np.ones(4, dtype=np.float32),
        stride=stride,
        dilation=dilation,
        pads=pads,
    )
    border = border_table(linear, StreamType((9, 10, 3), BIPOLAR), np.ones(3, dtype=np.int64))
    padded = np.full((9 + pads[0] + pads[2], 10 + pads[1] + pads[3], 3), -1)
    padded[pads[0] : pads[0] + 9, pads[1] : pads[1] + 10] = x
    inner = zero_padded(padded, weights, (0, 0, 0, 0), stride, dilation)
    got = inner + border.table[border.row_class][:, border.col_class]
    assert np.array_equal(got, zero_padded(x, weights, pads, stride, dilation))


def test_a_3x3_kernel_has_nine_classes(rng):
    weights = rng.choice([-1, 1], (2, 3, 3, 1))
    linear = Linear(
        name="c", inputs=("x",), outputs=("y",), codes=weights, weight_type=BIPOLAR, scale=np.ones(2, dtype=np.float32), pads=(1, 1, 1, 1)
    )
    assert border_table(linear, StreamType((8, 8, 1), BIPOLAR), np.ones(1, dtype=np.int64)).table.shape == (3, 3, 2)
