// What goes wrong on the way: calls that fail, names that are taken, sessions that end, people who interfere.

#include "world.hpp"

namespace cofferdam::reconciler::testing {
namespace {

docker::Error timeout(const std::string& operation) {
  return {docker::ErrorClass::timeout, 0, operation, "", "no answer in 30 s"};
}
docker::Error status(int code, const std::string& operation, const std::string& message) {
  return {docker::ErrorClass::status, code, operation, "", message};
}

TEST(Machine, AdoptsTheContainerOfACreateWhoseAnswerWasLost) {
  World world;
  world.start();
  world.engine.fail("container create", timeout("container create"), 1, true);
  world.write("bot.yaml", agent_file("bot", "  user: \"1000:1000\"\n"));
  world.pass(seconds{5});
  EXPECT_EQ(world.engine.of("bot").size(), 1U);
  EXPECT_EQ(world.engine.running("bot").size(), 1U);
  EXPECT_EQ(world.engine.count("container create"), 1);
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Machine, TriesAgainACreateThatWasNotApplied) {
  World world;
  world.start();
  world.engine.fail("container create", timeout("container create"));
  world.write("bot.yaml", agent_file("bot", "  user: \"1000:1000\"\n"));
  world.pass(seconds{5});
  EXPECT_EQ(world.engine.running("bot").size(), 1U);
  EXPECT_EQ(world.engine.of("bot").front()->made.name, "cofferdam-default-bot-1");
}

TEST(Machine, TakesTheNextNameWhenOneIsTakenByAStranger) {
  World world;
  world.engine.reserved_names = {"cofferdam-default-bot-1", "cofferdam-default-bot-2"};
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  ASSERT_EQ(world.engine.running("bot").size(), 1U);
  EXPECT_EQ(world.engine.running("bot").front()->made.name, "cofferdam-default-bot-3");
}

TEST(Machine, SaysSoWhenEightNamesAreTaken) {
  World world;
  for (int i = 1; i <= 20; ++i) world.engine.reserved_names.insert("cofferdam-default-bot-" + std::to_string(i));
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.pass(seconds{10});
  EXPECT_EQ(world.phase("bot"), "Stuck/NameTaken");
  EXPECT_EQ(world.engine.running("bot").size(), 0U);
}

TEST(Machine, BacksOffFromACallThatKeepsFailing) {
  World world;
  world.start();
  world.engine.fail("container create", status(500, "container create", "driver failed"), 1000);
  world.write("bot.yaml", agent_file("bot", "  user: \"1000:1000\"\n"));
  world.write("well.yaml", agent_file("well"));
  world.pass(minutes{10});
  EXPECT_LE(world.engine.count("container create"), 40);
  EXPECT_GE(world.engine.count("container create"), 6);
  EXPECT_EQ(world.phase("bot"), "Stuck/CreateError");
  EXPECT_NE(world.status("bot").message.find("driver failed"), std::string::npos) << world.status("bot").message;
  world.engine.heal();
  world.pass(minutes{2});
  EXPECT_EQ(world.phase("bot"), "Running");
  EXPECT_EQ(world.phase("well"), "Running");
}

TEST(Machine, TellsAMissingCommandAsTheAgentsOwnFailure) {
  World world;
  world.engine.missing_commands = {"node"};
  world.start();
  world.write("bot.yaml", agent_file("bot", "  restartPolicy: Never\n"));
  world.settle();
  EXPECT_EQ(world.phase("bot"), "Failed/StartError");
  EXPECT_EQ(world.status("bot").exit_code, 127);
  world.pass(minutes{5});
  EXPECT_EQ(world.engine.count("container start"), 1);
}

TEST(Machine, WaitsForAMissingNetworkAndSaysWhatMendsIt) {
  World world;
  world.configuration.policy.allowed_networks = {"none", "bridge", "agents"};
  world.start();
  world.write("bot.yaml", agent_file("bot", "  networkMode: agents\n"));
  world.pass(seconds{30});
  EXPECT_EQ(world.phase("bot"), "Stuck/NetworkMissing");
  EXPECT_NE(world.status("bot").message.find("docker network create"), std::string::npos);
  world.engine.networks.insert("agents");
  world.pass(minutes{2});
  EXPECT_EQ(world.phase("bot"), "Running");
  EXPECT_EQ(world.condition("bot", "NetworkIsolated"), "True");
}

TEST(Machine, PullsAnAbsentImageOnceForAllWhoWantIt) {
  World world;
  world.engine.registry = world.engine.images;
  world.engine.images.clear();
  world.start();
  for (const char* name : {"a", "b", "c", "d", "e"}) world.write(std::string(name) + ".yaml", agent_file(name));
  world.settle();
  EXPECT_EQ(world.engine.count("image pull"), 1);
  for (const char* name : {"a", "b", "c", "d", "e"}) EXPECT_EQ(world.phase(name), "Running") << name;
}

TEST(Machine, BacksOffFromAPullThatFails) {
  World world;
  world.engine.images.clear();
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  EXPECT_EQ(world.phase("bot"), "BackOff/ImagePull");
  world.pass(minutes{10});
  EXPECT_LE(world.engine.count("image pull"), 20);
  world.engine.add_image("docker.io/library/node:20-alpine", "b");
  docker::Event loaded;
  loaded.type = "image";
  loaded.action = "load";
  world.give(Event{world.epoch, loaded});
  world.settle();
  EXPECT_EQ(world.phase("bot"), "Running") << "an image that was brought is used at once";
}

TEST(Machine, LooksAgainAtARefusedImageWhenItsTagMoves) {
  World world;
  world.engine.images.at("docker.io/library/node:20-alpine").volumes = {"/data"};
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  ASSERT_EQ(world.phase("bot"), "Denied/ImageVolumes");
  world.engine.images.at("docker.io/library/node:20-alpine").volumes.clear();
  docker::Event pulled;
  pulled.type = "image";
  pulled.action = "pull";
  world.give(Event{world.epoch, pulled});
  world.settle();
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Machine, WithdrawsAPullThatNobodyWantsAnyMore) {
  World world;
  world.engine.images.clear();
  world.start();
  world.settle();
  world.hold_replies = true;
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  world.answer_calls();  // the image is absent
  world.settle();
  ASSERT_EQ(world.in_flight.size(), 1U);
  EXPECT_EQ(world.phase("bot"), "Pulling");
  world.write("bot.yaml", agent_file("bot", "  suspend: true\n"));
  world.settle();
  EXPECT_EQ(world.in_flight.size(), 0U);
  EXPECT_EQ(world.phase("bot"), "Suspended");
}

TEST(Machine, NeverStartsWhatTheEngineMadeWeaker) {
  World world;
  world.engine.drops_memory_limits = true;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.pass(minutes{10});
  EXPECT_EQ(world.engine.count("container start"), 0);
  EXPECT_EQ(world.engine.count("container create"), 2) << "the probe's and one try";
  EXPECT_EQ(world.phase("bot"), "Stuck/LimitDiscarded");
  EXPECT_NE(world.status("bot").message.find("HostConfig.Memory"), std::string::npos) << world.status("bot").message;
}

TEST(Machine, TakesADiscardedLimitForAFailureUnlessItIsTolerated) {
  const std::string warning =
      "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.";
  World strict;
  strict.engine.create_warnings = {warning};
  strict.start();
  strict.write("bot.yaml", agent_file("bot"));
  strict.pass(minutes{1});
  EXPECT_EQ(strict.phase("bot"), "Stuck/LimitDiscarded");
  EXPECT_EQ(strict.engine.count("container start"), 0);

  World tolerant;
  tolerant.engine.create_warnings = {warning};
  tolerant.configuration.policy.tolerate_missing = {"swap"};
  tolerant.start();
  tolerant.write("bot.yaml", agent_file("bot"));
  tolerant.settle();
  EXPECT_EQ(tolerant.phase("bot"), "Running");
  EXPECT_EQ(tolerant.condition("bot", "LimitMissing"), "True/swap");
  EXPECT_EQ(tolerant.machine->summary().limits_missing, std::vector<std::string>{"swap"});
}

TEST(Machine, KeepsItsPeaceThroughALostSession) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string before = world.running("bot");
  const int changes = world.engine.changes();
  world.session_down();
  world.settle();
  EXPECT_EQ(world.status("bot").reason, "EngineUnknown");
  world.pass(minutes{5});
  EXPECT_EQ(world.engine.changes(), changes);
  world.session_up();
  world.pass(seconds{5});
  EXPECT_EQ(world.running("bot"), before);
  EXPECT_EQ(world.engine.changes(), changes);
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Machine, TakesTheEndsOfAnOutageForInterruptions) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  maxRestarts: 0\n"));
  world.settle();
  world.session_down();
  world.pass(seconds{20});
  world.engine.exit_all(0, world.now);
  world.engine.events.clear();
  world.pass(seconds{20});
  world.session_up();
  world.pass(seconds{10});
  EXPECT_EQ(world.engine.running("bot").size(), 1U);
  EXPECT_EQ(world.status("bot").restarts, 0);
}

TEST(Machine, DropsTheAnswersOfAnotherSession) {
  World world;
  world.start();
  world.settle();
  world.hold_replies = true;
  world.write("bot.yaml", agent_file("bot", "  user: \"1000:1000\"\n"));
  world.settle();
  world.answer_calls();  // image
  world.settle();
  ASSERT_EQ(world.in_flight.size(), 1U);
  const Call create = world.in_flight.front();
  ASSERT_TRUE(std::holds_alternative<docker::ContainerCreate>(create.request));
  const docker::Result made = world.engine.apply(create.request, world.now);
  world.session_down();
  world.settle();
  world.hold_replies = false;
  world.session_up();
  world.give(Reply{create.epoch, create.id, made});
  world.pass(seconds{5});
  EXPECT_EQ(world.engine.of("bot").size(), 1U) << "found by the first list, and started";
  EXPECT_EQ(world.engine.running("bot").size(), 1U);
}

TEST(Machine, StopsADuplicateThatSomebodyStarted) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  world.write("bot.yaml", agent_file("bot", "  memoryMB: 256\n"));
  world.settle();
  const std::string current = world.running("bot");
  for (const FakeContainer* container : world.engine.of("bot")) {
    if (container->id != current) world.engine.start_from_outside(container->id, world.now);
  }
  ASSERT_EQ(world.engine.running("bot").size(), 2U);
  world.pass(seconds{30});
  EXPECT_EQ(world.running("bot"), current);
}

TEST(Machine, NeverTouchesALookAlike) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const FakeContainer original = *world.engine.running("bot").front();
  // docker commit and run: our labels, another name; and one whose name alone is like ours.
  FakeContainer copy = original;
  copy.id = std::string(64, 'd');
  copy.made.name = "copy-of-bot";
  world.engine.containers[copy.id] = copy;
  FakeContainer named = original;
  named.id = std::string(64, 'e');
  named.made.name = "cofferdam-default-bot-9";
  named.made.config.labels.clear();
  named.made.host_config.mounts.clear();
  world.engine.containers[named.id] = named;
  world.pass(minutes{3});
  world.write("bot.yaml", agent_file("bot", "  suspend: true\n"));
  world.pass(minutes{3});
  EXPECT_TRUE(world.engine.containers.at(copy.id).live());
  EXPECT_TRUE(world.engine.containers.at(named.id).live());
  EXPECT_EQ(world.phase("bot"), "Stuck/SuspectContainer");
  EXPECT_EQ(world.machine->summary().suspect_containers, 1U);
  EXPECT_EQ(world.machine->owned_containers().size(), 0U);
  world.write("bot.yaml", agent_file("bot"));
  world.pass(minutes{3});
  EXPECT_EQ(world.engine.of("bot").size(), 1U) << "and nothing is started beside a live look-alike";
  EXPECT_EQ(world.phase("bot"), "Stuck/SuspectContainer");
}

TEST(Machine, WaitsWhileSomebodyElseUsesTheWorkspace) {
  World world;
  world.start();
  world.write("first.yaml", agent_file("first"));
  world.settle();
  FakeContainer stranger = *world.engine.running("first").front();
  stranger.id = std::string(64, 'f');
  stranger.made.name = "stranger";
  stranger.made.config.labels.clear();
  stranger.made.host_config.mounts.front().source = "/srv/cofferdam/workspaces/bot/src";
  world.engine.containers[stranger.id] = stranger;
  world.pass(minutes{2});
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  EXPECT_EQ(world.phase("bot"), "Pending/WorkspaceBusy");
  EXPECT_EQ(world.engine.of("bot").size(), 0U);
  world.engine.exit(stranger.id, 0, world.now);
  world.pass(seconds{1});
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Machine, ThrottlesAnAgentThatTakesTooManyCalls) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const int before = world.engine.changes();
  for (int edit = 0; edit < 30; ++edit) {
    world.write("bot.yaml", agent_file("bot", "  taskId: t" + std::to_string(edit) + "\n"));
    world.settle();
  }
  EXPECT_LE(world.engine.changes() - before, 25);
  EXPECT_EQ(world.status("bot").reason, "Throttled");
  world.pass(minutes{3});
  EXPECT_EQ(world.phase("bot"), "Running");
  EXPECT_EQ(world.status("bot").task, "t29");
  EXPECT_EQ(world.condition("bot", "UpToDate"), "True");
}

TEST(Machine, KeepsTheBoundsOfItsLanes) {
  World world;
  world.start();
  world.settle();
  world.hold_replies = true;
  for (int i = 0; i < 40; ++i) world.write("a" + std::to_string(i) + ".yaml", agent_file("a" + std::to_string(i)));
  for (int turn = 0; turn < 400; ++turn) {
    world.settle();
    if (world.in_flight.empty()) break;
    world.answer_calls();
  }
  EXPECT_EQ(world.most_changes_at_once, 8U) << "four times the processors";
  EXPECT_LE(world.most_reads_at_once, 8U);
  EXPECT_GT(world.most_reads_at_once, 0U);
  for (int i = 0; i < 40; ++i) EXPECT_EQ(world.phase("a" + std::to_string(i)), "Running") << i;
  EXPECT_EQ(world.machine->summary().queued, 0U);
}

TEST(Machine, SendsAnAgentWhoseCallTimedOutToThePenaltyLane) {
  World world;
  world.start();
  world.settle();
  world.engine.fail("container start", timeout("container start"));
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  world.hold_replies = true;
  world.pass(seconds{2});
  ASSERT_EQ(world.in_flight.size(), 1U);
  EXPECT_EQ(world.in_flight.front().lane, Lane::penalty);
  world.hold_replies = false;
  world.answer_calls();
  world.pass(seconds{5});
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Machine, SuffersNoAgentFromAnothersHungCall) {
  World world;
  world.start();
  world.write("bad.yaml", agent_file("bad"));
  world.settle();
  world.hold_replies = true;
  world.engine.exit(world.running("bad"), 1, world.now);
  world.settle();
  ASSERT_EQ(world.in_flight.size(), 1U) << "its inspect hangs";
  world.hold_replies = false;
  world.write("good.yaml", agent_file("good"));
  world.settle();
  EXPECT_EQ(world.phase("good"), "Running");
}

TEST(Machine, GoesOnWithAStopWhoseRecordCannotBeSaved) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  world.state_writable = false;
  world.write("bot.yaml", agent_file("bot", "  suspend: true\n"));
  world.pass(seconds{3});
  EXPECT_EQ(world.engine.running("bot").size(), 0U);
  EXPECT_EQ(world.engine.of("bot").size(), 1U) << "but its outcome is not saved: the container stays";
  EXPECT_EQ(world.condition("bot", "StateUnwritable"), "True/SaveFailed");
  world.state_writable = true;
  world.pass(minutes{2});
  EXPECT_EQ(world.engine.of("bot").size(), 0U);
  EXPECT_EQ(world.phase("bot"), "Suspended");
  EXPECT_EQ(world.condition("bot", "StateUnwritable"), "absent");
}

TEST(Machine, GoesOnWithAStopWhenTheStateDirectoryHangs) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  world.state_answers = false;
  world.write("bot.yaml", agent_file("bot", "  suspend: true\n"));
  world.pass(seconds{4});
  EXPECT_EQ(world.engine.running("bot").size(), 1U) << "it waits 5 s for the record";
  world.pass(seconds{2});
  EXPECT_EQ(world.engine.running("bot").size(), 0U);
}

TEST(Machine, DoesNothingWhileTheStateIsUnknown) {
  World world;
  world.start();
  world.machine = std::make_unique<Reconciler>(Identity{"default", "cofferdam", "1.0"});
  world.inbox.clear();
  world.pending.clear();
  world.give(ConfigRead{std::make_shared<const specs::Configuration>(world.configuration), {}});
  StateLoaded unknown;
  unknown.known = false;
  unknown.error = "Permission denied";
  world.give(unknown);
  world.session_up();
  world.write("bot.yaml", agent_file("bot"));
  world.pass(minutes{2});
  EXPECT_EQ(world.engine.changes(), 0);
  EXPECT_FALSE(world.machine->summary().ready);
}

}  // namespace
}  // namespace cofferdam::reconciler::testing
