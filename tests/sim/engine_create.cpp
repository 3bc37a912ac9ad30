// The simulated engine's create: what it refuses, what it keeps of what was asked, and what it adds.

#include <algorithm>
#include <utility>

#include "specs/capability.hpp"
#include "tests/sim/engine.hpp"

namespace cofferdam::sim {

namespace {

constexpr std::int64_t least_memory = 6LL << 20;
constexpr std::int64_t nanos_of_a_processor = 1'000'000'000;
constexpr int processors = 2;

bool is_capability(std::string_view name) {
  if (name.starts_with("CAP_")) name.remove_prefix(4);
  const auto& names = specs::capability_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_name(std::string_view name) {
  const auto alphanumeric = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  return name.size() >= 2 && alphanumeric(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

/// What an option of a tmpfs, a list of capabilities or a label says is not this engine's business: it keeps them.
docker::MountPoint mount_point_of(const docker::Mount& mount) {
  docker::MountPoint point;
  point.type = mount.type;
  point.source = mount.source;
  point.destination = mount.target;
  point.read_write = !mount.read_only;
  point.propagation = mount.propagation;
  return point;
}

std::string name_of_variable(const std::string& entry) {
  return entry.substr(0, entry.find('='));
}

/// The image's environment under the asked one; a bare NAME takes one away.
std::vector<std::string> merged_environment(const std::vector<std::string>& image, const std::vector<std::string>& asked) {
  std::vector<std::string> merged;
  for (const std::string& entry : asked) {
    if (entry.find('=') != std::string::npos) merged.push_back(entry);
  }
  for (const std::string& entry : image) {
    const std::string name = name_of_variable(entry);
    const bool set =
        std::any_of(asked.begin(), asked.end(), [&](const std::string& other) { return name_of_variable(other) == name; });
    if (!set) merged.push_back(entry);
  }
  return merged;
}

std::vector<std::string> words_of(const docker::ContainerConfig& config) {
  std::vector<std::string> words = config.entrypoint.value_or(std::vector<std::string>{});
  if (config.cmd) words.insert(words.end(), config.cmd->begin(), config.cmd->end());
  return words;
}

void fill_in(docker::ContainerDetails& shown) {
  docker::HostConfig& host = shown.host_config;
  if (host.network_mode.empty()) host.network_mode = "default";
  if (host.restart_policy.empty()) host.restart_policy = "no";
  if (host.runtime.empty()) host.runtime = "runc";
  // Of moby's lists what tells that there is one.
  host.masked_paths.emplace();
  host.readonly_paths.emplace();
  if (!host.privileged) {
    host.masked_paths = {"/proc/kcore", "/sys/firmware"};
    host.readonly_paths = {"/proc/sys"};
  }
  shown.networks[host.network_mode == "default" ? "bridge" : host.network_mode] = "";
}

}  // namespace

/// What is refused before anything is looked for.
std::optional<docker::Error> Engine::refuse_settings(const docker::ContainerCreate& request) const {
  const docker::HostConfig& host = request.host_config;
  for (const auto* list : {&host.cap_add, &host.cap_drop}) {
    for (const std::string& name : *list) {
      if (!is_capability(name)) return status_error(400, "invalid capability: " + name);
    }
  }
  const std::string& policy = host.restart_policy;
  const bool restarts = policy == "always" || policy == "unless-stopped" || policy == "on-failure";
  if (!restarts && policy != "no" && !policy.empty()) return status_error(400, "invalid restart policy '" + policy + "'");
  if (restarts && host.auto_remove) return status_error(400, "can't create 'AutoRemove' container with restart policy");
  if (host.memory > 0 && host.memory < least_memory) {
    return status_error(400, "Minimum memory limit allowed is 6MB");
  }
  if (host.nano_cpus < 0 || host.nano_cpus > processors * nanos_of_a_processor) {
    return status_error(400, "Range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available");
  }
  if (!host.runtime.empty() && host.runtime != "runc") {
    return status_error(400, "Unknown runtime specified " + host.runtime);
  }
  return refuse_mounts(host);
}

std::optional<docker::Error> Engine::refuse_mounts(const docker::HostConfig& host) const {
  for (const docker::Mount& mount : host.mounts) {
    if (mount.type == "bind" && !host_.has_directory(mount.source)) {
      return status_error(400, "invalid mount config for type \"bind\": bind source path does not exist: " + mount.source);
    }
  }
  return std::nullopt;
}

std::optional<docker::Error> Engine::refuse_create(const docker::ContainerCreate& request) const {
  if (auto refused = refuse_settings(request)) return refused;
  if (image_of(request.config.image) == nullptr) return status_error(404, "No such image: " + request.config.image);
  if (!is_name(request.name)) {
    return status_error(400, "Invalid container name (" + request.name + "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
  }
  const auto taken = names_.find(request.name);
  if (taken != names_.end() || phantom_names_.contains(request.name)) {
    const std::string holder = taken != names_.end() ? taken->second : std::string(64, 'f');
    return status_error(409, "Conflict. The container name \"/" + request.name + "\" is already in use by container \"" + holder +
                                 "\". You have to remove (or rename) that container to be able to reuse that name.");
  }
  return std::nullopt;
}

std::vector<std::string> Engine::apply_limits(Container& container) {
  std::vector<std::string> warnings;
  docker::HostConfig& host = container.shown.host_config;
  if (traits_.drops_swap && host.memory_swap > 0) {
    host.memory_swap = -1;
    container.weakened = true;
    warnings.emplace_back(
        "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without swap.");
  }
  if (traits_.drops_pids && host.pids_limit.value_or(0) > 0) {
    host.pids_limit.reset();
    container.weakened = true;
    warnings.emplace_back(
        "Your kernel does not support PIDs limit capabilities or the cgroup is not mounted. PIDs limit discarded.");
  }
  if (traits_.drops_silently && !host.security_opt.empty()) {
    host.security_opt.clear();
    container.weakened = true;
  }
  return warnings;
}

docker::Result Engine::create(Who who, const docker::ContainerCreate& request) {
  if (auto refused = refuse_create(request)) return *refused;
  const Image& image = *image_of(request.config.image);
  auto container = std::make_shared<Container>();
  docker::ContainerDetails& shown = container->shown;
  shown.id = new_id("container");
  shown.name = request.name;
  shown.created = wall();
  shown.image_id = image.details.id;
  shown.config = request.config;
  shown.config.labels = image.details.labels;
  for (const auto& [key, value] : request.config.labels) shown.config.labels[key] = value;
  shown.config.env = merged_environment(image.details.env, request.config.env);
  shown.host_config = request.host_config;
  if (shown.config.user.empty()) shown.config.user = image.details.user;
  fill_in(shown);
  for (const docker::Mount& mount : request.host_config.mounts) shown.mounts.push_back(mount_point_of(mount));
  for (const std::string& volume : image.details.volumes) {
    shown.mounts.push_back({"volume", "/var/lib/docker/volumes/" + shown.id, volume, true, ""});
  }
  container->program = program_from(words_of(shown.config));
  if (container->program.unhandled && !shown.host_config.init) container->program.term_code = -1;
  container->maker = who;
  docker::ContainerCreated reply;
  reply.id = shown.id;
  reply.warnings = apply_limits(*container);
  containers_[shown.id] = container;
  names_[shown.name] = shown.id;
  container->changed_at = schedule_.now();
  container_event(*container, "create");
  changed(*container, "create", who);
  return docker::Reply{reply};
}

}  // namespace cofferdam::sim
