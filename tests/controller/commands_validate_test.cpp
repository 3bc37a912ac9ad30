#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "commands_fixture.hpp"

namespace cofferdam::controller {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;

// ------------------------------------------------------------------------------------------------ validate

TEST_F(CommandsTest, ValidateIsContentWithGoodFiles) {
  write("a.yaml", spec("a"));
  write("b.yml", spec("b") + "---\n" + spec("c"));
  write("ignored.txt", "no spec");
  const Outcome outcome = command({"validate", root_.string()});
  EXPECT_EQ(outcome.code, 0) << outcome.out;
  EXPECT_EQ(outcome.out, "2 files, 3 agents: 0 mistakes, 0 warnings\n");
}

TEST_F(CommandsTest, ValidateNamesEveryMistakeWithItsPlace) {
  const std::string a = write("a.yaml", spec("a", "  memoryMB: 1\n  cpuLimti: 2\n"));
  const std::string b = write("b.yaml", spec("b", "  networkMode: host\n"));
  const Outcome outcome = command({"validate", a, b});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr(a + ":7:"));
  EXPECT_THAT(outcome.out, HasSubstr("spec.memoryMB"));
  EXPECT_THAT(outcome.out, HasSubstr(a + ":8:"));
  EXPECT_THAT(outcome.out, HasSubstr("cpuLimit"));
  EXPECT_THAT(outcome.out, HasSubstr(b + ":7:"));
  EXPECT_THAT(outcome.out, HasSubstr("spec.networkMode"));
  EXPECT_THAT(outcome.out, HasSubstr("3 mistakes"));
}

TEST_F(CommandsTest, ValidateFindsAnAgentNamedTwice) {
  const std::string a = write("a.yaml", spec("same", "", "/srv/cofferdam/workspaces/one"));
  const std::string b = write("b.yaml", spec("same", "", "/srv/cofferdam/workspaces/two"));
  const Outcome outcome = command({"validate", a, b});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr(a + ":3:"));
  EXPECT_THAT(outcome.out, HasSubstr(b + ":3:"));
}

TEST_F(CommandsTest, ValidateFindsWorkspacesThatOverlap) {
  const std::string a = write("a.yaml", spec("a", "", "/srv/cofferdam/workspaces/shared"));
  const std::string b = write("b.yaml", spec("b", "", "/srv/cofferdam/workspaces/shared/inner"));
  const std::string c = write("c.yaml", spec("c", "", "/srv/cofferdam/workspaces/shared-not"));
  const Outcome outcome = command({"validate", a, b, c});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr(a + ":5:"));
  EXPECT_THAT(outcome.out, HasSubstr(b + ":5:"));
  EXPECT_THAT(outcome.out, Not(HasSubstr(c)));
  EXPECT_THAT(outcome.out, HasSubstr("[workspace-overlap]"));
}

TEST_F(CommandsTest, ValidateWarnsOfFilteredVariablesAndIsContentAllTheSame) {
  const std::string a = write("a.yaml", spec("a", "  env: {SECRET: hunter2, LANG: C}\n"));
  const Outcome outcome = command({"validate", a});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, HasSubstr("warning: " + a + ":7:"));
  EXPECT_THAT(outcome.out, HasSubstr("spec.env.SECRET"));
  EXPECT_THAT(outcome.out, Not(HasSubstr("LANG")));
  EXPECT_THAT(outcome.out, Not(HasSubstr("hunter2"))) << "values are never told";
}

TEST_F(CommandsTest, ValidateJudgesByTheConfigurationItIsGiven) {
  const std::string a = write("a.yaml", spec("a", "  networkMode: lab\n"));
  const std::string c = write("cofferdam.conf", "policy: {allowedNetworks: [none, lab]}\n");
  EXPECT_EQ(command({"validate", a}).code, 1);
  EXPECT_EQ(command({"validate", "--config", c, a}).code, 0);
}

TEST_F(CommandsTest, ValidateEndsWith78WhereTheConfigurationIsBad) {
  const std::string c = write("cofferdam.conf", "instnace: x\n");
  EXPECT_EQ(command({"validate", "--config", write("good.conf", "instance: x\n")}).code, 0);
  const Outcome outcome = command({"validate", "--config", c});
  EXPECT_EQ(outcome.code, 78);
  EXPECT_THAT(outcome.out, HasSubstr(c + ":1:1"));
  EXPECT_EQ(command({"validate", "--config", (root_ / "missing").string()}).code, 78);
}

TEST_F(CommandsTest, ValidateFindsFilesThatAreNotThereOrNoFiles) {
  const Outcome missing = command({"validate", (root_ / "missing.yaml").string()});
  EXPECT_EQ(missing.code, 1);
  EXPECT_THAT(missing.out, HasSubstr("missing.yaml: does not exist; name a spec file"));
  ASSERT_EQ(mkfifo((root_ / "pipe.yaml").c_str(), 0600), 0);
  fs::create_symlink("nowhere", root_ / "dangling.yaml");
  fs::create_directory(root_ / "directory.yaml");
  const Outcome outcome = command({"validate", root_.string()});
  EXPECT_EQ(outcome.code, 1);
  EXPECT_THAT(outcome.out, HasSubstr("pipe.yaml: "));
  EXPECT_THAT(outcome.out, HasSubstr("dangling.yaml: "));
  EXPECT_THAT(outcome.out, HasSubstr("directory.yaml: "));
  EXPECT_THAT(outcome.out, HasSubstr("3 mistakes"));
}

TEST_F(CommandsTest, ValidateLooksAtWorkspacesOnlyWhenAsked) {
  const std::string c = write("cofferdam.conf", "policy: {workspaceRoots: [" + root_.string() + "]}\n");
  const std::string a = write("a.yaml", spec("a", "", (root_ / "none").string()));
  EXPECT_EQ(command({"validate", "--config", c, a}).code, 0);
  const Outcome looked = command({"validate", "--config", c, "--check-workspaces", a});
  EXPECT_EQ(looked.code, 1);
  EXPECT_THAT(looked.out, HasSubstr("spec.workspacePath"));
}

TEST_F(CommandsTest, ValidateTellsProgramsInJson) {
  const std::string a = write("a.yaml", spec("a", "  memoryMB: 1\n  env: {SECRET: x}\n"));
  const Outcome outcome = command({"validate", "--output", "json", a});
  EXPECT_EQ(outcome.code, 1);
  const auto json = nlohmann::json::parse(outcome.out);
  ASSERT_EQ(json["problems"].size(), 1U);
  EXPECT_EQ(json["problems"][0]["line"], 7);
}

TEST_F(CommandsTest, ValidateTellsProgramsOfTheConfigurationsWarningsToo) {
  const std::string c = write("cofferdam.conf", "policy: {workspaceRoots: [" + (root_ / "none").string() + "]}\n");
  for (const std::vector<std::string>& files :
       {std::vector<std::string>{}, {write("a.yaml", spec("a", "", (root_ / "none/a").string()))}}) {
    std::vector<std::string> arguments{"validate", "--config", c, "--output", "json"};
    arguments.insert(arguments.end(), files.begin(), files.end());
    const Outcome outcome = command(arguments);
    EXPECT_EQ(outcome.code, 0) << outcome.out;
    const auto json = nlohmann::json::parse(outcome.out);
    ASSERT_EQ(json["warnings"].size(), 1U);
    EXPECT_THAT(json["warnings"][0]["text"], HasSubstr("policy.workspaceRoots: " + (root_ / "none").string()));
  }
}

TEST_F(CommandsTest, ValidateKeepsTheTerminalFromWhatAFileSays) {
  const std::string a = write("a.yaml", "apiVersion: \"\\e[2J\"\nkind: Agent\n");
  EXPECT_THAT(command({"validate", a}).out, Not(HasSubstr("\x1b")));
}

TEST_F(CommandsTest, ValidateTakesTheExamples) {
  EXPECT_EQ(command({"validate", COFFERDAM_SOURCE_DIR "/examples/agents"}).code, 0);
  EXPECT_EQ(command({"validate", COFFERDAM_SOURCE_DIR "/examples/broken"}).code, 1);
}

}  // namespace
}  // namespace cofferdam::controller
