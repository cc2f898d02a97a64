"""Read features inside a network by name, without changing it."""

from __future__ import annotations

from collections.abc import Iterable
from types import TracebackType
from typing import Any

from torch import Tensor, nn

from xnorflow.errors import BadInputError


class FeatureTaps:
    """Keeps the outputs of named modules of the latest forward pass; usable as a context manager.

    Attributes:
        features: output of each tapped module that has run, by name, with gradient.

    Args:
        network: any module.
        names: dotted names as in ``network.named_modules()``.

    Raises:
        BadInputError: a module of that name does not exist.
    """

    def __init__(self, network: nn.Module, names: Iterable[str]) -> None:
        self.features: dict[str, Tensor] = {}
        modules = dict(network.named_modules())
        wanted = list(names)
        for name in wanted:
            if name not in modules or not name:
                known = ", ".join(key for key in modules if key and "quant" not in key)  # Brevitas' own modules are of no use
                raise BadInputError(f"tap {name!r} is no module of the network; its modules are {known}")
        self._handles = [modules[name].register_forward_hook(self._keeper(name)) for name in wanted]

    def _keeper(self, name: str) -> Any:
        def keep(module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
            if not isinstance(output, Tensor):
                raise BadInputError(f"tap {name!r} gives {type(output).__name__}, not one tensor")
            self.features[name] = output

        return keep

    def ordered(self) -> list[Tensor]:
        """The features in the order in which their modules ran."""
        return list(self.features.values())

    def clear(self) -> None:
        """Forget the features, so that nothing keeps their graph alive."""
        self.features.clear()

    def close(self) -> None:
        """Remove the taps from the network."""
        for handle in self._handles:
            handle.remove()
        self.clear()

    def __enter__(self) -> FeatureTaps:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()
