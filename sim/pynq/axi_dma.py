"""A network in the AXI DMA shell, driven through PYNQ: packed frames out of one buffer, packed results into another."""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from xnorflow.errors import BadInputError, CheckFailedError, MissingToolError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from xnorflow.hw.types import IntArray
    from xnorflow.sim.pynq.deployment import Deployment

REFERENCE_MHZ = 100.0  # of the clock that the processing system gives to the clock wizard
DMA = "axi_dma_0"  # name of the stock IP's cell in the block design
LENGTH_BITS = 26  # of the DMA's length registers, the most it has
_BUFFER_BYTES = 1 << 20  # of the larger buffer, where a frame is not larger; small boards have 512 MB of memory in all
_MOST_BYTES = (1 << LENGTH_BITS) - 1


class AxiDmaBoard:
    """The bitstream loaded, its DMA found."""

    def __init__(self, folder: Path, deployment: Deployment) -> None:
        """Load the bitstream.

        Raises:
            MissingToolError: pynq is not installed.
            BadInputError: the bitstream or its ``.hwh`` is missing, or holds no such DMA.
        """
        bitfile = folder / deployment.bitfile
        for path in (bitfile, bitfile.with_suffix(".hwh")):
            if not path.is_file():
                raise BadInputError(f"deployment {folder} has no {path.name}; Vivado makes it from the shell's project")
        overlay_class, self._allocate, clocks = _pynq()
        self._overlay = overlay_class(str(bitfile))
        clocks.fclk0_mhz = REFERENCE_MHZ
        self._deployment = deployment
        self._dma: Any = getattr(self._overlay, DMA, None)
        if self._dma is None:
            raise BadInputError(f"{bitfile} holds no {DMA}; a bitstream of `xnorflow shell` is accepted")

    def run(self, images: npt.NDArray[np.uint8]) -> IntArray:
        """Run images ``(N, H, W, C)``; returns int64 ``(N, *shape)`` of the network's output.

        Raises:
            CheckFailedError: the board does not answer in time, or with another number of bytes.
        """
        source, sink = self._deployment.source, self._deployment.sink
        frame = source.beats * source.bytes, sink.beats * sink.bytes
        if max(frame) > _MOST_BYTES:
            raise BadInputError(f"a frame of {max(frame)} bytes is more than the {_MOST_BYTES} of one DMA transfer")
        batch = max(1, min(len(images), _BUFFER_BYTES // max(frame)))
        send, receive = (self._allocate(shape=(batch * size,), dtype=np.uint8) for size in frame)
        try:
            parts = []
            for start in range(0, len(images), batch):
                packed = source.pack(images[start : start + batch].astype(np.int64)).reshape(-1)
                send[: packed.size] = packed
                count = len(images[start : start + batch])
                self._exchange(send, packed.size, receive, count * frame[1], count)
                data = np.array(receive[: count * frame[1]], dtype=np.uint8)
                parts.append(sink.unpack(data.reshape(count, sink.beats, sink.bytes)))
        finally:
            for buffer in (send, receive):
                buffer.freebuffer()
        return np.concatenate(parts)

    def _exchange(self, send: Any, sent: int, receive: Any, wanted: int, frames: int) -> None:
        """One transfer each way; the receiver is ready first."""
        deadline = time.monotonic() + 10 + 10e-6 * frames * self._deployment.interval / self._deployment.clock_mhz
        self._dma.recvchannel.transfer(receive, nbytes=wanted)
        self._dma.sendchannel.transfer(send, nbytes=sent)
        for name, channel in (("input", self._dma.sendchannel), ("output", self._dma.recvchannel)):
            while not channel.idle and not channel.error:
                if time.monotonic() > deadline:
                    raise CheckFailedError(f"the board does not answer: the DMA of the {name} is not done with {frames} images")
            _wait(channel, name)
        if self._dma.recvchannel.transferred != wanted:
            raise CheckFailedError(f"the board gave {self._dma.recvchannel.transferred} bytes for {frames} images; {wanted} were expected")


def _wait(channel: Any, name: str) -> None:
    """Let PYNQ end a transfer that is over."""
    try:
        channel.wait()
    except RuntimeError as error:  # how PYNQ reports the DMA's error bits
        raise CheckFailedError(f"the DMA of the {name} stopped: {error}") from error


def _pynq() -> tuple[Any, Any, Any]:
    try:
        pynq, system = importlib.import_module("pynq"), importlib.import_module("pynq.ps")
    except ImportError as error:
        raise MissingToolError(f"backend pynq needs the pynq package of a board's PYNQ image, which is not here ({error})") from error
    return pynq.Overlay, pynq.allocate, system.Clocks
