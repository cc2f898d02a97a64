"""Scikit-learn's 8x8 handwritten digits: 1437 training and 360 test images that come with the library."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits as sklearn_digits

from xnorflow.qat.data.split import Split, SplitName

TRAIN_IMAGES = 1437
GREATEST = 16  # the data set's pixels are 0..16
SHUFFLE_SEED = 0


def load_digits(split: SplitName) -> Split:
    """The digits, stretched to 0..255 and split by one fixed permutation."""
    bunch = sklearn_digits()
    order = np.random.RandomState(SHUFFLE_SEED).permutation(len(bunch.target))
    chosen = order[:TRAIN_IMAGES] if split == "train" else order[TRAIN_IMAGES:]
    images = np.rint(bunch.images[chosen] * (255 / GREATEST)).astype(np.uint8)
    return Split(images[..., None], bunch.target[chosen].astype(np.int64), tuple(str(name) for name in bunch.target_names))
