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

TEST(Found, KeepsLastGoodVersionsWhileTheFolderIsStillEmptyAtTheStart) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  world.crash();
  world.erase("bot.yaml");  // not mounted yet
  world.start();
  world.pass(seconds{30});
  EXPECT_TRUE(world.state.contains("files/bot.yaml"));
  world.write("bot.yaml", "{ broken");  // mounted: it was broken meanwhile
  world.pass(seconds{30});
  world.engine.exit(world.running("bot"), 1, world.now);
  world.pass(seconds{30});
  EXPECT_FALSE(world.running("bot").empty()) << "its last good version is in force, and runs it again";
  EXPECT_EQ(world.condition("bot", "SpecValid"), "False/SpecInvalid");
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

TEST(Found, EndsTheRecordOfAFileThatWentWhileTheControllerWasDown) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.write("other.yaml", agent_file("other"));
  world.settle();
  world.crash();
  world.erase("bot.yaml");
  world.start();
  world.pass(minutes{3});
  EXPECT_TRUE(world.engine.of("bot").empty());
  EXPECT_FALSE(world.state.contains("files/bot.yaml"));
  EXPECT_FALSE(world.state.contains("agents/bot"));
  EXPECT_TRUE(world.state.contains("files/other.yaml"));
}

TEST(Found, AgentIsTheSameWhenItsFileIsBackBrokenBeforeItWasRemoved) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string before = world.running("bot");
  world.erase("bot.yaml");
  world.settle();
  world.write("bot.yaml", "{ broken");
  world.write("copy.yaml", agent_file("bot", "  memoryMB: 64\n"));
  world.pass(minutes{1});
  EXPECT_EQ(world.running("bot"), before) << "two files name it, and neither changes what runs";
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

TEST(Found, HoldsWhatAFileOfAnotherDirectoryLacksHoweverLateItIsRead) {
  World world;
  world.start();
  world.write("bots.yaml", agent_file("bot") + "---\n" + agent_file("other"));
  world.settle();
  const std::string before = world.running("bot");
  world.erase("bots.yaml");  // unmounted: another, empty directory
  ++world.directory_inode;
  world.pass(seconds{30});
  --world.directory_inode;
  world.directory_readable = false;
  world.write("bots.yaml", agent_file("other"));
  world.settle();
  world.directory_readable = true;  // mounted again, and nothing announced what is in it
  world.give(FileChanged{});
  world.pass(minutes{1});
  EXPECT_EQ(world.running("bot"), before) << "nobody confirmed that it went";
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

TEST(Found, HoldsWhoMayHaveMovedIntoAFileThatCannotBeRead) {
  World world;
  world.start();
  world.write("a.yaml", agent_file("ada"));
  world.write("b.yaml", agent_file("bot"));
  world.pass(minutes{2});
  world.write("a.yaml", agent_file("ada") + "---\n" + agent_file("bot"));
  world.unreadable_files.insert("a.yaml");
  world.pass(minutes{1});
  world.erase("b.yaml");
  world.pass(minutes{5});
  EXPECT_EQ(world.engine.running("bot").size(), 1U);
  ASSERT_EQ(world.machine->held().size(), 1U);
  EXPECT_EQ(world.machine->held().front().reason, "MaybeMoved");
  EXPECT_NE(world.machine->held().front().message.find("cannot be read"), std::string::npos);

  world.write("a.yaml", agent_file("ada"));
  world.unreadable_files.clear();
  world.pass(minutes{5});
  EXPECT_EQ(world.engine.of("bot").size(), 0U) << "it had not moved there";
}

TEST(Found, HoldsWhoMayHaveMovedIntoAFileThatDoesNotParse) {
  for (const bool while_down : {false, true}) {
    World world;
    world.start();
    world.write("a.yaml", agent_file("ada"));
    world.write("b.yaml", agent_file("bot"));
    world.pass(minutes{2});
    if (while_down) world.crash();
    world.write("a.yaml", "{{{ no yaml");
    world.erase("b.yaml");
    if (while_down) world.start();
    world.pass(minutes{5});
    EXPECT_EQ(world.engine.running("bot").size(), 1U);
    ASSERT_EQ(world.machine->held().size(), 1U);
    EXPECT_EQ(world.machine->held().front().reason, "MaybeMoved");
    world.write("a.yaml", agent_file("ada"));
    world.pass(minutes{5});
    EXPECT_EQ(world.engine.of("bot").size(), 0U) << "it had not moved there";
  }
}

TEST(Found, KeepsAnAgentWhoseFileWasNeverGoodAndBreaksMore) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.pass(minutes{2});
  world.crash();
  world.state.clear();
  world.write("bot.yaml", agent_file("bot") + "  nonsense: 1\n");
  world.start();
  world.pass(minutes{1});
  world.write("bot.yaml", "{{{ no yaml");
  world.pass(minutes{5});
  EXPECT_EQ(world.engine.running("bot").size(), 1U);
}

TEST(Found, HoldsWhoIsMissingInAnotherDirectoryAlsoWhereADuplicateKeepsItInForce) {
  World world;
  world.start();
  world.write("a.yaml", agent_file("ada") + "---\n" + agent_file("bot"));
  world.pass(minutes{2});
  world.directory_inode = 8;
  world.write("a.yaml", agent_file("ada"));
  world.settle();
  world.write("copy.yaml", agent_file("ada"));
  world.pass(minutes{1});
  world.erase("copy.yaml");
  world.pass(minutes{5});
  EXPECT_EQ(world.engine.running("bot").size(), 1U);
  ASSERT_EQ(world.machine->held().size(), 1U);
  EXPECT_EQ(world.machine->held().front().reason, "DirectoryReplaced");
}

TEST(Found, LeavesADuplicateAloneWhileTheOtherFileIsWrittenAnew) {
  World world;
  world.start();
  world.write("a.yaml", agent_file("ada"));
  world.settle();
  world.write("copy.yaml", agent_file("ada", "  memoryMB: 128\n"));
  world.pass(minutes{2});
  const std::string id = world.running("ada");
  world.erase("a.yaml");
  world.pass(std::chrono::milliseconds{50});
  world.write("a.yaml", agent_file("ada"));
  world.pass(minutes{2});
  EXPECT_EQ(world.running("ada"), id);
  world.erase("a.yaml");
  world.pass(minutes{2});
  EXPECT_NE(world.running("ada"), id) << "that file did not come back: the agent has moved";
}

TEST(Found, KeepsWhatIsInForceWhenTheFileThatAnAgentLeftComesBackAsADuplicate) {
  World world;
  world.start();
  world.write("a.yaml", agent_file("ada"));
  world.write("b.yaml", agent_file("bot"));
  world.pass(minutes{2});
  world.write("m.yaml", agent_file("ada", "  memoryMB: 128\n"));
  world.inbox.clear();  // nobody announces it
  world.erase("a.yaml");
  world.pass(minutes{2});
  EXPECT_FALSE(world.state.contains("files/a.yaml")) << "its agent has moved";
  ASSERT_EQ(world.engine.running("ada").size(), 1U);
  const std::string id = world.engine.running("ada").front()->id;
  world.write("a.yaml", agent_file("bot"));
  world.pass(minutes{5});
  ASSERT_EQ(world.engine.running("ada").size(), 1U);
  EXPECT_EQ(world.engine.running("ada").front()->id, id);
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

TEST(Found, KnowsAfterARestartTooThatAFileWhichIsBackIsTheSame) {
  World world;
  world.start();
  for (const char* name : {"ada", "bot"}) world.write(std::string(name) + ".yaml", agent_file(name));
  world.pass(minutes{2});
  const std::string id = world.running("bot");
  world.crash();
  world.start();
  world.pass(minutes{1});
  world.erase("ada.yaml");
  world.erase("bot.yaml");
  world.pass(minutes{1});
  ASSERT_EQ(world.logged("DeletionsHeld"), 1U) << "the folder was emptied";
  // Back, but broken, and beside another that names its agent: neither changes what runs.
  world.write("bot.yaml", "");
  world.write("two.yaml", agent_file("bot", "  memoryMB: 128\n"));
  world.pass(minutes{5});
  EXPECT_EQ(world.running("bot"), id);
}

TEST(Found, KeepsAnAgentWhoseFileWasADuplicateThatBroke) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot"));
  world.settle();
  const std::string before = world.running("bot");
  world.write("moved.yaml", agent_file("bot"));
  world.settle();
  world.write("moved.yaml", "{ broken");
  world.settle();
  world.erase("bot.yaml");
  world.pass(minutes{1});
  EXPECT_EQ(world.running("bot"), before) << "it has moved into a file that broke";
  world.erase("moved.yaml");
  world.pass(minutes{1});
  EXPECT_TRUE(world.engine.of("bot").empty());
}

TEST(Found, KeepsAnAgentOfAFileThatOnlyANeighbourKeptFromBeingGood) {
  World world;
  world.start();
  world.write("two.yaml", agent_file("bot") + "---\n" + agent_file("other"));
  world.settle();
  const std::string before = world.running("bot");
  world.crash();
  world.state.clear();
  world.write("copy.yaml", agent_file("other"));
  world.start();
  world.settle();
  world.write("two.yaml", agent_file("other", "  nonsense: 1\n"));  // a half of it that cannot be used
  world.pass(minutes{1});
  EXPECT_EQ(world.running("bot"), before);
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
