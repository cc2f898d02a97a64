from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from xnorflow.sim.chain import VerifyRequest, verify

if TYPE_CHECKING:
    from xnorflow.hw.build import Build

pytestmark = pytest.mark.verilator


@pytest.mark.parametrize("stalls", [False, True])
def test_a_right_build_is_equal_on_every_image(small_build: Build, small_images: np.ndarray, stalls: bool) -> None:
    report = verify(VerifyRequest(build=small_build, images=small_images, source="a test", stalls=stalls, seed=4, links=("rtl",)))
    assert report.links["rtl"].images == 60
    assert report.rtl is not None
    assert report.rtl.frames == 90
