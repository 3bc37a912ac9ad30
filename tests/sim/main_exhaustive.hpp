#pragma once

#include <cstddef>

namespace cofferdam::sim {

/// All scenarios on `jobs` processors; prints what broke and the counts. The program's exit code.
int run_exhaustive(std::size_t jobs, bool pairs);

}  // namespace cofferdam::sim
