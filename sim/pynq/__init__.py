"""The board backend: a deployed network driven through PYNQ. Needs numpy and pynq alone, so that it runs on the board as it is."""
