// A decision's one effect: exactly one request, and the wait for its answer.

#include <algorithm>

#include "reconciler/create_request.hpp"
#include "reconciler/machine.hpp"

namespace cofferdam::reconciler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds save_patience{5};
constexpr seconds urgent_patience{1};  // a deadline's or a violation's stop waits no longer for its record
constexpr seconds check_patience{10};  // the shell's own deadline is shorter

/// What may go on while the owner of a name is still to be asked for.
bool passes_asking(Action action) {
  return action == Action::kill_term || action == Action::kill_kill || action == Action::record_stop ||
         action == Action::save_outcome || action == Action::inspect || action == Action::cancel_pull;
}

}  // namespace

milliseconds Reconciler::Machine::request_timeout() const {
  return configuration_ ? std::chrono::duration_cast<milliseconds>(configuration_->engine.request_timeout) : milliseconds{30000};
}

Reconciler::Machine::Applied Reconciler::Machine::apply(AgentState& agent, Decision& decision) {
  if (shut_down_ || !agent.broken.empty()) return Applied::nothing;
  if (decision.action == Action::create) decision.attempt = std::max(decision.attempt, agent.highest_attempt + 1);
  if (const std::string why = refused(agent, decision); !why.empty()) {
    broken(agent, why);
    return Applied::nothing;
  }
  const bool gated = decision.row == "1" || decision.row == "2" || decision.row == "5";
  if (!agent.asked_name.empty() && !gated && !passes_asking(decision.action)) return ask_for_name(agent);
  switch (decision.action) {
    case Action::none: return Applied::nothing;
    case Action::kill_term:
    case Action::kill_kill:
    case Action::inspect:
    case Action::remove:
    case Action::remove_forced:
    case Action::start:
    case Action::create: return apply_call(agent, decision);
    case Action::note_discarded:
      if (agent.view.wanted) agent.discarded[agent.view.wanted->config_hash] = decision.cause;
      decision.action = Action::remove;
      return apply_call(agent, decision);
    case Action::record_stop: return begin_stop(agent, decision);
    case Action::save_outcome:
    case Action::drop_outcome:
    case Action::accept_run_hash: return begin_save(agent, decision);
    case Action::check_workspace: {
      agent.call = ++calls_made_;
      agent.view.in_flight = InFlight::check;
      agent.give_up = now_.mono + check_patience;
      agent.turn_kept = agent.turn_kept || in_turn_ == &agent;
      effects_.emplace_back(
          CheckWorkspace{agent.call, agent.view.agent, agent.view.wanted ? agent.view.wanted->workspace : std::string()});
      return Applied::began;
    }
    case Action::pull: return begin_pull(agent, decision);
    case Action::cancel_pull: leave_pull(agent); return Applied::again;
    case Action::inspect_image: {
      const std::string& reference = agent.view.wanted->image;
      Image& image = images_.by_reference[reference];
      if (image.waiting.insert(agent.view.agent).second) agent.budget.count(false, now_.mono);
      if (image.look == 0) images_.looks_wanted.insert(reference);
      return Applied::began;
    }
    case Action::probe: {
      Probe& probe = images_.probes[images_.by_reference[agent.view.wanted->image].facts.id];
      if (probe.waiting.insert(agent.view.agent).second) agent.budget.count(false, now_.mono);
      return Applied::began;
    }
    case Action::drop_records: return drop_records(agent, decision);
  }
  return Applied::nothing;
}

/// What no decision may ask for, whatever led to it; empty: it may. S1, S2 and S9 once more, just before the effect.
std::string Reconciler::Machine::refused(const AgentState& agent, const Decision& decision) const {
  const auto& all = agent.view.containers;
  const auto live_beside = [&](const std::string& id) {
    return std::any_of(all.begin(), all.end(), [&](const ContainerView& other) { return other.id != id && other.live(); });
  };
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const ContainerView& other) { return other.id == decision.container; });
  const std::string what = "row " + std::string(decision.row) + " wants to " + std::string(name_of(decision.action));
  switch (decision.action) {
    case Action::create: return live_beside({}) ? what + " while a container of it is live" : std::string();
    case Action::start:
      if (found == all.end() || found->suspect) return what + " what is not its own";
      return live_beside(found->id) ? what + " while another container of it is live" : std::string();
    case Action::remove:
    case Action::remove_forced: {
      if (found == all.end() || found->suspect) return what + " what is not its own";
      if (found->live()) return what + " what is live";
      const bool newest_end = std::none_of(all.begin(), all.end(), [&](const ContainerView& other) {
        return !other.suspect && other.attempt > found->attempt && other.ended();
      });
      const bool saved = agent.view.outcome && agent.view.outcome->attempt >= found->attempt;
      const bool has_end = found->ended() && found->ran();
      return has_end && newest_end && !saved && agent.view.want != Want::absent ? what + " before its outcome is saved"
                                                                                : std::string();
    }
    case Action::kill_term:
    case Action::kill_kill:
      if (found == all.end() || found->suspect || !found->stop) return what + " without a stop of its own";
      return {};
    case Action::record_stop:
    case Action::save_outcome: return found == all.end() || found->suspect ? what + " what is not its own" : std::string();
    case Action::inspect:
    case Action::note_discarded: return found == all.end() ? what + " what is not there" : std::string();
    case Action::pull:
    case Action::inspect_image:
    case Action::probe: return agent.view.wanted ? std::string() : what + " with nothing wanted";
    case Action::none:
    case Action::drop_outcome:
    case Action::accept_run_hash:
    case Action::check_workspace:
    case Action::cancel_pull:
    case Action::drop_records: return {};
  }
  return {};
}

bool Reconciler::Machine::take_lane(AgentState& agent, Lane lane, bool unhurried) {
  if (agent.penalty && lane != Lane::pulls) lane = Lane::penalty;
  const bool first = in_turn_ == &agent || agent.turn_kept;
  if (first ? lanes_.free(lane) : lanes_.open(lane)) {
    agent.turn_kept = false;
    return true;
  }
  lanes_.enqueue(lane, agent, unhurried, agent.turn_kept);
  return false;
}

CallId Reconciler::Machine::begin(CallInFlight call, docker::Request request, milliseconds deadline, milliseconds idle) {
  const CallId id = ++calls_made_;
  call.begun = ++moment_;
  if (call.in_lane) lanes_.take(call.lane);
  Call effect;
  effect.id = id;
  effect.epoch = epoch_;
  effect.lane = call.lane;
  effect.request = std::move(request);
  effect.deadline = deadline;
  effect.idle_deadline = idle;
  effect.cause = call.cause;
  if (call.agent != nullptr) {
    AgentState& agent = *call.agent;
    effect.agent = agent.view.agent;
    agent.call = id;
    agent.view.in_flight = InFlight::call;
    agent.last_activity = moment_;
    agent.budget.count(call.step != Step::inspect && call.step != Step::inspect_name, now_.mono);
  }
  calls_[id] = std::move(call);
  effects_.emplace_back(std::move(effect));
  return id;
}

Reconciler::Machine::Applied Reconciler::Machine::ask_for_name(AgentState& agent) {
  if (agent.asked_retry && *agent.asked_retry > now_.mono) return Applied::nothing;
  if (!take_lane(agent, Lane::reads)) return Applied::waits;
  CallInFlight call;
  call.step = Step::inspect_name;
  call.lane = agent.penalty ? Lane::penalty : Lane::reads;
  call.agent = &agent;
  call.object = agent.asked_name;
  call.attempt = agent.asked_attempt;
  call.action = name_of(Action::inspect);
  call.cause = "NameUnknown";
  begin(std::move(call), docker::ContainerInspect{agent.asked_name}, request_timeout());
  return Applied::began;
}

Reconciler::Machine::Applied Reconciler::Machine::apply_call(AgentState& agent, const Decision& decision) {
  const bool reads = decision.action == Action::inspect;
  const bool unhurried = reads && agent.notes[decision.container].unhurried;
  if (!take_lane(agent, reads ? Lane::reads : Lane::changes, unhurried)) return Applied::waits;
  acted(agent, decision);
  if (decision.action == Action::create) return begin_create(agent, decision);
  return begin_on(agent, decision, *agent.container(decision.container));
}

Reconciler::Machine::Applied Reconciler::Machine::begin_create(AgentState& agent, const Decision& decision) {
  const Wanted& wanted = *agent.view.wanted;
  const specs::ImageFacts& image = images_.by_reference[wanted.image].facts;
  const specs::EffectiveContainer effective = specs::make_effective(*agent.wanted_spec, *configuration_).container;
  Attempt attempt;
  attempt.number = decision.attempt;
  attempt.restarts = decision.restarts;
  attempt.failures = decision.failures;
  attempt.run_hash = wanted.run_hash;
  attempt.config_hash = wanted.config_hash;
  attempt.source = agent.file;
  docker::ContainerCreate request =
      create_request(effective, *agent.wanted_spec, image, agent.user, attempt, summary_.engine, identity_);

  ContainerView& making = agent.making;
  making = {};
  making.name = request.name;
  making.attempt = attempt.number;
  making.run_hash = attempt.run_hash;
  making.config_hash = attempt.config_hash;
  making.schema = specs::config_schema;
  making.restarts = attempt.restarts;
  making.failures = attempt.failures;
  making.image_id = image.id;
  agent.making_notes = {};
  agent.making_notes.binds = {wanted.workspace};
  agent.making_notes.image_id = image.id;
  agent.making_notes.created_user = request.config.user;
  agent.making_notes.workspace_device = agent.workspace_device;
  agent.making_notes.workspace_inode = agent.workspace_inode;
  if (agent.version_seen && agent.version_seen_hash == wanted.run_hash) agent.making_notes.spec_seen = agent.version_seen;
  agent.version_seen.reset();

  const bool restarted = agent.view.outcome && decision.restarts > agent.view.outcome->restarts;
  if (restarted) metric("cofferdam_agent_restarts_total", {agent.view.agent});
  if (const auto above = occupancy_.above(wanted.workspace, agent.view.agent); above && !agent.warned_above) {
    agent.warned_above = true;
    audit(
        Severity::warning, "WorkspaceShared", agent.view.agent,
        "the running container " + above->name + " mounts a directory above " + wanted.workspace + " and can read and write it");
  }
  CallInFlight call;
  call.step = Step::create;
  call.lane = agent.penalty ? Lane::penalty : Lane::changes;
  call.agent = &agent;
  call.object = request.name;
  call.attempt = attempt.number;
  call.action = name_of(decision.action);
  call.cause = cause_of(decision);
  hold_capacity(agent, true);
  begin(std::move(call), std::move(request), request_timeout());
  return Applied::began;
}

Reconciler::Machine::Applied Reconciler::Machine::begin_on(AgentState& agent, const Decision& decision,
                                                           ContainerView& container) {
  ContainerNotes& notes = agent.notes[container.id];
  CallInFlight call;
  call.agent = &agent;
  call.object = container.id;
  call.attempt = container.attempt;
  call.action = name_of(decision.action);
  call.cause = cause_of(decision);
  call.lane = agent.penalty ? Lane::penalty : decision.action == Action::inspect ? Lane::reads : Lane::changes;
  docker::Request request;
  milliseconds deadline = request_timeout();
  switch (decision.action) {
    case Action::kill_term:
      call.step = Step::kill_term;
      request = docker::ContainerKill{container.id, "TERM"};
      container.stop->term_tried = now_.mono;
      ++container.stop->term_tries;
      ++notes.own_terms;
      break;
    case Action::kill_kill:
      call.step = Step::kill_kill;
      request = docker::ContainerKill{container.id, "KILL"};
      if (!container.stop->first_kill) container.stop->first_kill = now_.mono;
      container.stop->kill_tried = now_.mono;
      ++container.stop->kill_tries;
      ++notes.own_kills;
      break;
    case Action::inspect:
      call.step = Step::inspect;
      request = docker::ContainerInspect{container.id};
      break;
    case Action::start:
      call.step = Step::start;
      request = docker::ContainerStart{container.id};
      deadline = deadline * 3;  // a start may take a minute on a loaded host
      container.start_sent = true;
      if (auto& asked = agent.notes[container.id].start_asked; !asked) asked = now_.mono;
      break;
    case Action::remove:
    case Action::remove_forced:
      call.step = Step::remove;
      request = docker::ContainerRemove{container.id, decision.action == Action::remove_forced};
      break;
    case Action::none:
    case Action::record_stop:
    case Action::save_outcome:
    case Action::drop_outcome:
    case Action::accept_run_hash:
    case Action::note_discarded:
    case Action::check_workspace:
    case Action::create:
    case Action::pull:
    case Action::cancel_pull:
    case Action::inspect_image:
    case Action::probe:
    case Action::drop_records: return Applied::nothing;
  }
  begin(std::move(call), std::move(request), deadline);
  return Applied::began;
}

Reconciler::Machine::Applied Reconciler::Machine::begin_stop(AgentState& agent, const Decision& decision) {
  const StopCause cause = *decision.stop_cause;
  acted(agent, decision);
  if (cause == StopCause::hardening_violated) violation_stops_.push_back(now_.mono);
  agent.stop_container = decision.container;
  agent.stop_cause = cause;
  const bool urgent = cause == StopCause::hardening_violated || cause == StopCause::deadline_exceeded;
  agent.give_up = now_.mono + (urgent ? urgent_patience : save_patience);
  agent.view.in_flight = InFlight::save;
  SaveInFlight what;
  what.purpose = Purpose::stop;
  what.agent = agent.view.agent;
  what.container = decision.container;
  what.cause = cause;
  agent.save = save("stops/" + decision.container, to_bytes(StopRecord{agent.view.agent, cause}), std::move(what));
  metric("cofferdam_actions_total", {std::string(name_of(decision.action)), cause_of(decision), "ok"});
  return Applied::began;
}

Reconciler::Machine::Applied Reconciler::Machine::begin_save(AgentState& agent, const Decision& decision) {
  if (decision.action == Action::drop_outcome) {
    agent.view.outcome.reset();
    agent.record.outcome.reset();
    save_record(agent, Purpose::record);
    return Applied::again;
  }
  SaveInFlight what;
  Purpose purpose = Purpose::outcome;
  if (decision.action == Action::save_outcome) {
    const ContainerView& container = *agent.container(decision.container);
    agent.record.outcome = outcome_of(container, engine_.backoff);
    tell_end(agent, *agent.record.outcome);
  } else {
    purpose = Purpose::accepted;
    what.accepted = agent.view.wanted ? agent.view.wanted->run_hash : std::string();
    what.attempt = current_of(agent.view).attempt;
    agent.record.accepted_run_hash = what.accepted;
    agent.record.accepted_attempt = what.attempt;
  }
  agent.give_up = now_.mono + save_patience;
  agent.view.in_flight = InFlight::save;
  save_record(agent, purpose, std::move(what));
  agent.save = agent.record_version;
  return Applied::began;
}

}  // namespace cofferdam::reconciler
