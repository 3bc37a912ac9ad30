// The life of a container: which answer each call gives in each state, and what inspect then says: of every engine.

#include <chrono>
#include <string>

#include "tests/contract/contract.hpp"

namespace cofferdam::docker {
namespace {

using namespace std::chrono_literals;
using test::Behaviour;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LifeContract : public test::Contract {};

// Start.

TEST_F(LifeContract, StartsOnceAndSaysSoTheSecondTime) {
  const auto id = create("start");
  EXPECT_FALSE(good<Done>(ContainerStart{id}).already);
  EXPECT_TRUE(good<Done>(ContainerStart{id}).already);
  const auto details = inspect(id);
  EXPECT_EQ(details.state, ContainerState::running);
  EXPECT_TRUE(details.running);
  EXPECT_GT(details.pid, 0);
  EXPECT_TRUE(details.started_at);
  EXPECT_FALSE(details.finished_at);
}

TEST_F(LifeContract, StartsOneProcessForTwoThatAskAtOnce) {
  const auto id = create("start-twice");
  int answered = 0;
  for (int i = 0; i < 2; ++i) {
    engine->call(ContainerStart{id}, [&](Result answer) {
      EXPECT_TRUE(std::holds_alternative<Reply>(answer));
      ++answered;
    });
  }
  engine->until([&] { return answered == 2; });
  kill(id, "KILL");
  EXPECT_THAT(actions_until(id, "die"), ElementsAre("create", "start", "kill", "die"));
}

TEST_F(LifeContract, KnowsNoOther) {
  const std::string id(64, 'a');
  for (const auto& request : std::vector<Request>{ContainerStart{id}, ContainerKill{id, "TERM"}, ContainerStop{id, {}},
                                                  ContainerRemove{id}, ContainerInspect{id}}) {
    const auto error = failing(request);
    EXPECT_EQ(error.status, 404) << operation_of(request);
    EXPECT_FALSE(is_no_such_image(error) || is_no_such_network(error)) << error.message;
    EXPECT_THAT(error.message, HasSubstr("No such container"));
  }
}

TEST_F(LifeContract, IsNotStartedWithoutItsNetwork) {
  auto request = agent("no-network");
  request.host_config.network_mode = "absent";
  const auto id = create(request);
  const auto error = failing(ContainerStart{id});
  EXPECT_EQ(error.status, 404);
  EXPECT_TRUE(is_no_such_network(error)) << error.message;
  const auto details = inspect(id);
  EXPECT_EQ(details.state, ContainerState::created);
  EXPECT_FALSE(details.started_at);
  EXPECT_NE(details.error, "");
  EXPECT_EQ(details.exit_code, 128) << "the engine's, for any start that failed before its command";
}

TEST_F(LifeContract, IsNotStartedWithoutItsMount) {
  auto request = agent("no-mount");
  const auto directory = engine->make_directory();
  request.host_config.tmpfs.erase("/workspace");
  request.host_config.mounts = {
      {.type = "bind", .source = directory, .target = "/workspace", .read_only = false, .propagation = "rprivate"}};
  const auto id = create(request);
  engine->remove_directory(directory);
  const auto error = failing(ContainerStart{id});
  EXPECT_EQ(error.status, 400) << to_string(error);
  EXPECT_EQ(start_exit_code(error), 0) << "this is not the agent's own failure: " << error.message;
  EXPECT_THAT(error.message, HasSubstr(directory));
  const auto details = inspect(id);
  EXPECT_EQ(details.state, ContainerState::created);
  EXPECT_EQ(details.exit_code, 0) << "refused before it was begun";
  EXPECT_EQ(details.error, "");
}

TEST_F(LifeContract, WithInitStartsWithAMissingCommandAndEndsWith127) {
  const auto details = ended(run("init-127", Behaviour::missing));
  EXPECT_EQ(details.state, ContainerState::exited);
  EXPECT_EQ(details.exit_code, 127);
}

TEST_F(LifeContract, WithInitStartsWithWhatIsNotExecutableAndEndsWith126) {
  EXPECT_EQ(ended(run("init-126", Behaviour::not_executable)).exit_code, 126);
}

TEST_F(LifeContract, WithoutInitDoesNotStartWithAMissingCommand) {
  for (const auto& [behaviour, code] : {std::pair{Behaviour::missing, 127}, {Behaviour::not_executable, 126}}) {
    auto request = agent("no-init", behaviour);
    request.host_config.init = false;
    const auto id = create(request);
    const auto error = failing(ContainerStart{id});
    EXPECT_EQ(error.status, 400) << error.message;
    EXPECT_EQ(start_exit_code(error), code) << error.message;
    const auto details = inspect(id);
    EXPECT_EQ(details.state, ContainerState::created) << "a failed start leaves it created";
    EXPECT_EQ(details.exit_code, code);
    EXPECT_NE(details.error, "");
    EXPECT_FALSE(details.started_at);
    EXPECT_FALSE(details.finished_at);
    EXPECT_EQ(conflict_kind(failing(request)), ConflictKind::name_in_use) << "and its name reserved";
    remove(id);
  }
}

TEST_F(LifeContract, AUserThatIsNotThereIsNotTheAgentsOwnFailure) {
  auto request = agent("no-user");
  request.config.user = "nobodyhere";
  const auto id = create(request);
  const auto error = failing(ContainerStart{id});
  EXPECT_EQ(error.status, 500) << to_string(error);
  EXPECT_EQ(start_exit_code(error), 0) << to_string(error);
  EXPECT_THAT(error.message, HasSubstr("nobodyhere"));
  const auto details = inspect(id);
  EXPECT_EQ(details.state, ContainerState::created);
  EXPECT_EQ(details.exit_code, 128);
  EXPECT_FALSE(details.started_at);
}

TEST_F(LifeContract, IsNotStartedWhilePaused) {
  const auto id = run("start-paused");
  engine->pause(id);
  const auto error = failing(ContainerStart{id});
  EXPECT_EQ(error.status, 409) << error.message;
  EXPECT_EQ(inspect(id).state, ContainerState::paused);
}

TEST_F(LifeContract, AnEndedOneIsStartedAgainAndForgetsItsCode) {
  const auto id = run("again", Behaviour::patient);
  kill(id, "KILL");
  const auto first = ended(id);
  EXPECT_EQ(first.exit_code, 137);
  start(id);
  const auto second = inspect(id);
  EXPECT_EQ(second.state, ContainerState::running);
  EXPECT_EQ(second.exit_code, 0);
  EXPECT_GT(second.started_at, first.started_at);
  EXPECT_EQ(second.finished_at, first.finished_at) << "so a running one may show an end";
  EXPECT_EQ(second.restart_count, 0);
}

// Ends.

TEST_F(LifeContract, EndsWithItsOwnCode) {
  EXPECT_EQ(ended(run("ends-well", Behaviour::ends_well)).exit_code, 0);
  const auto details = ended(run("fails", Behaviour::fails));
  EXPECT_EQ(details.state, ContainerState::exited);
  EXPECT_EQ(details.exit_code, 42);
  EXPECT_EQ(details.pid, 0);
  EXPECT_FALSE(details.oom_killed);
  ASSERT_TRUE(details.started_at && details.finished_at);
  EXPECT_GT(*details.finished_at, *details.started_at - 10ms) << "a start can be later than its end, by a little";
}

TEST_F(LifeContract, KillReachesOnlyWhatRuns) {
  const auto id = create("kill");
  const auto never = failing(ContainerKill{id, "TERM"});
  EXPECT_EQ(never.status, 409);
  EXPECT_EQ(conflict_kind(never), ConflictKind::not_running) << never.message;
  start(id);
  kill(id, "TERM");
  const auto details = ended(id);
  EXPECT_EQ(details.state, ContainerState::exited);
  EXPECT_EQ(details.exit_code, 0) << "its own trap: a plain exit 0";
  const auto again = failing(ContainerKill{id, "KILL"});
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(conflict_kind(again), ConflictKind::not_running) << again.message;
}

TEST_F(LifeContract, AKilledOneEndsWith137AndIsNotOutOfMemory) {
  const auto id = run("killed", Behaviour::stubborn);
  kill(id, "TERM");
  EXPECT_TRUE(inspect(id).running) << "it takes no notice";
  kill(id, "KILL");
  const auto details = ended(id);
  EXPECT_EQ(details.exit_code, 137);
  EXPECT_FALSE(details.oom_killed);
}

TEST_F(LifeContract, WithoutAHandlerTermEndsWith143UnderAnInit) {
  const auto id = run("unhandled", Behaviour::unhandled);
  kill(id, "TERM");
  EXPECT_EQ(ended(id).exit_code, 143);
}

TEST_F(LifeContract, WithoutAHandlerAFirstProcessIsNotReachedByTerm) {
  auto request = agent("first", Behaviour::unhandled);
  request.host_config.init = false;
  const auto id = run(request);
  kill(id, "TERM");
  EXPECT_TRUE(inspect(id).running);
  EXPECT_FALSE(good<Done>(ContainerStop{.id = id, .timeout = 0s}).already);
  const auto details = inspect(id);
  EXPECT_EQ(details.exit_code, 137);
  EXPECT_FALSE(details.oom_killed) << "a stop without time is no out-of-memory";
}

TEST_F(LifeContract, AStopAnswersWhenItIsDoneAndSaysSoTheSecondTime) {
  const auto id = run("stop");
  EXPECT_FALSE(good<Done>(ContainerStop{.id = id, .timeout = 10s}).already);
  const auto details = inspect(id);
  EXPECT_EQ(details.state, ContainerState::exited);
  EXPECT_EQ(details.exit_code, 0);
  EXPECT_TRUE(good<Done>(ContainerStop{.id = id, .timeout = 0s}).already);
  EXPECT_TRUE(good<Done>(ContainerStop{.id = create("never"), .timeout = 0s}).already);
}

TEST_F(LifeContract, KillAndStopWakeAPausedContainer) {
  const auto first = run("paused-kill");
  engine->pause(first);
  const auto paused = inspect(first);
  EXPECT_EQ(paused.state, ContainerState::paused);
  EXPECT_TRUE(paused.paused);
  EXPECT_TRUE(paused.running) << "paused is running, too";
  kill(first, "KILL");
  EXPECT_EQ(ended(first).exit_code, 137);
  const auto second = run("paused-stop");
  engine->pause(second);
  good<Done>(ContainerStop{.id = second, .timeout = 5s});
  EXPECT_EQ(inspect(second).state, ContainerState::exited);
  EXPECT_FALSE(inspect(second).paused);
}

TEST_F(LifeContract, ATermWakesAPausedContainer) {
  const auto id = run("paused-term");
  engine->pause(id);
  kill(id, "TERM");
  EXPECT_EQ(ended(id).exit_code, 0);
}

TEST_F(LifeContract, AnotherSignalLeavesAPausedContainerPaused) {
  const auto id = run("paused-hup");
  engine->pause(id);
  kill(id, "WINCH");
  EXPECT_EQ(inspect(id).state, ContainerState::paused);
}

TEST_F(LifeContract, AnOutOfMemoryIsSaid) {
  auto request = agent("oom", Behaviour::out_of_memory);
  request.host_config.memory = 16LL << 20;
  request.host_config.memory_swap = 16LL << 20;
  const auto details = ended(run(request));
  EXPECT_TRUE(details.oom_killed);
  EXPECT_EQ(details.exit_code, 137);
}

// What the engine does of itself.

TEST_F(LifeContract, ARestartPolicyStartsWhatEndedByItself) {
  auto request = agent("restart", Behaviour::fails);
  request.host_config.restart_policy = "on-failure";
  const auto id = run(request);
  engine->until([&] { return count(id, "start") >= 3; });
  const auto details = inspect(id);
  EXPECT_GE(details.restart_count, 2);
  EXPECT_THAT(details.state, AnyOf(ContainerState::running, ContainerState::restarting));
  EXPECT_TRUE(details.running) << "restarting is running, too";
  EXPECT_EQ(conflict_kind(failing(ContainerRemove{id})), ConflictKind::running);
}

TEST_F(LifeContract, OnFailureLeavesAloneWhatEndedWell) {
  auto request = agent("on-failure", Behaviour::ends_well);
  request.host_config.restart_policy = "on-failure";
  const auto details = ended(run(request));
  EXPECT_EQ(details.state, ContainerState::exited);
  EXPECT_EQ(details.restart_count, 0);
}

TEST_F(LifeContract, AKillOrAStopEndsARestartPolicysWork) {
  for (const bool by_kill : {true, false}) {
    auto request = agent(by_kill ? "always-kill" : "always-stop");
    request.host_config.restart_policy = "always";
    const auto id = run(request);
    if (by_kill) {
      kill(id, "KILL");
    } else {
      good<Done>(ContainerStop{.id = id, .timeout = 5s});
    }
    EXPECT_EQ(ended(id).state, ContainerState::exited);
    EXPECT_EQ(count(id, "start"), 1U);
  }
}

TEST_F(LifeContract, AKillReachesOneThatWaitsForItsRestart) {
  auto request = agent("restarting-kill", Behaviour::fails);
  request.host_config.restart_policy = "always";
  const auto id = run(request);
  // The pauses between restarts double: a restarting state is met soon.
  engine->until([&] { return inspect(id).state == ContainerState::restarting && count(id, "die") >= 3; });
  const auto answer = result(ContainerKill{id, "KILL"});
  EXPECT_TRUE(std::holds_alternative<Reply>(answer)) << to_string(std::get<Error>(answer));
  EXPECT_EQ(ended(id).state, ContainerState::exited);
}

TEST_F(LifeContract, AnAutoRemovedOneIsGoneAfterItsEnd) {
  auto request = agent("auto-remove", Behaviour::ends_well);
  request.host_config.auto_remove = true;
  const auto id = run(request);
  actions_until(id, "destroy");
  EXPECT_TRUE(is_gone(id));
  create("auto-remove");
}

TEST_F(LifeContract, AnAutoRemovedOneIsGoneAfterAFailedStart) {
  auto request = agent("auto-remove-failed", Behaviour::missing);
  request.host_config.auto_remove = true;
  request.host_config.init = false;
  const auto id = create(request);
  failing(ContainerStart{id});
  actions_until(id, "destroy");
  EXPECT_TRUE(is_gone(id));
}

TEST_F(LifeContract, AFailedStartIsTriedAgainAndForgotten) {
  auto request = agent("retry");
  const auto directory = engine->make_directory();
  request.host_config.tmpfs.erase("/workspace");
  request.host_config.mounts = {
      {.type = "bind", .source = directory, .target = "/workspace", .read_only = false, .propagation = "rprivate"}};
  const auto id = create(request);
  engine->remove_directory(directory);
  failing(ContainerStart{id});
  engine->make_directory();
  start(id);
  const auto details = inspect(id);
  EXPECT_EQ(details.state, ContainerState::running);
  EXPECT_EQ(details.exit_code, 0);
  EXPECT_EQ(details.error, "");
}

}  // namespace
}  // namespace cofferdam::docker
