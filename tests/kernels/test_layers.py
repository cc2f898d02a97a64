"""Every kernel table computes what a sum over taps in NumPy computes, for any width, window, border and threshold."""

from __future__ import annotations

import numpy as np
import pytest

from xnorflow import kernels
from xnorflow.errors import BadInputError
from xnorflow.kernels import BitThresholds, Borders, IntLayer, Packed, Window, XnorLayer

WIDTHS = (1, 2, 63, 64, 65, 100, 127, 128, 129, 200)
HEIGHTS = (1, 3, 31, 32, 33, 65)
WINDOWS = (
    Window(),
    Window((3, 3)),
    Window((5, 5), (2, 2)),
    Window((3, 3), dilation=(2, 2)),
    Window((1, 3), (1, 2), (1, 3)),
    Window((2, 1), (3, 1), (4, 1)),
    Window((9, 8)),
)


def bipolar(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.choice(np.array([-1, 1]), shape)


def convolve(x: np.ndarray, weights: np.ndarray, window: Window) -> np.ndarray:
    """The definition, tap by tap, in int64."""
    (kh, kw), (sh, sw), (dh, dw) = window.kernel, window.stride, window.dilation
    taps = weights.reshape(len(weights), kh, kw, x.shape[-1])
    rows, cols = (x.shape[1] - (kh - 1) * dh - 1) // sh + 1, (x.shape[2] - (kw - 1) * dw - 1) // sw + 1
    acc = np.zeros((len(x), rows, cols, len(weights)), dtype=np.int64)
    for i in range(kh):
        for j in range(kw):
            part = x[:, i * dh : i * dh + (rows - 1) * sh + 1 : sh, j * dw : j * dw + (cols - 1) * sw + 1 : sw].astype(np.int64)
            acc += part @ taps[:, i, j].T.astype(np.int64)
    return acc


@pytest.mark.parametrize("mw", WIDTHS)
@pytest.mark.parametrize("mh", HEIGHTS)
def test_xnor_vectors_equal_the_sum_of_products(isa: str, mw: int, mh: int, rng: np.random.Generator) -> None:
    x, weights = bipolar(rng, 6, 1, 1, mw), bipolar(rng, mh, mw)
    acc = XnorLayer(weights, mw, isa=isa).accumulate(kernels.pack(x))
    assert acc.dtype == np.int32
    assert np.array_equal(acc, convolve(x, weights, Window()))


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("channels", [1, 3, 64, 70])
def test_xnor_convolutions_equal_the_sum_over_taps(isa: str, channels: int, window: Window, rng: np.random.Generator) -> None:
    x, weights = bipolar(rng, 2, 9, 8, channels), bipolar(rng, 9, window.kernel[0] * window.kernel[1] * channels)
    acc = XnorLayer(weights, channels, window, isa=isa).accumulate(kernels.pack(x))
    assert np.array_equal(acc, convolve(x, weights, window))


@pytest.mark.parametrize("window", WINDOWS, ids=str)
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.int32, np.int64])
def test_integer_convolutions_equal_the_sum_over_taps(isa: str, dtype: type, window: Window, rng: np.random.Generator) -> None:
    low, high = (0, 256) if dtype == np.uint8 else (-128, 128)
    x, weights = rng.integers(low, high, (2, 9, 8, 3)).astype(dtype), rng.integers(-128, 128, (35, window.kernel[0] * window.kernel[1] * 3))
    assert np.array_equal(IntLayer(weights, 3, window, isa=isa).accumulate(x), convolve(x, weights, window))


@pytest.mark.parametrize("channels", [1, 63, 64, 65])
def test_integer_layers_take_packed_images(isa: str, channels: int, rng: np.random.Generator) -> None:
    x, weights, window = bipolar(rng, 2, 5, 5, channels), rng.integers(-8, 8, (17, 9 * channels)), Window((3, 3))
    assert np.array_equal(IntLayer(weights, channels, window, isa=isa).accumulate(kernels.pack(x)), convolve(x, weights, window))


@pytest.mark.parametrize("integer", [False, True])
def test_the_border_table_makes_zero_padding_exact(isa: str, integer: bool, rng: np.random.Generator) -> None:
    """Pads with -1, adds the padded taps' weights back, and compares with a convolution over real zeros."""
    x, weights, window = bipolar(rng, 2, 5, 6, 7), bipolar(rng, 20, 9 * 7), Window((3, 3))
    rows, cols = (np.array([0] + [1] * (size - 2) + [2]) for size in (5, 6))
    outside = np.zeros((3, 3, 3, 3), dtype=bool)  # row class, column class, kernel row, kernel column
    outside[0, :, 0], outside[2, :, 2] = True, True
    outside[:, 0, :, 0], outside[:, 2, :, 2] = True, True
    table = np.einsum("rcij,mijk->rcm", outside.astype(np.int64), weights.reshape(20, 3, 3, 7))
    layer = (IntLayer if integer else XnorLayer)(weights, 7, window, borders=Borders(rows, cols, table), isa=isa)
    margin = ((0, 0), (1, 1), (1, 1), (0, 0))
    acc = layer.accumulate(kernels.pack(np.pad(x, margin, constant_values=-1)))
    assert np.array_equal(acc, convolve(np.pad(x, margin), weights, window))


@pytest.mark.parametrize("mh", HEIGHTS)
@pytest.mark.parametrize("mw", [1, 65, 130])
def test_bits_are_the_accumulators_behind_their_thresholds(isa: str, mh: int, mw: int, rng: np.random.Generator) -> None:
    x, weights = bipolar(rng, 9, 1, 1, mw), bipolar(rng, mh, mw)
    thresholds, negate = rng.integers(-mw - 2, mw + 3, mh), rng.random(mh) < 0.5
    acc = convolve(x, weights, Window())
    expected = np.where(np.where(negate, -acc, acc) >= thresholds, 1, -1)
    bits = XnorLayer(weights, mw, isa=isa).bits(kernels.pack(x), BitThresholds(thresholds, negate))
    assert np.array_equal(kernels.unpack(bits), expected)
    integer = IntLayer(weights, mw, isa=isa).bits(x.astype(np.int8), BitThresholds(thresholds, negate))
    assert np.array_equal(integer.words, bits.words)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16, np.int32])
@pytest.mark.parametrize("channels", [1, 3, 64, 65, 130])
def test_the_signs_of_integers_are_their_thresholds(isa: str, channels: int, dtype: type, rng: np.random.Generator) -> None:
    info = np.iinfo(dtype)
    x = rng.integers(info.min, info.max, (3, 200, channels), endpoint=True).astype(dtype)
    x[0, 0, 0], x[0, 1, 0] = info.min, info.max
    thresholds, negate = rng.choice(x.reshape(-1), channels).astype(np.int64), rng.random(channels) < 0.5
    thresholds[negate] *= -1
    wide = x.astype(np.int64)
    bits = BitThresholds(thresholds, negate).bits(x, isa=isa)
    assert np.array_equal(kernels.unpack(bits), np.where(np.where(negate, -wide, wide) >= thresholds, 1, -1))


@pytest.mark.parametrize("mh", HEIGHTS)
@pytest.mark.parametrize("mw", [1, 65, 130])
def test_floats_are_scaled_accumulators_rounded_operation_by_operation(isa: str, mh: int, mw: int, rng: np.random.Generator) -> None:
    x, weights = bipolar(rng, 9, 1, 1, mw), bipolar(rng, mh, mw)
    scale, bias = rng.normal(size=mh).astype(np.float32), rng.normal(size=mh).astype(np.float32)
    expected = convolve(x, weights, Window()).astype(np.float32) * scale + bias
    layer = XnorLayer(weights, mw, isa=isa)
    floats = layer.floats(kernels.pack(x), layer.scales(scale, bias))
    assert floats.dtype == np.float32
    assert np.array_equal(floats, expected)


def random_layer(rng: np.random.Generator, isa: str) -> tuple[XnorLayer, Packed, np.ndarray]:
    """A binary convolution of any size, stride, dilation and border table, images for it, and their accumulators."""
    window = Window(*(tuple(int(v) for v in rng.integers(1, top, 2)) for top in (5, 4, 4)))
    (kh, kw), (dh, dw) = window.kernel, window.dilation
    height, width = int(rng.integers(1, 6)) + (kh - 1) * dh, int(rng.integers(1, 14)) + (kw - 1) * dw
    channels, mh = int(rng.choice([1, 5, 63, 64, 65, 128, 190])), int(rng.choice([1, 7, 16, 33, 64, 65, 130]))
    x, weights = bipolar(rng, int(rng.integers(1, 4)), height, width, channels), bipolar(rng, mh, kh * kw * channels)
    acc, borders = convolve(x, weights, window), None
    if rng.random() < 0.5:
        rows, cols = (np.unique(rng.integers(0, 3, size), return_inverse=True)[1] for size in acc.shape[1:3])
        borders = Borders(rows, cols, rng.integers(-99, 100, (rows.max() + 1, cols.max() + 1, mh)))
        acc = acc + borders.table[rows][:, cols]
    return XnorLayer(weights, channels, window, borders=borders, isa=isa), kernels.pack(x), acc


@pytest.mark.parametrize("seed", range(10))
def test_random_layers_on_one_and_more_threads_equal_the_definition(isa: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    for case in range(4 if isa == "reference" else 40):
        layer, packed, acc = random_layer(rng, isa)
        thresholds, negate = rng.integers(-40, 40, layer.mh), rng.random(layer.mh) < 0.5
        scale, bias = (rng.normal(size=layer.mh).astype(np.float32) for _ in range(2))
        signs = np.where(np.where(negate, -acc, acc) >= thresholds, 1, -1)
        for threads in (1, 2, 3):
            assert np.array_equal(layer.accumulate(packed, threads=threads), acc), case
            assert np.array_equal(layer.bits(packed, BitThresholds(thresholds, negate), threads=threads).words, kernels.pack(signs).words), case
            assert np.array_equal(layer.floats(packed, layer.scales(scale, bias), threads=threads), acc.astype(np.float32) * scale + bias), case


def test_more_words_than_sixteen_bits_count_are_counted(isa: str, rng: np.random.Generator) -> None:
    """Every product disagrees, so that no counter may be narrower than the number of channels."""
    channels = 70_000 if isa != "reference" else 300
    x, weights = bipolar(rng, 5, 1, 1, channels), bipolar(rng, 2, channels)
    x[:4] = -weights[0]
    acc = XnorLayer(weights, channels, isa=isa).accumulate(kernels.pack(x))
    assert np.array_equal(acc, convolve(x, weights, Window()))


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int16])
def test_weights_and_values_at_the_ends_of_int16_are_multiplied_exactly(isa: str, dtype: type, rng: np.random.Generator) -> None:
    """A pair of the least int16 squared is 2^31: one more than int32 holds, and the same modulo 2^32."""
    info = np.iinfo(dtype)
    x, weights = rng.choice([info.min, info.max], (5, 1, 1, 3)).astype(dtype), rng.choice([-(2**15), 2**15 - 1], (19, 3))
    expected = convolve(x, weights, Window()).astype(np.uint64).astype(np.uint32).view(np.int32)
    assert np.array_equal(IntLayer(weights, 3, isa=isa).accumulate(x), expected)


def test_a_number_of_threads_below_one_is_refused() -> None:
    with pytest.raises(BadInputError, match="0 threads were asked for; 1 to 1024 are accepted"):
        XnorLayer(np.ones((4, 9), dtype=np.int64), 9).accumulate(kernels.pack(np.ones((1, 1, 1, 9), np.int8)), threads=0)


def test_bits_leave_the_tail_empty(isa: str, rng: np.random.Generator) -> None:
    always = BitThresholds(np.full(70, -1000), np.zeros(70, dtype=bool))
    bits = XnorLayer(bipolar(rng, 70, 9), 9, isa=isa).bits(kernels.pack(bipolar(rng, 3, 1, 1, 9)), always)
    assert bits.words.reshape(3, 2).tolist() == [[2**64 - 1, 2**6 - 1]] * 3


EXTREMES = [-(2**63), -(2**33), -(2**31) - 1, -(2**31), -(2**31) + 1, -1, 0, 1, 2**31 - 1, 2**31, 2**31 + 1, 2**33, 2**63 - 1]


@pytest.mark.parametrize("value", [-(2**31), -(2**31) + 1, -1, 0, 1, 2**31 - 1])
def test_thresholds_beyond_the_accumulator_mean_always_or_never(isa: str, value: int) -> None:
    """A layer of one weight whose accumulator is the value itself, before every extreme threshold, negated and not."""
    thresholds, negate = np.array(EXTREMES * 2), np.array([False] * len(EXTREMES) + [True] * len(EXTREMES))
    layer = IntLayer(np.ones((len(thresholds), 1), dtype=np.int64), 1, isa=isa)
    bits = kernels.unpack(layer.bits(np.full((1, 1, 1, 1), value, dtype=np.int32), BitThresholds(thresholds, negate)))
    expected = [1 if (-value if flip else value) >= limit else -1 for limit, flip in zip(EXTREMES * 2, negate, strict=True)]
    assert bits.reshape(-1).tolist() == expected


@pytest.mark.parametrize(("x", "weights", "total"), [(255, 127, 2**31 - 1), (255, -128, -(2**31)), (-128, 127, -(2**31)), (-128, -128, 2**31 - 1)])
def test_integer_accumulators_reach_the_ends_of_int32(isa: str, x: int, weights: int, total: int) -> None:
    """As many extreme products as fit, so that one more would leave int32."""
    count = total // (x * weights)
    image = np.full((1, 1, 1, count), x, dtype=np.int16)
    acc = IntLayer(np.full((1, count), weights), count, isa=isa).accumulate(image)
    assert acc.item() == count * x * weights
    assert abs(total - acc.item()) < abs(x * weights)


@pytest.mark.parametrize("sign", [-1, 1])
def test_xnor_accumulators_reach_their_limits(isa: str, sign: int) -> None:
    mw = 5000
    acc = XnorLayer(np.ones((3, mw), dtype=np.int64), mw, isa=isa).accumulate(kernels.pack(np.full((2, 1, 1, mw), sign, dtype=np.int8)))
    assert acc.reshape(-1).tolist() == [sign * mw] * 6


def test_many_windows_cross_the_chunks_of_the_driver(rng: np.random.Generator, isa: str) -> None:
    """More windows than one chunk holds, in images whose rows end inside a tile, with a border and thresholds."""
    x, weights, window = bipolar(rng, 3, 13, 11, 2), bipolar(rng, 5, 2), Window()
    borders = Borders(np.arange(13), np.arange(11), rng.integers(-3, 4, (13, 11, 5)))
    expected = convolve(x, weights, window) + borders.table
    layer, packed = XnorLayer(weights, 2, window, borders=borders, isa=isa), kernels.pack(x)
    assert np.array_equal(layer.accumulate(packed), expected)
    bits = kernels.unpack(layer.bits(packed, BitThresholds(np.zeros(5, dtype=np.int64), np.zeros(5, dtype=bool))))
    assert np.array_equal(bits, np.where(expected >= 0, 1, -1))


def test_an_empty_batch_gives_an_empty_batch(isa: str, rng: np.random.Generator) -> None:
    packed = kernels.pack(np.empty((0, 4, 4, 3), dtype=np.int8))
    limits = BitThresholds(np.zeros(5, dtype=np.int64), np.zeros(5, dtype=bool))
    for layer in (XnorLayer(bipolar(rng, 5, 27), 3, Window((3, 3)), isa=isa), IntLayer(bipolar(rng, 5, 27), 3, Window((3, 3)), isa=isa)):
        assert layer.accumulate(packed).shape == (0, 2, 2, 5)
        assert layer.bits(packed, limits).shape == (0, 2, 2, 5)
    assert limits.bits(np.empty((0, 5), np.int8), isa=isa).shape == (0, 5)


def test_views_that_are_not_contiguous_are_read_right(isa: str, rng: np.random.Generator) -> None:
    x, weights = rng.integers(0, 256, (3, 4, 8, 12)).astype(np.uint8).transpose(0, 2, 3, 1)[:, ::2], rng.integers(-5, 6, (20, 6)).T[:, ::5]
    assert np.array_equal(IntLayer(weights, 4, isa=isa).accumulate(x), convolve(x, weights, Window()))
    bits = kernels.pack(bipolar(rng, 4, 6, 3, 9))
    view = Packed(bits.words[::2, ::-1], 9)
    binary = bipolar(rng, 6, 9)
    assert np.array_equal(XnorLayer(binary, 9, isa=isa).accumulate(view), convolve(kernels.unpack(view), binary, Window()))


ONES = np.ones((4, 9), dtype=np.int64)


def test_scales_of_another_layer_are_refused() -> None:
    one, other = XnorLayer(ONES, 9), XnorLayer(ONES[:3], 9)
    scales = other.scales(np.ones(3, np.float32), np.ones(3, np.float32))
    with pytest.raises(BadInputError, match="the outputs were prepared for another layer or type"):
        one.floats(kernels.pack(np.ones((1, 1, 1, 9), np.int8)), scales)


def test_new_thresholds_replace_the_ones_of_the_call_before(rng: np.random.Generator) -> None:
    layer, x = XnorLayer(bipolar(rng, 4, 9), 9), kernels.pack(bipolar(rng, 5, 1, 1, 9))
    never, always = (BitThresholds(np.full(4, level), np.zeros(4, dtype=bool)) for level in (10, -10))
    assert [kernels.unpack(layer.bits(x, limits)).sum() for limits in (never, always, never)] == [-20, 20, -20]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: XnorLayer(ONES * 0, 9), "a bipolar weight is neither -1 nor +1"),
        (lambda: XnorLayer(ONES * 300, 9), "bipolar weights holds values outside int8"),
        (lambda: XnorLayer(ONES * 1.5, 9), "bipolar weights is float64; integers are accepted"),
        (lambda: IntLayer(ONES * 2**31, 9), "integer weights holds values outside int32"),
        (lambda: XnorLayer(ONES[0], 9), "weights have shape (9,); (MH, KH*KW*C) is accepted"),
        (lambda: XnorLayer(ONES[:0], 9), "weights have no rows"),
        (lambda: XnorLayer(ONES, 8), "weight matrix has shape (4, 9); (4, 8) is accepted"),
        (lambda: IntLayer(ONES, 0), "channels must be positive, not 0"),
        (lambda: XnorLayer(ONES, 9, isa="mmx"), "instruction set 'mmx' is unknown or not supported by this CPU; accepted are auto, "),
        (
            lambda: XnorLayer(ONES, 9, borders=Borders(np.array([0, 1]), np.array([0]), np.zeros((1, 1, 4), np.int64))),
            "border table of shape (1, 1, 4) does not fit its classes and 4 rows of weights",
        ),
        (
            lambda: XnorLayer(ONES, 9, borders=Borders(np.array([-1, 0]), np.array([0]), np.zeros((1, 1, 4), np.int64))),
            "border table of shape (1, 1, 4) does not fit its classes and 4 rows of weights",
        ),
        (lambda: XnorLayer(ONES, 9).accumulate(np.ones((1, 1, 1, 9), np.int8)), "images are int8; a binary layer takes packed ones"),
        (lambda: IntLayer(ONES, 9).accumulate(np.ones((1, 1, 1, 9), np.float32)), "images is float32; accepted are uint8, int8, int16, int32, int64"),
        (lambda: IntLayer(ONES, 9).accumulate(np.ones((1, 1, 1, 8), np.uint8)), "images have 8 channels; the layer takes 9"),
        (lambda: IntLayer(ONES, 9).accumulate(np.ones((1, 9), np.uint8)), "images have shape (1, 9); (N, H, W, C) is accepted"),
        (
            lambda: IntLayer(ONES, 1, Window((3, 3))).accumulate(np.ones((1, 2, 3, 1), np.uint8)),
            "kernel (3, 3) with dilation (1, 1) does not fit an image of 2x3",
        ),
        (
            lambda: IntLayer(ONES, 9).bits(np.ones((1, 1, 1, 9), np.uint8), BitThresholds(np.zeros(5, np.int64), np.zeros(5, bool))),
            "5 thresholds do not fit 4 channels",
        ),
        (lambda: BitThresholds(np.zeros(5, np.int64), np.zeros(4, bool)), "thresholds (5,) and negate (4,) must both be (C,) with C of 1 or more"),
        (lambda: BitThresholds(np.zeros(0, np.int64), np.zeros(0, bool)), "thresholds (0,) and negate (0,) must both be (C,) with C of 1 or more"),
        (
            lambda: BitThresholds(np.zeros(5, np.int64), np.zeros(5, bool)).bits(np.zeros((2, 4), np.int8)),
            "an array of shape (2, 4) does not fit 5 thresholds",
        ),
        (
            lambda: BitThresholds(np.zeros(5, np.int64), np.zeros(5, bool)).bits(np.zeros((2, 5))),
            "array is float64; accepted are uint8, int8, int16, int32",
        ),
        (lambda: BitThresholds(np.zeros(5), np.zeros(5, bool)), "thresholds is float64; integers are accepted"),
        (
            lambda: IntLayer(ONES, 9, borders=Borders(np.zeros(2, np.int64), np.zeros(1, np.int64), np.zeros((1, 1, 4), np.int64))).accumulate(
                np.ones((1, 3, 1, 9), np.uint8)
            ),
            "border classes do not fit an output of 3x1",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(make, message: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadInputError) as error:
        make()
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
