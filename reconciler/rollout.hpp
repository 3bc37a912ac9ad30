#pragma once

// Outdated agents are replaced a few at a time, the lowest name first; the next follows when the last one is Ready.
// One that is not within five minutes halts the rollout (docs/semantics.md, rows 23 and 24).

#include <chrono>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "reconciler/time.hpp"

namespace cofferdam::reconciler {

class Rollout {
 public:
  static constexpr std::chrono::minutes patience{5};

  /// What an agent is now. Returns the agents whose turn it became.
  std::vector<std::string> update(const std::string& agent, bool outdated, bool ready, std::int64_t max_concurrent,
                                  Monotonic now);
  /// The defaults changed: what was halted may go on.
  void restart();

  /// Told of as outdated, and not yet otherwise.
  [[nodiscard]] bool waits(const std::string& agent) const { return outdated_.contains(agent); }
  [[nodiscard]] bool turn(const std::string& agent) const { return rolling_.contains(agent); }
  /// The agent that was not Ready in time; empty: not halted.
  [[nodiscard]] const std::string& halted_by() const { return halted_by_; }
  /// When the agent's patience is over.
  [[nodiscard]] Monotonic over_at(const std::string& agent) const;

 private:
  std::set<std::string> outdated_;
  std::map<std::string, Monotonic> rolling_;  ///< since when
  std::string halted_by_;
};

}  // namespace cofferdam::reconciler
