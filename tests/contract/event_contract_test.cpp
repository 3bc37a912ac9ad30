// What the engine tells of a container's life, and in which order: of every engine.

#include <chrono>
#include <string>

#include "tests/contract/contract.hpp"

namespace cofferdam::docker {
namespace {

using namespace std::chrono_literals;
using test::Behaviour;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

class EventContract : public test::Contract {};

TEST_F(EventContract, ComeInTheOrderOfLife) {
  const auto id = run("events");
  kill(id, "TERM");
  ended(id);
  remove(id);
  EXPECT_THAT(actions_until(id, "destroy"), ElementsAre("create", "start", "kill", "die", "destroy"));
  EXPECT_GT(event(id, "die").time_ns, std::int64_t{1} << 53) << "more than a double holds";
  EXPECT_LE(event(id, "create").time_ns, event(id, "start").time_ns);
  EXPECT_LE(event(id, "kill").time_ns, event(id, "die").time_ns);
}

TEST_F(EventContract, OfANeverStartedOneAreTwo) {
  const auto id = create("never");
  remove(id);
  EXPECT_THAT(actions_until(id, "destroy"), ElementsAre("create", "destroy"));
}

TEST_F(EventContract, OfAStopAreKillDieStop) {
  const auto id = run("stop-events");
  good<Done>(ContainerStop{.id = id, .timeout = 10s});
  EXPECT_THAT(actions_until(id, "stop"), ElementsAre("create", "start", "kill", "die", "stop"));
}

TEST_F(EventContract, OfAStopThatHadToKillAreTwoKills) {
  const auto id = run("stop-kills", Behaviour::stubborn);
  good<Done>(ContainerStop{.id = id, .timeout = 1s});
  EXPECT_THAT(actions_until(id, "stop"), ElementsAre("create", "start", "kill", "kill", "die", "stop"));
  EXPECT_EQ(inspect(id).exit_code, 137);
}

TEST_F(EventContract, OfAForcedRemovalAreKillDieDestroy) {
  const auto id = run("force-events");
  remove(id, true);
  EXPECT_THAT(actions_until(id, "destroy"), ElementsAre("create", "start", "kill", "die", "destroy"));
  EXPECT_EQ(event(id, "die").attributes["exitCode"], "137");
}

TEST_F(EventContract, SayWhichSignal) {
  const auto id = run("signals", Behaviour::stubborn);
  kill(id, "TERM");
  EXPECT_EQ(event(id, "kill").attributes["signal"], "15");
  const auto other = run("signal-winch");
  kill(other, "WINCH");
  EXPECT_EQ(event(other, "kill").attributes["signal"], "28");
  EXPECT_TRUE(inspect(other).running);
  const auto killed = run("signal-kill");
  kill(killed, "KILL");
  EXPECT_EQ(event(killed, "kill").attributes["signal"], "9");
}

TEST_F(EventContract, CarryTheNameTheImageAndTheLabels) {
  const auto id = create("attributes");
  const auto attributes = event(id, "create").attributes;
  EXPECT_EQ(attributes.at("name"), "attributes");
  EXPECT_EQ(attributes.at("image"), "busybox:test");
  EXPECT_EQ(attributes.at("cofferdam.agent"), "attributes");
}

TEST_F(EventContract, OfAnEndSayItsCode) {
  const auto id = run("code", Behaviour::fails);
  EXPECT_EQ(event(id, "die").attributes["exitCode"], "42");
}

TEST_F(EventContract, AreForgedByAnImagesLabels) {
  auto request = agent("forged", Behaviour::fails);
  request.config.image = "traps:labels";
  const auto id = run(request);
  EXPECT_EQ(event(id, "die").attributes["exitCode"], "0") << "so nothing that matters is taken from an event";
  EXPECT_EQ(ended(id).exit_code, 42);
}

TEST_F(EventContract, OfAFailedStartAreNeitherStartNorDie) {
  auto request = agent("failed-start", Behaviour::missing);
  request.host_config.init = false;
  const auto id = create(request);
  failing(ContainerStart{id});
  remove(id);
  const auto actions = actions_until(id, "destroy");
  EXPECT_THAT(actions, Contains("create"));
  EXPECT_THAT(actions, Not(Contains(AnyOf("start", "die"))));
}

TEST_F(EventContract, TellOfAnOutOfMemory) {
  auto request = agent("oom-events", Behaviour::out_of_memory);
  request.host_config.memory = 16LL << 20;
  request.host_config.memory_swap = 16LL << 20;
  const auto id = run(request);
  EXPECT_EQ(event(id, "oom").action, "oom") << "before the end as a rule, on a busy host after it";
  EXPECT_EQ(event(id, "die").action, "die");
}

TEST_F(EventContract, OfAPauseAndItsEnd) {
  const auto id = run("paused-events");
  engine->pause(id);
  engine->unpause(id);
  EXPECT_THAT(actions_until(id, "unpause"), ElementsAre("create", "start", "pause", "unpause"));
  EXPECT_EQ(inspect(id).state, ContainerState::running);
}

TEST_F(EventContract, OfAKillThatWakesAPausedOne) {
  const auto id = run("paused-killed");
  engine->pause(id);
  kill(id, "TERM");
  ended(id);
  EXPECT_THAT(actions_until(id, "die"), ElementsAre("create", "start", "pause", "kill", "unpause", "die"));
}

TEST_F(EventContract, OfARestartAreAnEndAndAStart) {
  auto request = agent("restart-events", Behaviour::fails);
  request.host_config.restart_policy = "always";
  const auto id = run(request);
  engine->until([&] { return count(id, "start") >= 2; });
  auto actions = actions_until(id, "start");
  actions.resize(4);
  EXPECT_THAT(actions, ElementsAre("create", "start", "die", "start"));
}

TEST_F(EventContract, OfAnExecKeepItsCommandLineOutOfTheAction) {
  const auto id = run("exec");
  engine->exec(id);
  const auto actions = actions_until(id, "exec_start");
  EXPECT_THAT(actions, Contains("exec_create"));
}

TEST_F(EventContract, OfARenameSayTheNewName) {
  const auto id = create("renamed");
  engine->rename(id, "other");
  EXPECT_EQ(event(id, "rename").attributes["name"], "other");
  EXPECT_EQ(inspect(id).name, "other");
  EXPECT_NE(create("renamed"), id) << "and its old name is free";
}

TEST_F(EventContract, OfAnUpdateAreTold) {
  const auto id = create("updated");
  engine->set_restart_policy(id, "always");
  event(id, "update");
  EXPECT_EQ(inspect(id).host_config.restart_policy, "always");
}

TEST_F(EventContract, OfAFailedCreateAreNoCreate) {
  auto request = agent("failed-create");
  request.host_config.runtime = "absent";
  failing(request);
  request = agent("failed-create");
  const auto id = create(request);
  event(id, "create");
  for (const auto& event : engine->events()) {
    if (event.actor != id) {
      EXPECT_NE(event.action, "create");
    }
  }
}

TEST_F(EventContract, AnInspectBegunAfterAStartIsRight) {
  const auto id = create("started");
  bool answered = false;
  engine->call(ContainerStart{id}, [&](const Result&) { answered = true; });
  event(id, "start");
  EXPECT_EQ(inspect(id).state, ContainerState::running);
  engine->until([&] { return answered; });
}

TEST_F(EventContract, AnInspectBegunAfterAnEndIsRightAndAListFollows) {
  const auto id = run("lag");
  kill(id, "KILL");
  event(id, "die");
  // The list may say "running" now; an inspect begun after the event may not.
  const auto details = inspect(id);
  EXPECT_EQ(details.state, ContainerState::exited);
  EXPECT_EQ(details.exit_code, 137);
  EXPECT_TRUE(details.finished_at);
  engine->until([&] {
    const auto rows = list({"cofferdam.agent=lag"});
    return rows.size() == 1 && rows[0].state == ContainerState::exited;
  });
}

}  // namespace
}  // namespace cofferdam::docker
