// What a create does with what it is given, and what inspect and list then say: of every engine.

#include <algorithm>
#include <string>

#include "tests/contract/contract.hpp"

namespace cofferdam::docker {
namespace {

using test::Behaviour;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using ::testing::Pair;
using ::testing::StartsWith;

class CreateContract : public test::Contract {
 protected:
  EngineInfo info() { return good<EngineInfo>(SystemInfo{}); }
  Error refusal_of(const std::function<void(ContainerCreate&)>& spoil) {
    auto request = agent("refused");
    spoil(request);
    return failing(request);
  }
};

TEST_F(CreateContract, AnswersWithAFullId) {
  const auto id = create("full-id");
  EXPECT_EQ(id.size(), 64U);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST_F(CreateContract, NeverStartedHasNoTimes) {
  const auto details = inspect(create("no-times"));
  EXPECT_EQ(details.state, ContainerState::created);
  EXPECT_FALSE(details.running || details.paused || details.dead || details.oom_killed);
  EXPECT_FALSE(details.started_at);
  EXPECT_FALSE(details.finished_at);
  EXPECT_TRUE(details.created);
  EXPECT_EQ(details.name, "no-times");
  EXPECT_EQ(details.pid, 0);
  EXPECT_EQ(details.exit_code, 0);
  EXPECT_EQ(details.restart_count, 0);
  EXPECT_EQ(details.error, "");
}

TEST_F(CreateContract, IsCreatedAtTheEnginesTime) {
  const auto before = info().system_time;
  const auto details = inspect(create("now"));
  const auto after = info().system_time;
  EXPECT_GE(details.created, before);
  EXPECT_LE(details.created, after);
}

TEST_F(CreateContract, ReadsBackTheHostConfigurationThatWasAsked) {
  auto asked = agent("read-back");
  asked.host_config.tmpfs.erase("/workspace");
  asked.host_config.mounts = {{.type = "bind",
                               .source = engine->make_directory(),
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
  EXPECT_EQ(host.memory_swap, info().swap_limit ? wanted.memory_swap : -1);
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
  EXPECT_THAT(host.binds, IsEmpty());
  EXPECT_THAT(host.group_add, IsEmpty());
  EXPECT_THAT(host.devices, IsEmpty());
  EXPECT_EQ(host.device_requests + host.device_cgroup_rules + host.port_bindings, 0U);
  EXPECT_THAT(host.volumes_from, IsEmpty());
  EXPECT_THAT(host.links, IsEmpty());
  EXPECT_THAT(host.sysctls, IsEmpty());
}

TEST_F(CreateContract, FillsInTheRuntimeAndThePathsToHide) {
  const auto host = inspect(create("filled-in")).host_config;
  EXPECT_EQ(host.runtime, info().default_runtime);
  ASSERT_TRUE(host.masked_paths);
  EXPECT_THAT(*host.masked_paths, AllOf(Contains("/proc/kcore"), Contains("/sys/firmware")));
  ASSERT_TRUE(host.readonly_paths);
  EXPECT_THAT(*host.readonly_paths, Contains("/proc/sys"));
}

TEST_F(CreateContract, HidesNothingFromAPrivilegedOne) {
  auto request = agent("privileged");
  request.host_config.privileged = true;
  const auto host = inspect(create(request)).host_config;
  EXPECT_TRUE(host.privileged);
  EXPECT_TRUE(!host.masked_paths || host.masked_paths->empty());
  EXPECT_TRUE(!host.readonly_paths || host.readonly_paths->empty());
}

TEST_F(CreateContract, ReadsBackTheConfigurationThatWasAsked) {
  const auto asked = agent("config");
  const auto config = inspect(create(asked)).config;
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

TEST_F(CreateContract, ShowsABindMountAmongTheMounts) {
  auto request = agent("mounts");
  const auto directory = engine->make_directory();
  request.host_config.tmpfs.erase("/workspace");
  request.host_config.mounts = {
      {.type = "bind", .source = directory, .target = "/workspace", .read_only = true, .propagation = "rprivate"}};
  const auto details = inspect(create(request));
  ASSERT_EQ(details.mounts.size(), 1U);
  EXPECT_EQ(details.mounts[0].type, "bind");
  EXPECT_EQ(details.mounts[0].source, directory);
  EXPECT_EQ(details.mounts[0].destination, "/workspace");
  EXPECT_FALSE(details.mounts[0].read_write);
}

TEST_F(CreateContract, WarnsExactlyOfTheLimitsThatThisHostLacks) {
  const auto created = good<ContainerCreated>(agent("warnings"));
  bool swap = false;
  for (const auto& warning : created.warnings) {
    const auto limit = discarded_limit(warning);
    swap = swap || limit == LimitKind::swap;
    EXPECT_TRUE(limit == LimitKind::swap || !limit) << warning;
  }
  EXPECT_EQ(swap, !info().swap_limit);
  remove(created.id);
}

TEST_F(CreateContract, RefusesANameInUse) {
  const auto id = create("in-use");
  const auto error = failing(agent("in-use"));
  EXPECT_EQ(error.status, 409);
  EXPECT_EQ(conflict_kind(error), ConflictKind::name_in_use) << error.message;
  EXPECT_THAT(error.message, HasSubstr(id)) << "the holder is named";
}

TEST_F(CreateContract, GivesAFreedNameToTheNext) {
  const auto first = create("freed");
  remove(first);
  EXPECT_NE(create("freed"), first);
}

TEST_F(CreateContract, GivesANameToOneOfTwoThatAskAtOnce) {
  std::vector<Result> results;
  for (int i = 0; i < 2; ++i) {
    engine->call(agent("both"), [&](Result answer) { results.push_back(std::move(answer)); });
  }
  engine->until([&] { return results.size() == 2; });
  int created = 0;
  for (const auto& answer : results) {
    if (const auto* error = std::get_if<Error>(&answer)) {
      EXPECT_EQ(conflict_kind(*error), ConflictKind::name_in_use) << error->message;
    } else {
      ++created;
      result(ContainerRemove{std::get<ContainerCreated>(std::get<Reply>(answer)).id});
    }
  }
  EXPECT_EQ(created, 1);
}

TEST_F(CreateContract, RefusesAnAbsentImage) {
  const auto error = refusal_of([](auto& request) { request.config.image = "docker.io/library/absent:1"; });
  EXPECT_EQ(error.status, 404);
  EXPECT_TRUE(is_no_such_image(error)) << error.message;
  EXPECT_THAT(list({"cofferdam.agent=refused"}), IsEmpty());
  create("refused");  // and its name is free
}

TEST_F(CreateContract, RefusesABadName) {
  const auto error = refusal_of([](auto& request) { request.name = "not a name"; });
  EXPECT_EQ(error.status, 400) << error.message;
}

TEST_F(CreateContract, RefusesTooLittleMemory) {
  const auto error = refusal_of([](auto& request) { request.host_config.memory = 1; });
  EXPECT_EQ(error.status, 400) << error.message;
}

TEST_F(CreateContract, RefusesMoreProcessorsThanThereAre) {
  const auto error = refusal_of([](auto& request) { request.host_config.nano_cpus = 4'096'000'000'000; });
  EXPECT_EQ(error.status, 400) << error.message;
}

TEST_F(CreateContract, RefusesAnUnknownCapability) {
  const auto error = refusal_of([](auto& request) { request.host_config.cap_add = {"NO_SUCH_CAPABILITY"}; });
  EXPECT_EQ(error.status, 400) << error.message;
}

TEST_F(CreateContract, RefusesAnUnknownRuntime) {
  const auto error = refusal_of([](auto& request) { request.host_config.runtime = "absent"; });
  EXPECT_EQ(error.status, 400) << error.message;
}

TEST_F(CreateContract, RefusesAMountWithoutItsSource) {
  const auto error = refusal_of([](auto& request) {
    request.host_config.mounts = {{.type = "bind", .source = "/nonexistent", .target = "/workspace", .propagation = {}}};
  });
  EXPECT_EQ(error.status, 400) << error.message;
  EXPECT_THAT(error.message, HasSubstr("bind source path does not exist"));
}

TEST_F(CreateContract, RefusesAnUnknownRestartPolicyAndOneBesideAutoRemove) {
  EXPECT_EQ(refusal_of([](auto& request) { request.host_config.restart_policy = "sometimes"; }).status, 400);
  EXPECT_EQ(refusal_of([](auto& request) {
              request.host_config.restart_policy = "always";
              request.host_config.auto_remove = true;
            }).status,
            400);
}

TEST_F(CreateContract, TakesAnImageByAPrefixOfItsId) {
  const auto image = good<ImageDetails>(ImageInspect{"busybox:test"});
  ASSERT_THAT(image.id, StartsWith("sha256:"));
  const auto hex = image.id.substr(7);
  for (const auto& reference : {hex.substr(0, 12), image.id, image.id.substr(0, 19)}) {
    auto request = agent("by-id");
    request.config.image = reference;
    const auto details = inspect(create(request));
    EXPECT_EQ(details.image_id, image.id) << "so such a reference must never come from a spec";
    EXPECT_EQ(details.config.image, reference);
    remove(details.id);
  }
}

TEST_F(CreateContract, MergesTheEnvironmentOfTheImage) {
  auto request = agent("environment");
  request.config.image = "traps:env";
  request.config.env = {"AGENT_ID=a", "LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV"};
  const auto env = inspect(create(request)).config.env;
  EXPECT_THAT(env, IsSupersetOf({std::string("CUSTOM=kept"), std::string("AGENT_ID=a")}));
  EXPECT_THAT(env, Contains(StartsWith("PATH=")));
  for (const auto* const name : {"LD_PRELOAD", "NODE_OPTIONS", "BASH_ENV"}) {
    EXPECT_THAT(env, Each(Not(StartsWith(std::string(name) + "=")))) << "a bare name unsets";
  }
}

TEST_F(CreateContract, KeepsOfTheEnvironmentWhatIsNotUnset) {
  auto request = agent("inherited");
  request.config.image = "traps:env";
  request.config.env = {"CUSTOM=ours"};
  const auto env = inspect(create(request)).config.env;
  EXPECT_THAT(env, AllOf(Contains("CUSTOM=ours"), Not(Contains("CUSTOM=kept")), Contains(StartsWith("LD_PRELOAD="))));
}

TEST_F(CreateContract, MergesTheLabelsOfTheImage) {
  auto request = agent("labels");
  request.config.image = "traps:labels";
  const auto details = inspect(create(request));
  EXPECT_THAT(details.config.labels, Contains(Pair("exitCode", "0")));
  EXPECT_THAT(details.config.labels, Contains(Pair("cofferdam.managed-by", "contract"))) << "ours win";
  EXPECT_THAT(list({"cofferdam.agent=labels", "signal=9"}), ::testing::SizeIs(1)) << "a list filters by an image's, too";
}

TEST_F(CreateContract, TakesTheUserOfTheImageWhereNoneIsAsked) {
  EXPECT_EQ(good<ImageDetails>(ImageInspect{"traps:entry"}).user, "other");
  auto request = agent("user");
  request.config.image = "traps:entry";
  EXPECT_EQ(inspect(create(request)).config.user, "1000:1000");
  request = agent("user-of-image");
  request.config.image = "traps:entry";
  request.config.user = "";
  EXPECT_EQ(inspect(create(request)).config.user, "other");
}

TEST_F(CreateContract, GivesAnImagesVolumesInSpiteOfAReadOnlyRoot) {
  EXPECT_THAT(good<ImageDetails>(ImageInspect{"traps:volumes"}).volumes, ElementsAre("/data"));
  auto request = agent("volumes");
  request.config.image = "traps:volumes";
  const auto details = inspect(create(request));
  const auto found =
      std::find_if(details.mounts.begin(), details.mounts.end(), [](const auto& mount) { return mount.destination == "/data"; });
  ASSERT_NE(found, details.mounts.end());
  EXPECT_EQ(found->type, "volume");
  EXPECT_TRUE(found->read_write);
}

TEST_F(CreateContract, ReadsAFileOutOfANeverStartedContainer) {
  const auto id = create("archive");
  const auto file = good<ArchiveFile>(ContainerArchive{.id = id, .path = "/etc/passwd"});
  EXPECT_EQ(file.name, "passwd");
  EXPECT_THAT(file.content, HasSubstr("node:x:1000:1000:"));
  EXPECT_EQ(failing(ContainerArchive{.id = id, .path = "/etc/absent"}).status, 404);
  EXPECT_EQ(failing(ContainerArchive{.id = std::string(64, 'a'), .path = "/etc/passwd"}).status, 404);
}

TEST_F(CreateContract, ListsByAllLabelsTogether) {
  auto request = agent("listed");
  request.config.labels["only"] = "here";
  const auto id = create(request);
  create("unlisted");
  const auto rows = list({"cofferdam.managed-by=contract", "only=here"});
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].id, id);
  EXPECT_EQ(rows[0].name, "listed");
  EXPECT_EQ(rows[0].state, ContainerState::created);
  EXPECT_EQ(rows[0].labels, request.config.labels);
  EXPECT_EQ(rows[0].image, "busybox:test");
  EXPECT_EQ(rows[0].image_id, inspect(id).image_id);
  EXPECT_GT(rows[0].created, 1'600'000'000);
  EXPECT_THAT(list({"only=here", "other=there"}), IsEmpty());
  EXPECT_THAT(list({"only"}), ::testing::SizeIs(1)) << "a key alone";
}

TEST_F(CreateContract, ListsWhatDoesNotRunToo) {
  create("listed-created");
  const auto exited = run("listed-exited", Behaviour::ends_well);
  ended(exited);
  const auto paused = run("listed-paused");
  engine->pause(paused);
  std::map<std::string, ContainerState> states;
  engine->until([&] {
    states.clear();
    for (const auto& row : list({})) states[row.name] = row.state;
    return states["listed-exited"] == ContainerState::exited && states["listed-paused"] == ContainerState::paused;
  });
  EXPECT_EQ(states["listed-created"], ContainerState::created);
}

TEST_F(CreateContract, FindsAContainerByItsNameAndByAPrefixOfItsId) {
  const auto id = create("by-name");
  EXPECT_EQ(inspect("by-name").id, id);
  EXPECT_EQ(inspect(id.substr(0, 12)).id, id);
  EXPECT_TRUE(is_gone("by-nam")) << "no prefix of a name";
}

TEST_F(CreateContract, KnowsItsNetworks) {
  EXPECT_EQ(good<NetworkDetails>(NetworkInspect{"none"}).driver, "null");
  EXPECT_EQ(good<NetworkDetails>(NetworkInspect{"bridge"}).driver, "bridge");
  EXPECT_EQ(failing(NetworkInspect{"absent"}).status, 404);
  EXPECT_THAT(inspect(create("networks")).networks, ElementsAre(Pair("none", ::testing::_)));
}

TEST_F(CreateContract, TheEngineSaysWhatItIs) {
  const auto about = info();
  EXPECT_NE(about.id, "");
  EXPECT_GT(about.processors, 0);
  EXPECT_GT(about.memory_bytes, 0);
  EXPECT_TRUE(about.system_time);
  EXPECT_THAT(about.log_drivers, Contains("local"));
  EXPECT_THAT(about.security_options, Contains(HasSubstr("seccomp")));
  EXPECT_THAT(about.cgroup_version, ::testing::AnyOf("1", "2"));
  EXPECT_THAT(about.runtimes, Contains(about.default_runtime));
  const auto version = good<EngineVersion>(SystemVersion{});
  EXPECT_NE(version.version, "");
  EXPECT_NE(version.api_version, "");
  EXPECT_NE(version.min_api_version, "");
  EXPECT_EQ(version.os, "linux");
}

}  // namespace
}  // namespace cofferdam::docker
