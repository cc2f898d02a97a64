from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xnorflow.errors import CheckFailedError
from xnorflow.hw.graph import StreamType
from xnorflow.hw.types import BIPOLAR, IntType
from xnorflow.sim.packing import BeatFormat

TYPES = [BIPOLAR, *(IntType(bits, signed) for bits in range(1, 33) for signed in (False, True))]


def slow_pack(values: np.ndarray, dtype: IntType, lanes: int, beat_bytes: int) -> list[list[int]]:
    """The definition, one Python integer a beat."""
    beats = []
    for start in range(0, values.size, lanes):
        word = 0
        for lane, value in enumerate(values.reshape(-1)[start : start + lanes].tolist()):
            code = int(value > 0) if dtype.bipolar else value % (1 << dtype.bits)
            word |= code << (lane * dtype.bits)
        beats.append(list(word.to_bytes(beat_bytes, "little")))
    return beats


def draw(dtype: IntType, shape: tuple[int, ...], seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    if dtype.bipolar:
        return rng.choice(np.array([-1, 1], dtype=np.int64), size=shape)
    return rng.integers(dtype.minimum, dtype.maximum, size=shape, endpoint=True, dtype=np.int64)


@given(dtype=st.sampled_from(TYPES), lanes=st.integers(1, 9), groups=st.integers(1, 4), seed=st.integers(0, 2**32 - 1))
def test_packing_follows_the_definition_and_unpacking_inverts_it(dtype: IntType, lanes: int, groups: int, seed: int) -> None:
    fmt = BeatFormat(StreamType((2, 3, lanes * groups), dtype), lanes)
    values = draw(dtype, (2, 2, 3, lanes * groups), seed)
    packed = fmt.pack(values)
    assert packed.shape == (2, fmt.beats, fmt.bytes)
    assert packed.reshape(-1, fmt.bytes).tolist() == slow_pack(values, dtype, lanes, fmt.bytes)
    np.testing.assert_array_equal(fmt.unpack(packed), values)


@pytest.mark.parametrize("dtype", [BIPOLAR, IntType(8, False), IntType(3, True), IntType(32, True)], ids=lambda t: t.name)
def test_extreme_values_survive(dtype: IntType) -> None:
    fmt = BeatFormat(StreamType((2,), dtype), 2)
    values = np.array([[dtype.minimum, dtype.maximum]], dtype=np.int64)
    np.testing.assert_array_equal(fmt.unpack(fmt.pack(values)), values)


def test_element_zero_is_in_the_lowest_bits() -> None:
    fmt = BeatFormat(StreamType((4,), IntType(3, False)), 4)
    assert fmt.pack(np.array([[1, 0, 0, 0]]))[0, 0].tolist() == [1, 0]
    assert fmt.pack(np.array([[0, 0, 0, 1]]))[0, 0].tolist() == [0, 2]


def test_a_padding_bit_that_is_set_is_reported_with_beat_and_frame() -> None:
    fmt = BeatFormat(StreamType((6,), IntType(3, False)), 2)
    data = fmt.pack(np.zeros((2, 6), dtype=np.int64))
    data[1, 2, 0] |= 0x40
    with pytest.raises(CheckFailedError, match=r"^beat 2 of frame 1 has bits set above its 6 payload bits$"):
        fmt.unpack(data)


def test_ten_thousand_images_pack_in_seconds() -> None:
    fmt = BeatFormat(StreamType((28, 28, 1), IntType(8, False)), 1)
    images = np.zeros((10_000, 28, 28, 1), dtype=np.int64)
    start = time.process_time()
    fmt.pack(images)
    assert time.process_time() - start < 5
