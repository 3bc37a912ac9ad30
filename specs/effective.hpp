#pragma once

// Spec + defaults → what is wanted of the container, complete: nothing in it is left to the engine or the image
// but the user's numbers and the image's id, which are resolved once per image.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "specs/agent_spec.hpp"
#include "specs/configuration.hpp"

namespace cofferdam::specs {

struct EffectiveTmpfs {
  std::int64_t size_bytes = 0;
  bool exec = false;

  bool operator==(const EffectiveTmpfs&) const = default;
};

struct EffectiveContainer {
  std::string agent;
  std::string task;
  std::string image;                                   ///< normalised: docker.io/library/node:20-alpine
  std::optional<std::vector<std::string>> entrypoint;  ///< unset: the image's
  std::optional<std::vector<std::string>> cmd;         ///< unset: the image's, unless entrypoint is set
  std::map<std::string, std::string> env;              ///< after filtering, with AGENT_ID, TASK_ID and HOME
  std::string workspace;
  bool workspace_read_only = false;
  std::string user;  ///< as asked: "node:node", "1000:1000"
  std::int64_t memory_bytes = 0;
  std::int64_t nano_cpus = 0;  ///< floor(cpus × 10^9)
  std::string network;
  std::map<std::string, EffectiveTmpfs> tmpfs;  ///< by target
  std::int64_t shm_bytes = 0;
  std::vector<std::string> cap_drop;  ///< sorted
  std::vector<std::string> cap_add;   ///< sorted
  bool readonly_rootfs = true;
  std::optional<std::int64_t> pids_limit;  ///< unset: no limit
  bool no_new_privileges = true;
  std::string seccomp_profile = "default";
  std::string seccomp_content;  ///< the profile's JSON; empty for "default"
  std::string runtime = "default";
  std::string log_driver = "local";
  std::int64_t log_max_size_mb = 10;
  std::int64_t log_max_files = 3;

  bool operator==(const EffectiveContainer&) const = default;
};

/// The number of the hash's shape: it changes when the same wish is written down differently (a field is added).
/// Across schema numbers only run-hashes are compared.
inline constexpr int config_schema = 1;

/// 64 hex digits over every field above and the fixed part of the hardening, references as asked.
std::string config_hash(const EffectiveContainer& container);

/// floor(cpus × 10^9) of the decimal number that was written, exactly: 0.57 is 570000000. Not a positive number: 0.
std::int64_t nano_cpus_of(double cpus);

struct Effective {
  EffectiveContainer container;
  std::string config_hash;
  std::vector<std::string> filtered;  ///< names of variables outside the allow-list, sorted; never their values
};

/// Spec over defaults, field by field. tmpfs targets add to the defaults' (64 MiB without exec where a new one says neither);
/// /tmp is exec as the defaults say while the workspace is writable, and noexec with a read-only one, unless the spec says.
Effective make_effective(const AgentSpec& spec, const Configuration& configuration);

}  // namespace cofferdam::specs
