#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "specs/folder.hpp"
#include "tests/specs/folder_support.hpp"

namespace cofferdam::specs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Two files naming one agent

TEST_F(FolderTest, SecondFileNamingAnAgentPutsBothInError) {
  files["a.yaml"] = agent("a");
  scan();
  files["copy.yaml"] = agent("a", "two");
  const FolderDelta delta = scan();
  EXPECT_TRUE(delta.never_good_appeared);
  EXPECT_THAT(delta.files_changed, ElementsAre("a.yaml", "copy.yaml"));
  EXPECT_EQ(state("a.yaml"), FileState::last_good);
  EXPECT_EQ(state("copy.yaml"), FileState::never_good);
  EXPECT_EQ(in_force("a"), "one");
  EXPECT_EQ(source("a").file, "a.yaml");
  EXPECT_TRUE(source("a").in_error);
  EXPECT_THAT(source("a").problems, SizeIs(2));
  EXPECT_EQ(
      first_problem("a.yaml"),
      "a.yaml:3:18: metadata.name: agent a is also named by copy.yaml, and none of them changes what runs; name each agent in "
      "one file only");
  EXPECT_THAT(first_problem("copy.yaml"), HasSubstr("copy.yaml:3:18: metadata.name: agent a is also named by a.yaml"));
}

TEST_F(FolderTest, EditOfEitherDuplicateChangesNothingThatRuns) {
  files["a.yaml"] = agent("a");
  scan();
  files["copy.yaml"] = agent("a", "two");
  scan();
  files["a.yaml"] = agent("a", "three");
  scan();
  EXPECT_EQ(in_force("a"), "one");
  EXPECT_EQ(source("a").newest->task_id, "three");
  files["copy.yaml"] = agent("a", "four");
  scan();
  EXPECT_EQ(in_force("a"), "one");
  EXPECT_EQ(*folder.good_bytes("a.yaml"), agent("a"));
}

TEST_F(FolderTest, NewestVersionIsInForceOnceTheDuplicateIsGone) {
  files["a.yaml"] = agent("a");
  scan();
  files["copy.yaml"] = agent("a", "two");
  files["a.yaml"] = agent("a", "three");
  scan();
  files.erase("copy.yaml");
  const FolderDelta delta = scan();
  EXPECT_EQ(in_force("a"), "three");
  EXPECT_THAT(delta.good_versions, ElementsAre("a.yaml"));
  EXPECT_EQ(state("a.yaml"), FileState::good);
}

TEST_F(FolderTest, AgentAddedToAnotherFileFirstAndRemovedThenHasMoved) {
  files["a.yaml"] = agent("a");
  scan();
  files["b.yaml"] = agent("a");
  scan();
  EXPECT_EQ(in_force("a"), "one");
  files.erase("a.yaml");
  const FolderDelta delta = scan();
  EXPECT_THAT(delta.agents_changed, ElementsAre("a"));
  EXPECT_THAT(delta.good_versions, ElementsAre("b.yaml"));
  EXPECT_EQ(source("a").file, "b.yaml");
  EXPECT_EQ(in_force("a"), "one");
}

TEST_F(FolderTest, FileThatIsWrittenAnewUnderItsNameLeavesItsDuplicateAloneNoTimeAtAll) {
  files["a.yaml"] = both(agent("a"), agent("b"));
  files["z.yaml"] = agent("z");
  scan();
  files["copy.yaml"] = agent("a", "two");
  scan();
  files.erase("a.yaml");
  missed_lately = {"a.yaml"};
  const FolderDelta gone = scan();
  EXPECT_THAT(gone.files_gone, ElementsAre("a.yaml"));
  EXPECT_FALSE(folder.files().contains("a.yaml"));
  EXPECT_EQ(in_force("a"), "one") << "an editor may be writing it anew";
  EXPECT_TRUE(source("a").named);
  EXPECT_FALSE(folder.agents().contains("b")) << "whom nobody else names is missing";
  EXPECT_THAT(scan().files_gone, IsEmpty()) << "nor by what another file's change shows a moment later";
  EXPECT_EQ(in_force("a"), "one");
  missed_lately.clear();
  files["a.yaml"] = both(agent("a", "three"), agent("b"));
  scan();
  EXPECT_EQ(in_force("a"), "one") << "they are duplicates, as before";
  EXPECT_EQ(in_force("b"), "one");
  files.erase("copy.yaml");
  scan();
  EXPECT_EQ(in_force("a"), "three");
}

TEST_F(FolderTest, AgentHasMovedWhenASecondLookMissesItsFileToo) {
  files["a.yaml"] = agent("a");
  scan();
  files["b.yaml"] = agent("a", "two");
  files.erase("a.yaml");
  missed_lately = {"a.yaml"};
  EXPECT_THAT(scan().good_versions, IsEmpty());
  EXPECT_EQ(state("b.yaml"), FileState::good) << "renamed, it is no duplicate";
  EXPECT_EQ(in_force("a"), "one");
  missed_lately.clear();
  const FolderDelta delta = scan();
  EXPECT_THAT(delta.good_versions, ElementsAre("b.yaml"));
  EXPECT_THAT(delta.files_gone, IsEmpty()) << "that was told";
  EXPECT_EQ(in_force("a"), "two");
  EXPECT_EQ(source("a").file, "b.yaml");
}

TEST_F(FolderTest, RestoredFileThatTheFirstLookMissesIsWaitedForToo) {
  folder.restore("a.yaml", agent("a"));
  files["b.yaml"] = agent("a", "two");
  missed_lately = {"a.yaml"};
  scan();
  EXPECT_EQ(in_force("a"), "one");
  missed_lately.clear();
  scan();
  EXPECT_EQ(in_force("a"), "two");
}

TEST_F(FolderTest, RestoredFileThatIsBeingWrittenNamesNobodyForSureYet) {
  folder.restore("a.yaml", agent("a"));
  files["a.yaml"] = agent("b");
  scan({"a.yaml"});
  EXPECT_TRUE(source("a").named);
  EXPECT_TRUE(source("a").unread);
  files["a.yaml"] = agent("a") + "# with a remark\n";
  scan();
  EXPECT_TRUE(source("a").named);
  EXPECT_FALSE(source("a").unread);
}

TEST_F(FolderTest, OlderVersionIsNotInForceWhileTheNewOneIsBeingWritten) {
  files["b.yaml"] = agent("a", "two");
  scan();
  folder.restore("a.yaml", agent("a"));
  files["a.yaml"] = agent("a", "three");
  scan();
  EXPECT_EQ(in_force("a"), "two");
  files.erase("b.yaml");
  missed_lately = {"b.yaml"};
  scan({"a.yaml"});
  EXPECT_EQ(in_force("a"), "two");
  missed_lately.clear();
  scan();
  EXPECT_EQ(in_force("a"), "three");
}

TEST_F(FolderTest, DuplicateThatBreaksStillNamesTheAgentWhenTheOtherFileGoes) {
  files["a.yaml"] = agent("a");
  scan();
  files["b.yaml"] = agent("a", "two");
  scan();
  files["b.yaml"] = garbage;
  scan();
  EXPECT_EQ(in_force("a"), "one");
  files.erase("a.yaml");
  scan();
  ASSERT_TRUE(folder.agents().contains("a")) << "it has moved, and nobody asked for its removal";
  EXPECT_EQ(source("a").spec, nullptr);
  files["b.yaml"] = agent("b");
  scan();
  EXPECT_FALSE(folder.agents().contains("a"));
}

TEST_F(FolderTest, DuplicateThatIsBeingWrittenComesIntoForceOnlyWhenItIsWhole) {
  files["a.yaml"] = agent("a");
  scan();
  files["b.yaml"] = agent("a", "two");
  scan();
  files.erase("a.yaml");
  scan({"b.yaml"});
  EXPECT_EQ(in_force("a"), "");
  EXPECT_TRUE(folder.agents().contains("a"));
  scan();
  EXPECT_EQ(in_force("a"), "two") << "it was only touched";
}

TEST_F(FolderTest, EditWaitsForAFileThatMayBeItsDuplicate) {
  files["b.yaml"] = agent("a");
  files["c.yaml"] = agent("c");
  scan();
  files["b.yaml"] = agent("a", "two");
  files["c.yaml"] = agent("c", "two");
  files["a.yaml"] = agent("a", "three");
  scan({"a.yaml"});
  EXPECT_EQ(in_force("a"), "one") << "a.yaml is not whole yet";
  EXPECT_EQ(in_force("c"), "two") << "of which it says nothing";
  scan();
  EXPECT_EQ(in_force("a"), "one") << "they are duplicates";
  files.erase("a.yaml");
  scan();
  EXPECT_EQ(in_force("a"), "two");
}

TEST_F(FolderTest, EditComesIntoForceWhenTheFileThatMightBeItsDuplicateIsNone) {
  files["b.yaml"] = agent("a");
  scan();
  files["b.yaml"] = agent("a", "two");
  files["a.yaml"] = agent("a", "three");
  scan({"a.yaml"});
  files["a.yaml"] = agent("x");
  const FolderDelta delta = scan();
  EXPECT_EQ(in_force("a"), "two");
  EXPECT_THAT(delta.good_versions, ElementsAre("a.yaml", "b.yaml"));
}

TEST_F(FolderTest, FileThatComesBackChangesNobodyWhoMovedMeanwhile) {
  files["b.yaml"] = agent("a", "two");
  scan();
  folder.restore("a.yaml", agent("a"));
  files["a.yaml"] = garbage;
  scan();
  EXPECT_EQ(source("a").file, "b.yaml");
  EXPECT_EQ(in_force("a"), "two");
}

TEST_F(FolderTest, TellsWhoIsInForceThoughTheNewestBytesDoNotNameIt) {
  files["a.yaml"] = both(agent("a"), agent("b"));
  scan();
  EXPECT_TRUE(source("b").named);
  files["copy.yaml"] = agent("a");
  files["a.yaml"] = agent("a");
  const FolderDelta delta = scan();
  EXPECT_EQ(in_force("b"), "one");
  EXPECT_FALSE(source("b").named);
  EXPECT_THAT(delta.agents_changed, ElementsAre("a", "b"));
  files["a.yaml"] = garbage;
  scan();
  EXPECT_FALSE(source("b").named);
  files["a.yaml"] = both(agent("a"), agent("b"));
  scan();
  EXPECT_TRUE(source("b").named);
}

TEST_F(FolderTest, AgentMovedBetweenTwoFilesInOneScanHasMoved) {
  files["a.yaml"] = both(agent("x"), agent("a"));
  files["b.yaml"] = agent("b");
  scan();
  files["a.yaml"] = agent("a");
  files["b.yaml"] = both(agent("b"), agent("x"));
  scan();
  EXPECT_EQ(state("a.yaml"), FileState::good);
  EXPECT_EQ(state("b.yaml"), FileState::good);
  EXPECT_EQ(source("x").file, "b.yaml");
}

TEST_F(FolderTest, DuplicatesWithoutHistoryStartNothing) {
  files["a.yaml"] = agent("a");
  files["b.yaml"] = agent("a", "two");
  scan();
  EXPECT_EQ(in_force("a"), "");
  EXPECT_EQ(source("a").spec, nullptr);
  EXPECT_NE(source("a").newest, nullptr);
  files.erase("b.yaml");
  scan();
  EXPECT_EQ(in_force("a"), "one");
}

TEST_F(FolderTest, DuplicateKeepsTheOtherAgentsOfItsFileToo) {
  files["a.yaml"] = agent("a");
  files["bc.yaml"] = both(agent("b"), agent("c"));
  scan();
  files["bc.yaml"] = both(agent("b", "two"), agent("a"));
  scan();
  EXPECT_EQ(in_force("b"), "one");
  EXPECT_EQ(in_force("c"), "one");
  EXPECT_EQ(in_force("a"), "one");
  EXPECT_EQ(source("a").file, "a.yaml");
  EXPECT_THAT(folder.files().at("a.yaml").problems, SizeIs(1));
}

TEST_F(FolderTest, FileInErrorStandsForItsVersionInForce) {
  files["a.yaml"] = agent("a");
  files["c.yaml"] = agent("c");
  scan();
  // a.yaml goes over to naming c, which is a duplicate; so it still stands for a, and b.yaml may not take it.
  files["a.yaml"] = agent("c", "two");
  files["b.yaml"] = agent("a", "three");
  scan();
  EXPECT_EQ(in_force("a"), "one");
  EXPECT_EQ(in_force("c"), "one");
  EXPECT_EQ(state("b.yaml"), FileState::never_good);
  files.erase("c.yaml");
  scan();
  EXPECT_EQ(in_force("c"), "two");
  EXPECT_EQ(in_force("a"), "three");
  EXPECT_EQ(state("b.yaml"), FileState::good);
}

TEST_F(FolderTest, BrokenFileNamingAnAgentMakesADuplicateToo) {
  files["a.yaml"] = agent("a");
  scan();
  files["b.yaml"] = broken("a");
  scan();
  EXPECT_EQ(state("a.yaml"), FileState::last_good);
  EXPECT_EQ(in_force("a"), "one");
  files.erase("a.yaml");
  scan();
  EXPECT_EQ(source("a").file, "b.yaml");
  EXPECT_EQ(source("a").spec, nullptr) << "named, and never good";
  EXPECT_THAT(folder.files().at("b.yaml").problems, SizeIs(1));
}

TEST_F(FolderTest, ThreeFilesNamingOneAgentAllNameTheOthers) {
  for (const char* file : {"a.yaml", "b.yaml", "c.yaml"}) files[file] = agent("x");
  scan();
  EXPECT_THAT(first_problem("b.yaml"), HasSubstr("also named by a.yaml, c.yaml"));
  files.erase("a.yaml");
  EXPECT_THAT(scan().files_changed, ElementsAre("a.yaml", "b.yaml", "c.yaml"));
  EXPECT_THAT(first_problem("b.yaml"), HasSubstr("also named by c.yaml"));
}

TEST_F(FolderTest, TwoDocumentsOfOneFileNamingOneAgentAreAnError) {
  files["a.yaml"] = both(agent("a"), agent("a", "two"));
  scan();
  EXPECT_EQ(state("a.yaml"), FileState::never_good);
  EXPECT_EQ(source("a").spec, nullptr);
}

}  // namespace
}  // namespace cofferdam::specs
