#pragma once

// One life of the controller: the production machine, and around it what the real shell does, in simulated time. It
// decides nothing. Faults of calls are injected here, on the way between the machine and the engine.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "reconciler/reconciler.hpp"
#include "tests/sim/folder.hpp"
#include "tests/sim/random.hpp"

namespace cofferdam::sim {

class World;
struct Item;

class Shell {
 public:
  Shell(World& world, std::uint64_t life);
  ~Shell();
  Shell(const Shell&) = delete;
  Shell& operator=(const Shell&) = delete;

  void start();
  /// The end of this life: nothing of it happens after this.
  void die();

  // What the world tells.
  void engine_went_away();
  void stream_breaks(bool gap_only);
  void engine_event(const docker::Event& event);
  void file_changed(const std::string& name, reconciler::FileChanged::Kind kind);
  void configuration_changed();
  void command(std::variant<reconciler::ConfirmDeletions, reconciler::Release> what);
  void shut_down();

  [[nodiscard]] const reconciler::Reconciler& machine() const { return *machine_; }
  [[nodiscard]] std::uint64_t life() const { return life_; }
  [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
  [[nodiscard]] bool connected() const { return up_; }
  [[nodiscard]] SimTime started_at() const { return started_at_; }

 private:
  struct Flight {
    reconciler::Call call;
    std::int64_t number = 0;      ///< among the calls of its operation
    const Item* fault = nullptr;  ///< what falls on it
  };

  /// `fault`: what falls on the effect that this answers.
  void handle(const reconciler::Input& input, const Item* fault = nullptr);
  /// The machine's turn; nothing: it ran out of memory, and its life is over.
  std::optional<reconciler::Effects> turn(const reconciler::Input& input);
  void carry_out(const reconciler::Effect& effect);
  void carry_out_all(reconciler::Effects effects);
  void scan(const reconciler::Scan& scan);
  void check(const reconciler::CheckWorkspace& check);
  void verify(const reconciler::Verify& verify);
  /// The plan lets the controller die at this moment of an effect: it is dead now.
  bool dies(const Item* fault, std::string_view moment);
  void connect();
  void issue(const reconciler::Call& call);
  void send(const reconciler::Call& call, SimTime before, SimTime behind, bool tell);
  void spoil(const reconciler::Call& call, const Item& fault, SimTime before, SimTime behind);
  void reply(reconciler::CallId id, SimTime delay, docker::Result result);
  void fail(reconciler::CallId id, SimTime delay, docker::ErrorClass error_class, int status, const std::string& message);
  void end_session(const std::string& why);
  void save(const reconciler::Save& save);
  /// Work of this life only.
  void after(SimTime delay, std::function<void()> work);

  World& world_;
  const std::uint64_t life_;
  bool alive_ = true;
  std::unique_ptr<reconciler::Reconciler> machine_;
  Random random_;
  SimTime started_at_ = 0;
  std::uint64_t epoch_ = 0;
  bool up_ = false;
  std::uint64_t tries_ = 0;
  std::map<reconciler::CallId, Flight> flights_;
  std::map<std::string, SimTime> save_free_at_;  ///< saves of one key keep their order
  SeenFiles seen_;
  std::uint64_t timer_ = 0;
  std::uint64_t commands_ = 0;
  SimTime last_event_at_ = 0;
  SimTime now_is_ = -1;
  int inputs_now_ = 0;
};

}  // namespace cofferdam::sim
