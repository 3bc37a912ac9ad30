// The removal of a container: what it refuses, what is seen of it while it lasts, and what is left where it fails: of every
// engine.

#include <string>

#include "tests/contract/contract.hpp"

namespace cofferdam::docker {
namespace {

using test::Behaviour;
using ::testing::HasSubstr;

class RemovalContract : public test::Contract {
 protected:
  ContainerState listed(const std::string& name) {
    const auto rows = list({"cofferdam.agent=" + name});
    EXPECT_EQ(rows.size(), 1U);
    return rows.empty() ? ContainerState::created : rows[0].state;
  }
  /// What a container that is being removed, or could not be, answers to everything but an inspect.
  void expect_marked_for_removal(const std::string& id, const std::string& name) {
    const auto started = failing(ContainerStart{id});
    EXPECT_EQ(started.status, 409);
    EXPECT_EQ(conflict_kind(started), ConflictKind::marked_for_removal) << started.message;
    EXPECT_EQ(conflict_kind(failing(ContainerKill{id, "KILL"})), ConflictKind::not_running);
    EXPECT_EQ(conflict_kind(failing(agent(name))), ConflictKind::name_in_use) << "its name is reserved until it is gone";
  }
};

TEST_F(RemovalContract, IsRemovedUnforcedOnlyWhenItDoesNotRun) {
  const auto id = run("remove");
  const auto running = failing(ContainerRemove{id});
  EXPECT_EQ(running.status, 409);
  EXPECT_EQ(conflict_kind(running), ConflictKind::running) << running.message;
  engine->pause(id);
  const auto paused = failing(ContainerRemove{id});
  EXPECT_EQ(paused.status, 409);
  EXPECT_EQ(conflict_kind(paused), ConflictKind::paused) << paused.message;
  kill(id, "KILL");
  ended(id);
  remove(id);
  EXPECT_EQ(failing(ContainerRemove{id}).status, 404);
  EXPECT_TRUE(is_gone(id));
}

TEST_F(RemovalContract, IsRemovedByForceWhileItRunsOrIsPaused) {
  const auto running = run("force-running");
  remove(running, true);
  EXPECT_TRUE(is_gone(running));
  const auto paused = run("force-paused");
  engine->pause(paused);
  remove(paused, true);
  EXPECT_TRUE(is_gone(paused));
}

TEST_F(RemovalContract, ForceTurnsNothingAwayThatIsNotThere) {
  EXPECT_EQ(failing(ContainerRemove{.id = std::string(64, 'a'), .force = true}).status, 404);
}

TEST_F(RemovalContract, TwoRemovalsAtOnceEndWellForBoth) {
  const auto id = run("twice");
  std::vector<Result> results;
  for (int i = 0; i < 2; ++i) {
    engine->call(ContainerRemove{.id = id, .force = true}, [&](Result answer) { results.push_back(std::move(answer)); });
  }
  engine->until([&] { return results.size() == 2; });
  int done = 0;
  for (const auto& answer : results) {
    if (const auto* error = std::get_if<Error>(&answer)) {
      EXPECT_TRUE(error->status == 404 || conflict_kind(*error) == ConflictKind::removal_in_progress) << to_string(*error);
    } else {
      ++done;
    }
  }
  EXPECT_GE(done, 1);
}

TEST_F(RemovalContract, ARemovalThatRacesAStartNeverKills) {
  const auto id = create("race");
  std::optional<Result> started;
  std::optional<Result> removed;
  engine->call(ContainerStart{id}, [&](Result answer) { started = std::move(answer); });
  engine->call(ContainerRemove{id}, [&](Result answer) { removed = std::move(answer); });
  engine->until([&] { return started && removed; });
  if (const auto* error = std::get_if<Error>(&*removed)) {
    EXPECT_EQ(conflict_kind(*error), ConflictKind::running) << to_string(*error);
    EXPECT_TRUE(inspect(id).running);
  } else {
    EXPECT_TRUE(is_gone(id));
  }
  EXPECT_EQ(count(id, "die"), 0U);
}

TEST_F(RemovalContract, IsSeenWhileItLasts) {
  const auto id = run("removing", Behaviour::fails);
  const auto end = ended(id);
  engine->let_removal_last(id);
  std::optional<Result> removed;
  engine->call(ContainerRemove{id}, [&](Result answer) { removed = std::move(answer); });
  while (!removed && inspect(id).state != ContainerState::removing) {
  }
  ASSERT_FALSE(removed);
  const auto details = inspect(id);
  EXPECT_EQ(details.exit_code, 42);
  EXPECT_EQ(details.finished_at, end.finished_at) << "its end can still be read";
  while (!removed && listed("removing") != ContainerState::removing) {
  }
  const auto again = failing(ContainerRemove{id});
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(conflict_kind(again), ConflictKind::removal_in_progress) << again.message;
  expect_marked_for_removal(id, "removing");
  EXPECT_FALSE(removed) << "it did not last long enough for what was asked meanwhile";
  engine->until([&] { return removed.has_value(); });
  EXPECT_TRUE(std::holds_alternative<Reply>(*removed));
  EXPECT_TRUE(is_gone(id));
}

TEST_F(RemovalContract, ThatFailsLeavesItDeadWithItsEndAndItsName) {
  const auto id = run("stuck", Behaviour::fails);
  const auto end = ended(id);
  engine->let_files_stick(id, true);
  for (const bool force : {false, true}) {
    const auto error = failing(ContainerRemove{id, force});
    EXPECT_EQ(error.status, 500) << "again and again: " << to_string(error);
    const auto details = inspect(id);
    EXPECT_EQ(details.state, ContainerState::dead);
    EXPECT_TRUE(details.dead);
    EXPECT_FALSE(details.running);
    EXPECT_EQ(details.exit_code, 42);
    EXPECT_EQ(details.started_at, end.started_at);
    EXPECT_EQ(details.finished_at, end.finished_at);
    EXPECT_THAT(details.error, HasSubstr("remove")) << "why, where the error of a start would stand";
  }
  EXPECT_EQ(listed("stuck"), ContainerState::removing) << "a list has what was written down last";
  expect_marked_for_removal(id, "stuck");
  engine->let_files_stick(id, false);
  remove(id);
  EXPECT_TRUE(is_gone(id));
}

TEST_F(RemovalContract, ThatFailsKeepsTheCodeOfAFailedStart) {
  auto request = agent("stuck-start", Behaviour::missing);
  request.host_config.init = false;
  const auto id = create(request);
  failing(ContainerStart{id});
  engine->let_files_stick(id, true);
  EXPECT_EQ(failing(ContainerRemove{id}).status, 500);
  const auto details = inspect(id);
  EXPECT_EQ(details.state, ContainerState::dead);
  EXPECT_EQ(details.exit_code, 127);
  EXPECT_NE(details.error, "");
  EXPECT_FALSE(details.started_at);
  EXPECT_FALSE(details.finished_at);
  engine->let_files_stick(id, false);
}

TEST_F(RemovalContract, ThatFailsIsNotMendedByARestartOfTheDaemon) {
  const auto id = run("stuck-restart", Behaviour::fails);
  ended(id);
  engine->let_files_stick(id, true);
  EXPECT_EQ(failing(ContainerRemove{id}).status, 500);
  engine->daemon_stops();
  engine->daemon_returns();
  const auto details = inspect(id);
  EXPECT_EQ(details.state, ContainerState::dead);
  EXPECT_EQ(details.exit_code, 42);
  EXPECT_EQ(listed("stuck-restart"), ContainerState::dead) << "now the list says so, too";
  engine->let_files_stick(id, false);
  remove(id, true);
  EXPECT_TRUE(is_gone(id));
}

TEST_F(RemovalContract, ThatADaemonDiedInLeavesItDead) {
  const auto id = run("died-in", Behaviour::fails);
  ended(id);
  engine->let_removal_last(id);
  const auto answered = std::make_shared<bool>(false);
  engine->call(ContainerRemove{id}, [answered](const Result&) { *answered = true; });
  while (!*answered && inspect(id).state != ContainerState::removing) {
  }
  ASSERT_FALSE(*answered);
  engine->daemon_dies();
  engine->daemon_returns();
  const auto details = inspect(id);
  EXPECT_EQ(details.state, ContainerState::dead);
  EXPECT_EQ(details.exit_code, 42);
  remove(id, true);
  EXPECT_TRUE(is_gone(id));
}

}  // namespace
}  // namespace cofferdam::docker
