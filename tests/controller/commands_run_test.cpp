// The commands that work without a running controller: on real folders, with a scripted engine.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "commands_fixture.hpp"
#include "scripted_engine.hpp"

namespace cofferdam::controller {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::ContainsRegex;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::ScriptedEngine;
using ::testing::StartsWith;

class RunningTest : public CommandsTest {
 protected:
  void SetUp() override {
    CommandsTest::SetUp();
    fs::create_directories(root_ / "agents.d");
    configure("");
  }
  void configure(const std::string& more) {
    config_ = write("cofferdam.conf",
                    "instance: test\nengine: {host: \"unix://" + engine_.path() + "\"}\nspecs: {directory: " + at("agents.d") +
                        ", settleMilliseconds: 20}\nstate: {directory: " + at("state") + "}\nruntime: {directory: " + at("run") +
                        "}\nserver: {listen: \"\", socket: " + at("api.sock") + "}\n" + more);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (root_ / name).string(); }
  Outcome run(std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--config", config_});
    return command(arguments);
  }

  /// A container of ours that has ended, as the engine lists and shows it.
  void add_container(const std::string& name, const json& more) {
    const std::string id = std::string(63, 'c') + std::to_string(list_.size());
    const std::string image = "sha256:" + std::string(64, '1');
    json labels{{"cofferdam.managed-by", "cofferdam"},
                {"cofferdam.instance", "test"},
                {"cofferdam.name", name},
                {"cofferdam.image-id", image}};
    labels.update(more);
    list_.push_back(
        {{"Id", id}, {"Names", {"/" + name}}, {"Image", image}, {"ImageID", image}, {"State", "exited"}, {"Labels", labels}});
    shown_[id] = {
        {"Id", id},
        {"Name", "/" + name},
        {"Image", image},
        {"State",
         {{"Status", "exited"}, {"ExitCode", 0}, {"StartedAt", "2026-01-02T03:04:05Z"}, {"FinishedAt", "2026-01-02T03:04:06Z"}}},
        {"Config", {{"Image", "busybox"}, {"Labels", labels}}},
        {"HostConfig", json::object()}};
  }
  void add_agent(const std::string& agent) {
    add_container("cofferdam-test-" + agent + "-1", {{"cofferdam.role", "agent"},
                                                     {"cofferdam.agent", agent},
                                                     {"cofferdam.task", agent},
                                                     {"cofferdam.attempt", "1"},
                                                     {"cofferdam.restarts", "0"},
                                                     {"cofferdam.failures", "0"},
                                                     {"cofferdam.schema", "1"},
                                                     {"cofferdam.run-hash", "r"},
                                                     {"cofferdam.config-hash", "c"}});
  }

  std::string answer(const std::string& request) {
    if (request.starts_with("DELETE ")) return test::answer(204, "");
    if (request.find("/containers/json") != std::string::npos) return test::answer(200, list_.dump());
    for (const auto& [id, details] : shown_) {
      if (request.find("/containers/" + id + "/json") != std::string::npos) return test::answer(200, details.dump());
    }
    return test::answer(404, R"({"message":"no such thing"})");
  }

  json list_ = json::array();
  std::map<std::string, json> shown_;
  std::string config_;
  ScriptedEngine engine_{[this](const std::string& request) { return answer(request); }};
};

TEST_F(RunningTest, ApplyIsContentWhereNothingIsToDo) {
  const Outcome outcome = run({"apply"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.err, HasSubstr("ID ABCD:EFGH\n"));
  EXPECT_EQ(outcome.out, "");
}

TEST_F(RunningTest, ApplyTellsOfFilesInErrorAndFails) {
  write("agents.d/broken.yaml", "kind: Agnt\napiVersion: x\n");
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"apply"}, {"apply", "--wait", "--timeout", "20"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 1) << outcome.err;
    EXPECT_THAT(outcome.out, ContainsRegex("broken.yaml:[0-9:]+ [^\n]*; nothing of it runs\n"));
    EXPECT_THAT(outcome.err, HasSubstr("\nwarning: broken.yaml:1:"));
    EXPECT_THAT(outcome.err, StartsWith("engine "));
  }
}

TEST_F(RunningTest, ApplyTellsOfHeldRemovalsWithTheirIdAndFails) {
  add_agent("a");
  add_agent("b");
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"apply"}, {"apply", "--wait", "--timeout", "20"}}) {
    const Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 1) << outcome.err;
    EXPECT_THAT(outcome.out, ContainsRegex("\nheld [0-9a-f]+: NoSpecSeen: a, b: "));
    EXPECT_THAT(engine_.lines("DELETE"), IsEmpty());
  }
}

TEST_F(RunningTest, ApplyTellsProgramsAllOfItInOneObject) {
  add_agent("a");
  write("agents.d/broken.yaml", "kind: Agnt\napiVersion: x\n");
  const Outcome outcome = run({"apply", "--output", "json"});
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  const auto told = json::parse(outcome.out);
  EXPECT_EQ(told["agents"][0]["agent"], "a");
  EXPECT_EQ(told["files"][0]["name"], "broken.yaml");
  EXPECT_EQ(told["held"][0]["agents"], json::array({"a"}));
}

TEST_F(RunningTest, ApplyWarnsThatTheSandboxIsOff) {
  configure("sandbox: {enabled: false}\n");
  add_agent("a");
  const Outcome outcome = run({"apply", "--wait", "--timeout", "20"});
  EXPECT_THAT(outcome.err, HasSubstr("warning: SECURITY: sandbox.enabled is false"));
  EXPECT_THAT(engine_.lines("DELETE"), IsEmpty());
}

TEST_F(RunningTest, PlanTellsOfFilesInError) {
  write("agents.d/broken.yaml", "kind: Agnt\napiVersion: x\n");
  const Outcome outcome = run({"plan"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, ContainsRegex("^broken.yaml:[0-9:]+ [^\n]*; nothing of it runs\nnothing to do\n$"));
  EXPECT_EQ(json::parse(run({"plan", "--output", "json"}).out)["files"][0]["name"], "broken.yaml");
}

TEST_F(RunningTest, CleanupRemovesAgentsContainersAndProbesThatWereLeftBehind) {
  add_agent("a");
  add_container("cofferdam-test-probe", {{"cofferdam.role", "probe"}});
  add_container("somebody-elses", {{"cofferdam.role", "agent"}, {"cofferdam.instance", "other"}});
  const Outcome asked = run({"cleanup"});
  EXPECT_EQ(asked.code, 2);
  EXPECT_THAT(asked.err, HasSubstr("nobody to ask whether to remove 2 containers"));
  EXPECT_THAT(engine_.lines("DELETE"), IsEmpty());
  const Outcome outcome = run({"cleanup", "--yes"});
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_THAT(outcome.out, HasSubstr("removed cofferdam-test-a-1\n"));
  EXPECT_THAT(outcome.out, HasSubstr("removed cofferdam-test-probe\n"));
  EXPECT_THAT(outcome.out, EndsWith("removed 2 of 2\n"));
  EXPECT_EQ(engine_.lines("DELETE").size(), 2U);
}

}  // namespace
}  // namespace cofferdam::controller
