#pragma once

// The invariants of docs/reliability.md, held against the truth that the simulated world knows and what the controller
// was told of it. A promise is broken only where the controller could have known better: what happened a moment ago and
// was told by nobody yet excuses it, and nothing else does.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "reconciler/reconciler.hpp"
#include "reconciler/view.hpp"
#include "tests/sim/engine.hpp"

namespace cofferdam::sim {

class Shell;
class World;

class Checks {
 public:
  explicit Checks(World& world) : world_(world) {}

  // Told by the world, in the order of what happens.
  void life_begins(Shell& shell);
  void life_ends(Shell& shell);
  void before_input(Shell& shell, const reconciler::Input& input);
  void after_input(Shell& shell, const reconciler::Input& input, const reconciler::Effects& effects);
  void issued(Shell& shell, const reconciler::Call& call);
  void arrives(Shell& shell, const reconciler::Call& call);
  void answered(Shell& shell, reconciler::CallId id, const docker::Result& result);
  void saved(Shell& shell, const reconciler::Save& save, bool good);
  void changed(const Container& container, std::string_view what, Who who);
  void configuration_changed();
  void state_was_lost();
  void host_reboots();
  void clock_jumps();
  void written_whole(const std::shared_ptr<const std::string>& bytes) { whole_.insert(*bytes); }
  void confirmed(const std::set<std::string>& agents);  ///< an operator agreed to what is held

  // At the end (checks_end.cpp).
  void converged();
  void undelayed(const std::string& troubled);
  void silent();

  void violated(const std::string& promise, const std::string& text);
  [[nodiscard]] bool enough() const { return violations_.size() >= 5; }
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }

 private:
  /// One good version of an agent's document that the controller was shown.
  struct Version {
    std::shared_ptr<const specs::AgentSpec> spec;
    std::string config_hash;
    std::shared_ptr<const specs::Configuration> configuration;  ///< that the hash is of
    std::optional<SimTime> superseded;
    bool admitted = true;  ///< by what policy says of its text: else the last admitted one stays in force
  };
  struct AgentTruth {
    std::vector<Version> versions;                      ///< oldest first; the last is the newest
    SimTime unsettled_until = 0;                        ///< a duplicate, a refusal or an error makes it unclear which is in force
    int missing_scans = 0;                              ///< complete ones in a row, in this life
    bool mass_missing = false;                          ///< went with all the others, or with the directory
    bool confirmed = false;                             ///< an operator agreed to its removal, and no good file named it since
    std::uint64_t named_in = 0;                         ///< the last scan that named it
    std::uint64_t missed_in = 0;                        ///< the scan that missed it first, where the one before had named it
    std::map<std::string, std::deque<SimTime>> failed;  ///< by operation, and what is removed: the last failures
    bool records_end = false;                           ///< they were asked to, since it is gone from the folder
    SimTime records_dropped = -1;
    SimTime dropped_in_memory = -1;  ///< likewise, where the state could not be written: in the memory of this life
    SimTime wanted_away = -1;        ///< when last absent, removed or suspended
    std::deque<SimTime> changing;
    std::deque<SimTime> reading;
    std::deque<SimTime> kills;
    int in_flight = 0;
    SimTime last_issue = -1;
    SimTime last_reply = -1;
    // In the silence.
    std::int64_t quiet_changes = 0;
    std::int64_t quiet_ends = 0;
  };
  /// One attempt that ever was.
  struct Attempt {
    std::string agent;
    std::int64_t number = 0;
    std::size_t made = 0;  ///< in the order of their making: a number comes again once its agent's records ended
    std::string run_hash;
    std::string config_hash;
    std::string accepted;  ///< the last run-hash that its agent's spec had with this very config-hash
    std::int64_t restarts = 0;
    bool due = false;  ///< when it was made: the one before had ended, and was to be run again
    bool ran = false;
    bool start_failed = false;  ///< with 126 or 127: its own end
    bool live = false;
    bool told_live = false;
    bool told_renamed = false;
    bool renamed = false;
    SimTime live_since = 0;
    SimTime told_since = -1;  ///< the start that the last inspect of this life told of
    Who maker = Who::nobody;
    SimTime dropped_in_memory = -1;  ///< its maker had dropped its agent's records then, if only in memory
    Who started_by = Who::nobody;
    bool start_given_up = false;    ///< a call of ours to start it was not answered in time, or in its life
    bool started_late = false;      ///< by that call
    bool start_unanswered = false;  ///< by a call of ours, and no inspect told since whether it runs: gone, it may have run
    bool failed_untold = false;     ///< its start failed when no call was waiting for that, and no inspect has told of it yet
    bool own_end = false;           ///< it ended by itself, whatever somebody did with it later
    Who ended_by = Who::nobody;
    SimTime ended_at = -1;
    std::int64_t exit_code = 0;
    bool oom = false;
    bool forgotten = false;        ///< gone when the state was lost: nobody knows of it
    bool excused = false;          ///< its end cannot be told from one that somebody caused
    bool verdict_excused = false;  ///< the end whose outcome is saved could not, and no later end changes that
    bool with_the_host = false;    ///< its end was told as one that a boot of the host brought about
    bool touched = false;          ///< somebody else sent it a signal
    bool stop_recorded = false;
    bool stop_refused = false;      ///< in this life
    bool outcome_refused = false;   ///< a record could not be written after its end
    bool outcome_lost = false;      ///< with the state, after its end
    bool told_ended = false;        ///< in this life, by an inspect: how it ended is known, and kept if it vanishes
    SimTime stop_first_saved = -1;  ///< in this life
    std::optional<reconciler::StopCause> stop_cause;
    bool gone = false;
    SimTime gone_at = -1;
    bool outcome_saved = false;
    bool told_violated = false;        ///< since its start, by a look into the kernel
    bool told_restart_policy = false;  ///< somebody gave it one of the engine's own, since its start
  };
  struct Issued {
    SimTime at = 0;
    SimTime computed = -1;
    std::string agent;
    std::string operation;
    std::string object;
    reconciler::Lane lane = reconciler::Lane::reads;
    bool unfiltered_list = false;
    bool probe = false;
  };

  /// Parsing is pure and the same bytes come again and again.
  static const specs::AgentFile& parsed(const std::string& bytes, const std::string& file);

  // checks_start.cpp
  void check_start(const Container& container);
  [[nodiscard]] const Attempt* before_it(const Attempt& attempt) const;
  void check_rerun(const Container& container, const Attempt& attempt);
  [[nodiscard]] bool looks_like_a_boot(const Attempt& attempt, const docker::ContainerDetails& told) const;
  [[nodiscard]] bool terminal(const Attempt& before, const AgentTruth& agent) const;
  // checks_pace.cpp
  [[nodiscard]] std::vector<const Attempt*> own_ends_before(const Attempt& attempt) const;
  void check_pace(const Container& container, const Attempt& attempt);
  void check_policy(const Container& container);
  void note_reply(const Issued& call, const reconciler::Reply& reply, const Shell& shell);
  void note_rows(const Shell& shell);
  void check_haste(const Issued& call, const docker::Error& error);
  void check_budget(const AgentTruth& agent, const std::string& what);
  // checks_stop.cpp
  void check_stop_record(const reconciler::Save& save);
  void check_stop_of_others(const Attempt& attempt, reconciler::StopCause cause, const std::string& what);
  void check_kill(const Container& container);
  void check_remove(const Container& container, bool force);
  [[nodiscard]] bool recently(const AgentTruth& agent, const std::function<bool(const Version&)>& holds) const;
  void shown_folder(const specs::DirSnapshot& snapshot);
  void show_version(AgentTruth& agent, const std::shared_ptr<const specs::AgentSpec>& spec, bool surely);
  // checks.cpp
  void restored();
  void check_machine(const Shell& shell, const reconciler::Input& input, const reconciler::Effects& effects);
  void check_target(const std::string& id, const std::string& operation);
  void check_rates(const reconciler::Call& call, AgentTruth& agent);
  void told_of(Shell& shell, const reconciler::Reply& reply);
  [[nodiscard]] static std::string agent_of(const Container& container);
  [[nodiscard]] bool starts_in_flight(const std::string& id) const;
  [[nodiscard]] bool outcome_is_saved(const Attempt& attempt) const;
  // checks_end.cpp
  void check_agent(const std::string& agent);
  void check_told(const std::string& agent, const reconciler::AgentStatus* status);
  [[nodiscard]] std::string mismatch(const std::string& agent);
  [[nodiscard]] std::string finished_wrongly(const Attempt& newest, const specs::AgentSpec& spec) const;

  World& world_;
  std::vector<std::string> violations_;
  std::map<std::string, AgentTruth> agents_;
  std::map<std::string, Attempt> attempts_;         ///< by container id
  std::map<reconciler::CallId, Issued> in_flight_;  ///< of the present life
  std::map<reconciler::Lane, int> lanes_;
  reconciler::CallId highest_call_ = 0;
  SimTime list_computed_ = -1;  ///< of the newest unfiltered list that this session was told
  std::uint64_t replies_ = 0;
  bool shut_down_ = false;
  bool session_over_ = false;  ///< the machine was told, and no other has begun
  SimTime configuration_changed_ = -1;
  SimTime life_began_ = 0;
  /// When the controller did not watch the engine.
  struct Blind {
    SimTime from = 0;
    SimTime to = 0;
    bool outage = false;  ///< the session went down while it lived: an end in it counts as interrupted
  };
  std::vector<Blind> blind_;
  std::optional<Blind> blind_now_ = Blind{};
  SimTime last_contact_ = 0;  ///< when the controller was last told something by the engine
  std::vector<SimTime> reboots_;
  SimTime clock_jumped_ = -1;  ///< when last
  /// What a life knows of the boots before it, by clocks that may have jumped: the state says it, or else the clock.
  struct Boots {
    reconciler::WallTime present{};
    std::optional<reconciler::WallTime> contact;  ///< the last one that was saved, in a boot before this
  };
  Boots boots_;
  SimTime contact_saved_ = -1;
  SimTime contact_refused_ = -1;
  bool quiet_ = false;

  // The folder as this life was shown it, and what its files last said well.
  struct ShownFile {
    bool readable = true;
    std::shared_ptr<const std::string> bytes;
    std::shared_ptr<const std::string> pending;  ///< shown while somebody wrote it
    std::set<std::string> names;
    std::vector<std::shared_ptr<const specs::AgentSpec>> good;
  };
  std::map<std::string, ShownFile> shown_;
  std::map<std::string, std::set<std::string>> last_good_names_;  ///< over all lives
  std::map<std::string, std::set<std::string>> saved_names_;      ///< likewise, of what was in force: the state can tell them
  std::set<std::string> named_since_;                             ///< in this life, by any file
  std::set<std::string> whole_;                                   ///< what files ever held when they were written to their end
  std::uint64_t scans_ = 0;                                       ///< complete ones, over all lives
  std::uint64_t shown_directory_ = 0;
  std::size_t shown_count_ = 0;
};

}  // namespace cofferdam::sim
