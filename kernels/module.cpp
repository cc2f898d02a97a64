// The module of the CPU kernels: what it is called, how its errors are raised, and what is bound where.
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "binding.hpp"
#include "dispatch.hpp"

namespace xnorflow {
namespace {

// InputError is the caller's mistake: it becomes the error type that the command line prints in one line.
void translate_errors() {
  nb::register_exception_translator([](const std::exception_ptr& error, void*) {
    try {
      std::rethrow_exception(error);
    } catch (const InputError& input) {
      const nb::object type = nb::module_::import_("xnorflow.errors").attr("BadInputError");
      PyErr_SetString(type.ptr(), input.what());
    }
  });
}

}  // namespace
}  // namespace xnorflow

NB_MODULE(_kernels, m) {
  using namespace xnorflow;
  m.doc() = "Packed binary kernels of xnorflow; xnorflow.kernels is their face.";
  translate_errors();
  m.def("available", &available);
  m.def("resolve", [](const std::string& isa) { return std::string(select(isa).name); }, "isa"_a);
  bind_layers(m);
  bind_images(m);
  bind_elementwise(m);
  bind_tokens(m);
  bind_program(m);
}
