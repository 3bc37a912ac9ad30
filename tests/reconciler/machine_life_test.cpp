// The life of agents, from the drop of a file to its removal.

#include "world.hpp"

namespace cofferdam::reconciler::testing {
namespace {

TEST(Machine, TellsARevisionOnlyWithThePhaseThatIsDecidedForIt) {
  const auto revised = [](const std::string& revision) {
    std::string text = agent_file("bot", "  taskId: t" + revision + "\n");
    return text.replace(text.find("{name: bot}"), 11, "{name: bot, revision: \"" + revision + "\"}");
  };
  World world;
  world.start();
  world.write("bot.yaml", revised("1"));
  world.settle();
  world.engine.exit_all(0, world.now);
  world.settle();
  ASSERT_EQ(world.phase("bot"), "Succeeded/Completed");
  world.session_down();
  world.write("bot.yaml", revised("2"));
  world.pass(seconds{5});
  // Succeeded is what the first one did: who waits for the second to end must not take it for that.
  EXPECT_EQ(world.status("bot").reason, "EngineUnknown");
  EXPECT_EQ(world.status("bot").observed_revision, "1");
  EXPECT_EQ(world.status("bot").task, "t1");
  world.session_up();
  world.settle();
  EXPECT_EQ(world.status("bot").observed_revision, "2");
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Machine, MakesAHardenedContainerOfADroppedFile) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();

  ASSERT_EQ(world.engine.running("bot").size(), 1U);
  const FakeContainer& made = *world.engine.running("bot").front();
  EXPECT_EQ(made.made.name, "cofferdam-default-bot-1");
  EXPECT_EQ(made.made.config.user, "1000:1000") << "node:node was resolved in the image's own files";
  EXPECT_EQ(made.made.host_config.cap_drop, std::vector<std::string>{"ALL"});
  EXPECT_TRUE(made.made.host_config.readonly_rootfs);
  EXPECT_EQ(world.phase("bot"), "Running");
  EXPECT_EQ(world.condition("bot", "Ready"), "True");
  EXPECT_EQ(world.condition("bot", "UpToDate"), "True");
  EXPECT_EQ(world.condition("bot", "NetworkIsolated"), "False/Bridge");
  EXPECT_EQ(world.metrics["cofferdam_spec_to_running_seconds"], 0.0);
  EXPECT_EQ(world.engine.of("").size(), 0U);
  EXPECT_EQ(world.engine.containers.size(), 1U) << "the probe is gone";
}

TEST(Machine, LeavesAnAgentInSyncAlone) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.pass(seconds{5});
  const int inspects = world.engine.count("container inspect");
  const int changes = world.engine.changes();
  world.pass(std::chrono::hours{24});
  EXPECT_EQ(world.engine.changes(), changes);
  EXPECT_EQ(world.engine.count("container inspect"), inspects);
  EXPECT_GE(world.engine.count("container list"), 24 * 59);
}

TEST(Machine, ReplacesTheContainerOfAnEditedSpec) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string before = world.running("bot");
  world.write("bot.yaml", agent_file("bot", "  memoryMB: 256\n"));
  world.settle();
  ASSERT_NE(world.running("bot"), "");
  EXPECT_NE(world.running("bot"), before);
  EXPECT_EQ(world.engine.running("bot").front()->made.host_config.memory, 256 << 20);
  EXPECT_EQ(world.engine.running("bot").front()->made.name, "cofferdam-default-bot-2");
  EXPECT_EQ(world.engine.most_live_of_one, 1U);
  EXPECT_EQ(world.engine.of("bot").size(), 2U) << "the attempt before stays as evidence";
  ASSERT_TRUE(world.status("bot").last_termination);
  EXPECT_EQ(world.status("bot").last_termination->reason, "SpecChanged");
}

TEST(Machine, LeavesARunningAgentAloneWhenItsFileBreaks) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string before = world.running("bot");
  world.write("bot.yaml", "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: bot}\nspec: {memoryMB: lots}\n");
  world.pass(minutes{2});
  EXPECT_EQ(world.running("bot"), before);
  EXPECT_EQ(world.phase("bot"), "Running");
  EXPECT_EQ(world.condition("bot", "SpecValid"), "False/SpecInvalid");
  EXPECT_GE(world.metrics["cofferdam_spec_errors_total"], 1.0);

  world.crash();
  world.start();
  world.pass(minutes{2});
  EXPECT_EQ(world.running("bot"), before) << "nor after a restart: the last good version is in the state directory";
  EXPECT_EQ(world.phase("bot"), "Running");
  EXPECT_EQ(world.condition("bot", "SpecValid"), "False/SpecInvalid");
}

TEST(Machine, RemovesAnAgentAfterTwoScansWithoutItsFile) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.write("other.yaml", agent_file("other"));
  world.settle();
  world.erase("bot.yaml");
  world.settle();
  EXPECT_EQ(world.engine.running("bot").size(), 1U) << "one scan without it is not enough";
  world.pass(seconds{2});
  EXPECT_EQ(world.engine.of("bot").size(), 0U);
  EXPECT_EQ(world.phase("bot"), "Removed");
  EXPECT_EQ(world.engine.running("other").size(), 1U);
  EXPECT_EQ(world.state.count("files/bot.yaml"), 0U) << "its records ended with it";
  EXPECT_EQ(world.state.count("agents/bot"), 0U);
  for (const auto& [key, bytes] : world.state) EXPECT_EQ(key.rfind("stops/", 0), std::string::npos) << key;
  world.pass(minutes{61});
  EXPECT_EQ(world.phase("bot"), "unknown");
  EXPECT_TRUE(world.dropped_status.contains("bot"));
}

TEST(Machine, RemovesAnAgentThatIsToldToGoInWords) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  world.write("bot.yaml", agent_file("bot", "  remove: true\n"));
  world.settle();
  EXPECT_EQ(world.engine.of("bot").size(), 0U);
  EXPECT_EQ(world.phase("bot"), "Removed");
}

TEST(Machine, SuspendsAndTakesUpAgain) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  world.write("bot.yaml", agent_file("bot", "  suspend: true\n"));
  world.settle();
  EXPECT_EQ(world.engine.of("bot").size(), 0U);
  EXPECT_EQ(world.phase("bot"), "Suspended");
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  EXPECT_EQ(world.engine.running("bot").size(), 1U);
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Machine, RunsARunOnceAgentOnce) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  restartPolicy: Never\n"));
  world.settle();
  world.engine.exit(world.running("bot"), 0, world.now);
  world.pass(minutes{5});
  EXPECT_EQ(world.phase("bot"), "Succeeded/Completed");
  EXPECT_EQ(world.engine.count("container start"), 1);
  world.crash();
  world.start();
  world.pass(minutes{5});
  EXPECT_EQ(world.engine.count("container start"), 1) << "nor after a restart";
  EXPECT_EQ(world.phase("bot"), "Succeeded/Completed");
  world.write("bot.yaml", agent_file("bot", "  restartPolicy: Never\n  taskId: again\n"));
  world.settle();
  EXPECT_EQ(world.engine.count("container start"), 2) << "a new task is a new run";
}

TEST(Machine, RemovesAFinishedContainerPastItsTtlAndKeepsTheVerdict) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  restartPolicy: Never\n  ttlSecondsAfterFinished: 60\n"));
  world.settle();
  world.engine.exit(world.running("bot"), 0, world.now);
  world.pass(minutes{2});
  EXPECT_EQ(world.engine.of("bot").size(), 0U);
  EXPECT_EQ(world.phase("bot"), "Succeeded/Completed");
  world.crash();
  world.start();
  world.pass(minutes{5});
  EXPECT_EQ(world.engine.count("container start"), 1);
  EXPECT_EQ(world.phase("bot"), "Succeeded/Completed");
}

TEST(Machine, RestartsACrashingAgentWithBackOffAndStopsAtItsLimit) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  maxRestarts: 2\n"));
  world.settle();
  for (int attempt = 1; attempt <= 3; ++attempt) {
    ASSERT_NE(world.running("bot"), "") << attempt;
    world.engine.exit(world.running("bot"), 1, world.now);
    world.settle();
    EXPECT_EQ(world.phase("bot"), attempt < 3 ? "BackOff/Error" : "Failed/MaxRestarts");
    if (attempt < 3) EXPECT_TRUE(world.status("bot").next_retry);
    EXPECT_EQ(world.running("bot"), "");
    world.pass(seconds{5});
  }
  EXPECT_EQ(world.engine.count("container start"), 3);
  EXPECT_EQ(world.metrics["cofferdam_agent_restarts_total,bot"], 2.0);
  EXPECT_EQ(world.status("bot").exit_code, 1);
  world.pass(minutes{10});
  EXPECT_EQ(world.engine.count("container start"), 3);
}

TEST(Machine, RunsAnInterruptedAgentAgainWithoutCountingIt) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  maxRestarts: 0\n"));
  world.settle();
  world.pass(seconds{30});
  world.engine.kill_from_outside(world.running("bot"), "15", 0, world.now);
  world.settle();
  EXPECT_EQ(world.phase("bot"), "BackOff/Interrupted");
  world.pass(seconds{3});
  EXPECT_EQ(world.engine.running("bot").size(), 1U);
  EXPECT_EQ(world.status("bot").restarts, 0);
}

TEST(Machine, StopsAnAgentAtItsDeadline) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  activeDeadlineSeconds: 60\n"));
  world.settle();
  world.pass(seconds{59});
  EXPECT_EQ(world.phase("bot"), "Running");
  world.pass(seconds{2});
  EXPECT_EQ(world.phase("bot"), "Failed/DeadlineExceeded");
  EXPECT_EQ(world.engine.running("bot").size(), 0U);
}

TEST(Machine, KillsWhatDoesNotObeyTerm) {
  World world;
  world.engine.new_ones_obey_term = false;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  world.write("bot.yaml", agent_file("bot", "  suspend: true\n"));
  world.pass(seconds{9});
  EXPECT_EQ(world.engine.running("bot").size(), 1U);
  EXPECT_EQ(world.phase("bot"), "Stopping/Suspended");
  world.pass(seconds{3});
  EXPECT_EQ(world.engine.of("bot").size(), 0U);
  EXPECT_EQ(world.phase("bot"), "Suspended");
}

TEST(Machine, PutsAnotherBackWhenSomebodyRemovesTheContainer) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  world.engine.remove_from_outside(world.running("bot"), world.now);
  world.pass(seconds{5});
  EXPECT_EQ(world.engine.running("bot").size(), 1U);
  EXPECT_EQ(world.status("bot").restarts, 0) << "an interruption is not counted";
  EXPECT_EQ(world.logged("Vanished"), 1U);
}

/// An agent that runs once, killed and being removed by somebody else, as the machine has seen.
std::string being_removed_by_another(World& world) {
  world.start();
  world.write("bot.yaml", agent_file("bot", "  restartPolicy: Never\n"));
  world.settle();
  std::string id = world.running("bot");
  world.engine.kill_from_outside(id, "9", 137, world.now);
  world.engine.containers.at(id).state = docker::ContainerState::removing;
  world.pass(seconds{1});
  EXPECT_EQ(world.phase("bot"), "Stopping");
  return id;
}

TEST(Machine, KeepsTheEndOfWhatItSawBeingRemovedByAnother) {
  World world;
  const std::string id = being_removed_by_another(world);
  world.engine.remove_from_outside(id, world.now);
  world.pass(seconds{5});
  EXPECT_EQ(world.phase("bot"), "Failed/Interrupted") << "under Never it does not run again";
  EXPECT_EQ(world.engine.of("bot").size(), 0U);
}

TEST(Machine, RemovesWhatAnothersFailedRemovalLeftThoughNobodyTellsThatItFailed) {
  World world;
  const std::string id = being_removed_by_another(world);
  world.engine.containers.at(id).state = docker::ContainerState::dead;  // and no event
  world.pass(seconds{5});
  EXPECT_EQ(world.engine.of("bot").size(), 0U);
  EXPECT_EQ(world.phase("bot"), "Failed/Interrupted");
}

TEST(Machine, LearnsOfAFailedStartFromWhatIsLeftOfTheContainer) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string id = world.running("bot");
  FakeContainer& left = world.engine.containers.at(id);
  left.state = docker::ContainerState::dead;
  left.started.reset();
  left.exit_code = 127;
  left.error = "exec: agent: not found";
  world.engine.kill_from_outside(id, "9", 127, world.now);
  world.pass(std::chrono::milliseconds{100});
  EXPECT_EQ(world.status("bot").reason, "StartError");
}

TEST(Machine, HoldsNoJumpOfTheClockAgainstADeadline) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  activeDeadlineSeconds: 3600\n"));
  world.settle();
  const std::string id = world.running("bot");
  world.now.wall += std::chrono::hours{8760};
  world.engine.exit(id, 1, world.now);
  world.settle();
  EXPECT_EQ(world.phase("bot"), "BackOff/Error") << "it ran for a moment";
  world.pass(seconds{5});
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Machine, HoldsNoJumpOfTheClockAgainstADeadlineThatASlowStartLeftShort) {
  World world;
  world.start();
  world.hold_replies = true;
  world.write("bot.yaml", agent_file("bot", "  activeDeadlineSeconds: 7\n"));
  world.settle();
  const auto starts = [&] {
    return !world.in_flight.empty() && std::holds_alternative<docker::ContainerStart>(world.in_flight.front().request);
  };
  for (int calls = 0; calls < 20 && !starts(); ++calls) {
    world.answer_calls();
    world.settle();
  }
  ASSERT_TRUE(starts());
  world.pass(seconds{5});
  world.hold_replies = false;
  world.answer_calls();
  world.settle();
  const std::string id = world.running("bot");
  world.pass(seconds{3});
  world.now.wall += std::chrono::hours{1};
  world.engine.exit(id, 1, world.now);
  world.settle();
  EXPECT_EQ(world.phase("bot"), "BackOff/Error") << "it ran for three seconds";
}

TEST(Machine, HoldsNoJumpOfTheClockAgainstADeadlineOfWhatAnEarlierLifeStarted) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  activeDeadlineSeconds: 3600\n"));
  world.settle();
  const std::string id = world.running("bot");
  world.crash();
  world.start();
  world.settle();
  ASSERT_EQ(world.phase("bot"), "Running");
  world.now.wall += std::chrono::hours{8760};
  world.engine.exit(id, 1, world.now);
  world.settle();
  EXPECT_EQ(world.phase("bot"), "BackOff/Error") << "it ran for a moment";
}

TEST(Machine, DelaysNobodyWhileAnEndlessPullGoesOn) {
  World world;
  world.start();
  world.settle();
  world.hold_replies = true;
  world.write("slow.yaml", agent_file("slow", "  image: registry.example/huge:1\n"));
  world.settle();
  world.answer_calls();  // the image is absent
  world.settle();
  world.hold_replies = false;
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  EXPECT_EQ(world.phase("slow"), "Pulling");
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Machine, DoesNothingWhileTheSandboxIsOff) {
  World world;
  world.configuration.sandbox.enabled = false;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.pass(minutes{5});
  EXPECT_EQ(world.engine.changes(), 0);
  EXPECT_EQ(world.logged("SandboxDisabled"), 1U);
  EXPECT_EQ(world.status("bot").reason, "SandboxDisabled");
}

TEST(Machine, WarnsOfFilteredVariablesOnceASpecChange) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  env: {AWS_SECRET: hunter2, LOG_LEVEL: debug}\n"));
  world.pass(minutes{2});
  EXPECT_EQ(world.logged("EnvironmentFiltered"), 1U);
  EXPECT_EQ(world.status("bot").filtered_variables, std::vector<std::string>{"AWS_SECRET"});
  EXPECT_EQ(world.metrics["cofferdam_env_filtered_total"], 1.0);
  for (const Audit& line : world.log) EXPECT_EQ(line.message.find("hunter2"), std::string::npos);
}

TEST(Machine, BeginsNoCallAfterItsShutdown) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const int calls = static_cast<int>(world.engine.calls.size());
  world.give(Shutdown{});
  world.write("bot.yaml", agent_file("bot", "  memoryMB: 256\n"));
  world.give(Timer{});
  world.settle();
  EXPECT_EQ(static_cast<int>(world.engine.calls.size()), calls);
  EXPECT_EQ(world.engine.running("bot").size(), 1U);
}

}  // namespace
}  // namespace cofferdam::reconciler::testing
