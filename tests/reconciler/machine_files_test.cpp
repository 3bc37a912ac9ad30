// What the simulator found of files and these tests keep: each is the least of a run that broke a promise.

#include "world.hpp"

namespace cofferdam::reconciler::testing {
namespace {

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

TEST(Found, HoldsWhoIsHeldWhenItsFileIsWrittenAnewWithAnother) {
  World world;
  world.start();
  world.write("a.yaml", agent_file("ada"));
  world.write("b.yaml", agent_file("bot"));
  world.pass(minutes{2});
  world.directory_inode = 8;
  world.erase("a.yaml");
  world.pass(minutes{2});
  ASSERT_EQ(world.machine->held().size(), 1U);
  world.write("a.yaml", agent_file("cat"));
  world.inbox.clear();  // nobody announces it: it may be half of what it will be
  world.pass(minutes{5});
  EXPECT_EQ(world.engine.running("cat").size(), 1U);
  EXPECT_EQ(world.engine.running("ada").size(), 1U) << "nobody confirmed its removal";
}

}  // namespace
}  // namespace cofferdam::reconciler::testing
