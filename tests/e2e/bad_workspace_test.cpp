// Specs that are well formed and cannot run: each is told in words that name the mend, and disturbs no other agent.

#include <gmock/gmock.h>
#include <unistd.h>

#include "tests/e2e/world.hpp"

namespace cofferdam::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;

class BadSpec : public World {
 protected:
  void SetUp() override {
    start();
    drop({.name = "healthy"});
    ASSERT_TRUE(reaches("healthy", "Running"));
    healthy_ = only_live("healthy")["Id"];
  }
  void TearDown() override {
    if (!HasFatalFailure()) {
      EXPECT_EQ(only_live("healthy")["Id"], healthy_) << "a healthy agent was disturbed";
    }
    World::TearDown();
  }
  /// The agent is refused by policy, says why, and has no container.
  void refused(const Agent& agent, const std::string& word) {
    drop(agent);
    ASSERT_TRUE(reaches(agent.name, "Denied"));
    EXPECT_THAT(message(agent.name), HasSubstr(word));
    EXPECT_TRUE(containers(agent.name).empty());
  }
  std::string healthy_;
};

TEST_F(BadSpec, WorkspaceMissing) {
  const std::string path = workspaces() / "nowhere";
  refused({.name = "bad", .workspace = path}, path);
  make_workspace("nowhere");
  drop({.name = "bad", .more = {"env: {LOG_LEVEL: info}"}, .workspace = path});
  EXPECT_TRUE(reaches("bad", "Running")) << "once mended, it runs";
}

TEST_F(BadSpec, WorkspaceIsAFile) {
  write_file(workspaces() / "file", "");
  refused({.name = "bad", .workspace = workspaces() / "file"}, "directory");
}

TEST_F(BadSpec, WorkspaceIsALink) {
  fs::create_directory_symlink(make_workspace("target"), workspaces() / "link");
  refused({.name = "bad", .workspace = workspaces() / "link"}, "link");
}

TEST_F(BadSpec, WorkspaceBelowALink) {
  make_workspace("target/inner");
  fs::create_directory_symlink(workspaces() / "target", workspaces() / "link");
  refused({.name = "bad", .workspace = workspaces() / "link" / "inner"}, "link");
}

TEST_F(BadSpec, WorkspaceOutsideTheRoots) {
  fs::create_directory(root() / "outside");
  refused({.name = "bad", .workspace = root() / "outside"}, workspaces());
}

TEST_F(BadSpec, WorkspaceThatClimbsOutOfTheRoots) {
  drop({.name = "bad", .workspace = workspaces() / ".." / "outside"});
  EXPECT_TRUE(eventually([&] { return phase("bad") == "Denied" || phase("bad") == "Invalid"; })) << status("bad").dump(1);
  EXPECT_TRUE(containers("bad").empty());
}

TEST_F(BadSpec, WorkspaceNestedInAnothers) {
  const auto inner = make_workspace("healthy/inner");
  refused({.name = "nested", .workspace = inner}, "healthy");
}

TEST_F(BadSpec, WorkspaceNotWritableForTheAgent) {
  const auto path = make_workspace("owned");
  ASSERT_EQ(::chown(path.c_str(), 0, 0), 0);
  refused({.name = "bad", .workspace = path}, "chown");
}

TEST_F(BadSpec, ImageAbsentUnderPolicyNever) {
  drop({.name = "bad", .more = {"image: nobody/nothing:1", "imagePullPolicy: Never"}});
  EXPECT_TRUE(reaches("bad", "Stuck/ImageNotPresent"));
  EXPECT_THAT(message("bad"), HasSubstr("nobody/nothing:1"));
}

TEST_F(BadSpec, ImageAbsentUnderPolicyIfNotPresent) {
  drop({.name = "bad", .more = {"image: registry.invalid/nothing:1"}});
  EXPECT_TRUE(reaches("bad", "BackOff/ImagePull"));
  EXPECT_THAT(message("bad"), HasSubstr("registry.invalid"));
  EXPECT_TRUE(status("bad")["nextRetryAt"].is_string());
}

TEST_F(BadSpec, ImageThatCannotBePulledUnderPolicyAlways) {
  drop({.name = "bad", .more = {"image: registry.invalid/nothing:1", "imagePullPolicy: Always"}});
  EXPECT_TRUE(reaches("bad", "BackOff/ImagePull"));
}

TEST_F(BadSpec, UserAbsentFromTheImage) {
  drop({.name = "bad", .more = {"image: traps:nouser"}});
  ASSERT_TRUE(eventually([&] { return message("bad").find("1000:1000") != std::string::npos; })) << status("bad").dump(1);
  EXPECT_THAT(message("bad"), HasSubstr("node"));
  EXPECT_TRUE(live("bad").empty());
}

TEST_F(BadSpec, CommandAbsentFromTheImage) {
  make_workspace("bad");
  std::string text = text_of({.name = "bad", .more = {"restartPolicy: Never"}});
  const auto at = text.find("command: ");
  text.replace(at, text.find('\n', at) - at, "command: [no-such-program]");
  drop_text("bad.yaml", text);
  ASSERT_TRUE(reaches("bad", "Failed"));
  EXPECT_EQ(status("bad")["exitCode"], 127);
}

TEST_F(BadSpec, NetworkAbsent) {
  drop({.name = "denied", .more = {"networkMode: elsewhere"}});
  EXPECT_TRUE(reaches("denied", "Denied")) << "not in policy.allowedNetworks";
  terminate();
  settings["policy.allowedNetworks"] = "[none, bridge, elsewhere]";
  start();
  drop({.name = "bad", .more = {"networkMode: elsewhere"}});
  ASSERT_TRUE(eventually([&] { return message("bad").find("elsewhere") != std::string::npos; })) << status("bad").dump(1);
  EXPECT_THAT(phase("bad"), AnyOf("Stuck", "BackOff", "Denied"));
  EXPECT_TRUE(live("bad").empty());
}

TEST_F(BadSpec, OddThingsInTheFolderAreNamedAndNeverOpened) {
  ASSERT_EQ(::symlink("/nowhere", (specs() / "dangling.yaml").c_str()), 0);
  fs::create_directory(specs() / "directory.yaml");
  const std::string fifo = specs() / "fifo.yaml";
  ASSERT_EQ(std::system(("mkfifo " + fifo).c_str()), 0);
  write_file(specs() / "empty.yaml", "");
  drop_text("binary.yaml", std::string("apiVersion: cofferdam/v1\0", 25));
  drop_text("utf16.yaml", std::string("\xff\xfe"
                                      "a\0:\0",
                                      6));
  drop_text("huge.yaml", std::string((1 << 20) + 1, '#'));
  const auto told = [&](const std::string& file) {
    const Json files = Json::parse(read_file(runtime() / "status" / "_files.json"), nullptr, false);
    if (!files.is_object()) return false;
    for (const auto& entry : files["files"]) {
      if (entry["name"] == file) return !entry["problems"].empty();
    }
    return false;
  };
  for (const auto* file : {"dangling.yaml", "directory.yaml", "fifo.yaml", "binary.yaml", "utf16.yaml", "huge.yaml"}) {
    EXPECT_TRUE(eventually([&] { return told(file); })) << file << "\n" << read_file(runtime() / "status" / "_files.json");
  }
  drop({.name = "after"});
  EXPECT_TRUE(reaches("after", "Running"));
}

TEST_F(BadSpec, TwoFilesNamingOneAgentChangeNothing) {
  drop_text("copy.yaml", text_of({.name = "healthy", .more = {"env: {LOG_LEVEL: debug}"}}));
  ASSERT_TRUE(eventually([&] { return condition("healthy", "SpecValid") == "False"; })) << status("healthy").dump(1);
  EXPECT_EQ(phase("healthy"), "Running");
  fs::remove(specs() / "copy.yaml");
  EXPECT_TRUE(eventually([&] { return condition("healthy", "SpecValid") == "True"; }));
}

}  // namespace
}  // namespace cofferdam::test
