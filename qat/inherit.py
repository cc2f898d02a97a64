"""Start a stage of training from an earlier one that was quantised differently."""

from __future__ import annotations

from torch import Tensor, nn

from xnorflow.errors import BadInputError

QUANTISER_STATE = (".tensor_quant.",)
# What of a quantiser is learned, not scheduled: a scale, and RBNN's rotation.
LEARNED = ("scaling_impl.factor", "transform_impl.angle", "transform_impl.left", "transform_impl.right")


def inherit(network: nn.Module, source: nn.Module) -> None:
    """Copy every parameter and statistic of ``source`` into ``network``, bit for bit, except the state of quantisers.

    The two have the same layers but may have different estimators, say real weights in one and signs in the other. A learned
    scale or rotation is copied where both have it; temperatures and the like start anew. Padding values must agree.

    Raises:
        BadInputError: a parameter exists in one only, or shapes or padding values differ; nothing is copied then.
    """
    own, given = network.state_dict(), source.state_dict()
    wanted, offered = ({key for key in state if not _of_quantiser(key)} for state in (own, given))
    if wanted != offered:
        first = min(wanted ^ offered)
        raise BadInputError(
            f"the earlier stage {'has' if first in offered else 'lacks'} {first}, this one {'lacks' if first in offered else 'has'} it"
        )
    learned = {key for key in own.keys() & given.keys() if key.endswith(LEARNED)}
    for key in wanted | learned:
        if isinstance(own[key], Tensor) and own[key].shape != given[key].shape:
            raise BadInputError(f"{key} is {tuple(given[key].shape)} in the earlier stage, {tuple(own[key].shape)} in this one")
        if key.endswith("_extra_state") and not bool(own[key] == given[key]):
            raise BadInputError(f"{key.rpartition('.')[0]} was trained with padding value {int(given[key])}, this stage has {int(own[key])}")
    network.load_state_dict(own | {key: given[key] for key in wanted | learned}, strict=True)


def _of_quantiser(key: str) -> bool:
    return any(part in key for part in QUANTISER_STATE)
