"""The batched executor computes what qonnx's own executor computes."""

import warnings

import numpy as np
import pytest
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

from xnorflow.hw.lowering import qonnx_execute
from xnorflow.hw.random_networks import draw


@pytest.mark.parametrize("seed", [1, 2, 5, 8, 11, 14])
def test_batches_equal_qonnx_one_image_at_a_time(seed):
    model = draw(seed)
    shape = tuple(d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim)
    images = np.random.default_rng(seed).uniform(-1, 1, (5, *shape[1:])).astype(np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = ModelWrapper(model).transform(InferShapes())
        name = model.graph.output[0].name
        one_by_one = np.concatenate([execute_onnx(wrapped, {"image": image[None]})[name] for image in images])
    assert np.array_equal(qonnx_execute(model, images, batch=3), one_by_one)


def test_no_images_give_no_logits():
    model = draw(1)
    shape = tuple(d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim)
    assert qonnx_execute(model, np.zeros((0, *shape[1:]), dtype=np.float32)).shape[0] == 0
