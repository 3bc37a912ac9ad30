#include "controller/machine_loop.hpp"

#include <chrono>
#include <utility>
#include <variant>

namespace cofferdam::controller {

MachineLoop::MachineLoop(reconciler::Identity identity, metrics::Registry& metrics, Handlers handlers)
    : metrics_(metrics), handlers_(std::move(handlers)), machine_(std::move(identity)) {}

void MachineLoop::dispatch(reconciler::Input input) noexcept {
  inputs_.push_back(std::move(input));
  if (draining_) return;
  draining_ = true;
  while (!inputs_.empty()) {
    const reconciler::Input next = std::move(inputs_.front());
    inputs_.pop_front();
    handle(next);
  }
  draining_ = false;
  handlers_.drained();
}

void MachineLoop::handle(const reconciler::Input& input) {
  const auto* const session = std::get_if<reconciler::Session>(&input);
  if (session != nullptr && session->state == reconciler::Session::State::up) clock_.engine_time(session->facts.info.system_time);
  const auto begun = std::chrono::steady_clock::now();
  const auto effects = machine_.handle(input, clock_.now());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  metrics_.record("cofferdam_reconcile_duration_seconds", {}, took.count());
  for (const auto& effect : effects) handlers_.carry_out(effect);
}

}  // namespace cofferdam::controller
