"""Kernels sliding over images."""

from __future__ import annotations

from dataclasses import dataclass

from xnorflow.errors import BadInputError


@dataclass(frozen=True)
class Window:
    """A kernel sliding over images ``(N, H, W, C)``; pairs are (vertical, horizontal). The default is a 1x1 kernel.

    Raises:
        BadInputError: a size below 1.
    """

    kernel: tuple[int, int] = (1, 1)
    stride: tuple[int, int] = (1, 1)
    dilation: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        if min(*self.kernel, *self.stride, *self.dilation) < 1:
            raise BadInputError(f"kernel {self.kernel}, stride {self.stride} and dilation {self.dilation} must be positive")

    def count(self, shape: tuple[int, ...]) -> tuple[int, int, int]:
        """Images, rows and columns of windows on images of shape ``(N, H, W, C)``.

        Raises:
            BadInputError: there are not four axes, or the window is larger than the image.
        """
        if len(shape) != 4:
            raise BadInputError(f"images have shape {shape}; (N, H, W, C) is accepted")
        rows, columns = ((shape[1 + d] - (self.kernel[d] - 1) * self.dilation[d] - 1) // self.stride[d] + 1 for d in (0, 1))
        if rows < 1 or columns < 1:
            raise BadInputError(f"kernel {self.kernel} with dilation {self.dilation} does not fit an image of {shape[1]}x{shape[2]}")
        return shape[0], rows, columns
