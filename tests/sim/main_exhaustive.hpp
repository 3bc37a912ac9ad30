#pragma once

// cofferdam-sim --exhaustive and --allocation-failure: their parts side by side, their counts together.

#include <cstddef>

#include "tests/sim/exhaustive.hpp"

namespace cofferdam::sim {

/// Prints counts, failures with the plans that replay them, and one line of summary. 0: all was executed and nothing broken.
int run_exhaustive(const Scope& scope, std::size_t jobs, bool allocations);

}  // namespace cofferdam::sim
