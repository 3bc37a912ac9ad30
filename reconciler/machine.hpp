#pragma once

// The machine's own side of reconciler.hpp. One input is handled in three steps: its facts are noted (machine_files,
// machine_session, machine_events, machine_replies, machine_saves), every agent they touch is decided anew (machine.cpp,
// machine_view, machine_actions), and what people see of it is told where it changed (machine_status). An agent that no
// input touches costs nothing.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "reconciler/agent_state.hpp"
#include "reconciler/capacity.hpp"
#include "reconciler/counting.hpp"
#include "reconciler/decide.hpp"
#include "reconciler/images.hpp"
#include "reconciler/lanes.hpp"
#include "reconciler/ownership.hpp"
#include "reconciler/reconciler.hpp"
#include "reconciler/rollout.hpp"
#include "reconciler/workspaces.hpp"
#include "specs/effective.hpp"
#include "specs/folder.hpp"

namespace cofferdam::reconciler {

class Reconciler::Machine {
 public:
  explicit Machine(Identity identity);

  Effects handle(const Input& input, const Now& now);

  [[nodiscard]] const Summary& summary() const { return summary_; }
  [[nodiscard]] std::map<std::string, AgentStatus> statuses() const;
  [[nodiscard]] std::optional<AgentStatus> status(const std::string& agent) const;
  [[nodiscard]] const std::map<std::string, specs::FileView>& files() const { return folder_.files(); }
  [[nodiscard]] const std::vector<Held>& held() const { return guard_.held(); }
  [[nodiscard]] std::vector<PlanLine> plan(const Now& now) const;
  [[nodiscard]] const std::map<std::string_view, std::uint64_t>& rows() const { return rows_; }
  [[nodiscard]] LogSources log_sources(const std::string& agent) const;
  [[nodiscard]] std::vector<docker::ContainerSummary> owned_containers() const;

 private:
  /// What a call in flight is for.
  enum class Step {
    list,
    inspect,
    inspect_name,
    create,
    start,
    kill_term,
    kill_kill,
    remove,
    inspect_image,
    pull,
    probe,
    remove_stray,
  };
  struct CallInFlight {
    Step step = Step::list;
    Lane lane = Lane::reads;
    bool in_lane = true;
    AgentState* agent = nullptr;
    std::string object;  ///< container id or name, image reference or id
    std::string action;  ///< for metrics
    std::string cause;
    std::uint64_t begun = 0;
    std::int64_t attempt = 0;
  };
  enum class Purpose { stop, outcome, accepted, record, file, other };
  struct SaveInFlight {
    std::string key;
    Purpose purpose = Purpose::other;
    std::string agent;
    std::string container;
    std::optional<Outcome> outcome;
    std::string accepted;
    std::int64_t attempt = 0;
    StopCause cause = StopCause::spec_removed;
    bool ends = false;  ///< of the record
  };
  /// What came of an action.
  enum class Applied { nothing, waits, began, again };

  // Inputs: facts are noted, agents touched.
  void on(const specs::DirSnapshot& snapshot);
  void on(const FileChanged& changed);
  void on(const ConfigRead& read);
  void on(const StateLoaded& loaded);
  void on(const SaveDone& done);
  void on(const WorkspaceChecked& checked);
  void on(const Session& session);
  void on(const Reply& reply);
  void on(const PullProgress& progress);
  void on(const Event& event);
  void on(const Verified& verified);
  void on(const Timer&) { told_wake_.reset(); }  // fire() sees to what is due; one that rings early is asked for again
  void on(const Command& command);
  void on(const Shutdown&);

  // machine.cpp: the turn.
  void fire();
  void run();
  void settle(AgentState& agent);
  void touch(AgentState& agent);
  void touch(const std::string& agent);
  void touch_all();
  AgentState& agent_of(const std::string& name);
  AgentState* find(const std::string& name);
  void set_wake(AgentState& agent, std::optional<Monotonic> at);
  void emit_wake();
  void refresh_summary();
  void forget_agent(AgentState& agent);
  bool over(AgentState& agent);
  void broken(AgentState& agent, const std::string& what);
  void give_up(AgentState& agent);

  // machine_files.cpp: the folder.
  void want_scan();
  std::vector<std::string> note_unsettled(const specs::DirSnapshot& snapshot);
  std::set<std::string> missed_lately();
  void observe(const specs::DirSnapshot& snapshot, const specs::FolderDelta& delta, const std::vector<std::string>& unsettled);
  void tell_files(const specs::FolderDelta& delta);
  void save_files(const specs::FolderDelta& delta);
  void know(AgentState& agent);
  void bring_back(const specs::DirSnapshot& snapshot);
  void know_restored();
  bool holds_older(const std::string& file);
  void end_file_record(const std::string& file);
  void presence_changed(const std::vector<std::string>& agents);

  // machine_wants.cpp: what is wanted of an agent.
  void judge(AgentState& agent);
  void judge_all();
  void bound_changes();
  void take_source(AgentState& agent);
  void judge_present(AgentState& agent);
  std::optional<specs::Problem> overlap(const AgentState& agent, const specs::AgentSpec& spec);
  [[nodiscard]] bool there_first(const AgentState& agent, const std::string& workspace) const;
  void set_wanted(AgentState& agent, const std::shared_ptr<const specs::AgentSpec>& spec);
  void admit(AgentState& agent);
  void keep_admitted(AgentState& agent);
  void warn_filtered(AgentState& agent);
  void reset_preparation(AgentState& agent);

  // machine_session.cpp: session, list, events.
  void met_engine();
  void remember_silence(std::vector<Outage>& spans) const;
  void session_up(const Session& session);
  void session_down(const std::string& why);
  void drop_calls();
  void send_list();
  void want_list() { list_wanted_ = true; }
  void not_listed(const std::string& agent, const std::string& id) { unlisted_[agent][id] = ++moment_; }
  void sweep_unlisted(std::uint64_t begun);
  void on_list(const std::vector<docker::ContainerSummary>& rows, std::uint64_t begun);
  void list_known(AgentState& agent, ContainerView& container, const docker::ContainerSummary& row, bool first);
  void list_unknown(const docker::ContainerSummary& row, std::uint64_t begun, bool first);
  void list_foreign(const docker::ContainerSummary& row, bool suspect);
  void sweep(std::uint64_t begun, bool lacking);
  void adopt(const docker::ContainerSummary& row, const Ownership& owner, bool first);
  [[nodiscard]] bool busy_since(const AgentState& agent, std::uint64_t begun) const;
  void container_event(const docker::Event& event);
  void own_event(AgentState& agent, ContainerView& container, const docker::Event& event);
  void remember_listed(AgentState& agent, const ContainerView& container);
  void mark_dirty(AgentState& agent, ContainerView& container, bool unhurried = false);

  // machine_replies.cpp: what came of a call.
  void replied(CallInFlight& call, const docker::Result& result);
  void inspected(CallInFlight& call, const docker::Result& result);
  void inspected_name(CallInFlight& call, const docker::Result& result);
  void created(CallInFlight& call, const docker::Result& result);
  void create_warning(AgentState& agent, ContainerView& container, const std::string& warning);
  void started(CallInFlight& call, const docker::Result& result);
  void killed(CallInFlight& call, const docker::Result& result);
  void removed(CallInFlight& call, const docker::Result& result);
  void failed_call(AgentState& agent, const std::string& what, std::string reason, bool stuck, const docker::Error& error,
                   const std::string& mend = {});
  void ask_name(AgentState& agent, const std::string& name, std::int64_t attempt, bool conflict);
  void name_was_taken(AgentState& agent, std::int64_t attempt);
  std::chrono::nanoseconds retry_delay(AgentState& agent, const std::string& what);

  // machine_images.cpp: looks, pulls, probes.
  void looked(CallInFlight& call, const docker::Result& result);
  void pulled(CallInFlight& call, const docker::Result& result);
  void probed(CallInFlight& call, const docker::Result& result);
  void serve_images();
  void begin_look(const std::string& reference, Image& image);
  void begin_probe_step(const std::string& image_id, Probe& probe);
  void leave_pull(AgentState& agent);
  void judge_image(AgentState& agent);
  static std::string pull_key(const AgentState& agent);

  // machine_learn.cpp: an inspect's facts, and a container's end.
  void learn(AgentState& agent, ContainerView& container, const docker::ContainerDetails& details);
  [[nodiscard]] bool tolerates(const std::string& limit) const;
  void limit_is_missing(AgentState& agent, const std::string& limit);
  void latch_start(const ContainerView& container, ContainerNotes& notes) const;
  void learn_end(AgentState& agent, ContainerView& container, ContainerNotes& notes);
  void learn_created(AgentState& agent, ContainerView& container, const docker::ContainerDetails& details);
  void learn_running(AgentState& agent, ContainerView& container);
  void latch_deadline(AgentState& agent, ContainerView& container);
  void told_gone(AgentState& agent, ContainerView& container, const docker::Error& error);
  void gone(AgentState& agent, const std::string& id, bool by_us);
  ContainerView& add_container(AgentState& agent, ContainerView container, ContainerNotes notes);
  void erase_container(AgentState& agent, const std::string& id);
  void occupy(AgentState& agent, const ContainerView& container);
  void hold_capacity(AgentState& agent, bool creating);
  void released_workspace();

  // machine_saves.cpp: records.
  std::uint64_t save(std::string key, std::string bytes, SaveInFlight what);
  void save_record(AgentState& agent, Purpose purpose);
  void save_record(AgentState& agent, Purpose purpose, SaveInFlight what);
  void saved(SaveInFlight& save, const SaveDone& done);
  void save_failed(AgentState& agent, SaveInFlight& save, const std::string& error);
  void end_stop_record(const std::string& container_id);
  static void recall_stop(ContainerView& container, const StopRecord& record);
  void end_stops_of_the_gone();
  void end_stop_records(AgentState& agent);
  void save_contact();

  // machine_view.cpp: what the decision reads.
  void fill(AgentState& agent);
  void read_back(AgentState& agent, const Current& current);
  void fill_preparation(AgentState& agent);
  void latch_end(AgentState& agent);
  void update_rollout(AgentState& agent);
  [[nodiscard]] bool outdated(const AgentState& agent) const;

  // machine_actions.cpp: a decision's one effect.
  Applied apply(AgentState& agent, Decision& decision);
  Applied apply_call(AgentState& agent, const Decision& decision);
  Applied ask_for_name(AgentState& agent);
  Applied begin_create(AgentState& agent, const Decision& decision);
  Applied begin_on(AgentState& agent, const Decision& decision, ContainerView& container);
  Applied begin_pull(AgentState& agent, const Decision& decision);
  Applied begin_stop(AgentState& agent, const Decision& decision);
  Applied begin_save(AgentState& agent, const Decision& decision);
  Applied drop_records(AgentState& agent, const Decision& decision);
  [[nodiscard]] std::string refused(const AgentState& agent, const Decision& decision) const;
  bool take_lane(AgentState& agent, Lane lane, bool unhurried = false);
  CallId begin(CallInFlight call, docker::Request request, std::chrono::milliseconds deadline,
               std::chrono::milliseconds idle = std::chrono::milliseconds{0});
  [[nodiscard]] std::chrono::milliseconds request_timeout() const;
  void verify(AgentState& agent);

  // machine_status.cpp: what people are told.
  void tell(AgentState& agent, const Decision& decision);
  [[nodiscard]] AgentStatus status_of(const AgentState& agent, const Decision& decision) const;
  void conditions_of(const AgentState& agent, AgentStatus& status) const;
  void audit(Severity severity, std::string event, const std::string& agent, std::string message,
             std::vector<std::pair<std::string, std::string>> fields = {});
  void metric(std::string_view name, std::vector<std::string> labels = {}, double value = 1);
  void acted(AgentState& agent, const Decision& decision);
  void tell_end(AgentState& agent, const Outcome& outcome);
  [[nodiscard]] static std::string cause_of(const Decision& decision);
  void action_result(const CallInFlight& call, const docker::Result& result);

  const Identity identity_;
  Now now_;
  Effects effects_;
  EngineView engine_;
  Summary summary_;
  std::shared_ptr<const specs::Configuration> configuration_;
  std::uint64_t configuration_number_ = 0;
  std::vector<std::string> controller_paths_;
  bool shut_down_ = false;
  bool contact_lost_ = false;  ///< a session went down since the last one came up
  std::uint64_t moment_ = 0;   ///< counts everything that has an order

  // Agents.
  std::map<std::string, std::unique_ptr<AgentState>> agents_;
  /// What a list is held against, in few pieces of memory: a relist that shows nothing new walks over all of them.
  struct Listed {
    AgentState* agent = nullptr;
    std::uint64_t seen = 0;  ///< the generation of the last list that showed it
    docker::ContainerState state = docker::ContainerState::created;
    std::size_t name = 0;  ///< hash
  };
  std::unordered_map<std::string, Listed> by_container_;
  /// By agent: containers that carry its labels and appeared while no list could tell of them, and the moment of that. A list
  /// that begins later has to, before the agent starts.
  std::map<std::string, std::map<std::string, std::uint64_t>> unlisted_;
  std::set<std::string> suspects_;  ///< ids
  std::uint64_t births_ = 0;
  std::deque<AgentState*> touched_;
  struct Wake {
    Monotonic at{};
    std::uint64_t serial = 0;
    AgentState* agent = nullptr;
    bool operator<(const Wake& other) const { return std::pair(at, serial) < std::pair(other.at, other.serial); }
  };
  std::set<Wake> wakes_;
  std::optional<Monotonic> told_wake_;
  std::map<std::string, std::uint64_t> results_;    ///< of this turn's decisions, for the metric
  std::map<std::string_view, std::uint64_t> rows_;  ///< of the table: how often each decided

  // Files.
  specs::Folder folder_;
  DeletionGuard guard_;
  ScanFacts scan_facts_;
  std::set<std::string> unjudged_;  ///< known, and not yet seen by the guard
  std::uint64_t scans_ = 0;
  bool scan_wanted_ = false;
  bool scan_in_flight_ = false;
  std::optional<Monotonic> next_scan_;
  std::map<std::string, Monotonic> being_written_;  ///< since when quiet
  std::set<std::string> announced_;                 ///< whole, as inotify said since the last scan was asked for
  std::set<std::string> announced_in_scan_;
  struct SeenEntry {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t mtime_ns = 0;
    std::uint64_t scan = 0;
  };
  std::map<std::string, SeenEntry> seen_entries_;                        ///< of the last snapshot
  std::map<std::string, Monotonic> missed_since_;                        ///< files that went a moment ago
  std::map<std::string, std::string> restored_files_;                    ///< records of the start, until the first scan
  std::set<std::string> saved_files_;                                    ///< files with a record
  std::map<std::string, std::shared_ptr<const std::string>> last_good_;  ///< by file
  std::set<std::string> departed_;                                       ///< files that are gone while their agents are not
  std::map<std::string, std::set<std::string>> file_agents_;             ///< by the last version in force
  WantedWorkspaces wanted_workspaces_;

  // State.
  std::uint64_t save_versions_ = 0;
  std::map<std::uint64_t, SaveInFlight> saves_;
  std::map<std::string, StopRecord> stop_records_;  ///< by container id: those on the disk
  std::set<std::string> failed_files_;              ///< last good versions that could not be saved yet
  std::optional<Monotonic> files_retry_;
  std::optional<ContactRecord> contact_before_start_;
  std::optional<Monotonic> next_contact_save_;
  WallTime saved_contact_{};
  std::optional<DirectoryId> saved_directory_;  ///< with it
  Monotonic contact_saved_at_{};

  // Engine.
  std::uint64_t epoch_ = 0;
  WallTime last_contact_{};
  Monotonic last_contact_mono_{};
  WallTime boot_{};  ///< of this host, by the clock as first seen in this boot: what was written before a jump is held against it
  std::map<CallId, CallInFlight> calls_;
  CallId calls_made_ = 0;
  CallId list_call_ = 0;
  bool list_wanted_ = false;
  std::optional<Monotonic> next_list_;
  std::uint64_t generation_ = 0;
  Lanes lanes_;
  Images images_;
  Occupancy occupancy_;
  struct ForeignContainer {
    std::uint64_t seen = 0;
    bool live = false;
    bool suspect = false;
  };
  std::unordered_map<std::string, ForeignContainer> foreign_;
  std::set<std::string> strays_;  ///< probes that nobody needs
  std::vector<Outage> outages_;
  std::vector<Outage> gaps_;

  // Guards over all agents.
  Capacity capacity_;
  Rollout rollout_;
  std::vector<Monotonic> violation_stops_;
  std::set<std::string> busy_waiting_;
  std::set<std::string> capacity_waiting_;
  std::optional<bool> verification_works_;  ///< unset: no verdict yet
  bool verification_tried_ = false;
  AgentState* in_turn_ = nullptr;  ///< reached the front of its lane
  std::string halted_told_;
  std::set<std::string> limits_missing_;
};

}  // namespace cofferdam::reconciler
