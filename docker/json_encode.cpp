#include <string>

#include <nlohmann/json.hpp>

#include "docker/json.hpp"

namespace cofferdam::docker {

namespace {

using Json = nlohmann::json;

void set_text(Json& object, const char* key, const std::string& value) {
  if (!value.empty()) {
    object[key] = value;
  }
}

void set_config(Json& body, const ContainerConfig& config) {
  set_text(body, "Hostname", config.hostname);
  set_text(body, "User", config.user);
  body["Image"] = config.image;
  set_text(body, "WorkingDir", config.working_dir);
  if (config.entrypoint) {
    body["Entrypoint"] = *config.entrypoint;
  }
  if (config.cmd) {
    body["Cmd"] = *config.cmd;
  }
  body["Env"] = config.env;
  body["Labels"] = config.labels;
  set_text(body, "StopSignal", config.stop_signal);
  if (config.stop_timeout) {
    body["StopTimeout"] = *config.stop_timeout;
  }
  if (!config.healthcheck_test.empty()) {
    body["Healthcheck"]["Test"] = config.healthcheck_test;
  }
  body["Tty"] = config.tty;
  body["OpenStdin"] = config.open_stdin;
}

Json json_of(const Ulimit& limit) {
  return {{"Name", limit.name}, {"Soft", limit.soft}, {"Hard", limit.hard}};
}

Json json_of(const Mount& mount) {
  Json result = {{"Type", mount.type}, {"Source", mount.source}, {"Target", mount.target}, {"ReadOnly", mount.read_only}};
  if (mount.type == "bind") {
    Json options = {{"NonRecursive", mount.non_recursive}};
    set_text(options, "Propagation", mount.propagation);
    result["BindOptions"] = std::move(options);
  }
  return result;
}

template <class T>
Json array_of(const std::vector<T>& items) {
  auto result = Json::array();
  for (const auto& item : items) {
    result.push_back(json_of(item));
  }
  return result;
}

void set_host_config(Json& host, const HostConfig& config) {
  host["CapDrop"] = config.cap_drop;
  host["CapAdd"] = config.cap_add;
  host["SecurityOpt"] = config.security_opt;
  host["Privileged"] = config.privileged;
  host["ReadonlyRootfs"] = config.readonly_rootfs;
  if (!config.tmpfs.empty()) {
    host["Tmpfs"] = config.tmpfs;
  }
  if (config.pids_limit) {
    host["PidsLimit"] = *config.pids_limit;
  }
  host["Memory"] = config.memory;
  host["MemorySwap"] = config.memory_swap;
  host["NanoCpus"] = config.nano_cpus;
  host["OomScoreAdj"] = config.oom_score_adj;
  host["Ulimits"] = array_of(config.ulimits);
  set_text(host, "IpcMode", config.ipc_mode);
  host["ShmSize"] = config.shm_size;
  set_text(host, "CgroupnsMode", config.cgroupns_mode);
  set_text(host, "PidMode", config.pid_mode);
  set_text(host, "UTSMode", config.uts_mode);
  set_text(host, "UsernsMode", config.userns_mode);
  set_text(host, "NetworkMode", config.network_mode);
  host["PublishAllPorts"] = config.publish_all_ports;
  if (!config.log_type.empty()) {
    host["LogConfig"] = {{"Type", config.log_type}, {"Config", config.log_options}};
  }
  host["Init"] = config.init;
  host["Mounts"] = array_of(config.mounts);
  host["RestartPolicy"]["Name"] = config.restart_policy;
  host["AutoRemove"] = config.auto_remove;
  set_text(host, "Runtime", config.runtime);
  // MaskedPaths and ReadonlyPaths stay out: an empty list would unmask everything.
}

}  // namespace

std::optional<std::string> encode_create(const ContainerConfig& config, const HostConfig& host_config) {
  Json body = Json::object();
  set_config(body, config);
  set_host_config(body["HostConfig"], host_config);
  try {
    return body.dump();
  } catch (const Json::exception&) {  // a text that is not UTF-8: never sent as something else
    return std::nullopt;
  }
}

std::string encode_list_filters(const std::vector<std::string>& labels) {
  Json filters;
  filters["label"] = labels;
  return filters.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string encode_event_filters() {
  Json filters;
  filters["type"] = {"container", "image", "network", "daemon"};
  return filters.dump();
}

}  // namespace cofferdam::docker
