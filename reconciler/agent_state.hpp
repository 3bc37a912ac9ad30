#pragma once

// Everything the machine keeps of one agent: the view that the decision reads, and what lies beside it. Plain data; the
// machine alone writes it.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "reconciler/decide.hpp"
#include "reconciler/effects.hpp"
#include "reconciler/records.hpp"
#include "reconciler/status.hpp"
#include "reconciler/view.hpp"
#include "specs/admission.hpp"
#include "specs/folder.hpp"

namespace cofferdam::reconciler {

/// What is remembered of one container beside its view.
struct ContainerNotes {
  std::vector<std::string> binds;  ///< host directories it mounts
  std::string image_id;            ///< its label: must stay the engine's
  std::uint64_t dirtied = 0;       ///< moment (in the machine's own counting) of the last sign that something happened
  bool unhurried = false;          ///< its inspect may wait for everything else
  bool removal_sent = false;       ///< a removal of ours may have been applied
  std::string created_user;        ///< asked for by this process, or as first read back
  std::string compared_for;        ///< the config-hash that a look at it, created, was held against
  int own_terms = 0;               ///< kill events of our own kills that are still to come
  int own_kills = 0;
  std::vector<WallTime> foreign_kills;
  std::optional<Monotonic> start_asked;                   ///< when this process first asked for its start
  std::optional<WallTime> seen_live;                      ///< the start since which this process saw it run
  std::optional<Monotonic> ran_from;                      ///< when that start was, by this host's own clock
  std::optional<WallTime> ran_from_since;                 ///< the start that `ran_from` was latched for
  std::optional<std::chrono::nanoseconds> deadline_span;  ///< what `deadline` was latched for
  std::optional<WallTime> deadline_since;
  std::optional<Monotonic> verify_at;  ///< the kernel is asked (again) then
  std::string verdict;                 ///< what it said last
  std::optional<Monotonic> spec_seen;  ///< when the version that it was made for was first seen
  std::uint64_t workspace_device = 0;  ///< as looked at before the create
  std::uint64_t workspace_inode = 0;
};

/// Facts of the wanted version beside view.wanted.
struct WantedNotes {
  std::string user;
  std::string network;
  std::int64_t memory_bytes = 0;
  std::int64_t nano_cpus = 0;
};

/// What judged an image and its user for the wanted version; the judgement holds while this is the same.
struct ImageVerdictKey {
  std::string image_id;
  std::string config_hash;
  std::uint64_t configuration = 0;
  bool files_known = false;

  bool operator==(const ImageVerdictKey&) const = default;
};

/// How often the engine was asked for an agent within the last minute (S6).
class CallBudget {
 public:
  static constexpr std::size_t changing_most = 20;
  static constexpr std::size_t reading_most = 60;
  static constexpr std::chrono::minutes window{1};

  void count(bool changing, Monotonic now);
  /// Room for one more call of each kind; what is over is forgotten.
  bool left(Monotonic now);
  /// When there will be room again.
  [[nodiscard]] std::optional<Monotonic> left_at() const;

 private:
  std::vector<Monotonic> changing_;
  std::vector<Monotonic> reading_;
};

struct AgentState {
  std::uint64_t serial = 0;  ///< order of birth, for ties
  AgentView view;
  std::map<std::string, ContainerNotes> notes;  ///< by container id

  // The file side.
  std::string file;
  std::shared_ptr<const specs::AgentSpec> spec;         ///< in force
  std::shared_ptr<const specs::AgentSpec> newest;       ///< parsed last
  std::shared_ptr<const specs::AgentSpec> admitted;     ///< the last that policy admitted
  std::shared_ptr<const specs::AgentSpec> wanted_spec;  ///< what view.wanted was made of
  std::shared_ptr<const std::string> admitted_bytes;    ///< of its file then
  bool in_error = false;
  specs::Problems problems;
  bool was_denied = false;       ///< the version in force is refused by policy
  std::uint64_t judged_for = 0;  ///< configuration
  bool judged = false;           ///< the deletion guard has seen a scan that knew of this agent
  WantedNotes wanted;
  std::vector<std::string> filtered;
  std::string warned_for;  ///< run-hash that the filtered variables were warned for
  std::optional<Monotonic> version_seen;
  std::string version_seen_hash;

  // The state side.
  AgentRecord record;                ///< as it should be on the disk
  bool record_there = false;         ///< something of it was saved, or was there at the start
  std::uint64_t record_version = 0;  ///< of the last save of it
  bool record_stale = false;         ///< the last save of it failed
  std::optional<Monotonic> record_retry;
  int save_failures = 0;
  std::string state_unwritable;
  bool records_dropped = false;
  std::optional<Monotonic> removed_at;

  // What it waits for.
  CallId call = 0;             ///< engine call or workspace check in flight
  std::uint64_t save = 0;      ///< version of the save that is waited for
  Monotonic give_up{};         ///< of the save or the check
  std::string stop_container;  ///< whose stop is being recorded
  StopCause stop_cause = StopCause::spec_removed;
  std::string pulling;     ///< the image that it waits for
  std::string asked_name;  ///< a name whose owner must be known before the next create
  std::int64_t asked_attempt = 0;
  bool asked_conflict = false;  ///< a create was told that it is in use
  std::optional<Monotonic> asked_retry;
  int names_tried = 0;
  std::uint64_t last_activity = 0;  ///< moment of the last call's beginning or end

  // The engine side.
  ContainerView making;  ///< what a create in flight will have made
  ContainerNotes making_notes;
  std::int64_t highest_attempt = 0;
  CallBudget budget;
  bool penalty = false;                 ///< a call of it timed out
  bool penalty_reads = false;           ///< even one that only looks
  std::map<std::string, int> failures;  ///< failed calls in a row, by what
  std::string pulled_for;               ///< config-hash and attempt that the image was pulled for
  ImageVerdictKey image_key;
  specs::NumericUser user;
  std::map<std::string, std::string> discarded;  ///< config-hash → the limit that was discarded, in this session
  std::uint64_t workspace_device = 0;            ///< of the last good look
  std::uint64_t workspace_inode = 0;
  std::string limit_missing;                    ///< tolerated by policy; empty: none
  std::optional<std::int64_t> end_latched_for;  ///< attempt that next_try and ttl are latched for
  std::int64_t end_latched_failures = 0;
  std::optional<std::chrono::seconds> end_latched_ttl;
  bool warned_above = false;

  // Housekeeping.
  bool touched = false;
  std::optional<Lane> queued;
  bool queued_unhurried = false;
  bool turn_kept = false;  ///< at the front of its lane, it first had to look at its workspace
  std::optional<Monotonic> wake;
  std::string broken;  ///< a broken invariant: nothing more is done for it
  bool busy_waiting = false;
  bool capacity_waiting = false;
  Decision begun;  ///< the last one that was acted on

  AgentStatus status;
  bool status_told = false;
  std::vector<Condition> decided_conditions;

  [[nodiscard]] ContainerView* container(const std::string& id);
};

}  // namespace cofferdam::reconciler
