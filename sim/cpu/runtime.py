"""CpuRuntime: run a graph on packed bits with native kernels, all of it in one call."""

from __future__ import annotations

from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from xnorflow import kernels
from xnorflow.errors import BadInputError
from xnorflow.hw.folding.fuse_signs import split_signs
from xnorflow.sim.cpu.plan import Plan, make_plan

if TYPE_CHECKING:
    from xnorflow.hw.graph import Graph, StreamType
    from xnorflow.hw.types import IntArray

Integers: TypeAlias = npt.NDArray[np.integer[Any]]


class DLPack(Protocol):
    """An array of another library (a PyTorch tensor, for one) that hands its memory over by DLPack."""

    def __dlpack__(self, *args: Any, **kwargs: Any) -> Any:
        """The capsule."""

    def __dlpack_device__(self) -> tuple[int, int]:
        """The device that the memory is on."""


class CpuRuntime:
    """Executes a graph of one input and one output.

    Args:
        graph: the graph.
        isa: kernel table; None or ``auto`` for the fastest (see :func:`xnorflow.kernels.resolve`).
        threads: threads that share out a batch's blocks of frames, or where there are fewer blocks, each step.

    Attributes:
        isa: name of the kernel table in use.

    Raises:
        BadInputError: a node that the runtime does not know, several inputs or outputs, an unknown instruction set.
    """

    def __init__(self, graph: Graph, isa: str | None = None, threads: int = 1) -> None:
        if threads < 1:
            raise BadInputError(f"{threads} threads were asked for; 1 or more are accepted")
        if len(graph.inputs) != 1 or len(graph.outputs) != 1:
            raise BadInputError(f"the graph has {len(graph.inputs)} inputs and {len(graph.outputs)} outputs; the CPU runtime takes 1 and 1")
        self.graph, self.threads, self.isa = split_signs(graph), threads, kernels.resolve(isa)
        self._plan = make_plan(self.graph, self.isa)
        ((self._input, self._kind),) = graph.inputs.items()

    def run(self, pixels: Integers | DLPack) -> IntArray:
        """The graph's output for a batch of frames, in one native call during which other threads run.

        Args:
            pixels: any integers ``(N, *input shape)`` within the input's type, in NumPy, PyTorch or what else knows DLPack; read
                where they lie if they are C-contiguous there, else copied once.

        Returns:
            int64 ``(N, *output shape)``.

        Raises:
            BadInputError: a wrong shape or element type, memory of another device, or values outside the input's type.
        """
        (output,) = self._call(self._plan, pixels).values()
        return output

    def run_all(self, pixels: Integers | DLPack) -> dict[str, IntArray]:
        """Every stream of the graph for a batch: name -> int64 ``(N, *shape)``, all in memory at once.

        They come from the same passes as in :meth:`run`, which hand out their intermediate values too; a sign that :meth:`run`
        takes from the kernels as bits is computed behind its accumulators instead.
        """
        plan = self._everything
        values = self._call(plan, pixels)
        return {name: values[holder] for name, holder in plan.alias.items()}

    @cached_property
    def _everything(self) -> Plan:
        return make_plan(self.graph, self.isa, tuple(self.graph.streams))

    def _call(self, plan: Plan, pixels: Integers | DLPack) -> dict[str, IntArray]:
        array = self._check(_array(pixels, self._input))
        outputs = {name: np.empty((len(array), *self.graph.streams[name].shape), dtype=np.int64) for name in plan.outputs}
        plan.program.run(array, list(outputs.values()), len(array), self.threads)
        return outputs

    def _check(self, pixels: Integers) -> Integers:
        name, kind = self._input, self._kind
        if pixels.dtype.kind not in "iu":
            raise BadInputError(f"graph input {name!r} is {pixels.dtype}; integers are accepted")
        if pixels.shape[1:] != kind.shape or pixels.ndim == 0:
            raise BadInputError(f"graph input {name!r} has shape {pixels.shape}; (N, {', '.join(map(str, kind.shape))}) is accepted")
        if not _within(pixels.dtype, kind) and not kind.dtype.allows(cast("IntArray", pixels)):
            raise BadInputError(f"graph input {name!r} holds values outside {kind.dtype.name}")
        return np.ascontiguousarray(pixels, dtype=pixels.dtype.newbyteorder("="))


@cache
def _within(dtype: np.dtype[Any], kind: StreamType) -> bool:
    """Whether every value of an element type is one of a stream's."""
    limits = np.iinfo(dtype)
    return not kind.dtype.bipolar and kind.dtype.minimum <= limits.min and limits.max <= kind.dtype.maximum


def _array(pixels: Integers | DLPack, name: str) -> Integers:
    if isinstance(pixels, np.ndarray):
        return pixels
    if not hasattr(pixels, "__dlpack__"):
        raise BadInputError(f"graph input {name!r} is {type(pixels).__name__}; integers are accepted")
    try:
        return cast("Integers", np.from_dlpack(pixels))
    except (BufferError, RuntimeError, TypeError, ValueError) as error:
        raise BadInputError(f"graph input {name!r} is not memory that NumPy can read by DLPack: {error}") from error
