from __future__ import annotations

import json

import torch

from xnorflow.qat.integerise.network import IntegerNetwork, Wire
from xnorflow.qat.integerise.report import report


def test_saturation_is_the_share_outside_and_a_relu_saturates_above_only() -> None:
    image = Wire("image", "ImageCodes", ("input",), {"channels": 1, "bits": 8, "fraction": 7, "moved": False})
    signed = Wire("signed", "Quant", ("image",), {"bits": 7, "fraction": 7, "signed": True, "nearest": False})
    relu = Wire("relu", "Quant", ("image",), {"bits": 6, "fraction": 7, "signed": False, "nearest": False})
    add = Wire("add", "Add", ("signed", "relu"), {})
    network = IntegerNetwork([image, signed, relu, add]).eval()
    every = (torch.arange(-128, 128) / 128).reshape(1, 1, 16, 16)
    found = report(network, every)
    assert {each.name: each.share for each in found.saturation} == {"signed": 0.5, "relu": 0.25}
    assert {each.name: each.worst for each in found.bounds} == {"image": 128, "signed": 64, "relu": 63, "add": 126}
    assert found.nearest.name == "image"
    assert found.most_saturated.name == "signed"
    assert json.loads(json.dumps(found.to_json()))["bounds"][3] == {"name": "add", "kind": "Add", "worst": 126, "limit": 1 << 24}
