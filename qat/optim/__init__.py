"""Methods that make weights binary: rules applied after an optimiser's step, and optimisers that flip signs."""
