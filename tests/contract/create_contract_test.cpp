// What a create does with what it is given, read back and seen from inside.

#include <gmock/gmock.h>

#include <algorithm>
#include <string>

#include "docker/json.hpp"
#include "tests/contract/engine_contract.hpp"

namespace cofferdam::docker {
namespace {

using test::agent;
using test::patient;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

class CreateContract : public test::Contract {};

TEST_F(CreateContract, AnswersWithAFullId) {
  const auto id = create("full-id", patient());
  EXPECT_EQ(id.size(), 64U);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST_F(CreateContract, NeverStartedHasNoTimes) {
  const auto details = inspect(create("no-times", patient()));
  EXPECT_EQ(details.state, ContainerState::created);
  EXPECT_FALSE(details.started_at);
  EXPECT_FALSE(details.finished_at);
  EXPECT_TRUE(details.created);
  EXPECT_EQ(details.name, "no-times");
  EXPECT_EQ(details.pid, 0);
}

TEST_F(CreateContract, ReadsBackWhatWasAsked) {
  const test::TemporaryDirectory workspace;
  auto asked = agent("read-back", patient());
  asked.host_config.tmpfs.erase("/workspace");
  asked.host_config.mounts = {{.type = "bind",
                               .source = workspace.path(),
                               .target = "/workspace",
                               .read_only = false,
                               .propagation = "rprivate",
                               .non_recursive = true}};
  const auto details = inspect(create(asked));
  const auto& host = details.host_config;
  const auto& wanted = asked.host_config;
  EXPECT_EQ(host.cap_drop, wanted.cap_drop);
  EXPECT_THAT(host.cap_add, IsEmpty());
  EXPECT_EQ(host.security_opt, wanted.security_opt);
  EXPECT_FALSE(host.privileged);
  EXPECT_TRUE(host.readonly_rootfs);
  EXPECT_EQ(host.tmpfs, wanted.tmpfs);
  EXPECT_EQ(host.pids_limit, wanted.pids_limit);
  EXPECT_EQ(host.memory, wanted.memory);
  EXPECT_EQ(host.memory_swap, handshake.info.swap_limit ? wanted.memory_swap : -1);
  EXPECT_EQ(host.nano_cpus, wanted.nano_cpus);
  EXPECT_EQ(host.oom_score_adj, wanted.oom_score_adj);
  EXPECT_EQ(host.ulimits, wanted.ulimits);
  EXPECT_EQ(host.ipc_mode, wanted.ipc_mode);
  EXPECT_EQ(host.shm_size, wanted.shm_size);
  EXPECT_EQ(host.cgroupns_mode, wanted.cgroupns_mode);
  EXPECT_EQ(host.pid_mode, "");
  EXPECT_EQ(host.uts_mode, "");
  EXPECT_EQ(host.userns_mode, "");
  EXPECT_EQ(host.network_mode, "none");
  EXPECT_FALSE(host.publish_all_ports);
  EXPECT_EQ(host.log_type, "local");
  EXPECT_EQ(host.log_options, wanted.log_options);
  EXPECT_TRUE(host.init);
  EXPECT_EQ(host.mounts, wanted.mounts);
  EXPECT_EQ(host.restart_policy, "no");
  EXPECT_FALSE(host.auto_remove);
  EXPECT_EQ(host.runtime, handshake.info.default_runtime);
  EXPECT_THAT(host.binds, IsEmpty());
  EXPECT_THAT(host.group_add, IsEmpty());
  EXPECT_THAT(host.devices, IsEmpty());
  EXPECT_EQ(host.device_requests + host.device_cgroup_rules + host.port_bindings, 0U);
  EXPECT_THAT(host.volumes_from, IsEmpty());
  EXPECT_THAT(host.links, IsEmpty());
  EXPECT_THAT(host.sysctls, IsEmpty());
  ASSERT_TRUE(host.masked_paths);
  EXPECT_THAT(*host.masked_paths, AllOf(Contains("/proc/kcore"), Contains("/sys/firmware")));
  ASSERT_TRUE(host.readonly_paths);
  EXPECT_THAT(*host.readonly_paths, Contains("/proc/sys"));
  const auto& config = details.config;
  EXPECT_EQ(config.hostname, asked.config.hostname);
  EXPECT_EQ(config.user, asked.config.user);
  EXPECT_EQ(config.image, asked.config.image);
  EXPECT_EQ(config.working_dir, asked.config.working_dir);
  EXPECT_EQ(config.cmd, asked.config.cmd);
  EXPECT_EQ(config.labels, asked.config.labels);
  EXPECT_EQ(config.stop_signal, "SIGTERM");
  EXPECT_EQ(config.stop_timeout, 10);
  EXPECT_THAT(config.healthcheck_test, ElementsAre("NONE"));
  EXPECT_FALSE(config.tty || config.open_stdin);
}

TEST_F(CreateContract, RunsWithTheHardeningThatWasAsked) {
  auto request = agent("hardened", {"sh", "-c", "grep -E '^(CapEff|CapBnd|NoNewPrivs|Uid|Gid)' /proc/self/status; touch /x"});
  const auto log = log_of(wait(run(request)).id);
  EXPECT_THAT(log, HasSubstr("CapEff:\t0000000000000000"));
  EXPECT_THAT(log, HasSubstr("CapBnd:\t0000000000000000"));
  EXPECT_THAT(log, HasSubstr("NoNewPrivs:\t1"));
  EXPECT_THAT(log, HasSubstr("Uid:\t1000\t1000"));
  EXPECT_THAT(log, HasSubstr("Read-only file system"));
}

TEST_F(CreateContract, WarnsExactlyOfTheLimitsThatThisHostLacks) {
  auto request = agent("warnings", patient());
  const auto created = client.good<ContainerCreated>(request);
  bool swap = false;
  for (const auto& warning : created.warnings) {
    const auto limit = discarded_limit(warning);
    swap = swap || limit == LimitKind::swap;
    EXPECT_TRUE(limit == LimitKind::swap || !limit) << warning;
  }
  EXPECT_EQ(swap, !handshake.info.swap_limit);
  client.good<Done>(ContainerRemove{created.id});
}

TEST_F(CreateContract, DiscardsALimitWithAWarning) {
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

TEST_F(CreateContract, RefusesANameInUse) {
  create("in-use", patient());
  const auto error = client.failing(agent("in-use", patient()));
  EXPECT_EQ(error.status, 409);
  EXPECT_EQ(conflict_kind(error), ConflictKind::name_in_use) << error.message;
}

TEST_F(CreateContract, RefusesAnAbsentImage) {
  auto request = agent("no-image", patient());
  request.config.image = "docker.io/library/absent:1";
  const auto error = client.failing(request);
  EXPECT_EQ(error.status, 404);
  EXPECT_TRUE(is_no_such_image(error)) << error.message;
}

TEST_F(CreateContract, RefusesWhatCannotBe) {
  const auto status_of = [this](const std::function<void(ContainerCreate&)>& spoil) {
    auto request = agent("refused", patient());
    spoil(request);
    return client.failing(request).status;
  };
  EXPECT_EQ(status_of([](auto& request) { request.name = "not a name"; }), 400);
  EXPECT_EQ(status_of([](auto& request) { request.host_config.memory = 1; }), 400);
  EXPECT_EQ(status_of([](auto& request) { request.host_config.cap_add = {"NO_SUCH_CAPABILITY"}; }), 400);
  EXPECT_EQ(status_of([](auto& request) { request.host_config.runtime = "absent"; }), 400);
  EXPECT_EQ(
      status_of([](auto& request) {
        request.host_config.mounts = {{.type = "bind", .source = "/nonexistent", .target = "/workspace", .propagation = {}}};
      }),
      400);
}

TEST_F(CreateContract, TakesAnImageByAPrefixOfItsId) {
  const auto image = client.good<ImageDetails>(ImageInspect{"busybox:test"});
  ASSERT_THAT(image.id, StartsWith("sha256:"));
  const auto hex = image.id.substr(7);
  for (const auto& reference : {hex.substr(0, 12), image.id}) {
    auto request = agent("by-id", patient());
    request.config.image = reference;
    const auto details = inspect(create(request));
    EXPECT_EQ(details.image_id, image.id) << "so such a reference must never come from a spec";
    client.good<Done>(ContainerRemove{details.id});
  }
}

TEST_F(CreateContract, ReadsKeysWithoutRegardToCase) {
  const auto answer = raw.call("POST", "/v1.41/containers/create?name=case",
                               R"({"Image":"busybox:test","HostConfig":{"Privileged":false,"privileged":true}})");
  ASSERT_EQ(answer.status, 201);
  const auto id = std::get<ContainerCreated>(decode_created(answer.body)).id;
  EXPECT_TRUE(inspect(id).host_config.privileged) << "so nothing of a user's may be passed through";
  client.good<Done>(ContainerRemove{id});
}

TEST_F(CreateContract, MergesTheEnvironmentOfTheImage) {
  auto request = agent("environment", {"env"});
  request.config.image = "traps:env";
  request.config.env = {"AGENT_ID=a", "LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV"};
  const auto id = run(request);
  const auto details = wait(id);
  const auto log = log_of(id);
  EXPECT_THAT(log, HasSubstr("CUSTOM=kept"));
  EXPECT_THAT(log, HasSubstr("AGENT_ID=a"));
  EXPECT_THAT(log, HasSubstr("PATH="));
  for (const auto* const name : {"LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV"}) {
    EXPECT_THAT(log, Not(HasSubstr(name))) << "a bare name unsets";
    EXPECT_THAT(details.config.env, Each(Not(StartsWith(std::string(name) + "="))));
  }
}

TEST_F(CreateContract, MergesTheLabelsOfTheImage) {
  auto request = agent("labels", patient());
  request.config.image = "traps:labels";
  const auto details = inspect(create(request));
  EXPECT_THAT(details.config.labels, Contains(Pair("exitCode", "0")));
  EXPECT_THAT(details.config.labels, Contains(Pair("cofferdam.managed-by", "contract"))) << "ours win";
}

TEST_F(CreateContract, ReplacesWhatTheImageChose) {
  auto request = agent("replaced", {"id", "-u"});
  request.config.image = "traps:entry";
  const auto id = run(request);
  EXPECT_EQ(wait(id).config.cmd, request.config.cmd);
  const auto image = client.good<ImageDetails>(ImageInspect{"traps:entry"});
  EXPECT_EQ(image.user, "other");
}

TEST_F(CreateContract, GivesAnImagesVolumesInSpiteOfAReadOnlyRoot) {
  EXPECT_THAT(client.good<ImageDetails>(ImageInspect{"traps:volumes"}).volumes, ElementsAre("/data"));
  auto request = agent("volumes", patient());
  request.config.image = "traps:volumes";
  const auto details = inspect(create(request));
  const auto found =
      std::find_if(details.mounts.begin(), details.mounts.end(), [](const auto& mount) { return mount.destination == "/data"; });
  ASSERT_NE(found, details.mounts.end());
  EXPECT_EQ(found->type, "volume");
  EXPECT_TRUE(found->read_write);
}

TEST_F(CreateContract, ReadsAFileOutOfANeverStartedContainer) {
  const auto id = create("archive", patient());
  const auto file = client.good<ArchiveFile>(ContainerArchive{.id = id, .path = "/etc/passwd"});
  EXPECT_EQ(file.name, "passwd");
  EXPECT_THAT(file.content, HasSubstr("node:x:1000:1000:"));
  const auto absent = client.failing(ContainerArchive{.id = id, .path = "/etc/absent"});
  EXPECT_EQ(absent.status, 404);
  EXPECT_THAT(client.failing(ContainerArchive{.id = id, .path = "/etc"}).message, HasSubstr("is a directory"));
  EXPECT_THAT(client.failing(ContainerArchive{.id = id, .path = "/bin/sh"}).message, HasSubstr("link to busybox"));
}

TEST_F(CreateContract, ListsByAllLabelsTogether) {
  auto request = agent("listed", patient());
  request.config.labels["only"] = "here";
  const auto id = create(request);
  const auto rows = client.good<std::vector<ContainerSummary>>(ContainerList{{"cofferdam.managed-by=contract", "only=here"}});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].id, id);
  EXPECT_EQ(rows[0].name, "listed");
  EXPECT_EQ(rows[0].state, ContainerState::created);
  EXPECT_EQ(rows[0].labels, request.config.labels);
  EXPECT_EQ(rows[0].image, "busybox:test");
  EXPECT_EQ(rows[0].image_id, inspect(id).image_id);
  EXPECT_GT(rows[0].created, 1'600'000'000);
  EXPECT_THAT(client.good<std::vector<ContainerSummary>>(ContainerList{{"only=here", "other=there"}}), IsEmpty());
}

}  // namespace
}  // namespace cofferdam::docker
