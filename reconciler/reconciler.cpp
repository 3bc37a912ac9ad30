#include "reconciler/reconciler.hpp"

#include <utility>

#include "reconciler/machine.hpp"

namespace cofferdam::reconciler {

Reconciler::Reconciler(Identity identity) : machine_(std::make_unique<Machine>(std::move(identity))) {}
Reconciler::~Reconciler() = default;

Effects Reconciler::handle(const Input& input, const Now& now) {
  return machine_->handle(input, now);
}

const Summary& Reconciler::summary() const {
  return machine_->summary();
}
std::map<std::string, AgentStatus> Reconciler::statuses() const {
  return machine_->statuses();
}
std::optional<AgentStatus> Reconciler::status(const std::string& agent) const {
  return machine_->status(agent);
}
const std::map<std::string, specs::FileView>& Reconciler::files() const {
  return machine_->files();
}
const std::vector<Held>& Reconciler::held() const {
  return machine_->held();
}
std::vector<PlanLine> Reconciler::plan(const Now& now) const {
  return machine_->plan(now);
}
const std::map<std::string_view, std::uint64_t>& Reconciler::rows() const {
  return machine_->rows();
}
Reconciler::LogSources Reconciler::log_sources(const std::string& agent) const {
  return machine_->log_sources(agent);
}
std::vector<docker::ContainerSummary> Reconciler::owned_containers() const {
  return machine_->owned_containers();
}

}  // namespace cofferdam::reconciler
