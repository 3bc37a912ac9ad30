#include "controller/commands.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iterator>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <nlohmann/json.hpp>

#include "controller/command_context.hpp"
#include "controller/status_server.hpp"
#include "controller/text.hpp"
#include "fake_api.hpp"

namespace cofferdam::controller {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

class CommandsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "cofferdam-commands-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }

  Outcome command(const std::vector<std::string>& arguments, const std::string& input = "") {
    std::ostringstream out;
    std::ostringstream err;
    std::istringstream in(input);
    Streams streams{out, err, in, colour_, false, environment_};
    const int code = run_command(arguments, streams);
    return {code, out.str(), err.str()};
  }
  std::string write(const std::string& name, const std::string& content) {
    fs::create_directories((root_ / name).parent_path());
    std::ofstream(root_ / name) << content;
    return (root_ / name).string();
  }
  static std::string spec(const std::string& agent, const std::string& more = "", const std::string& workspace = "") {
    return "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: " + agent +
           "}\nspec:\n  workspacePath: " + (workspace.empty() ? "/srv/cofferdam/workspaces/" + agent : workspace) +
           "\n  command: [node, agent.js]\n" + more;
  }

  fs::path root_;
  bool colour_ = false;
  std::map<std::string, std::string> environment_;
};

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
  EXPECT_EQ(told, 7);
  for (const char* name : {"run", "apply", "plan", "validate", "config", "cleanup", "get", "describe", "logs",
                           "confirm-deletions", "release", "reload", "version"}) {
    EXPECT_THAT(page, HasSubstr("\n### " + std::string(name) + "\n"));
  }
}

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
  EXPECT_THAT(missing.out, HasSubstr("missing.yaml"));
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

TEST_F(CommandsTest, ValidateKeepsTheTerminalFromWhatAFileSays) {
  const std::string a = write("a.yaml", "apiVersion: \"\\e[2J\"\nkind: Agent\n");
  EXPECT_THAT(command({"validate", a}).out, Not(HasSubstr("\x1b")));
}

TEST_F(CommandsTest, ValidateTakesTheExamples) {
  EXPECT_EQ(command({"validate", COFFERDAM_SOURCE_DIR "/examples/agents"}).code, 0);
  EXPECT_EQ(command({"validate", COFFERDAM_SOURCE_DIR "/examples/broken"}).code, 1);
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

// ------------------------------------------------------------------------------------------------ with a controller

class AskingTest : public CommandsTest {
 protected:
  void SetUp() override {
    CommandsTest::SetUp();
    api_.files({{"refactor-bot.yaml", smallest_spec}});
    api_.engine({owned_container("refactor-bot", 1, docker::ContainerState::running)});
    StatusServerOptions options;
    options.socket = socket_ = (root_ / "api.sock").string();
    server_ = std::make_unique<StatusServer>(io_, api_, options);
    ASSERT_EQ(server_->start(), "");
    loop_ = std::thread([this] { io_.run(); });
  }
  void TearDown() override {
    on_loop([this] { server_->stop(); });
    work_.reset();
    loop_.join();
    CommandsTest::TearDown();
  }
  /// The fake belongs to the loop's thread.
  void on_loop(const std::function<void()>& what) {
    std::promise<void> done;
    boost::asio::post(io_, [&] {
      what();
      done.set_value();
    });
    done.get_future().wait();
  }
  Outcome ask(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--socket", socket_});
    return command(arguments);
  }

  boost::asio::io_context io_;
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  FakeApi api_{io_};
  std::string socket_;
  std::unique_ptr<StatusServer> server_;
  std::thread loop_;
};

TEST_F(AskingTest, GetListsAgents) {
  const Outcome outcome = ask({"get"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, StartsWith("NAME          PHASE"));
  EXPECT_THAT(outcome.out, HasSubstr("\nrefactor-bot  "));
  EXPECT_EQ(ask({"get", "refactor-bot"}).out, outcome.out);
  EXPECT_EQ(outcome.out.find("yaml"), std::string::npos) << "no file is in error";
  EXPECT_EQ(nlohmann::json::parse(ask({"get", "--output", "json"}).out)["agents"][0]["agent"], "refactor-bot");
}

TEST_F(AskingTest, GetTellsOfFilesInError) {
  on_loop([&] { api_.files({{"refactor-bot.yaml", smallest_spec}, {"broken.yaml", "kind: Agnt\napiVersion: x\n"}}); });
  EXPECT_THAT(ask({"get"}).out,
              testing::ContainsRegex("\nbroken.yaml:[0-9:]+ [^\n]* \\(and [0-9]+ more\\); nothing of it runs\n"));
}

TEST_F(AskingTest, AnUnknownAgentIsNotFound) {
  for (const char* name : {"nobody", "../secret", "a b", "a/logs", "?x"}) {
    EXPECT_EQ(ask({"get", name}).code, 1) << name;
    EXPECT_EQ(ask({"describe", name}).code, 1) << name;
    EXPECT_EQ(ask({"logs", name}).code, 1) << name;
  }
  EXPECT_THAT(ask({"get", "nobody"}).err, HasSubstr("no agent is named nobody"));
}

TEST_F(AskingTest, DescribeTellsItAll) {
  const Outcome outcome = ask({"describe", "refactor-bot"});
  EXPECT_EQ(outcome.code, 0);
  EXPECT_THAT(outcome.out, StartsWith("Name:             refactor-bot\n"));
  EXPECT_THAT(outcome.out, HasSubstr("Spec:             refactor-bot.yaml:"));
}

TEST_F(AskingTest, LogsArePassedOn) {
  on_loop([&] { api_.log_pieces_ = {"hello\n", "world\n"}; });
  const Outcome outcome = ask({"logs", "refactor-bot", "--tail", "5"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_EQ(outcome.out, "hello\nworld\n");
}

TEST_F(AskingTest, LogsThatBreakOffAreAnError) {
  on_loop([&] { api_.log_pieces_ = {"half"}; });
  on_loop([&] { api_.log_error_ = docker::Error{docker::ErrorClass::reset, 0, "container logs", "x", "reset"}; });
  const Outcome outcome = ask({"logs", "refactor-bot"});
  EXPECT_NE(outcome.code, 0);
  EXPECT_EQ(outcome.out, "half");
}

TEST_F(AskingTest, PlanAsksTheRunningOne) {
  const Outcome outcome = ask({"plan"});
  EXPECT_THAT(outcome.err, HasSubstr("engine unix:///run/test-engine.sock, version 20.10.24, ID ENGINE:ID\n"));
  EXPECT_THAT(outcome.out, HasSubstr("refactor-bot"));
  const auto json = nlohmann::json::parse(ask({"plan", "--output", "json"}).out);
  EXPECT_EQ(outcome.code, json["changes"] == 0 ? 0 : 1);
}

TEST_F(AskingTest, WordsAreCarriedAndTheirVerdictTold) {
  const Outcome good = ask({"confirm-deletions", "3f9c"});
  EXPECT_EQ(good.code, 0);
  EXPECT_EQ(good.out, "done as asked\n");
  EXPECT_EQ(ask({"release", "refactor-bot"}).code, 0);
  EXPECT_EQ(ask({"reload"}).code, 0);
  on_loop([&] { api_.verdict_ = {false, "engine.host needs a restart"}; });
  const Outcome refused = ask({"reload"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_EQ(refused.err, "cofferdam: engine.host needs a restart\n");
}

// ------------------------------------------------------------------------------------------------ text

TEST(Text, KeepsColumnsAlignedForEveryScript) {
  Table table({"NAME", "PHASE"});
  table.add({"größe", "Running"});
  table.add({"a", ""});
  EXPECT_EQ(table.text(false, 1), "NAME   PHASE\ngröße  Running\na      -\n");
}

TEST(Text, ColoursOnlyWhenAsked) {
  Table table({"NAME", "PHASE"});
  table.add({"a", "Failed"});
  EXPECT_THAT(table.text(false, 1), Not(HasSubstr("\x1b")));
  EXPECT_THAT(table.text(true, 1), HasSubstr("\x1b[31mFailed\x1b[0m"));
}

TEST(Text, LetsNothingDriveTheTerminal) {
  EXPECT_EQ(clean("a\x1b[2Jb\r\nc\x7f"), "a?[2Jb??c?");
  EXPECT_EQ(clean("\xC2\x9B"
                  "31m grün"),
            "?31m grün");
}

TEST(Text, SaysAgesInTwoUnits) {
  using namespace std::chrono_literals;
  EXPECT_EQ(age(-5s), "0s");
  EXPECT_EQ(age(59s), "59s");
  EXPECT_EQ(age(192s), "3m12s");
  EXPECT_EQ(age(2h), "2h");
  EXPECT_EQ(age(2h + 5min + 9s), "2h5m");
  EXPECT_EQ(age(98h), "4d2h");
  EXPECT_EQ(age_of("2027-01-15T08:00:00.000Z", reconciler::WallTime(std::chrono::seconds(1'800'000'007))), "7s");
  EXPECT_EQ(age_of("soon", reconciler::WallTime()), "-");
}

TEST(Text, DescribesAnAgentInOneAlignedPage) {
  const Json agent = Json::parse(R"({"agent":"a","task":"t","phase":"BackOff","reason":"Error","message":"exit code 3",
    "conditions":[{"type":"Ready","status":"False","reason":"NotRunning","message":""},
                  {"type":"SpecValid","status":"True","reason":"","message":""}],
    "source":{"file":"a.yaml","line":3,"sha256":"x"},"observedRevision":"","containerName":"c-a-2","containerId":"0123",
    "image":"docker.io/library/node:20","imageId":"sha256:1","attempt":2,"restarts":1,"exitCode":3,"oomKilled":true,
    "startedAt":"2027-01-15T08:00:00.000Z","finishedAt":null,"nextRetryAt":null,"verification":"",
    "lastTermination":{"attempt":1,"reason":"Error","exitCode":1,"oomKilled":false,"startedAt":null,"finishedAt":null},
    "filteredVariables":["A","B"]})");
  const auto now = reconciler::WallTime(std::chrono::seconds(1'800'000'007));
  EXPECT_EQ(agent_text(agent, false, now), R"(Name:             a
Task:             t
Phase:            BackOff
Reason:           Error
Message:          exit code 3
Spec:             a.yaml:3
Container:        c-a-2
Container ID:     0123
Image:            docker.io/library/node:20
Image ID:         sha256:1
Attempt:          2
Restarts:         1
Started:          2027-01-15T08:00:00.000Z (7s ago)
Exit code:        3, out of memory
Last termination:
  attempt 1: Error, exit code 1
  from ? to ?
Filtered:         A, B
Conditions:
  Ready      False    NotRunning
  SpecValid  True
)");
}

TEST(Text, TellsThePlanWithItsHolds) {
  const Json plan = Json::parse(R"({"changes":1,"plan":[{"agent":"a","action":"create","text":"a: create attempt 1, row 52"}],
    "held":[{"id":"3f9c","reason":"BudgetExceeded","message":"confirm or put them back","agents":["b","c"]}]
})");
  EXPECT_EQ(plan_text(plan, false),
            "a: create attempt 1, row 52\nheld 3f9c: BudgetExceeded: b, c: confirm or put them back\n1 change\n");
  EXPECT_EQ(held_text(plan), "held 3f9c: BudgetExceeded: b, c: confirm or put them back\n");
  EXPECT_EQ(plan_text(Json::parse(R"({"changes":0,"plan":[],"held":[]})"), false), "nothing to do\n");
}

}  // namespace
}  // namespace cofferdam::controller
