#pragma once

// What the engine has, with moby's nouns (Engine API 1.41 to 1.52). Plain values; times are UTC.
// Fields that the product never reads are not here.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace cofferdam::docker {

using Time = std::chrono::sys_time<std::chrono::nanoseconds>;

enum class ContainerState { created, running, paused, restarting, removing, exited, dead };
std::string_view name_of(ContainerState state);

struct MountPoint {
  std::string type;         ///< bind, volume, tmpfs
  std::string source;       ///< on the host
  std::string destination;  ///< in the container
  bool read_write = false;
  std::string propagation;

  bool operator==(const MountPoint&) const = default;
};

/// One row of GET /containers/json.
struct ContainerSummary {
  std::string id;
  std::string name;  ///< without the leading slash; the first that is no link alias
  std::string image;
  std::string image_id;
  ContainerState state = ContainerState::created;
  std::string status;  ///< for people: "Up 3 minutes"
  std::map<std::string, std::string> labels;
  std::vector<MountPoint> mounts;
  std::int64_t created = 0;  ///< Unix seconds

  bool operator==(const ContainerSummary&) const = default;
};

struct Ulimit {
  std::string name;
  std::int64_t soft = 0;
  std::int64_t hard = 0;
  bool operator==(const Ulimit&) const = default;
};

struct Mount {
  std::string type = "bind";
  std::string source;
  std::string target;
  bool read_only = false;
  std::string propagation;
  bool non_recursive = false;
  bool operator==(const Mount&) const = default;
};

/// Config of POST /containers/create and of inspect: only what we set, or compare.
struct ContainerConfig {
  std::string hostname;
  std::string user;
  std::string image;
  std::string working_dir;
  std::optional<std::vector<std::string>> entrypoint;
  std::optional<std::vector<std::string>> cmd;
  std::vector<std::string> env;  ///< NAME=value, or bare NAME: unset what the image has
  std::map<std::string, std::string> labels;
  std::string stop_signal;
  std::optional<int> stop_timeout;            ///< seconds
  std::vector<std::string> healthcheck_test;  ///< {"NONE"}
  bool tty = false;
  bool open_stdin = false;
  bool operator==(const ContainerConfig&) const = default;
};

struct HostConfig {
  std::vector<std::string> cap_drop;
  std::vector<std::string> cap_add;
  std::vector<std::string> security_opt;
  bool privileged = false;
  bool readonly_rootfs = false;
  std::map<std::string, std::string> tmpfs;  ///< target → options
  std::optional<std::int64_t> pids_limit;    ///< unset, 0 or negative when read back: no limit
  std::int64_t memory = 0;                   ///< bytes
  std::int64_t memory_swap = 0;              ///< bytes, memory included; -1: unlimited
  std::int64_t nano_cpus = 0;
  int oom_score_adj = 0;
  std::vector<Ulimit> ulimits;
  std::string ipc_mode;
  std::int64_t shm_size = 0;  ///< bytes
  std::string cgroupns_mode;
  std::string pid_mode;
  std::string uts_mode;
  std::string userns_mode;
  std::string network_mode;
  bool publish_all_ports = false;
  std::string log_type;
  std::map<std::string, std::string> log_options;
  bool init = false;
  std::vector<Mount> mounts;
  std::string restart_policy = "no";
  bool auto_remove = false;
  std::string runtime;  ///< empty: the engine's default

  // Only read back: never set by us.
  std::vector<std::string> binds;
  std::vector<std::string> group_add;
  std::vector<std::string> devices;  ///< host paths
  std::size_t device_requests = 0;
  std::size_t device_cgroup_rules = 0;
  std::size_t port_bindings = 0;
  std::vector<std::string> volumes_from;
  std::vector<std::string> links;
  std::map<std::string, std::string> sysctls;
  std::string cgroup_parent;
  std::optional<std::vector<std::string>> masked_paths;  ///< as inspect shows them
  std::optional<std::vector<std::string>> readonly_paths;
  bool operator==(const HostConfig&) const = default;
};

/// GET /containers/{id}/json.
struct ContainerDetails {
  std::string id;
  std::string name;  ///< without the leading slash
  std::optional<Time> created;
  std::string image_id;  ///< "sha256:…", what it really runs

  ContainerState state = ContainerState::created;
  bool running = false;
  bool paused = false;
  bool oom_killed = false;
  bool dead = false;
  std::int64_t pid = 0;
  std::int64_t exit_code = 0;
  std::string error;               ///< State.Error
  std::optional<Time> started_at;  ///< unset: the engine's zero time
  std::optional<Time> finished_at;
  std::int64_t restart_count = 0;

  ContainerConfig config;
  HostConfig host_config;
  std::vector<MountPoint> mounts;
  std::string apparmor_profile;
  std::map<std::string, std::string> networks;  ///< name → network id

  bool operator==(const ContainerDetails&) const = default;
};

struct ImageDetails {
  std::string id;
  std::vector<std::string> repo_tags;
  std::vector<std::string> repo_digests;
  std::vector<std::string> env;
  std::map<std::string, std::string> labels;
  std::vector<std::string> volumes;
  std::string user;
  std::string architecture;
  std::string os;

  bool operator==(const ImageDetails&) const = default;
};

struct NetworkDetails {
  std::string id;
  std::string name;
  std::string driver;
  bool internal = false;
  std::map<std::string, std::string> options;

  bool operator==(const NetworkDetails&) const = default;
};

/// GET /version.
struct EngineVersion {
  std::string version;      ///< "20.10.24"
  std::string api_version;  ///< its maximum
  std::string min_api_version;
  std::string os;
  std::string arch;
  std::string kernel;
  std::string platform;  ///< "Docker Engine - Community", "Podman Engine"

  bool operator==(const EngineVersion&) const = default;
};

/// GET /info.
struct EngineInfo {
  std::string id;
  std::string name;
  int processors = 0;             ///< NCPU
  std::int64_t memory_bytes = 0;  ///< MemTotal
  std::optional<Time> system_time;
  std::vector<std::string> security_options;  ///< "name=apparmor", "name=seccomp,profile=default"
  std::vector<std::string> runtimes;
  std::string default_runtime;
  std::string cgroup_version;
  std::vector<std::string> log_drivers;
  bool live_restore = false;
  bool memory_limit = false;
  bool swap_limit = false;
  bool cpu_cfs_quota = false;
  bool pids_limit = false;
  bool oom_kill_disable = false;
  std::string docker_root_dir;
  std::vector<std::string> warnings;

  bool operator==(const EngineInfo&) const = default;
};

/// One line of GET /events. Attributes can be forged by image labels: they are hints, never facts.
struct Event {
  std::string type;    ///< container, image, network, volume, daemon
  std::string action;  ///< cut at the first colon: exec_create's carries a command line
  std::string actor;   ///< the container's id, the image's name
  std::map<std::string, std::string> attributes;
  std::int64_t time_ns = 0;

  bool operator==(const Event&) const = default;
};

}  // namespace cofferdam::docker
