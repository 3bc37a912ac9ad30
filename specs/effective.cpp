#include "specs/effective.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <set>
#include <string_view>

#include "specs/capability.hpp"
#include "specs/digest.hpp"
#include "specs/environment.hpp"
#include "specs/image_reference.hpp"

namespace cofferdam::specs {
namespace {

constexpr std::int64_t mib = 1048576;
constexpr std::int64_t new_tmpfs_mb = 64;    // a target that only the spec names, without a size
constexpr std::int64_t default_shm_mb = 64;  // the engine's own

/// Names the part of the hardening that no field expresses (init, ulimits, log options, …: docs/hardening.md). It changes
/// with config_schema when that part does.
constexpr std::string_view fixed_hardening = "hardening-1";

std::int64_t bytes_of_mib(std::int64_t mb) {
  if (mb <= 0) return 0;
  return mb > std::numeric_limits<std::int64_t>::max() / mib ? std::numeric_limits<std::int64_t>::max() : mb * mib;
}

std::vector<std::string> normal_capabilities(const std::vector<std::string>& names) {
  std::set<std::string> sorted;
  for (const std::string& name : names) sorted.insert(normal_capability(name));
  return {sorted.begin(), sorted.end()};
}

std::map<std::string, EffectiveTmpfs> merge_tmpfs(const AgentSpec& spec, const SandboxDefaults& sandbox) {
  std::map<std::string, EffectiveTmpfs> merged;
  for (const auto& [target, tmpfs] : sandbox.tmpfs) {
    // With a writable workspace, noexec on /tmp stops nobody (binaries run from there) and breaks coding agents silently.
    const bool exec = tmpfs.exec && !(target == "/tmp" && spec.workspace_read_only);
    merged[target] = {bytes_of_mib(tmpfs.size_mb), exec};
  }
  for (const auto& [target, tmpfs] : spec.tmpfs) {
    const auto [place, is_new] = merged.try_emplace(target, EffectiveTmpfs{bytes_of_mib(new_tmpfs_mb), false});
    if (is_new && target == "/tmp") place->second.exec = !spec.workspace_read_only;
    if (tmpfs.size_mb) place->second.size_bytes = bytes_of_mib(*tmpfs.size_mb);
    if (tmpfs.exec) place->second.exec = *tmpfs.exec;
  }
  return merged;
}

void apply_security(const AgentSpec& spec, const Configuration& configuration, EffectiveContainer& container) {
  const SecuritySpec& asked = spec.security;
  const SecurityDefaults& defaults = configuration.sandbox.security;
  container.cap_drop = normal_capabilities(asked.cap_drop.value_or(defaults.cap_drop));
  container.cap_add = normal_capabilities(asked.cap_add.value_or(defaults.cap_add));
  container.readonly_rootfs = asked.readonly_rootfs.value_or(defaults.readonly_rootfs);
  container.no_new_privileges = asked.no_new_privileges.value_or(defaults.no_new_privileges);
  const std::int64_t pids = asked.pids_limit.value_or(defaults.pids_limit);
  container.pids_limit = pids > 0 ? std::optional<std::int64_t>(pids) : std::nullopt;
  container.seccomp_profile = asked.seccomp_profile.value_or("default");
  if (container.seccomp_profile != "default") {
    const auto& contents = configuration.policy.seccomp_profile_contents;
    const auto found = contents.find(container.seccomp_profile);
    if (found != contents.end()) container.seccomp_content = found->second;
  }
  container.runtime = asked.runtime.value_or("default");
}

/// The bytes under the hash. Each value carries its name, its kind and its length, so that no two containers share an encoding.
class Encoder {
 public:
  Encoder& text(std::string_view value) { return add('s', value.size()).raw(value); }
  Encoder& number(std::int64_t value) { return add('i', value); }
  Encoder& flag(bool value) { return raw(value ? "T" : "F"); }
  Encoder& absent() { return raw("N"); }
  Encoder& count(std::size_t values) { return add('n', values); }
  Encoder& list(const std::vector<std::string>& values) {
    count(values.size());
    for (const std::string& value : values) text(value);
    return *this;
  }
  Encoder& optional_list(const std::optional<std::vector<std::string>>& values) { return values ? list(*values) : absent(); }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

 private:
  template <typename Integer>
  Encoder& add(char kind, Integer value) {
    bytes_ += kind;
    bytes_ += std::to_string(value);
    bytes_ += ':';
    return *this;
  }
  Encoder& raw(std::string_view value) {
    bytes_ += value;
    return *this;
  }

  std::string bytes_;
};

}  // namespace

std::int64_t nano_cpus_of(double cpus) {
  if (!(cpus > 0)) return 0;
  constexpr double most = 9.0e9;  // nine thousand million processors: as many NanoCpus as an int64 holds, about
  if (cpus >= most) return std::numeric_limits<std::int64_t>::max();
  // The shortest decimal that reads back as the same double is what the author wrote; its digits are exact where the product
  // of two doubles is not.
  std::array<char, 512> buffer{};
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), cpus, std::chars_format::fixed);
  std::int64_t nanos = 0;
  int decimals = -1;  // none yet
  for (const char* at = buffer.data(); at != written.ptr && decimals < 9; ++at) {
    if (*at == '.') {
      decimals = 0;
      continue;
    }
    nanos = nanos * 10 + (*at - '0');
    if (decimals >= 0) ++decimals;
  }
  for (int decimal = std::max(decimals, 0); decimal < 9; ++decimal) nanos *= 10;
  return nanos;
}

std::string config_hash(const EffectiveContainer& c) {
  Encoder e;
  e.text("cofferdam-config").number(config_schema).text(fixed_hardening);
  e.text("agent").text(c.agent).text("task").text(c.task).text("image").text(c.image);
  e.text("entrypoint").optional_list(c.entrypoint).text("cmd").optional_list(c.cmd);
  e.text("env").count(c.env.size());
  for (const auto& [name, value] : c.env) e.text(name).text(value);
  e.text("workspace").text(c.workspace).flag(c.workspace_read_only).text("user").text(c.user);
  e.text("memory").number(c.memory_bytes).text("nano-cpus").number(c.nano_cpus).text("network").text(c.network);
  e.text("tmpfs").count(c.tmpfs.size());
  for (const auto& [target, tmpfs] : c.tmpfs) e.text(target).number(tmpfs.size_bytes).flag(tmpfs.exec);
  e.text("shm").number(c.shm_bytes).text("cap-drop").list(c.cap_drop).text("cap-add").list(c.cap_add);
  e.text("readonly-rootfs").flag(c.readonly_rootfs).text("pids");
  if (c.pids_limit) {
    e.number(*c.pids_limit);
  } else {
    e.absent();
  }
  e.text("no-new-privileges").flag(c.no_new_privileges).text("seccomp").text(c.seccomp_profile).text(c.seccomp_content);
  e.text("runtime").text(c.runtime).text("log").text(c.log_driver).number(c.log_max_size_mb).number(c.log_max_files);
  return sha256_hex(e.bytes());
}

Effective make_effective(const AgentSpec& spec, const Configuration& configuration) {
  const SandboxDefaults& sandbox = configuration.sandbox;
  Effective effective;
  EffectiveContainer& container = effective.container;
  container.agent = spec.name;
  container.task = spec.task_id.value_or(spec.name);
  container.image = spec.image.value_or(sandbox.default_image);
  // One that does not parse is refused by admission; here it stays what was written.
  if (const auto parsed = parse_image_reference(container.image)) container.image = parsed.reference->normalised();
  container.entrypoint = spec.command;
  container.cmd = spec.args;

  FilteredEnvironment environment = filter_environment(spec.env, sandbox, container.agent, container.task);
  container.env = std::move(environment.passed);
  container.env["AGENT_ID"] = container.agent;
  container.env["TASK_ID"] = container.task;
  container.env.try_emplace("HOME", "/tmp");
  effective.filtered = std::move(environment.filtered);

  container.workspace = spec.workspace_path;
  container.workspace_read_only = spec.workspace_read_only;
  container.user = spec.user.value_or(sandbox.user);
  container.memory_bytes = bytes_of_mib(spec.memory_mb.value_or(sandbox.default_memory_mb));
  container.nano_cpus = nano_cpus_of(spec.cpu_limit.value_or(sandbox.default_cpu_limit));
  container.network = spec.network_mode.value_or(sandbox.network_mode);
  container.tmpfs = merge_tmpfs(spec, sandbox);
  container.shm_bytes = bytes_of_mib(spec.shm_size_mb.value_or(default_shm_mb));
  apply_security(spec, configuration, container);
  container.log_driver = sandbox.log_driver;
  container.log_max_size_mb = sandbox.log_max_size_mb;
  container.log_max_files = sandbox.log_max_files;
  effective.config_hash = config_hash(container);
  return effective;
}

}  // namespace cofferdam::specs
