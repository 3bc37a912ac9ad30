// The turn: what is due is fired, what an input touched is decided, what waits for a lane is let in.

#include "reconciler/machine.hpp"

#include <algorithm>
#include <chrono>

namespace cofferdam::reconciler {
namespace {

using std::chrono::seconds;

/// Decisions about one agent within one turn: each is followed by an effect that waits, so that a few always do.
constexpr int most_steps = 16;

constexpr std::string_view word_of(bool began, bool waits, bool failed) {
  if (failed) return "error";
  if (began) return "acted";
  return waits ? "waiting" : "none";
}

}  // namespace

Reconciler::Machine::Machine(Identity identity) : identity_(std::move(identity)) {
  engine_.state_error = "the state directory is not read yet";
}

Effects Reconciler::Machine::handle(const Input& input, const Now& now) {
  effects_.clear();
  now_ = now;
  if (boot_ == WallTime{}) boot_ = now.boot;
  ++moment_;
  std::visit([this](const auto& one) { on(one); }, input);
  if (!shut_down_) {
    fire();
    run();
  }
  for (const auto& [result, times] : results_) metric("cofferdam_reconcile_total", {result}, static_cast<double>(times));
  results_.clear();
  emit_wake();
  refresh_summary();
  return std::move(effects_);
}

void Reconciler::Machine::on(const Shutdown&) {
  shut_down_ = true;
  touched_.clear();
  if (configuration_ && engine_.engine_up) save_contact();
}

void Reconciler::Machine::fire() {
  if (!configuration_) return;
  for (auto entry = being_written_.begin(); entry != being_written_.end();) {
    if (now_.mono - entry->second >= configuration_->specs.settle) {
      announced_.insert(entry->first);  // quiet for long enough: as good as closed
      entry = being_written_.erase(entry);
      scan_wanted_ = true;
    } else {
      ++entry;
    }
  }
  if (next_scan_ && *next_scan_ <= now_.mono) scan_wanted_ = true;
  if (scan_wanted_) want_scan();
  if (files_retry_ && *files_retry_ <= now_.mono) {
    files_retry_.reset();
    specs::FolderDelta again;
    again.good_versions.assign(failed_files_.begin(), failed_files_.end());
    failed_files_.clear();
    save_files(again);
  }
  if (engine_.engine_up && next_list_ && *next_list_ <= now_.mono) want_list();
  if (next_contact_save_ && *next_contact_save_ <= now_.mono && engine_.engine_up) save_contact();
  while (!wakes_.empty() && wakes_.begin()->at <= now_.mono) {
    AgentState& agent = *wakes_.begin()->agent;
    set_wake(agent, std::nullopt);
    if (!over(agent)) touch(agent);
  }
}

/// An agent that was removed an hour ago is forgotten.
bool Reconciler::Machine::over(AgentState& agent) {
  if (!agent.removed_at || now_.mono - *agent.removed_at < std::chrono::hours{1}) return false;
  if (agent.view.want != Want::absent || !agent.view.containers.empty() || agent.view.in_flight != InFlight::none) return false;
  effects_.emplace_back(DropStatus{agent.view.agent});
  forget_agent(agent);
  return true;
}

void Reconciler::Machine::run() {
  while (true) {
    while (!touched_.empty()) {
      AgentState& agent = *touched_.front();
      touched_.pop_front();
      agent.touched = false;
      settle(agent);
    }
    if (list_wanted_ && engine_.engine_up && list_call_ == 0) send_list();
    serve_images();
    AgentState* next = nullptr;
    for (const Lane lane : {Lane::changes, Lane::reads, Lane::pulls, Lane::penalty}) {
      next = lanes_.next(lane);
      if (next != nullptr) break;
    }
    if (next == nullptr) {
      if (touched_.empty()) return;
      continue;
    }
    in_turn_ = next;
    settle(*next);
    in_turn_ = nullptr;
  }
}

/// A save or a check was not answered in time.
void Reconciler::Machine::give_up(AgentState& agent) {
  if (agent.view.in_flight == InFlight::save) {
    const auto found = saves_.find(agent.save);
    if (found == saves_.end()) {
      agent.view.in_flight = InFlight::none;
      agent.save = 0;
      return;
    }
    SaveInFlight late = found->second;  // its answer may still come
    save_failed(agent, late, "no answer in time");
  } else if (agent.view.in_flight == InFlight::check) {
    agent.view.in_flight = InFlight::none;
    agent.call = 0;
    agent.view.next.workspace = Preparation::Workspace::hung;
    agent.view.next.workspace_looked = now_.mono;
  }
}

void Reconciler::Machine::settle(AgentState& agent) {
  Decision decision;
  Applied applied = Applied::nothing;
  int steps = 0;
  if (agent.view.in_flight != InFlight::none && agent.give_up <= now_.mono) give_up(agent);
  if (agent.record_stale && agent.record_retry && *agent.record_retry <= now_.mono && agent.view.in_flight == InFlight::none) {
    save_record(agent, Purpose::record);
  }
  do {
    fill(agent);
    decision = decide(agent.view, engine_, now_);
    applied = apply(agent, decision);
    ++steps;
    ++rows_[decision.row];
    if (!decision.via.empty()) ++rows_[decision.via];
  } while (applied == Applied::again && steps < most_steps);
  if (applied == Applied::again) broken(agent, "its decision does not come to rest: row " + std::string(decision.row));
  if (applied == Applied::began) agent.begun = decision;
  if (applied != Applied::waits) lanes_.leave(agent);
  ++results_[std::string(
      word_of(applied == Applied::began, applied == Applied::waits || decision.wake_at.has_value(), !agent.broken.empty()))];
  verify(agent);
  tell(agent, decision);

  std::optional<Monotonic> at;
  // What was due was seen to above, or waits for something else than the time.
  const auto sooner = [&at, this](const std::optional<Monotonic>& other) {
    if (other && *other > now_.mono && (!at || *other < *at)) at = other;
  };
  sooner(decision.wake_at);
  if (agent.view.in_flight == InFlight::save || agent.view.in_flight == InFlight::check) sooner(agent.give_up);
  if (agent.record_stale) sooner(agent.record_retry);
  if (!agent.asked_name.empty()) sooner(agent.asked_retry);
  if (agent.removed_at) sooner(*agent.removed_at + std::chrono::hours{1});
  if (rollout_.turn(agent.view.agent) && rollout_.halted_by().empty()) sooner(rollout_.over_at(agent.view.agent));
  for (const auto& [id, notes] : agent.notes) sooner(notes.verify_at);
  set_wake(agent, at);
}

void Reconciler::Machine::touch(AgentState& agent) {
  if (agent.touched || shut_down_) return;
  agent.touched = true;
  touched_.push_back(&agent);
}

void Reconciler::Machine::touch(const std::string& agent) {
  if (AgentState* found = find(agent)) touch(*found);
}

void Reconciler::Machine::touch_all() {
  for (auto& [name, agent] : agents_) touch(*agent);
}

AgentState* Reconciler::Machine::find(const std::string& name) {
  const auto found = agents_.find(name);
  return found == agents_.end() ? nullptr : found->second.get();
}

AgentState& Reconciler::Machine::agent_of(const std::string& name) {
  auto& slot = agents_[name];
  if (!slot) {
    slot = std::make_unique<AgentState>();
    slot->serial = ++births_;
    slot->view.agent = name;
    slot->view.want = Want::held;
    slot->view.held_message = "its file was not read yet";
    slot->status.agent = name;
  }
  return *slot;
}

void Reconciler::Machine::forget_agent(AgentState& agent) {
  const std::string name = agent.view.agent;
  lanes_.leave(agent);
  set_wake(agent, std::nullopt);
  touched_.erase(std::remove(touched_.begin(), touched_.end(), &agent), touched_.end());
  for (const auto& [id, notes] : agent.notes) {
    by_container_.erase(id);
    suspects_.erase(id);
  }
  capacity_.release(name);
  wanted_workspaces_.set(name, {});
  busy_waiting_.erase(name);
  capacity_waiting_.erase(name);
  scan_facts_.known.erase(name);
  scan_facts_.removing.erase(name);
  guard_.forget(name);
  rollout_.update(name, false, true, 0, now_.mono);
  for (auto& [id, call] : calls_) {
    if (call.agent == &agent) call.agent = nullptr;
  }
  agents_.erase(name);
}

void Reconciler::Machine::set_wake(AgentState& agent, std::optional<Monotonic> at) {
  if (agent.wake == at) return;
  if (agent.wake) wakes_.erase({*agent.wake, agent.serial, &agent});
  agent.wake = at;
  if (at) wakes_.insert({*at, agent.serial, &agent});
}

void Reconciler::Machine::emit_wake() {
  std::optional<Monotonic> at;
  const auto sooner = [&at](const std::optional<Monotonic>& other) {
    if (other && (!at || *other < *at)) at = other;
  };
  if (shut_down_) return;
  if (!wakes_.empty()) sooner(wakes_.begin()->at);
  if (configuration_) {
    for (const auto& [name, since] : being_written_) sooner(since + configuration_->specs.settle);
  }
  if (!scan_in_flight_) sooner(next_scan_);
  sooner(files_retry_);
  if (engine_.engine_up) {
    if (list_call_ == 0) sooner(next_list_);
    sooner(next_contact_save_);
  }
  if (!at) return;
  // The newest replaces the one before: a later moment is told only once the sooner one has passed.
  if (told_wake_ && *told_wake_ > now_.mono && *told_wake_ <= *at) return;
  told_wake_ = at;
  effects_.emplace_back(WakeAt{*at});
}

void Reconciler::Machine::refresh_summary() {
  summary_.configured = configuration_ != nullptr;
  summary_.sandbox_enabled = engine_.sandbox_enabled;
  summary_.state_known = engine_.state_known;
  summary_.state_error = engine_.state_error;
  summary_.engine_up = engine_.engine_up;
  summary_.engine_why = engine_.engine_why;
  summary_.listed = engine_.listed;
  summary_.scan_error = engine_.scan_error;
  summary_.epoch = epoch_;
  summary_.ready = summary_.configured && engine_.state_known && engine_.scanned && engine_.listed;
  summary_.queued = lanes_.queued();
  summary_.calls_in_flight = calls_.size();
}

void Reconciler::Machine::broken(AgentState& agent, const std::string& what) {
  if (!agent.broken.empty()) return;
  agent.broken = what;
  audit(
      Severity::error, "InternalError", agent.view.agent,
      "a broken invariant: " + what + "; nothing more is done for this agent until its file changes or the controller restarts");
  metric("cofferdam_internal_errors_total");
}

}  // namespace cofferdam::reconciler
