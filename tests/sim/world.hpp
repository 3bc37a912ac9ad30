#pragma once

// Everything around the controller, and the controller's lives in it: carries out a plan's items, heals, and lets the
// checks look at every step.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "reconciler/reconciler.hpp"
#include "tests/sim/allocation.hpp"
#include "tests/sim/checks.hpp"
#include "tests/sim/engine.hpp"
#include "tests/sim/folder.hpp"
#include "tests/sim/host.hpp"
#include "tests/sim/plan.hpp"
#include "tests/sim/schedule.hpp"
#include "tests/sim/shell.hpp"
#include "tests/sim/state_store.hpp"
#include "tests/sim/trace.hpp"

namespace cofferdam::sim {

struct Statistics {
  std::uint64_t steps = 0;   ///< things that happened: inputs, arrivals at the engine, ends of processes, …
  std::uint64_t inputs = 0;  ///< of the machine
  std::uint64_t calls = 0;
  std::int64_t simulated_seconds = 0;
  std::map<std::string, std::uint64_t> faults;  ///< by kind: those that took place
  std::map<std::string, std::uint64_t> rows;    ///< of the decision table, as causes of actions tell
};

/// An effect, by its operation and its number among those, over all lives.
struct Point {
  std::string operation;  ///< of a call; or save, scan, check, verify; other: nobody waits for it
  std::int64_t number = 0;
  std::uint64_t life = 0;
  bool sent = true;       ///< false: a call that its session's end overtook
  bool answered = false;  ///< in the same life
};

class World {
 public:
  World(const Plan& plan, bool keep_trace);
  ~World();

  /// The whole run: faults, healing, convergence, silence.
  void run();

  [[nodiscard]] const Statistics& statistics() const { return statistics_; }
  [[nodiscard]] const Trace& trace() const { return trace_; }
  [[nodiscard]] const std::vector<std::string>& violations() const { return checks_.violations(); }
  /// {live agents, config-hash} and what they are, at the end; for comparing runs.
  [[nodiscard]] std::map<std::string, std::string> end_state() const;

  /// An end that a fault or a person caused made the agent finished, or it is finished by its own.
  [[nodiscard]] bool ended_by_fault(const std::string& agent) const;
  void set_configuration(std::shared_ptr<const specs::Configuration> configuration);

  // For the controller's shell, the actions and the checks.
  Plan plan;
  Schedule schedule;
  Host host;
  Engine& engine() { return *engine_; }
  [[nodiscard]] const Engine& engine() const { return *engine_; }
  Folder& folder() { return folder_; }
  StateStore& state() { return state_; }
  Trace& log() { return trace_; }
  Checks& checks() { return checks_; }
  Statistics& statistics() { return statistics_; }
  Shell* shell() { return shell_.get(); }
  [[nodiscard]] std::shared_ptr<const specs::Configuration> configuration() const { return configuration_; }
  [[nodiscard]] const std::map<std::string, AgentPlan>& intent() const { return intent_; }
  [[nodiscard]] bool healed() const { return healed_; }

  /// The fault that falls on the n-th call of this operation, or the n-th event; nullptr: none.
  const Item* fault_on(const std::string& verb, const std::string& operation, std::int64_t number);
  std::int64_t count(const std::string& what) { return ++counts_[what]; }
  // The effects as they come, for the exhaustive mode: noted up to the healing, where wanted.
  bool notes_points = false;
  bool notes_others = false;  ///< also the effects that nobody waits for
  std::int64_t point(const Shell& shell, const std::string& operation);
  void point_answered(const std::string& operation, std::int64_t number);
  void point_not_sent(const std::string& operation, std::int64_t number);
  [[nodiscard]] const std::vector<Point>& points() const { return points_; }
  /// The machine's allocations, counted and perhaps failing; nullptr: neither.
  [[nodiscard]] Allocations* allocations() { return allocations_ ? &*allocations_ : nullptr; }
  void count_allocations() { allocations_.emplace(); }
  void crash(SimTime back_after);
  bool hints_lost = false;  ///< inotify says nothing
  /// Calls of each operation, saves and events, up to the healing.
  [[nodiscard]] const std::map<std::string, std::int64_t>& counts_in_faults() const { return counts_in_faults_; }
  void took_place(const std::string& kind) { ++statistics_.faults[kind]; }

  // For the actions (actions*.cpp).
  std::map<std::string, AgentPlan> intent_;  ///< what people want, by agent; gone: they want it gone
  void write_file(const std::string& file, const std::string& pattern);
  std::map<std::string, int> saves_;  ///< by file: how often people saved it
  [[nodiscard]] std::string content_of(const std::string& file) const;
  void change_configuration(const std::string& what);
  void lift(SimTime after_time, std::function<void()> heal);
  std::shared_ptr<Container> container_of(const std::string& agent, bool live);

 private:
  void begin();
  void do_item(const Item& item);
  bool do_people(const Item& item);
  bool do_others(const Item& item);
  bool do_engine(const Item& item);
  bool do_folder(const Item& item);
  bool do_host(const Item& item);
  void daemon_starts();
  void heal();
  void calm_down();
  void run_until(SimTime until);
  void start_controller();

  Trace trace_;
  std::unique_ptr<Engine> engine_;
  Folder folder_;
  StateStore state_;
  std::shared_ptr<const specs::Configuration> configuration_;
  Checks checks_;
  Statistics statistics_;
  std::unique_ptr<Shell> shell_;
  std::vector<std::unique_ptr<Shell>> graveyard_;
  std::uint64_t lives_ = 0;
  std::map<std::string, std::int64_t> counts_;
  std::map<std::string, std::int64_t> counts_in_faults_;
  std::vector<Point> points_;
  std::map<std::pair<std::string, std::int64_t>, std::size_t> point_of_;
  std::optional<Allocations> allocations_;
  std::map<std::string, const Item*> faults_;   ///< by "call create 3"
  std::map<std::string, const Item*> lasting_;  ///< by operation: every call from a number on
  std::vector<std::function<void()>> unhealed_;
  std::vector<std::string> leftovers_;  ///< what people made and clear away once all is healed
  bool healed_ = false;
  std::uint64_t copies_ = 0;
  bool host_down_ = false;
};

/// "create", "kill", … for a request.
std::string short_operation(const docker::Request& request);
/// One of the images that there are; the number makes its id.
Image image(std::uint64_t number);
/// The configuration that every run begins with.
std::shared_ptr<specs::Configuration> base_configuration(const Plan& plan);

}  // namespace cofferdam::sim
