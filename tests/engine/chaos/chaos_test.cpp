// Three minutes of chaos. The seed is drawn anew each time and printed; COFFERDAM_CHAOS_SEED and COFFERDAM_CHAOS_SECONDS
// set it and the time.

#include "tests/engine/chaos/chaos.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <random>

namespace cofferdam::test::chaos {
namespace {

TEST(Chaos, LosesDoublesAndTouchesNothingAndComesToRest) {
  Options options;
  const char* const seed = std::getenv("COFFERDAM_CHAOS_SEED");
  const char* const duration = std::getenv("COFFERDAM_CHAOS_SECONDS");
  options.seed = seed != nullptr ? std::strtoull(seed, nullptr, 10) : std::random_device{}();
  if (duration != nullptr) options.duration = std::chrono::seconds(std::strtoull(duration, nullptr, 10));
  std::cout << "chaos: seed " << options.seed << std::endl;
  const auto outcome = run(options);
  std::cout << outcome.summary;
  EXPECT_EQ(outcome.violations, 0);
  EXPECT_EQ(outcome.lacking, "");
  EXPECT_GE(outcome.decoys, 30);
  EXPECT_GT(outcome.changing_calls, 30) << "nothing was judged";
  EXPECT_LT(outcome.overlooked * 10, outcome.changing_calls) << "too little was judged";
  EXPECT_GT(outcome.observations, 500) << "nothing was looked at";
}

}  // namespace
}  // namespace cofferdam::test::chaos
