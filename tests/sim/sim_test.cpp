// The simulator as a test: a few hundred seeds, every scenario, the corpus of what once failed, and that a run is the same
// twice. The program itself (cofferdam-sim) does the same at length.

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "tests/sim/compare.hpp"
#include "tests/sim/scenarios.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {
namespace {

/// An hour of silence stands for the day that the program waits.
Plan shorter(Plan plan) {
  plan.quiet = hour;
  return plan;
}

std::string run(const Plan& plan) {
  World world(plan, false);
  world.run();
  return world.violations().empty() ? std::string() : world.violations().front();
}

TEST(Simulation, KeepsEveryPromiseOverTheFirstSeeds) {
  std::uint64_t steps = 0;
  std::int64_t simulated = 0;
  std::uint64_t faults = 0;
  constexpr std::uint64_t seeds = 300;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    World world(shorter(plan_of(seed)), false);
    world.run();
    steps += world.statistics().steps;
    simulated += world.statistics().simulated_seconds;
    for (const auto& [kind, count] : world.statistics().faults) faults += count;
    for (const std::string& violation : world.violations()) {
      ADD_FAILURE() << violation << "; cofferdam-sim --seed " << seed << " --trace";
    }
  }
  std::cout << "seeds=" << seeds << " steps=" << steps << " faults_and_actions=" << faults
            << " simulated_hours=" << simulated / 3600 << '\n';
}

TEST(Simulation, EndsWhereAWorldWithoutAPastWouldHave) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    World world(shorter(plan_of(seed)), false);
    world.run();
    for (const std::string& difference : differs_from_fresh(world)) ADD_FAILURE() << "seed " << seed << ": " << difference;
  }
}

TEST(Simulation, KeepsEveryPromiseInEveryScenario) {
  for (const Scenario& scenario : scenarios()) EXPECT_EQ(run(scenario.plan), "") << scenario.name;
  EXPECT_GE(scenarios().size(), 60U);
}

TEST(Simulation, IsTheSameTwice) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    World once(shorter(plan_of(seed)), false);
    once.run();
    World again(shorter(plan_of(seed)), true);
    again.run();
    EXPECT_EQ(once.trace().hash(), again.trace().hash()) << "seed " << seed;
  }
}

TEST(Simulation, ReadsAPlanBackAsItWrote) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const std::string text = to_text(plan_of(seed));
    std::string error;
    const auto plan = plan_from(text, error);
    ASSERT_TRUE(plan.has_value()) << error;
    EXPECT_EQ(to_text(*plan), text);
  }
}

TEST(Simulation, KeepsEveryPromiseInTheCorpus) {
  std::size_t cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(COFFERDAM_SOURCE_DIR "/tests/sim/corpus")) {
    if (entry.path().extension() != ".plan") continue;
    ++cases;
    std::ifstream file(entry.path());
    std::ostringstream text;
    text << file.rdbuf();
    std::string error;
    const auto plan = plan_from(text.str(), error);
    ASSERT_TRUE(plan.has_value()) << entry.path() << ": " << error;
    World world(*plan, false);
    world.run();
    std::vector<std::string> broken = world.violations();
    if (broken.empty()) broken = differs_from_fresh(world);
    for (const std::string& promise : broken) ADD_FAILURE() << promise << "; cofferdam-sim --plan " << entry.path() << " --trace";
  }
  EXPECT_GT(cases, 0U);
}

}  // namespace
}  // namespace cofferdam::sim
