// Looks at what lies outside the engine: workspaces before a create and a start, the kernel's state of what runs; and the
// end of an agent's records.

#include <algorithm>

#include "reconciler/machine.hpp"
#include "reconciler/readback.hpp"

namespace cofferdam::reconciler {
namespace {

constexpr std::chrono::seconds verify_interval{60};

}  // namespace

void Reconciler::Machine::on(const WorkspaceChecked& checked) {
  AgentState* agent = find(checked.agent);
  if (agent == nullptr || agent->view.in_flight != InFlight::check || agent->call != checked.id) return;
  AgentView& view = agent->view;
  view.in_flight = InFlight::none;
  agent->call = 0;
  touch(*agent);
  Preparation& next = view.next;
  next.workspace_looked = now_.mono;
  next.workspace_refused.clear();
  if (checked.hung) {
    next.workspace = Preparation::Workspace::hung;
    return;
  }
  if (!agent->wanted_spec || !configuration_) {
    next.workspace = Preparation::Workspace::unchecked;
    return;
  }
  const Current current = current_of(view);
  ContainerView* created = current.container == nullptr || current.container->state != docker::ContainerState::created
                               ? nullptr
                               : agent->container(current.container->id);
  specs::NumericUser user = agent->user;
  if (created != nullptr) {
    if (const auto numbers = numeric_user_of(agent->notes[created->id].created_user)) user = {numbers->first, numbers->second};
  }
  next.workspace_refused = specs::admit_workspace(*agent->wanted_spec, *configuration_, checked.facts, user.uid, user.gid);
  agent->workspace_device = checked.facts.device;
  agent->workspace_inode = checked.facts.inode;
  if (created != nullptr) {
    ContainerNotes& notes = agent->notes[created->id];
    const bool swapped = notes.workspace_inode != 0 &&
                         (notes.workspace_inode != checked.facts.inode || notes.workspace_device != checked.facts.device);
    notes.workspace_device = checked.facts.device;
    notes.workspace_inode = checked.facts.inode;
    if (swapped && next.workspace_refused.empty()) {
      specs::Problem problem;
      problem.place = agent->wanted_spec->place_of("spec.workspacePath");
      problem.path = "spec.workspacePath";
      problem.what = agent->wanted_spec->workspace_path + " became another directory between the create and the start";
      problem.mend = "find out who replaced it; it is looked at again in a minute";
      problem.rule = "workspace-swapped";
      next.workspace_refused.push_back(std::move(problem));
    }
  }
  const bool good = next.workspace_refused.empty();
  next.workspace = good ? Preparation::Workspace::good : Preparation::Workspace::refused;
  if (created != nullptr) created->workspace_rechecked = good;
}

/// The kernel is asked about what runs: after the start, and then about once a minute.
void Reconciler::Machine::verify(AgentState& agent) {
  if (!engine_.local || !engine_.listed || !engine_.sandbox_enabled) return;
  for (ContainerView& container : agent.view.containers) {
    if (container.suspect || container.state != docker::ContainerState::running) continue;
    ContainerNotes& notes = agent.notes[container.id];
    if (!container.inspected && !container.dirty) {
      // Found running at the start: one look for its process, when nothing else waits; and none where nothing can be verified.
      const bool worth_it = verification_works_ ? *verification_works_ : !verification_tried_;
      if (!worth_it || notes.verify_at) continue;
      verification_tried_ = true;
      mark_dirty(agent, container, true);
      continue;
    }
    if (!notes.verify_at || *notes.verify_at > now_.mono || container.pid == 0) continue;
    effects_.emplace_back(Verify{agent.view.agent, container.id, container.pid});
    notes.verify_at = now_.mono + verify_interval + std::chrono::milliseconds{(agent.serial * 7919) % 6000};
  }
}

Reconciler::Machine::Applied Reconciler::Machine::drop_records(AgentState& agent, const Decision& decision) {
  if (agent.records_dropped) return Applied::nothing;
  acted(agent, decision);
  agent.records_dropped = true;
  agent.removed_at = now_.mono;
  agent.view.outcome.reset();
  agent.view.accepted_run_hash.clear();
  agent.view.accepted_attempt = 0;
  agent.view.failed.reset();
  agent.record = {};
  agent.admitted.reset();
  agent.admitted_bytes.reset();
  save_record(agent, Purpose::record);
  end_stop_records(agent);
  scan_facts_.known.erase(agent.view.agent);
  scan_facts_.removing.erase(agent.view.agent);
  guard_.forget(agent.view.agent);
  if (!agent.file.empty()) end_file_record(agent.file);
  audit(Severity::notice, "AgentRemoved", agent.view.agent, "stopped, removed and forgotten: " + decision.cause);
  return Applied::again;
}

}  // namespace cofferdam::reconciler
