// What only a real daemon can answer: the kernel's side of a container, its streams, and the words of the wire.

#include <gmock/gmock.h>

#include <optional>
#include <string>

#include "docker/json.hpp"
#include "docker/wire.hpp"
#include "tests/contract/transport_contract.hpp"

namespace cofferdam::docker {
namespace {

using test::agent;
using test::patient;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class WireContract : public test::TransportContract {};

TEST_F(WireContract, RunsWithTheHardeningThatWasAsked) {
  auto request = agent("hardened", {"sh", "-c", "grep -E '^(CapEff|CapBnd|NoNewPrivs|Uid|Gid)' /proc/self/status; touch /x"});
  const auto log = log_of(wait(run(request)).id);
  EXPECT_THAT(log, HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(log, HasSubstr("CapBnd:\t0000000000000000"));
  EXPECT_THAT(log, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(log, HasSubstr("Uid:\t1000\t1000"));
  EXPECT_THAT(log, HasSubstr("Read-only file system"));
}

TEST_F(WireContract, DiscardsALimitWithAWarning) {
  // Removed from recent kernels: every engine says so.
  const auto answer = raw.call("POST", "/v1.41/containers/create?name=discarded",
                               R"({"Image":"busybox:test","HostConfig":{"MemorySwappiness":1,"OomKillDisable":true}})");
  ASSERT_EQ(answer.status, 201) << answer.body;
  const auto created = std::get<ContainerCreated>(decode_created(answer.body));
  if (!handshake.info.oom_kill_disable) {
    EXPECT_THAT(created.warnings, Not(IsEmpty()));
  }
  client.good<Done>(ContainerRemove{created.id});
}

TEST_F(WireContract, ReadsKeysWithoutRegardToCase) {
  const auto answer = raw.call("POST", "/v1.41/containers/create?name=case",
                               R"({"Image":"busybox:test","HostConfig":{"Privileged":false,"privileged":true}})");
  ASSERT_EQ(answer.status, 201);
  const auto id = std::get<ContainerCreated>(decode_created(answer.body)).id;
  EXPECT_TRUE(inspect(id).host_config.privileged) << "so nothing of a user's may be passed through";
  client.good<Done>(ContainerRemove{id});
}

TEST_F(WireContract, ReplacesWhatTheImageChose) {
  auto request = agent("replaced", {"id", "-u"});
  request.config.image = "traps:entry";
  const auto id = run(request);
  EXPECT_EQ(wait(id).config.cmd, request.config.cmd);
  const auto image = client.good<ImageDetails>(ImageInspect{"traps:entry"});
  EXPECT_EQ(image.user, "other");
}

TEST_F(WireContract, WaitsForTheNextExit) {
  const auto id = create("wait", {"sh", "-c", "exit 42"});
  std::optional<Result> waited;
  client.engine->start(1001, ContainerWait{id}, {}, [&](Result result) { waited = std::move(result); });
  client.good<Done>(ContainerStart{id});
  client.run_until([&] { return waited.has_value(); });
  EXPECT_EQ(std::get<ContainerWaited>(std::get<Reply>(*waited)).exit_code, 42);
}

TEST_F(WireContract, TellsItsLogFromBothStreams) {
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

TEST_F(WireContract, FollowsALogUntilTheEnd) {
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

TEST_F(WireContract, AWaitForWhatIsNotThereIsNotFound) {
  EXPECT_EQ(client.failing(ContainerWait{std::string(64, 'a')}).status, 404);
}

TEST_F(WireContract, AnArchiveIsOfOneRegularFile) {
  const auto id = create("archive", patient());
  EXPECT_THAT(client.failing(ContainerArchive{.id = id, .path = "/etc"}).message, HasSubstr("is a directory"));
  EXPECT_THAT(client.failing(ContainerArchive{.id = id, .path = "/bin/sh"}).message, HasSubstr("link to busybox"));
}

TEST_F(WireContract, TheEnvironmentOfTheImageIsMergedInside) {
  auto request = agent("environment", {"env"});
  request.config.image = "traps:env";
  request.config.env = {"AGENT_ID=a", "LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV"};
  const auto id = run(request);
  wait(id);
  const auto log = log_of(id);
  EXPECT_THAT(log, AllOf(HasSubstr("CUSTOM=kept"), HasSubstr("AGENT_ID=a"), HasSubstr("PATH=")));
  for (const auto* const name : {"LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV"}) {
    EXPECT_THAT(log, Not(HasSubstr(name))) << "a bare name unsets";
  }
}

TEST_F(WireContract, AnUpdateDropsWhatItDoesNotKnowWithoutAWord) {
  const auto id = run("updated", patient());
  EXPECT_EQ(raw.call("POST", "/containers/" + id + "/update", R"({"ReadonlyRootfs":false,"PidsLimit":90})").status, 200);
  const auto details = inspect(id);
  EXPECT_EQ(details.host_config.pids_limit, 90);
  EXPECT_TRUE(details.host_config.readonly_rootfs) << "dropped without a word";
}

TEST_F(WireContract, TheHandshakeTakesTheOlderOfTwoVersions) {
  EXPECT_EQ(handshake.api_version,
            older_version(handshake.version.api_version, kNewestApi) ? handshake.version.api_version : kNewestApi);
  EXPECT_FALSE(handshake.podman);
}

TEST_F(WireContract, AVersionThatIsTooNewIsRefusedInWords) {
  const auto answer = raw.call("GET", "/v1.99/info");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(decode_error_message(answer.body), HasSubstr("version"));
}

}  // namespace
}  // namespace cofferdam::docker
