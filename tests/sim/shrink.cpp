#include "tests/sim/shrink.hpp"

#include <algorithm>
#include <utility>

#include "tests/sim/compare.hpp"
#include "tests/sim/side_by_side.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {

std::string first_broken(const Plan& plan) {
  // In a process of its own: a machine that aborts must not take the search with it.
  const auto told = finish(begin_worker([&plan] {
    World world(plan, false);
    world.run();
    if (world.violations().empty()) {
      for (const std::string& difference : differs_from_fresh(world)) world.checks().violated("D1", difference);
    }
    const std::string broken = world.violations().empty() ? std::string() : world.violations().front();
    return broken.substr(0, broken.find(' '));
  }));
  return told ? *told : "abort";
}

Plan shrink(const Plan& plan, const std::string& promise, int tries) {
  Plan least = plan;
  const auto fails = [&](const Plan& candidate) { return tries-- > 0 && first_broken(candidate) == promise; };

  // Items, in ever smaller stretches.
  for (std::size_t stretch = std::max<std::size_t>(least.items.size() / 2, 1); stretch >= 1 && tries > 0; stretch /= 2) {
    for (std::size_t at = 0; at < least.items.size() && tries > 0;) {
      Plan candidate = least;
      const auto begin = candidate.items.begin() + static_cast<std::ptrdiff_t>(at);
      const auto end = candidate.items.begin() + static_cast<std::ptrdiff_t>(std::min(at + stretch, candidate.items.size()));
      candidate.items.erase(begin, end);
      if (fails(candidate)) {
        least = std::move(candidate);
      } else {
        at += stretch;
      }
    }
    if (stretch == 1) break;
  }
  for (std::size_t at = 0; at < least.agents.size() && least.agents.size() > 1 && tries > 0;) {
    Plan candidate = least;
    candidate.agents.erase(candidate.agents.begin() + static_cast<std::ptrdiff_t>(at));
    if (fails(candidate)) {
      least = std::move(candidate);
    } else {
      ++at;
    }
  }
  Plan plain = least;
  plain.engine = EngineTraits{};
  if (fails(plain)) least = plain;
  for (std::size_t at = 0; at < least.agents.size() && tries > 0; ++at) {
    const AgentPlan before = least.agents[at];
    AgentPlan simple;
    simple.name = before.name;
    simple.file = before.file;
    for (const auto& [keep, assign] : {std::pair{before.restart, "restart="}, std::pair{before.program, "program="}}) {
      Plan candidate = least;
      candidate.agents[at] = simple;
      set_field(candidate.agents[at], std::string(assign) + keep);
      if (fails(candidate)) {
        least = std::move(candidate);
        break;
      }
    }
  }
  Plan sooner = least;
  sooner.quiet = minute;
  if (fails(sooner)) least = sooner;
  return least;
}

}  // namespace cofferdam::sim
