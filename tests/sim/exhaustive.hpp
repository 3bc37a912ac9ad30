#pragma once

// Every effect of every scenario, hurt in every way: the controller dies before it, after it was applied and before its
// answer, after its answer; each class of error, once and from then on. In the core scenarios every pair of crashes. And
// every allocation of the machine that fails. What was expected and what took place are counted; they must be equal.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/sim/plan.hpp"

namespace cofferdam::sim {

struct Scope {
  std::size_t part = 0;  ///< of the cases, those number part, part + parts, …
  std::size_t parts = 1;
  bool pairs = true;              ///< of crashes, in the core scenarios
  std::vector<std::string> only;  ///< these scenarios; empty: all
  std::uint64_t places = 400;     ///< allocations of a scenario that fail, spread over it; 0: each
  /// Told of each case before it runs: who dies of it cannot tell any more.
  std::function<void(const std::string& name, const Plan& plan)> begins;
};

struct Exhausted {
  struct Count {
    std::uint64_t expected = 0;
    std::uint64_t executed = 0;  ///< what was to fall did fall
  };
  std::uint64_t scenarios = 0;
  std::map<std::string, Count> kinds;  ///< by the kind of case
  std::uint64_t broken = 0;            ///< cases that broke a promise
  std::vector<std::string> failures;   ///< the first of them, and of those not executed, with the plan that replays each

  [[nodiscard]] Count all() const;
};

Exhausted exhaust(const Scope& scope);
Exhausted exhaust_allocations(const Scope& scope);

}  // namespace cofferdam::sim
