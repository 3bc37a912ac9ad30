#pragma once

// The operator's one configuration file, with its defaults, overrides and where each value came from.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "specs/place.hpp"

namespace cofferdam::specs {

struct TmpfsDefault {
  std::int64_t size_mb = 0;
  bool exec = false;

  bool operator==(const TmpfsDefault&) const = default;
};

struct SecurityDefaults {
  std::vector<std::string> cap_drop{"ALL"};
  std::vector<std::string> cap_add;
  bool readonly_rootfs = true;
  std::int64_t pids_limit = 100;  ///< 0: no limit
  bool no_new_privileges = true;

  bool operator==(const SecurityDefaults&) const = default;
};

struct SandboxDefaults {
  bool enabled = true;
  std::string default_image = "node:20-alpine";
  std::int64_t default_memory_mb = 512;
  double default_cpu_limit = 1.0;
  std::string network_mode = "bridge";
  std::string user = "node:node";
  std::vector<std::string> env_whitelist;  ///< the built-in list by default (`default_env_whitelist`)
  std::vector<std::string> env_whitelist_add;
  SecurityDefaults security;
  std::map<std::string, TmpfsDefault> tmpfs{{"/run", {16, false}}, {"/tmp", {256, true}}};
  std::string log_driver = "local";
  std::int64_t log_max_size_mb = 10;
  std::int64_t log_max_files = 3;

  bool operator==(const SandboxDefaults&) const = default;
};

const std::vector<std::string>& default_env_whitelist();

enum class OnViolation { stop, report };

struct Policy {
  std::vector<std::string> workspace_roots{"/srv/cofferdam/workspaces"};  ///< as the shell resolved them when it loaded the file
  std::int64_t min_workspace_free_mb = 0;
  std::vector<std::string> allowed_capabilities;
  std::vector<std::string> allowed_networks{"none", "bridge"};
  std::vector<std::string> allowed_images;  ///< empty: any
  std::vector<std::string> allowed_runtimes{"default"};
  std::map<std::string, std::string> seccomp_profiles;          ///< name → file
  std::map<std::string, std::string> seccomp_profile_contents;  ///< name → the file's JSON, filled by the shell
  bool require_digest = false;
  bool allow_root = false;
  bool allow_writable_rootfs = false;
  bool allow_new_privileges = false;
  bool allow_unlimited_pids = false;
  bool allow_image_volumes = false;
  bool allow_root_equivalent_capabilities = false;  ///< the second switch for SYS_ADMIN and its kin
  bool allow_code_environment = false;              ///< the second switch for LD_*, PATH, BASH_ENV and their kin
  std::int64_t max_memory_mb = 0;                   ///< 0: no ceiling; the same for each below
  double max_cpu_limit = 0;
  std::int64_t max_pids = 0;
  std::int64_t max_tmpfs_mb = 0;
  std::int64_t total_memory_mb = 0;
  double total_cpu_limit = 0;
  std::vector<std::string> tolerate_missing;
  OnViolation on_violation = OnViolation::stop;
  bool strict = false;

  bool operator==(const Policy&) const = default;
};

struct Configuration {
  std::string instance = "default";
  std::string name_prefix = "cofferdam";

  struct Engine {
    std::string host = "unix:///var/run/docker.sock";
    std::chrono::seconds request_timeout{30};
    std::int64_t max_concurrent_operations = 0;  ///< 0: four times the processors, at most 32
    std::chrono::seconds relist_interval{60};
    std::string registry_auth_file;
    bool allow_insecure_loopback = false;  ///< plain TCP, to a loopback address only
    bool operator==(const Engine&) const = default;
  } engine;

  struct Specs {
    std::string directory = "/etc/cofferdam/agents.d";
    std::chrono::seconds rescan_interval{20};
    std::chrono::milliseconds settle{100};
    bool operator==(const Specs&) const = default;
  } specs;

  SandboxDefaults sandbox;

  struct Backoff {
    std::chrono::seconds initial{1};
    std::chrono::seconds max{60};
    std::chrono::seconds reset_after{600};
    bool operator==(const Backoff&) const = default;
  } backoff;

  struct Deletion {
    std::int64_t budget_count = 5;
    double budget_fraction = 0.5;
    std::int64_t budget_max = 50;
    bool operator==(const Deletion&) const = default;
  } deletion;

  std::int64_t rollout_max_concurrent = 1;
  Policy policy;

  std::string server_listen = "127.0.0.1:9476";  ///< empty: no TCP listener
  std::string server_socket = "/run/cofferdam/api.sock";
  std::string state_directory = "/var/lib/cofferdam";
  std::string runtime_directory = "/run/cofferdam";
  std::string log_level = "info";
  std::string log_format = "auto";

  bool operator==(const Configuration&) const = default;
};

/// What overrides the file: flags over environment. Keys are the fields' paths ("engine.host").
struct Override {
  std::string path;
  std::string value;   ///< as written on the command line or in the environment
  std::string origin;  ///< for people: "--host", "COFFERDAM_ENGINE_HOST"
};

/// A configuration that is good, and for each field's path where its value came from: "default", "file:line",
/// an override's origin.
struct LoadedConfiguration {
  Configuration configuration;
  std::map<std::string, std::string> origins;
};

/// Parses and checks. `bytes` may be empty (all defaults). Later overrides win. All problems are reported; the
/// default image's reference is checked here, so that a bad one fails at start.
std::variant<LoadedConfiguration, Problems> parse_configuration(const std::string& bytes, const std::string& file,
                                                                const std::vector<Override>& overrides);

/// The environment's overrides: COFFERDAM_<PATH IN UPPER SNAKE CASE> for each scalar field, DOCKER_HOST for engine.host.
std::vector<Override> overrides_from_environment(const std::map<std::string, std::string>& environment);

/// A warning for each variable COFFERDAM_… that sets nothing: no field has its name, or the field is a list.
std::vector<std::string> unknown_in_environment(const std::map<std::string, std::string>& environment);

/// Every field in the file's order with its value as YAML text and its origin: what `cofferdam config` prints.
struct ConfigurationLine {
  std::string path;
  std::string value;
  std::string origin;
};
std::vector<ConfigurationLine> describe(const LoadedConfiguration& loaded);

/// The paths of fields that differ and cannot be changed by a reload (instance, namePrefix, engine.*, the
/// directories, server.*). Empty: the reload may go on.
std::vector<std::string> needs_restart(const Configuration& before, const Configuration& after);

}  // namespace cofferdam::specs
