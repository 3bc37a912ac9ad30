// What is wanted of an agent: the folder's word, the guard's, and policy's.

#include <algorithm>

#include "reconciler/machine.hpp"

namespace cofferdam::reconciler {
namespace {

specs::HostFacts host_of(const EngineFacts& engine) {
  return {engine.info.processors, engine.info.memory_bytes};
}

}  // namespace

void Reconciler::Machine::on(const ConfigRead& read) {
  const bool first = configuration_ == nullptr;
  const bool same = configuration_ && read.configuration && *configuration_ == *read.configuration &&
                    controller_paths_ == read.controller_paths;
  if (!read.configuration || same) return;
  configuration_ = read.configuration;
  ++configuration_number_;
  controller_paths_ = read.controller_paths;
  const bool was_enabled = engine_.sandbox_enabled;
  engine_.sandbox_enabled = configuration_->sandbox.enabled;
  engine_.on_violation = configuration_->policy.on_violation;
  engine_.backoff = configuration_->backoff;
  if (!engine_.sandbox_enabled && (first || was_enabled)) {
    audit(Severity::warning, "SandboxDisabled", "",
          "SECURITY: sandbox.enabled is false: no agent is started, stopped or removed; set it to true and reload");
  }
  bound_changes();
  rollout_.restart();
  if (first) {
    scan_wanted_ = true;
  } else {
    judge_all();
  }
}

/// A start is mostly the kernel's waiting, not work: on two processors eight at once were measured to do in 5.0 s what two do in
/// 7.3 s, and sixteen no faster.
void Reconciler::Machine::bound_changes() {
  constexpr std::int64_t for_each_processor = 4;
  constexpr std::int64_t most = 32;
  const std::int64_t asked = configuration_ ? configuration_->engine.max_concurrent_operations : 0;
  const std::int64_t processors = std::max<std::int64_t>(summary_.engine.info.processors, 1);
  lanes_.set_changes(static_cast<std::size_t>(asked > 0 ? asked : std::min(for_each_processor * processors, most)));
}

void Reconciler::Machine::judge_all() {
  for (auto& [name, agent] : agents_) judge(*agent);
  touch_all();
}

/// What the folder says of it, before anybody is judged: overlap is judged between the newest files of all.
void Reconciler::Machine::take_source(AgentState& agent) {
  const std::string& name = agent.view.agent;
  const auto source = folder_.agents().find(name);
  if (source == folder_.agents().end()) {
    agent.spec.reset();
    agent.newest.reset();
    agent.in_error = false;
    agent.problems.clear();
    const std::vector<std::string> rivals = wanted_workspaces_.rivals(name);
    wanted_workspaces_.set(name, {});
    for (const std::string& rival : rivals) judge(agent_of(rival));
    return;
  }
  agent.file = source->second.file;
  file_agents_[agent.file].insert(name);
  agent.spec = source->second.spec;
  agent.newest = source->second.newest ? source->second.newest : source->second.spec;
  agent.in_error = source->second.in_error;
  agent.problems = source->second.problems;
  agent.records_dropped = false;
  agent.removed_at.reset();
  agent.broken.clear();

  const bool leaves = !agent.newest || agent.newest->remove;
  std::vector<std::string> rivals = wanted_workspaces_.rivals(name);
  if (!wanted_workspaces_.set(name, leaves ? std::string() : agent.newest->workspace_path)) return;
  const std::vector<std::string> after = wanted_workspaces_.rivals(name);
  rivals.insert(rivals.end(), after.begin(), after.end());
  for (const std::string& rival : rivals) {
    AgentState* other = find(rival);
    if (other != nullptr && other->spec) judge(*other);
  }
}

void Reconciler::Machine::judge(AgentState& agent) {
  touch(agent);
  if (!configuration_) return;
  const Want want_before = agent.view.want;
  const std::optional<Wanted> wanted_before = agent.view.wanted;
  AgentView& view = agent.view;
  view.invalid.clear();
  view.refusals.clear();
  view.held_message.clear();
  agent.was_denied = false;

  const bool in_folder = folder_.agents().contains(view.agent);
  if (!in_folder) {
    Presence presence = guard_.presence(view.agent);
    // The guard has not seen a scan that knew of this agent: its absence is not yet anybody's word.
    if (!agent.judged) presence = Presence::held;
    switch (presence) {
      case Presence::present:
      case Presence::missed_once: break;  // what the last scan wanted
      case Presence::absent: view.want = Want::absent; break;
      case Presence::held: {
        view.want = Want::held;
        view.held_message = "its spec is gone; waiting for a second look";
        for (const Held& held : guard_.held()) {
          if (held.agents.contains(view.agent)) view.held_message = held.message;
        }
        break;
      }
    }
  } else if (!agent.spec) {
    view.want = Want::never_good;
    view.invalid = agent.problems;
  } else if (agent.spec->remove) {
    view.want = Want::remove;
    if (!view.wanted) set_wanted(agent, agent.spec);
  } else if (agent.spec->suspend) {
    view.want = Want::suspended;
    if (!view.wanted) set_wanted(agent, agent.spec);
  } else {
    judge_present(agent);
  }
  // A failure is forgotten, and everything looked at again, where something else is wanted now.
  const bool changed = want_before != view.want || wanted_before.has_value() != view.wanted.has_value() ||
                       (wanted_before && (wanted_before->run_hash != view.wanted->run_hash ||
                                          wanted_before->config_hash != view.wanted->config_hash));
  if (changed) reset_preparation(agent);
  if (changed || agent.judged_for != configuration_number_) {
    agent.judged_for = configuration_number_;
    view.failed.reset();
    agent.failures.clear();
    view.next.workspace = Preparation::Workspace::unchecked;
  }
}

void Reconciler::Machine::reset_preparation(AgentState& agent) {
  agent.view.next = Preparation{};
  agent.image_key = {};
  agent.view.accept_failed = false;
  agent.names_tried = 0;
  agent.end_latched_for.reset();
  const AgentView& view = agent.view;
  if (!agent.pulling.empty() && (!view.wanted || view.wanted->image != agent.pulling)) leave_pull(agent);
}

void Reconciler::Machine::judge_present(AgentState& agent) {
  AgentView& view = agent.view;
  specs::Problems refusals = specs::admit(*agent.spec, *configuration_, host_of(summary_.engine), controller_paths_);
  if (auto problem = overlap(agent, *agent.spec)) {
    if (agent.record.lost_workspace != agent.spec->workspace_path) {
      agent.record.lost_workspace = agent.spec->workspace_path;
      agent.record_stale = true;
      agent.record_retry = now_.mono;
    }
    refusals.push_back(std::move(*problem));
  }
  if (refusals.empty()) {
    admit(agent);
    view.want = Want::present;
    set_wanted(agent, agent.spec);
    warn_filtered(agent);
    return;
  }
  agent.was_denied = true;
  view.refusals = std::move(refusals);
  const std::string told = to_string(view.refusals.front());
  if (agent.warned_for != "denied " + told) {
    agent.warned_for = "denied " + told;
    for (const specs::Problem& problem : view.refusals) {
      audit(Severity::warning, "Denied", view.agent, to_string(problem), {{"rule", problem.rule}});
    }
  }
  keep_admitted(agent);
  const bool older = agent.admitted && agent.admitted != agent.spec &&
                     specs::admit(*agent.admitted, *configuration_, host_of(summary_.engine), controller_paths_).empty();
  if (older) {
    view.want = Want::present;
    set_wanted(agent, agent.admitted);
    return;
  }
  view.want = Want::denied;
  if (agent.admitted) {
    set_wanted(agent, agent.admitted);
  } else {
    view.wanted.reset();
  }
}

void Reconciler::Machine::admit(AgentState& agent) {
  agent.admitted = agent.spec;
  agent.admitted_bytes = folder_.good_bytes(agent.file);
  if (agent.record.admitted_bytes.empty() && agent.record.lost_workspace.empty()) return;
  agent.record.admitted_bytes.clear();
  agent.record.admitted_file.clear();
  agent.record.lost_workspace.clear();
  agent.record_stale = true;
  agent.record_retry = now_.mono;
}

/// The file's record is about to hold the refused version: the admitted one goes into the agent's own.
void Reconciler::Machine::keep_admitted(AgentState& agent) {
  AgentRecord& record = agent.record;
  if (!agent.admitted) {
    const auto restored = restored_files_.find(agent.file);
    const bool from_file = record.admitted_bytes.empty() && restored != restored_files_.end();
    const std::string& bytes = from_file ? restored->second : record.admitted_bytes;
    if (bytes.empty()) return;
    const specs::AgentFile file = specs::parse_agents(bytes, from_file ? agent.file : record.admitted_file);
    for (const specs::AgentSpec& spec : file.agents) {
      if (!file.good() || spec.name != agent.view.agent || spec == *agent.spec) continue;
      agent.admitted = std::make_shared<const specs::AgentSpec>(spec);
      agent.admitted_bytes = std::make_shared<const std::string>(bytes);
    }
  }
  if (!agent.admitted || agent.admitted == agent.spec || !agent.admitted_bytes) return;
  if (record.admitted_bytes == *agent.admitted_bytes) return;
  record.admitted_file = agent.admitted->place.file.empty() ? agent.file : agent.admitted->place.file;
  record.admitted_bytes = *agent.admitted_bytes;
  agent.record_stale = true;
  agent.record_retry = now_.mono;
}

/// The refusal of a workspace that another agent's newest file asks for too; none where this agent comes first.
std::optional<specs::Problem> Reconciler::Machine::overlap(const AgentState& agent, const specs::AgentSpec& spec) {
  const bool own = there_first(agent, spec.workspace_path);
  for (const std::string& name : wanted_workspaces_.rivals(agent.view.agent)) {
    const AgentState* rival = find(name);
    if (rival == nullptr) continue;
    const std::string& theirs = wanted_workspaces_.of(name);
    if (!specs::paths_overlap(spec.workspace_path, theirs)) continue;
    if (rival->record.lost_workspace == theirs) continue;  // one that was refused itself is in nobody's way
    const bool other = there_first(*rival, theirs);
    const bool wins = own != other ? own : agent.view.agent < name;
    if (wins) continue;
    return specs::overlap_problem(spec, {agent.view.agent, name, theirs});
  }
  return std::nullopt;
}

/// Its last admitted version had this workspace already.
bool Reconciler::Machine::there_first(const AgentState& agent, const std::string& workspace) const {
  if (agent.admitted) return agent.admitted->workspace_path == workspace;
  if (agent.record.lost_workspace == workspace) return false;
  const auto restored = restored_files_.find(agent.file);
  if (restored == restored_files_.end()) return false;
  const specs::AgentFile file = specs::parse_agents(restored->second, agent.file);
  return std::any_of(file.agents.begin(), file.agents.end(), [&](const specs::AgentSpec& spec) {
    return spec.name == agent.view.agent && spec.workspace_path == workspace;
  });
}

void Reconciler::Machine::set_wanted(AgentState& agent, const std::shared_ptr<const specs::AgentSpec>& spec) {
  agent.wanted_spec = spec;
  const specs::Effective effective = specs::make_effective(*spec, *configuration_);
  Wanted wanted;
  wanted.run_hash = spec->run_hash;
  wanted.config_hash = effective.config_hash;
  wanted.schema = specs::config_schema;
  wanted.restart_policy = spec->restart_policy;
  wanted.pull_policy = spec->image_pull_policy;
  wanted.max_restarts = spec->max_restarts;
  wanted.active_deadline = spec->active_deadline;
  wanted.stop_timeout = spec->stop_timeout;
  wanted.ttl_after_finished = spec->ttl_after_finished;
  wanted.image = effective.container.image;
  wanted.workspace = effective.container.workspace;
  agent.view.wanted = std::move(wanted);
  agent.wanted = {effective.container.user, effective.container.network, effective.container.memory_bytes,
                  effective.container.nano_cpus};
  agent.filtered = effective.filtered;
  if (agent.version_seen_hash != spec->run_hash) {
    agent.version_seen_hash = spec->run_hash;
    agent.version_seen = now_.mono;
  }
  for (ContainerView& container : agent.view.containers) latch_deadline(agent, container);
}

void Reconciler::Machine::warn_filtered(AgentState& agent) {
  if (agent.warned_for == agent.spec->run_hash) return;
  agent.warned_for = agent.spec->run_hash;
  if (agent.filtered.empty()) return;
  std::string names;
  for (const std::string& name : agent.filtered) names += (names.empty() ? "" : ", ") + name;
  audit(Severity::warning, "EnvironmentFiltered", agent.view.agent,
        "variables outside the allow-list are not passed on: " + names + "; to pass one, add it to sandbox.envWhitelistAdd",
        {{"variables", names}});
  metric("cofferdam_env_filtered_total", {}, static_cast<double>(agent.filtered.size()));
}

void Reconciler::Machine::on(const Command& command) {
  Answer answer;
  answer.id = command.id;
  if (const auto* confirm = std::get_if<ConfirmDeletions>(&command.what)) {
    std::vector<std::string> agents;
    for (const Held& held : guard_.held()) {
      if (held.id == confirm->id) agents.assign(held.agents.begin(), held.agents.end());
    }
    answer.ok = guard_.confirm(confirm->id);
    answer.message = answer.ok ? std::to_string(agents.size()) + " agents will be removed"
                               : "no held set has the ID " + confirm->id + " (it changes with the set); see `cofferdam get`";
    if (answer.ok) {
      audit(Severity::notice, "DeletionsConfirmed", "", answer.message, {{"id", confirm->id}});
      presence_changed(agents);
    }
  } else if (const auto* release = std::get_if<Release>(&command.what)) {
    AgentState* agent = find(release->agent);
    const bool violator = agent != nullptr && agent->view.outcome &&
                          agent->view.outcome->stopped == StopCause::hardening_violated && !agent->view.outcome->released;
    answer.ok = violator;
    answer.message = violator           ? release->agent + " may run again"
                     : agent == nullptr ? "there is no agent " + release->agent
                                        : release->agent + " was not stopped for a violation of its hardening";
    if (violator) {
      agent->view.outcome->released = true;
      agent->record.outcome = agent->view.outcome;
      save_record(*agent, Purpose::record);
      audit(Severity::notice, "Released", release->agent, answer.message);
      touch(*agent);
    }
  }
  effects_.emplace_back(std::move(answer));
}

}  // namespace cofferdam::reconciler
