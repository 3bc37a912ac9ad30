#pragma once

// The operator's policy bounds every spec: pure judgements, each refusal with its rule, place and mend
// (docs/hardening.md, "Admission").

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "specs/agent_spec.hpp"
#include "specs/configuration.hpp"
#include "specs/effective.hpp"
#include "specs/user.hpp"

namespace cofferdam::specs {

/// A rule's name as the reason of a phase: "workspace-overlap" → "WorkspaceOverlap". Empty for an error of form.
std::string reason_of(const Problem& refusal);

/// What the engine's host is, as far as admission needs it. Zero: not known, no bound from it.
struct HostFacts {
  int processors = 0;
  std::int64_t memory_bytes = 0;

  bool operator==(const HostFacts&) const = default;
};

/// All refusals by policy of what the spec asks, sorted by place. Looks at text only: no file is read.
/// Policy's lists, ceilings and root switches bind every agent, also where the value is the configuration's default. The
/// switches for single security fields bind what a spec asks beyond that default, which is the operator's own word.
/// `controller_paths` are the controller's own (spec directory, state, runtime, engine socket), which no workspace may touch.
Problems admit(const AgentSpec& spec, const Configuration& configuration, const HostFacts& host,
               const std::vector<std::string>& controller_paths);

/// What the shell found at a workspace's path, opened with RESOLVE_NO_SYMLINKS (openat2(2)).
struct WorkspaceFacts {
  enum class Kind { directory, missing, not_a_directory, symlink_in_path, unreadable };
  Kind kind = Kind::missing;
  std::string detail;  ///< the component or the system's own words
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint32_t mode = 0;     ///< permission bits
  std::int64_t free_mb = -1;  ///< MiB free to unprivileged users; -1: not known
  bool nosuid = false;
  bool nodev = false;

  bool operator==(const WorkspaceFacts&) const = default;
};

/// Refusals for the directory as found, for the numeric user that the agent will run as: not there, a link, not a directory, not
/// writable for uid:gid (unless read-only), below the free-space floor.
Problems admit_workspace(const AgentSpec& spec, const Configuration& configuration, const WorkspaceFacts& facts,
                         std::uint32_t uid, std::uint32_t gid);

/// What matters of an image once it is here.
struct ImageFacts {
  std::string id;  ///< "sha256:…"
  std::vector<std::string> volumes;
  std::map<std::string, std::string> labels;
  std::vector<std::string> env_names;

  bool operator==(const ImageFacts&) const = default;
};

/// Refusals for an image: declared volumes, reserved labels.
Problems admit_image(const AgentSpec& spec, const Configuration& configuration, const ImageFacts& image);

/// The image's variables that change what code runs and that the spec does not set itself: to be unset by a bare NAME entry.
std::vector<std::string> variables_to_unset(const ImageFacts& image, const EffectiveContainer& container);

/// True for labels that the engine, the controller or its users' tools give a meaning to
/// (exitCode, signal, execDuration, com.docker.*, cofferdam.*).
bool is_reserved_label(const std::string& key);

/// True when one path is the other or lies inside it (both absolute and normalised).
bool paths_overlap(const std::string& a, const std::string& b);

/// What judging overlap needs of one agent: the workspace of its newest version that parsed, and its history with it.
struct WorkspaceClaim {
  std::string agent;
  std::string workspace;      ///< empty: claims none
  bool had_admitted = false;  ///< its last admitted version had this workspace already
  bool wins_already = false;  ///< it won when last judged, and its file has not changed workspace since
};
struct OverlapLoss {
  std::string agent;
  std::string winner;
  std::string winner_workspace;

  bool operator==(const OverlapLoss&) const = default;
};
/// Who may not start, because another's workspace equals, holds or lies in its own: sorted by agent. Who won stays the winner;
/// then who had the workspace admitted comes first; then the lower name. Near O(N log N).
std::vector<OverlapLoss> admit_overlap(const std::vector<WorkspaceClaim>& claims);
/// The refusal of a loser, with the rule workspace-overlap.
Problem overlap_problem(const AgentSpec& spec, const OverlapLoss& loss);

/// A root uid or gid needs policy.allowRoot.
Problems admit_user(const AgentSpec& spec, const Configuration& configuration, const NumericUser& user);

}  // namespace cofferdam::specs
