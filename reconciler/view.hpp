#pragma once

// One agent as the decision sees it: what is wanted, what was observed, what is known about starting it. Plain data,
// filled by the machine, read by decide(). The words are those of docs/semantics.md.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "docker/types.hpp"
#include "reconciler/time.hpp"
#include "specs/agent_spec.hpp"
#include "specs/configuration.hpp"
#include "specs/place.hpp"

namespace cofferdam::reconciler {

/// What the folder, the guard and the policy make of an agent; the first that holds, from the top.
enum class Want {
  held,        ///< gone from the folder, and the deletion guard holds it
  never_good,  ///< in error, and no version ever was good
  absent,      ///< gone, and the guard agrees
  remove,      ///< spec.remove
  suspended,   ///< spec.suspend
  denied,      ///< it parses; policy refuses it and the last admitted version
  present,
};
std::string_view name_of(Want want);

/// Why we stop a container. Saved before the stop, so that the end is never taken for the agent's own.
enum class StopCause {
  spec_removed,
  suspended,
  spec_changed,
  outdated,
  out_of_band_update,
  duplicate,
  started_by_others,
  hardening_violated,
  deadline_exceeded,
};
/// "SpecRemoved", … ; and back, for records.
std::string_view name_of(StopCause cause);
std::optional<StopCause> stop_cause_from(std::string_view name);

/// A stop that was decided, and how far this process got with it.
struct Stop {
  StopCause cause = StopCause::spec_removed;
  bool from_state = false;  ///< loaded at start: a kill of ours may have been sent by an earlier process
  // Since the container's present StartedAt, by this process:
  std::optional<Monotonic> term_answered;  ///< TERM answered 204
  std::optional<Monotonic> term_tried;     ///< the last try
  int term_tries = 0;
  std::optional<Monotonic> first_kill;  ///< KILL sent
  std::optional<Monotonic> kill_tried;  ///< the last try
  int kill_tries = 0;
  /// A kill of ours was answered 204 or timed out (so the end may be ours).
  bool may_have_killed = false;
};

/// Attempts, restarts and failures are read back from labels and records: a number beyond this is none that we wrote.
inline constexpr std::int64_t highest_count = 1'000'000'000'000;

/// How an attempt ended. Saved as `agents/<agent>` before its container is removed; then it stands for it.
struct Outcome {
  std::int64_t attempt = 0;
  std::string container_id;
  std::string run_hash;
  std::string config_hash;
  int schema = 0;
  std::optional<StopCause> stopped;  ///< our own stop
  bool interrupted = false;
  bool start_failed = false;  ///< its start failed with 126 or 127; exit_code says which
  std::optional<std::int64_t> exit_code;
  bool oom_killed = false;
  std::optional<WallTime> started_at;
  std::optional<WallTime> finished_at;
  /// By this host's own clock: the engine's, which the two above are of, may have jumped in between.
  std::optional<std::chrono::nanoseconds> ran_at_most;
  std::int64_t restarts = 0;  ///< that it was created with
  std::int64_t failures = 0;  ///< that the next attempt's back-off grows from
  bool released = false;

  bool operator==(const Outcome&) const = default;
};

/// One container that carries the agent's labels, ours or Suspect.
struct ContainerView {
  std::string id;
  std::string name;
  bool suspect = false;  ///< carries our labels, fails another ownership check: never acted on
  std::int64_t attempt = 0;
  docker::ContainerState state = docker::ContainerState::created;
  std::string run_hash;
  std::string config_hash;
  int schema = 0;
  std::int64_t restarts = 0;
  std::int64_t failures = 0;

  bool dirty = false;                      ///< something happened to it since the last inspect began
  bool inspected = false;                  ///< the facts below are of an inspect in this engine session
  std::optional<Monotonic> inspect_retry;  ///< the last inspect failed; not before
  std::string inspect_error;
  int inspect_failures = 0;

  // Facts of the last inspect.
  std::int64_t pid = 0;
  bool ghost = false;                  ///< live for the engine, without a process on this host
  bool engine_restart_policy = false;  ///< somebody set one that is not "no"
  std::optional<WallTime> started_at;
  std::optional<WallTime> finished_at;
  std::int64_t exit_code = 0;
  bool oom_killed = false;
  std::string error;
  std::string image_id;

  // What we did, and what came of it.
  std::optional<Stop> stop;
  /// A kill of ours was answered 409 not running or by nobody, or it was renamed; and it was not inspected since.
  bool look_first = false;
  bool start_sent = false;
  int start_failed_code = 0;                ///< 126 or 127, the agent's own exit
  bool workspace_rechecked = false;         ///< for this start, and good
  std::string weaker;                       ///< a discarded limit or a weaker read-back; empty: none
  bool violated = false;                    ///< the kernel's word, and policy says stop
  std::string violation;                    ///< "field: wanted …, found …"
  std::optional<Monotonic> deadline;        ///< of its last admitted spec; latched at adoption
  std::optional<Monotonic> removal_since;   ///< first failed removal
  std::optional<Monotonic> removal_retry;   ///< not again before
  std::optional<Monotonic> removing_since;  ///< first seen in state `removing`
  /// It is `removing`, and looked at then: a removal that fails tells nobody, and no list says so before the daemon restarts.
  std::optional<Monotonic> look_again;
  bool interrupted = false;                             ///< its end was not its own (counting.hpp); meaningful once ended
  std::optional<std::chrono::nanoseconds> ran_at_most;  ///< by this host's own clock, as far as this process saw it; likewise

  [[nodiscard]] bool live() const {
    return state == docker::ContainerState::running || state == docker::ContainerState::paused ||
           state == docker::ContainerState::restarting;
  }
  [[nodiscard]] bool ended() const { return state == docker::ContainerState::exited || state == docker::ContainerState::dead; }
  [[nodiscard]] bool ran() const { return started_at.has_value(); }
  /// Ran, and is over: what the engine removes runs no more, and tells how it ended until it is gone.
  [[nodiscard]] bool ran_to_its_end() const { return (ended() || state == docker::ContainerState::removing) && ran(); }
};

/// The wanted version: the newest that policy admits.
struct Wanted {
  std::string run_hash;
  std::string config_hash;
  int schema = 0;
  specs::RestartPolicy restart_policy = specs::RestartPolicy::on_failure;
  specs::ImagePullPolicy pull_policy = specs::ImagePullPolicy::if_not_present;
  std::optional<std::int64_t> max_restarts;
  std::optional<std::chrono::seconds> active_deadline;
  std::chrono::seconds stop_timeout{10};
  std::optional<std::chrono::seconds> ttl_after_finished;
  std::string image;
  std::string workspace;
};

/// What is known about making the wanted version's next attempt.
struct Preparation {
  enum class Image { unknown, absent, known };
  Image image = Image::unknown;
  std::optional<Monotonic> image_looked;  ///< when it was found absent
  bool pulled_for_attempt = false;
  specs::Problems image_refused;
  enum class User { unknown, known };  ///< a missing or refused user stands in image_refused
  User user = User::unknown;

  enum class Workspace { unchecked, good, refused, hung };
  Workspace workspace = Workspace::unchecked;
  specs::Problems workspace_refused;
  std::optional<Monotonic> workspace_looked;
  bool unlisted = false;       ///< a container with its labels was just seen, and no list has told yet what it is
  std::string workspace_busy;  ///< who occupies it, for people; empty: nobody. Its own live container does not count

  std::string limit_discarded;  ///< noted for this config-hash in this engine session; empty: none
  std::string no_capacity;      ///< which ceiling is used up; empty: none
};

/// What the agent waits for. `pull`: of the wanted image (the machine lets go of any other by itself).
enum class InFlight { none, call, save, check, pull };

/// The last failed call, with its back-off. Row 8.
struct FailedCall {
  std::string what;                ///< "create", "pull", "start", …
  std::string reason;              ///< CamelCase: StartError, NetworkMissing, ImagePull, NameTaken, …
  std::string message;             ///< the engine's own words and the mend
  bool stuck = false;              ///< Stuck rather than BackOff
  std::optional<Monotonic> retry;  ///< not before
};

struct AgentView {
  std::string agent;
  Want want = Want::held;
  std::optional<Wanted> wanted;  ///< set for present; for denied and others the last admitted version, where one is known
  specs::Problems refusals;      ///< for denied (the first is told), and for an edit that policy refuses
  specs::Problems invalid;       ///< for never_good
  std::string held_message;
  std::string presence_note;

  std::vector<ContainerView> containers;  ///< ours and Suspect, highest attempt first
  std::optional<Outcome> outcome;         ///< as saved
  std::string accepted_run_hash;          ///< for `accepted_attempt`
  std::int64_t accepted_attempt = 0;
  bool accept_failed = false;  ///< the last save of it failed: C holds, go on

  InFlight in_flight = InFlight::none;
  bool budget_left = true;                      ///< S6
  std::optional<Monotonic> budget_at;           ///< when it will be
  bool violation_budget_left = true;            ///< per instance: 3 in 10 minutes
  std::optional<FailedCall> failed;             ///< dropped by the machine when want or configuration changed since
  std::optional<Monotonic> outcome_save_retry;  ///< the last save of an outcome failed: not before
  std::optional<Monotonic> next_try;            ///< row 41, latched for the current's end
  std::optional<Monotonic> ttl;                 ///< row 40, latched for the current's end
  bool rollout_turn = false;                    ///< its turn to be replaced as Outdated

  Preparation next;  ///< for rows 42–52, and 30–31
};

/// What holds for all agents.
struct EngineView {
  bool sandbox_enabled = true;
  bool state_known = false;
  bool scanned = false;  ///< one complete scan since the start
  bool listed = false;   ///< one complete list in this engine session
  bool engine_up = false;
  std::string engine_why;
  std::string scan_error;
  std::string state_error;
  bool local = true;
  specs::OnViolation on_violation = specs::OnViolation::stop;
  specs::Configuration::Backoff backoff;
};

}  // namespace cofferdam::reconciler
