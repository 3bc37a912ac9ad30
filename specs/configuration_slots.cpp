#include "specs/configuration_slots.hpp"

#include <algorithm>
#include <array>

namespace cofferdam::specs {
namespace {

struct Binding {
  std::string_view path;
  Slot (*slot)(Configuration& configuration, const std::string& key);
};

using Key = const std::string&;

constexpr std::array bindings{
    Binding{"instance", [](Configuration& c, Key) -> Slot { return &c.instance; }},
    Binding{"namePrefix", [](Configuration& c, Key) -> Slot { return &c.name_prefix; }},
    Binding{"engine.host", [](Configuration& c, Key) -> Slot { return &c.engine.host; }},
    Binding{"engine.requestTimeoutSeconds", [](Configuration& c, Key) -> Slot { return &c.engine.request_timeout; }},
    Binding{"engine.maxConcurrentOperations", [](Configuration& c, Key) -> Slot { return &c.engine.max_concurrent_operations; }},
    Binding{"engine.relistIntervalSeconds", [](Configuration& c, Key) -> Slot { return &c.engine.relist_interval; }},
    Binding{"engine.registryAuthFile", [](Configuration& c, Key) -> Slot { return &c.engine.registry_auth_file; }},
    Binding{"engine.allowInsecureLoopback", [](Configuration& c, Key) -> Slot { return &c.engine.allow_insecure_loopback; }},
    Binding{"specs.directory", [](Configuration& c, Key) -> Slot { return &c.specs.directory; }},
    Binding{"specs.rescanIntervalSeconds", [](Configuration& c, Key) -> Slot { return &c.specs.rescan_interval; }},
    Binding{"specs.settleMilliseconds", [](Configuration& c, Key) -> Slot { return &c.specs.settle; }},
    Binding{"sandbox.enabled", [](Configuration& c, Key) -> Slot { return &c.sandbox.enabled; }},
    Binding{"sandbox.defaultImage", [](Configuration& c, Key) -> Slot { return &c.sandbox.default_image; }},
    Binding{"sandbox.defaultMemoryMB", [](Configuration& c, Key) -> Slot { return &c.sandbox.default_memory_mb; }},
    Binding{"sandbox.defaultCpuLimit", [](Configuration& c, Key) -> Slot { return &c.sandbox.default_cpu_limit; }},
    Binding{"sandbox.networkMode", [](Configuration& c, Key) -> Slot { return &c.sandbox.network_mode; }},
    Binding{"sandbox.user", [](Configuration& c, Key) -> Slot { return &c.sandbox.user; }},
    Binding{"sandbox.envWhitelist", [](Configuration& c, Key) -> Slot { return &c.sandbox.env_whitelist; }},
    Binding{"sandbox.envWhitelistAdd", [](Configuration& c, Key) -> Slot { return &c.sandbox.env_whitelist_add; }},
    Binding{"sandbox.security.capDrop", [](Configuration& c, Key) -> Slot { return &c.sandbox.security.cap_drop; }},
    Binding{"sandbox.security.capAdd", [](Configuration& c, Key) -> Slot { return &c.sandbox.security.cap_add; }},
    Binding{"sandbox.security.readonlyRootfs", [](Configuration& c, Key) -> Slot { return &c.sandbox.security.readonly_rootfs; }},
    Binding{"sandbox.security.pidsLimit", [](Configuration& c, Key) -> Slot { return &c.sandbox.security.pids_limit; }},
    Binding{"sandbox.security.noNewPrivileges",
            [](Configuration& c, Key) -> Slot { return &c.sandbox.security.no_new_privileges; }},
    Binding{"sandbox.tmpfs", [](Configuration& c, Key) -> Slot { return &c.sandbox.tmpfs; }},
    Binding{"sandbox.tmpfs.*.sizeMB", [](Configuration& c, Key key) -> Slot { return &c.sandbox.tmpfs[key].size_mb; }},
    Binding{"sandbox.tmpfs.*.exec", [](Configuration& c, Key key) -> Slot { return &c.sandbox.tmpfs[key].exec; }},
    Binding{"sandbox.logDriver", [](Configuration& c, Key) -> Slot { return &c.sandbox.log_driver; }},
    Binding{"sandbox.logMaxSizeMB", [](Configuration& c, Key) -> Slot { return &c.sandbox.log_max_size_mb; }},
    Binding{"sandbox.logMaxFiles", [](Configuration& c, Key) -> Slot { return &c.sandbox.log_max_files; }},
    Binding{"backoff.initialSeconds", [](Configuration& c, Key) -> Slot { return &c.backoff.initial; }},
    Binding{"backoff.maxSeconds", [](Configuration& c, Key) -> Slot { return &c.backoff.max; }},
    Binding{"backoff.resetAfterSeconds", [](Configuration& c, Key) -> Slot { return &c.backoff.reset_after; }},
    Binding{"deletion.budgetCount", [](Configuration& c, Key) -> Slot { return &c.deletion.budget_count; }},
    Binding{"deletion.budgetFraction", [](Configuration& c, Key) -> Slot { return &c.deletion.budget_fraction; }},
    Binding{"deletion.budgetMax", [](Configuration& c, Key) -> Slot { return &c.deletion.budget_max; }},
    Binding{"rollout.maxConcurrent", [](Configuration& c, Key) -> Slot { return &c.rollout_max_concurrent; }},
    Binding{"policy.workspaceRoots", [](Configuration& c, Key) -> Slot { return &c.policy.workspace_roots; }},
    Binding{"policy.minWorkspaceFreeMB", [](Configuration& c, Key) -> Slot { return &c.policy.min_workspace_free_mb; }},
    Binding{"policy.allowedCapabilities", [](Configuration& c, Key) -> Slot { return &c.policy.allowed_capabilities; }},
    Binding{"policy.allowedNetworks", [](Configuration& c, Key) -> Slot { return &c.policy.allowed_networks; }},
    Binding{"policy.allowedImages", [](Configuration& c, Key) -> Slot { return &c.policy.allowed_images; }},
    Binding{"policy.allowedRuntimes", [](Configuration& c, Key) -> Slot { return &c.policy.allowed_runtimes; }},
    Binding{"policy.seccompProfiles", [](Configuration& c, Key) -> Slot { return &c.policy.seccomp_profiles; }},
    Binding{"policy.seccompProfiles.*", [](Configuration& c, Key key) -> Slot { return &c.policy.seccomp_profiles[key]; }},
    Binding{"policy.requireDigest", [](Configuration& c, Key) -> Slot { return &c.policy.require_digest; }},
    Binding{"policy.allowRoot", [](Configuration& c, Key) -> Slot { return &c.policy.allow_root; }},
    Binding{"policy.allowWritableRootfs", [](Configuration& c, Key) -> Slot { return &c.policy.allow_writable_rootfs; }},
    Binding{"policy.allowNewPrivileges", [](Configuration& c, Key) -> Slot { return &c.policy.allow_new_privileges; }},
    Binding{"policy.allowUnlimitedPids", [](Configuration& c, Key) -> Slot { return &c.policy.allow_unlimited_pids; }},
    Binding{"policy.allowImageVolumes", [](Configuration& c, Key) -> Slot { return &c.policy.allow_image_volumes; }},
    Binding{"policy.allowRootEquivalentCapabilities",
            [](Configuration& c, Key) -> Slot { return &c.policy.allow_root_equivalent_capabilities; }},
    Binding{"policy.allowCodeEnvironment", [](Configuration& c, Key) -> Slot { return &c.policy.allow_code_environment; }},
    Binding{"policy.maxMemoryMB", [](Configuration& c, Key) -> Slot { return &c.policy.max_memory_mb; }},
    Binding{"policy.maxCpuLimit", [](Configuration& c, Key) -> Slot { return &c.policy.max_cpu_limit; }},
    Binding{"policy.maxPids", [](Configuration& c, Key) -> Slot { return &c.policy.max_pids; }},
    Binding{"policy.maxTmpfsMB", [](Configuration& c, Key) -> Slot { return &c.policy.max_tmpfs_mb; }},
    Binding{"policy.totalMemoryMB", [](Configuration& c, Key) -> Slot { return &c.policy.total_memory_mb; }},
    Binding{"policy.totalCpuLimit", [](Configuration& c, Key) -> Slot { return &c.policy.total_cpu_limit; }},
    Binding{"policy.tolerateMissing", [](Configuration& c, Key) -> Slot { return &c.policy.tolerate_missing; }},
    Binding{"policy.onViolation", [](Configuration& c, Key) -> Slot { return &c.policy.on_violation; }},
    Binding{"policy.strict", [](Configuration& c, Key) -> Slot { return &c.policy.strict; }},
    Binding{"server.listen", [](Configuration& c, Key) -> Slot { return &c.server_listen; }},
    Binding{"server.socket", [](Configuration& c, Key) -> Slot { return &c.server_socket; }},
    Binding{"state.directory", [](Configuration& c, Key) -> Slot { return &c.state_directory; }},
    Binding{"runtime.directory", [](Configuration& c, Key) -> Slot { return &c.runtime_directory; }},
    Binding{"log.level", [](Configuration& c, Key) -> Slot { return &c.log_level; }},
    Binding{"log.format", [](Configuration& c, Key) -> Slot { return &c.log_format; }},
};

}  // namespace

std::optional<Slot> configuration_slot(Configuration& configuration, std::string_view path, const std::string& key) {
  const auto* const binding = std::find_if(bindings.begin(), bindings.end(), [&](const Binding& b) { return b.path == path; });
  if (binding == bindings.end()) return {};
  return binding->slot(configuration, key);
}

}  // namespace cofferdam::specs
