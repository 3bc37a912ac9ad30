#include "specs/configuration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <variant>
#include <vector>

#include "specs/fields.hpp"

namespace cofferdam::specs {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

LoadedConfiguration loaded(const std::string& bytes, const std::vector<Override>& overrides = {}) {
  auto result = parse_configuration(bytes, "c.yaml", overrides);
  if (const auto* problems = std::get_if<Problems>(&result)) {
    for (const Problem& problem : *problems) ADD_FAILURE() << to_string(problem);
    return {};
  }
  return std::get<LoadedConfiguration>(result);
}

std::vector<std::string> problems(const std::string& bytes, const std::vector<Override>& overrides = {}) {
  std::vector<std::string> texts;
  const auto result = parse_configuration(bytes, "c.yaml", overrides);
  if (const auto* found = std::get_if<Problems>(&result)) {
    for (const Problem& problem : *found) texts.push_back(to_string(problem));
  }
  return texts;
}

testing::Matcher<const std::string&> at(const std::string& place, const std::string& what) {
  return testing::AllOf(StartsWith("c.yaml:" + place + ": "), HasSubstr(what));
}

TEST(Configuration, IsAllDefaultsWhereNothingIsWritten) {
  Configuration defaults;
  defaults.sandbox.env_whitelist = default_env_whitelist();
  for (const char* const nothing : {"", "# nothing\n", "---\n"}) {
    const LoadedConfiguration read = loaded(nothing);
    EXPECT_EQ(read.configuration, defaults);
    for (const auto& [path, origin] : read.origins) EXPECT_EQ(origin, "default") << path;
  }
  EXPECT_THAT(default_env_whitelist(),
              ElementsAre("AGENT_ID", "TASK_ID", "NODE_ENV", "NODE_OPTIONS", "LOG_LEVEL", "DEBUG", "LANG", "LC_ALL", "TZ",
                          "MOSAIC_WORKSPACE_ID", "MOSAIC_PROJECT_ID", "MOSAIC_AGENT_TYPE"));
}

TEST(Configuration, ReadsEveryKey) {
  const Configuration c = loaded(R"(instance: lab
namePrefix: cd
engine:
  host: tcp://127.0.0.1:2375
  requestTimeoutSeconds: 5
  maxConcurrentOperations: 4
  relistIntervalSeconds: 30
  registryAuthFile: /root/.docker/config.json
  allowInsecureLoopback: true
specs: {directory: /srv/agents.d, rescanIntervalSeconds: 5, settleMilliseconds: 50}
sandbox:
  enabled: false
  defaultImage: ghcr.io/acme/agent:1
  defaultMemoryMB: 256
  defaultCpuLimit: 0.5
  networkMode: none
  user: "1000:1000"
  envWhitelist: [A]
  envWhitelistAdd: [B]
  security: {capDrop: [cap_net_raw], capAdd: [kill], readonlyRootfs: false, pidsLimit: 0, noNewPrivileges: false}
  tmpfs: {/cache: {sizeMB: 8}}
  logDriver: json-file
  logMaxSizeMB: 5
  logMaxFiles: 1
backoff: {initialSeconds: 10, maxSeconds: 300, resetAfterSeconds: 60}
deletion: {budgetCount: 1, budgetFraction: 0.25, budgetMax: 2}
rollout: {maxConcurrent: 3}
policy:
  workspaceRoots: [/srv/a, /srv/b]
  minWorkspaceFreeMB: 100
  allowedCapabilities: [NET_RAW, sys_admin]
  allowedNetworks: [none, cofferdam0]
  allowedImages: [ghcr.io/acme]
  allowedRuntimes: [default, runsc]
  seccompProfiles: {strict: /etc/cofferdam/strict.json}
  requireDigest: true
  allowRoot: true
  allowWritableRootfs: true
  allowNewPrivileges: true
  allowUnlimitedPids: true
  allowImageVolumes: true
  allowRootEquivalentCapabilities: true
  allowCodeEnvironment: true
  maxMemoryMB: 1024
  maxCpuLimit: 2.5
  maxPids: 500
  maxTmpfsMB: 512
  totalMemoryMB: 4096
  totalCpuLimit: 8
  tolerateMissing: [swap]
  onViolation: report
  strict: true
server: {listen: "", socket: /run/x.sock}
state: {directory: /srv/state}
runtime: {directory: /srv/run}
log: {level: debug, format: json}
)")
                              .configuration;
  Configuration w;
  w.instance = "lab";
  w.name_prefix = "cd";
  w.engine = {"tcp://127.0.0.1:2375", std::chrono::seconds(5), 4, std::chrono::seconds(30), "/root/.docker/config.json", true};
  w.specs = {"/srv/agents.d", std::chrono::seconds(5), std::chrono::milliseconds(50)};
  w.sandbox.enabled = false;
  w.sandbox.default_image = "ghcr.io/acme/agent:1";
  w.sandbox.default_memory_mb = 256;
  w.sandbox.default_cpu_limit = 0.5;
  w.sandbox.network_mode = "none";
  w.sandbox.user = "1000:1000";
  w.sandbox.env_whitelist = {"A"};
  w.sandbox.env_whitelist_add = {"B"};
  w.sandbox.security = {{"NET_RAW"}, {"KILL"}, false, 0, false};
  w.sandbox.tmpfs = {{"/cache", {8, false}}};
  w.sandbox.log_driver = "json-file";
  w.sandbox.log_max_size_mb = 5;
  w.sandbox.log_max_files = 1;
  w.backoff = {std::chrono::seconds(10), std::chrono::seconds(300), std::chrono::seconds(60)};
  w.deletion = {1, 0.25, 2};
  w.rollout_max_concurrent = 3;
  w.policy.workspace_roots = {"/srv/a", "/srv/b"};
  w.policy.min_workspace_free_mb = 100;
  w.policy.allowed_capabilities = {"NET_RAW", "SYS_ADMIN"};
  w.policy.allowed_networks = {"none", "cofferdam0"};
  w.policy.allowed_images = {"ghcr.io/acme"};
  w.policy.allowed_runtimes = {"default", "runsc"};
  w.policy.seccomp_profiles = {{"strict", "/etc/cofferdam/strict.json"}};
  w.policy.require_digest = true;
  w.policy.allow_root = true;
  w.policy.allow_writable_rootfs = true;
  w.policy.allow_new_privileges = true;
  w.policy.allow_unlimited_pids = true;
  w.policy.allow_image_volumes = true;
  w.policy.allow_root_equivalent_capabilities = true;
  w.policy.allow_code_environment = true;
  w.policy.max_memory_mb = 1024;
  w.policy.max_cpu_limit = 2.5;
  w.policy.max_pids = 500;
  w.policy.max_tmpfs_mb = 512;
  w.policy.total_memory_mb = 4096;
  w.policy.total_cpu_limit = 8;
  w.policy.tolerate_missing = {"swap"};
  w.policy.on_violation = OnViolation::report;
  w.policy.strict = true;
  w.server_listen = "";
  w.server_socket = "/run/x.sock";
  w.state_directory = "/srv/state";
  w.runtime_directory = "/srv/run";
  w.log_level = "debug";
  w.log_format = "json";
  EXPECT_EQ(c, w);
}

TEST(Configuration, KeepsTheDefaultsOfFieldsBesideAWrittenOne) {
  const Configuration c = loaded("sandbox: {security: {pidsLimit: 50}}\n").configuration;
  EXPECT_EQ(c.sandbox.security.pids_limit, 50);
  EXPECT_TRUE(c.sandbox.security.readonly_rootfs);
  EXPECT_THAT(c.sandbox.security.cap_drop, ElementsAre("ALL"));
  EXPECT_EQ(c.sandbox.default_memory_mb, 512);
}

TEST(Configuration, ReplacesListsAndMappingsWhole) {
  const Configuration c = loaded("sandbox: {envWhitelist: [], tmpfs: {}}\n").configuration;
  EXPECT_THAT(c.sandbox.env_whitelist, IsEmpty());
  EXPECT_THAT(c.sandbox.tmpfs, IsEmpty());
}

TEST(Configuration, ReportsEveryProblemWithItsPlace) {
  EXPECT_THAT(
      problems(
          "instnace: lab\nsandbox:\n  enabled: yes\n  defaultImage: node@x\n  tmpfs: {/tmp: {exec: true}}\nlog: {level: loud}\n"),
      ElementsAre(at("1:1", "instnace: is no known key; did you mean instance?"),
                  at("3:12", "sandbox.enabled: is \"yes\", where a boolean is wanted; write true"),
                  at("4:17", "sandbox.defaultImage: \"node@x\" has a digest of an unknown algorithm"),
                  at("5:11", "sandbox.tmpfs./tmp.sizeMB: is missing"),
                  at("6:14", "log.level: is \"loud\"; write trace, debug, info, warn or error")));
  EXPECT_THAT(problems("instance: [\n"), SizeIs(1));
  EXPECT_THAT(problems("- a\n"), ElementsAre(at("1:1", "is a list, where a configuration is wanted")));
  EXPECT_THAT(problems("instance: a\n---\ninstance: b\n"), ElementsAre(at("3:1", "a second document")));
}

TEST(Configuration, ChecksWhatBelongsTogether) {
  EXPECT_THAT(problems("backoff: {initialSeconds: 100}\n"),
              ElementsAre(at("1:27", "the longest wait (60 s) is shorter than the first (100 s)")));
  EXPECT_THAT(problems("backoff:\n  initialSeconds: 10\n  maxSeconds: 5\n"),
              ElementsAre(at("3:15", "backoff.maxSeconds: the longest wait (5 s)")));
  EXPECT_THAT(problems("deletion: {budgetCount: 60}\n"), ElementsAre(at("1:25", "budgetMax (50) is less than budgetCount (60)")));
  EXPECT_THAT(problems("policy: {allowedNetworks: [none, host, container:x]}\n"),
              ElementsAre(at("1:34", "policy.allowedNetworks[1]: \"host\" would share"),
                          at("1:40", "policy.allowedNetworks[2]: \"container:x\"")));
  EXPECT_THAT(problems("sandbox: {networkMode: host}\n"), ElementsAre(at("1:24", "never allowed")));
  EXPECT_THAT(
      problems("policy: {allowedCapabilities: [ALL, SYS_ADMIN]}\n"),
      ElementsAre(at("1:32", "ALL is never allowed"), at("1:37", "set policy.allowRootEquivalentCapabilities: true as well")));
  EXPECT_THAT(problems("sandbox: {envWhitelistAdd: [PATH, FOO]}\n"), ElementsAre(at("1:29", "PATH changes what code runs")));
  EXPECT_THAT(problems("sandbox: {envWhitelistAdd: [PATH]}\npolicy: {allowCodeEnvironment: true}\n"), IsEmpty());
  EXPECT_THAT(problems("state: {directory: /run/cofferdam}\n"),
              ElementsAre(at("1:20", "/run/cofferdam is state.directory and runtime.directory")));
  EXPECT_THAT(problems("server: {socket: /" + std::string(107, 's') + "}\n"),
              ElementsAre(at("1:18", "longer than the 107 bytes")));
}

TEST(Configuration, RefusesRootsListenersAndHostsOfABadForm) {
  EXPECT_THAT(problems("policy: {workspaceRoots: [ws, /etc, /srv/]}\n"), SizeIs(3));
  EXPECT_THAT(problems("server: {listen: 9476}\n"), ElementsAre(HasSubstr("is no host:port")));
  EXPECT_THAT(problems("engine: {host: /var/run/docker.sock}\n"), ElementsAre(HasSubstr("has no scheme")));
  EXPECT_THAT(problems("sandbox: {envWhitelist: [A-B]}\n"), ElementsAre(HasSubstr("is no name of a variable")));
  EXPECT_THAT(problems("policy: {tolerateMissing: [swp]}\n"), ElementsAre(HasSubstr("did you mean swap?")));
}

TEST(Configuration, LetsOverridesWinAndTheLastOfThem) {
  const LoadedConfiguration read =
      loaded("instance: file\nlog: {level: warn}\n", {{"instance", "environment", "COFFERDAM_INSTANCE"},
                                                      {"instance", "flag", "--instance"},
                                                      {"sandbox.defaultCpuLimit", "2.5", "--cpu"},
                                                      {"sandbox.enabled", "false", "--off"},
                                                      {"engine.requestTimeoutSeconds", "7", "--timeout"}});
  EXPECT_EQ(read.configuration.instance, "flag");
  EXPECT_EQ(read.configuration.sandbox.default_cpu_limit, 2.5);
  EXPECT_FALSE(read.configuration.sandbox.enabled);
  EXPECT_EQ(read.configuration.engine.request_timeout, std::chrono::seconds(7));
  EXPECT_EQ(read.origins.at("instance"), "--instance");
  EXPECT_EQ(read.origins.at("log.level"), "c.yaml:2");
  EXPECT_EQ(read.origins.at("log.format"), "default");
}

TEST(Configuration, JudgesOverridesLikeTheFile) {
  EXPECT_THAT(problems("", {{"sandbox.enabled", "yes", "COFFERDAM_SANDBOX_ENABLED"}}),
              ElementsAre("COFFERDAM_SANDBOX_ENABLED: sandbox.enabled: is \"yes\", where a boolean is wanted; write true"));
  EXPECT_THAT(problems("", {{"sandbox.defaultMemoryMB", "1e3", "--memory"}}), ElementsAre(HasSubstr("has an exponent")));
  EXPECT_THAT(problems("", {{"sandbox.defaultMemoryMB", "", "--memory"}}), ElementsAre(HasSubstr("where an integer is wanted")));
  EXPECT_THAT(problems("", {{"sandbox.defaultImage", "node:", "--image"}}), ElementsAre(HasSubstr("has an empty tag")));
  EXPECT_THAT(problems("", {{"log.levl", "info", "--x"}}),
              ElementsAre("--x: log.levl: is no field of the configuration; did you mean log.level?"));
  EXPECT_THAT(problems("", {{"nonsense.altogether", "info", "--x"}}), ElementsAre(HasSubstr("see cofferdam config")));
  EXPECT_THAT(problems("", {{"policy.allowedImages", "x", "--x"}}), ElementsAre(HasSubstr("is no single value")));
  EXPECT_THAT(problems("", {{"sandbox", "x", "--x"}}), ElementsAre(HasSubstr("is no field")));
  EXPECT_EQ(loaded("", {{"instance", "010", "--instance"}}).configuration.instance, "010")
      << "a text needs no quotes where nothing else can be meant";
  EXPECT_THAT(problems("", {{"backoff.initialSeconds", "90", "--wait"}}),
              ElementsAre(StartsWith("--wait: backoff.initialSeconds: the longest wait")));
}

TEST(Configuration, ReadsTheEnvironmentByItsFieldsNames) {
  const std::vector<Override> found = overrides_from_environment({{"COFFERDAM_ENGINE_REQUEST_TIMEOUT_SECONDS", "7"},
                                                                  {"COFFERDAM_SANDBOX_DEFAULT_MEMORY_MB", "128"},
                                                                  {"COFFERDAM_POLICY_MAX_TMPFS_MB", "9"},
                                                                  {"COFFERDAM_NAME_PREFIX", "cd"},
                                                                  {"COFFERDAM_SANDBOX_SECURITY_READONLY_ROOTFS", "false"},
                                                                  {"COFFERDAM_POLICY_ALLOWED_IMAGES", "x"},
                                                                  {"COFFERDAM_ENGINE", "x"},
                                                                  {"PATH", "/bin"}});
  std::vector<std::string> told;
  for (const Override& entry : found) told.push_back(entry.path + "=" + entry.value + " (" + entry.origin + ")");
  EXPECT_THAT(told, ElementsAre("namePrefix=cd (COFFERDAM_NAME_PREFIX)",
                                "engine.requestTimeoutSeconds=7 (COFFERDAM_ENGINE_REQUEST_TIMEOUT_SECONDS)",
                                "sandbox.defaultMemoryMB=128 (COFFERDAM_SANDBOX_DEFAULT_MEMORY_MB)",
                                "sandbox.security.readonlyRootfs=false (COFFERDAM_SANDBOX_SECURITY_READONLY_ROOTFS)",
                                "policy.maxTmpfsMB=9 (COFFERDAM_POLICY_MAX_TMPFS_MB)"));
}

TEST(Configuration, TellsOfVariablesThatSetNothing) {
  EXPECT_THAT(unknown_in_environment({{"COFFERDAM_SANDBOX_ENABLE", "false"},
                                      {"COFFERDAM_NAME_PREFIX", "cd"},
                                      {"COFFERDAM_POLICY_ALLOWED_IMAGES", "x"},
                                      {"COFFERDAM_WHATEVER", "x"},
                                      {"OTHER", "x"}}),
              ElementsAre("the environment's COFFERDAM_POLICY_ALLOWED_IMAGES is ignored: that field is a list or a mapping, "
                          "which only the file can set",
                          "the environment's \"COFFERDAM_SANDBOX_ENABLE\" is ignored: no field of the configuration has that "
                          "name; did you mean COFFERDAM_SANDBOX_ENABLED?",
                          "the environment's \"COFFERDAM_WHATEVER\" is ignored: no field of the configuration has that name"));
}

TEST(Configuration, TakesTheEngineFromDockersVariableUnlessOursIsSet) {
  const auto host = [](const std::map<std::string, std::string>& environment) {
    return loaded("", overrides_from_environment(environment)).configuration.engine.host;
  };
  EXPECT_EQ(host({{"DOCKER_HOST", "unix:///run/a.sock"}}), "unix:///run/a.sock");
  EXPECT_EQ(host({{"DOCKER_HOST", "unix:///run/a.sock"}, {"COFFERDAM_ENGINE_HOST", "unix:///run/b.sock"}}), "unix:///run/b.sock");
  EXPECT_EQ(host({{"DOCKER_HOST", ""}}), "unix:///var/run/docker.sock");
}

TEST(Configuration, DescribesEveryFieldInOrderWithItsOrigin) {
  const LoadedConfiguration read = loaded(
      "sandbox:\n  user: \"1000:1000\"\n  envWhitelistAdd: [FOO, BAR]\npolicy: {seccompProfiles: {strict: /etc/s.json}}\n");
  const std::vector<ConfigurationLine> lines = describe(read);
  std::vector<std::string> told;
  std::size_t values = 0;
  for (const Field& field : configuration_fields()) values += is_value(configuration_fields(), field) ? 1 : 0;
  EXPECT_EQ(lines.size(), values);
  for (const ConfigurationLine& line : lines) told.push_back(line.path + ": " + line.value + " # " + line.origin);
  EXPECT_EQ(told.front(), "instance: default # default");
  EXPECT_THAT(told, Contains("sandbox.user: 1000:1000 # c.yaml:2"));
  EXPECT_THAT(told, Contains("sandbox.envWhitelistAdd: [FOO, BAR] # c.yaml:3"));
  EXPECT_THAT(told, Contains("policy.seccompProfiles: {strict: /etc/s.json} # c.yaml:4"));
  EXPECT_THAT(told, Contains("sandbox.tmpfs: {/run: {sizeMB: 16, exec: false}, /tmp: {sizeMB: 256, exec: true}} # default"));
  EXPECT_THAT(told, Contains("engine.registryAuthFile: \"\" # default"));
  EXPECT_THAT(told, Contains("policy.onViolation: stop # default"));
  EXPECT_EQ(describe({}).front().origin, "default");
}

TEST(Configuration, KnowsWhatAReloadCannotChange) {
  const Configuration before = loaded("").configuration;
  EXPECT_THAT(needs_restart(before, before), IsEmpty());
  const Configuration after = loaded(
                                  "instance: b\nnamePrefix: p\nengine: {host: tcp://h:1, relistIntervalSeconds: 5}\nspecs: "
                                  "{directory: /a, rescanIntervalSeconds: 5}\n"
                                  "sandbox: {defaultMemoryMB: 64}\nserver: {listen: \"\"}\nstate: {directory: /s}\nruntime: "
                                  "{directory: /r}\nlog: {level: debug}\n")
                                  .configuration;
  EXPECT_THAT(needs_restart(before, after),
              ElementsAre("instance", "namePrefix", "engine.host", "engine.relistIntervalSeconds", "specs.directory",
                          "server.listen", "state.directory", "runtime.directory"));
}

}  // namespace
}  // namespace cofferdam::specs
