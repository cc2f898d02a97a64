"""From a build folder to a board: the AXI DMA shell for Vivado, and the deployment that runs on the board."""
