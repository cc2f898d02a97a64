"""Gates: factors per channel that a small network computes from the whole image."""

from __future__ import annotations

from torch import Tensor, nn

REDUCTION = 8


class Gate(nn.Module):
    """Real-to-Binary's data-driven scale: ``sigmoid(W2 relu(W1 mean(x)))`` without biases (Martinez et al. 2020, section 4.3).

    Args:
        inputs, outputs: channels of what it looks at, and factors it gives; the hidden layer has ``inputs / 8``.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        hidden = max(1, inputs // REDUCTION)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.flatten = nn.Flatten()
        self.squeeze = nn.Linear(inputs, hidden, bias=False)
        self.relu = nn.ReLU()
        self.excite = nn.Linear(hidden, outputs, bias=False)
        self.sigmoid = nn.Sigmoid()
        for layer in (self.squeeze, self.excite):
            nn.init.kaiming_normal_(layer.weight)

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to factors ``(N, outputs, 1, 1)`` in (0, 1)."""
        factors: Tensor = self.sigmoid(self.excite(self.relu(self.squeeze(self.flatten(self.pool(x))))))
        return factors[:, :, None, None]


class SqueezeExcite(nn.Module):
    """BNext's attention of a channel mean: the same with biases, as 1x1 convolutions, as many channels out as in.

    Args:
        channels: of the input and of the factors; the hidden layer has an eighth.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(1, channels // REDUCTION)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.squeeze = nn.Conv2d(channels, hidden, 1)
        self.relu = nn.ReLU()
        self.excite = nn.Conv2d(hidden, channels, 1)
        self.sigmoid = nn.Sigmoid()

    def forward(self, x: Tensor) -> Tensor:
        """NCHW to factors ``(N, channels, 1, 1)`` in (0, 1)."""
        factors: Tensor = self.sigmoid(self.excite(self.relu(self.squeeze(self.pool(x)))))
        return factors
