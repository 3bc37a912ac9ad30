// What the simulator found and these tests keep: each is the least of a run that broke a promise.

#include "world.hpp"

namespace cofferdam::reconciler::testing {
namespace {

TEST(Found, LooksAtALookAlikeThatALaggingListCallsNotLive) {
  World world;
  world.start();
  world.write("bot.yaml", agent_file("bot", "  suspend: true\n"));
  world.settle();
  FakeContainer copy;
  copy.id = std::string(64, 'd');
  copy.made.name = "copy-of-bot";
  copy.made.config.labels = {{"cofferdam.managed-by", "cofferdam"},
                             {"cofferdam.instance", "default"},
                             {"cofferdam.role", "agent"},
                             {"cofferdam.agent", "bot"},
                             {"cofferdam.name", "cofferdam-default-bot-1"},
                             {"cofferdam.attempt", "1"}};
  world.engine.containers[copy.id] = copy;
  const int before = world.engine.count("container inspect");
  world.pass(minutes{2});
  EXPECT_EQ(world.engine.count("container inspect"), before + 1) << "once, and not at every list";
  EXPECT_EQ(world.machine->summary().suspect_containers, 1U);
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

}  // namespace
}  // namespace cofferdam::reconciler::testing
