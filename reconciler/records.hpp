#pragma once

// State records: what the engine cannot keep for us (docs/semantics.md, "Records"). A first line with a version, one
// field a line, values escaped, a last line that proves completeness; anything else reads as no record at all.

#include <optional>
#include <string>

#include "reconciler/deletion_guard.hpp"
#include "reconciler/view.hpp"

namespace cofferdam::reconciler {

/// `agents/<agent>`
struct AgentRecord {
  std::optional<Outcome> outcome;
  std::string accepted_run_hash;  ///< for `accepted_attempt`
  std::int64_t accepted_attempt = 0;
  /// The last admitted version's file, kept only while the file's newest good version is refused by policy.
  std::string admitted_file;
  std::string admitted_bytes;
  std::string lost_workspace;  ///< refused for overlap with another agent that was there first

  [[nodiscard]] bool empty() const { return *this == AgentRecord{}; }
  bool operator==(const AgentRecord&) const = default;
};
std::string to_bytes(const AgentRecord& record);
std::optional<AgentRecord> agent_record_from(const std::string& bytes);

/// `stops/<container id>`
struct StopRecord {
  std::string agent;
  StopCause cause = StopCause::spec_removed;
  bool operator==(const StopRecord&) const = default;
};
std::string to_bytes(const StopRecord& record);
std::optional<StopRecord> stop_record_from(const std::string& bytes);

/// `engine`
struct ContactRecord {
  WallTime contact{};
  std::string boot_id;
  WallTime boot{};  ///< when that boot was, by the clock as it was first seen: later jumps of the clock do not move it
  std::optional<DirectoryId> directory;  ///< the spec directory, as it was when nothing was missing in it
  bool operator==(const ContactRecord&) const = default;
};
std::string to_bytes(const ContactRecord& record);
std::optional<ContactRecord> contact_record_from(const std::string& bytes);

}  // namespace cofferdam::reconciler
