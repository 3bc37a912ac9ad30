#pragma once

// Cuts a failing plan down to the least that still fails.

#include <functional>
#include <string>

#include "tests/sim/plan.hpp"

namespace cofferdam::sim {

/// The promise that a run of this plan breaks first ("S1"); empty: none. A run that dies breaks "abort".
std::string first_broken(const Plan& plan);

/// Drops items, agents and settings as long as the same promise stays broken. `tries` bounds the runs.
Plan shrink(const Plan& plan, const std::string& promise, int tries = 400);

}  // namespace cofferdam::sim
