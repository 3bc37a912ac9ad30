// The configuration as JSON, and the four queries: is the sandbox enabled, the allow-list, the hardening defaults, what an
// environment would lose.

#include <map>
#include <set>

#include "controller/json_text.hpp"
#include "controller/status_json.hpp"
#include "specs/environment.hpp"

namespace cofferdam::controller {

namespace {

Json hardening_of(const specs::SecurityDefaults& security) {
  return {{"capDrop", security.cap_drop},
          {"capAdd", security.cap_add},
          {"readonlyRootfs", security.readonly_rootfs},
          {"pidsLimit", security.pids_limit},
          {"noNewPrivileges", security.no_new_privileges}};
}

Json sandbox_of(const specs::SandboxDefaults& sandbox) {
  Json tmpfs = Json::object();
  for (const auto& [target, mount] : sandbox.tmpfs) {
    tmpfs[target] = {{"sizeMB", mount.size_mb}, {"exec", mount.exec}};
  }
  return {{"enabled", sandbox.enabled},
          {"defaultImage", sandbox.default_image},
          {"defaultMemoryMB", sandbox.default_memory_mb},
          {"defaultCpuLimit", sandbox.default_cpu_limit},
          {"networkMode", sandbox.network_mode},
          {"user", sandbox.user},
          {"envWhitelist", sandbox.env_whitelist},
          {"envWhitelistAdd", sandbox.env_whitelist_add},
          {"security", hardening_of(sandbox.security)},
          {"tmpfs", tmpfs},
          {"logDriver", sandbox.log_driver},
          {"logMaxSizeMB", sandbox.log_max_size_mb},
          {"logMaxFiles", sandbox.log_max_files}};
}

Json policy_of(const specs::Policy& policy) {
  Json json;
  json["workspaceRoots"] = policy.workspace_roots;
  json["minWorkspaceFreeMB"] = policy.min_workspace_free_mb;
  json["allowedCapabilities"] = policy.allowed_capabilities;
  json["allowedNetworks"] = policy.allowed_networks;
  json["allowedImages"] = policy.allowed_images;
  json["allowedRuntimes"] = policy.allowed_runtimes;
  json["seccompProfiles"] = policy.seccomp_profiles;
  json["requireDigest"] = policy.require_digest;
  json["allowRoot"] = policy.allow_root;
  json["allowWritableRootfs"] = policy.allow_writable_rootfs;
  json["allowNewPrivileges"] = policy.allow_new_privileges;
  json["allowUnlimitedPids"] = policy.allow_unlimited_pids;
  json["allowImageVolumes"] = policy.allow_image_volumes;
  json["allowRootEquivalentCapabilities"] = policy.allow_root_equivalent_capabilities;
  json["allowCodeEnvironment"] = policy.allow_code_environment;
  json["maxMemoryMB"] = policy.max_memory_mb;
  json["maxCpuLimit"] = policy.max_cpu_limit;
  json["maxPids"] = policy.max_pids;
  json["maxTmpfsMB"] = policy.max_tmpfs_mb;
  json["totalMemoryMB"] = policy.total_memory_mb;
  json["totalCpuLimit"] = policy.total_cpu_limit;
  json["tolerateMissing"] = policy.tolerate_missing;
  json["onViolation"] = policy.on_violation == specs::OnViolation::stop ? "stop" : "report";
  json["strict"] = policy.strict;
  return json;
}

Json to_json(const specs::Configuration& c) {
  Json json;
  json["instance"] = c.instance;
  json["namePrefix"] = c.name_prefix;
  json["engine"] = {{"host", c.engine.host},
                    {"requestTimeoutSeconds", c.engine.request_timeout.count()},
                    {"maxConcurrentOperations", c.engine.max_concurrent_operations},
                    {"relistIntervalSeconds", c.engine.relist_interval.count()},
                    {"registryAuthFile", c.engine.registry_auth_file},
                    {"allowInsecureLoopback", c.engine.allow_insecure_loopback}};
  json["specs"] = {{"directory", c.specs.directory},
                   {"rescanIntervalSeconds", c.specs.rescan_interval.count()},
                   {"settleMilliseconds", c.specs.settle.count()}};
  json["sandbox"] = sandbox_of(c.sandbox);
  json["backoff"] = {{"initialSeconds", c.backoff.initial.count()},
                     {"maxSeconds", c.backoff.max.count()},
                     {"resetAfterSeconds", c.backoff.reset_after.count()}};
  json["deletion"] = {{"budgetCount", c.deletion.budget_count},
                      {"budgetFraction", c.deletion.budget_fraction},
                      {"budgetMax", c.deletion.budget_max}};
  json["rollout"] = {{"maxConcurrent", c.rollout_max_concurrent}};
  json["policy"] = policy_of(c.policy);
  json["server"] = {{"listen", c.server_listen}, {"socket", c.server_socket}};
  json["state"] = {{"directory", c.state_directory}};
  json["runtime"] = {{"directory", c.runtime_directory}};
  json["log"] = {{"level", c.log_level}, {"format", c.log_format}};
  return json;
}

}  // namespace

std::vector<std::string> allow_list(const specs::Configuration& configuration) {
  return specs::environment_allow_list(configuration.sandbox);
}

std::vector<std::string> filtered_of(const specs::Configuration& configuration, const std::vector<std::string>& names) {
  // Asked of the very function that filters, so that the answer cannot differ from what would happen. AGENT_ID and TASK_ID get
  // the values that the controller would set, and so do not count as lost.
  std::map<std::string, std::string> environment;
  for (const std::string& name : names) {
    environment.emplace(name, "");
  }
  return specs::filter_environment(environment, configuration.sandbox, "", "").filtered;
}

std::string configuration_json(const specs::LoadedConfiguration& loaded) {
  Json json;
  json["configuration"] = to_json(loaded.configuration);
  json["origins"] = loaded.origins;
  json["queries"] = {{"enabled", loaded.configuration.sandbox.enabled},
                     {"allowList", allow_list(loaded.configuration)},
                     {"hardeningDefaults", hardening_of(loaded.configuration.sandbox.security)}};
  return json_text(json);
}

std::string enabled_json(const specs::Configuration& configuration) {
  return json_text({{"enabled", configuration.sandbox.enabled}});
}

std::string allow_list_json(const specs::Configuration& configuration) {
  return json_text({{"allowList", allow_list(configuration)}});
}

std::string hardening_json(const specs::Configuration& configuration) {
  return json_text({{"hardeningDefaults", hardening_of(configuration.sandbox.security)}});
}

std::string filtered_json(const specs::Configuration& configuration, const std::vector<std::string>& names) {
  const auto filtered = filtered_of(configuration, names);
  const std::set<std::string> lost(filtered.begin(), filtered.end());
  std::set<std::string> passed;
  for (const std::string& name : names) {
    if (!lost.contains(name)) {
      passed.insert(name);
    }
  }
  return json_text({{"filtered", filtered}, {"passed", passed}});
}

}  // namespace cofferdam::controller
