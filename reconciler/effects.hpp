#pragma once

// Everything the machine can ask of the world. The effects of one input are unordered: where order matters the
// machine waits for the answer. The shell carries them out and decides nothing.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "docker/requests.hpp"
#include "reconciler/inputs.hpp"
#include "reconciler/status.hpp"
#include "reconciler/time.hpp"

namespace cofferdam::reconciler {

/// Read the spec directory: answered by one DirSnapshot with the same number.
struct Scan {
  std::uint64_t scan = 0;
};

/// Look at a workspace, without following links: answered by one WorkspaceChecked. The shell's own deadline
/// (5 s) bounds it.
struct CheckWorkspace {
  CallId id = 0;
  std::string agent;
  std::string path;
};

/// Write a record (temp + fsync + rename), or end it where `bytes` is empty: answered by one SaveDone.
/// Saves of one key are carried out in the order of their versions.
struct Save {
  std::string key;
  std::uint64_t version = 0;
  std::string bytes;
};

enum class Lane {
  changes,  ///< create, start, kill, remove: as many at once as processors
  reads,    ///< 8
  pulls,    ///< 3, one an image
  penalty,  ///< 1: agents whose call timed out
};
std::string_view name_of(Lane lane);

/// One engine call: answered by one Reply with the same id, at the latest at its deadline. The machine keeps the
/// lanes' bounds; the lane tells the shell which connections to use.
struct Call {
  CallId id = 0;
  std::uint64_t epoch = 0;
  Lane lane = Lane::reads;
  docker::Request request;
  std::chrono::milliseconds deadline{30000};
  std::chrono::milliseconds idle_deadline{0};  ///< without a byte from the engine; 0: none. For pulls
  std::string agent;                           ///< for logs; empty: nobody's in particular
  std::string cause;                           ///< why, in words: for logs and metrics
};

/// Withdraw a call: its Reply (cancelled, or the real one) still comes.
struct Cancel {
  CallId id = 0;
};

/// Ask the kernel about a running container: answered by Verified.
struct Verify {
  std::string agent;
  std::string container_id;
  std::int64_t pid = 0;
};

struct WriteStatus {
  AgentStatus status;
};
/// The agent's status file is to go (an hour after Removed).
struct DropStatus {
  std::string agent;
};

enum class Severity { debug, info, notice, warning, error };
/// One line of the log. `event` is a stable CamelCase name; names of variables, never values.
struct Audit {
  Severity severity = Severity::info;
  std::string event;
  std::string agent;  ///< may be empty
  std::string message;
  std::vector<std::pair<std::string, std::string>> fields;
};

/// Adds to a counter or observes in a histogram: the name of metrics/, and its labels' values in the table's order.
/// Gauges are read from the machine's const view at scrape time.
struct Metric {
  std::string_view name;
  std::vector<std::string> labels;
  double value = 1;
};

/// Send a Timer at (or just after) this moment. The newest replaces the one before.
struct WakeAt {
  Monotonic at{};
};

/// The answer to a Command.
struct Answer {
  std::uint64_t id = 0;
  bool ok = false;
  std::string message;
};

using Effect =
    std::variant<Scan, CheckWorkspace, Save, Call, Cancel, Verify, WriteStatus, DropStatus, Audit, Metric, WakeAt, Answer>;
using Effects = std::vector<Effect>;

}  // namespace cofferdam::reconciler
