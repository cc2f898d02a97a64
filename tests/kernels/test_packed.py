"""Packed arrays hold bit 1 for values of 0 and more, 64 channels a word, and zero tails."""

from __future__ import annotations

import numpy as np
import pytest

from xnorflow import kernels
from xnorflow.errors import BadInputError
from xnorflow.kernels import Packed, Window

WIDTHS = (1, 2, 63, 64, 65, 127, 128, 129, 200)


@pytest.mark.parametrize("channels", WIDTHS)
def test_words_are_the_little_endian_bits_of_the_signs(channels: int, rng: np.random.Generator) -> None:
    values = rng.integers(-3, 4, (5, channels)).astype(np.int8)
    packed = kernels.pack(values)
    expected = np.packbits(values >= 0, axis=1, bitorder="little")
    stored = packed.words.astype("<u8").view(np.uint8)
    assert np.array_equal(stored[:, : expected.shape[1]], expected)
    assert not stored[:, expected.shape[1] :].any()


@pytest.mark.parametrize("channels", WIDTHS)
@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.int32, np.int64])
def test_unpack_inverts_pack(channels: int, dtype: type, rng: np.random.Generator) -> None:
    values = rng.choice(np.array([-1, 1], dtype=dtype), (2, 3, 4, channels))
    restored = kernels.unpack(kernels.pack(values))
    assert restored.dtype == np.int8
    assert np.array_equal(restored, values)


def test_the_extremes_of_a_type_pack_by_their_sign() -> None:
    values = np.array([np.iinfo(np.int64).min, -1, 0, 1, np.iinfo(np.int64).max])
    assert kernels.unpack(kernels.pack(values)).tolist() == [-1, -1, 1, 1, 1]


def test_a_view_that_is_not_contiguous_packs_like_its_copy(rng: np.random.Generator) -> None:
    values = rng.choice(np.array([-1, 1], dtype=np.int8), (70, 6, 4)).transpose(1, 2, 0)[::2]
    assert np.array_equal(kernels.pack(values).words, kernels.pack(values.copy()).words)


@pytest.mark.parametrize("shape", [(0, 5), (3, 0, 70)])
def test_an_empty_batch_packs_to_an_empty_batch(shape: tuple[int, ...]) -> None:
    packed = kernels.pack(np.empty(shape, dtype=np.int8))
    assert packed.shape == shape
    assert kernels.unpack(packed).shape == shape


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (np.ones((2, 3), np.uint8), "array to pack is uint8; accepted are int8, int16, int32, int64"),
        (np.ones((2, 3), np.float32), "array to pack is float32; accepted are int8, int16, int32, int64"),
        (np.ones((2, 3), ">i4"), "array to pack is >i4; accepted are int8, int16, int32, int64"),
        (np.ones((2, 0), np.int8), r"an array of shape (2, 0) cannot be packed; (..., C) with C of 1 or more is accepted"),
        (np.int8(1).reshape(()), r"an array of shape () cannot be packed; (..., C) with C of 1 or more is accepted"),
    ],
)
def test_arrays_that_cannot_be_packed_are_refused(values: np.ndarray, message: str) -> None:
    with pytest.raises(BadInputError) as error:
        kernels.pack(values)
    assert str(error.value) == message


def test_a_bit_set_beyond_the_last_channel_is_refused() -> None:
    with pytest.raises(BadInputError, match="packed array of 5 channels has bits set beyond the last channel"):
        Packed(np.array([[1 << 5]], dtype=np.uint64), 5)


@pytest.mark.parametrize(
    ("words", "channels"), [(np.zeros((2, 1), np.int64), 5), (np.zeros((2, 1), np.uint64), 65), (np.zeros((2, 1), np.uint64), 0)]
)
def test_words_that_do_not_hold_the_channels_are_refused(words: np.ndarray, channels: int) -> None:
    with pytest.raises(BadInputError, match="does not hold"):
        Packed(words, channels)


@pytest.mark.parametrize("channels", [1, 3, 31, 64, 65, 100])
@pytest.mark.parametrize("window", [Window((3, 3)), Window((2, 1), (2, 2), (3, 1)), Window((6, 7)), Window((3, 2), dilation=(1, 3))])
def test_gathered_windows_are_the_taps_side_by_side(channels: int, window: Window, rng: np.random.Generator) -> None:
    x = rng.choice(np.array([-1, 1], dtype=np.int8), (2, 6, 7, channels))
    _, rows, cols = window.count(x.shape)
    expected = np.array(
        [
            [
                [
                    np.concatenate(
                        [
                            image[y * window.stride[0] + i * window.dilation[0], c * window.stride[1] + j * window.dilation[1]]
                            for i in range(window.kernel[0])
                            for j in range(window.kernel[1])
                        ]
                    )
                    for c in range(cols)
                ]
                for y in range(rows)
            ]
            for image in x
        ]
    )
    assert np.array_equal(kernels.unpack(kernels.gather(kernels.pack(x), window)), expected)


def test_a_window_larger_than_the_image_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"kernel \(3, 3\) with dilation \(2, 1\) does not fit an image of 4x4"):
        kernels.gather(kernels.pack(np.ones((1, 4, 4, 2), np.int8)), Window((3, 3), dilation=(2, 1)))


def test_a_kernel_size_of_zero_is_refused() -> None:
    with pytest.raises(BadInputError, match="must be positive"):
        Window((0, 1))
