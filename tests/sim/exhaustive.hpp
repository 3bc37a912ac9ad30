#pragma once

// Every call of every scenario, hurt in every way: the controller dies before it, after it was applied, after its answer;
// each class of error, once and from then on; every save, likewise. And in the core scenarios every pair of crashes.
// What was expected and what took place are counted; they must be equal.

#include <cstdint>
#include <string>
#include <vector>

namespace cofferdam::sim {

struct Exhausted {
  std::uint64_t scenarios = 0;
  std::uint64_t expected = 0;
  std::uint64_t executed = 0;
  std::vector<std::string> violations;  ///< with the plan that replays each
};

/// Scenarios number `part`, `part + parts`, …; `pairs`: of crashes, in the core ones.
Exhausted exhaust(std::size_t part, std::size_t parts, bool pairs);

}  // namespace cofferdam::sim
