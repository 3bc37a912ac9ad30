// What must not be touched: agents whose folder went away, and containers of others.

#include <gmock/gmock.h>

#include <map>
#include <set>

#include "tests/e2e/world.hpp"

namespace cofferdam::test {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class Guard : public World {
 protected:
  /// Starts six agents and remembers their containers.
  void begin_with_six() {
    settings["specs.settleMilliseconds"] = "300";  // six files take a moment to go, on a busy host
    start();
    for (int i = 0; i < 6; ++i) drop({.name = "g" + std::to_string(i)});
    for (int i = 0; i < 6; ++i) ASSERT_TRUE(reaches("g" + std::to_string(i), "Running"));
    before_ = ids();
    ASSERT_EQ(before_.size(), 6U);
  }
  [[nodiscard]] std::set<std::string> ids() const {
    std::set<std::string> found;
    for (const auto& container : live()) found.insert(container.value("Id", ""));
    return found;
  }
  [[nodiscard]] bool untouched() const {
    return stays([this] { return ids() == before_; });
  }
  std::set<std::string> before_;
};

TEST_F(Guard, FolderMovedAwayAndBackTouchesNothing) {
  begin_with_six();
  const fs::path elsewhere = root() / "elsewhere";
  fs::rename(specs(), elsewhere);
  EXPECT_TRUE(untouched());
  fs::rename(elsewhere, specs());
  EXPECT_TRUE(untouched());
  drop({.name = "new"});
  EXPECT_TRUE(reaches("new", "Running"));
}

TEST_F(Guard, FolderReplacedByAnEmptyOneIsHeld) {
  begin_with_six();
  fs::rename(specs(), root() / "elsewhere");
  fs::create_directory(specs());
  ASSERT_TRUE(eventually([&] { return ask("/metrics").body.find("cofferdam_deletions_held 6") != std::string::npos; }));
  EXPECT_TRUE(untouched());
}

TEST_F(Guard, EmptiedFolderIsHeldAlsoOverARestart) {
  begin_with_six();
  for (int i = 0; i < 6; ++i) take_away("g" + std::to_string(i));
  ASSERT_TRUE(eventually([&] { return ask("/metrics").body.find("cofferdam_deletions_held 6") != std::string::npos; }));
  EXPECT_TRUE(untouched());
  crash();
  start();
  EXPECT_TRUE(untouched());
}

TEST_F(Guard, MoreThanHalfRemovedAtOnceIsHeldUntilConfirmed) {
  settings["deletion.budgetCount"] = "3";
  begin_with_six();
  for (int i = 0; i < 4; ++i) take_away("g" + std::to_string(i));
  ASSERT_TRUE(eventually([&] { return ask("/metrics").body.find("cofferdam_deletions_held 4") != std::string::npos; }));
  EXPECT_TRUE(untouched());
  const Outcome wrong = cofferdam({"confirm-deletions", "no-such-set", "--config", config_file()});
  EXPECT_NE(wrong.code, 0) << wrong.output;
  EXPECT_TRUE(untouched());
  const Json plan = Json::parse(ask("/v1/plan").body, nullptr, false);
  ASSERT_TRUE(plan.is_object() && plan["held"].size() == 1) << plan;
  EXPECT_EQ(plan["held"][0]["agents"], Json({"g0", "g1", "g2", "g3"}));
  const Outcome right = cofferdam({"confirm-deletions", plan["held"][0]["id"].get<std::string>(), "--config", config_file()});
  EXPECT_EQ(right.code, 0) << right.output;
  ASSERT_TRUE(eventually([&] { return live().size() == 2; }));
  EXPECT_TRUE(eventually([&] { return containers().size() == 2; }));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(reaches("g" + std::to_string(i), "Removed"));
}

TEST_F(Guard, FilesBackInTimeReleaseTheHold) {
  settings["deletion.budgetCount"] = "3";
  begin_with_six();
  for (int i = 0; i < 4; ++i) take_away("g" + std::to_string(i));
  ASSERT_TRUE(eventually([&] { return ask("/metrics").body.find("cofferdam_deletions_held 4") != std::string::npos; }));
  for (int i = 0; i < 4; ++i) drop({.name = "g" + std::to_string(i)});
  ASSERT_TRUE(eventually([&] { return ask("/metrics").body.find("cofferdam_deletions_held 0") != std::string::npos; }));
  EXPECT_TRUE(untouched());
}

class Decoys : public World {
 protected:
  std::string decoy(const std::string& name, const Json& labels) {
    const Json body = {{"Image", "busybox:test"},
                       {"Cmd", {"sleep", "1000"}},
                       {"Labels", labels},
                       {"HostConfig", {{"Init", true}, {"NetworkMode", "none"}}}};
    const Answer created = raw().call("POST", "/containers/create?name=" + name, body.dump());
    EXPECT_EQ(created.status, 201) << created.body;
    const std::string id = Json::parse(created.body)["Id"];
    EXPECT_EQ(raw().call("POST", "/containers/" + id + "/start").status, 204);
    decoys_[id] = seen(id);
    return id;
  }
  /// What must stay as it is.
  [[nodiscard]] Json seen(const std::string& id) const {
    const Json details = inspect(id);
    if (!details.contains("State")) return {};
    return {{"name", details["Name"]}, {"started", details["State"]["StartedAt"]}, {"running", details["State"]["Running"]}};
  }
  [[nodiscard]] Json ours(const std::string& agent, const std::string& name) const {
    return {{"cofferdam.managed-by", "cofferdam"},
            {"cofferdam.instance", instance()},
            {"cofferdam.role", "agent"},
            {"cofferdam.agent", agent},
            {"cofferdam.name", name},
            {"cofferdam.attempt", "1"},
            {"cofferdam.schema", "1"}};
  }
  std::map<std::string, Json> decoys_;
};

TEST_F(Decoys, LookAlikesAreNeverTouched) {
  const std::string prefix = "cofferdam-" + instance() + "-";
  // Names alone prove nothing.
  decoy(prefix + "worker-9", Json::object());
  decoy(prefix + "gone-1", Json::object());
  decoy("cofferdam-worker-1", Json::object());
  // Another instance's, another manager's, and labels that are nearly ours.
  Json labels = ours("gone", "cofferdam-other-gone-1");
  labels["cofferdam.instance"] = "other";
  decoy("cofferdam-other-gone-1", labels);
  labels = ours("gone", "nearly-1");
  labels["cofferdam.instance"] = instance() + "0";
  decoy("nearly-1", labels);
  labels = ours("gone", "nearly-2");
  labels["cofferdam.managed-by"] = "Cofferdam";
  decoy("nearly-2", labels);
  labels = ours("gone", "nearly-3");
  labels.erase("cofferdam.managed-by");
  decoy("nearly-3", labels);
  // All our labels, but the name they speak of is another: as a committed image makes them.
  decoy("copy-1", ours("gone", prefix + "gone-1"));
  decoy("copy-2", ours("worker", prefix + "worker-1"));
  labels = ours("gone", "nearly-4");
  labels.erase("cofferdam.name");
  decoy("nearly-4", labels);
  // Names that only begin or end like ours.
  decoy("x" + prefix + "gone-2", Json::object());
  decoy(prefix + "gone-2x", {{"cofferdam.agent", "gone"}});

  start();
  drop({.name = "keeper"});
  ASSERT_TRUE(reaches("keeper", "Running"));
  // A Suspect that is live blocks its agent's start, and nothing else.
  drop({.name = "worker"});
  EXPECT_TRUE(reaches("worker", "Stuck/SuspectContainer"));
  take_away("worker");
  EXPECT_TRUE(eventually([&] { return phase("worker") != "Running"; }));
  crash();
  start();
  take_away("keeper");
  drop({.name = "second"});
  ASSERT_TRUE(reaches("second", "Running"));
  for (const auto& [id, before] : decoys_) EXPECT_EQ(seen(id), before);
  terminate();
  const Outcome cleaned = cofferdam({"cleanup", "--yes", "--config", config_file()});
  EXPECT_EQ(cleaned.code, 0) << cleaned.output;
  EXPECT_EQ(inspect(prefix + "second-1").contains("State"), false) << "cleanup removes what is ours";
  for (const auto& [id, before] : decoys_) EXPECT_EQ(seen(id), before);
}

}  // namespace
}  // namespace cofferdam::test
