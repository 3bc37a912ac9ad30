#pragma once

// --coverage: which rows of the decision table, which replies (R1 to R11 of docs/semantics.md) and which kinds of faults and
// actions the runs came by. What no seed of a long range reaches is nowhere held to its promises.

#include <cstdint>

#include "tests/sim/world.hpp"

namespace cofferdam::sim {

/// So many seeds must reach everything; and so many all but the rarest rows.
constexpr std::uint64_t all_needs = 100'000;
constexpr std::uint64_t most_needs = 2'000;

/// Prints the counts. False: something was reached by none of so many seeds that it had to be.
bool print_coverage(const Statistics& statistics, std::uint64_t seeds);

}  // namespace cofferdam::sim
