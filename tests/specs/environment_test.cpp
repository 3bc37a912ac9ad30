#include "specs/environment.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "specs/configuration.hpp"

namespace cofferdam::specs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

SandboxDefaults allowing(std::vector<std::string> names) {
  SandboxDefaults sandbox;
  sandbox.env_whitelist = std::move(names);
  return sandbox;
}

TEST(Environment, PassesOnlyWhatTheAllowListNames) {
  const auto result = filter_environment({{"LOG_LEVEL", "debug"}, {"ZEBRA", "1"}, {"AWS_SECRET", "s3cret"}},
                                         allowing({"LOG_LEVEL", "LANG"}), "bot", "task");
  EXPECT_THAT(result.passed, UnorderedElementsAre(Pair("LOG_LEVEL", "debug")));
  EXPECT_THAT(result.filtered, ElementsAre("AWS_SECRET", "ZEBRA"));
}

TEST(Environment, NamesAreComparedInFull) {
  const auto result = filter_environment({{"LANGUAGE", "x"}, {"lang", "x"}, {"LAN", "x"}}, allowing({"LANG"}), "bot", "task");
  EXPECT_THAT(result.passed, IsEmpty());
  EXPECT_THAT(result.filtered, ElementsAre("LAN", "LANGUAGE", "lang"));
}

TEST(Environment, AgentAndTaskAreNeverTheSpecsToSet) {
  const SandboxDefaults sandbox = allowing({"AGENT_ID", "TASK_ID"});
  const auto result = filter_environment({{"AGENT_ID", "other"}, {"TASK_ID", "other"}}, sandbox, "bot", "task");
  EXPECT_THAT(result.passed, IsEmpty());
  EXPECT_THAT(result.filtered, ElementsAre("AGENT_ID", "TASK_ID"));
}

TEST(Environment, WritingTheAgentsOwnNameLosesNothing) {
  const auto result = filter_environment({{"AGENT_ID", "bot"}, {"TASK_ID", "task"}}, allowing({}), "bot", "task");
  EXPECT_THAT(result.passed, IsEmpty());
  EXPECT_THAT(result.filtered, IsEmpty());
}

TEST(Environment, AllowListIsSortedWithWhatWasAddedAndEachNameOnce) {
  SandboxDefaults sandbox = allowing({"TZ", "LANG"});
  sandbox.env_whitelist_add = {"ACME_MODE", "LANG"};
  EXPECT_THAT(environment_allow_list(sandbox), ElementsAre("ACME_MODE", "LANG", "TZ"));
}

TEST(Environment, NamesAreLettersDigitsAndUnderscores) {
  for (const char* good : {"A", "_", "a1", "LC_ALL", "_x9"}) EXPECT_TRUE(is_environment_name(good)) << good;
  for (const char* bad : {"", "1A", "A-B", "A B", "A=B", "\xc3\xa4", "A.B"}) EXPECT_FALSE(is_environment_name(bad)) << bad;
}

TEST(Environment, NamesThatChangeWhatCodeRunsNeedTheSecondSwitch) {
  for (const char* name : {"LD_PRELOAD", "LD_LIBRARY_PATH", "PATH", "BASH_ENV", "PYTHONSTARTUP", "JAVA_TOOL_OPTIONS",
                           "GIT_SSH_COMMAND", "http_proxy", "HTTPS_PROXY", "no_proxy", "DOCKER_HOST", "PYTHONPATH", "NODE_PATH",
                           "GIT_CONFIG_COUNT", "BASH_FUNC_ls%%", "PERL5OPT", "NODE_EXTRA_CA_CERTS"}) {
    EXPECT_TRUE(needs_second_switch(name)) << name;
  }
  for (const char* name : {"NODE_OPTIONS", "NODE_ENV", "LANG", "LOG_LEVEL", "TZ", "HOME", "OLD_PATH", "BUILD_DIR", "PROXY"}) {
    EXPECT_FALSE(needs_second_switch(name)) << name;
  }
}

TEST(Environment, WhatInjectsCodeIsUnsetAndSearchPathsAreKept) {
  for (const char* name : {"LD_PRELOAD", "LD_LIBRARY_PATH", "NODE_OPTIONS", "BASH_ENV", "PYTHONSTARTUP", "RUBYOPT"}) {
    EXPECT_TRUE(injects_code(name)) << name;
  }
  for (const char* name : {"PATH", "PYTHONPATH", "NODE_PATH", "JAVA_HOME", "LANG", "NODE_VERSION", "http_proxy"}) {
    EXPECT_FALSE(injects_code(name)) << name;
  }
}

struct NodeOptions {
  const char* value;
  const char* unsafe;
};
class NodeOptionsTest : public ::testing::TestWithParam<NodeOptions> {};

TEST_P(NodeOptionsTest, OnlyOptionsOfTheSafeListPass) {
  EXPECT_EQ(unsafe_node_option(GetParam().value), GetParam().unsafe) << GetParam().value;
}

INSTANTIATE_TEST_SUITE_P(
    Values, NodeOptionsTest,
    ::testing::Values(NodeOptions{"", ""}, NodeOptions{"   ", ""}, NodeOptions{"--max-old-space-size=256", ""},
                      NodeOptions{"--max_old_space_size=256", ""}, NodeOptions{" --enable-source-maps  --no-warnings ", ""},
                      NodeOptions{"--unhandled-rejections=strict", ""}, NodeOptions{"--require=./x.js", "--require"},
                      NodeOptions{"--require ./x.js", "--require"}, NodeOptions{"-r ./x.js", "-r"},
                      NodeOptions{"--import=data:text/javascript,1", "--import"}, NodeOptions{"--loader=x", "--loader"},
                      NodeOptions{"--experimental-loader=x", "--experimental-loader"}, NodeOptions{"--inspect", "--inspect"},
                      NodeOptions{"--inspect-brk=0.0.0.0:9229", "--inspect-brk"},
                      NodeOptions{"--enable-source-maps --inspect", "--inspect"},
                      NodeOptions{"--max-old-space-size=", "--max-old-space-size"},
                      NodeOptions{"--max-old-space-size=2x", "--max-old-space-size"},
                      NodeOptions{"--max-old-space-size", "--max-old-space-size"},
                      NodeOptions{"--enable-source-maps=1", "--enable-source-maps"},
                      NodeOptions{"--unhandled-rejections=a/b", "--unhandled-rejections"},
                      NodeOptions{"\"--enable-source-maps\"", "a quote or backslash"},
                      NodeOptions{"--no-warnings\\", "a quote or backslash"},
                      NodeOptions{"--no-warnings\t--inspect", "a word that is no option"},
                      NodeOptions{"./x.js", "a word that is no option"}, NodeOptions{"--SECRET=value", "--SECRET"}));

}  // namespace
}  // namespace cofferdam::specs
