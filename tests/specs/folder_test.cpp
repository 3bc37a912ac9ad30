#include "specs/folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "specs/digest.hpp"
#include "tests/specs/folder_support.hpp"

namespace cofferdam::specs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(SpecFileName, EndsInYamlAndIsNoHiddenOrBackupFile) {
  for (const char* good : {"a.yaml", "a.yml", "a.b.yaml", "-.yml"}) EXPECT_TRUE(is_spec_file_name(good)) << good;
  for (const char* bad : {"", ".yaml", ".a.yaml", "a.yaml~", "a.yaml.swp", "a.json", "a", "a.YAML", ".yml", "#a.yaml#"}) {
    EXPECT_FALSE(is_spec_file_name(bad)) << bad;
  }
}

// Good files

TEST_F(FolderTest, FileThatIsGoodPutsItsAgentInForce) {
  files["a.yaml"] = agent("a");
  EXPECT_FALSE(folder.scanned());
  const FolderDelta delta = scan();
  EXPECT_TRUE(folder.scanned());
  EXPECT_THAT(delta.agents_changed, ElementsAre("a"));
  EXPECT_THAT(delta.files_changed, ElementsAre("a.yaml"));
  EXPECT_THAT(delta.good_versions, ElementsAre("a.yaml"));
  EXPECT_THAT(delta.files_gone, IsEmpty());
  EXPECT_FALSE(delta.never_good_appeared);
  EXPECT_EQ(state("a.yaml"), FileState::good);
  EXPECT_EQ(in_force("a"), "one");
  EXPECT_EQ(source("a").file, "a.yaml");
  EXPECT_EQ(source("a").newest, source("a").spec);
  EXPECT_FALSE(source("a").in_error);
  EXPECT_EQ(folder.files().at("a.yaml").sha256, sha256_hex(files["a.yaml"]));
  EXPECT_THAT(folder.files().at("a.yaml").names, ElementsAre("a"));
  ASSERT_NE(folder.good_bytes("a.yaml"), nullptr);
  EXPECT_EQ(*folder.good_bytes("a.yaml"), files["a.yaml"]);
  EXPECT_EQ(folder.good_bytes("b.yaml"), nullptr);
}

TEST_F(FolderTest, UnchangedFolderChangesNothing) {
  files["a.yaml"] = agent("a");
  files["b.yaml"] = broken("b");
  scan();
  const auto spec = source("a").spec;
  for (int i = 0; i < 3; ++i) {
    const FolderDelta delta = scan();
    EXPECT_THAT(delta.agents_changed, IsEmpty());
    EXPECT_THAT(delta.files_changed, IsEmpty());
    EXPECT_THAT(delta.good_versions, IsEmpty());
    EXPECT_FALSE(delta.never_good_appeared);
  }
  EXPECT_EQ(source("a").spec, spec);
}

TEST_F(FolderTest, SameBytesHandedOverAgainChangeNothing) {
  files["a.yaml"] = agent("a");
  scan();
  const auto spec = source("a").spec;
  handed_over.clear();
  EXPECT_THAT(scan().agents_changed, IsEmpty());
  EXPECT_EQ(source("a").spec, spec);
}

TEST_F(FolderTest, EditPutsTheNewVersionInForce) {
  files["a.yaml"] = agent("a");
  scan();
  files["a.yaml"] = agent("a", "two");
  const FolderDelta delta = scan();
  EXPECT_THAT(delta.agents_changed, ElementsAre("a"));
  EXPECT_THAT(delta.good_versions, ElementsAre("a.yaml"));
  EXPECT_THAT(delta.files_changed, IsEmpty()) << "it was good and is good";
  EXPECT_EQ(in_force("a"), "two");
}

TEST_F(FolderTest, EditOfOneAgentInAFileLeavesTheOtherAsItIs) {
  files["ab.yaml"] = both(agent("a"), agent("b"));
  scan();
  const auto spec = source("a").spec;
  files["ab.yaml"] = both(agent("a"), agent("b", "two"));
  EXPECT_THAT(scan().agents_changed, ElementsAre("b"));
  EXPECT_EQ(source("a").spec, spec);
  EXPECT_EQ(in_force("b"), "two");
}

TEST_F(FolderTest, FileThatGoesTakesItsAgents) {
  files["ab.yaml"] = both(agent("a"), agent("b"));
  files["c.yaml"] = agent("c");
  scan();
  files.erase("ab.yaml");
  const FolderDelta delta = scan();
  EXPECT_THAT(delta.agents_changed, ElementsAre("a", "b"));
  EXPECT_THAT(delta.files_gone, ElementsAre("ab.yaml"));
  EXPECT_THAT(delta.files_changed, ElementsAre("ab.yaml"));
  EXPECT_THAT(folder.agents(), SizeIs(1));
  EXPECT_THAT(folder.files(), SizeIs(1));
  EXPECT_EQ(folder.good_bytes("ab.yaml"), nullptr);
}

TEST_F(FolderTest, AgentTakenOutOfAFileIsGone) {
  files["ab.yaml"] = both(agent("a"), agent("b"));
  scan();
  files["ab.yaml"] = agent("a");
  EXPECT_THAT(scan().agents_changed, ::testing::Contains("b"));
  EXPECT_THAT(folder.agents(), SizeIs(1));
}

TEST_F(FolderTest, RenamedFileIsTheSameAgentFromAnotherFile) {
  files["a.yaml"] = agent("a");
  scan();
  files.erase("a.yaml");
  files["b.yaml"] = agent("a");
  const FolderDelta delta = scan();
  EXPECT_THAT(delta.agents_changed, ElementsAre("a"));
  EXPECT_THAT(delta.files_gone, ElementsAre("a.yaml"));
  EXPECT_EQ(source("a").file, "b.yaml");
  EXPECT_EQ(in_force("a"), "one");
}

TEST_F(FolderTest, IncompleteSnapshotChangesNothing) {
  files["a.yaml"] = agent("a");
  DirSnapshot failed;
  failed.error = "permission denied";
  folder.apply(failed, {});
  EXPECT_FALSE(folder.scanned());
  scan();
  const FolderDelta delta = folder.apply(failed, {});
  EXPECT_THAT(delta.files_gone, IsEmpty());
  EXPECT_THAT(delta.agents_changed, IsEmpty());
  EXPECT_EQ(in_force("a"), "one");
}

TEST_F(FolderTest, NamesNeedNotComeSorted) {
  DirSnapshot snapshot;
  snapshot.complete = true;
  for (const char* name : {"c", "a", "b"}) {
    DirEntry entry;
    entry.name = std::string(name) + ".yaml";
    entry.bytes = std::make_shared<const std::string>(agent(name));
    snapshot.entries.push_back(entry);
  }
  EXPECT_THAT(folder.apply(snapshot, {}).agents_changed, ElementsAre("a", "b", "c"));
  for (DirEntry& entry : snapshot.entries) entry.bytes = nullptr;
  snapshot.entries.push_back(snapshot.entries[0]);
  EXPECT_THAT(folder.apply(snapshot, {}).agents_changed, IsEmpty()) << "not even where one is listed twice";
  EXPECT_THAT(folder.agents(), SizeIs(3));
}

// Files in error

TEST_F(FolderTest, BrokenEditKeepsTheLastGoodVersion) {
  files["a.yaml"] = agent("a");
  scan();
  files["a.yaml"] = agent("a", "two") + "  nonsense: 1\n";
  const FolderDelta delta = scan();
  EXPECT_THAT(delta.agents_changed, ElementsAre("a"));
  EXPECT_THAT(delta.files_changed, ElementsAre("a.yaml"));
  EXPECT_THAT(delta.good_versions, IsEmpty());
  EXPECT_FALSE(delta.never_good_appeared);
  EXPECT_EQ(state("a.yaml"), FileState::last_good);
  EXPECT_EQ(in_force("a"), "one");
  EXPECT_TRUE(source("a").in_error);
  EXPECT_THAT(source("a").problems, SizeIs(1));
  EXPECT_EQ(*folder.good_bytes("a.yaml"), agent("a"));
  EXPECT_EQ(folder.files().at("a.yaml").sha256, sha256_hex(files["a.yaml"])) << "of the bytes last read";
}

TEST_F(FolderTest, MendedFileIsGoodAgain) {
  files["a.yaml"] = agent("a");
  scan();
  files["a.yaml"] = garbage;
  scan();
  files["a.yaml"] = agent("a", "two");
  const FolderDelta delta = scan();
  EXPECT_THAT(delta.good_versions, ElementsAre("a.yaml"));
  EXPECT_EQ(state("a.yaml"), FileState::good);
  EXPECT_EQ(in_force("a"), "two");
  EXPECT_FALSE(source("a").in_error);
  EXPECT_THAT(source("a").problems, IsEmpty());
}

TEST_F(FolderTest, EditThatIsTakenBackNeedsNoNewSave) {
  files["a.yaml"] = agent("a");
  scan();
  files["a.yaml"] = garbage;
  scan();
  files["a.yaml"] = agent("a");
  const FolderDelta delta = scan();
  EXPECT_THAT(delta.good_versions, IsEmpty());
  EXPECT_EQ(state("a.yaml"), FileState::good);
}

TEST_F(FolderTest, OneBadDocumentKeepsTheWholeFile) {
  files["ab.yaml"] = both(agent("a"), agent("b"));
  scan();
  files["ab.yaml"] = both(agent("a", "two"), broken("b"));
  scan();
  EXPECT_EQ(in_force("a"), "one");
  EXPECT_EQ(in_force("b"), "one");
  EXPECT_TRUE(source("a").in_error);
}

TEST_F(FolderTest, FileThatWasNeverGoodStartsNothing) {
  files["a.yaml"] = broken("a");
  const FolderDelta delta = scan();
  EXPECT_TRUE(delta.never_good_appeared);
  EXPECT_THAT(delta.agents_changed, ElementsAre("a"));
  EXPECT_EQ(state("a.yaml"), FileState::never_good);
  EXPECT_EQ(source("a").spec, nullptr);
  EXPECT_EQ(source("a").newest, nullptr);
  EXPECT_TRUE(source("a").in_error);
  EXPECT_THAT(source("a").problems, SizeIs(1));
  EXPECT_EQ(folder.good_bytes("a.yaml"), nullptr);
  EXPECT_FALSE(scan().never_good_appeared) << "it appears once";
  files["a.yaml"] = garbage;
  EXPECT_FALSE(scan().never_good_appeared);
  EXPECT_TRUE(folder.agents().contains("a")) << "its name cannot be read any more, and it may be there still";
  files["a.yaml"] = agent("b");
  scan();
  EXPECT_FALSE(folder.agents().contains("a"));
}

TEST_F(FolderTest, EmptyFileNeverMeansThatItsAgentsAreGone) {
  for (const std::string& nothing : {std::string(), std::string("\n"), std::string("# only a comment\n"), std::string("---\n")}) {
    folder = Folder();
    handed_over.clear();
    files["a.yaml"] = agent("a");
    scan();
    files["a.yaml"] = nothing;
    handed_over["a.yaml"] = "-";
    scan();
    EXPECT_EQ(state("a.yaml"), FileState::last_good);
    EXPECT_EQ(in_force("a"), "one");
  }
}

TEST_F(FolderTest, BrokenEditThatNamesAnotherAgentStartsNoOther) {
  files["a.yaml"] = agent("a");
  scan();
  files["a.yaml"] = broken("b");
  scan();
  EXPECT_EQ(in_force("a"), "one");
  EXPECT_EQ(source("b").spec, nullptr);
}

// Restored

TEST_F(FolderTest, LastGoodVersionSurvivesARestart) {
  folder.restore("a.yaml", agent("a"));
  EXPECT_THAT(folder.agents(), IsEmpty()) << "before the first scan";
  files["a.yaml"] = broken("a");
  const FolderDelta delta = scan();
  EXPECT_EQ(state("a.yaml"), FileState::last_good);
  EXPECT_EQ(in_force("a"), "one");
  EXPECT_FALSE(delta.never_good_appeared);
  EXPECT_THAT(delta.agents_changed, ElementsAre("a"));
  EXPECT_EQ(*folder.good_bytes("a.yaml"), agent("a"));
}

TEST_F(FolderTest, RestoredVersionThatIsStillThereIsNotSavedAgain) {
  folder.restore("a.yaml", agent("a"));
  files["a.yaml"] = agent("a");
  const FolderDelta delta = scan();
  EXPECT_THAT(delta.good_versions, IsEmpty());
  EXPECT_THAT(delta.agents_changed, ElementsAre("a"));
  EXPECT_EQ(in_force("a"), "one");
}

TEST_F(FolderTest, RestoredFileThatWasEditedMeanwhileIsSaved) {
  folder.restore("a.yaml", agent("a"));
  files["a.yaml"] = agent("a", "two");
  EXPECT_THAT(scan().good_versions, ElementsAre("a.yaml"));
  EXPECT_EQ(in_force("a"), "two");
}

TEST_F(FolderTest, RestoredFileThatIsGoneIsToldOnce) {
  folder.restore("a.yaml", agent("a"));
  EXPECT_THAT(scan().files_gone, ElementsAre("a.yaml"));
  EXPECT_THAT(folder.agents(), IsEmpty());
  EXPECT_THAT(scan().files_gone, IsEmpty());
}

TEST_F(FolderTest, RestoredBytesThatNoLongerParseAreNothing) {
  folder.restore("a.yaml", garbage);
  EXPECT_EQ(folder.good_bytes("a.yaml"), nullptr);
  files["a.yaml"] = garbage;
  scan();
  EXPECT_EQ(state("a.yaml"), FileState::never_good);
}

TEST_F(FolderTest, RestoredFileThatCannotBeReadIsItsLastGoodVersion) {
  folder.restore("a.yaml", agent("a"));
  files["a.yaml"] = "";
  special["a.yaml"].error = EACCES;
  scan();
  EXPECT_EQ(state("a.yaml"), FileState::last_good);
  EXPECT_EQ(in_force("a"), "one");
}

}  // namespace
}  // namespace cofferdam::specs
