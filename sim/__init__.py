"""How hardware is run: stream packing, the Verilator engine, cocotb benches, the equivalence chain."""
