// Hosts and configurations that are not as they should be: what is said, with which exit code.

#include <gmock/gmock.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>

#include "tests/e2e/world.hpp"

namespace cofferdam::test {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::HasSubstr;

constexpr int exit_configuration = 78;

class BadHost : public World {};

TEST_F(BadHost, ConfigurationBadAtStartIsExit78WithThePlace) {
  settings["sandbox.defaultMemoryMb"] = "64";
  start(false);
  EXPECT_EQ(controller().wait(), exit_configuration);
  EXPECT_THAT(log(), AllOf(HasSubstr("cofferdam.yaml:"), HasSubstr("defaultMemoryMB")));
}

TEST_F(BadHost, ConfigurationAbsentIsExit78) {
  const Outcome run = cofferdam({"run", "--config", root() / "none.yaml"});
  EXPECT_EQ(run.code, exit_configuration);
  EXPECT_THAT(run.output, HasSubstr("none.yaml"));
}

TEST_F(BadHost, DefaultImageThatIsNoReferenceIsExit78) {
  settings["sandbox.defaultImage"] = "\"node:20;reboot\"";
  start(false);
  EXPECT_EQ(controller().wait(), exit_configuration);
  EXPECT_THAT(log(), HasSubstr("defaultImage"));
}

TEST_F(BadHost, ConfigurationBadAtReloadKeepsTheOldOne) {
  start();
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
  const std::string before = only_live("worker")["Id"];
  write_file(config_file(), "sandbox: {enabled: maybe}\n");
  controller().signal(SIGHUP);
  ASSERT_TRUE(logs("sandbox.enabled"));
  ASSERT_TRUE(eventually([&] { return ask("/metrics").body.find("cofferdam_config_reload_failed 1") != std::string::npos; }));
  drop({.name = "second"});
  ASSERT_TRUE(reaches("second", "Running"));
  EXPECT_EQ(only_live("worker")["Id"], before);
  write_config();
  controller().signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return ask("/metrics").body.find("cofferdam_config_reload_failed 0") != std::string::npos; }));
}

TEST_F(BadHost, ReloadThatNeedsARestartIsRefusedAndSaysSo) {
  start();
  settings["instance"] = "other";
  write_config();
  const Outcome reload = cofferdam({"reload", "--config", config_file()});
  EXPECT_NE(reload.code, 0);
  EXPECT_THAT(reload.output, AllOf(HasSubstr("instance"), HasSubstr("restart")));
}

TEST_F(BadHost, GoodReloadIsInForceWithoutARestart) {
  start();
  drop({.name = "big", .more = {"memoryMB: 128"}});
  ASSERT_TRUE(reaches("big", "Running"));
  settings["policy.maxMemoryMB"] = "64";
  write_config();
  const Outcome reload = cofferdam({"reload", "--config", config_file()});
  EXPECT_EQ(reload.code, 0) << reload.output;
  drop({.name = "late", .more = {"memoryMB: 128"}});
  EXPECT_TRUE(reaches("late", "Denied"));
  EXPECT_EQ(phase("big"), "Running") << "a tightened policy stops nothing";
  EXPECT_TRUE(eventually([&] { return condition("big", "Admitted") == "False"; }));
}

TEST_F(BadHost, EngineAbsentIsWaitedFor) {
  const fs::path socket = root() / "engine.sock";
  settings["engine.host"] = "unix://" + socket.string();
  start(false);
  ASSERT_TRUE(eventually([&] { return ask("/healthz").status == 200; })) << log();
  drop({.name = "worker"});
  ASSERT_TRUE(logs("engine at unix://" + socket.string()));
  const Answer ready = ask("/readyz");
  EXPECT_EQ(ready.status, 503);
  EXPECT_THAT(ready.body, HasSubstr(socket.string()));
  EXPECT_TRUE(controller().alive());
  fs::create_symlink(engine().socket(), socket);
  EXPECT_TRUE(reaches("worker", "Running", seconds(60))) << "and used when it comes";
}

TEST_F(BadHost, SocketWithoutPermissionNamesTheGroup) {
  ::chmod(engine().socket().c_str(), 0660);
  for (const auto& path : {specs(), state(), runtime()}) ASSERT_EQ(::chown(path.c_str(), 65534, 65534), 0);
  write_file(root() / "controller.log", "");
  ASSERT_EQ(::chmod((root() / "controller.log").c_str(), 0666), 0);
  process_options.user = 65534;
  start(false);
  EXPECT_TRUE(logs("no permission to open " + engine().socket()));
  EXPECT_TRUE(logs("it belongs to group ")) << "says which group may open the socket";
  EXPECT_TRUE(controller().alive());
}

TEST_F(BadHost, PathThatIsNoEngineIsSaidSo) {
  // Something that listens and answers garbage.
  const std::string path = root() / "garbage.sock";
  const int listener = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  ASSERT_EQ(::bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  ASSERT_EQ(::listen(listener, 8), 0);
  settings["engine.host"] = "unix://" + path;
  start(false);
  const int connection = ::accept(listener, nullptr, nullptr);
  ASSERT_GE(connection, 0);
  ASSERT_GT(::write(connection, "SSH-2.0-garbage\r\n\r\n", 19), 0);
  ::close(connection);
  ASSERT_TRUE(logs("engine at unix://" + path));
  EXPECT_EQ(ask("/healthz").status, 200);
  EXPECT_EQ(terminate().first, 0);
  ::close(listener);
}

TEST_F(BadHost, FullStateDirectoryIsSaidAndLosesNothing) {
  ASSERT_EQ(::mount("tmpfs", state().c_str(), "tmpfs", 0, "size=64k,mode=755"), 0);
  start();
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
  const std::string before = only_live("worker")["Id"];
  write_file(state() / "filler", std::string(1 << 20, 'x'));
  const auto workspace = make_workspace("once");
  drop({.name = "once", .script = "echo ran >> /workspace/runs", .more = {"restartPolicy: Never"}});
  EXPECT_TRUE(eventually([&] { return read_file(workspace / "runs") == "ran\n"; }, seconds(30)));
  EXPECT_TRUE(logs("No space left", seconds(30)));
  EXPECT_EQ(only_live("worker")["Id"], before);
  EXPECT_EQ(containers("once").size(), 1U) << "not removed before its outcome is saved";
  fs::remove(state() / "filler");
  EXPECT_TRUE(reaches("once", "Succeeded", seconds(90)));
  terminate();
  ::umount2(state().c_str(), MNT_DETACH);
}

TEST_F(BadHost, UnreadableStateIsUnknownAndNothingIsDone) {
  fs::remove(state());
  write_file(state(), "a file where a directory should be");
  start(false);
  ASSERT_TRUE(eventually([&] { return ask("/healthz").status == 200 || !controller().alive(); }));
  drop({.name = "worker"});
  ASSERT_TRUE(logs(state().string()));
  EXPECT_NE(ask("/readyz").status, 200);
  EXPECT_TRUE(containers("worker").empty());
}

TEST_F(BadHost, MissingFolderIsSaidAndWaitedFor) {
  fs::remove(specs());
  start(false);
  ASSERT_TRUE(eventually([&] { return ask("/healthz").status == 200; }));
  ASSERT_TRUE(logs(specs().string()));
  EXPECT_NE(ask("/readyz").status, 200);
  fs::create_directory(specs());
  drop({.name = "worker"});
  EXPECT_TRUE(reaches("worker", "Running"));
}

TEST_F(BadHost, NoInotifyWatchesLeftIsSaidAndTheFolderReadByTheClock) {
  // The limit of a user namespace of its own: the host's is left alone.
  started_with = {"unshare", "--user", "--map-root-user", "sh", "-c", "echo 0 >/proc/sys/user/max_inotify_watches && exec \"$@\"",
                  "sh"};
  start();
  EXPECT_TRUE(logs("max_user_watches"));
  // Who owns it cannot be told from in there.
  fs::permissions(make_workspace("worker"), fs::perms::all);
  drop({.name = "worker"});
  EXPECT_TRUE(reaches("worker", "Running"));
  take_away("worker");
  EXPECT_TRUE(reaches("worker", "Removed"));
}

TEST_F(BadHost, SecondControllerOfTheSameInstanceIsRefused) {
  start();
  const Outcome second = cofferdam({"run", "--config", config_file()});
  EXPECT_NE(second.code, 0);
  EXPECT_THAT(second.output, HasSubstr(instance()));
  EXPECT_TRUE(controller().alive());
  const Outcome apply = cofferdam({"apply", "--config", config_file()});
  EXPECT_EQ(apply.code, 2) << apply.output;
}

}  // namespace
}  // namespace cofferdam::test
