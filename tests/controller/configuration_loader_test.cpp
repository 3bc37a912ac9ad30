#include "controller/configuration_loader.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <string>

#include "tests/controller/temp_directory.hpp"

namespace cofferdam::controller {
namespace {

namespace fs = std::filesystem;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TempDirectory;
using testing::write_file;

class ConfigurationLoader : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(temp_.at("agents.d"));
    fs::create_directories(temp_.at("ws"));
    source_.file = temp_.at("cofferdam.yaml");
    source_.required = true;
  }
  std::variant<LoadedFile, specs::Problems> load(const std::string& more) {
    write_file(source_.file, "specs: {directory: " + temp_.at("agents.d") + "}\n" + more);
    return load_configuration_file(source_);
  }
  LoadedFile good(const std::string& more) {
    auto result = load(more);
    if (const auto* const problems = std::get_if<specs::Problems>(&result)) {
      for (const auto& problem : *problems) ADD_FAILURE() << to_string(problem);
      return {};
    }
    return std::move(std::get<LoadedFile>(result));
  }
  std::string refusal(const std::string& more) {
    const auto result = load(more);
    const auto* const problems = std::get_if<specs::Problems>(&result);
    if (problems == nullptr || problems->empty()) return "(taken)";
    return to_string(problems->front());
  }

  TempDirectory temp_;
  ConfigurationSource source_;
};

TEST_F(ConfigurationLoader, ReadsTheFileAndItsOverrides) {
  source_.overrides = {{"instance", "green", "--instance"}};
  const auto file = good("instance: blue\nnamePrefix: dam\n");
  EXPECT_EQ(file.loaded.configuration.name_prefix, "dam");
  EXPECT_EQ(file.loaded.configuration.instance, "green");
  EXPECT_EQ(file.loaded.origins.at("instance"), "--instance");
}

TEST_F(ConfigurationLoader, AMissingFileIsAnErrorOnlyWhereItWasNamed) {
  const auto named = load_configuration_file(source_);
  ASSERT_TRUE(std::holds_alternative<specs::Problems>(named));
  EXPECT_THAT(to_string(std::get<specs::Problems>(named).front()), HasSubstr(source_.file));
  source_.required = false;
  const auto standard = load_configuration_file(source_);
  ASSERT_TRUE(std::holds_alternative<LoadedFile>(standard));
  EXPECT_THAT(std::get<LoadedFile>(standard).warnings, Contains(HasSubstr("there is no " + source_.file)));
}

TEST_F(ConfigurationLoader, TellsTheWarningsOfItsSourceToo) {
  source_.warnings = {"the environment's COFFERDAM_X is ignored"};
  EXPECT_THAT(good("instance: blue\n").warnings, Contains("the environment's COFFERDAM_X is ignored"));
}

TEST_F(ConfigurationLoader, RefusesWhatIsNoFile) {
  fs::create_directory(source_.file);
  EXPECT_TRUE(std::holds_alternative<specs::Problems>(load_configuration_file(source_)));
  fs::remove(source_.file);
  ASSERT_EQ(mkfifo(source_.file.c_str(), 0600), 0);
  const auto fifo = load_configuration_file(source_);
  ASSERT_TRUE(std::holds_alternative<specs::Problems>(fifo)) << "and does not wait for a writer";
  EXPECT_THAT(to_string(std::get<specs::Problems>(fifo).front()), HasSubstr("not a regular file"));
}

TEST_F(ConfigurationLoader, PassesOnTheProblemsOfTheFile) {
  EXPECT_THAT(refusal("instnce: x\n"), HasSubstr("cofferdam.yaml:2:1"));
}

TEST_F(ConfigurationLoader, ResolvesARootThatIsALink) {
  fs::create_symlink(temp_.at("ws"), temp_.at("link"));
  const auto file = good("policy: {workspaceRoots: [" + temp_.at("link") + "]}\n");
  EXPECT_THAT(file.loaded.configuration.policy.workspace_roots, ::testing::ElementsAre(temp_.at("ws")));
  EXPECT_THAT(file.warnings, Contains(HasSubstr(temp_.at("link") + " is a link to " + temp_.at("ws"))));
}

TEST_F(ConfigurationLoader, WarnsOfARootThatIsNotThere) {
  const auto file = good("policy: {workspaceRoots: [" + temp_.at("none") + "]}\n");
  EXPECT_THAT(file.warnings, Contains(HasSubstr(temp_.at("none") + ": No such file")));
}

TEST_F(ConfigurationLoader, TakesTheContentOfSeccompProfiles) {
  write_file(temp_.at("tight.json"), R"({"defaultAction":"SCMP_ACT_ERRNO"})");
  const auto file = good("policy: {seccompProfiles: {tight: " + temp_.at("tight.json") + "}}\n");
  EXPECT_EQ(file.loaded.configuration.policy.seccomp_profile_contents.at("tight"), R"({"defaultAction":"SCMP_ACT_ERRNO"})");
}

TEST_F(ConfigurationLoader, RefusesASeccompProfileThatIsNoneOrNotThere) {
  write_file(temp_.at("tight.json"), "defaultAction: x");
  EXPECT_THAT(refusal("policy: {seccompProfiles: {tight: " + temp_.at("tight.json") + "}}\n"),
              HasSubstr("is not a seccomp profile"));
  EXPECT_THAT(refusal("policy: {seccompProfiles: {tight: " + temp_.at("none.json") + "}}\n"), HasSubstr(temp_.at("none.json")));
}

TEST_F(ConfigurationLoader, WarnsOfAFolderThatOthersMayWriteAndRefusesItUnderStrict) {
  ASSERT_EQ(chmod(temp_.at("agents.d").c_str(), 0777), 0);
  EXPECT_THAT(good("").warnings, Contains(HasSubstr("chmod o-w " + temp_.at("agents.d"))));
  EXPECT_THAT(refusal("policy: {strict: true}\n"), HasSubstr("policy.strict refuses that"));
  ASSERT_EQ(chmod(temp_.at("agents.d").c_str(), 0750), 0);
  EXPECT_THAT(good("policy: {strict: true}\n").warnings, Not(Contains(HasSubstr("writable"))));
}

TEST_F(ConfigurationLoader, TheConfigurationItselfMustNotBeWritableByOthers) {
  good("");
  ASSERT_EQ(chmod(source_.file.c_str(), 0666), 0);
  const auto result = load_configuration_file(source_);
  ASSERT_TRUE(std::holds_alternative<LoadedFile>(result));
  EXPECT_THAT(std::get<LoadedFile>(result).warnings, Contains(HasSubstr("chmod o-w " + source_.file)));
}

TEST_F(ConfigurationLoader, NamesThePathsThatNoWorkspaceMayTouch) {
  const auto file = good("state: {directory: /var/lib/coffer}\nengine: {host: \"unix:///run/d.sock\"}\n");
  EXPECT_THAT(file.controller_paths, Contains(temp_.at("agents.d")));
  EXPECT_THAT(file.controller_paths, Contains("/var/lib/coffer"));
  EXPECT_THAT(file.controller_paths, Contains("/run/d.sock"));
  EXPECT_THAT(file.controller_paths, Contains(source_.file));
}

}  // namespace
}  // namespace cofferdam::controller
