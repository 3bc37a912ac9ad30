#include "specs/effective.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace cofferdam::specs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

constexpr std::int64_t mib = 1024 * 1024;

AgentSpec smallest() {
  AgentSpec spec;
  spec.name = "bot";
  spec.workspace_path = "/srv/cofferdam/workspaces/bot";
  spec.command = {"node", "agent.js"};
  return spec;
}

Configuration configured() {
  Configuration configuration;
  configuration.sandbox.env_whitelist = {"AGENT_ID", "TASK_ID", "LOG_LEVEL", "NODE_OPTIONS"};
  return configuration;
}

EffectiveContainer effective(const AgentSpec& spec, const Configuration& configuration = configured()) {
  return make_effective(spec, configuration).container;
}

// Defaults

TEST(Effective, SmallestSpecGetsEveryDefault) {
  const EffectiveContainer container = effective(smallest());
  EXPECT_EQ(container.agent, "bot");
  EXPECT_EQ(container.task, "bot");
  EXPECT_EQ(container.image, "docker.io/library/node:20-alpine");
  EXPECT_EQ(container.entrypoint, (std::vector<std::string>{"node", "agent.js"}));
  EXPECT_EQ(container.cmd, std::nullopt);
  EXPECT_THAT(container.env, ElementsAre(Pair("AGENT_ID", "bot"), Pair("HOME", "/tmp"), Pair("TASK_ID", "bot")));
  EXPECT_EQ(container.workspace, "/srv/cofferdam/workspaces/bot");
  EXPECT_FALSE(container.workspace_read_only);
  EXPECT_EQ(container.user, "node:node");
  EXPECT_EQ(container.memory_bytes, 512 * mib);
  EXPECT_EQ(container.nano_cpus, 1'000'000'000);
  EXPECT_EQ(container.network, "bridge");
  EXPECT_THAT(container.tmpfs,
              ElementsAre(Pair("/run", EffectiveTmpfs{16 * mib, false}), Pair("/tmp", EffectiveTmpfs{256 * mib, true})));
  EXPECT_EQ(container.shm_bytes, 64 * mib);
  EXPECT_THAT(container.cap_drop, ElementsAre("ALL"));
  EXPECT_THAT(container.cap_add, IsEmpty());
  EXPECT_TRUE(container.readonly_rootfs);
  EXPECT_EQ(container.pids_limit, 100);
  EXPECT_TRUE(container.no_new_privileges);
  EXPECT_EQ(container.seccomp_profile, "default");
  EXPECT_EQ(container.seccomp_content, "");
  EXPECT_EQ(container.runtime, "default");
  EXPECT_EQ(container.log_driver, "local");
  EXPECT_EQ(container.log_max_size_mb, 10);
  EXPECT_EQ(container.log_max_files, 3);
}

TEST(Effective, ConfigurationChangesEachDefault) {
  Configuration configuration = configured();
  configuration.sandbox.default_image = "ghcr.io/acme/agent:1";
  configuration.sandbox.default_memory_mb = 128;
  configuration.sandbox.default_cpu_limit = 0.5;
  configuration.sandbox.network_mode = "none";
  configuration.sandbox.user = "1000:1000";
  configuration.sandbox.security = {{"cap_net_raw", "CHOWN"}, {"kill"}, false, 7, false};
  configuration.sandbox.log_driver = "journald";
  configuration.sandbox.log_max_size_mb = 1;
  configuration.sandbox.log_max_files = 2;
  const EffectiveContainer container = effective(smallest(), configuration);
  EXPECT_EQ(container.image, "ghcr.io/acme/agent:1");
  EXPECT_EQ(container.memory_bytes, 128 * mib);
  EXPECT_EQ(container.nano_cpus, 500'000'000);
  EXPECT_EQ(container.network, "none");
  EXPECT_EQ(container.user, "1000:1000");
  EXPECT_THAT(container.cap_drop, ElementsAre("CHOWN", "NET_RAW"));
  EXPECT_THAT(container.cap_add, ElementsAre("KILL"));
  EXPECT_FALSE(container.readonly_rootfs);
  EXPECT_EQ(container.pids_limit, 7);
  EXPECT_FALSE(container.no_new_privileges);
  EXPECT_EQ(container.log_driver, "journald");
  EXPECT_EQ(container.log_max_size_mb, 1);
  EXPECT_EQ(container.log_max_files, 2);
}

TEST(Effective, SpecOverridesEachFieldAndLeavesTheOthers) {
  AgentSpec spec = smallest();
  spec.task_id = "PAY-1";
  spec.image = "busybox";
  spec.args = std::vector<std::string>{"-x"};
  spec.user = "app";
  spec.memory_mb = 6;
  spec.cpu_limit = 0.25;
  spec.network_mode = "none";
  spec.shm_size_mb = 1;
  spec.workspace_read_only = true;
  spec.security.cap_add = std::vector<std::string>{"NET_RAW", "KILL", "NET_RAW"};
  spec.security.pids_limit = 0;
  spec.security.no_new_privileges = false;
  spec.security.runtime = "runsc";
  const EffectiveContainer container = effective(spec);
  EXPECT_EQ(container.task, "PAY-1");
  EXPECT_EQ(container.env.at("TASK_ID"), "PAY-1");
  EXPECT_EQ(container.image, "docker.io/library/busybox:latest");
  EXPECT_EQ(container.cmd, std::vector<std::string>{"-x"});
  EXPECT_EQ(container.user, "app");
  EXPECT_EQ(container.memory_bytes, 6 * mib);
  EXPECT_EQ(container.nano_cpus, 250'000'000);
  EXPECT_EQ(container.network, "none");
  EXPECT_EQ(container.shm_bytes, mib);
  EXPECT_TRUE(container.workspace_read_only);
  EXPECT_THAT(container.cap_add, ElementsAre("KILL", "NET_RAW"));
  EXPECT_THAT(container.cap_drop, ElementsAre("ALL")) << "security falls back field by field";
  EXPECT_EQ(container.pids_limit, std::nullopt) << "0 is no limit";
  EXPECT_FALSE(container.no_new_privileges);
  EXPECT_TRUE(container.readonly_rootfs);
  EXPECT_EQ(container.runtime, "runsc");
}

TEST(Effective, SeccompProfileBringsItsContent) {
  Configuration configuration = configured();
  configuration.policy.seccomp_profiles = {{"strict", "/etc/strict.json"}};
  configuration.policy.seccomp_profile_contents = {{"strict", R"({"defaultAction":"SCMP_ACT_ERRNO"})"}};
  AgentSpec spec = smallest();
  spec.security.seccomp_profile = "strict";
  EXPECT_EQ(effective(spec, configuration).seccomp_content, R"({"defaultAction":"SCMP_ACT_ERRNO"})");
  spec.security.seccomp_profile = "other";
  EXPECT_EQ(effective(spec, configuration).seccomp_content, "");
}

TEST(Effective, ImageThatDoesNotParseStaysAsWritten) {
  AgentSpec spec = smallest();
  spec.image = "UPPER CASE";
  EXPECT_EQ(effective(spec).image, "UPPER CASE");
}

// Environment

TEST(Effective, FilteredVariablesAreNamedAndNotPassed) {
  AgentSpec spec = smallest();
  spec.env = {{"LOG_LEVEL", "debug"}, {"SECRET", "hush"}, {"AGENT_ID", "other"}};
  const Effective result = make_effective(spec, configured());
  EXPECT_EQ(result.container.env.at("LOG_LEVEL"), "debug");
  EXPECT_EQ(result.container.env.at("AGENT_ID"), "bot");
  EXPECT_FALSE(result.container.env.contains("SECRET"));
  EXPECT_THAT(result.filtered, ElementsAre("AGENT_ID", "SECRET"));
}

TEST(Effective, HomeIsTheSpecsOnlyWhereTheAllowListHasIt) {
  AgentSpec spec = smallest();
  spec.env = {{"HOME", "/workspace"}};
  EXPECT_EQ(effective(spec).env.at("HOME"), "/tmp");
  Configuration configuration = configured();
  configuration.sandbox.env_whitelist_add = {"HOME"};
  EXPECT_EQ(effective(spec, configuration).env.at("HOME"), "/workspace");
}

// tmpfs

TEST(Effective, TmpfsOfTheSpecAddsToTheDefaults) {
  AgentSpec spec = smallest();
  spec.tmpfs = {
      {"/tmp", {32, std::nullopt}}, {"/cache", {std::nullopt, true}}, {"/var/run", {8, std::nullopt}}, {"/scratch", {}}};
  EXPECT_THAT(effective(spec).tmpfs,
              ElementsAre(Pair("/cache", EffectiveTmpfs{64 * mib, true}), Pair("/run", EffectiveTmpfs{16 * mib, false}),
                          Pair("/scratch", EffectiveTmpfs{64 * mib, false}), Pair("/tmp", EffectiveTmpfs{32 * mib, true}),
                          Pair("/var/run", EffectiveTmpfs{8 * mib, false})));
}

TEST(Effective, TmpIsExecWhileTheWorkspaceIsWritableUnlessTheSpecSays) {
  AgentSpec spec = smallest();
  EXPECT_TRUE(effective(spec).tmpfs.at("/tmp").exec);
  spec.workspace_read_only = true;
  EXPECT_FALSE(effective(spec).tmpfs.at("/tmp").exec);
  spec.tmpfs = {{"/tmp", {std::nullopt, true}}};
  EXPECT_TRUE(effective(spec).tmpfs.at("/tmp").exec);
  spec.workspace_read_only = false;
  spec.tmpfs = {{"/tmp", {std::nullopt, false}}};
  EXPECT_FALSE(effective(spec).tmpfs.at("/tmp").exec);
}

TEST(Effective, TmpWithoutADefaultFollowsTheWorkspaceToo) {
  Configuration configuration = configured();
  configuration.sandbox.tmpfs.clear();
  AgentSpec spec = smallest();
  EXPECT_THAT(effective(spec, configuration).tmpfs, IsEmpty());
  spec.tmpfs = {{"/tmp", {}}};
  EXPECT_TRUE(effective(spec, configuration).tmpfs.at("/tmp").exec);
  spec.workspace_read_only = true;
  EXPECT_FALSE(effective(spec, configuration).tmpfs.at("/tmp").exec);
}

TEST(Effective, ReadOnlyWorkspaceChangesNoOtherTmpfs) {
  Configuration configuration = configured();
  configuration.sandbox.tmpfs["/opt"] = {1, true};
  AgentSpec spec = smallest();
  spec.workspace_read_only = true;
  EXPECT_TRUE(effective(spec, configuration).tmpfs.at("/opt").exec);
}

// Numbers

TEST(Effective, NanoCpusAreTheFloorOfWhatWasWritten) {
  const std::vector<std::pair<double, std::int64_t>> cases{{1.0, 1'000'000'000},
                                                           {0.01, 10'000'000},
                                                           {0.1, 100'000'000},
                                                           {0.29, 290'000'000},
                                                           {0.57, 570'000'000},
                                                           {1.1, 1'100'000'000},
                                                           {2.675, 2'675'000'000},
                                                           {0.123456789, 123'456'789},
                                                           {0.1234567899, 123'456'789},
                                                           {0.9999999999, 999'999'999},
                                                           {1e-9, 1},
                                                           {9e-10, 0},
                                                           {64.0, 64'000'000'000},
                                                           {1234567.000000001, 1'234'567'000'000'001},
                                                           {0.0, 0},
                                                           {-1.0, 0},
                                                           {std::nan(""), 0},
                                                           {1e-320, 0}};
  for (const auto& [cpus, nanos] : cases) EXPECT_EQ(nano_cpus_of(cpus), nanos) << cpus;
  EXPECT_EQ(nano_cpus_of(1e300), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(nano_cpus_of(std::numeric_limits<double>::infinity()), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(nano_cpus_of(8.9e9), 8'900'000'000'000'000'000);
}

TEST(Effective, EveryHundredthOfAProcessorIsExact) {
  for (int hundredths = 1; hundredths <= 10000; ++hundredths) {
    const std::string digits =
        std::to_string(hundredths / 100) + '.' + (hundredths % 100 < 10 ? "0" : "") + std::to_string(hundredths % 100);
    EXPECT_EQ(nano_cpus_of(std::stod(digits)), std::int64_t{hundredths} * 10'000'000) << digits;
  }
}

TEST(Effective, MemoryThatNoNumberHoldsIsTheMost) {
  AgentSpec spec = smallest();
  spec.memory_mb = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(effective(spec).memory_bytes, std::numeric_limits<std::int64_t>::max());
  spec.memory_mb = -1;
  EXPECT_EQ(effective(spec).memory_bytes, 0);
}

// The hash

EffectiveContainer full() {
  EffectiveContainer c;
  c.agent = "bot";
  c.task = "PAY-1";
  c.image = "docker.io/library/node:20-alpine";
  c.entrypoint = {"node"};
  c.cmd = {"agent.js"};
  c.env = {{"AGENT_ID", "bot"}, {"HOME", "/tmp"}, {"TASK_ID", "PAY-1"}};
  c.workspace = "/srv/cofferdam/workspaces/bot";
  c.user = "node:node";
  c.memory_bytes = 512 * mib;
  c.nano_cpus = 1'000'000'000;
  c.network = "bridge";
  c.tmpfs = {{"/tmp", {256 * mib, true}}};
  c.shm_bytes = 64 * mib;
  c.cap_drop = {"ALL"};
  c.pids_limit = 100;
  return c;
}

TEST(ConfigHash, IsTheSameInEveryBuild) {
  // A change of this value replaces every agent's container at the next controller's start, unless config_schema changes
  // with it: then only run-hashes are compared.
  EXPECT_EQ(config_schema, 1);
  EXPECT_EQ(config_hash(full()), "606d82dbed7d151640c19ad9f658a114c13b5673d1fc898b1a1b7a9c84801a42");
}

TEST(ConfigHash, ChangesWithEachField) {
  using Change = std::pair<const char*, std::function<void(EffectiveContainer&)>>;
  const std::vector<Change> changes{
      {"nothing", [](auto&) {}},
      {"agent", [](auto& c) { c.agent = "bot2"; }},
      {"task", [](auto& c) { c.task = "PAY-2"; }},
      {"image", [](auto& c) { c.image = "docker.io/library/node:22-alpine"; }},
      {"entrypoint", [](auto& c) { c.entrypoint = {"node", "--"}; }},
      {"entrypoint unset", [](auto& c) { c.entrypoint.reset(); }},
      {"entrypoint empty", [](auto& c) { c.entrypoint = std::vector<std::string>{}; }},
      {"cmd", [](auto& c) { c.cmd = {"other.js"}; }},
      {"cmd unset", [](auto& c) { c.cmd.reset(); }},
      {"cmd empty", [](auto& c) { c.cmd = std::vector<std::string>{}; }},
      {"env added", [](auto& c) { c.env["LANG"] = "C"; }},
      {"env value", [](auto& c) { c.env["HOME"] = "/workspace"; }},
      {"env name", [](auto& c) { c.env.erase("HOME"); }},
      {"workspace", [](auto& c) { c.workspace += "2"; }},
      {"workspace read-only", [](auto& c) { c.workspace_read_only = true; }},
      {"user", [](auto& c) { c.user = "1000:1000"; }},
      {"memory", [](auto& c) { c.memory_bytes += 1; }},
      {"cpus", [](auto& c) { c.nano_cpus += 1; }},
      {"network", [](auto& c) { c.network = "none"; }},
      {"tmpfs target", [](auto& c) { c.tmpfs["/run"] = {}; }},
      {"tmpfs size", [](auto& c) { c.tmpfs["/tmp"].size_bytes += 1; }},
      {"tmpfs exec", [](auto& c) { c.tmpfs["/tmp"].exec = false; }},
      {"shm", [](auto& c) { c.shm_bytes += 1; }},
      {"cap drop", [](auto& c) { c.cap_drop = {}; }},
      {"cap add", [](auto& c) { c.cap_add = {"KILL"}; }},
      {"caps swapped", [](auto& c) { std::swap(c.cap_drop, c.cap_add); }},
      {"rootfs", [](auto& c) { c.readonly_rootfs = false; }},
      {"pids", [](auto& c) { c.pids_limit = 101; }},
      {"pids unset", [](auto& c) { c.pids_limit.reset(); }},
      {"new privileges", [](auto& c) { c.no_new_privileges = false; }},
      {"seccomp", [](auto& c) { c.seccomp_profile = "strict"; }},
      {"seccomp content", [](auto& c) { c.seccomp_content = "{}"; }},
      {"runtime", [](auto& c) { c.runtime = "runsc"; }},
      {"log driver", [](auto& c) { c.log_driver = "journald"; }},
      {"log size", [](auto& c) { c.log_max_size_mb = 11; }},
      {"log files", [](auto& c) { c.log_max_files = 4; }},
  };
  std::set<std::string> hashes;
  for (const auto& [what, change] : changes) {
    EffectiveContainer container = full();
    change(container);
    EXPECT_TRUE(hashes.insert(config_hash(container)).second) << what;
  }
}

TEST(ConfigHash, ConfusesNoTwoWaysOfWritingTheSameCharacters) {
  EffectiveContainer a = full();
  EffectiveContainer b = full();
  a.entrypoint = {"ab", "c"};
  b.entrypoint = {"a", "bc"};
  EXPECT_NE(config_hash(a), config_hash(b));
  a.entrypoint = {"a"};
  a.cmd = {"b"};
  b.entrypoint = {"a", "b"};
  b.cmd = std::vector<std::string>{};
  EXPECT_NE(config_hash(a), config_hash(b));
  a = full();
  b = full();
  a.env = {{"A", "1s1:B"}};
  b.env = {{"A", "1"}, {"B", ""}};
  EXPECT_NE(config_hash(a), config_hash(b));
}

TEST(ConfigHash, WritingADefaultOutChangesNothing) {
  AgentSpec spec = smallest();
  const std::string before = make_effective(spec, configured()).config_hash;
  spec.task_id = "bot";
  spec.image = "docker.io/library/node:20-alpine";
  spec.memory_mb = 512;
  spec.cpu_limit = 1.0;
  spec.security.cap_drop = std::vector<std::string>{"ALL"};
  spec.security.pids_limit = 100;
  spec.tmpfs = {{"/tmp", {256, true}}};
  EXPECT_EQ(make_effective(spec, configured()).config_hash, before);
}

TEST(ConfigHash, FieldsThatOnlyTheControllerUsesDoNotCount) {
  AgentSpec spec = smallest();
  const std::string before = make_effective(spec, configured()).config_hash;
  spec.labels = {{"team", "payments"}};
  spec.revision = "17";
  spec.restart_policy = RestartPolicy::always;
  spec.max_restarts = 1;
  spec.active_deadline = std::chrono::seconds(1);
  spec.stop_timeout = std::chrono::seconds(1);
  spec.ttl_after_finished = std::chrono::seconds(1);
  spec.suspend = true;
  spec.remove = true;
  spec.image_pull_policy = ImagePullPolicy::always;
  EXPECT_EQ(make_effective(spec, configured()).config_hash, before);
}

}  // namespace
}  // namespace cofferdam::specs
