#pragma once

// What must hold of the machine whatever it is told, also by an engine that lies: one call at a time for an agent, calls on its
// own containers alone and only in a session that it knows, bounds of lanes and rates, numbers in their order, no broken
// invariant.

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "reconciler/effects.hpp"
#include "reconciler/inputs.hpp"
#include "reconciler/time.hpp"

namespace cofferdam::fuzz {

class MachineChecks {
 public:
  /// Before the machine is told.
  void told(const reconciler::Input& input);
  /// Of what it answered.
  void asked(const reconciler::Effects& effects, const reconciler::Now& now);
  /// A new process: it knows nothing.
  void crashed();

 private:
  /// A container as the machine was last told of it, beyond doubt.
  struct Told {
    bool owned = false;
    std::string agent;
    bool inspected = false;
    bool privileged = false;
  };
  struct InFlight {
    docker::Request request;
    reconciler::Lane lane = reconciler::Lane::reads;
    std::string agent;
    std::uint64_t epoch = 0;
  };
  struct Rate {
    std::deque<reconciler::Monotonic> changing;
    std::deque<reconciler::Monotonic> reading;
  };

  void told_reply(const reconciler::Reply& reply);
  void learn(const std::string& id, const std::string& name, const std::map<std::string, std::string>& labels);
  void check_call(const reconciler::Call& call, const reconciler::Now& now);
  void check_bounds(const reconciler::Call& call, const reconciler::Now& now);
  void check_target(const reconciler::Call& call) const;
  static void check_create(const docker::ContainerCreate& create, const std::string& agent);

  std::map<std::string, Told> told_;
  std::map<reconciler::CallId, InFlight> in_flight_;
  std::map<std::string, Rate> rates_;
  std::map<std::string, std::uint64_t> versions_;  ///< of the last save of each key
  std::set<std::uint64_t> commands_;
  reconciler::CallId highest_call_ = 0;
  std::uint64_t highest_scan_ = 0;
  std::uint64_t epoch_ = 0;
  bool up_ = false;
  bool listed_ = false;
  bool configured_ = false;
  bool scanned_ = false;
  bool state_known_ = false;
  bool scan_in_flight_ = false;
  bool shut_down_ = false;
  bool sandbox_ = true;
};

/// The effect's facts on one line, for comparing two machines.
std::string text_of(const reconciler::Effect& effect);

}  // namespace cofferdam::fuzz
