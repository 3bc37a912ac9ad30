#include "specs/user.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "specs/capability.hpp"

namespace cofferdam::specs {
void PrintTo(const NumericUser& user, std::ostream* out) {
  *out << to_string(user);
}

namespace {

using ::testing::HasSubstr;

const std::string passwd =
    "root:x:0:0:root:/root:/bin/sh\n"
    "daemon:x:2:2:daemon:/sbin:/sbin/nologin\n"
    "node:x:1000:1001:node:/home/node:/bin/sh\n"
    "node:x:0:0:the second of that name:/:/bin/sh\n"
    "broken:x:12\n"
    "plus:x:+5:5::/:/bin/sh\n"
    "zeros:x:007:7::/:/bin/sh\n"
    "huge:x:4294967295:1::/:/bin/sh\n"
    "1234:x:0:0:a name that looks like a number:/:/bin/sh\n"
    "last:x:1002:1002::/:/bin/sh";
const std::string group = "root:x:0:\nwheel:x:10:node\nnode:x:1001:\nbadgroup:x:ten:\nshortgroup:x\n";

struct Resolved {
  const char* user;
  NumericUser numbers;
};
class ResolvedUserTest : public ::testing::TestWithParam<Resolved> {};

TEST_P(ResolvedUserTest, BecomesNumbers) {
  const UserResolution found = resolve_user(GetParam().user, passwd, group);
  ASSERT_TRUE(found.user.has_value()) << found.error;
  EXPECT_EQ(*found.user, GetParam().numbers);
  EXPECT_EQ(found.error, "");
}

INSTANTIATE_TEST_SUITE_P(Users, ResolvedUserTest,
                         ::testing::Values(Resolved{"node", {1000, 1001}}, Resolved{"node:wheel", {1000, 10}},
                                           Resolved{"node:node", {1000, 1001}}, Resolved{"node:7", {1000, 7}},
                                           Resolved{"1000", {1000, 1001}}, Resolved{"1000:5", {1000, 5}},
                                           Resolved{"1000:wheel", {1000, 10}}, Resolved{"4321", {4321, 4321}},
                                           Resolved{"4321:4322", {4321, 4322}}, Resolved{"1234", {1234, 1234}},
                                           Resolved{"last", {1002, 1002}}, Resolved{"root", {0, 0}}, Resolved{"0", {0, 0}},
                                           Resolved{"2147483647:2147483647", {2147483647, 2147483647}}));

struct Unresolved {
  const char* user;
  const char* words;
};
class UnresolvedUserTest : public ::testing::TestWithParam<Unresolved> {};

TEST_P(UnresolvedUserTest, IsAnErrorWithItsMend) {
  const UserResolution found = resolve_user(GetParam().user, passwd, group);
  EXPECT_FALSE(found.user.has_value());
  EXPECT_THAT(found.error, HasSubstr(GetParam().words));
  EXPECT_THAT(found.error, HasSubstr("; set spec.user, for example 1000:1000"));
}

INSTANTIATE_TEST_SUITE_P(
    Users, UnresolvedUserTest,
    ::testing::Values(Unresolved{"nobody", "image has no user nobody"}, Unresolved{"node:staff", "image has no group staff"},
                      Unresolved{"broken", "no numbers for user broken"}, Unresolved{"plus", "no numbers for user plus"},
                      Unresolved{"zeros", "no numbers for user zeros"}, Unresolved{"huge", "no numbers for user huge"},
                      Unresolved{"node:badgroup", "no number for group badgroup"},
                      Unresolved{"node:shortgroup", "no number for group shortgroup"}, Unresolved{"", "has an empty user"},
                      Unresolved{":", "has an empty user"}, Unresolved{"node:", "has an empty group"},
                      Unresolved{":node", "has an empty user"}, Unresolved{"00", "no canonical decimal"},
                      Unresolved{"+0", "no canonical decimal"}, Unresolved{"-1", "no canonical decimal"},
                      Unresolved{"01000:1000", "no canonical decimal"}, Unresolved{"1000:00", "no canonical decimal"},
                      Unresolved{"2147483648", "no canonical decimal"},
                      Unresolved{"99999999999999999999", "no canonical decimal"}, Unresolved{"1000x", "no canonical decimal"},
                      Unresolved{"no de", "other characters"}, Unresolved{"node:a:b", "other characters"},
                      Unresolved{"a\nb", "other characters"}));

TEST(User, MissingUserIsToldAsThePageSays) {
  EXPECT_EQ(resolve_user("node:node", "", "").error, "image has no user node; set spec.user, for example 1000:1000");
}

TEST(User, LongNamesAreRefused) {
  EXPECT_NE(user_form_error(std::string(65, 'a')), "");
}

TEST(User, ImagesFilesWithDosLineEndsAreRead) {
  const UserResolution found = resolve_user("node:wheel", "node:x:1000:1001::/:/bin/sh\r\n", "wheel:x:10\r\n");
  ASSERT_TRUE(found.user.has_value());
  EXPECT_EQ(*found.user, (NumericUser{1000, 10}));
}

TEST(User, NeedsTheImagesFilesUnlessBothPartsAreNumbers) {
  for (const char* user : {"node", "node:node", "1000", "1000:node", "node:1000"}) EXPECT_TRUE(user_needs_files(user)) << user;
  EXPECT_FALSE(user_needs_files("1000:1000"));
  EXPECT_FALSE(user_needs_files("0:0"));
}

TEST(User, NumbersAloneIgnoreWhatTheImageSays) {
  const UserResolution found = resolve_user("1000:1000", "1000:x:0:0:::\nx:x:1000:broken", "1000:x:0:");
  ASSERT_TRUE(found.user.has_value());
  EXPECT_EQ(*found.user, (NumericUser{1000, 1000}));
}

TEST(Capability, NamesAreNormalised) {
  EXPECT_EQ(normal_capability("cap_net_raw"), "NET_RAW");
  EXPECT_EQ(normal_capability("CAP_CHOWN"), "CHOWN");
  EXPECT_EQ(normal_capability("Kill"), "KILL");
}

TEST(Capability, RootEquivalentOnesAreKnown) {
  for (const char* name : {"SYS_ADMIN", "SYS_MODULE", "SYS_PTRACE", "SYS_RAWIO", "DAC_READ_SEARCH", "DAC_OVERRIDE", "BPF",
                           "PERFMON", "NET_ADMIN", "MKNOD", "SETFCAP", "SYS_BOOT", "SYS_TIME", "MAC_ADMIN", "MAC_OVERRIDE"}) {
    EXPECT_TRUE(is_root_equivalent_capability(name)) << name;
  }
  EXPECT_FALSE(is_root_equivalent_capability("NET_BIND_SERVICE"));
}

TEST(Capability, GrantedIsWhatDroppingLeavesAndAddingGives) {
  EXPECT_TRUE(granted_capabilities({"ALL"}, {}).empty());
  EXPECT_THAT(granted_capabilities({"all"}, {"CAP_KILL"}), ::testing::ElementsAre("KILL"));
  EXPECT_EQ(granted_capabilities({}, {}).size(), 14U);
  EXPECT_EQ(granted_capabilities({"NET_RAW"}, {}).count("NET_RAW"), 0U);
  EXPECT_EQ(granted_capabilities({"KILL"}, {"KILL"}).count("KILL"), 1U);
}

}  // namespace
}  // namespace cofferdam::specs
