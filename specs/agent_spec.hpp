#pragma once

// What an author wrote about one agent: the parsed and checked form of one YAML document.
// Unset fields stay unset here; `effective.hpp` lays the defaults under them.

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "specs/place.hpp"

namespace cofferdam::specs {

enum class RestartPolicy { never, on_failure, always };
enum class ImagePullPolicy { always, if_not_present, never };

struct TmpfsSpec {
  std::optional<std::int64_t> size_mb;  ///< MiB
  std::optional<bool> exec;

  bool operator==(const TmpfsSpec&) const = default;
};

/// Each field falls back to `sandbox.security` of the configuration, one by one.
struct SecuritySpec {
  std::optional<std::vector<std::string>> cap_drop;  ///< normalised: upper case, no CAP_ prefix
  std::optional<std::vector<std::string>> cap_add;
  std::optional<bool> readonly_rootfs;
  std::optional<std::int64_t> pids_limit;  ///< 0: no limit
  std::optional<bool> no_new_privileges;
  std::optional<std::string> seccomp_profile;  ///< "default" or a name that the configuration offers
  std::optional<std::string> runtime;          ///< "default" or a runtime's name

  bool operator==(const SecuritySpec&) const = default;
};

struct AgentSpec {
  // metadata
  std::string name;
  std::map<std::string, std::string> labels;
  std::string revision;

  // spec
  std::optional<std::string> task_id;
  std::optional<std::string> image;
  ImagePullPolicy image_pull_policy = ImagePullPolicy::if_not_present;
  std::optional<std::vector<std::string>> command;
  std::optional<std::vector<std::string>> args;
  std::map<std::string, std::string> env;
  std::string workspace_path;
  bool workspace_read_only = false;
  std::optional<std::string> user;
  std::optional<std::int64_t> memory_mb;  ///< MiB
  std::optional<double> cpu_limit;        ///< processors
  std::optional<std::string> network_mode;
  std::map<std::string, TmpfsSpec> tmpfs;  ///< by target
  std::optional<std::int64_t> shm_size_mb;
  SecuritySpec security;

  // spec: fields that only the controller uses; in neither hash
  RestartPolicy restart_policy = RestartPolicy::on_failure;
  std::optional<std::int64_t> max_restarts;
  std::optional<std::chrono::seconds> active_deadline;
  std::chrono::seconds stop_timeout{10};
  std::optional<std::chrono::seconds> ttl_after_finished;
  bool suspend = false;
  bool remove = false;

  /// 64 hex digits over what the author wrote: the sorted tree of `spec` without the controller's own fields
  /// (agent-spec, "Two hashes"). Writing a default out changes it; reordering or commenting does not.
  std::string run_hash;

  Place place;                          ///< of the document's first key
  std::map<std::string, Place> places;  ///< of each field that was written, by path: "spec.memoryMB", "spec.env.LOG_LEVEL"

  /// The field's place, or its nearest ancestor's that was written, or the document's.
  [[nodiscard]] const Place& place_of(std::string path) const;

  bool operator==(const AgentSpec&) const = default;
};

/// One file's worth of agents. Atomic: where `problems` is not empty the agents are not to be used, but for
/// `names`, which tells whose the broken file may be.
struct AgentFile {
  std::vector<AgentSpec> agents;
  Problems problems;
  std::vector<std::string> names;  ///< every metadata.name that could be read, also from documents in error

  [[nodiscard]] bool good() const { return problems.empty(); }
};

/// Parses and checks the bytes of one spec file. `file` is the name that messages carry. Never throws for what
/// is in the bytes: every problem of the file is in the result, sorted by place.
AgentFile parse_agents(const std::string& bytes, const std::string& file);

}  // namespace cofferdam::specs
