"""A FINN+ deployment, driven through the driver class of the finn-plus-driver package."""

from __future__ import annotations

import importlib
import math
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import BadInputError, MissingToolError
from xnorflow.hw.chain import FloatChain
from xnorflow.hw.graph import StreamType
from xnorflow.hw.types import IntType

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from xnorflow.hw.types import IntArray

_BATCH = 256


class FinnBoard:
    """A bitstream of FINN+ loaded by its driver.

    Attributes:
        kind: shape and type of an input frame.
        labels, tail: what is to be made of the output; FINN's own settings say nothing of it, so it is the output itself, as
            float32, unless the entry ``xnorflow`` of the settings says more.
    """

    def __init__(self, folder: Path, record: dict[str, Any], settings: Path) -> None:
        """Load the bitstream.

        Args:
            folder: the deployment, with ``bitfile/*.bit`` or one ``*.bit``.
            record: what the settings hold.
            settings: the file they come from.

        Raises:
            MissingToolError: finn-plus-driver or pynq is not installed.
            BadInputError: the settings or the bitstream cannot be used.
        """
        try:
            information = dict(record["driver_information"])
            shapes = dict(information["io_shape_dict"])
            shape = tuple(int(d) for d in shapes["ishape_normal"][0])[1:]
            own = record.get("xnorflow", {"shape": shape if len(shape) == 3 else [math.prod(shape)], "labels": False, "tail": []})
            self.kind = StreamType(tuple(int(d) for d in own["shape"]), _type(str(shapes["idt"][0])))
            if self.kind.size != math.prod(shape):
                raise ValueError(f"images of {self.kind.shape} for an input of {shape}")
            self.labels, self.tail = bool(own["labels"]), FloatChain.from_json(own["tail"])
            counts = shapes["num_inputs"], shapes["num_outputs"]
            driver = str(information["driver_type"])
        except (BadInputError, KeyError, TypeError, ValueError, IndexError) as error:
            raise BadInputError(f"{settings} is damaged: {type(error).__name__}: {error}") from error
        if counts != (1, 1):
            raise BadInputError(f"{settings} has {counts[0]} inputs and {counts[1]} outputs; one of each is accepted")
        for name in ("runtime_weights", "mlo_weights"):
            information.setdefault(f"{name.removesuffix('s')}_dir", str(settings.parent / name))
        self._driver = _driver_class(driver)(str(_bitfile(folder)), **{**information, "batch_size": 1})

    def run(self, images: npt.NDArray[np.uint8]) -> IntArray:
        """Run images ``(N, *shape)``; returns int64 ``(N, values)`` of the output."""
        parts = []
        for start in range(0, len(images), _BATCH):
            part = images[start : start + _BATCH]
            if self._driver.batch_size != len(part):
                self._driver.batch_size = len(part)
            made = self._driver.execute(part.reshape(self._driver.ishape_normal()))
            parts.append(np.asarray(made).astype(np.int64).reshape(len(part), -1))
        return np.concatenate(parts)


def _type(text: str) -> IntType:
    match = re.fullmatch(r"DataType\['(\w+)'\]", text)
    if match is None:
        raise ValueError(f"type {text!r}")
    return IntType.parse(match[1])


def _bitfile(folder: Path) -> Path:
    found = [*sorted((folder / "bitfile").glob("*.bit")), *sorted(folder.glob("*.bit"))]
    if len(found) != 1:
        raise BadInputError(f"deployment {folder} has {len(found)} bitstreams, in it and in bitfile/; exactly one is accepted")
    return found[0]


def _driver_class(name: str) -> Any:
    try:
        return importlib.import_module("finn_plus_driver").get_driver_class(name)
    except ImportError as error:
        raise MissingToolError(f"a FINN+ deployment needs the packages finn-plus-driver and pynq on the board ({error})") from error
    except ValueError as error:
        raise BadInputError(f"FINN+ driver {name!r} is unknown to finn-plus-driver: {error}") from error
