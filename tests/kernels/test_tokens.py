"""The token model beside tests/hw/test_schedule.py, where its times are compared with a simulation cycle by cycle."""

from __future__ import annotations

import numpy as np
import pytest

from xnorflow.errors import BadInputError
from xnorflow.kernels import TokenLink, TokenModel

FAR = 1 << 40
BEATS = 30_000  # more than are kept


def elementwise(taken: int, made: int, *, room: int, latency: int = 2, gap: int = 1) -> TokenLink:
    index = np.arange(BEATS, dtype=np.int64)
    return TokenLink(index + 1, index - room, np.broadcast_to(np.int64(gap), BEATS), latency, 0, taken, made)


CHAIN = [elementwise(0, 1, room=3), elementwise(1, 2, room=FAR, latency=1), elementwise(2, 3, room=1, gap=2)]


def test_a_fifo_holds_what_was_written_and_not_read_before() -> None:
    """The source is twice as fast as the last cell, and nothing but the unlimited FIFO holds it back."""
    model = TokenModel(CHAIN, 4, watches=[(1, 2)], keep=True)
    assert model.run(2, 1 << 40)
    written, read = model.times[1], model.times[2]
    assert model.held == (int((np.arange(len(written)) - np.searchsorted(read, written)).max()),)
    assert model.held[0] > BEATS // 2


def test_times_that_are_forgotten_change_nothing() -> None:
    kept, forgetful = (TokenModel(CHAIN, 4, watches=[(1, 2)], keep=keep) for keep in (True, False))
    assert kept.run(5, 1 << 40)
    assert forgetful.run(5, 1 << 40)
    assert np.array_equal(kept.frame_ends, kept.times[3].reshape(5, -1)[:, -1])
    assert np.array_equal(kept.frame_ends, forgetful.frame_ends)
    assert kept.held == forgetful.held
    assert forgetful.times == ()


def test_going_on_equals_starting_anew() -> None:
    once, twice = (TokenModel(CHAIN, 4, watches=[(1, 2)], source_interval=70_000) for _ in range(2))
    assert once.run(4, 1 << 40)
    assert all(twice.run(frames, 1 << 40) for frames in (1, 2, 4))
    assert np.array_equal(once.frame_ends, twice.frame_ends)
    assert once.held == twice.held


def test_a_transfer_beyond_the_limit_is_told() -> None:
    model = TokenModel(CHAIN, 4)
    assert model.run(1, 1 << 40)
    end = int(model.frame_ends[0])
    assert TokenModel(CHAIN, 4).run(1, end)
    assert not TokenModel(CHAIN, 4).run(1, end - 1)


@pytest.mark.parametrize(
    ("links", "streams", "message"),
    [
        (CHAIN[:1], 1, "names no stream"),
        (CHAIN[:1], 3, "has no cell"),
        ([CHAIN[0], TokenLink(*(np.ones(3, dtype=np.int64),) * 3, 1, 0, 1, 2)], 3, "count different beats"),
        ([], 0, "no streams"),
    ],
)
def test_links_that_do_not_fit_are_refused(links: list[TokenLink], streams: int, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        TokenModel(links, streams)
