// Binding of the CPU kernels: checks shapes and types, releases the GIL, calls.
#include <nanobind/nanobind.h>

NB_MODULE(_kernels, m) { m.doc() = "Packed binary kernels of xnorflow."; }
