#include "controller/instance_lock.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "tests/controller/temp_directory.hpp"

namespace cofferdam::controller {
namespace {

using ::testing::HasSubstr;
using testing::TempDirectory;

TEST(InstanceLock, RefusesASecondAndSaysWhoHasIt) {
  TempDirectory temp;
  auto first = InstanceLock::acquire(temp.path(), "default", "cofferdam run");
  ASSERT_TRUE(std::holds_alternative<InstanceLock>(first));
  const auto second = InstanceLock::acquire(temp.path(), "default", "cofferdam apply");
  ASSERT_TRUE(std::holds_alternative<std::string>(second));
  EXPECT_THAT(std::get<std::string>(second), HasSubstr("cofferdam run, process " + std::to_string(getpid())));
}

TEST(InstanceLock, ComesFreeWithItsHolder) {
  TempDirectory temp;
  {
    const auto first = InstanceLock::acquire(temp.path(), "default", "cofferdam run");
  }
  const auto second = InstanceLock::acquire(temp.path(), "default", "cofferdam apply");
  EXPECT_TRUE(std::holds_alternative<InstanceLock>(second));
}

TEST(InstanceLock, KeepsInstancesApart) {
  TempDirectory temp;
  const auto first = InstanceLock::acquire(temp.path(), "blue", "cofferdam run");
  const auto second = InstanceLock::acquire(temp.path(), "green", "cofferdam run");
  EXPECT_TRUE(std::holds_alternative<InstanceLock>(first));
  EXPECT_TRUE(std::holds_alternative<InstanceLock>(second));
}

TEST(InstanceLock, SaysWhyItCannotBeTaken) {
  TempDirectory temp;
  const auto lock = InstanceLock::acquire(temp.at("missing"), "default", "cofferdam run");
  ASSERT_TRUE(std::holds_alternative<std::string>(lock));
  EXPECT_THAT(std::get<std::string>(lock), HasSubstr("No such file or directory"));
}

}  // namespace
}  // namespace cofferdam::controller
