from __future__ import annotations

import pytest
import torch

from xnorflow.errors import BadInputError
from xnorflow.qat.data.order import ShuffledBatches


def numbers(batches: ShuffledBatches) -> torch.Tensor:
    return torch.stack([key.images[key.halo :] for key in batches])


def test_an_epoch_shows_each_image_at_most_once_in_an_order_of_its_own() -> None:
    batches = ShuffledBatches(50, 8, seed=3)
    first = numbers(batches)
    assert first.shape == (len(batches), 8) == (6, 8)
    assert len(first.unique()) == 48
    assert torch.equal(first, numbers(batches))
    batches.set_epoch(1)
    assert not torch.equal(first, numbers(batches))


@pytest.mark.parametrize("mixes", [0, 2])
def test_the_processes_share_every_batch_in_order(mixes: int) -> None:
    whole = numbers(ShuffledBatches(50, 8, seed=3, mixes=mixes))
    shares = [numbers(ShuffledBatches(50, 8, seed=3, mixes=mixes, rank=rank, ranks=4)) for rank in range(4)]
    assert torch.equal(torch.cat(shares, dim=1), whole)


def test_a_process_is_also_given_the_images_before_its_share_to_mix() -> None:
    whole = list(ShuffledBatches(50, 8, seed=3))
    for key, all_of_it in zip(ShuffledBatches(50, 8, seed=3, mixes=2, rank=0, ranks=2), whole, strict=True):
        assert key.images.tolist() == all_of_it.images[[6, 7, 0, 1, 2, 3]].tolist()
        assert key.halo == 2


def test_a_batch_that_cannot_be_shared_is_refused() -> None:
    with pytest.raises(BadInputError, match=r"^a batch of 9 images cannot be divided among 2 processes; choose train\.batch_size$"):
        ShuffledBatches(50, 9, seed=0, ranks=2)


def test_repeated_images_come_one_after_the_other_and_an_epoch_is_no_longer() -> None:
    plain, batches = ShuffledBatches(50, 6, seed=3), ShuffledBatches(50, 6, seed=3, copies=3)
    assert len(batches) == len(plain)
    assert numbers(batches).flatten().tolist() == numbers(plain).flatten()[:16].repeat_interleave(3).tolist()
    assert {tuple(key.copies.tolist()) for key in batches} == {(0, 1, 2, 0, 1, 2)}


def test_a_batch_larger_than_the_data_set_is_the_whole_of_it() -> None:
    assert numbers(ShuffledBatches(5, 8, seed=0)).sort().values.tolist() == [[0, 1, 2, 3, 4]]
