#include "reconciler/agent_state.hpp"

#include <algorithm>

namespace cofferdam::reconciler {
namespace {

void forget_old(std::vector<Monotonic>& calls, Monotonic now) {
  const auto young = std::find_if(calls.begin(), calls.end(), [&](Monotonic at) { return now - at < CallBudget::window; });
  calls.erase(calls.begin(), young);
}

}  // namespace

void CallBudget::count(bool changing, Monotonic now) {
  auto& calls = changing ? changing_ : reading_;
  forget_old(calls, now);
  calls.push_back(now);
}

bool CallBudget::left(Monotonic now) {
  forget_old(changing_, now);
  forget_old(reading_, now);
  return changing_.size() < changing_most && reading_.size() < reading_most;
}

std::optional<Monotonic> CallBudget::left_at() const {
  std::optional<Monotonic> at;
  // The call that makes room is the one that brings the count under the bound when it is forgotten.
  if (changing_.size() >= changing_most) at = changing_[changing_.size() - changing_most] + window;
  if (reading_.size() >= reading_most) {
    const Monotonic reading = reading_[reading_.size() - reading_most] + window;
    at = at ? std::max(*at, reading) : reading;
  }
  return at;
}

ContainerView* AgentState::container(const std::string& id) {
  for (ContainerView& container : view.containers) {
    if (container.id == id) return &container;
  }
  return nullptr;
}

}  // namespace cofferdam::reconciler
