#pragma once

// The one place where the machine is fed: reads the time once an input, hands it over, and passes on what comes of it.
// Inputs that come while effects are carried out wait in a queue: handle() is never entered again from within.

#include <deque>
#include <functional>

#include "controller/clock.hpp"
#include "metrics/metrics.hpp"
#include "reconciler/reconciler.hpp"

namespace cofferdam::controller {

class MachineLoop {
 public:
  struct Handlers {
    std::function<void(const reconciler::Effect&)> carry_out;
    std::function<void()> drained;  ///< after the last waiting input
  };
  MachineLoop(reconciler::Identity identity, metrics::Registry& metrics, Handlers handlers);
  MachineLoop(const MachineLoop&) = delete;
  MachineLoop& operator=(const MachineLoop&) = delete;

  /// What is thrown within ends the process: a turn half done is never gone on from. A new process begins with what the
  /// state directory and the engine say.
  void dispatch(reconciler::Input input) noexcept;

  [[nodiscard]] const reconciler::Reconciler& machine() const { return machine_; }
  [[nodiscard]] Clock& clock() { return clock_; }
  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] std::size_t waiting() const { return inputs_.size(); }

 private:
  void handle(const reconciler::Input& input);

  metrics::Registry& metrics_;
  const Handlers handlers_;
  Clock clock_;
  reconciler::Reconciler machine_;
  std::deque<reconciler::Input> inputs_;
  bool draining_ = false;
};

}  // namespace cofferdam::controller
