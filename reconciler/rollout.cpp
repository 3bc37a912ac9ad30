#include "reconciler/rollout.hpp"

#include <cstdint>

namespace cofferdam::reconciler {

std::vector<std::string> Rollout::update(const std::string& agent, bool outdated, bool ready, std::int64_t max_concurrent,
                                         Monotonic now) {
  if (outdated) {
    outdated_.insert(agent);
  } else {
    outdated_.erase(agent);
  }
  const auto rolling = rolling_.find(agent);
  if (rolling != rolling_.end()) {
    if (!outdated && ready) {
      if (halted_by_ == agent) halted_by_.clear();
      rolling_.erase(rolling);
    } else if (halted_by_.empty() && now - rolling->second >= patience) {
      halted_by_ = agent;
    }
  }
  std::vector<std::string> turned;
  if (!halted_by_.empty()) return turned;
  for (const std::string& next : outdated_) {
    if (static_cast<std::int64_t>(rolling_.size()) >= max_concurrent) break;
    if (rolling_.try_emplace(next, now).second) turned.push_back(next);
  }
  return turned;
}

void Rollout::restart() {
  halted_by_.clear();
  rolling_.clear();
}

Monotonic Rollout::over_at(const std::string& agent) const {
  const auto rolling = rolling_.find(agent);
  return rolling == rolling_.end() ? Monotonic::max() : rolling->second + patience;
}

}  // namespace cofferdam::reconciler
