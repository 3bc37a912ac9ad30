// What people are told: status, log and metrics, each where it changed and once.

#include <algorithm>
#include <tuple>

#include "reconciler/machine.hpp"

namespace cofferdam::reconciler {
namespace {

std::string reason_of(const Outcome& outcome) {
  if (outcome.stopped) return std::string(name_of(*outcome.stopped));
  if (outcome.interrupted) return "Interrupted";
  if (outcome.start_failed) return "StartError";
  if (outcome.oom_killed) return "OOMKilled";
  return outcome.exit_code.value_or(-1) == 0 ? "Completed" : "Error";
}

Termination termination_of(const Outcome& outcome) {
  return {outcome.attempt,    outcome.container_id, reason_of(outcome), outcome.exit_code,
          outcome.oom_killed, outcome.started_at,   outcome.finished_at};
}

const Condition* find_condition(const std::vector<Condition>& conditions, std::string_view type) {
  const auto found = std::find_if(conditions.begin(), conditions.end(), [&](const Condition& one) { return one.type == type; });
  return found == conditions.end() ? nullptr : &*found;
}

}  // namespace

void Reconciler::Machine::audit(Severity severity, std::string event, const std::string& agent, std::string message,
                                std::vector<std::pair<std::string, std::string>> fields) {
  effects_.emplace_back(Audit{severity, std::move(event), agent, std::move(message), std::move(fields)});
}

void Reconciler::Machine::metric(std::string_view name, std::vector<std::string> labels, double value) {
  effects_.emplace_back(Metric{name, std::move(labels), value});
}

/// One word for metrics: causes in sentences would make series without end.
std::string Reconciler::Machine::cause_of(const Decision& decision) {
  if (decision.stop_cause) return std::string(name_of(*decision.stop_cause));
  return decision.reason.empty() ? "Row" + std::string(decision.row) : decision.reason;
}

void Reconciler::Machine::acted(AgentState& agent, const Decision& decision) {
  const bool looks = decision.action == Action::inspect;
  std::string message(name_of(decision.action));
  if (decision.action == Action::create) message += " attempt " + std::to_string(decision.attempt);
  message += ": " + decision.cause;
  std::vector<std::pair<std::string, std::string>> fields{{"action", std::string(name_of(decision.action))},
                                                          {"row", std::string(decision.row)}};
  if (!decision.container.empty()) fields.emplace_back("container", decision.container);
  audit(looks ? Severity::debug : Severity::info, "Action", agent.view.agent, std::move(message), std::move(fields));
}

void Reconciler::Machine::action_result(const CallInFlight& call, const docker::Result& result) {
  if (call.step == Step::list) return;
  const auto* error = std::get_if<docker::Error>(&result);
  const std::string word = error == nullptr                                   ? "ok"
                           : error->error_class == docker::ErrorClass::status ? std::to_string(error->status)
                                                                              : std::string(docker::name_of(error->error_class));
  metric("cofferdam_actions_total", {call.action, call.cause, word});
}

void Reconciler::Machine::tell_end(AgentState& agent, const Outcome& outcome) {
  const std::string reason = reason_of(outcome);
  const std::string exit = outcome.exit_code ? std::to_string(*outcome.exit_code) : "unknown";
  audit(Severity::info, "Ended", agent.view.agent,
        "attempt " + std::to_string(outcome.attempt) + " ended: " + reason + ", exit code " + exit,
        {{"reason", reason}, {"exitCode", exit}, {"container", outcome.container_id}});
}

void Reconciler::Machine::tell(AgentState& agent, const Decision& decision) {
  if (decision.phase || !decision.conditions.empty()) agent.decided_conditions = decision.conditions;
  AgentStatus status = status_of(agent, decision);
  if (agent.status_told && status == agent.status) return;
  const bool moved = !agent.status_told || status.phase != agent.status.phase || status.reason != agent.status.reason;
  if (moved) {
    const bool bad = status.phase == Phase::failed || status.phase == Phase::stuck || status.phase == Phase::invalid ||
                     status.phase == Phase::denied;
    std::string message(name_of(status.phase));
    if (!status.reason.empty()) message += "/" + status.reason;
    if (!status.message.empty()) message += ": " + status.message;
    audit(bad ? Severity::warning : Severity::info, "PhaseChanged", agent.view.agent, std::move(message),
          {{"phase", std::string(name_of(status.phase))}, {"reason", status.reason}});
  }
  agent.status = std::move(status);
  agent.status_told = true;
  if (moved && rollout_.turn(agent.view.agent)) touch(agent);  // it may be over for it
  effects_.emplace_back(WriteStatus{agent.status});
}

AgentStatus Reconciler::Machine::status_of(const AgentState& agent, const Decision& decision) const {
  const AgentView& view = agent.view;
  AgentStatus status;
  status.agent = view.agent;
  status.phase = decision.phase.value_or(agent.status.phase);
  const bool unchanged = !decision.phase && decision.reason.empty();
  status.reason = unchanged ? agent.status.reason : decision.reason;
  status.message = unchanged ? agent.status.message : decision.message;
  if (!agent.broken.empty()) {
    status.phase = Phase::stuck;
    status.reason = "InternalError";
    status.message = agent.broken;
  }
  status.source_file = agent.file;
  if (agent.newest) status.source_line = agent.newest->place.line;
  const auto file = folder_.files().find(agent.file);
  if (file != folder_.files().end()) status.source_sha256 = file->second.sha256;
  // The phase is of the spec that is named beside it: while nothing can be decided it is still that of the one before.
  const bool decided = decision.phase || !agent.status_told;
  status.observed_revision = agent.status.observed_revision;
  status.task = agent.status.task;
  status.run_hash = agent.status.run_hash;
  status.config_hash = agent.status.config_hash;
  status.image = agent.status.image;
  if (decided && agent.newest) {
    status.observed_revision = agent.newest->revision;
    status.task = agent.newest->task_id.value_or(view.agent);
  }
  if (decided && view.wanted) {
    status.run_hash = view.wanted->run_hash;
    status.config_hash = view.wanted->config_hash;
    status.image = view.wanted->image;
  }
  const Current current = current_of(view);
  status.attempt = current.attempt;
  const Outcome* end = current.outcome;
  if (current.container != nullptr) {
    const ContainerView& container = *current.container;
    status.container_id = container.id;
    status.container_name = container.name;
    status.image_id = container.image_id;
    status.restarts = container.restarts;
    status.failures = container.failures;
    status.started_at = container.started_at;
    if (container.ended() && container.inspected) {
      status.finished_at = container.finished_at;
      status.exit_code = container.exit_code;
      status.oom_killed = container.oom_killed;
    }
    if (container.live() || (container.state == docker::ContainerState::created && container.start_failed_code == 0))
      end = nullptr;
    const auto notes = agent.notes.find(container.id);
    if (notes != agent.notes.end()) status.verification = notes->second.verdict;
  }
  if (end != nullptr) {
    status.restarts = end->restarts;
    status.failures = end->failures;
    status.exit_code = end->exit_code;
    status.oom_killed = end->oom_killed;
    status.started_at = end->started_at;
    status.finished_at = end->finished_at;
  }
  if (view.outcome) status.last_termination = termination_of(*view.outcome);
  status.filtered_variables = agent.filtered;
  if (status.phase == Phase::back_off && decision.wake_at && *decision.wake_at > now_.mono) {
    // By the wall clock, and to the millisecond, so that a clock that drifts does not make it another status each time.
    const auto retry = now_.wall + (*decision.wake_at - now_.mono);
    status.next_retry = std::chrono::time_point_cast<std::chrono::milliseconds>(retry);
    const auto& before = agent.status.next_retry;
    if (before && std::chrono::abs(*before - *status.next_retry) < std::chrono::milliseconds{50}) status.next_retry = before;
  }
  if (status.phase == Phase::pulling && !agent.pulling.empty()) status.message = "pulling " + agent.pulling;
  conditions_of(agent, status);
  return status;
}

void Reconciler::Machine::conditions_of(const AgentState& agent, AgentStatus& status) const {
  const AgentView& view = agent.view;
  std::vector<Condition>& all = status.conditions;
  all = agent.decided_conditions;
  const auto put = [&all](std::string type, Truth truth, std::string reason = {}, std::string message = {}) {
    all.push_back({std::move(type), truth, std::move(reason), std::move(message)});
  };
  if (!agent.file.empty() && (agent.spec || agent.in_error)) {
    put("SpecValid", agent.in_error ? Truth::no : Truth::yes, agent.in_error ? "SpecInvalid" : "",
        agent.in_error && !agent.problems.empty() ? to_string(agent.problems.front()) : "");
    if (agent.spec && !agent.spec->remove && !agent.spec->suspend) {
      put("Admitted", agent.was_denied ? Truth::no : Truth::yes, agent.was_denied ? specs::reason_of(view.refusals.front()) : "",
          agent.was_denied ? to_string(view.refusals.front()) : "");
    }
  }
  const Current current = current_of(view);
  const bool runs = current.container != nullptr && current.container->state == docker::ContainerState::running;
  const Condition* up_to_date = find_condition(all, "UpToDate");
  const bool ready = runs && status.phase == Phase::running && up_to_date != nullptr && up_to_date->status == Truth::yes &&
                     !current.container->violated;
  put("Ready", ready ? Truth::yes : Truth::no);
  if (runs) {
    const std::string& verdict = status.verification;
    const Truth truth = verdict == "Verified" ? Truth::yes : current.container->violation.empty() ? Truth::unknown : Truth::no;
    put("Verified", truth, truth == Truth::no ? "HardeningViolated" : "", verdict);
  }
  if (view.wanted) {
    const bool bridge = agent.wanted.network == "bridge";
    put("NetworkIsolated", bridge ? Truth::no : Truth::yes, bridge ? "Bridge" : "",
        bridge ? "on the default bridge agents reach each other and the host; set networkMode to none or to a network of its own"
               : "");
  }
  if (!agent.state_unwritable.empty()) put("StateUnwritable", Truth::yes, "SaveFailed", agent.state_unwritable);
  if (!agent.limit_missing.empty()) put("LimitMissing", Truth::yes, agent.limit_missing, "this host does not enforce this limit");
  if (!rollout_.halted_by().empty() && (rollout_.halted_by() == view.agent || outdated(agent))) {
    put("RolloutHalted", Truth::yes, "NotReady", rollout_.halted_by() + " was not Ready within 5 minutes of its replacement");
  }
  std::sort(all.begin(), all.end(),
            [](const Condition& a, const Condition& b) { return std::tie(a.type, a.message) < std::tie(b.type, b.message); });
}

}  // namespace cofferdam::reconciler
