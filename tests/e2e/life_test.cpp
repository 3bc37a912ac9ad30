// The life of agents: from a file that appears to a container that is gone.

#include <gmock/gmock.h>

#include <csignal>
#include <set>

#include "tests/e2e/world.hpp"

namespace cofferdam::test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Life : public World {};

TEST_F(Life, SpecDroppedBecomesARunningContainerInAMoment) {
  start();
  const auto begin = std::chrono::steady_clock::now();
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, seconds(10));
  const Json container = only_live("worker");
  EXPECT_EQ(container["Name"], "/cofferdam-" + instance() + "-worker-1");
  EXPECT_EQ(container["Id"], status("worker")["containerId"]);
  EXPECT_EQ(container["Config"]["Labels"]["cofferdam.agent"], "worker");
  EXPECT_EQ(container["Config"]["Labels"]["cofferdam.managed-by"], "cofferdam");
  EXPECT_EQ(condition("worker", "Ready"), "True");
  EXPECT_EQ(condition("worker", "UpToDate"), "True");
}

TEST_F(Life, WorkspaceIsSharedWithTheAgent) {
  start();
  const auto workspace = make_workspace("writer");
  write_file(workspace / "in", "hello");
  drop({.name = "writer", .script = "cat /workspace/in > /workspace/out; pwd >> /workspace/out; exec sleep 1000"});
  ASSERT_TRUE(reaches("writer", "Running"));
  EXPECT_TRUE(eventually([&] { return read_file(workspace / "out") == "hello/workspace\n"; }));
}

TEST_F(Life, EditedSpecReplacesItsContainer) {
  start();
  drop({.name = "worker", .more = {"env: {LOG_LEVEL: info}"}});
  ASSERT_TRUE(reaches("worker", "Running"));
  const std::string first = only_live("worker")["Id"];
  drop({.name = "worker", .more = {"env: {LOG_LEVEL: debug}"}});
  ASSERT_TRUE(eventually([&] { return attempt("worker") == 2 && phase("worker") == "Running"; }));
  const Json second = only_live("worker");
  EXPECT_NE(second["Id"], first);
  EXPECT_THAT(second["Config"]["Env"].dump(), HasSubstr("LOG_LEVEL=debug"));
  EXPECT_EQ(status("worker")["lastTermination"]["reason"], "SpecChanged");
}

TEST_F(Life, FieldsOfTheControllerAloneReplaceNothing) {
  start();
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
  const std::string first = only_live("worker")["Id"];
  drop_text("worker.yaml", text_of({.name = "worker", .more = {"restartPolicy: Always", "maxRestarts: 7"}}) + "---\n" +
                               text_of({.name = "second", .workspace = make_workspace("second")}));
  ASSERT_TRUE(reaches("second", "Running"));
  EXPECT_EQ(only_live("worker")["Id"], first);
}

TEST_F(Life, BrokenSpecDisturbsNothingAlsoAfterARestart) {
  start();
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
  const std::string first = only_live("worker")["Id"];
  drop_text("worker.yaml", "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: worker}\nspec: {memoryMb: 64}\n");
  ASSERT_TRUE(eventually([&] { return condition("worker", "SpecValid") == "False"; })) << status("worker").dump(1);
  // Written on its own, a moment after the agent's.
  const auto files = [&] { return read_file(runtime() / "status" / "_files.json"); };
  EXPECT_TRUE(eventually([&] { return files().find("worker.yaml:4") != std::string::npos; })) << files();
  EXPECT_THAT(files(), HasSubstr("memoryMB"));
  EXPECT_EQ(only_live("worker")["Id"], first);
  crash();
  start();
  ASSERT_TRUE(eventually([&] { return condition("worker", "SpecValid") == "False" && phase("worker") == "Running"; }));
  EXPECT_TRUE(stays([&] { return live("worker").size() == 1 && only_live("worker")["Id"] == first; }));
  drop({.name = "worker"});
  ASSERT_TRUE(eventually([&] { return condition("worker", "SpecValid") == "True"; }));
  EXPECT_EQ(only_live("worker")["Id"], first);
}

TEST_F(Life, RemovedFileStopsAndRemovesItsContainer) {
  start();
  drop({.name = "worker"});
  drop({.name = "other"});
  ASSERT_TRUE(reaches("worker", "Running"));
  ASSERT_TRUE(reaches("other", "Running"));
  const std::string other = only_live("other")["Id"];
  take_away("worker");
  ASSERT_TRUE(reaches("worker", "Removed"));
  EXPECT_TRUE(containers("worker").empty());
  EXPECT_EQ(only_live("other")["Id"], other);
  EXPECT_TRUE(std::filesystem::exists(workspaces() / "worker"));
}

TEST_F(Life, RemovalAskedInWordsNeedsNoBudget) {
  start();
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
  drop({.name = "worker", .more = {"remove: true"}});
  ASSERT_TRUE(reaches("worker", "Removed"));
  EXPECT_TRUE(containers("worker").empty());
}

TEST_F(Life, SuspendedAgentHasNoContainerUntilItIsWantedAgain) {
  start();
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
  drop({.name = "worker", .more = {"suspend: true"}});
  ASSERT_TRUE(reaches("worker", "Suspended"));
  EXPECT_TRUE(containers("worker").empty());
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
}

TEST_F(Life, RunOnceAgentRunsOnceAlsoOverRestarts) {
  start();
  const auto workspace = make_workspace("once");
  drop({.name = "once", .script = "echo ran >> /workspace/runs", .more = {"restartPolicy: Never"}});
  ASSERT_TRUE(reaches("once", "Succeeded"));
  for (int round = 0; round < 2; ++round) {
    round == 0 ? crash() : static_cast<void>(terminate());
    start();
    ASSERT_TRUE(reaches("once", "Succeeded"));
    EXPECT_TRUE(stays([&] { return read_file(workspace / "runs") == "ran\n"; }));
  }
  EXPECT_EQ(status("once")["exitCode"], 0);
  EXPECT_EQ(containers("once").size(), 1U);  // kept, stopped, as evidence
  drop({.name = "once", .script = "echo ran >> /workspace/runs", .more = {"restartPolicy: Never", "taskId: again"}});
  EXPECT_TRUE(eventually([&] { return read_file(workspace / "runs") == "ran\nran\n"; }));
}

TEST_F(Life, FinishedContainerGoesAfterItsTimeAndIsNotRunAgain) {
  start();
  const auto workspace = make_workspace("once");
  drop({.name = "once", .script = "echo ran >> /workspace/runs", .more = {"restartPolicy: Never", "ttlSecondsAfterFinished: 1"}});
  ASSERT_TRUE(reaches("once", "Succeeded"));
  ASSERT_TRUE(eventually([&] { return containers("once").empty(); }));
  crash();
  start();
  ASSERT_TRUE(reaches("once", "Succeeded"));
  EXPECT_TRUE(stays([&] { return read_file(workspace / "runs") == "ran\n" && containers("once").empty(); }));
}

TEST_F(Life, FailingAgentIsRunAgainWithBackOffUpToItsBound) {
  start();
  const auto workspace = make_workspace("crasher");
  drop({.name = "crasher", .script = "echo ran >> /workspace/runs; exit 3", .more = {"maxRestarts: 2"}});
  ASSERT_TRUE(eventually([&] { return phase("crasher") == "BackOff"; })) << status("crasher").dump(1);
  EXPECT_TRUE(status("crasher")["nextRetryAt"].is_string());
  ASSERT_TRUE(reaches("crasher", "Failed/MaxRestarts"));
  EXPECT_EQ(read_file(workspace / "runs"), "ran\nran\nran\n");
  EXPECT_EQ(status("crasher")["restarts"], 2);
  EXPECT_EQ(status("crasher")["exitCode"], 3);
}

TEST_F(Life, DeadlineEndsAnAgent) {
  start();
  drop({.name = "slow", .more = {"activeDeadlineSeconds: 1", "stopTimeoutSeconds: 1"}});
  ASSERT_TRUE(reaches("slow", "Failed/DeadlineExceeded"));
  EXPECT_TRUE(live("slow").empty());
}

TEST_F(Life, AgentThatIgnoresTermIsKilled) {
  start();
  drop({.name = "stubborn", .script = "trap '' TERM; while true; do sleep 1; done", .more = {"stopTimeoutSeconds: 1"}});
  drop({.name = "other"});
  ASSERT_TRUE(reaches("stubborn", "Running"));
  take_away("stubborn");
  ASSERT_TRUE(reaches("stubborn", "Removed"));
}

TEST_F(Life, ContainerKilledFromOutsideIsInterruptedAndRunAgain) {
  start();
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
  const std::string first = only_live("worker")["Id"];
  ASSERT_EQ(raw().call("POST", "/containers/" + first + "/kill").status, 204);
  ASSERT_TRUE(eventually([&] { return phase("worker") == "Running" && attempt("worker") == 2; }));
  EXPECT_EQ(status("worker")["lastTermination"]["reason"], "Interrupted");
  EXPECT_EQ(status("worker")["restarts"], 0);
}

TEST_F(Life, ContainerRemovedFromOutsideIsMadeAgain) {
  start();
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
  const std::string first = only_live("worker")["Id"];
  ASSERT_EQ(raw().call("DELETE", "/containers/" + first + "?force=1").status, 204);
  ASSERT_TRUE(eventually([&] { return live("worker").size() == 1 && live("worker")[0]["Id"] != first; }));
}

TEST_F(Life, VariablesOutsideTheAllowListAreFilteredAndNamedButNeverShown) {
  start();
  const auto workspace = make_workspace("worker");
  drop({.name = "worker",
        .script = "env > /workspace/env; exec sleep 1000",
        .more = {"taskId: T-1", "env: {LOG_LEVEL: debug, AWS_SECRET: hunter2-value, AGENT_ID: forged}"}});
  ASSERT_TRUE(reaches("worker", "Running"));
  ASSERT_TRUE(logs("AWS_SECRET"));
  ASSERT_TRUE(eventually([&] { return read_file(workspace / "env").find("LOG_LEVEL=debug") != std::string::npos; }));
  const std::string environment = read_file(workspace / "env");
  EXPECT_THAT(environment, HasSubstr("AGENT_ID=worker\n"));
  EXPECT_THAT(environment, HasSubstr("TASK_ID=T-1\n"));
  EXPECT_THAT(environment, Not(HasSubstr("AWS_SECRET")));
  EXPECT_THAT(status("worker")["filteredVariables"].dump(), HasSubstr("AWS_SECRET"));
  EXPECT_THAT(log(), Not(HasSubstr("hunter2-value")));
  EXPECT_THAT(status("worker").dump(), Not(HasSubstr("hunter2-value")));
}

TEST_F(Life, SandboxOffDoesNothingAndWarns) {
  start();
  drop({.name = "kept"});
  ASSERT_TRUE(reaches("kept", "Running"));
  const std::string kept = only_live("kept")["Id"];
  terminate();
  settings["sandbox.enabled"] = "false";
  start();
  take_away("kept");
  drop({.name = "worker"});
  ASSERT_TRUE(logs("sandbox"));
  EXPECT_TRUE(stays([&] { return live("kept").size() == 1 && containers("worker").empty(); }));
  EXPECT_EQ(only_live("kept")["Id"], kept);
  EXPECT_THAT(ask("/metrics").body, HasSubstr("cofferdam_sandbox_enabled 0"));
}

TEST_F(Life, ImagesTrapsDoNotReachTheAgent) {
  start();
  const auto workspace = make_workspace("trapped");
  drop({.name = "trapped", .script = "env > /workspace/env; exec sleep 1000", .more = {"image: traps:env"}});
  ASSERT_TRUE(reaches("trapped", "Running"));
  ASSERT_TRUE(eventually([&] { return read_file(workspace / "env").find("AGENT_ID") != std::string::npos; }));
  const std::string environment = read_file(workspace / "env");
  for (const auto* name : {"LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV"}) EXPECT_THAT(environment, Not(HasSubstr(name)));
  drop({.name = "volumes", .more = {"image: traps:volumes"}});
  EXPECT_TRUE(reaches("volumes", "Denied"));
  drop({.name = "labels", .more = {"image: traps:labels"}});
  EXPECT_TRUE(reaches("labels", "Denied"));
  drop({.name = "rootnode", .more = {"image: traps:rootnode"}});
  EXPECT_TRUE(reaches("rootnode", "Denied"));
  EXPECT_TRUE(containers("volumes").empty() && containers("labels").empty() && containers("rootnode").empty());
}

}  // namespace
}  // namespace cofferdam::test
