// The const view: plan, status, what logs may be read of, what is ours.

#include "reconciler/create_request.hpp"
#include "reconciler/machine.hpp"

namespace cofferdam::reconciler {

std::string PlanLine::text() const {
  std::string line = agent + ": " + action;
  if (!cause.empty() || !row.empty()) line += " (row " + row + (cause.empty() ? "" : ": " + cause) + ")";
  return line;
}

std::vector<PlanLine> Reconciler::Machine::plan(const Now& now) const {
  std::vector<PlanLine> lines;
  for (const auto& [name, agent] : agents_) {
    Decision decision = decide(agent->view, engine_, now);
    // What is on its way is what is being done: a plan says that, and not that it is waited for.
    const bool under_way = agent->view.in_flight == InFlight::call || agent->view.in_flight == InFlight::save ||
                           agent->view.in_flight == InFlight::pull;
    if (decision.row == "2" && under_way && agent->begun.action != Action::none) decision = agent->begun;
    if (decision.action == Action::drop_records && agent->records_dropped) decision.action = Action::none;
    PlanLine line;
    line.agent = name;
    line.action = name_of(decision.action);
    if (decision.action == Action::create) {
      line.action += " attempt " + std::to_string(std::max(decision.attempt, agent->highest_attempt + 1));
    }
    line.cause = decision.cause;
    line.row = decision.row;
    line.status = agent->status;
    lines.push_back(std::move(line));
  }
  return lines;
}

std::map<std::string, AgentStatus> Reconciler::Machine::statuses() const {
  std::map<std::string, AgentStatus> all;
  for (const auto& [name, agent] : agents_) {
    if (agent->status_told) all.emplace_hint(all.end(), name, agent->status);
  }
  return all;
}

std::optional<AgentStatus> Reconciler::Machine::status(const std::string& agent) const {
  const auto found = agents_.find(agent);
  if (found == agents_.end() || !found->second->status_told) return std::nullopt;
  return found->second->status;
}

Reconciler::LogSources Reconciler::Machine::log_sources(const std::string& agent) const {
  LogSources sources;
  const auto found = agents_.find(agent);
  if (found == agents_.end()) return sources;
  for (const ContainerView& container : found->second->view.containers) {
    if (container.suspect) continue;
    if (sources.current.empty()) {
      sources.current = container.id;
    } else if (sources.previous.empty() && !container.live() && container.state != docker::ContainerState::created) {
      sources.previous = container.id;
    }
  }
  return sources;
}

std::vector<docker::ContainerSummary> Reconciler::Machine::owned_containers() const {
  std::vector<docker::ContainerSummary> owned;
  for (const auto& [name, agent] : agents_) {
    for (const ContainerView& container : agent->view.containers) {
      if (container.suspect) continue;
      docker::ContainerSummary summary;
      summary.id = container.id;
      summary.name = container.name;
      summary.image_id = container.image_id;
      summary.state = container.state;
      summary.labels = {{std::string(label::managed_by), std::string(label::manager)},
                        {std::string(label::instance), identity_.instance},
                        {std::string(label::role), "agent"},
                        {std::string(label::name), container.name},
                        {std::string(label::agent), name},
                        {std::string(label::attempt), std::to_string(container.attempt)}};
      owned.push_back(std::move(summary));
    }
  }
  return owned;
}

}  // namespace cofferdam::reconciler
