// The run loop whole: real folders, a scripted engine, its sockets. What it decides is the machine's, and tested there.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <string>
#include <thread>
#include <tuple>

#include <nlohmann/json.hpp>

#include "controller/api.hpp"
#include "controller/api_client.hpp"
#include "controller/directories.hpp"
#include "controller/instance_lock.hpp"
#include "controller/unix_listener.hpp"
#include "tests/controller/scripted_engine.hpp"
#include "tests/controller/temp_directory.hpp"

namespace cofferdam::controller {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using namespace std::chrono_literals;
using nlohmann::json;
using testing::read_file;
using testing::rename_into;
using testing::ScriptedEngine;
using testing::TempDirectory;
using testing::write_file;

/// Looks until it is so; the loop under test runs in a thread of its own.
bool eventually(const std::function<bool()>& so) {
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (!so()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

class AppTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(temp_.at("agents.d"));
    fs::create_directories(temp_.at("workspaces/a"));
    ASSERT_EQ(chown(temp_.at("workspaces/a").c_str(), 1000, 1000), geteuid() == 0 ? 0 : -1);
    options_.source.file = temp_.at("cofferdam.yaml");
    options_.source.required = true;
    options_.patience = 20s;  // a run that should end by itself, and does not, fails rather than hangs
    // What the loop logs goes nowhere: the tests look at what it does.
    configure("");
  }
  void TearDown() override { end(); }

  void configure(const std::string& more) {
    rename_into(temp_.at("cofferdam.yaml"),
                "instance: test\n"
                "engine: {host: \"unix://" +
                    engine_path() +
                    "\"}\n"
                    "specs: {directory: " +
                    temp_.at("agents.d") +
                    ", settleMilliseconds: 20}\n"
                    "state: {directory: " +
                    temp_.at("state") +
                    "}\n"
                    "runtime: {directory: " +
                    temp_.at("run") +
                    "}\n"
                    "server: {listen: \"\", socket: " +
                    temp_.at("api.sock") +
                    "}\n"
                    "log: {level: error, format: json}\n" +
                    more);
  }
  virtual std::string engine_path() { return engine_.path(); }

  void start() {
    running_ = std::async(std::launch::async, [this] { return run(options_); });
  }
  /// By SIGTERM, as the service manager does it.
  RunResult end() {
    if (!running_.valid()) return {};
    if (running_.wait_for(0s) != std::future_status::ready) kill(getpid(), SIGTERM);
    return running_.get();
  }
  [[nodiscard]] json controller_status() const {
    return json::parse(read_file(temp_.at("run/status/_controller.json")), nullptr, false);
  }
  [[nodiscard]] bool is_well(const std::string& target) const {
    const auto reply = ask_controller(temp_.at("api.sock"), target);
    const auto* const answer = std::get_if<ApiReply>(&reply);
    return answer != nullptr && answer->status == 200;
  }
  [[nodiscard]] bool is_ready() const { return is_well("/readyz"); }
  [[nodiscard]] std::string ask(const std::string& target, const std::string& body = "") const {
    const auto reply = ask_controller(temp_.at("api.sock"), target, body);
    const auto* const answer = std::get_if<ApiReply>(&reply);
    return answer != nullptr ? answer->body : std::string{};
  }
  [[nodiscard]] std::string spec(const std::string& more = "") const {
    return "apiVersion: cofferdam/v1\nkind: Agent\nmetadata: {name: a}\nspec:\n  workspacePath: " + temp_.at("workspaces/a") +
           "\n  user: \"1000:1000\"\n  command: [sleep]\n" + more;
  }

  TempDirectory temp_;
  ScriptedEngine engine_;
  RunOptions options_;
  std::future<RunResult> running_;
};

TEST_F(AppTest, BecomesReadyAndEndsInUnderASecondTouchingNothing) {
  start();
  ASSERT_TRUE(eventually([&] { return is_ready(); }));
  EXPECT_TRUE(eventually([&] { return controller_status().value("engineUp", false); }));
  const auto begun = std::chrono::steady_clock::now();
  const auto result = end();
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 1s);
  EXPECT_EQ(result.exit_code, exit_ok) << result.error;
  EXPECT_THAT(engine_.lines("POST"), IsEmpty());
  EXPECT_THAT(engine_.lines("DELETE"), IsEmpty());
}

TEST_F(AppTest, MakesItsDirectoriesWithTheirModes) {
  start();
  ASSERT_TRUE(eventually([&] { return is_ready(); }));
  struct stat info{};
  ASSERT_EQ(stat(temp_.at("run").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0750U);
  ASSERT_EQ(stat(temp_.at("state").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0700U);
}

TEST_F(AppTest, ASpecThatIsDroppedIsSeenWithoutWaitingForARescan) {
  start();
  ASSERT_TRUE(eventually([&] { return is_ready(); }));
  rename_into(temp_.at("agents.d/a.yaml"), spec());
  EXPECT_TRUE(eventually([&] { return fs::exists(temp_.at("run/status/a.json")); })) << "the rescan comes after 20 s";
}

TEST_F(AppTest, ABadConfigurationEndsWith78AndItsPlace) {
  configure("instnace: x\n");
  const auto result = run(options_);
  EXPECT_EQ(result.exit_code, exit_configuration);
  EXPECT_THAT(result.error, HasSubstr("cofferdam.yaml:8:1"));
}

TEST_F(AppTest, ARuntimeDirectoryThatCannotBeMadeSaysHowToMendIt) {
  write_file(temp_.at("run"), "in the way");
  const auto result = run(options_);
  EXPECT_EQ(result.exit_code, exit_configuration);
  EXPECT_THAT(result.error, HasSubstr("runtime.directory"));
  EXPECT_THAT(result.error, HasSubstr("install -d"));
}

TEST_F(AppTest, ASocketThatAnotherHasMayBecomeFreeSoAnotherStartMayMendIt) {
  UnixListener another;
  ASSERT_EQ(another.open(temp_.at("api.sock")), "");
  const auto result = run(options_);
  EXPECT_EQ(result.exit_code, exit_unavailable);
  EXPECT_THAT(result.error, HasSubstr("another process listens"));
}

TEST_F(AppTest, RefusesToWriteIntoTheStateOfAnotherUser) {
  EXPECT_EQ(refuse_other_owner("state.directory", temp_.path(), geteuid(), "cofferdam apply"), "");
  EXPECT_EQ(refuse_other_owner("state.directory", temp_.at("missing"), geteuid() + 1, "cofferdam apply"), "");
  fs::create_directories(temp_.at("state"));
  ASSERT_EQ(chown(temp_.at("state").c_str(), 54321, 54321), 0) << "needs root, as tests/run.sh does";
  for (const auto& [mode, exclusive, code] :
       {std::tuple{Mode::once, false, exit_usage}, {Mode::dry, true, exit_usage}, {Mode::service, false, exit_configuration}}) {
    options_.mode = mode;
    options_.exclusive = exclusive;
    const auto result = run(options_);
    EXPECT_EQ(result.exit_code, code);
    EXPECT_THAT(result.error, HasSubstr("state.directory " + temp_.at("state") + " belongs to '#54321', and this is root: "));
    EXPECT_THAT(result.error, HasSubstr("(sudo -u '#54321' cofferdam "));
    EXPECT_FALSE(fs::exists(temp_.at("run"))) << "nothing was made";
  }
}

TEST_F(AppTest, RootLeavesNoLockInARuntimeDirectoryOfAnotherUser) {
  fs::create_directories(temp_.at("run"));
  ASSERT_EQ(chown(temp_.at("run").c_str(), 54321, 54321), 0) << "needs root, as tests/run.sh does";
  options_.mode = Mode::once;
  const auto result = run(options_);
  EXPECT_EQ(result.exit_code, exit_usage);
  EXPECT_THAT(result.error, HasSubstr("runtime.directory"));
  EXPECT_TRUE(fs::is_empty(temp_.at("run")));
}

TEST_F(AppTest, RefusesToRunBesideAnother) {
  fs::create_directories(temp_.at("run"));
  const auto held = InstanceLock::acquire(temp_.at("run"), "test", "cofferdam run");
  const auto result = run(options_);
  EXPECT_EQ(result.exit_code, exit_usage);
  EXPECT_THAT(result.error, HasSubstr("cofferdam run, process"));
}

TEST_F(AppTest, TakesAChangedConfigurationByItself) {
  start();
  ASSERT_TRUE(eventually([&] { return is_ready(); }));
  configure("policy: {maxMemoryMB: 777}\n");
  EXPECT_TRUE(eventually([&] { return ask("/v1/config").find("777") != std::string::npos; }));
}

TEST_F(AppTest, ABadReloadKeepsTheOldConfigurationAndSaysSo) {
  start();
  ASSERT_TRUE(eventually([&] { return is_ready(); }));
  configure("policy: {maxMemoryMB: seven}\n");
  EXPECT_TRUE(eventually([&] {
    return ask("/v1/config").find("maxMemoryMB: is") != std::string::npos ||
           controller_status().dump().find("maxMemoryMB") != std::string::npos;
  })) << ask("/v1/config");
  EXPECT_TRUE(is_ready());
}

TEST_F(AppTest, AReloadThatNeedsARestartIsRefused) {
  start();
  ASSERT_TRUE(eventually([&] { return is_ready(); }));
  configure("namePrefix: other\n");
  kill(getpid(), SIGHUP);
  EXPECT_TRUE(eventually([&] { return ask("/metrics").find("cofferdam_config_reload_failed 1") != std::string::npos; }));
  configure("");
  EXPECT_TRUE(eventually([&] { return ask("/metrics").find("cofferdam_config_reload_failed 0") != std::string::npos; }));
}

TEST_F(AppTest, CountsCallsAndTimesItsDecisions) {
  start();
  ASSERT_TRUE(eventually([&] { return is_ready(); }));
  const auto metrics = ask("/metrics");
  EXPECT_THAT(metrics, HasSubstr("cofferdam_engine_requests_total{code=\"200\",operation=\"container list\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("cofferdam_reconcile_duration_seconds_count"));
  EXPECT_THAT(metrics, HasSubstr("cofferdam_queue_depth 0"));
  engine_.tell(R"({"Type":"container","Action":"exec_create: sh -c secret","Actor":{"ID":"abc","Attributes":{}},"timeNano":17})");
  engine_.tell(R"({"Type":"container","Action":"invented","Actor":{"ID":"abc","Attributes":{}},"timeNano":18})");
  EXPECT_TRUE(
      eventually([&] { return ask("/metrics").find("cofferdam_engine_events_total{action=\"other\"} 1") != std::string::npos; }));
  EXPECT_THAT(ask("/metrics"), HasSubstr("cofferdam_engine_events_total{action=\"exec_create\"} 1"));
}

TEST_F(AppTest, ReconnectsAndListsAgain) {
  start();
  ASSERT_TRUE(eventually([&] { return is_ready(); }));
  const auto before = engine_.lines("GET").size();
  engine_.end_streams();
  EXPECT_TRUE(eventually([&] { return engine_.lines("GET").size() > before + 2 && is_ready(); }));
}

TEST_F(AppTest, ADryRunAsksAndChangesNothing) {
  write_file(temp_.at("agents.d/a.yaml"), spec());
  options_.mode = Mode::dry;
  std::string plan;
  options_.on_quiet = [&](Api& api, const std::function<void(int)>& finish) {
    for (const auto& line : api.machine().plan(api.now())) plan += line.text() + '\n';
    finish(exit_found);
  };
  const auto result = run(options_);
  EXPECT_EQ(result.exit_code, exit_found) << result.error;
  EXPECT_THAT(plan, HasSubstr("a: "));
  EXPECT_THAT(engine_.lines("POST"), IsEmpty());
  EXPECT_THAT(engine_.lines("DELETE"), IsEmpty());
  EXPECT_FALSE(fs::exists(temp_.at("run"))) << "nor does it make anything";
  EXPECT_FALSE(fs::exists(temp_.at("state")));
}

TEST_F(AppTest, ADryRunSaysWhyTheFolderCannotBeRead) {
  fs::remove(temp_.at("agents.d"));
  options_.mode = Mode::dry;
  options_.on_quiet = [](Api&, const std::function<void(int)>& finish) { finish(exit_ok); };
  const auto result = run(options_);
  EXPECT_EQ(result.exit_code, exit_usage);
  EXPECT_THAT(result.error, HasSubstr(temp_.at("agents.d")));
}

class AppWithAMuteEngine : public AppTest {
 protected:
  std::string engine_path() override { return mute_.path(); }
  ScriptedEngine mute_{[](const std::string&) { return std::string(); }};
};

TEST_F(AppWithAMuteEngine, ADryRunThatGivesUpHasNotFoundAnything) {
  options_.mode = Mode::dry;
  options_.patience = 1s;
  for (const bool exclusive : {false, true}) {
    options_.exclusive = exclusive;
    const auto result = run(options_);
    EXPECT_EQ(result.exit_code, exit_engine);
    EXPECT_THAT(result.error, HasSubstr("gave up after 1 s\nthe engine did not list its containers"));
  }
}

TEST_F(AppTest, CleanupIsAboutTheEngineWhateverTheFolderIsLike) {
  fs::remove(temp_.at("agents.d"));
  options_.mode = Mode::dry;
  options_.exclusive = true;
  bool asked = false;
  options_.on_quiet = [&](Api& api, const std::function<void(int)>& finish) {
    asked = api.machine().summary().listed;
    finish(exit_ok);
  };
  const auto result = run(options_);
  EXPECT_EQ(result.exit_code, exit_ok) << result.error;
  EXPECT_TRUE(asked);
}

TEST_F(AppTest, OnceEndsWhenNothingIsLeftToDo) {
  options_.mode = Mode::once;
  bool engine_told = false;
  options_.on_engine = [&](const reconciler::EngineFacts& facts) { engine_told = facts.info.id == "ABCD:EFGH"; };
  const auto result = run(options_);
  EXPECT_EQ(result.exit_code, exit_ok) << result.error;
  EXPECT_TRUE(engine_told);
}

class AppWithoutEngine : public AppTest {
 protected:
  std::string engine_path() override { return temp_.at("no.sock"); }
};

TEST_F(AppWithoutEngine, TheServiceWaitsForItAndIsWell) {
  start();
  EXPECT_TRUE(eventually([&] { return is_well("/healthz"); }));
  EXPECT_FALSE(is_ready());
  EXPECT_EQ(end().exit_code, exit_ok);
}

TEST_F(AppWithoutEngine, ACommandDoesNotWait) {
  options_.mode = Mode::once;
  const auto result = run(options_);
  EXPECT_EQ(result.exit_code, exit_engine);
  EXPECT_THAT(result.error, HasSubstr(temp_.at("no.sock")));
  EXPECT_THAT(result.error, HasSubstr("systemctl start docker"));
}

}  // namespace
}  // namespace cofferdam::controller
