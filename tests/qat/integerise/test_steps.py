"""Single steps against integers computed another way, over their whole range."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from xnorflow.errors import UnsupportedModelError
from xnorflow.pixels import PixelNorm
from xnorflow.qat.integerise.builder import Builder, significant_bits
from xnorflow.qat.integerise.convert import sign, weight_fraction
from xnorflow.qat.integerise.grid import Grid, covering
from xnorflow.qat.integerise.image import plan_image
from xnorflow.qat.integerise.join import Add
from xnorflow.qat.integerise.matrix import Convolution
from xnorflow.qat.integerise.network import checked_bound
from xnorflow.qat.integerise.pointwise import Affine, Quant, TwoSlope
from xnorflow.qat.integerise.reach import EXACT, Reach
from xnorflow.qat.integerise.settings import IntegeriseSettings
from xnorflow.qat.integerise.sigmoid import Sigmoid, safe_offset
from xnorflow.qat.integerise.sign import Sign
from xnorflow.qat.integerise.signal import Signal, chosen_grid
from xnorflow.qat.layers import BinaryActivation, QuantScheme
from xnorflow.qat.quantisers import SteActivation

GRID = Grid(9, 4)


def every(grid: Grid) -> torch.Tensor:
    """All values of a grid, as an image of one channel."""
    return (torch.arange(grid.low, grid.high + 1) * grid.step).reshape(1, 1, 1, -1)


def entering(b: Builder, values: torch.Tensor, grid: Grid) -> Signal:
    channels = values.shape[1]
    b.steps["x"] = Quant.on(grid)
    return Signal("x", values, Reach.uniform(grid.low, grid.high, channels, grid.fraction))


def builder() -> Builder:
    return Builder(IntegeriseSettings(), QuantScheme(), {}, GRID)


@settings(max_examples=60, deadline=None)
@given(factor=st.floats(-100, 100), offset=st.floats(-100, 100))
def test_a_sign_is_that_of_the_real_affine_function_on_every_integer(factor: float, offset: float) -> None:
    b, x = builder(), every(GRID)
    pending = entering(b, x, GRID).scaled(torch.tensor([factor], dtype=torch.float64), torch.tensor([offset], dtype=torch.float64))
    out = sign(b, "sign", BinaryActivation(bits=1, act_quant=SteActivation), pending)
    expected = [1.0 if Fraction(v) * Fraction(factor) + Fraction(offset) >= 0 else -1.0 for v in x.flatten().tolist()]
    assert out.sample.flatten().tolist() == expected
    assert isinstance(b.steps["sign"], Sign)


@settings(max_examples=60, deadline=None)
@given(factor=st.floats(-50, 50), offset=st.floats(-1000, 1000), bits=st.integers(4, 12), fraction=st.integers(-2, 8))
def test_a_settled_affine_function_is_within_a_step_of_the_real_one(factor: float, offset: float, bits: int, fraction: int) -> None:
    b, x, grid = builder(), every(GRID), Grid(bits, fraction)
    pending = entering(b, x, GRID).scaled(torch.tensor([factor], dtype=torch.float64), torch.tensor([offset], dtype=torch.float64))
    out = b.settle("y", pending, grid)
    real = (x.double() * factor + offset).clamp(grid.low * grid.step, grid.high * grid.step)
    # Half a step of rounding, half a step of the coefficient's grid times the greatest input.
    coefficient = next(step for step in b.steps.values() if isinstance(step, Affine))
    assert coefficient.factor is not None
    allowed = grid.step / 2 + 16 * 2.0 ** -(coefficient.factor.fraction + 1) + 2.0**-coefficient.factor.fraction
    assert float((out.sample - real).abs().max()) <= allowed
    assert out.reach.fraction <= fraction
    assert float(out.reach.low) * 2.0**-out.reach.fraction <= float(out.sample.min())
    assert float(out.reach.high) * 2.0**-out.reach.fraction >= float(out.sample.max())


@settings(max_examples=60, deadline=None)
@given(slope=st.floats(-2, 2), before=st.floats(-5, 5), after=st.floats(-5, 5))
def test_a_bent_signal_stays_within_its_bounds_and_near_the_real_one(slope: float, before: float, after: float) -> None:
    b, x = builder(), every(GRID)
    parts = [torch.tensor([value], dtype=torch.float64) for value in (slope, before, after)]
    out = b.settle("y", b.bend("y", entering(b, x, GRID), *parts), GRID)
    shifted = x.double() + before
    real = (torch.where(shifted < 0, slope * shifted, shifted) + after).clamp(GRID.low * GRID.step, GRID.high * GRID.step)
    assert float((out.sample - real).abs().max()) <= GRID.step / 2 + 21 * 2.0**-9 + 3 * 2.0**-5 + 1e-9
    step = next(step for step in b.steps.values() if isinstance(step, TwoSlope))
    bound = step.bound(Reach.uniform(GRID.low, GRID.high, 1, GRID.fraction)).out
    values = step(x).detach()
    assert float(bound.low) * 2.0**-bound.fraction <= float(values.min())
    assert float(bound.high) * 2.0**-bound.fraction >= float(values.max())


@pytest.mark.parametrize("bits", [4, 6, 8])
@pytest.mark.parametrize("fraction", range(-1, 9))
def test_the_sigmoid_is_the_table_of_exact_arithmetic(bits: int, fraction: int) -> None:
    grid = Grid(8, fraction)
    reach = Reach.uniform(grid.low, grid.high, 1, fraction)
    step = Sigmoid(bits, safe_offset(reach, bits))
    table = [min(2**bits - 1, math.floor((1 / (1 + math.exp(-v * grid.step)) + step.offset) * 2**bits)) for v in range(grid.low, grid.high + 1)]
    assert (step(every(grid)) * 2**bits).flatten().tolist() == table
    assert step.bound(reach).out.high.tolist() == [2**bits - 1]


@pytest.mark.parametrize(("weight", "bits"), [(1, 9), (127 * 64, 9), ((1 << 16) - 1, 9), (1 << 16, 8), (1 << 20, 4)])
def test_a_signal_keeps_as_many_bits_as_its_sums_allow(weight: int, bits: int) -> None:
    b = builder()
    x = entering(b, every(GRID), GRID)
    out = b.summable("sum/in", x, weight)
    assert significant_bits(out) == bits
    assert (out is x) == (bits == 9)
    assert out.reach.worst * weight < EXACT


def test_a_sigmoid_near_a_jump_is_refused() -> None:
    reach = Reach.uniform(-128, 127, 1, 4)
    with pytest.raises(UnsupportedModelError, match=r"layer gate: its sigmoid comes within 0 steps of a jump"):
        checked_bound("gate", Sigmoid(8, 0.0), [reach])


def test_a_step_that_float32_cannot_hold_is_refused_by_name() -> None:
    step = Convolution(64, 1, 3, 1, 1, bits=8, fraction=7)
    with torch.no_grad():
        step.conv.weight.fill_(127 / 128)
    fits = Reach.uniform(-200, 200, 64, 4)
    assert checked_bound("stem/conv", step, [fits]).worst == 127 * 200 * 9 * 64 < EXACT
    with pytest.raises(UnsupportedModelError, match="layer stem/conv can reach integers of 2194560000; float32 is exact below 16777216: give"):
        checked_bound("stem/conv", step, [Reach.uniform(-30_000, 30_000, 64, 4)])


def test_a_constant_off_its_grid_and_operands_on_two_grids_are_refused() -> None:
    step = Affine(1, factor=3)
    assert step.factor is not None
    with torch.no_grad():
        step.factor.value.fill_(0.3)
    with pytest.raises(UnsupportedModelError, match="layer norm: a constant is not on its grid of 3 fraction bits"):
        checked_bound("norm", step, [Reach.uniform(-1, 1, 1, 0)])
    with pytest.raises(UnsupportedModelError, match="layer add: joins tensors on grids of 3 and 4 fraction bits; one grid is accepted"):
        checked_bound("add", Add(), [Reach.uniform(-1, 1, 1, 3), Reach.uniform(-1, 1, 1, 4)])


@pytest.mark.parametrize(
    "norm", [PixelNorm(), PixelNorm(mean=(128 / 255,), std=(128 / 255,)), PixelNorm(mean=(0.507, 0.487, 0.441), std=(0.267, 0.256, 0.276))]
)
def test_no_bit_of_an_image_is_lost(norm: PixelNorm) -> None:
    channels = max(1, len(norm.mean))
    pixels = np.repeat(np.arange(256)[:, None], channels, axis=1)
    normalised = torch.from_numpy(norm.apply(pixels)).T.reshape(1, channels, 256, 1)
    plan = plan_image(norm, channels)
    codes = plan.step(normalised) * 128
    zero = np.rint(np.asarray(norm.mean or (0.0,)) * 255)
    assert codes[0, :, :, 0].T.tolist() == (pixels - zero).tolist()
    back = plan.scale.reshape(1, -1, 1, 1) * (codes.double() / 128 + plan.shift.reshape(1, -1, 1, 1))
    assert float((back - normalised).abs().max()) < 1e-6


def test_grids_hold_what_they_are_chosen_for() -> None:
    assert covering(16.0, 9) == Grid(9, 4)
    assert covering(16.1, 9) == Grid(9, 3)
    assert covering(0.0, 9) == Grid(9, 8)
    assert covering(1.0, 8, signed=False) == Grid(8, 8, signed=False)
    values = torch.cat([torch.linspace(-3, 3, 9999), torch.tensor([1e6])])
    assert chosen_grid(values, 9, 0.999) == Grid(9, 6)
    assert chosen_grid(values, 9, 1.0).step == 2.0**12
    assert weight_fraction(torch.tensor([0.5, -0.2]), 8) == 7
    assert weight_fraction(torch.tensor([127.4]), 8) == 0


def test_a_bend_of_a_sample_far_within_its_reach_stays_exact() -> None:
    b, coarse = builder(), Grid(9, -8)
    x = entering(b, torch.zeros(1, 1, 2, 2), coarse)
    out = b.inner("mean", b.bend("prelu", x, torch.tensor([0.25])))
    assert out.reach.fraction >= coarse.fraction
    assert checked_bound("again", b.steps["mean/prelu"], [x.reach]).worst < EXACT
