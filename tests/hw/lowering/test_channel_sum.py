"""A sum of pixels without a matrix is the convolution with the identity that it stands for."""

from __future__ import annotations

import numpy as np
import pytest

from xnorflow.hw.lowering.channel_sum import ChannelSum
from xnorflow.hw.lowering.float_nodes import Linear

KERNELS = [(1, 1), (2, 2), (3, 5)]


def pair(kernel: tuple[int, int]) -> tuple[ChannelSum, Linear]:
    sums = ChannelSum.over(kernel, 3, np.float32(0.375), name="sum", inputs=("x",), outputs=("y",), stride=(2, 1))
    fields = {"name": "dense", "inputs": ("x",), "outputs": ("y",), "stride": (2, 1)}
    return sums, Linear(codes=np.array(sums.codes), weight_type=sums.weight_type, scale=sums.scale, **fields)


@pytest.mark.parametrize("kernel", KERNELS)
def test_it_computes_what_the_dense_convolution_does(kernel: tuple[int, int]) -> None:
    sums, dense = pair(kernel)
    x = np.random.default_rng(1).integers(-500, 500, (2, 6, 7, 3)) * 0.25
    windows = dense.windows(x)
    assert np.array_equal(sums.product(windows), dense.product(windows))
    assert np.array_equal(sums.magnitude(windows), dense.magnitude(windows))
    assert np.array_equal(sums.magnitudes(), dense.magnitudes())
    assert np.array_equal(sums.execute((x,))[0], dense.execute((x,))[0])
    for values in (np.array([5]), np.array([1, -2, 7])):
        assert np.array_equal(sums.code_sums(values), dense.code_sums(values))
        assert np.array_equal(sums.weight_sums(values * 0.5), dense.weight_sums(values * 0.5))
    assert sums.only_adds == dense.only_adds == (kernel != (1, 1))


def test_one_of_a_large_image_takes_no_memory_for_its_window() -> None:
    sums = ChannelSum.over((112, 112), 128, np.float32(1), name="sum", inputs=("x",), outputs=("y",))
    assert sums.codes.shape == (128, 112, 112, 128)
    assert sums.codes.strides[1:3] == (0, 0)
    assert sums.alone().codes.size == 112 * 112
