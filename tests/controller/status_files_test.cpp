#include "controller/status_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "controller/status_json.hpp"

namespace cofferdam::controller {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class StatusFilesTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "cofferdam-status-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }

  static std::string read(const fs::path& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static ino_t inode(const fs::path& path) {
    struct stat facts{};
    EXPECT_EQ(::stat(path.c_str(), &facts), 0) << path;
    return facts.st_ino;
  }
  static mode_t mode(const fs::path& path) {
    struct stat facts{};
    EXPECT_EQ(::stat(path.c_str(), &facts), 0) << path;
    return facts.st_mode & 07777U;
  }
  static reconciler::AgentStatus status_of(const std::string& agent) {
    reconciler::AgentStatus status;
    status.agent = agent;
    status.phase = reconciler::Phase::running;
    return status;
  }

  fs::path root_;
};

TEST_F(StatusFilesTest, MakesItsDirectoryForOwnerAndGroupOnly) {
  StatusFiles files((root_ / "run").string());
  EXPECT_EQ(files.prepare(), "");
  EXPECT_EQ(mode(root_ / "run/status") & 0007U, 0U);
  EXPECT_EQ(mode(root_ / "run/status") & 0700U, 0700U);
  EXPECT_EQ(files.prepare(), "") << "again, beside one that is there";
}

TEST_F(StatusFilesTest, WritesWhatTheApiTells) {
  StatusFiles files(root_.string());
  ASSERT_EQ(files.prepare(), "");
  ASSERT_EQ(files.write_agent(status_of("a")), "");
  EXPECT_EQ(read(root_ / "status/a.json"), agent_json(status_of("a")));
  EXPECT_EQ(mode(root_ / "status/a.json") & 0007U, 0U);
  specs::FileView view;
  view.name = "a.yaml";
  ASSERT_EQ(files.write_files({{"a.yaml", view}}), "");
  EXPECT_THAT(read(root_ / "status/_files.json"), HasSubstr("\"name\": \"a.yaml\""));
  ASSERT_EQ(files.write_controller({}, {}), "");
  for (const char* key : {"bootId", "startedAt", "heartbeatAt", "engineUp", "lastScanAt", "lastListAt"}) {
    EXPECT_THAT(read(root_ / "status/_controller.json"), HasSubstr("\"" + std::string(key) + "\""));
  }
}

TEST_F(StatusFilesTest, ReplacesRatherThanRewrites) {
  StatusFiles files(root_.string());
  ASSERT_EQ(files.prepare(), "");
  auto status = status_of("a");
  ASSERT_EQ(files.write_agent(status), "");
  std::ifstream reader(root_ / "status/a.json");
  status.phase = reconciler::Phase::failed;
  ASSERT_EQ(files.write_agent(status), "");
  const std::string old_content(std::istreambuf_iterator<char>(reader), {});
  EXPECT_THAT(old_content, HasSubstr("\"Running\"")) << "who has it open reads the old one to its end";
  EXPECT_THAT(read(root_ / "status/a.json"), HasSubstr("\"Failed\""));
}

TEST_F(StatusFilesTest, WritesNothingWhereNothingChanged) {
  StatusFiles files(root_.string());
  ASSERT_EQ(files.prepare(), "");
  ASSERT_EQ(files.write_agent(status_of("a")), "");
  const ino_t before = inode(root_ / "status/a.json");
  ASSERT_EQ(files.write_agent(status_of("a")), "");
  EXPECT_EQ(inode(root_ / "status/a.json"), before);
}

TEST_F(StatusFilesTest, DropsAnAgentAndMindsNotIfItIsGone) {
  StatusFiles files(root_.string());
  ASSERT_EQ(files.prepare(), "");
  ASSERT_EQ(files.write_agent(status_of("a")), "");
  EXPECT_EQ(files.drop_agent("a"), "");
  EXPECT_FALSE(fs::exists(root_ / "status/a.json"));
  EXPECT_EQ(files.drop_agent("a"), "");
  ASSERT_EQ(files.write_agent(status_of("a")), "");
  EXPECT_TRUE(fs::exists(root_ / "status/a.json")) << "the same content again, after it was dropped";
}

TEST_F(StatusFilesTest, TakesNoNameThatLeavesTheDirectory) {
  StatusFiles files(root_.string());
  ASSERT_EQ(files.prepare(), "");
  for (const char* name : {"../a", "/etc/a", "", ".a", "_controller"}) {
    EXPECT_NE(files.write_agent(status_of(name)), "") << name;
    EXPECT_NE(files.drop_agent(name), "") << name;
  }
}

TEST_F(StatusFilesTest, DoesNotWriteThroughALinkThatStandsInItsWay) {
  StatusFiles files(root_.string());
  ASSERT_EQ(files.prepare(), "");
  fs::create_symlink(root_ / "victim", root_ / "status/.a.json.new");
  EXPECT_EQ(files.write_agent(status_of("a")), "");
  EXPECT_FALSE(fs::exists(root_ / "victim"));
}

TEST_F(StatusFilesTest, SweepsOldFilesOfAgentsThatNobodyKnows) {
  using namespace std::chrono_literals;
  StatusFiles files(root_.string());
  ASSERT_EQ(files.prepare(), "");
  ASSERT_EQ(files.write_agent(status_of("known")), "");
  ASSERT_EQ(files.write_agent(status_of("gone")), "");
  ASSERT_EQ(files.write_controller({}, {}), "");
  const auto now = std::chrono::system_clock::now();
  EXPECT_EQ(files.sweep({"known"}, now, 1h), "");
  EXPECT_TRUE(fs::exists(root_ / "status/gone.json")) << "its hour is not over";
  EXPECT_EQ(files.sweep({"known"}, now + 2h, 1h), "");
  EXPECT_FALSE(fs::exists(root_ / "status/gone.json"));
  EXPECT_TRUE(fs::exists(root_ / "status/known.json"));
  EXPECT_TRUE(fs::exists(root_ / "status/_controller.json"));
}

TEST_F(StatusFilesTest, SaysWhatIsWrongWhereItCannotWrite) {
  StatusFiles files((root_ / "missing/run").string());
  EXPECT_THAT(files.prepare(), HasSubstr("No such file or directory"));
  EXPECT_THAT(files.write_agent(status_of("a")), HasSubstr("status file: cannot write"));
}

}  // namespace
}  // namespace cofferdam::controller
