#include "reconciler/create_request.hpp"

#include <algorithm>

#include "reconciler/ownership.hpp"

namespace cofferdam::reconciler {
namespace {

constexpr int oom_score = 500;  // agents die before the host does
constexpr std::int64_t open_files_soft = 1024;
// A nested or rootless engine without CAP_SYS_RESOURCE cannot raise its own hard limit (20 000 was seen) and would refuse the
// start.
constexpr std::int64_t open_files_hard = 16384;

std::string tmpfs_options(const specs::EffectiveTmpfs& tmpfs, const specs::NumericUser& user) {
  // uid, gid and 0700 rather than 1777: runc before 1.1.8 ignores mode=1777 over a directory of the image.
  return std::string("rw,nosuid,nodev,") + (tmpfs.exec ? "exec" : "noexec") + ",size=" + std::to_string(tmpfs.size_bytes) +
         ",uid=" + std::to_string(user.uid) + ",gid=" + std::to_string(user.gid) + ",mode=0700";
}

std::string log_driver_of(const specs::EffectiveContainer& container, const EngineFacts& engine) {
  const auto& offered = engine.info.log_drivers;
  if (offered.empty() || std::find(offered.begin(), offered.end(), container.log_driver) != offered.end()) {
    return container.log_driver;
  }
  return "json-file";
}

bool has_apparmor(const EngineFacts& engine) {
  const auto& options = engine.info.security_options;
  return std::any_of(options.begin(), options.end(),
                     [](const std::string& option) { return option.rfind("name=apparmor", 0) == 0; });
}

void put(std::map<std::string, std::string>& labels, std::string_view key, std::string value) {
  labels[std::string(key)] = std::move(value);
}

}  // namespace

std::string container_name(const Identity& identity, const std::string& agent, std::int64_t attempt) {
  return identity.name_prefix + "-" + identity.instance + "-" + agent + "-" + std::to_string(attempt);
}

std::string probe_name(const Identity& identity, const std::string& image_id, int tries) {
  const std::size_t colon = image_id.find(':');
  const std::string digits = colon == std::string::npos ? image_id : image_id.substr(colon + 1);
  return identity.name_prefix + "-" + identity.instance + "-probe." + digits.substr(0, 12) + "-" + std::to_string(tries);
}

docker::HostConfig host_config_of(const specs::EffectiveContainer& container, const specs::NumericUser& user,
                                  const EngineFacts& engine) {
  docker::HostConfig host;
  host.cap_drop = container.cap_drop;
  host.cap_add = container.cap_add;
  if (container.no_new_privileges) host.security_opt.emplace_back("no-new-privileges:true");
  if (!container.seccomp_content.empty()) host.security_opt.push_back("seccomp=" + container.seccomp_content);
  if (has_apparmor(engine)) host.security_opt.emplace_back("apparmor=docker-default");
  host.privileged = false;
  host.readonly_rootfs = container.readonly_rootfs;
  for (const auto& [target, tmpfs] : container.tmpfs) host.tmpfs[target] = tmpfs_options(tmpfs, user);
  host.pids_limit = container.pids_limit;
  host.memory = container.memory_bytes;
  host.memory_swap = container.memory_bytes;  // an omitted swap limit would mean twice the memory
  host.nano_cpus = container.nano_cpus;
  host.oom_score_adj = oom_score;
  host.ulimits = {{"core", 0, 0}, {"nofile", open_files_soft, open_files_hard}};  // not nproc: it counts per host uid
  host.ipc_mode = "private";
  host.shm_size = container.shm_bytes;
  host.cgroupns_mode = "private";
  host.network_mode = container.network;
  host.publish_all_ports = false;
  host.log_type = log_driver_of(container, engine);
  if (host.log_type == "local" || host.log_type == "json-file") {
    host.log_options = {{"max-size", std::to_string(container.log_max_size_mb) + "m"},
                        {"max-file", std::to_string(container.log_max_files)}};
  }
  host.init = true;
  docker::Mount workspace;
  workspace.type = "bind";
  workspace.source = container.workspace;
  workspace.target = "/workspace";
  workspace.read_only = container.workspace_read_only;
  workspace.propagation = "rprivate";
  workspace.non_recursive = true;
  host.mounts = {workspace};
  host.restart_policy = "no";  // the controller owns restarts
  host.auto_remove = false;    // a finished container stays for the audit trail
  host.runtime = container.runtime == "default" ? std::string() : container.runtime;
  return host;
}

docker::ContainerCreate create_request(const specs::EffectiveContainer& container, const specs::AgentSpec& spec,
                                       const specs::ImageFacts& image, const specs::NumericUser& user, const Attempt& attempt,
                                       const EngineFacts& engine, const Identity& identity) {
  docker::ContainerCreate create;
  create.name = container_name(identity, container.agent, attempt.number);
  create.host_config = host_config_of(container, user, engine);
  docker::ContainerConfig& config = create.config;
  config.hostname = container.agent;
  config.user = std::to_string(user.uid) + ":" + std::to_string(user.gid);
  config.image = image.id;  // the id that was inspected: a tag may move between the look and the create
  config.working_dir = "/workspace";
  config.entrypoint = container.entrypoint;
  config.cmd = container.cmd;
  for (const auto& [name, value] : container.env) config.env.push_back(std::string(name).append("=").append(value));
  for (const std::string& name : specs::variables_to_unset(image, container)) config.env.push_back(name);
  config.stop_signal = "SIGTERM";
  config.stop_timeout = static_cast<int>(spec.stop_timeout.count());
  config.healthcheck_test = {"NONE"};

  auto& labels = config.labels;
  for (const auto& [key, value] : spec.labels) put(labels, std::string(label::user_prefix) + key, value);
  put(labels, label::managed_by, std::string(label::manager));
  put(labels, label::instance, identity.instance);
  put(labels, label::role, "agent");
  put(labels, label::name, create.name);
  put(labels, label::agent, container.agent);
  put(labels, label::task, container.task);
  put(labels, label::run_hash, attempt.run_hash);
  put(labels, label::config_hash, attempt.config_hash);
  put(labels, label::schema, std::to_string(specs::config_schema));
  put(labels, label::image_id, image.id);
  put(labels, label::attempt, std::to_string(attempt.number));
  put(labels, label::restarts, std::to_string(attempt.restarts));
  put(labels, label::failures, std::to_string(attempt.failures));
  put(labels, label::source, attempt.source);
  put(labels, label::version, identity.version);
  return create;
}

docker::ContainerCreate probe_request(const std::string& image_id, int tries, const Identity& identity) {
  docker::ContainerCreate create;
  create.name = probe_name(identity, image_id, tries);
  docker::ContainerConfig& config = create.config;
  config.image = image_id;
  config.user = "65534:65534";
  config.entrypoint = std::vector<std::string>{"/never-started"};
  config.healthcheck_test = {"NONE"};
  put(config.labels, label::managed_by, std::string(label::manager));
  put(config.labels, label::instance, identity.instance);
  put(config.labels, label::role, "probe");
  put(config.labels, label::name, create.name);
  put(config.labels, label::image_id, image_id);
  put(config.labels, label::version, identity.version);
  docker::HostConfig& host = create.host_config;
  host.cap_drop = {"ALL"};
  host.security_opt = {"no-new-privileges:true"};
  host.readonly_rootfs = true;
  host.network_mode = "none";
  host.log_type = "none";
  host.ipc_mode = "private";
  host.cgroupns_mode = "private";
  return create;
}

specs::ImageFacts facts_of(const docker::ImageDetails& image) {
  specs::ImageFacts facts;
  facts.id = image.id;
  facts.volumes = image.volumes;
  facts.labels = image.labels;
  for (const std::string& entry : image.env) facts.env_names.push_back(entry.substr(0, entry.find('=')));
  return facts;
}

}  // namespace cofferdam::reconciler
