// Crashes: of the controller at any moment, and of the daemon.

#include <gmock/gmock.h>

#include <atomic>
#include <csignal>
#include <mutex>
#include <random>
#include <set>
#include <thread>

#include "tests/e2e/world.hpp"

namespace cofferdam::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Looks at the engine's list again and again, with its own connection: two live containers of one agent are never seen.
class Watch {
 public:
  explicit Watch(std::string instance) : instance_(std::move(instance)), thread_([this] { run(); }) {}
  ~Watch() { stop(); }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  std::set<std::string> stop() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
    return doubled_;
  }
  [[nodiscard]] int looks() const { return looks_; }

 private:
  void run() {
    RawEngine engine(World::engine().socket());
    while (!stopping_) {
      const Json list = Json::parse(engine.call("GET", "/containers/json").body, nullptr, false);
      if (!list.is_array()) {
        std::this_thread::sleep_for(milliseconds(20));
        continue;
      }
      std::multiset<std::string> agents;
      for (const auto& container : list) {
        const Json& labels = container["Labels"];
        if (labels.value("cofferdam.instance", "") == instance_) agents.insert(labels.value("cofferdam.agent", ""));
      }
      for (const auto& agent : agents) {
        // A list lags: it may show one that has ended beside its successor. Inspect tells.
        if (agents.count(agent) > 1 && really_doubled(engine, list, agent)) doubled_.insert(agent);
      }
      ++looks_;
    }
  }

  bool really_doubled(RawEngine& engine, const Json& list, const std::string& agent) const {
    int running = 0;
    for (const auto& container : list) {
      if (container["Labels"].value("cofferdam.instance", "") != instance_) continue;
      if (container["Labels"].value("cofferdam.agent", "") != agent) continue;
      const Json details =
          Json::parse(engine.call("GET", "/containers/" + container.value("Id", "") + "/json").body, nullptr, false);
      if (details.is_object() && details.contains("State") && details["State"].value("Running", false)) ++running;
    }
    return running > 1;
  }

  std::string instance_;
  std::atomic<bool> stopping_ = false;
  std::atomic<int> looks_ = 0;
  std::set<std::string> doubled_;
  std::thread thread_;
};

class Fault : public World {};

TEST_F(Fault, ControllerKilledTwentyTimesInMidWorkLosesAndDoublesNothing) {
  std::mt19937 chance(20260101);
  std::map<std::string, std::string> wanted;  // agent → LOG_LEVEL
  Watch watch(instance());
  for (int round = 0; round < 20; ++round) {
    // Each round gives work: one agent comes, one is edited, and now and then one goes.
    const std::string added = "a" + std::to_string(round % 8);
    wanted[added] = "r" + std::to_string(round);
    drop({.name = added, .more = {"env: {LOG_LEVEL: " + wanted[added] + "}"}});
    if (round % 5 == 4) {
      const std::string gone = "a" + std::to_string((round + 3) % 8);
      if (wanted.erase(gone) != 0) take_away(gone);
    }
    start(false);
    // A moment in the first 700 ms: reading, listing, creating, starting or stopping.
    std::this_thread::sleep_for(milliseconds(chance() % 700));
    crash();
  }
  start();
  for (const auto& [agent, level] : wanted) {
    ASSERT_TRUE(eventually(
        [&] {
          const auto all = live(agent);
          if (all.size() != 1) return false;
          const Json details = inspect(all[0].value("Id", ""));
          return details["Config"]["Env"].dump().find("LOG_LEVEL=" + level + "\"") != std::string::npos &&
                 phase(agent) == "Running";
        },
        seconds(60)))
        << agent << " " << status(agent).dump(1) << Json(containers(agent)).dump(1);
  }
  ASSERT_TRUE(eventually([&] { return live().size() == wanted.size(); }, seconds(30))) << Json(live()).dump(1);
  EXPECT_THAT(watch.stop(), IsEmpty());
  EXPECT_GT(watch.looks(), 50);
}

TEST_F(Fault, DaemonKilledAndBackBringsAllBack) {
  start();
  for (const auto* name : {"one", "two", "three"}) drop({.name = name});
  for (const auto* name : {"one", "two", "three"}) ASSERT_TRUE(reaches(name, "Running"));
  const std::string before = only_live("one")["Id"];
  engine().kill();
  EXPECT_TRUE(eventually([&] { return ask("/metrics").body.find("cofferdam_engine_up 0") != std::string::npos; }));
  EXPECT_EQ(ask("/healthz").status, 200) << "a dead engine is not our ill health";
  EXPECT_NE(ask("/readyz").status, 200);
  engine().resume();
  for (const auto* name : {"one", "two", "three"}) {
    ASSERT_TRUE(eventually([&] { return live(name).size() == 1 && phase(name) == "Running"; }, seconds(60)))
        << status(name).dump(1);
    EXPECT_EQ(status(name)["restarts"], 0) << "an interruption is not the agent's failure";
  }
  EXPECT_NE(only_live("one")["Id"], before);
}

TEST_F(Fault, DaemonAndControllerKilledTogetherBringAllBack) {
  start();
  drop({.name = "worker"});
  const auto workspace = make_workspace("once");
  drop({.name = "once", .script = "echo ran >> /workspace/runs", .more = {"restartPolicy: Never"}});
  ASSERT_TRUE(reaches("worker", "Running"));
  ASSERT_TRUE(reaches("once", "Succeeded"));
  engine().kill();
  crash();
  engine().resume();
  start();
  ASSERT_TRUE(eventually([&] { return live("worker").size() == 1 && phase("worker") == "Running"; }, seconds(60)));
  ASSERT_TRUE(reaches("once", "Succeeded"));
  EXPECT_EQ(read_file(workspace / "runs"), "ran\n");
}

TEST_F(Fault, LostStateDirectoryDoublesNothing) {
  start();
  drop({.name = "worker"});
  const auto workspace = make_workspace("once");
  drop({.name = "once", .script = "echo ran >> /workspace/runs", .more = {"restartPolicy: Never"}});
  ASSERT_TRUE(reaches("worker", "Running"));
  ASSERT_TRUE(reaches("once", "Succeeded"));
  const std::string before = only_live("worker")["Id"];
  crash();
  std::filesystem::remove_all(state());
  start();
  ASSERT_TRUE(reaches("once", "Succeeded"));
  EXPECT_EQ(only_live("worker")["Id"], before);
  EXPECT_EQ(read_file(workspace / "runs"), "ran\n");
}

TEST_F(Fault, HangingDaemonIsNotOurIllHealth) {
  start();
  drop({.name = "worker"});
  ASSERT_TRUE(reaches("worker", "Running"));
  const std::string before = only_live("worker")["Id"];
  const int daemon = engine().daemon_pid();
  ::kill(daemon, SIGSTOP);
  drop({.name = "late"});
  const bool healthy = eventually([&] { return ask("/healthz").status == 200; }, seconds(5));
  const auto [code, took] = terminate();
  ::kill(daemon, SIGCONT);
  EXPECT_TRUE(healthy);
  EXPECT_EQ(code, 0);
  EXPECT_LT(took, seconds(1)) << "also while calls hang";
  start();
  ASSERT_TRUE(reaches("late", "Running"));
  EXPECT_EQ(only_live("worker")["Id"], before);
}

}  // namespace
}  // namespace cofferdam::test
