// What an inspect tells of a container, and what its end means.

#include <algorithm>

#include "reconciler/create_request.hpp"
#include "reconciler/machine.hpp"
#include "reconciler/readback.hpp"

namespace cofferdam::reconciler {
namespace {

using docker::ContainerState;

std::vector<std::string> binds_of(const docker::ContainerDetails& details) {
  std::vector<std::string> binds;
  for (const docker::MountPoint& mount : details.mounts) {
    if (mount.type == "bind") binds.push_back(mount.source);
  }
  for (const docker::Mount& mount : details.host_config.mounts) {
    if (mount.type == "bind") binds.push_back(mount.source);
  }
  std::sort(binds.begin(), binds.end());
  binds.erase(std::unique(binds.begin(), binds.end()), binds.end());
  return binds;
}

bool outcome_saved(const AgentState& agent, const ContainerView& container) {
  return agent.view.outcome && agent.view.outcome->attempt >= container.attempt;
}

}  // namespace

void Reconciler::Machine::learn(AgentState& agent, ContainerView& container, const docker::ContainerDetails& details) {
  ContainerNotes& notes = agent.notes[container.id];
  const bool was_live = container.live();
  if (container.started_at != details.started_at && container.stop) {
    Stop& stop = *container.stop;  // another life of it: what was sent went to the one before
    stop.term_answered.reset();
    stop.term_tried.reset();
    stop.term_tries = 0;
    stop.first_kill.reset();
    stop.kill_tried.reset();
    stop.kill_tries = 0;
  }
  container.name = details.name;
  container.state = details.state;
  container.image_id = details.image_id;
  container.pid = details.pid;
  container.ghost = details.state == ContainerState::running && details.pid == 0 && engine_.local;
  const std::string& restart = details.host_config.restart_policy;
  container.engine_restart_policy = !restart.empty() && restart != "no";
  container.started_at = details.started_at;
  container.finished_at = details.finished_at;
  container.exit_code = details.exit_code;
  container.oom_killed = details.oom_killed;
  container.error = details.error;
  container.inspected = true;
  container.inspect_retry.reset();
  container.inspect_error.clear();
  container.inspect_failures = 0;
  container.look_first = false;
  agent.failures.erase("inspect");
  notes.binds = binds_of(details);
  const Ownership owner = owner_of(details.name, details.image_id, details.config.labels, identity_);
  const bool ours = owner.owner == Owner::agent && owner.agent == agent.view.agent;
  if (container.suspect == ours) {
    container.suspect = !ours;
    if (!ours) {
      audit(Severity::warning, "SuspectContainer", agent.view.agent,
            container.name + " was ours and is not any more (" + owner.why + "); it is not touched");
    }
  }
  remember_listed(agent, container);
  if (container.state == ContainerState::removing) {
    if (!container.removing_since) container.removing_since = now_.mono;
    const Monotonic::duration so_far = now_.mono - *container.removing_since;
    container.look_again = now_.mono + std::clamp<Monotonic::duration>(so_far, std::chrono::seconds{1}, std::chrono::minutes{10});
  } else {
    container.removing_since.reset();
    container.look_again.reset();
  }
  if (container.suspect) {
    occupy(agent, container);
    return;
  }
  if (!container.live() && !container.ran() && !details.error.empty() && (details.exit_code == 126 || details.exit_code == 127)) {
    container.start_failed_code = static_cast<int>(details.exit_code);
  }
  if (container.live()) {
    learn_running(agent, container);
  } else if (container.ended() || container.state == ContainerState::removing) {
    learn_end(agent, container, notes);
  } else if (container.state == ContainerState::created) {
    container.start_sent = false;
    learn_created(agent, container, details);
  }
  latch_deadline(agent, container);
  occupy(agent, container);
  hold_capacity(agent, false);
  if (was_live && !container.live()) released_workspace();
}

void Reconciler::Machine::learn_running(AgentState& agent, ContainerView& container) {
  ContainerNotes& notes = agent.notes[container.id];
  container.start_failed_code = 0;
  if (container.pid > 0) notes.seen_live = container.started_at;
  latch_start(container, notes);
  if (notes.spec_seen && container.state == ContainerState::running) {
    metric("cofferdam_spec_to_running_seconds", {}, std::chrono::duration<double>(now_.mono - *notes.spec_seen).count());
    notes.spec_seen.reset();
  }
  if (!notes.verify_at && container.pid > 0 && engine_.local) notes.verify_at = now_.mono;
}

/// At the first look at it running its age is what the clocks say, and no more than went by since its start was asked for.
/// Latched, so that a clock that jumps later moves nothing.
void Reconciler::Machine::latch_start(const ContainerView& container, ContainerNotes& notes) const {
  if (!container.started_at || notes.ran_from_since == container.started_at) return;
  constexpr std::chrono::nanoseconds most = std::chrono::years{100};  // what was written of a start may be anything
  const auto age = std::clamp<std::chrono::nanoseconds>(span_between(*container.started_at, now_.wall), {}, most);
  notes.ran_from = std::max(now_.mono - age, notes.start_asked.value_or(Monotonic::min()));
  notes.ran_from_since = container.started_at;
}

void Reconciler::Machine::learn_end(AgentState& agent, ContainerView& container, ContainerNotes& notes) {
  notes.verify_at.reset();
  container.violated = false;
  if (outcome_saved(agent, container)) return;  // the verdict stands
  // A stop that was recorded and never carried out: the exit was the agent's own.
  if (container.stop && !container.stop->may_have_killed) {
    container.stop.reset();
    end_stop_record(container.id);
  }
  const bool seen_running = notes.ran_from && notes.ran_from_since == container.started_at;
  if (const auto from = seen_running ? notes.ran_from : notes.start_asked) container.ran_at_most = now_.mono - *from;
  EndEvidence evidence;
  if (contact_before_start_) {
    evidence.last_contact_before_start = contact_before_start_->contact;
    evidence.boot_id_then = contact_before_start_->boot_id;
  }
  evidence.boot = boot_;
  evidence.outages = outages_;
  evidence.gaps = gaps_;
  evidence.foreign_kills = notes.foreign_kills;
  if (agent.view.wanted) evidence.stop_timeout = agent.view.wanted->stop_timeout;
  evidence.local = engine_.local;
  evidence.seen_live = container.started_at && notes.seen_live == container.started_at;
  container.interrupted = was_interrupted(container, evidence, now_);
}

void Reconciler::Machine::learn_created(AgentState& agent, ContainerView& container, const docker::ContainerDetails& details) {
  const AgentView& view = agent.view;
  ContainerNotes& notes = agent.notes[container.id];
  if (notes.created_user.empty()) notes.created_user = details.config.user;
  const bool same = view.wanted && container.config_hash == view.wanted->config_hash && container.schema == view.wanted->schema;
  const auto version = agent.wanted_spec;
  if (!same || !version) return;  // looked at again when it is what is wanted
  notes.compared_for = container.config_hash;
  if (!container.weaker.empty()) return;
  const specs::EffectiveContainer effective = specs::make_effective(*version, *configuration_).container;
  specs::NumericUser user;
  if (const auto numbers = numeric_user_of(details.config.user)) user = {numbers->first, numbers->second};
  const docker::HostConfig asked = host_config_of(effective, user, summary_.engine);
  std::string weaker;
  for (const Weaker& field : weaker_fields(asked, effective, configuration_->policy.allow_root, details)) {
    if (field.limit && tolerates(std::string(docker::name_of(*field.limit)))) {
      limit_is_missing(agent, std::string(docker::name_of(*field.limit)));
      continue;
    }
    weaker += (weaker.empty() ? "" : "; ") + to_string(field);
  }
  if (notes.created_user != details.config.user) {
    weaker +=
        (weaker.empty() ? "" : "; ") + std::string("Config.User: asked ") + notes.created_user + ", found " + details.config.user;
  }
  if (!weaker.empty()) container.weaker = "the engine made it weaker than asked: " + weaker;
}

bool Reconciler::Machine::tolerates(const std::string& limit) const {
  const auto& tolerated = configuration_->policy.tolerate_missing;
  return std::find(tolerated.begin(), tolerated.end(), limit) != tolerated.end();
}

void Reconciler::Machine::limit_is_missing(AgentState& agent, const std::string& limit) {
  agent.limit_missing = limit;
  if (!limits_missing_.insert(limit).second) return;
  summary_.limits_missing.assign(limits_missing_.begin(), limits_missing_.end());
  audit(Severity::warning, "LimitMissing", agent.view.agent,
        "this host does not enforce the limit '" + limit + "', which policy.tolerateMissing accepts", {{"limit", limit}});
}

/// A deadline is latched once for a start and a span, so that a clock that jumps later moves nothing.
void Reconciler::Machine::latch_deadline(AgentState& agent, ContainerView& container) {
  ContainerNotes& notes = agent.notes[container.id];
  if (!agent.view.wanted || !agent.view.wanted->active_deadline || !container.live() || !container.started_at) {
    container.deadline.reset();
    notes.deadline_span.reset();
    return;
  }
  const std::chrono::nanoseconds span = *agent.view.wanted->active_deadline;
  if (notes.deadline_span == span && notes.deadline_since == container.started_at) return;
  notes.deadline_span = span;
  notes.deadline_since = container.started_at;
  container.deadline = latched(*container.started_at, span, now_);
}

/// A call was told that the engine has no such container, and we did not remove it: nothing is concluded from that, and nothing
/// started beside it, until a list says so too.
void Reconciler::Machine::told_gone(AgentState& agent, ContainerView& container, const docker::Error& error) {
  mark_dirty(agent, container);
  ++container.inspect_failures;
  container.inspect_error = to_string(error);
  container.inspect_retry = now_.mono + retry_delay(agent, "inspect");
  not_listed(agent.view.agent, container.id);
  want_list();
}

/// It is confirmed that the engine has no such container any more.
void Reconciler::Machine::gone(AgentState& agent, const std::string& id, bool by_us) {
  ContainerView* container = agent.container(id);
  if (container == nullptr) return;
  ContainerView last = *container;  // a copy: what is moved from has no id any more, and would not be erased by it
  erase_container(agent, id);
  touch(agent);
  if (last.suspect) return;
  if (by_us) audit(Severity::info, "Removed", agent.view.agent, last.name + " is removed", {{"container", id}});

  const bool vanished = !by_us && (last.live() || (last.start_sent && !last.ended()));
  const bool known_end = (last.inspected && last.ran_to_its_end()) || last.start_failed_code != 0;
  if (!outcome_saved(agent, last) && (vanished || known_end)) {
    if (vanished) {
      last.state = ContainerState::exited;
      if (!last.stop && agent.stop_container == id) {
        last.stop = Stop{};
        last.stop->cause = agent.stop_cause;
      }
      last.interrupted = !last.stop;
      if (!last.finished_at || (last.started_at && *last.finished_at < *last.started_at)) last.finished_at = now_.wall;
    }
    Outcome outcome = outcome_of(last, engine_.backoff);
    if (vanished) outcome.exit_code.reset();
    if (vanished) {
      audit(Severity::warning, "Vanished", agent.view.agent, last.name + " is gone, and we did not remove it",
            {{"container", id}});
    }
    agent.view.outcome = outcome;  // it stands for the container from now on
    agent.record.outcome = outcome;
    SaveInFlight what;
    what.container = id;
    save_record(agent, Purpose::record, what);
    return;  // the stop's record ends with the ack
  }
  end_stop_record(id);
}

ContainerView& Reconciler::Machine::add_container(AgentState& agent, ContainerView container, ContainerNotes notes) {
  const std::string id = container.id;
  remember_listed(agent, container);
  if (const auto unlisted = unlisted_.find(agent.view.agent); unlisted != unlisted_.end()) {
    unlisted->second.erase(id);
    if (unlisted->second.empty()) unlisted_.erase(unlisted);
  }
  agent.highest_attempt = std::max(agent.highest_attempt, container.suspect ? 0 : container.attempt);
  auto& all = agent.view.containers;
  const auto place =
      std::find_if(all.begin(), all.end(), [&](const ContainerView& other) { return other.attempt < container.attempt; });
  all.insert(place, std::move(container));
  agent.notes[id] = std::move(notes);
  ContainerView& added = *agent.container(id);
  occupy(agent, added);
  hold_capacity(agent, false);
  touch(agent);
  return added;
}

void Reconciler::Machine::erase_container(AgentState& agent, const std::string& id) {
  std::erase_if(agent.view.containers, [&](const ContainerView& container) { return container.id == id; });
  agent.notes.erase(id);
  by_container_.erase(id);
  suspects_.erase(id);
  if (occupancy_.erase(id)) released_workspace();
  hold_capacity(agent, false);
}

void Reconciler::Machine::occupy(AgentState& agent, const ContainerView& container) {
  const bool had = occupancy_.has(container.id);
  occupancy_.set({container.id, container.name, container.suspect ? std::string() : agent.view.agent},
                 container.live() ? agent.notes[container.id].binds : std::vector<std::string>{});
  if (had && !container.live()) released_workspace();
}

/// Whoever waits for a workspace looks again.
void Reconciler::Machine::released_workspace() {
  for (const std::string& name : busy_waiting_) touch(name);
}

/// What exists and may run, or is being made, counts against the host's ceilings.
void Reconciler::Machine::hold_capacity(AgentState& agent, bool creating) {
  const bool holds =
      creating || std::any_of(agent.view.containers.begin(), agent.view.containers.end(), [](const ContainerView& container) {
        return !container.suspect &&
               (container.live() || (container.state == ContainerState::created && container.start_failed_code == 0));
      });
  const bool less = holds ? capacity_.hold(agent.view.agent, agent.wanted.memory_bytes, agent.wanted.nano_cpus)
                          : capacity_.release(agent.view.agent);
  if (!less) return;
  for (const std::string& name : capacity_waiting_) touch(name);
}

}  // namespace cofferdam::reconciler
