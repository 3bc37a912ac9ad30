// The soak's short form: `soak` lives ten thousand.

#include "tests/engine/soak/soak.hpp"

#include <gtest/gtest.h>

#include <iostream>

namespace cofferdam::test::soak {
namespace {

TEST(Soak, DescriptorsThreadsAndMemoryStayFlatOverAThousandLives) {
  const Outcome outcome = run({.lives = 1'000});
  std::cout << outcome.summary;
  ASSERT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.created, 1'002) << "each life is one container, and two agents stay";
  EXPECT_EQ(outcome.removed, 1'000);
  EXPECT_GT(outcome.after_warm_up.descriptors, 0);
  EXPECT_EQ(outcome.at_end.descriptors, outcome.after_warm_up.descriptors);
  EXPECT_EQ(outcome.at_end.threads, outcome.after_warm_up.threads);
  EXPECT_LE(outcome.at_end.resident_kib - outcome.after_warm_up.resident_kib, growth_allowed_kib);
}

}  // namespace
}  // namespace cofferdam::test::soak
