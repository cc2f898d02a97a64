"""xnorflow: binary neural networks from training to hardware that is proven to compute the same bits."""

__version__ = "0.1.0"
