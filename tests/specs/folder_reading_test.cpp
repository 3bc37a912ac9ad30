#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <ostream>
#include <string>

#include "specs/folder.hpp"
#include "tests/specs/folder_support.hpp"

namespace cofferdam::specs {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// Files that are still being written

TEST_F(FolderTest, UnsettledNewFileIsNotKnownYet) {
  files["a.yaml"] = agent("a");
  EXPECT_THAT(scan({"a.yaml"}).files_changed, IsEmpty());
  EXPECT_THAT(folder.files(), IsEmpty());
  EXPECT_THAT(scan().agents_changed, ElementsAre("a")) << "from the bytes handed over before";
  EXPECT_EQ(in_force("a"), "one");
}

TEST_F(FolderTest, UnsettledEditWaits) {
  files["a.yaml"] = agent("a");
  scan();
  files["a.yaml"] = garbage;
  EXPECT_THAT(scan({"a.yaml"}).files_changed, IsEmpty());
  EXPECT_EQ(state("a.yaml"), FileState::good);
  files["a.yaml"] = agent("a", "two");
  scan({"a.yaml"});
  EXPECT_EQ(in_force("a"), "one");
  scan({"a.yaml"});
  EXPECT_EQ(in_force("a"), "one");
  EXPECT_THAT(scan().agents_changed, ElementsAre("a"));
  EXPECT_EQ(in_force("a"), "two");
}

TEST_F(FolderTest, UnsettledFileThatGoesIsGone) {
  files["a.yaml"] = agent("a");
  scan();
  files["a.yaml"] = agent("a", "two");
  scan({"a.yaml"});
  files.erase("a.yaml");
  EXPECT_THAT(scan({"a.yaml"}).files_gone, ElementsAre("a.yaml"));
  files["a.yaml"] = agent("a", "three");
  scan();
  EXPECT_EQ(in_force("a"), "three");
}

TEST_F(FolderTest, RestoredFileThatIsBeingWrittenAtTheFirstScanIsAsItWas) {
  folder.restore("a.yaml", agent("a"));
  files["a.yaml"] = agent("a", "two");
  const FolderDelta delta = scan({"a.yaml"});
  EXPECT_THAT(delta.agents_changed, ElementsAre("a"));
  EXPECT_THAT(delta.files_gone, IsEmpty());
  EXPECT_EQ(in_force("a"), "one");
  scan();
  EXPECT_EQ(in_force("a"), "two");
}

TEST_F(FolderTest, WhatWasSeenIsNewerThanWhatIsRestored) {
  files["a.yaml"] = agent("a", "two");
  files["b.yaml"] = agent("a", "three");  // names the same agent: each knows of the other
  scan();
  folder.restore("a.yaml", agent("a", "one"));
  files["b.yaml"] = agent("b");
  scan();
  EXPECT_EQ(in_force("a"), "two");
  EXPECT_EQ(state("a.yaml"), FileState::good);
}

// What cannot be read

struct EntryCase {
  const char* what;
  FileType type;
  int error;
  const char* words;
  const char* mend;
};
void PrintTo(const EntryCase& c, std::ostream* out) {
  *out << c.what;
}
class FolderEntryTest : public FolderTest, public ::testing::WithParamInterface<EntryCase> {};

TEST_P(FolderEntryTest, IsAnErrorOfThatFileWithItsMend) {
  files["a.yaml"] = agent("a");
  files["b.yaml"] = agent("b");
  scan();
  DirEntry& entry = special["a.yaml"];
  entry.type = GetParam().type;
  entry.error = GetParam().error;
  entry.owner = "alice:staff";
  entry.mode = 0600;
  EXPECT_THAT(scan().files_changed, ElementsAre("a.yaml"));
  EXPECT_THAT(scan().files_changed, IsEmpty()) << "told once";
  EXPECT_EQ(state("a.yaml"), FileState::last_good);
  EXPECT_EQ(in_force("a"), "one");
  EXPECT_EQ(in_force("b"), "one");
  EXPECT_FALSE(source("b").in_error);
  ASSERT_THAT(folder.files().at("a.yaml").problems, SizeIs(1));
  EXPECT_THAT(folder.files().at("a.yaml").problems[0].what, HasSubstr(GetParam().words));
  EXPECT_THAT(folder.files().at("a.yaml").problems[0].mend, HasSubstr(GetParam().mend));
  EXPECT_EQ(folder.files().at("a.yaml").problems[0].place, (Place{"a.yaml", 0, 0}));

  special.clear();
  EXPECT_THAT(scan().files_changed, ElementsAre("a.yaml"));
  EXPECT_EQ(state("a.yaml"), FileState::good) << "readable again, with the same bytes";
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, FolderEntryTest,
    ::testing::Values(
        EntryCase{"a directory", FileType::directory, 0, "is a directory", "move the spec files"},
        EntryCase{"a FIFO", FileType::fifo, 0, "is a FIFO, which is never opened", "put a regular file"},
        EntryCase{"a socket", FileType::socket, 0, "is a socket", "put a regular file"},
        EntryCase{"a device", FileType::device, 0, "is a device", "put a regular file"},
        EntryCase{"a dangling link", FileType::symlink_dangling, ENOENT, "symbolic link to nothing", "remove the link"},
        EntryCase{"a link elsewhere", FileType::symlink_elsewhere, 0, "leads out of the spec directory", "copy the file"},
        EntryCase{"something else", FileType::unknown, 0, "is of a kind that is not known", "put a regular file"},
        EntryCase{"no permission", FileType::regular, EACCES, "cannot be read: Permission denied (owner alice:staff, mode 0600)",
                  "chmod 0644 a.yaml"},
        EntryCase{"not permitted", FileType::regular, EPERM, "(owner alice:staff, mode 0600)", "chmod 0640"},
        EntryCase{"a bad disk", FileType::regular, EIO, "cannot be read: Input/output error", "look at the disk"},
        EntryCase{"gone in between", FileType::regular, ENOENT, "was gone", "renamed or removed"},
        EntryCase{"a loop of links", FileType::regular, ELOOP, "cannot be read", "replace the symbolic link"},
        EntryCase{"no descriptors", FileType::regular, EMFILE, "Too many open files", "ran out"},
        EntryCase{"no memory", FileType::regular, ENOMEM, "Cannot allocate memory", "ran out"},
        EntryCase{"another error", FileType::regular, ESTALE, "Stale file handle (owner alice:staff", "read again"}));

TEST_F(FolderTest, OwnerWithoutANameIsToldInNumbers) {
  files["a.yaml"] = "";
  DirEntry& entry = special["a.yaml"];
  entry.error = EACCES;
  entry.uid = 1000;
  entry.gid = 100;
  scan();
  EXPECT_EQ(state("a.yaml"), FileState::never_good);
  EXPECT_THAT(first_problem("a.yaml"), HasSubstr("owner 1000:100, mode 0000"));
}

TEST_F(FolderTest, ANameThatIsNotUtf8IsAnErrorOfThatFileAlone) {
  files["a.yaml"] = agent("a");
  files["\xff.yaml"] = agent("b");
  files["gr\xc3\xb6\xc3\x9f.yaml"] = agent("c");
  scan();
  EXPECT_EQ(in_force("a"), "one");
  EXPECT_EQ(in_force("c"), "one");
  EXPECT_EQ(state("\xff.yaml"), FileState::never_good) << "its container's labels could not tell where it comes from";
  EXPECT_THAT(first_problem("\xff.yaml"), HasSubstr("has a name that is not UTF-8"));
}

TEST_F(FolderTest, FileOverTheBoundIsAnErrorOfThatFileAlone) {
  folder = Folder({.max_file_bytes = 200, .max_agents = 10});
  files["a.yaml"] = agent("a");
  scan();
  ASSERT_EQ(in_force("a"), "one");
  files["a.yaml"] += std::string(201 - files["a.yaml"].size(), '#');
  scan();
  EXPECT_EQ(state("a.yaml"), FileState::last_good);
  EXPECT_THAT(first_problem("a.yaml"), HasSubstr("has 201 bytes, more than the bound of 200"));
  files["a.yaml"].pop_back();
  scan();
  EXPECT_EQ(state("a.yaml"), FileState::good) << "exactly the bound";
}

TEST_F(FolderTest, FileOverTheBoundWithoutBytesIsToldBySize) {
  files["a.yaml"] = "";
  DirSnapshot snapshot;
  snapshot.complete = true;
  snapshot.entries.resize(1);
  snapshot.entries[0].name = "a.yaml";
  snapshot.entries[0].size = (1 << 20) + 1;
  folder.apply(snapshot, {});
  EXPECT_THAT(first_problem("a.yaml"), HasSubstr("has 1048577 bytes"));
}

TEST_F(FolderTest, RegularFileThatNobodyReadIsSaidToBeSo) {
  DirSnapshot snapshot;
  snapshot.complete = true;
  snapshot.entries.resize(1);
  snapshot.entries[0].name = "a.yaml";
  folder.apply(snapshot, {});
  EXPECT_THAT(first_problem("a.yaml"), HasSubstr("has not been read yet"));
  EXPECT_EQ(state("a.yaml"), FileState::never_good);
}

// Bounds on agents

TEST_F(FolderTest, FileThatMakesTooManyAgentsIsInErrorAlone) {
  folder = Folder({.max_file_bytes = 1 << 20, .max_agents = 3});
  files["ab.yaml"] = both(agent("a"), agent("b"));
  scan();
  files["cd.yaml"] = both(agent("c"), agent("d"));
  files["e.yaml"] = agent("e");
  scan();
  EXPECT_EQ(state("ab.yaml"), FileState::good);
  EXPECT_EQ(state("cd.yaml"), FileState::never_good);
  EXPECT_THAT(first_problem("cd.yaml"), HasSubstr("names 2 agents, with which the folder would have too many"));
  EXPECT_EQ(state("e.yaml"), FileState::good);
  EXPECT_EQ(in_force("c"), "");
}

TEST_F(FolderTest, FileOverTheBoundComesInWhenThereIsRoom) {
  folder = Folder({.max_file_bytes = 1 << 20, .max_agents = 2});
  files["ab.yaml"] = both(agent("a"), agent("b"));
  scan();
  files["c.yaml"] = agent("c");
  scan();
  ASSERT_EQ(state("c.yaml"), FileState::never_good);
  files["ab.yaml"] = agent("a");
  const FolderDelta delta = scan();
  EXPECT_EQ(state("c.yaml"), FileState::good);
  EXPECT_EQ(in_force("c"), "one");
  EXPECT_THAT(delta.good_versions, ElementsAre("ab.yaml", "c.yaml"));
}

TEST_F(FolderTest, FileThatGrowsOverTheBoundKeepsItsLastGoodVersion) {
  folder = Folder({.max_file_bytes = 1 << 20, .max_agents = 1});
  files["a.yaml"] = agent("a");
  scan();
  files["a.yaml"] = both(agent("a", "two"), agent("b"));
  scan();
  EXPECT_EQ(state("a.yaml"), FileState::last_good);
  EXPECT_EQ(in_force("a"), "one");
  files["a.yaml"] = agent("a", "three");
  scan();
  EXPECT_EQ(in_force("a"), "three");
}

TEST_F(FolderTest, RoomOfAFileThatGoesIsFree) {
  folder = Folder({.max_file_bytes = 1 << 20, .max_agents = 1});
  files["a.yaml"] = agent("a");
  scan();
  files.erase("a.yaml");
  files["b.yaml"] = agent("b");
  scan();
  EXPECT_EQ(state("b.yaml"), FileState::good);
}

TEST_F(FolderTest, ManyFilesUnchangedCostAlmostNothing) {
  constexpr int many = 2000;
  for (int i = 0; i < many; ++i) files["agent-" + std::to_string(i) + ".yaml"] = agent("agent-" + std::to_string(i));
  EXPECT_THAT(scan().agents_changed, SizeIs(many));
  const auto spec = source("agent-7").spec;
  EXPECT_THAT(scan().agents_changed, IsEmpty());
  files["agent-7.yaml"] = agent("agent-7", "two");
  EXPECT_THAT(scan().agents_changed, ElementsAre("agent-7"));
  EXPECT_NE(source("agent-7").spec, spec);
  files["dup.yaml"] = agent("agent-9");
  EXPECT_THAT(scan().agents_changed, ElementsAre("agent-9"));
}

}  // namespace
}  // namespace cofferdam::specs
