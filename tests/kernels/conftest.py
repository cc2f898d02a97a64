"""Fixtures of the kernel tests."""

from __future__ import annotations

import zlib

import numpy as np
import pytest

from xnorflow import kernels


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    """Random numbers that depend on the test's name alone."""
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


@pytest.fixture(params=kernels.available())
def isa(request: pytest.FixtureRequest) -> str:
    """Each kernel table that this CPU can run."""
    return str(request.param)
