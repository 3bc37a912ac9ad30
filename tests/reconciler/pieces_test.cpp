// The machine's smaller rooms: ownership, the create request, read-back, workspaces, ceilings, rollout.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "reconciler/capacity.hpp"
#include "reconciler/create_request.hpp"
#include "reconciler/lanes.hpp"
#include "reconciler/ownership.hpp"
#include "reconciler/readback.hpp"
#include "reconciler/rollout.hpp"
#include "reconciler/workspaces.hpp"

namespace cofferdam::reconciler {
namespace {

const Identity identity{"default", "cofferdam", "1.0"};

std::map<std::string, std::string> agent_labels(const std::string& name) {
  return {{"cofferdam.managed-by", "cofferdam"},
          {"cofferdam.instance", "default"},
          {"cofferdam.role", "agent"},
          {"cofferdam.name", name},
          {"cofferdam.agent", "bot"},
          {"cofferdam.run-hash", "r"},
          {"cofferdam.config-hash", "c"},
          {"cofferdam.schema", "1"},
          {"cofferdam.image-id", "sha256:aa"},
          {"cofferdam.attempt", "3"},
          {"cofferdam.restarts", "2"},
          {"cofferdam.failures", "1"}};
}

TEST(Ownership, NeedsEveryCheck) {
  const auto labels = agent_labels("n");
  const Ownership ours = owner_of("n", "sha256:aa", labels, identity);
  EXPECT_EQ(ours.owner, Owner::agent);
  EXPECT_EQ(ours.agent, "bot");
  EXPECT_EQ(ours.attempt, 3);
  EXPECT_EQ(ours.restarts, 2);
  EXPECT_EQ(ours.failures, 1);
  EXPECT_EQ(owner_of("n", "aa", labels, identity).owner, Owner::agent) << "an engine that leaves the algorithm out";
  EXPECT_EQ(owner_of("other", "sha256:aa", labels, identity).owner, Owner::suspect);
  EXPECT_EQ(owner_of("n", "sha256:bb", labels, identity).owner, Owner::suspect) << "docker commit";
  EXPECT_EQ(owner_of("n", "sha256:aa", {}, identity).owner, Owner::foreign) << "a name alone proves nothing";
  EXPECT_EQ(owner_of("n", "sha256:aa", labels, Identity{"other", "cofferdam", "1"}).owner, Owner::foreign);
  for (const char* key : {"cofferdam.role", "cofferdam.name", "cofferdam.agent", "cofferdam.run-hash", "cofferdam.config-hash",
                          "cofferdam.schema", "cofferdam.image-id", "cofferdam.attempt"}) {
    auto lacking = labels;
    lacking.erase(key);
    EXPECT_EQ(owner_of("n", "sha256:aa", lacking, identity).owner, Owner::suspect) << key;
  }
  for (const char* number : {"0", "-1", "03", "3x", "99999999999999999999", " 3"}) {
    auto odd = labels;
    odd["cofferdam.attempt"] = number;
    EXPECT_EQ(owner_of("n", "sha256:aa", odd, identity).owner, Owner::suspect) << number;
  }
  auto odd = labels;
  odd["cofferdam.agent"] = "../etc";
  EXPECT_EQ(owner_of("n", "sha256:aa", odd, identity).owner, Owner::suspect);
  odd = labels;
  odd["cofferdam.role"] = "probe";
  EXPECT_EQ(owner_of("n", "sha256:aa", odd, identity).owner, Owner::suspect) << "a probe is no agent's";
  odd.erase("cofferdam.agent");
  EXPECT_EQ(owner_of("n", "sha256:aa", odd, identity).owner, Owner::probe);
}

specs::AgentSpec small_spec() {
  specs::AgentSpec spec;
  spec.name = "bot";
  spec.workspace_path = "/srv/cofferdam/workspaces/bot";
  spec.command = std::vector<std::string>{"node", "agent.js"};
  spec.labels = {{"team", "payments"}};
  spec.run_hash = std::string(64, '1');
  return spec;
}

docker::ContainerCreate small_request(const specs::EffectiveContainer& effective, const EngineFacts& engine = {}) {
  specs::ImageFacts image;
  image.id = "sha256:aa";
  image.env_names = {"PATH", "LD_PRELOAD"};
  Attempt attempt;
  attempt.number = 4;
  attempt.restarts = 2;
  attempt.failures = 3;
  attempt.run_hash = "r";
  attempt.config_hash = "c";
  attempt.source = "bot.yaml";
  return create_request(effective, small_spec(), image, {1000, 1001}, attempt, engine, identity);
}

TEST(CreateRequest, WritesOutEveryRowOfTheHardeningTable) {
  specs::Configuration configuration;
  configuration.sandbox.env_whitelist = specs::default_env_whitelist();
  const auto effective = specs::make_effective(small_spec(), configuration).container;
  EngineFacts engine;
  engine.info.security_options = {"name=apparmor", "name=seccomp,profile=default"};
  engine.info.log_drivers = {"json-file", "local"};
  const docker::ContainerCreate request = small_request(effective, engine);
  const docker::ContainerConfig& config = request.config;
  const docker::HostConfig& host = request.host_config;
  EXPECT_EQ(request.name, "cofferdam-default-bot-4");
  EXPECT_EQ(config.image, "sha256:aa");
  EXPECT_EQ(config.user, "1000:1001");
  EXPECT_EQ(config.hostname, "bot");
  EXPECT_EQ(config.working_dir, "/workspace");
  EXPECT_EQ(config.entrypoint, (std::vector<std::string>{"node", "agent.js"}));
  EXPECT_EQ(config.stop_signal, "SIGTERM");
  EXPECT_EQ(config.stop_timeout, 10);
  EXPECT_EQ(config.healthcheck_test, std::vector<std::string>{"NONE"});
  EXPECT_FALSE(config.tty);
  EXPECT_NE(std::find(config.env.begin(), config.env.end(), "LD_PRELOAD"), config.env.end()) << "unset by its bare name";
  EXPECT_EQ(std::find(config.env.begin(), config.env.end(), "PATH"), config.env.end());
  EXPECT_NE(std::find(config.env.begin(), config.env.end(), "AGENT_ID=bot"), config.env.end());

  EXPECT_EQ(host.cap_drop, std::vector<std::string>{"ALL"});
  EXPECT_TRUE(host.cap_add.empty());
  EXPECT_EQ(host.security_opt, (std::vector<std::string>{"no-new-privileges:true", "apparmor=docker-default"}));
  EXPECT_FALSE(host.privileged);
  EXPECT_TRUE(host.readonly_rootfs);
  EXPECT_EQ(host.tmpfs.at("/tmp"), "rw,nosuid,nodev,exec,size=268435456,uid=1000,gid=1001,mode=0700");
  EXPECT_EQ(host.tmpfs.at("/run"), "rw,nosuid,nodev,noexec,size=16777216,uid=1000,gid=1001,mode=0700");
  EXPECT_EQ(host.pids_limit, 100);
  EXPECT_EQ(host.memory, 512 << 20);
  EXPECT_EQ(host.memory_swap, host.memory);
  EXPECT_EQ(host.nano_cpus, 1'000'000'000);
  EXPECT_EQ(host.oom_score_adj, 500);
  EXPECT_EQ(host.ulimits, (std::vector<docker::Ulimit>{{"core", 0, 0}, {"nofile", 1024, 16384}}));
  EXPECT_EQ(host.ipc_mode, "private");
  EXPECT_EQ(host.cgroupns_mode, "private");
  EXPECT_EQ(host.pid_mode + host.uts_mode + host.userns_mode, "");
  EXPECT_EQ(host.network_mode, "bridge");
  EXPECT_FALSE(host.publish_all_ports);
  EXPECT_FALSE(host.masked_paths) << "left out: an empty list would unmask everything";
  EXPECT_EQ(host.log_type, "local");
  EXPECT_EQ(host.log_options, (std::map<std::string, std::string>{{"max-file", "3"}, {"max-size", "10m"}}));
  EXPECT_TRUE(host.init);
  ASSERT_EQ(host.mounts.size(), 1U);
  EXPECT_EQ(host.mounts.front(), (docker::Mount{"bind", "/srv/cofferdam/workspaces/bot", "/workspace", false, "rprivate", true}));
  EXPECT_EQ(host.restart_policy, "no");
  EXPECT_FALSE(host.auto_remove);
  EXPECT_TRUE(host.binds.empty());

  const auto& labels = config.labels;
  EXPECT_EQ(labels.at("cofferdam.label.team"), "payments");
  EXPECT_EQ(labels.at("cofferdam.attempt"), "4");
  EXPECT_EQ(labels.at("cofferdam.restarts"), "2");
  EXPECT_EQ(labels.at("cofferdam.failures"), "3");
  EXPECT_EQ(labels.at("cofferdam.source"), "bot.yaml");
  EXPECT_EQ(owner_of(request.name, "sha256:aa", labels, identity).owner, Owner::agent) << "what we make, we know again";
}

TEST(CreateRequest, FallsBackToJsonFileWhereLocalIsNotOffered) {
  EngineFacts engine;
  engine.info.log_drivers = {"json-file", "journald"};
  EXPECT_EQ(small_request(specs::make_effective(small_spec(), {}).container, engine).host_config.log_type, "json-file");
}

TEST(CreateRequest, LabelsOfASpecCannotTakeOurs) {
  specs::AgentSpec spec = small_spec();
  spec.labels = {{"cofferdam.instance", "evil"}, {"exitCode", "0"}};
  const auto effective = specs::make_effective(spec, {}).container;
  specs::ImageFacts image;
  image.id = "sha256:aa";
  const auto request = create_request(effective, spec, image, {1, 1}, {}, {}, identity);
  EXPECT_EQ(request.config.labels.at("cofferdam.instance"), "default");
  EXPECT_EQ(request.config.labels.count("exitCode"), 0U);
}

TEST(CreateRequest, MakesAProbeThatIsKnownAgain) {
  const auto probe = probe_request("sha256:" + std::string(64, 'b'), 2, identity);
  EXPECT_EQ(probe.name, "cofferdam-default-probe.bbbbbbbbbbbb-2");
  EXPECT_EQ(probe.host_config.network_mode, "none");
  EXPECT_EQ(owner_of(probe.name, "sha256:" + std::string(64, 'b'), probe.config.labels, identity).owner, Owner::probe);
}

struct ReadbackCase {
  std::string field;
  std::function<void(docker::ContainerDetails&)> weaken;
};

TEST(Readback, FindsEveryWeakerField) {
  const auto effective = specs::make_effective(small_spec(), {}).container;
  const docker::ContainerCreate asked = small_request(effective);
  docker::ContainerDetails good;
  good.config = asked.config;
  good.host_config = asked.host_config;
  good.mounts = {{"bind", effective.workspace, "/workspace", true, "rprivate"}};
  EXPECT_TRUE(weaker_fields(asked.host_config, effective, false, good).empty());

  const std::vector<ReadbackCase> cases = {
      {"HostConfig.Memory", [](auto& found) { found.host_config.memory = 0; }},
      {"HostConfig.MemorySwap", [](auto& found) { found.host_config.memory_swap = -1; }},
      {"HostConfig.NanoCpus", [](auto& found) { found.host_config.nano_cpus *= 2; }},
      {"HostConfig.PidsLimit", [](auto& found) { found.host_config.pids_limit.reset(); }},
      {"HostConfig.ShmSize", [](auto& found) { found.host_config.shm_size *= 4; }},
      {"HostConfig.OomScoreAdj", [](auto& found) { found.host_config.oom_score_adj = 0; }},
      {"HostConfig.Ulimits", [](auto& found) { found.host_config.ulimits.clear(); }},
      {"HostConfig.CapDrop", [](auto& found) { found.host_config.cap_drop.clear(); }},
      {"HostConfig.CapAdd", [](auto& found) { found.host_config.cap_add = {"CAP_NET_RAW"}; }},
      {"HostConfig.Privileged", [](auto& found) { found.host_config.privileged = true; }},
      {"HostConfig.SecurityOpt", [](auto& found) { found.host_config.security_opt.clear(); }},
      {"HostConfig.SecurityOpt", [](auto& found) { found.host_config.security_opt.push_back("seccomp=unconfined"); }},
      {"HostConfig.GroupAdd", [](auto& found) { found.host_config.group_add = {"0"}; }},
      {"HostConfig.Devices", [](auto& found) { found.host_config.devices = {"/dev/mem"}; }},
      {"HostConfig.DeviceRequests", [](auto& found) { found.host_config.device_requests = 1; }},
      {"HostConfig.DeviceCgroupRules", [](auto& found) { found.host_config.device_cgroup_rules = 1; }},
      {"HostConfig.Sysctls", [](auto& found) { found.host_config.sysctls = {{"net.x", "1"}}; }},
      {"HostConfig.CgroupParent", [](auto& found) { found.host_config.cgroup_parent = "/x"; }},
      {"HostConfig.IpcMode", [](auto& found) { found.host_config.ipc_mode = "shareable"; }},
      {"HostConfig.CgroupnsMode", [](auto& found) { found.host_config.cgroupns_mode = "host"; }},
      {"HostConfig.PidMode", [](auto& found) { found.host_config.pid_mode = "host"; }},
      {"HostConfig.UTSMode", [](auto& found) { found.host_config.uts_mode = "host"; }},
      {"HostConfig.UsernsMode", [](auto& found) { found.host_config.userns_mode = "host"; }},
      {"HostConfig.NetworkMode", [](auto& found) { found.host_config.network_mode = "host"; }},
      {"HostConfig.PublishAllPorts", [](auto& found) { found.host_config.publish_all_ports = true; }},
      {"HostConfig.PortBindings", [](auto& found) { found.host_config.port_bindings = 1; }},
      {"HostConfig.Links", [](auto& found) { found.host_config.links = {"a:b"}; }},
      {"HostConfig.ReadonlyRootfs", [](auto& found) { found.host_config.readonly_rootfs = false; }},
      {"HostConfig.Binds", [](auto& found) { found.host_config.binds = {"/:/host"}; }},
      {"HostConfig.VolumesFrom", [](auto& found) { found.host_config.volumes_from = {"x"}; }},
      {"Mounts", [](auto& found) { found.mounts.push_back({"bind", "/etc", "/etc", true, ""}); }},
      {"Mounts", [](auto& found) { found.mounts.clear(); }},
      {"HostConfig.Tmpfs", [](auto& found) { found.host_config.tmpfs.clear(); }},
      {"HostConfig.Tmpfs /run", [](auto& found) { found.host_config.tmpfs["/run"] = "rw,nosuid,nodev,size=16777216"; }},
      {"HostConfig.MaskedPaths", [](auto& found) { found.host_config.masked_paths = std::vector<std::string>{}; }},
      {"HostConfig.ReadonlyPaths", [](auto& found) { found.host_config.readonly_paths = std::vector<std::string>{}; }},
      {"HostConfig.RestartPolicy", [](auto& found) { found.host_config.restart_policy = "always"; }},
      {"HostConfig.AutoRemove", [](auto& found) { found.host_config.auto_remove = true; }},
      {"Config.User", [](auto& found) { found.config.user = "node"; }},
      {"Config.User", [](auto& found) { found.config.user = "1000:0"; }},
      {"Config.User", [](auto& found) { found.config.user = "00:1"; }},
  };
  for (const ReadbackCase& one : cases) {
    docker::ContainerDetails found = good;
    one.weaken(found);
    const auto weaker = weaker_fields(asked.host_config, effective, false, found);
    ASSERT_FALSE(weaker.empty()) << one.field;
    EXPECT_EQ(weaker.front().field, one.field) << to_string(weaker.front());
  }
}

TEST(Readback, TakesWhatMeansTheSameForTheSame) {
  const auto effective = specs::make_effective(small_spec(), {}).container;
  const docker::ContainerCreate asked = small_request(effective);
  docker::ContainerDetails found;
  found.config = asked.config;
  found.host_config = asked.host_config;
  found.mounts = {{"bind", effective.workspace, "/workspace", true, "rprivate"}};
  found.host_config.cap_drop = {"CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
                                "CAP_KILL",    "CAP_NET_BIND_SERVICE", "CAP_SETFCAP",   "CAP_SETGID",
                                "CAP_SETPCAP", "CAP_SETUID",           "CAP_SYS_CHROOT"};
  found.host_config.security_opt = {"no-new-privileges"};
  found.host_config.memory /= 2;
  found.host_config.pids_limit = 50;
  found.host_config.restart_policy = "";
  found.host_config.tmpfs["/tmp"] = "nodev,rw,size=268435456,nosuid";
  found.config.user = "0:0";
  EXPECT_TRUE(weaker_fields(asked.host_config, effective, true, found).empty());
}

TEST(Workspaces, AreBusyByWhatIsAtOrInsideThem) {
  Occupancy occupancy;
  occupancy.set({"1", "one", "a"}, {"/srv/a"});
  occupancy.set({"2", "two", ""}, {"/srv/b/inner", "/var/x"});
  occupancy.set({"3", "three", ""}, {"/srv"});
  EXPECT_FALSE(occupancy.occupant_of("/srv/a", "a")) << "its own does not count";
  EXPECT_EQ(occupancy.occupant_of("/srv/a", "b")->name, "one");
  EXPECT_EQ(occupancy.occupant_of("/srv/b", "b")->name, "two");
  EXPECT_FALSE(occupancy.occupant_of("/srv/b-beside", "b"));
  EXPECT_FALSE(occupancy.occupant_of("/srv/b/inner/deeper", "b")) << "an ancestor is a warning only";
  EXPECT_EQ(occupancy.above("/srv/b/inner/deeper", "b")->name, "two");
  EXPECT_EQ(occupancy.above("/srv/zzz", "b")->name, "three");
  EXPECT_TRUE(occupancy.erase("2"));
  EXPECT_FALSE(occupancy.erase("2"));
  EXPECT_FALSE(occupancy.occupant_of("/srv/b", "b"));
}

TEST(Workspaces, HaveRivalsAboveAndBelow) {
  WantedWorkspaces wanted;
  wanted.set("a", "/srv/x");
  wanted.set("b", "/srv/x/y");
  wanted.set("c", "/srv/xy");
  wanted.set("d", "/srv/x");
  EXPECT_EQ(wanted.rivals("a"), (std::vector<std::string>{"b", "d"}));
  EXPECT_EQ(wanted.rivals("b"), (std::vector<std::string>{"a", "d"}));
  EXPECT_TRUE(wanted.rivals("c").empty());
  EXPECT_FALSE(wanted.set("a", "/srv/x")) << "nothing changed";
  EXPECT_TRUE(wanted.set("a", ""));
  EXPECT_EQ(wanted.rivals("b"), std::vector<std::string>{"d"});
}

TEST(Capacity, CountsWhatOthersHold) {
  specs::Policy policy;
  Capacity capacity;
  EXPECT_EQ(capacity.lacking("a", std::int64_t{1} << 40, 0, policy), "") << "no ceiling";
  policy.total_memory_mb = 100;
  policy.total_cpu_limit = 1.5;
  capacity.hold("a", 60 << 20, 1'000'000'000);
  EXPECT_EQ(capacity.lacking("a", 100 << 20, 0, policy), "") << "its own share is its to change";
  EXPECT_NE(capacity.lacking("b", 41 << 20, 0, policy).find("totalMemoryMB"), std::string::npos);
  EXPECT_EQ(capacity.lacking("b", 40 << 20, 500'000'000, policy), "");
  EXPECT_NE(capacity.lacking("b", 1, 600'000'000, policy).find("totalCpuLimit"), std::string::npos);
  EXPECT_TRUE(capacity.release("a"));
  EXPECT_FALSE(capacity.release("a"));
  EXPECT_EQ(capacity.lacking("b", 100 << 20, 0, policy), "");
}

TEST(Lanes, ServeInTurnAndTheUnhurriedLast) {
  Lanes lanes;
  lanes.set_changes(1);
  AgentState a;
  AgentState b;
  AgentState c;
  AgentState d;
  lanes.take(Lane::changes);
  EXPECT_FALSE(lanes.open(Lane::changes));
  lanes.enqueue(Lane::changes, a, true, false);
  lanes.enqueue(Lane::changes, b, false, false);
  lanes.enqueue(Lane::changes, c, true, false);
  lanes.enqueue(Lane::changes, b, false, false);  // keeps its place
  lanes.enqueue(Lane::changes, c, false, false);  // in a hurry by now
  lanes.enqueue(Lane::changes, d, false, true);   // was at the front before
  EXPECT_EQ(lanes.queued(), 4U);
  EXPECT_EQ(lanes.next(Lane::changes), nullptr) << "no room";
  lanes.give_back(Lane::changes);
  EXPECT_FALSE(lanes.open(Lane::changes)) << "room, but others wait";
  lanes.leave(d);
  EXPECT_EQ(lanes.next(Lane::changes), &b);
  EXPECT_EQ(lanes.next(Lane::changes), &c);
  EXPECT_EQ(lanes.next(Lane::changes), &a);
  EXPECT_EQ(lanes.next(Lane::changes), nullptr);
  EXPECT_EQ(lanes.queued(), 0U);
  EXPECT_TRUE(lanes.open(Lane::changes));
}

TEST(CallBudget, LeavesRoomAgainAMinuteAfter) {
  CallBudget budget;
  Monotonic now{std::chrono::hours{1}};
  for (int i = 0; i < 20; ++i) {
    EXPECT_TRUE(budget.left(now));
    budget.count(true, now);
    now += std::chrono::seconds{1};
  }
  EXPECT_FALSE(budget.left(now));
  EXPECT_EQ(budget.left_at(), Monotonic{std::chrono::hours{1}} + std::chrono::minutes{1});
  EXPECT_TRUE(budget.left(*budget.left_at()));
  for (int i = 0; i < 60; ++i) budget.count(false, now);
  EXPECT_FALSE(budget.left(now)) << "looks have a bound of their own";
}

TEST(Rollout, TakesTheLowestNameAndWaitsUntilItIsReady) {
  Rollout rollout;
  Monotonic now{std::chrono::hours{1}};
  EXPECT_EQ(rollout.update("b", true, false, 1, now), std::vector<std::string>{"b"});
  EXPECT_TRUE(rollout.update("a", true, false, 1, now).empty()) << "one at a time";
  EXPECT_TRUE(rollout.turn("b"));
  EXPECT_TRUE(rollout.update("b", false, false, 1, now).empty()) << "replaced, not yet ready";
  EXPECT_EQ(rollout.update("b", false, true, 1, now), std::vector<std::string>{"a"});
  now += std::chrono::minutes{6};
  EXPECT_TRUE(rollout.update("a", false, false, 1, now).empty());
  EXPECT_EQ(rollout.halted_by(), "a");
  EXPECT_TRUE(rollout.update("c", true, false, 1, now).empty());
  EXPECT_EQ(rollout.update("a", false, true, 1, now), std::vector<std::string>{"c"}) << "ready after all";
  EXPECT_EQ(rollout.halted_by(), "");
}

}  // namespace
}  // namespace cofferdam::reconciler
