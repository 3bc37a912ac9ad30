// The short form of cofferdam-sim --exhaustive and --allocation-failure: one scenario whole, of the core ones a share of the
// cases. What breaks a promise is printed as a plan that the program replays.

#include "tests/sim/exhaustive.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "tests/sim/scenarios.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {
namespace {

std::vector<std::string> core_scenarios() {
  std::vector<std::string> names;
  for (const Scenario& scenario : scenarios()) {
    if (scenario.core) names.push_back(scenario.name);
  }
  return names;
}

void expect_whole(const Exhausted& exhausted) {
  const auto all = exhausted.all();
  EXPECT_EQ(all.executed, all.expected);
  EXPECT_EQ(exhausted.broken, 0U);
  for (const std::string& failure : exhausted.failures) ADD_FAILURE() << failure;
}

TEST(Exhaustive, HurtsEveryEffectOfAScenarioInEveryWay) {
  Scope scope;
  scope.only = {"runs"};
  scope.pairs = false;
  const Exhausted exhausted = exhaust(scope);
  EXPECT_EQ(exhausted.scenarios, 1U);
  for (const char* kind : {"crash at a call", "crash at a save or check", "crash between effects"}) {
    EXPECT_GE(exhausted.kinds.at(kind).expected, 30U) << kind;
  }
  for (const char* kind : {"error, once", "error, from then on"}) EXPECT_GE(exhausted.kinds.at(kind).expected, 200U) << kind;
  expect_whole(exhausted);
}

TEST(Exhaustive, HurtsAShareOfTheEffectsAndPairsOfTheCoreScenarios) {
  Scope scope;
  scope.only = core_scenarios();
  scope.parts = 97;
  scope.part = 31;
  const Exhausted exhausted = exhaust(scope);
  EXPECT_EQ(exhausted.scenarios, 10U);
  EXPECT_GT(exhausted.kinds.at("pair of crashes").expected, 300U);
  expect_whole(exhausted);
}

TEST(Exhaustive, SurvivesAllocationsThatFail) {
  Scope scope;
  scope.only = {"runs-once-and-succeeds", "edited"};
  scope.places = 200;
  const Exhausted exhausted = exhaust_allocations(scope);
  EXPECT_EQ(exhausted.kinds.at("allocation fails").expected, 400U);
  EXPECT_GE(exhausted.kinds.at("every n-th allocation fails").expected, 20U);
  expect_whole(exhausted);
}

TEST(Exhaustive, CountsACaseWhoseFaultDidNotFallAsNotExecuted) {
  // The hundred thousandth list is never sent.
  Plan plan = scenarios().front().plan;
  plan.items.push_back({0, "call", "list", "crash-before", 100'000});
  World world(plan, false);
  world.run();
  EXPECT_FALSE(world.statistics().faults.contains("call crash-before"));
}

TEST(Exhaustive, LetsACrashFallOnceWhereThePlanSays) {
  for (const char* moment : {"crash-before", "crash-applied", "crash-after"}) {
    Plan plan = scenarios().front().plan;
    plan.items.push_back({0, "call", "create", moment, 1});
    World world(plan, false);
    world.run();
    EXPECT_EQ(world.statistics().faults.at(std::string("call ") + moment), 1U) << moment;
    EXPECT_EQ(world.shell()->life(), 2U) << moment;
  }
}

TEST(Exhaustive, HasEnoughScenariosEachWithANameOfItsOwn) {
  std::set<std::string> names;
  for (const Scenario& scenario : scenarios()) EXPECT_TRUE(names.insert(scenario.name).second) << scenario.name;
  EXPECT_GE(names.size(), 60U);
  EXPECT_EQ(core_scenarios().size(), 10U);
}

}  // namespace
}  // namespace cofferdam::sim
