"""GlobalSum: the sum of all pixels of an image, per channel."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from xnorflow.hw.nodes._checks import image
from xnorflow.hw.nodes.summing import Summing

if TYPE_CHECKING:
    from xnorflow.hw.graph import StreamType


@dataclass(frozen=True, eq=False, kw_only=True)
class GlobalSum(Summing):
    """(H, W, C) -> (1, 1, C)."""

    op = "GlobalSum"

    def pixels(self, kind: StreamType) -> tuple[int, tuple[int, ...]]:
        height, width, channels = image(self, kind)
        return height * width, (1, 1, channels)
