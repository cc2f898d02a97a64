"""What a network is asked to be: the one frozen configuration that every architecture is built from."""

from __future__ import annotations

from dataclasses import dataclass

from xnorflow.errors import BadInputError

WEIGHT_BITS = range(1, 9)
# Far beyond any use, and small enough that no size overflows.
MAX_SIDE, MAX_CLASSES, MAX_WIDTH = 1 << 16, 1_000_000, 1000.0


@dataclass(frozen=True)
class ModelConfig:
    """Everything that decides the shape and the arithmetic of a network; it travels in the checkpoint.

    Attributes:
        name: architecture in the registry.
        input_shape: ``(C, H, W)`` of one image.
        num_classes: number of logits.
        width: factor of every hidden width, rounded to the nearest positive integer.
        padding_value: border value of padded binary convolutions: -1 or +1 (a bipolar border) or 0 (exact zero padding).
        weight_bits: bits of the hidden weights, 1 (bipolar) to 8.
        act_bits: bits of the hidden activations, 1 (bipolar) to 8.
        input_bits: bits of the quantised input, 1 (sign of the normalised pixel) to 8 (all of the pixel).
        dropout: probability of dropout behind the input and every hidden activation, as FINN's MLPs train with.
        options: switches of the architecture that differ from its defaults, each ``key=value``.
    """

    name: str
    input_shape: tuple[int, int, int]
    num_classes: int
    width: float = 1.0
    padding_value: int = -1
    weight_bits: int = 1
    act_bits: int = 1
    input_bits: int = 8
    dropout: float = 0.0
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.input_shape) != 3 or not all(1 <= d <= MAX_SIDE for d in self.input_shape):
            raise BadInputError(f"model {self.name}: input shape {self.input_shape} is not (channels, height, width), each 1 to {MAX_SIDE}")
        if not 2 <= self.num_classes <= MAX_CLASSES:
            raise BadInputError(f"model {self.name}: {self.num_classes} classes; a classifier has 2 to {MAX_CLASSES}")
        if not 0 < self.width <= MAX_WIDTH:
            raise BadInputError(f"model {self.name}: width {self.width} is not a positive factor of at most {MAX_WIDTH:g}")
        if self.padding_value not in (-1, 0, 1):
            raise BadInputError(f"model {self.name}: padding value {self.padding_value} is none of -1, 0, +1")
        for what, bits in (("weight", self.weight_bits), ("activation", self.act_bits), ("input", self.input_bits)):
            if bits not in WEIGHT_BITS:
                raise BadInputError(f"model {self.name}: {bits} {what} bits; 1 to 8 are accepted")
        if not 0.0 <= self.dropout < 1.0:
            raise BadInputError(f"model {self.name}: dropout {self.dropout} is not in [0, 1)")

    def channels(self, base: int) -> int:
        """A hidden width of ``base`` times :attr:`width`."""
        return max(1, round(base * self.width))
