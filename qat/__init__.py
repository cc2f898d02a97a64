"""How networks become binary: quantisers, training, freezing and export."""
