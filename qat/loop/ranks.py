"""Which of the processes that train together this one is."""

from __future__ import annotations

from lightning_utilities.core.rank_zero import rank_zero_only

__all__ = ["be_first", "is_first", "rank_zero_only"]


def is_first() -> bool:
    """Whether this is the process that writes and speaks."""
    return getattr(rank_zero_only, "rank", None) in (None, 0)


def be_first() -> None:
    """Be the first process whatever a cluster's environment says: one that trains alone."""
    rank_zero_only.rank = 0  # type: ignore[attr-defined]  # Lightning keeps it there
