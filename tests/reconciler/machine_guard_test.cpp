// The folder, the deletion guard, workspaces, policy, rollout, ceilings, verification, commands: what holds for many agents.

#include "world.hpp"

namespace cofferdam::reconciler::testing {
namespace {

void drop(World& world, int count) {
  for (int i = 0; i < count; ++i) {
    const std::string name = std::string("a") + (i < 10 ? "0" : "") + std::to_string(i);
    world.write(name + ".yaml", agent_file(name));
  }
}

TEST(Machine, HoldsMassDeletionsUntilTheyAreConfirmed) {
  World world;
  world.start();
  drop(world, 12);
  world.pass(minutes{5});
  for (int i = 0; i < 10; ++i) world.erase(std::string("a0") + std::to_string(i) + ".yaml");
  world.pass(minutes{5});
  EXPECT_EQ(world.engine.running("a00").size(), 1U);
  EXPECT_EQ(world.phase("a00"), "Running");
  ASSERT_EQ(world.machine->held().size(), 1U);
  EXPECT_EQ(world.machine->held().front().agents.size(), 10U);
  EXPECT_GE(world.logged("DeletionsHeld"), 1U);

  world.give(Command{1, ConfirmDeletions{"no-such-set"}});
  world.give(Command{2, ConfirmDeletions{world.machine->held().front().id}});
  world.pass(minutes{1});
  EXPECT_FALSE(world.answers["1"].ok);
  EXPECT_TRUE(world.answers["2"].ok);
  EXPECT_EQ(world.engine.of("a00").size(), 0U);
  EXPECT_EQ(world.phase("a00"), "Removed");
  EXPECT_EQ(world.engine.running("a11").size(), 1U);
  EXPECT_TRUE(world.machine->held().empty());
}

TEST(Machine, RemembersOverARestartThatTheFolderIsAnotherOne) {
  for (const bool replaced_while_down : {false, true}) {
    World world;
    world.start();
    drop(world, 5);
    world.pass(minutes{5});
    if (replaced_while_down) world.crash();
    world.directory_inode = 8;
    for (int i = 1; i < 5; ++i) world.erase("a0" + std::to_string(i) + ".yaml");
    if (!replaced_while_down) {
      world.pass(minutes{1});
      world.crash();
    }
    for (int life = 0; life < 2; ++life) {
      world.start();
      world.pass(minutes{5});
      for (int i = 0; i < 5; ++i) EXPECT_EQ(world.engine.running("a0" + std::to_string(i)).size(), 1U) << i;
      ASSERT_EQ(world.machine->held().size(), 1U);
      EXPECT_EQ(world.machine->held().front().reason, "DirectoryReplaced");
      if (life == 0) world.crash();
    }
    world.give(Command{1, ConfirmDeletions{world.machine->held().front().id}});
    world.pass(minutes{1});
    EXPECT_EQ(world.engine.of("a01").size(), 0U);
    world.crash();
    world.start();
    world.erase("a00.yaml");
    world.write("b.yaml", agent_file("b"));
    world.pass(minutes{5});
    EXPECT_EQ(world.engine.of("a00").size(), 0U) << "what was confirmed is the folder now";
  }
}

TEST(Machine, TouchesNothingWhileTheFolderCannotBeRead) {
  World world;
  world.start();
  drop(world, 3);
  world.settle();
  const int changes = world.engine.changes();
  world.directory_readable = false;
  world.pass(minutes{10});
  EXPECT_EQ(world.engine.changes(), changes);
  EXPECT_NE(world.machine->summary().scan_error, "");
  EXPECT_EQ(world.logged("SpecDirectoryUnreadable"), 1U) << "said once";
  world.directory_readable = true;
  world.pass(minutes{1});
  EXPECT_EQ(world.engine.changes(), changes);
  EXPECT_EQ(world.machine->summary().scan_error, "");
}

TEST(Machine, RemovesNothingFoundAtTheStartBesideAnEmptyFolder) {
  World world;
  world.start();
  drop(world, 3);
  world.settle();
  world.crash();
  for (int i = 0; i < 3; ++i) world.erase(std::string("a0") + std::to_string(i) + ".yaml");
  world.state.clear();
  world.start();
  world.pass(minutes{10});
  for (int i = 0; i < 3; ++i) EXPECT_EQ(world.engine.running(std::string("a0") + std::to_string(i)).size(), 1U);
  EXPECT_FALSE(world.machine->held().empty());
}

TEST(Machine, LeavesAFileAloneUntilItIsQuiet) {
  World world;
  world.configuration.specs.settle = milliseconds{500};
  world.start();
  world.settle();
  world.write("bot.yaml", agent_file("bot"));
  world.inbox.clear();  // inotify saw the writing, and no close yet
  world.give(FileChanged{"bot.yaml", FileChanged::Kind::written});
  world.give(FileChanged{});
  world.settle();
  EXPECT_EQ(world.engine.of("bot").size(), 0U);
  world.pass(milliseconds{400});
  EXPECT_EQ(world.engine.of("bot").size(), 0U);
  world.pass(milliseconds{200});
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Machine, ReadsAFileThatInotifyNeverAnnounced) {
  World world;
  world.start();
  world.settle();
  world.write("bot.yaml", agent_file("bot"));
  world.inbox.clear();
  world.pass(seconds{25});
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Machine, LetsTheFirstKeepAWorkspaceThatASecondWants) {
  World world;
  world.start();
  world.write("zed.yaml", agent_file("zed"));
  world.settle();
  std::string second = agent_file("abe");
  second.replace(second.find("workspaces/abe"), 14, "workspaces/zed");
  world.write("abe.yaml", second);
  world.pass(minutes{2});
  EXPECT_EQ(world.phase("abe"), "Denied/WorkspaceOverlap");
  EXPECT_EQ(world.phase("zed"), "Running");
  world.crash();
  world.start();
  world.pass(minutes{2});
  EXPECT_EQ(world.phase("abe"), "Denied/WorkspaceOverlap") << "also after a restart, though its name is lower";
  EXPECT_EQ(world.phase("zed"), "Running");
  world.write("zed.yaml", agent_file("zed", "  remove: true\n"));
  world.pass(minutes{2});
  EXPECT_EQ(world.phase("abe"), "Running") << "and its turn comes when the other leaves";
}

TEST(Machine, GivesTheLowerNameAWorkspaceThatBothWantAtOnce) {
  World world;
  std::string first = agent_file("zed");
  std::string second = agent_file("abe");
  second.replace(second.find("workspaces/abe"), 14, "workspaces/zed");
  world.write("zed.yaml", first);
  world.write("abe.yaml", second);
  world.start();
  world.settle();
  EXPECT_EQ(world.phase("abe"), "Running");
  EXPECT_EQ(world.phase("zed"), "Denied/WorkspaceOverlap");
}

TEST(Machine, KeepsTheLastAdmittedVersionBesideADeniedEdit) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string before = world.running("bot");
  world.write("bot.yaml", agent_file("bot", "  user: \"0:0\"\n  networkMode: host\n"));
  world.pass(minutes{2});
  EXPECT_EQ(world.running("bot"), before);
  EXPECT_EQ(world.phase("bot"), "Running");
  EXPECT_NE(world.condition("bot", "Admitted").find("False"), std::string::npos);

  world.crash();
  world.start();
  world.pass(minutes{2});
  EXPECT_EQ(world.running("bot"), before);
  world.engine.exit(before, 1, world.now);
  world.pass(seconds{10});
  EXPECT_EQ(world.phase("bot"), "Running") << "and the admitted version is started again, also by a later life";
  EXPECT_EQ(world.engine.running("bot").front()->made.host_config.network_mode, "bridge");
}

TEST(Machine, DeniesWhatPolicyRefusesAndSaysWhichRule) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  networkMode: host\n"));
  world.settle();
  EXPECT_EQ(world.status("bot").phase, Phase::denied);
  EXPECT_NE(world.status("bot").reason, "");
  EXPECT_NE(world.status("bot").message.find("bot.yaml:"), std::string::npos) << world.status("bot").message;
  EXPECT_EQ(world.engine.changes(), 0);
}

TEST(Machine, ChecksTheWorkspaceAndLooksAgain) {
  World world;
  world.workspaces["/srv/cofferdam/workspaces/bot"] = {};
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  EXPECT_EQ(world.status("bot").phase, Phase::denied);
  EXPECT_EQ(world.engine.of("bot").size(), 0U);
  world.workspaces.clear();
  world.pass(seconds{61});
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Machine, ReplacesOutdatedAgentsOneAtATime) {
  World world;
  world.start();
  for (const char* name : {"a", "b", "c"})
    world.write(std::string(name) + ".yaml", agent_file(name, "  restartPolicy: Always\n"));
  world.write("once.yaml", agent_file("once", "  restartPolicy: Never\n"));
  world.settle();
  const std::string once = world.running("once");
  world.configuration.sandbox.default_memory_mb = 256;
  world.engine.networks = {"none"};  // the first replacement cannot start
  world.give(ConfigRead{std::make_shared<const specs::Configuration>(world.configuration), {}});
  world.pass(minutes{1});
  EXPECT_EQ(world.engine.running("a").size(), 0U);
  EXPECT_EQ(world.engine.running("b").size(), 1U);
  EXPECT_EQ(world.condition("b", "UpToDate"), "False/Outdated");
  world.pass(minutes{5});
  EXPECT_EQ(world.logged("RolloutHalted"), 1U);
  EXPECT_EQ(world.engine.running("b").front()->made.host_config.memory, 512 << 20);
  world.engine.networks = {"none", "bridge"};
  world.pass(minutes{3});
  for (const char* name : {"a", "b", "c"}) {
    ASSERT_EQ(world.engine.running(name).size(), 1U) << name;
    EXPECT_EQ(world.engine.running(name).front()->made.host_config.memory, 256 << 20) << name;
    EXPECT_EQ(world.condition(name, "UpToDate"), "True") << name;
  }
  EXPECT_EQ(world.running("once"), once) << "a run-once agent finishes as it is";
}

TEST(Machine, GivesNoTurnOfTheRolloutToWhatEndedWhileItWaited) {
  World world;
  world.start();
  world.write("a.yaml", agent_file("a", "  restartPolicy: Always\n"));
  world.write("b.yaml", agent_file("b", "  restartPolicy: Always\n  activeDeadlineSeconds: 90\n"));
  world.write("c.yaml", agent_file("c", "  restartPolicy: Always\n"));
  world.settle();
  world.configuration.sandbox.default_memory_mb = 256;
  world.engine.networks = {"none"};  // the first replacement cannot start yet
  world.give(ConfigRead{std::make_shared<const specs::Configuration>(world.configuration), {}});
  world.pass(minutes{2});
  ASSERT_EQ(world.phase("b"), "Failed/DeadlineExceeded");
  world.engine.networks = {"none", "bridge"};
  world.pass(minutes{8});
  EXPECT_EQ(world.logged("RolloutHalted"), 0U);
  ASSERT_EQ(world.engine.running("c").size(), 1U);
  EXPECT_EQ(world.engine.running("c").front()->made.host_config.memory, 256 << 20);
}

TEST(Machine, HaltsNoRolloutForWhatHadEndedBeforeItsTurn) {
  World world;
  world.start();
  world.write("a.yaml", agent_file("a", "  restartPolicy: Always\n  maxRestarts: 0\n"));
  world.write("b.yaml", agent_file("b", "  restartPolicy: Always\n"));
  world.settle();
  world.engine.exit(world.running("a"), 1, world.now);
  world.engine.events.clear();  // nobody tells of it
  world.configuration.sandbox.default_memory_mb = 256;
  world.give(ConfigRead{std::make_shared<const specs::Configuration>(world.configuration), {}});
  world.pass(minutes{1});
  EXPECT_EQ(world.phase("a"), "Failed/MaxRestarts");
  ASSERT_EQ(world.engine.running("b").size(), 1U);
  EXPECT_EQ(world.engine.running("b").front()->made.host_config.memory, 256 << 20);
  world.pass(minutes{10});
  EXPECT_EQ(world.logged("RolloutHalted"), 0U);
}

TEST(Machine, KeepsTheHostsCeilings) {
  World world;
  world.configuration.policy.total_memory_mb = 1024;
  world.start();
  for (const char* name : {"a", "b", "c"}) world.write(std::string(name) + ".yaml", agent_file(name));
  world.settle();
  int running = 0;
  std::string waiting;
  for (const char* name : {"a", "b", "c"}) {
    if (world.phase(name) == "Running") {
      ++running;
    } else {
      waiting = name;
    }
  }
  EXPECT_EQ(running, 2);
  EXPECT_EQ(world.phase(waiting), "Pending/NoCapacity");
  const std::string first = waiting == "a" ? "b" : "a";
  world.write(first + ".yaml", agent_file(first, "  suspend: true\n"));
  world.settle();
  EXPECT_EQ(world.phase(waiting), "Running");
}

TEST(Machine, StopsAViolatorUntilItIsReleased) {
  World world;
  world.verdict = Verified::Verdict::violated;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  EXPECT_EQ(world.phase("bot"), "Failed/HardeningViolated");
  EXPECT_EQ(world.engine.running("bot").size(), 0U);
  world.pass(minutes{20});
  EXPECT_EQ(world.engine.count("container start"), 1);
  world.verdict = Verified::Verdict::verified;
  world.give(Command{1, Release{"bot"}});
  world.give(Command{2, Release{"nobody"}});
  world.pass(minutes{2});
  EXPECT_TRUE(world.answers["1"].ok);
  EXPECT_FALSE(world.answers["2"].ok);
  EXPECT_EQ(world.phase("bot"), "Running");
  EXPECT_EQ(world.condition("bot", "Verified"), "True");
}

TEST(Machine, ReportsViolatorsBeyondTheBudget) {
  World world;
  world.verdict = Verified::Verdict::violated;
  world.start();
  drop(world, 5);
  world.settle();
  int stopped = 0;
  for (int i = 0; i < 5; ++i) stopped += world.engine.running(std::string("a0") + std::to_string(i)).empty() ? 1 : 0;
  EXPECT_EQ(stopped, 3) << "one false reading must not stop everybody";
}

TEST(Machine, AsksTheKernelAboutOnceAMinute) {
  World world;
  world.verdict = Verified::Verdict::verified;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.pass(minutes{60});
  EXPECT_GE(world.verifications, 50U);
  EXPECT_LE(world.verifications, 62U);
}

TEST(Machine, StartsOverTenThousandContainersWithOneList) {
  World world;
  world.start();
  drop(world, 60);
  world.settle();
  world.crash();
  world.engine.counts.clear();
  world.start();
  world.settle();
  EXPECT_EQ(world.engine.count("container list"), 1);
  EXPECT_LE(world.engine.count("container inspect"), 1) << "but for one look whether anything can be verified here";
  EXPECT_EQ(world.engine.changes(), 0);
  for (int i = 10; i < 60; ++i) EXPECT_EQ(world.phase("a" + std::to_string(i)), "Running") << i;
}

TEST(Machine, RemovesProbesThatWereLeftOver) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  FakeContainer probe;
  probe.id = std::string(64, '9');
  probe.image_id = world.engine.images.begin()->second.id;
  probe.made.name = "cofferdam-default-probe.aaaaaaaaaaaa-1";
  probe.made.config.labels = {{"cofferdam.managed-by", "cofferdam"},
                              {"cofferdam.instance", "default"},
                              {"cofferdam.role", "probe"},
                              {"cofferdam.name", probe.made.name},
                              {"cofferdam.image-id", probe.image_id}};
  world.engine.containers[probe.id] = probe;
  FakeContainer foreign = probe;
  foreign.id = std::string(64, '8');
  foreign.made.config.labels["cofferdam.instance"] = "another";
  world.engine.containers[foreign.id] = foreign;
  world.crash();
  world.start();
  world.settle();
  EXPECT_FALSE(world.engine.containers.contains(probe.id));
  EXPECT_TRUE(world.engine.containers.contains(foreign.id)) << "another controller's";
}

TEST(Machine, NeedsNoProbeForANumericUser) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  user: \"1000:1234\"\n"));
  world.settle();
  EXPECT_EQ(world.engine.count("container create"), 1);
  EXPECT_EQ(world.engine.running("bot").front()->made.config.user, "1000:1234");
}

TEST(Machine, ProbesAnImageOnceForAllItsAgents) {
  World world;
  world.start();
  drop(world, 10);
  world.settle();
  EXPECT_EQ(world.engine.count("container archive"), 2);
  EXPECT_EQ(world.engine.count("container create"), 11);
  EXPECT_EQ(world.engine.count("image inspect"), 1);
}

TEST(Machine, DeniesAUserThatTheImageDoesNotKnow) {
  World world;
  world.engine.image_passwd.clear();
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  EXPECT_EQ(world.status("bot").phase, Phase::denied);
  EXPECT_NE(world.status("bot").message.find("node"), std::string::npos) << world.status("bot").message;
  EXPECT_EQ(world.engine.of("bot").size(), 0U);
}

TEST(Plan, IsOneCanonicalLineAnAgent) {
  World world;
  world.start();
  world.write("b.yaml", agent_file("b"));
  world.write("a.yaml", agent_file("a"));
  world.write("c.yaml", "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: c}\nspec: {}\n");
  world.settle();
  world.engine.exit(world.running("b"), 1, world.now);
  world.settle();
  EXPECT_EQ(world.plan(),
            "a: none (row 26: runs as its spec says)\n"
            "b: none (row 41: its next try is ahead)\n"
            "c: none (row 9: its file was never good)\n");
  world.session_down();
  world.settle();
  EXPECT_EQ(world.plan(),
            "a: none (row 1: the engine's containers are not known)\n"
            "b: none (row 1: the engine's containers are not known)\n"
            "c: none (row 1: the engine's containers are not known)\n");
}

}  // namespace
}  // namespace cofferdam::reconciler::testing
