#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "commands_fixture.hpp"

namespace cofferdam::controller {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

// ------------------------------------------------------------------------------------------------ the command line

TEST_F(CommandsTest, HelpEndsWell) {
  const Outcome outcome = command({"--help"});
  EXPECT_EQ(outcome.code, 0);
  for (const char* name : {"run", "apply", "plan", "validate", "config", "cleanup", "get", "describe", "logs",
                           "confirm-deletions", "release", "reload", "version"}) {
    EXPECT_THAT(outcome.out, HasSubstr(std::string("\n  ") + name + " ")) << name;
    const Outcome help = command({name, "--help"});
    EXPECT_EQ(help.code, 0) << name;
    EXPECT_THAT(help.out, HasSubstr("Examples:")) << name;
  }
}

TEST_F(CommandsTest, WrongArgumentsAreUsage) {
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{{},
                                                                                         {"no-such-command"},
                                                                                         {"get", "--no-such-flag"},
                                                                                         {"describe"},
                                                                                         {"plan", "--output", "xml"},
                                                                                         {"logs", "a", "--tail", "-5"},
                                                                                         {"confirm-deletions"},
                                                                                         {"validate"}}) {
    const Outcome outcome = command(arguments);
    EXPECT_EQ(outcome.code, 2) << testing::PrintToString(arguments);
    EXPECT_THAT(outcome.err, Not(IsEmpty()));
  }
}

TEST_F(CommandsTest, VersionTellsTheVersion) {
  EXPECT_THAT(command({"version"}).out, StartsWith("cofferdam " COFFERDAM_VERSION " ("));
  EXPECT_EQ(nlohmann::json::parse(command({"version", "--output", "json"}).out)["version"], COFFERDAM_VERSION);
}

TEST_F(CommandsTest, TheManualTellsTheSameExitCodesAndCommands) {
  std::ifstream file(COFFERDAM_SOURCE_DIR "/docs/cli.md");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  const std::string help = command({"--help"}).out;
  const std::size_t codes = help.find("Exit codes:\n");
  ASSERT_NE(codes, std::string::npos);
  std::istringstream lines(help.substr(codes + std::string("Exit codes:\n").size()));
  int told = 0;
  for (std::string line; std::getline(lines, line) && line.starts_with("  ");) {
    std::istringstream words(line);
    std::string code;
    std::string text;
    words >> code;
    std::getline(words >> std::ws, text);
    EXPECT_THAT(page, HasSubstr("| " + code + " | " + text + " |"));
    ++told;
  }
  EXPECT_EQ(told, 10);
  for (const char* name : {"run", "apply", "plan", "validate", "config", "cleanup", "get", "describe", "logs",
                           "confirm-deletions", "release", "reload", "version"}) {
    EXPECT_THAT(page, HasSubstr("\n### " + std::string(name) + "\n"));
  }
}

// ------------------------------------------------------------------------------------------------ config

TEST_F(CommandsTest, ConfigTellsEachValueAndWhereItCameFrom) {
  const std::string c = write("cofferdam.conf", "sandbox:\n  defaultMemoryMB: 256\n");
  environment_["COFFERDAM_LOG_LEVEL"] = "debug";
  const Outcome outcome = command({"config", "--config", c, "--host", "unix:///run/other.sock"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, testing::ContainsRegex("sandbox.defaultMemoryMB: 256 +# [^\n]*cofferdam.conf:2\n"));
  EXPECT_THAT(outcome.out, testing::ContainsRegex("engine.host: \"?unix:///run/other.sock\"? +# --host\n"));
  EXPECT_THAT(outcome.out, testing::ContainsRegex("log.level: \"?debug\"? +# COFFERDAM_LOG_LEVEL\n"));
  EXPECT_THAT(outcome.out, testing::ContainsRegex("instance: \"?default\"? +# default\n"));
}

TEST_F(CommandsTest, ConfigWarnsOfAVariableThatSetsNothing) {
  environment_["COFFERDAM_LOG_LEVLE"] = "debug";
  const Outcome outcome = command({"config", "--config", write("cofferdam.conf", "instance: blue\n")});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.err, HasSubstr("warning: the environment's \"COFFERDAM_LOG_LEVLE\" is ignored"));
  EXPECT_THAT(outcome.err, HasSubstr("did you mean COFFERDAM_LOG_LEVEL?"));
}

TEST_F(CommandsTest, ConfigAnswersTheFourQueries) {
  const std::string c = write("cofferdam.conf", "sandbox: {enabled: false, envWhitelist: [LANG], security: {pidsLimit: 7}}\n");
  EXPECT_EQ(command({"config", "--config", c, "--enabled"}).out, "false\n");
  EXPECT_EQ(command({"config", "--config", c, "--allow-list"}).out, "LANG\n");
  EXPECT_THAT(command({"config", "--config", c, "--hardening"}).out, HasSubstr("pidsLimit: 7\n"));
  EXPECT_EQ(command({"config", "--config", c, "--filtered", "LANG", "SECRET,TZ"}).out, "filtered: SECRET, TZ\n");
  const auto json = nlohmann::json::parse(command({"config", "--config", c, "--filtered", "LANG,TZ", "--output", "json"}).out);
  EXPECT_EQ(json["filtered"], nlohmann::json::array({"TZ"}));
}

TEST_F(CommandsTest, ConfigEndsWith78WhereItIsBad) {
  const Outcome outcome = command({"config", "--config", write("bad.conf", "log: {level: loud}\n")});
  EXPECT_EQ(outcome.code, 78);
  EXPECT_THAT(outcome.err, HasSubstr("bad.conf:1:"));
}

// ------------------------------------------------------------------------------------------------ without a controller

TEST_F(CommandsTest, WhatNeedsARunningControllerSaysSoAndHowToStartOne) {
  const std::string socket = (root_ / "api.sock").string();
  for (const std::vector<std::string>& arguments : std::vector<std::vector<std::string>>{
           {"get"}, {"describe", "a"}, {"logs", "a"}, {"confirm-deletions", "x"}, {"release", "a"}, {"reload"}}) {
    auto with_socket = arguments;
    with_socket.insert(with_socket.end(), {"--socket", socket});
    const Outcome outcome = command(with_socket);
    EXPECT_EQ(outcome.code, 3) << arguments.front();
    EXPECT_THAT(outcome.err, HasSubstr("no running controller at " + socket));
    EXPECT_THAT(outcome.err, HasSubstr("cofferdam run"));
    EXPECT_EQ(outcome.out, "");
  }
}

}  // namespace
}  // namespace cofferdam::controller
