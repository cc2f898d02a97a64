"""Binarisers beyond the straight-through ones: each its own forward value and gradient, some with a schedule."""
