// What the simulator found and these tests keep: each is the least of a run that broke a promise.

#include "reconciler/records.hpp"
#include "world.hpp"

namespace cofferdam::reconciler::testing {
namespace {

/// Made from the same image, with all the labels, and under another name.
FakeContainer copy_of_bot() {
  FakeContainer copy;
  copy.id = std::string(64, 'd');
  copy.made.name = "copy-of-bot";
  copy.made.config.labels = {{"cofferdam.managed-by", "cofferdam"},
                             {"cofferdam.instance", "default"},
                             {"cofferdam.role", "agent"},
                             {"cofferdam.agent", "bot"},
                             {"cofferdam.name", "cofferdam-default-bot-1"},
                             {"cofferdam.attempt", "1"}};
  return copy;
}

TEST(Found, LooksAtALookAlikeThatALaggingListCallsNotLive) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  suspend: true\n"));
  world.settle();
  const FakeContainer copy = copy_of_bot();
  world.engine.containers[copy.id] = copy;
  const int before = world.engine.count("container inspect");
  world.pass(minutes{2});
  EXPECT_EQ(world.engine.count("container inspect"), before + 1) << "once, and not at every list";
  EXPECT_EQ(world.machine->summary().suspect_containers, 1U);
}

TEST(Found, StartsNothingBesideWhatAppearedSinceTheListBegan) {
  for (const bool file_is_there : {true, false}) {
    World world;
    world.hold_lists = true;
    world.start();
    if (file_is_there) world.write("bot.yaml", agent_file("bot"));
    world.settle();
    FakeContainer copy = copy_of_bot();
    copy.state = docker::ContainerState::running;
    world.engine.containers[copy.id] = copy;
    docker::Event start{"container", "start", copy.id, copy.made.config.labels, 0};
    world.give(Event{world.epoch, start});
    world.settle();
    if (!file_is_there) world.write("bot.yaml", agent_file("bot"));
    world.settle();
    world.answer_lists();  // as of before it was there
    world.settle();
    EXPECT_EQ(world.engine.count("container create") + world.engine.count("container start"), 0);
    EXPECT_EQ(world.phase("bot"), "Pending/Listing");
    world.answer_lists();
    world.settle();
    EXPECT_EQ(world.engine.count("container start"), 0);
    EXPECT_EQ(world.phase("bot"), "Stuck/SuspectContainer");
  }
}

TEST(Found, HoldsACreatedContainerAgainstTheVersionThatIsFoundOnlyLater) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.engine.fail("container start", {docker::ErrorClass::refused, 0, "container start", "", "connection refused"}, 1000);
  world.pass(seconds{1});
  world.crash();
  world.engine.heal();
  for (auto& [id, container] : world.engine.containers) container.made.host_config.security_opt.clear();
  world.erase("bot.yaml");  // not mounted yet
  world.start();
  world.pass(seconds{30});
  world.write("bot.yaml", agent_file("bot"));
  world.pass(seconds{30});
  EXPECT_TRUE(world.engine.running("bot").empty() || world.engine.running("bot").front()->made.name != "cofferdam-default-bot-1")
      << "it is weaker than asked";
  EXPECT_NE(world.phase("bot"), "Denied/WorkspaceWritable");
}

TEST(Found, StartsNothingAfterALiveOneWasCalledGoneUntilAListSaysSoToo) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string before = world.running("bot");
  world.engine.fail("container kill", {docker::ErrorClass::status, 404, "container kill", "", "No such container"});
  world.write("bot.yaml", agent_file("bot", "  memoryMB: 64\n"));
  world.settle();
  EXPECT_LE(world.engine.running("bot").size(), 1U);
  world.pass(minutes{1});
  EXPECT_EQ(world.engine.running("bot").size(), 1U);
  EXPECT_FALSE(world.engine.containers.contains(before) && world.engine.containers.at(before).live());
}

TEST(Found, WakesForItsContactOnlyWhileTheEngineSaysSomething) {
  World world;
  world.configuration.engine.relist_interval = std::chrono::hours{1};
  world.configuration.specs.rescan_interval = std::chrono::hours{1};
  world.start();
  world.pass(minutes{3});
  EXPECT_TRUE(world.state.contains("engine"));
  ASSERT_TRUE(world.wake.has_value());
  EXPECT_GT(*world.wake - world.now.mono, minutes{30});
}

TEST(Found, LooksAtWhatAnUnansweredKillMayHaveEndedBeforeItKillsAgain) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string id = world.running("bot");
  world.engine.fail("container kill", {docker::ErrorClass::timeout, 0, "container kill", id, "no answer in time"});
  world.write("bot.yaml", agent_file("bot", "  suspend: true\n"));
  world.settle();
  const auto& calls = world.engine.calls;
  const auto kill = std::find(calls.begin(), calls.end(), "container kill " + id);
  ASSERT_LT(std::next(kill), calls.end());
  EXPECT_EQ(*std::next(kill), "container inspect " + id);
}

TEST(Found, KillsNothingThatWasRenamedSinceTheLastLook) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  stopTimeoutSeconds: 20\n"));
  world.settle();
  const std::string id = world.running("bot");
  world.engine.containers.at(id).obeys_term = false;
  world.write("bot.yaml", agent_file("bot", "  suspend: true\n"));
  world.settle();
  world.hold_replies = true;  // the inspect that the event brings on does not come back before KILL is due
  world.engine.rename_from_outside(id, "mine", world.now);
  world.settle();
  world.pass(minutes{1});
  EXPECT_EQ(world.engine.count("container kill"), 1) << "it may not be ours any more";
}

TEST(Found, TakesTheNextNameWhenOneIsTakenByALookAlikeThatAListHasToldOf) {
  World world;
  FakeContainer copy;
  copy.id = std::string(64, 'd');
  copy.made.name = "cofferdam-default-bot-1";
  copy.made.config.labels = {{"cofferdam.managed-by", "cofferdam"},
                             {"cofferdam.instance", "default"},
                             {"cofferdam.role", "agent"},
                             {"cofferdam.agent", "bot"}};
  world.engine.containers[copy.id] = copy;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  ASSERT_EQ(world.engine.running("bot").size(), 1U);
  EXPECT_EQ(world.engine.running("bot").front()->made.name, "cofferdam-default-bot-2");
  EXPECT_EQ(world.engine.count("container create"), 3) << "one for the probe, one that is refused, one that is made";
}

TEST(Found, KnowsTheStopOfTheLifeBeforeAlsoWhereTheListCameBeforeTheState) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string id = world.running("bot");
  world.crash();
  world.state["stops/" + id] = to_bytes(StopRecord{"bot", StopCause::suspended});
  world.engine.exit(id, 0, world.now);
  world.engine.events.clear();
  world.state_comes_late = true;
  world.start();
  world.pass(minutes{1});
  // We had ended it: that exit 0 is no end of its own, and it is wanted again.
  EXPECT_EQ(world.phase("bot"), "Running");
  EXPECT_NE(world.running("bot"), id);
}

TEST(Found, HurriesNoEngineThatDeniesAgainAndAgainTheImageThatItHas) {
  World world;
  world.engine.registry = world.engine.images;
  world.engine.fail("container create",
                    {docker::ErrorClass::status, 404, "container create", "", "No such image: docker.io/library/node:20-alpine"},
                    1000);
  world.start();
  world.write("bot.yaml", agent_file("bot", "  user: \"1000:1000\"\n"));
  world.pass(seconds{1});
  EXPECT_EQ(world.engine.count("container create"), 2) << "once more at once, then with back-off";
  EXPECT_EQ(world.phase("bot"), "Stuck/CreateError");
  world.pass(minutes{1});
  EXPECT_LE(world.engine.count("container create"), 8);
  world.engine.heal();
  world.pass(minutes{2});
  EXPECT_EQ(world.phase("bot"), "Running");
}

TEST(Found, TakesTheEndOfWhatItSawRunForItsOwnWhenTheClockJumpedAndTheStateIsLost) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.pass(seconds{1});
  world.crash();
  world.state.clear();
  world.now.wall += std::chrono::hours{9000};
  world.now.boot += std::chrono::hours{9000};  // the boot is the clock less the uptime
  world.start();
  world.pass(seconds{1});
  world.engine.exit(world.running("bot"), 0, world.now);
  world.pass(minutes{5});
  EXPECT_EQ(world.phase("bot"), "Succeeded/Completed");
  EXPECT_EQ(world.engine.count("container create"), 2) << "a probe and the agent, which is not run again";
}

TEST(Found, KeepsWhatTheLifeBeforeKnewOfTheBootAlsoWhereTheListComesBeforeTheState) {
  World world;
  world.start();
  world.pass(minutes{2});
  const auto kept = contact_record_from(world.state.at("engine"));
  ASSERT_TRUE(kept.has_value());
  world.crash();
  world.now.wall += std::chrono::hours{9000};
  world.now.boot += std::chrono::hours{9000};  // the boot is the clock less the uptime
  world.state_comes_late = true;
  world.start();
  world.pass(minutes{2});
  const auto now = contact_record_from(world.state.at("engine"));
  ASSERT_TRUE(now.has_value());
  EXPECT_EQ(now->boot, kept->boot);
  EXPECT_GT(now->contact, kept->contact);
}

}  // namespace
}  // namespace cofferdam::reconciler::testing
