#pragma once

// The bounds on engine calls and the queues in front of them. A queue holds agents, never calls: whoever reaches the
// front is decided anew (docs/performance.md, "Bounds").

#include <array>
#include <cstddef>
#include <deque>
#include <optional>

#include "reconciler/agent_state.hpp"
#include "reconciler/effects.hpp"

namespace cofferdam::reconciler {

class Lanes {
 public:
  static constexpr std::size_t reads = 8;
  static constexpr std::size_t pulls = 3;

  void set_changes(std::size_t bound) { bound_[index(Lane::changes)] = bound == 0 ? 1 : bound; }

  [[nodiscard]] bool free(Lane lane) const { return used_[index(lane)] < bound_[index(lane)]; }
  void take(Lane lane) { ++used_[index(lane)]; }
  void give_back(Lane lane) {
    if (used_[index(lane)] > 0) --used_[index(lane)];
  }
  /// A new engine session: nothing is in flight.
  void clear() { used_ = {}; }

  /// True where an agent may begin a call at once: there is room, and nobody waits before it.
  [[nodiscard]] bool open(Lane lane) const { return free(lane) && queues_[index(lane)].empty(); }
  /// At the end of the queue, once; `unhurried`: behind everybody else; `first`: before everybody else.
  void enqueue(Lane lane, AgentState& agent, bool unhurried, bool first);
  /// The next in turn, while there is room.
  AgentState* next(Lane lane);
  /// The agent no longer waits.
  void leave(AgentState& agent);

  [[nodiscard]] std::size_t queued() const { return queued_; }

 private:
  static constexpr std::size_t count = 4;
  static std::size_t index(Lane lane) { return static_cast<std::size_t>(lane); }

  std::array<std::size_t, count> bound_{2, reads, pulls, 1};
  std::array<std::size_t, count> used_{};
  std::array<std::deque<AgentState*>, count> queues_;
  std::array<std::deque<AgentState*>, count> unhurried_;
  std::size_t queued_ = 0;
};

}  // namespace cofferdam::reconciler
