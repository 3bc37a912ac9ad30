#include "controller/workspace_check.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>

#include "tests/controller/temp_directory.hpp"

namespace cofferdam::controller {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::TempDirectory;
using testing::write_file;
using Kind = specs::WorkspaceFacts::Kind;

TEST(WorkspaceCheck, TellsADirectorysFacts) {
  TempDirectory temp;
  fs::create_directory(temp.at("ws"));
  ASSERT_EQ(chmod(temp.at("ws").c_str(), 0750), 0);
  const auto facts = check_workspace(temp.at("ws"));
  struct stat info{};
  ASSERT_EQ(stat(temp.at("ws").c_str(), &info), 0);
  EXPECT_EQ(facts.kind, Kind::directory);
  EXPECT_EQ(facts.device, info.st_dev);
  EXPECT_EQ(facts.inode, info.st_ino);
  EXPECT_EQ(facts.uid, geteuid());
  EXPECT_EQ(facts.mode, 0750U);
  EXPECT_GE(facts.free_mb, 0);
}

TEST(WorkspaceCheck, ReadsTheMountsFlags) {
  TempDirectory temp;
  fs::create_directory(temp.at("ws"));
  EXPECT_FALSE(check_workspace(temp.at("ws")).nodev);
  // A mount of our own, in a namespace that ends with the child.
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (unshare(geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER) != 0) _exit(3);
    if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) _exit(4);
    if (mount("tmpfs", temp.at("ws").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "size=4m") != 0) _exit(5);
    const auto facts = check_workspace(temp.at("ws"));
    _exit(facts.kind == Kind::directory && facts.nosuid && facts.nodev && facts.free_mb == 4 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(WorkspaceCheck, NamesTheComponentThatIsMissing) {
  TempDirectory temp;
  const auto facts = check_workspace(temp.at("not/there"));
  EXPECT_EQ(facts.kind, Kind::missing);
  EXPECT_THAT(facts.detail, HasSubstr(temp.at("not") + ": No such file"));
}

TEST(WorkspaceCheck, FollowsNoLinkInAnyComponent) {
  TempDirectory temp;
  fs::create_directories(temp.at("real/inside"));
  fs::create_symlink("real", temp.at("link"));
  auto facts = check_workspace(temp.at("link/inside"));
  EXPECT_EQ(facts.kind, Kind::symlink_in_path);
  EXPECT_EQ(facts.detail, temp.at("link"));
  facts = check_workspace(temp.at("link"));
  EXPECT_EQ(facts.kind, Kind::symlink_in_path) << "the last one neither";
  fs::create_symlink("nowhere", temp.at("dangling"));
  EXPECT_EQ(check_workspace(temp.at("dangling")).kind, Kind::symlink_in_path);
}

TEST(WorkspaceCheck, TellsAFileFromADirectory) {
  TempDirectory temp;
  write_file(temp.at("file"), "x");
  ASSERT_EQ(mkfifo(temp.at("fifo").c_str(), 0600), 0);
  EXPECT_EQ(check_workspace(temp.at("file")).kind, Kind::not_a_directory);
  EXPECT_EQ(check_workspace(temp.at("file/below")).kind, Kind::not_a_directory);
  EXPECT_EQ(check_workspace(temp.at("fifo")).kind, Kind::not_a_directory);
}

}  // namespace
}  // namespace cofferdam::controller
