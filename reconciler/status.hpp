#pragma once

// What people are told of an agent: the shape of status files, of the API and of `get` and `describe`.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/time.hpp"

namespace cofferdam::reconciler {

enum class Phase {
  pending,
  pulling,
  creating,
  starting,
  running,
  succeeded,
  failed,
  back_off,
  stopping,
  removed,
  suspended,
  denied,
  invalid,
  stuck,
};
inline constexpr Phase all_phases[] = {Phase::pending,   Phase::pulling, Phase::creating, Phase::starting, Phase::running,
                                       Phase::succeeded, Phase::failed,  Phase::back_off, Phase::stopping, Phase::removed,
                                       Phase::suspended, Phase::denied,  Phase::invalid,  Phase::stuck};
/// "Pending", "BackOff", …
std::string_view name_of(Phase phase);

enum class Truth { yes, no, unknown };
/// "True", "False", "Unknown".
std::string_view name_of(Truth truth);

struct Condition {
  std::string type;  ///< SpecValid, Admitted, UpToDate, Ready, Verified, NetworkIsolated, StateUnwritable, Leftover, …
  Truth status = Truth::unknown;
  std::string reason;   ///< CamelCase; may be empty
  std::string message;  ///< for people; may be empty

  bool operator==(const Condition&) const = default;
};

/// How an attempt ended.
struct Termination {
  std::int64_t attempt = 0;
  std::string container_id;
  std::string reason;  ///< Completed, Error, OOMKilled, Interrupted, DeadlineExceeded, SpecChanged, …
  std::optional<std::int64_t> exit_code;
  bool oom_killed = false;
  std::optional<WallTime> started_at;
  std::optional<WallTime> finished_at;

  bool operator==(const Termination&) const = default;
};

struct AgentStatus {
  std::string agent;
  Phase phase = Phase::pending;
  std::string reason;                 ///< CamelCase; may be empty
  std::string message;                ///< for people: what, why and the mend
  std::vector<Condition> conditions;  ///< sorted by type

  std::string source_file;
  int source_line = 0;
  std::string source_sha256;  ///< of the bytes last read
  std::string observed_revision;
  std::string task;
  std::string run_hash;
  std::string config_hash;

  std::string container_id;
  std::string container_name;
  std::string image;
  std::string image_id;
  std::int64_t attempt = 0;
  std::int64_t restarts = 0;
  std::int64_t failures = 0;
  std::optional<std::int64_t> exit_code;
  bool oom_killed = false;
  std::optional<WallTime> started_at;
  std::optional<WallTime> finished_at;
  std::optional<Termination> last_termination;
  std::vector<std::string> filtered_variables;
  std::optional<WallTime> next_retry;
  std::string verification;  ///< Verified, Violated(…), Unverifiable(…); empty: not looked at yet

  bool operator==(const AgentStatus&) const = default;
};

}  // namespace cofferdam::reconciler
