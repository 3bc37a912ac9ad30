#pragma once

// Named scenarios for the exhaustive mode: short lives without a fault, in each of which every engine call and every save
// is then hurt in every way.

#include <string>
#include <vector>

#include "tests/sim/plan.hpp"

namespace cofferdam::sim {

struct Scenario {
  std::string name;
  Plan plan;
  bool core = false;  ///< also with every pair of crashes
};

std::vector<Scenario> scenarios();

}  // namespace cofferdam::sim
