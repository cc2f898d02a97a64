"""A table is addressed by the bit pattern of its input on the wire."""

from __future__ import annotations

import numpy as np
import pytest

from xnorflow.errors import BadInputError
from xnorflow.hw.graph import StreamType
from xnorflow.hw.nodes import Table
from xnorflow.hw.types import BIPOLAR, IntType


def table(size: int) -> Table:
    return Table(name="t", inputs=("x",), outputs=("y",), values=np.arange(size)[None], out_type=IntType(8, signed=False))


@pytest.mark.parametrize("dtype", [BIPOLAR, IntType(1, signed=False), IntType(2, signed=True), IntType(3, signed=True), IntType(4, signed=False)])
def test_the_address_is_the_encoding_of_the_stream_type(dtype: IntType) -> None:
    values = np.array([[-1], [1]]) if dtype.bipolar else np.arange(dtype.minimum, dtype.maximum + 1)[:, None]
    node = table(1 << dtype.bits)
    node.infer((StreamType((1,), dtype),))
    assert np.array_equal(node.execute((values,))[0], dtype.encode(values).astype(np.int64))


def test_a_stream_of_int1_is_refused_because_its_values_do_not_tell_its_pattern() -> None:
    with pytest.raises(BadInputError, match="node t: Table takes BIPOLAR or UINT1 as one-bit input, not INT1"):
        table(2).infer((StreamType((3,), IntType(1, signed=True)),))
