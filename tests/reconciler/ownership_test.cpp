// Ownership's edges: which names an agent can have, and numbers that no label of ours could carry. (pieces_test.cpp has its
// rules.)

#include "reconciler/ownership.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace cofferdam::reconciler {
namespace {

Ownership with(const std::string& key, const std::string& value) {
  std::map<std::string, std::string> labels{{"cofferdam.managed-by", "cofferdam"},
                                            {"cofferdam.instance", "default"},
                                            {"cofferdam.role", "agent"},
                                            {"cofferdam.name", "n"},
                                            {"cofferdam.agent", "bot"},
                                            {"cofferdam.run-hash", "r"},
                                            {"cofferdam.config-hash", "c"},
                                            {"cofferdam.schema", "1"},
                                            {"cofferdam.image-id", "sha256:aa"},
                                            {"cofferdam.attempt", "3"}};
  labels[key] = value;
  return owner_of("n", "sha256:aa", labels, Identity{"default", "cofferdam", "1.0"});
}

TEST(OwnershipEdges, KnowsEveryNameThatASpecCanHave) {
  for (const std::string& name :
       {std::string("b"), std::string("9"), std::string("a-b"), std::string("a--9"), std::string("z0"), std::string(63, 'a')}) {
    EXPECT_EQ(with("cofferdam.agent", name).owner, Owner::agent) << name;
    EXPECT_EQ(with("cofferdam.agent", name).agent, name);
  }
}

TEST(OwnershipEdges, SuspectsANameThatNoSpecCanHave) {
  for (const std::string& name :
       {std::string(), std::string(64, 'a'), std::string("-bot"), std::string("bot-"), std::string("b_t"), std::string("bOt"),
        std::string("{bot"), std::string("b:t"), std::string("/bot")}) {
    EXPECT_EQ(with("cofferdam.agent", name).owner, Owner::suspect) << name;
    EXPECT_EQ(with("cofferdam.agent", name).agent, "") << name;
  }
}

TEST(OwnershipEdges, SuspectsASchemaThatIsNoNumberOfOurs) {
  EXPECT_EQ(with("cofferdam.schema", "2147483647").schema, 2147483647);
  for (const char* schema : {"2147483648", "99999999999", "-1", "0", ""}) {
    EXPECT_EQ(with("cofferdam.schema", schema).owner, Owner::suspect) << schema;
    EXPECT_EQ(with("cofferdam.schema", schema).schema, 0) << schema;
  }
}

TEST(OwnershipEdges, TakesNoCountBeyondWhatWeEverWrite) {
  const std::string beyond = "1000000000001";
  EXPECT_EQ(with("cofferdam.attempt", "1000000000000").attempt, 1000000000000);
  EXPECT_EQ(with("cofferdam.attempt", beyond).owner, Owner::suspect);
  EXPECT_EQ(with("cofferdam.failures", beyond).failures, 0);
  EXPECT_EQ(with("cofferdam.restarts", "9223372036854775807").restarts, 0);
}

}  // namespace
}  // namespace cofferdam::reconciler
