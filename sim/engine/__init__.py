"""The batch engine: a generated top in a compiled Verilator model, driven by a C++ harness in its own process."""
