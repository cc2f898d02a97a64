"""Image data sets as arrays of integer pixels, read without torch."""

from xnorflow.qat.data.sources import load_split
from xnorflow.qat.data.split import Split

__all__ = ["Split", "load_split"]
