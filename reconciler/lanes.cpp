#include "reconciler/lanes.hpp"

#include <algorithm>

namespace cofferdam::reconciler {

void Lanes::enqueue(Lane lane, AgentState& agent, bool unhurried, bool first) {
  if (agent.queued == lane && (unhurried || !agent.queued_unhurried)) return;
  leave(agent);
  agent.queued = lane;
  agent.queued_unhurried = unhurried && !first;
  ++queued_;
  if (first) {
    queues_[index(lane)].push_front(&agent);
  } else {
    (unhurried ? unhurried_ : queues_)[index(lane)].push_back(&agent);
  }
}

AgentState* Lanes::next(Lane lane) {
  if (!free(lane)) return nullptr;
  auto& queue = queues_[index(lane)].empty() ? unhurried_[index(lane)] : queues_[index(lane)];
  if (queue.empty()) return nullptr;
  AgentState* agent = queue.front();
  queue.pop_front();
  agent->queued.reset();
  --queued_;
  return agent;
}

void Lanes::leave(AgentState& agent) {
  if (!agent.queued) return;
  const std::size_t at = index(*agent.queued);
  for (auto* queue : {&queues_[at], &unhurried_[at]}) {
    const auto found = std::find(queue->begin(), queue->end(), &agent);
    if (found == queue->end()) continue;
    queue->erase(found);
    --queued_;
    break;
  }
  agent.queued.reset();
}

}  // namespace cofferdam::reconciler
