// GET /containers/{id}/json: the reading back of what was asked for.

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "docker/json.hpp"
#include "docker/json_fields.hpp"

namespace cofferdam::docker {

namespace {

constexpr std::array<std::pair<std::string_view, ContainerState>, 12> kStates{{
    {"created", ContainerState::created},
    {"running", ContainerState::running},
    {"paused", ContainerState::paused},
    {"restarting", ContainerState::restarting},
    {"removing", ContainerState::removing},
    {"exited", ContainerState::exited},
    {"dead", ContainerState::dead},
    // Podman's own words.
    {"configured", ContainerState::created},
    {"initialized", ContainerState::created},
    {"stopping", ContainerState::running},
    {"stopped", ContainerState::exited},
    {"up", ContainerState::running},
}};

int small_integer(const Fields& fields, const char* key) {
  return static_cast<int>(
      std::clamp<std::int64_t>(fields.integer(key), std::numeric_limits<int>::min(), std::numeric_limits<int>::max()));
}

ContainerConfig config_of(const Fields& body) {
  ContainerConfig config{.hostname = body.text("Hostname"),
                         .user = body.text("User"),
                         .image = body.text("Image"),
                         .working_dir = body.text("WorkingDir"),
                         .entrypoint = body.maybe_texts("Entrypoint"),
                         .cmd = body.maybe_texts("Cmd"),
                         .env = body.texts("Env"),
                         .labels = body.text_map("Labels"),
                         .stop_signal = body.text("StopSignal"),
                         .stop_timeout = std::nullopt,
                         .healthcheck_test = body.object("Healthcheck").texts("Test"),
                         .tty = body.flag("Tty"),
                         .open_stdin = body.flag("OpenStdin")};
  if (body.maybe_integer("StopTimeout")) {
    config.stop_timeout = small_integer(body, "StopTimeout");
  }
  return config;
}

Mount mount_of(const Fields& body) {
  const auto options = body.object("BindOptions");
  return {.type = body.text("Type"),
          .source = body.text("Source"),
          .target = body.text("Target"),
          .read_only = body.flag("ReadOnly"),
          .propagation = options.text("Propagation"),
          .non_recursive = options.flag("NonRecursive")};
}

/// What the engine keeps beside the fields that we set: empty in a container of ours.
void read_foreign(const Fields& body, HostConfig& host) {
  host.binds = body.texts("Binds");
  host.group_add = body.texts("GroupAdd");
  for (const auto& device : body.objects("Devices")) {
    host.devices.push_back(device.text("PathOnHost"));
  }
  host.device_requests = body.count("DeviceRequests");
  host.device_cgroup_rules = body.count("DeviceCgroupRules");
  host.port_bindings = body.count("PortBindings");
  host.volumes_from = body.texts("VolumesFrom");
  host.links = body.texts("Links");
  host.sysctls = body.text_map("Sysctls");
  host.cgroup_parent = body.text("CgroupParent");
  host.masked_paths = body.maybe_texts("MaskedPaths");
  host.readonly_paths = body.maybe_texts("ReadonlyPaths");
}

HostConfig host_config_of(const Fields& body) {
  const auto log = body.object("LogConfig");
  HostConfig host;
  host.cap_drop = body.texts("CapDrop");
  host.cap_add = body.texts("CapAdd");
  host.security_opt = body.texts("SecurityOpt");
  host.privileged = body.flag("Privileged");
  host.readonly_rootfs = body.flag("ReadonlyRootfs");
  host.tmpfs = body.text_map("Tmpfs");
  host.pids_limit = body.maybe_integer("PidsLimit");
  host.memory = body.integer("Memory");
  host.memory_swap = body.integer("MemorySwap");
  host.nano_cpus = body.integer("NanoCpus");
  host.oom_score_adj = small_integer(body, "OomScoreAdj");
  for (const auto& limit : body.objects("Ulimits")) {
    host.ulimits.push_back({.name = limit.text("Name"), .soft = limit.integer("Soft"), .hard = limit.integer("Hard")});
  }
  host.ipc_mode = body.text("IpcMode");
  host.shm_size = body.integer("ShmSize");
  host.cgroupns_mode = body.text("CgroupnsMode");
  host.pid_mode = body.text("PidMode");
  host.uts_mode = body.text("UTSMode");
  host.userns_mode = body.text("UsernsMode");
  host.network_mode = body.text("NetworkMode");
  host.publish_all_ports = body.flag("PublishAllPorts");
  host.log_type = log.text("Type");
  host.log_options = log.text_map("Config");
  host.init = body.flag("Init");
  for (const auto& mount : body.objects("Mounts")) {
    host.mounts.push_back(mount_of(mount));
  }
  host.restart_policy = body.object("RestartPolicy").text("Name");
  if (host.restart_policy.empty()) {
    host.restart_policy = "no";
  }
  host.auto_remove = body.flag("AutoRemove");
  host.runtime = body.text("Runtime");
  read_foreign(body, host);
  return host;
}

void read_state(const Fields& state, ContainerDetails& container) {
  const auto word = state.text("Status");
  if (const auto known = container_state_of(word)) {
    container.state = *known;
  } else {
    state.note("Status", "\"" + word.substr(0, 64) + "\" is no state that is known here");
  }
  container.running = state.flag("Running");
  container.paused = state.flag("Paused");
  container.oom_killed = state.flag("OOMKilled");
  container.dead = state.flag("Dead");
  container.pid = state.integer("Pid");
  container.exit_code = state.integer("ExitCode");
  container.error = state.message("Error");
  container.started_at = state.time("StartedAt");
  container.finished_at = state.time("FinishedAt");
}

}  // namespace

std::optional<ContainerState> container_state_of(std::string_view word) {
  const auto* const found = std::find_if(kStates.begin(), kStates.end(), [&](const auto& entry) { return entry.first == word; });
  return found == kStates.end() ? std::nullopt : std::optional(found->second);
}

std::string_view name_of(ContainerState state) {
  const auto* const found =
      std::find_if(kStates.begin(), kStates.end(), [&](const auto& entry) { return entry.second == state; });
  return found == kStates.end() ? std::string_view("unknown") : found->first;
}

Decoded<ContainerDetails> decode_container(std::string_view text) {
  JsonProblem problem;
  const auto document = parse_object(text, problem);
  if (!document) {
    return problem.text;
  }
  const Fields body{&*document, "", problem};
  ContainerDetails container;
  container.id = body.text("Id");
  if (container.id.empty()) {
    body.note("Id", "missing");
  }
  container.name = body.text("Name");
  container.name.erase(0, container.name.starts_with('/') ? 1 : 0);
  container.created = body.time("Created");
  container.image_id = body.text("Image");
  container.restart_count = body.integer("RestartCount");
  container.apparmor_profile = body.text("AppArmorProfile");
  read_state(body.object("State"), container);
  container.config = config_of(body.object("Config"));
  container.host_config = host_config_of(body.object("HostConfig"));
  for (const auto& mount : body.objects("Mounts")) {
    container.mounts.push_back({.type = mount.text("Type"),
                                .source = mount.text("Source"),
                                .destination = mount.text("Destination"),
                                .read_write = mount.flag("RW"),
                                .propagation = mount.text("Propagation")});
  }
  for (const auto& [name, network] : body.object("NetworkSettings").named_objects("Networks")) {
    container.networks.emplace(name, network.text("NetworkID"));
  }
  if (!problem.text.empty()) {
    return problem.text;
  }
  return container;
}

}  // namespace cofferdam::docker
