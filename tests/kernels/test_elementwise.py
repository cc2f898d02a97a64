"""Thresholds, tables, pooling and argmax equal their definitions in NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from xnorflow import kernels
from xnorflow.errors import BadInputError
from xnorflow.kernels import Window

DTYPES = (np.uint8, np.int8, np.int16, np.int32, np.int64)


def everything(rng: np.random.Generator, dtype: type, *shape: int) -> np.ndarray:
    """Values of a type with its two ends among them."""
    info = np.iinfo(dtype)
    values = rng.integers(max(info.min, -(2**40)), min(info.max, 2**40), shape, endpoint=True).astype(dtype)
    values.reshape(-1)[:2] = info.min if dtype != np.int64 else -(2**62), info.max
    return values


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("levels", [0, 1, 2, 7])
def test_thresholds_count_the_levels_reached(dtype: type, levels: int, rng: np.random.Generator) -> None:
    x = everything(rng, dtype, 3, 4, 11)
    near = rng.choice(x.reshape(-1).astype(np.int64), (11, levels))
    thresholds, negate = np.sort(near, axis=1), rng.random(11) < 0.5
    thresholds[negate] = np.sort(-thresholds[negate], axis=1)
    signed = np.where(negate, -x.astype(np.int64), x.astype(np.int64))
    expected = -3 + 2 * (signed[..., None] >= thresholds).sum(axis=-1)
    assert np.array_equal(kernels.threshold(x, thresholds, negate, base=-3, step=2), expected)


def test_equal_thresholds_are_all_counted() -> None:
    thresholds = np.array([[5, 5, 5, 9]])
    out = kernels.threshold(np.array([[4], [5], [9]], np.int32), thresholds, np.array([False]), base=0, step=1)
    assert out.reshape(-1).tolist() == [0, 3, 4]


@pytest.mark.parametrize(
    ("thresholds", "negate", "message"),
    [
        (np.array([[2, 1]] * 3), np.zeros(3, bool), "thresholds are not ascending"),
        (np.zeros((4, 1), np.int64), np.zeros(4, bool), "threshold array has shape (4, 1); (3, 1) is accepted"),
        (np.zeros((3, 1), np.int64), np.zeros(2, bool), "negate has shape (2); (3) is accepted"),
        (np.zeros(3, np.int64), np.zeros(3, bool), "thresholds (3,) and negate (3,) must be (C, L) and (C,)"),
    ],
)
def test_thresholds_that_do_not_fit_are_refused(thresholds: np.ndarray, negate: np.ndarray, message: str) -> None:
    with pytest.raises(BadInputError) as error:
        kernels.threshold(np.zeros((2, 3), np.int32), thresholds, negate, base=0, step=1)
    assert str(error.value) == message


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(("dtype", "bits"), [(np.uint8, 8), (np.int8, 3), (np.int8, 8), (np.int16, 10)])
def test_tables_are_addressed_by_the_low_bits(dtype: type, bits: int, shared: bool, rng: np.random.Generator) -> None:
    low, high = (0, 1 << bits) if dtype == np.uint8 else (-(1 << bits - 1), 1 << bits - 1)
    x, values = rng.integers(low, high, (5, 2, 6)).astype(dtype), rng.integers(-(2**40), 2**40, (1 if shared else 6, 1 << bits))
    expected = values[np.zeros(6, dtype=int) if shared else np.arange(6), x.astype(np.int64) % (1 << bits)]
    assert np.array_equal(kernels.look_up(x, values), expected)


@pytest.mark.parametrize("shape", [(2, 8), (3, 6), (1, 0)])
def test_tables_that_do_not_fit_are_refused(shape: tuple[int, int]) -> None:
    with pytest.raises(BadInputError, match="is neither one nor 3 rows of a power of two"):
        kernels.look_up(np.zeros((4, 3), np.uint8), np.zeros(shape, np.int64))


@pytest.mark.parametrize("shape", [(3, 4, 5), (2, 3, 1, 2), (1, 2), (0, 4, 5)])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.int32])
def test_pixels_are_summed_over_their_axis(dtype: type, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    x = everything(rng, dtype, *shape) if np.prod(shape) else np.empty(shape, dtype)
    assert np.array_equal(kernels.sum_pixels(x), x.astype(np.int64).sum(axis=-2))
    assert np.array_equal(kernels.sum_pixels(np.asfortranarray(x)), x.astype(np.int64).sum(axis=-2))


def test_a_vector_has_no_pixels_to_sum() -> None:
    with pytest.raises(BadInputError, match=r"an array of shape \(3,\) has no pixels"):
        kernels.sum_pixels(np.zeros(3, np.int8))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("other", [np.int8, np.uint8, np.int32])
def test_sums_are_exact_and_saturate(dtype: type, other: type, rng: np.random.Generator) -> None:
    a, b = (rng.integers(max(np.iinfo(t).min, -(2**31)), min(np.iinfo(t).max, 2**31), (3, 4, 5), endpoint=True).astype(t) for t in (dtype, other))
    wide = a.astype(np.int64) + b.astype(np.int64)
    assert np.array_equal(kernels.add(a, b, low=-(2**40), high=2**40), wide)
    assert np.array_equal(kernels.add(a, b, low=-5, high=7), np.minimum(np.maximum(wide, -5), 7))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.int32])
def test_products_floor_and_saturate(dtype: type, rng: np.random.Generator) -> None:
    a, b = everything(rng, dtype, 3, 40), everything(rng, np.int16, 3, 40)
    out = kernels.multiply(a, b, shift=3, low=-(2**40), high=2**40)
    held = kernels.multiply(a, b, shift=3, low=-5, high=7)
    for place in np.ndindex(*a.shape):
        wanted = int(a[place]) * int(b[place]) // 8
        assert out[place] == min(max(wanted, -(2**40)), 2**40)
        assert held[place] == min(max(wanted, -5), 7)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.int32])
def test_every_pixel_is_multiplied_by_its_own_frames_gate(dtype: type, rng: np.random.Generator) -> None:
    x, gates = everything(rng, dtype, 3, 2, 4, 5), everything(rng, np.int16, 3, 5)
    out = kernels.gate(x, gates, shift=3, low=-(2**40), high=2**40)
    held = kernels.gate(np.asfortranarray(x), gates, shift=3, low=-5, high=7)
    for place in np.ndindex(*x.shape):
        wanted = int(x[place]) * int(gates[place[0], place[3]]) // 8
        assert out[place] == min(max(wanted, -(2**40)), 2**40)
        assert held[place] == min(max(wanted, -5), 7)


@pytest.mark.parametrize("pieces", [1, 2])
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.int32])
def test_affine_functions_floor_and_saturate(dtype: type, pieces: int, rng: np.random.Generator) -> None:
    x = everything(rng, dtype, 3, 2, 4)
    mul, add = rng.integers(-999, 999, (4, pieces)), rng.integers(-(2**40), 2**40, (4, pieces))
    knee = rng.integers(-9, 200, 4 if pieces == 2 else 0)
    out = kernels.affine(x, mul, add, knee, shift=7, low=-(2**34), high=2**33)
    for place in np.ndindex(*x.shape):
        channel, value = place[-1], int(x[place])
        piece = int(pieces == 2 and value < knee[channel])
        wanted = (int(mul[channel, piece]) * value + int(add[channel, piece])) // 128
        assert out[place] == min(max(wanted, -(2**34)), 2**33)


def test_sums_and_affine_functions_that_do_not_fit_are_refused() -> None:
    x, one = np.zeros((2, 3), np.int8), np.zeros((3, 1), np.int64)
    none = np.zeros(0, np.int64)
    with pytest.raises(BadInputError, match=r"shapes \(2, 3\) and \(3, 2\) are not added"):
        kernels.add(x, x.T, low=0, high=1)
    with pytest.raises(BadInputError, match="limits 2 and 1 do not ascend"):
        kernels.add(x, x, low=2, high=1)
    with pytest.raises(BadInputError, match=r"shapes \(2, 3\) and \(3, 2\) are not multiplied"):
        kernels.multiply(x, x.T, shift=0, low=0, high=1)
    with pytest.raises(BadInputError, match=r"shift -1 is outside 0..63"):
        kernels.multiply(x, x, shift=-1, low=0, high=1)
    with pytest.raises(BadInputError, match="limits 2 and 1 do not ascend"):
        kernels.multiply(x, x, shift=0, low=2, high=1)
    with pytest.raises(BadInputError, match=r"arrays \(2, 3\) and \(2, 3\) must be \(N, H, W, C\) and \(N, C\)"):
        kernels.gate(x, x, shift=0, low=0, high=1)
    with pytest.raises(BadInputError, match=r"gate has shape \(2, 3\); \(1, 3\) is accepted"):
        kernels.gate(x.reshape(1, 1, 2, 3), x, shift=0, low=0, high=1)
    with pytest.raises(BadInputError, match="3 pieces a channel"):
        kernels.affine(x, np.zeros((3, 3), np.int64), np.zeros((3, 3), np.int64), none, shift=0, low=0, high=1)
    with pytest.raises(BadInputError, match=r"knee has shape \(0\); \(3\) is accepted"):
        kernels.affine(x, np.zeros((3, 2), np.int64), np.zeros((3, 2), np.int64), none, shift=0, low=0, high=1)
    with pytest.raises(BadInputError, match=r"shift 64 is outside 0..63"):
        kernels.affine(x, one, one, none, shift=64, low=0, high=1)
    with pytest.raises(BadInputError, match=r"mul \(3,\), add \(3, 1\)"):
        kernels.affine(x, one[:, 0], one, none, shift=0, low=0, high=1)


@pytest.mark.parametrize("dtype", DTYPES)
def test_argmax_takes_the_lowest_index_of_equals(dtype: type, rng: np.random.Generator) -> None:
    x = np.concatenate([rng.integers(0, 3, (50, 10)).astype(dtype), everything(rng, dtype, 5, 10)])
    assert np.array_equal(kernels.arg_max(x), np.argmax(x, axis=-1, keepdims=True))


WINDOWS = (Window((2, 2), (2, 2)), Window((3, 3)), Window((2, 3), (1, 2), (3, 2)), Window((7, 6)), Window())


def pooled(x: np.ndarray, window: Window) -> np.ndarray:
    _, rows, cols = window.count(x.shape)
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    span = [
        [x[:, y * sh : y * sh + (kh - 1) * dh + 1 : dh, c * sw : c * sw + (kw - 1) * dw + 1 : dw].max(axis=(1, 2)) for c in range(cols)]
        for y in range(rows)
    ]
    return np.moveaxis(np.array(span), 2, 0)


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_pooling_takes_the_greatest(dtype: type, window: Window, rng: np.random.Generator) -> None:
    x = everything(rng, dtype, 2, 7, 6, 5)
    out = kernels.max_pool(x, window)
    assert out.dtype == dtype
    assert np.array_equal(out, pooled(x, window))


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("channels", [1, 64, 70])
def test_pooling_of_bits_is_pooling_of_signs(channels: int, window: Window, rng: np.random.Generator) -> None:
    x = np.where(rng.random((2, 7, 6, channels)) < 0.2, 1, -1).astype(np.int8)
    assert np.array_equal(kernels.unpack(kernels.max_pool_bits(kernels.pack(x), window)), pooled(x, window))


def test_empty_batches_stay_empty() -> None:
    x = np.empty((0, 4, 4, 3), np.int16)
    assert kernels.max_pool(x, Window((2, 2))).shape == (0, 3, 3, 3)
    assert kernels.max_pool_bits(kernels.pack(x), Window((2, 2))).shape == (0, 3, 3, 3)
    assert kernels.arg_max(x).shape == (0, 4, 4, 1)
    assert kernels.look_up(x, np.zeros((1, 4), np.int64)).shape == x.shape
    assert kernels.threshold(x, np.zeros((3, 1), np.int64), np.zeros(3, bool), base=0, step=1).shape == x.shape


@pytest.mark.parametrize("call", [kernels.arg_max, lambda x: kernels.look_up(x, np.zeros((1, 4), np.int64)), lambda x: kernels.max_pool(x, Window())])
def test_floats_are_refused(call) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadInputError, match="is float64; accepted are uint8, int8, int16, int32, int64"):
        call(np.zeros((1, 2, 2, 3)))
