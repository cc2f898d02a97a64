// What a caller can do wrong; the binding raises it as xnorflow.errors.BadInputError.
#pragma once

#include <stdexcept>

namespace xnorflow {

struct InputError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace xnorflow
