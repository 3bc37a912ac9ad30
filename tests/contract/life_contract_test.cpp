// The life of a container: which answer each call gives in each state, and what inspect and events then say.

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

#include "docker/json.hpp"
#include "docker/wire.hpp"
#include "tests/contract/engine_contract.hpp"

namespace cofferdam::docker {
namespace {

using namespace std::chrono_literals;
using test::agent;
using test::EventLog;
using test::patient;
using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class LifeContract : public test::Contract {};

TEST_F(LifeContract, StartsOnceAndSaysSoTheSecondTime) {
  const auto id = create("start", patient());
  EXPECT_FALSE(client.good<Done>(ContainerStart{id}).already);
  EXPECT_TRUE(client.good<Done>(ContainerStart{id}).already);
  const auto details = inspect(id);
  EXPECT_EQ(details.state, ContainerState::running);
  EXPECT_TRUE(details.running);
  EXPECT_GT(details.pid, 0);
  EXPECT_TRUE(details.started_at);
  EXPECT_FALSE(details.finished_at);
}

TEST_F(LifeContract, KnowsNoOther) {
  const std::string id(64, 'a');
  for (const auto& request : std::vector<Request>{ContainerStart{id}, ContainerKill{id, "TERM"}, ContainerStop{id, {}},
                                                  ContainerRemove{id}, ContainerInspect{id}, ContainerWait{id}}) {
    const auto error = client.failing(request);
    EXPECT_EQ(error.status, 404) << operation_of(request);
    EXPECT_FALSE(is_no_such_image(error) || is_no_such_network(error)) << error.message;
  }
}

TEST_F(LifeContract, IsNotStartedWithoutItsNetwork) {
  auto request = agent("no-network", patient());
  request.host_config.network_mode = "absent";
  const auto id = create(request);
  const auto error = client.failing(ContainerStart{id});
  EXPECT_EQ(error.status, 404);
  EXPECT_TRUE(is_no_such_network(error)) << error.message;
  EXPECT_EQ(inspect(id).state, ContainerState::created);
  const auto absent = client.failing(NetworkInspect{"absent"});
  EXPECT_EQ(absent.status, 404);
}

TEST_F(LifeContract, WithInitStartsWithAMissingCommandAndEndsWith127) {
  const auto id = create("init-127", {"/no/such/command"});
  client.good<Done>(ContainerStart{id});
  const auto details = wait(id);
  EXPECT_EQ(details.state, ContainerState::exited);
  EXPECT_EQ(details.exit_code, 127);
}

TEST_F(LifeContract, WithoutInitDoesNotStartWithAMissingCommand) {
  for (const auto& [command, code] : {std::pair{"/no/such/command", 127}, {"nocommand", 127}, {"/etc/passwd", 126}}) {
    auto request = agent("no-init", {command});
    request.host_config.init = false;
    const auto id = create(request);
    const auto error = client.failing(ContainerStart{id});
    EXPECT_EQ(error.status, 400) << error.message;
    EXPECT_EQ(start_exit_code(error), code) << error.message;
    const auto details = inspect(id);
    EXPECT_EQ(details.state, ContainerState::created) << "a failed start leaves it created";
    EXPECT_EQ(details.exit_code, code);
    EXPECT_NE(details.error, "");
    EXPECT_FALSE(details.started_at);
    EXPECT_EQ(conflict_kind(client.failing(request)), ConflictKind::name_in_use) << "and its name reserved";
    client.good<Done>(ContainerRemove{id});
  }
}

TEST_F(LifeContract, AUserThatIsNotThereIsNotTheAgentsOwnFailure) {
  auto request = agent("no-user", patient());
  request.config.user = "nobodyhere";
  const auto error = client.failing(ContainerStart{create(request)});
  EXPECT_EQ(start_exit_code(error), 0) << to_string(error);
}

TEST_F(LifeContract, KillReachesOnlyWhatRuns) {
  const auto id = create("kill", patient());
  const auto never = client.failing(ContainerKill{id, "TERM"});
  EXPECT_EQ(conflict_kind(never), ConflictKind::not_running) << never.message;
  client.good<Done>(ContainerStart{id});
  client.good<Done>(ContainerKill{id, "TERM"});
  const auto details = wait(id);
  EXPECT_EQ(details.state, ContainerState::exited);
  EXPECT_EQ(details.exit_code, 0) << "its own trap: a plain exit 0";
  const auto again = client.failing(ContainerKill{id, "KILL"});
  EXPECT_EQ(again.status, 409);
  EXPECT_EQ(conflict_kind(again), ConflictKind::not_running) << again.message;
}

TEST_F(LifeContract, KillAndStopWakeAPausedContainer) {
  const auto first = run("paused-kill", patient());
  pause(first);
  const auto paused = inspect(first);
  EXPECT_EQ(paused.state, ContainerState::paused);
  EXPECT_TRUE(paused.paused);
  client.good<Done>(ContainerKill{first, "KILL"});
  EXPECT_EQ(wait(first).exit_code, 137);
  const auto second = run("paused-stop", patient());
  pause(second);
  client.good<Done>(ContainerStop{.id = second, .timeout = 5s});
  EXPECT_EQ(inspect(second).state, ContainerState::exited);
}

TEST_F(LifeContract, AStopWithoutTimeIsNotAnOutOfMemory) {
  auto request = agent("stop", {"sleep", "3600"});
  request.host_config.init = false;  // as the first process it has no handler of TERM: only KILL ends it
  const auto id = run(request);
  EXPECT_FALSE(client.good<Done>(ContainerStop{.id = id, .timeout = 0s}).already);
  const auto details = inspect(id);
  EXPECT_EQ(details.exit_code, 137);
  EXPECT_FALSE(details.oom_killed);
  EXPECT_TRUE(client.good<Done>(ContainerStop{.id = id, .timeout = 0s}).already);
}

TEST_F(LifeContract, AnOutOfMemoryIsSaid) {
  auto request = agent("oom", {"sh", "-c", "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done"});
  request.host_config.memory = 16LL << 20;
  request.host_config.memory_swap = 16LL << 20;
  const auto details = wait(run(request));
  EXPECT_TRUE(details.oom_killed);
  EXPECT_EQ(details.exit_code, 137);
}

TEST_F(LifeContract, IsRemovedUnforcedOnlyWhenItDoesNotRun) {
  const auto id = run("remove", patient());
  const auto running = client.failing(ContainerRemove{id});
  EXPECT_EQ(running.status, 409);
  EXPECT_EQ(conflict_kind(running), ConflictKind::running) << running.message;
  pause(id);
  const auto paused = client.failing(ContainerRemove{id});
  EXPECT_EQ(paused.status, 409);
  EXPECT_EQ(conflict_kind(paused), ConflictKind::paused) << paused.message;
  client.good<Done>(ContainerKill{id, "KILL"});
  wait(id);
  client.good<Done>(ContainerRemove{id});
  EXPECT_EQ(client.failing(ContainerRemove{id}).status, 404);
}

TEST_F(LifeContract, IsRemovedByForceWhileItRuns) {
  const auto id = run("force", patient());
  client.good<Done>(ContainerRemove{.id = id, .force = true});
  EXPECT_EQ(client.failing(ContainerInspect{id}).status, 404);
}

TEST_F(LifeContract, TwoRemovalsAtOnceEndWellForBoth) {
  const auto id = run("twice", patient());
  std::vector<Result> results;
  for (const CallId call : {1001U, 1002U}) {
    client.engine->start(call, ContainerRemove{.id = id, .force = true}, {},
                         [&](Result result) { results.push_back(std::move(result)); });
  }
  client.run_until([&] { return results.size() == 2; });
  int good = 0;
  for (const auto& result : results) {
    if (const auto* error = std::get_if<Error>(&result)) {
      EXPECT_TRUE(error->status == 404 || conflict_kind(*error) == ConflictKind::removal_in_progress) << to_string(*error);
    } else {
      ++good;
    }
  }
  EXPECT_GE(good, 1);
}

TEST_F(LifeContract, WaitsForTheNextExit) {
  const auto id = create("wait", {"sh", "-c", "exit 42"});
  std::optional<Result> waited;
  client.engine->start(1001, ContainerWait{id}, {}, [&](Result result) { waited = std::move(result); });
  client.good<Done>(ContainerStart{id});
  client.run_until([&] { return waited.has_value(); });
  EXPECT_EQ(std::get<ContainerWaited>(std::get<Reply>(*waited)).exit_code, 42);
}

TEST_F(LifeContract, TellsItsLogFromBothStreams) {
  const auto id = run("logs", {"sh", "-c", "echo one; echo two >&2; echo three"});
  wait(id);
  std::string out;
  std::string err;
  bool ended = false;
  client.engine->logs(
      id, {.follow = true},
      {.on_bytes = [&](LogStream stream, std::string_view bytes) { (stream == LogStream::standard_error ? err : out) += bytes; },
       .on_end =
           [&](const std::optional<Error>& error) {
             EXPECT_FALSE(error);
             ended = true;
           }});
  client.run_until([&] { return ended; });
  EXPECT_EQ(out, "one\nthree\n");
  EXPECT_EQ(err, "two\n");
}

TEST_F(LifeContract, FollowsALogUntilTheEnd) {
  const auto id = run("follow", {"sh", "-c", "trap 'echo bye; exit 0' TERM; echo up; while :; do sleep 0.05; done"});
  std::string out;
  bool ended = false;
  client.engine->logs(id, {.follow = true, .tail = 10},
                      {.on_bytes = [&](LogStream, std::string_view bytes) { out += bytes; },
                       .on_end =
                           [&](const std::optional<Error>& error) {
                             EXPECT_FALSE(error);
                             ended = true;
                           }});
  client.run_until([&] { return out == "up\n"; });
  client.good<Done>(ContainerKill{id, "TERM"});
  client.run_until([&] { return ended; });
  EXPECT_EQ(out, "up\nbye\n");
}

// Events.

TEST_F(LifeContract, EventsComeInTheOrderOfLife) {
  EventLog log(client);
  const auto id = run("events", patient());
  client.good<Done>(ContainerKill{id, "TERM"});
  wait(id);
  client.good<Done>(ContainerRemove{id});
  EXPECT_THAT(log.actions_until(id, "destroy"), ElementsAre("create", "start", "kill", "die", "destroy"));
  EXPECT_GT(log.find(id, "die").time_ns, std::int64_t{1} << 53) << "more than a double holds";
}

TEST_F(LifeContract, AStopTellsKillDieStop) {
  EventLog log(client);
  const auto id = run("stop-events", patient());
  client.good<Done>(ContainerStop{.id = id, .timeout = 10s});
  EXPECT_THAT(log.actions_until(id, "stop"), ElementsAre("create", "start", "kill", "die", "stop"));
}

TEST_F(LifeContract, AFailedStartTellsNeitherStartNorDie) {
  EventLog log(client);
  auto request = agent("failed-start", {"/no/such/command"});
  request.host_config.init = false;
  const auto id = create(request);
  client.failing(ContainerStart{id});
  client.good<Done>(ContainerRemove{id});
  const auto actions = log.actions_until(id, "destroy");
  EXPECT_THAT(actions, Contains("create"));
  EXPECT_THAT(actions, Not(Contains(AnyOf("start", "die"))));
}

TEST_F(LifeContract, EventAttributesAreForgedByAnImagesLabels) {
  EventLog log(client);
  auto request = agent("forged", {"sh", "-c", "exit 42"});
  request.config.image = "traps:labels";
  const auto id = run(request);
  EXPECT_EQ(log.find(id, "die").attributes["exitCode"], "0") << "so nothing that matters is taken from an event";
  EXPECT_EQ(wait(id).exit_code, 42);
}

TEST_F(LifeContract, AnInspectBegunAfterDieIsRight) {
  EventLog log(client);
  const auto id = run("lag", patient());
  client.good<Done>(ContainerKill{id, "KILL"});
  log.find(id, "die");
  // The list may say "running" now; an inspect begun after the event may not.
  const auto details = inspect(id);
  EXPECT_EQ(details.state, ContainerState::exited);
  EXPECT_EQ(details.exit_code, 137);
  EXPECT_TRUE(details.finished_at);
  client.run_until([&] {
    const auto rows = client.good<std::vector<ContainerSummary>>(ContainerList{{"cofferdam.agent=lag"}});
    return rows.size() == 1 && rows[0].state == ContainerState::exited;
  });
}

TEST_F(LifeContract, AnExecsCommandLineStaysOutOfTheAction) {
  EventLog log(client);
  const auto id = run("exec", patient());
  const auto answer = raw.call("POST", "/containers/" + id + "/exec", R"({"Cmd":["echo","s3cret: value"]})");
  ASSERT_EQ(answer.status, 201) << answer.body;
  EXPECT_THAT(log.actions_until(id, "exec_create"), Contains("exec_create"));
}

TEST_F(LifeContract, ARenameAndAnUpdateAreTold) {
  EventLog log(client);
  const auto id = run("renamed", patient());
  EXPECT_EQ(raw.call("POST", "/containers/" + id + "/rename?name=other").status, 204);
  EXPECT_EQ(raw.call("POST", "/containers/" + id + "/update", R"({"ReadonlyRootfs":false,"PidsLimit":90})").status, 200);
  log.find(id, "rename");
  log.find(id, "update");
  const auto details = inspect(id);
  EXPECT_EQ(details.name, "other");
  EXPECT_EQ(details.host_config.pids_limit, 90);
  EXPECT_TRUE(details.host_config.readonly_rootfs) << "dropped without a word";
}

// The engine itself.

TEST_F(LifeContract, TheEngineSaysWhatItIs) {
  EXPECT_EQ(handshake.api_version,
            older_version(handshake.version.api_version, kNewestApi) ? handshake.version.api_version : kNewestApi);
  EXPECT_FALSE(handshake.podman);
  EXPECT_NE(handshake.version.version, "");
  EXPECT_NE(handshake.info.id, "");
  EXPECT_GT(handshake.info.processors, 0);
  EXPECT_GT(handshake.info.memory_bytes, 0);
  EXPECT_TRUE(handshake.info.system_time);
  EXPECT_THAT(handshake.info.log_drivers, Contains("local"));
  EXPECT_THAT(handshake.info.security_options, Contains(HasSubstr("seccomp")));
  EXPECT_THAT(handshake.info.cgroup_version, AnyOf("1", "2"));
  EXPECT_THAT(handshake.info.runtimes, Contains(handshake.info.default_runtime));
}

TEST_F(LifeContract, AVersionThatIsTooNewIsRefusedInWords) {
  const auto answer = raw.call("GET", "/v1.99/info");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(decode_error_message(answer.body), HasSubstr("version"));
}

TEST_F(LifeContract, GoesDownAndComesBack) {
  EventLog log(client);
  const auto id = run("survivor", patient());
  test::engine().kill();
  client.run_until([&] { return log.ended(); });
  const auto down = client.failing(ContainerInspect{id});
  EXPECT_THAT(down.error_class, AnyOf(ErrorClass::refused, ErrorClass::reset));
  test::engine().resume();
  ASSERT_TRUE(std::holds_alternative<Handshake>(client.negotiate()));
  // Without live-restore the engine ends what ran before it answers.
  const auto details = inspect(id);
  EXPECT_FALSE(details.running);
  EXPECT_EQ(details.state, ContainerState::exited);
}

}  // namespace
}  // namespace cofferdam::docker
