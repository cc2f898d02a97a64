"""The CPU kernels: packed XNOR-popcount arithmetic in C++, and their Python face."""
