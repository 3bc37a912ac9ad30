// The engine session and its lists: what exists. A list says nothing about an agent that had a call in flight at or after
// the moment it was sent, and never clears a dirty mark.

#include <algorithm>
#include <functional>
#include <utility>

#include "reconciler/create_request.hpp"
#include "reconciler/machine.hpp"

namespace cofferdam::reconciler {
namespace {

constexpr std::size_t most_outages = 64;
constexpr std::chrono::seconds contact_interval{60};

std::vector<std::string> bind_sources(const std::vector<docker::MountPoint>& mounts) {
  std::vector<std::string> sources;
  for (const docker::MountPoint& mount : mounts) {
    if (mount.type == "bind" && !mount.source.empty()) sources.push_back(mount.source);
  }
  return sources;
}

bool is_live(docker::ContainerState state) {
  switch (state) {
    case docker::ContainerState::running:
    case docker::ContainerState::paused:
    case docker::ContainerState::restarting: return true;
    case docker::ContainerState::created:
    case docker::ContainerState::removing:
    case docker::ContainerState::exited:
    case docker::ContainerState::dead: return false;
  }
  return false;
}

void remember(std::vector<Outage>& spans, Outage span) {
  if (spans.size() >= most_outages) spans.erase(spans.begin());
  spans.push_back(span);
}

}  // namespace

void Reconciler::Machine::met_engine() {
  last_contact_ = now_.wall;
  last_contact_mono_ = now_.mono;
  if (!next_contact_save_ && engine_.listed) next_contact_save_ = std::max(now_.mono, contact_saved_at_ + contact_interval);
}

/// Since the last contact, by the clock of then, and by that of now where it jumped in between.
void Reconciler::Machine::remember_silence(std::vector<Outage>& spans) const {
  const std::chrono::nanoseconds silence = now_.mono - last_contact_mono_;
  const WallTime to = last_contact_ + silence;
  remember(spans, {last_contact_, to});
  if (std::chrono::abs(now_.wall - to) > std::chrono::seconds{1}) remember(spans, {now_.wall - silence, now_.wall});
}

void Reconciler::Machine::on(const Session& session) {
  switch (session.state) {
    case Session::State::up: session_up(session); return;
    case Session::State::down:
      if (session.epoch != epoch_ && epoch_ != 0) return;
      session_down(session.why);
      return;
    case Session::State::gap:
      if (session.epoch != epoch_ || !engine_.engine_up) return;
      remember_silence(gaps_);
      images_.forget_references(moment_);
      audit(Severity::notice, "EventGap", "", "events may have been lost, the containers are listed again: " + session.why);
      want_list();
      return;
  }
}

void Reconciler::Machine::session_up(const Session& session) {
  const bool first = epoch_ == 0;
  drop_calls();
  epoch_ = session.epoch;
  const specs::HostFacts before{summary_.engine.info.processors, summary_.engine.info.memory_bytes};
  summary_.engine = session.facts;
  engine_.engine_up = true;
  engine_.engine_why.clear();
  engine_.local = session.facts.local;
  engine_.listed = false;
  images_.forget_references(moment_);
  if (first) {
    remember(gaps_, {contact_before_start_ ? contact_before_start_->contact : WallTime{}, now_.wall});
  } else if (contact_lost_) {
    remember_silence(outages_);
    remember_silence(gaps_);
  } else {
    remember_silence(gaps_);
  }
  contact_lost_ = false;
  met_engine();
  bound_changes();
  audit(Severity::info, "EngineUp", "", "engine " + session.facts.version.version + " at " + session.facts.address + " answers",
        {{"version", session.facts.version.version}, {"id", session.facts.info.id}});
  for (auto& [name, agent] : agents_) {
    agent->discarded.clear();
    agent->asked_name.clear();
    agent->names_tried = 0;
    for (ContainerView& container : agent->view.containers) {
      // What was known is of another session: a look at each, when nothing else waits.
      if (container.inspected && container.live()) mark_dirty(*agent, container, true);
      container.inspected = false;
      container.inspect_retry.reset();
      agent->notes[container.id].unhurried = true;
    }
  }
  want_list();
  if (before != specs::HostFacts{session.facts.info.processors, session.facts.info.memory_bytes}) judge_all();
}

void Reconciler::Machine::session_down(const std::string& why) {
  if (engine_.engine_up || engine_.engine_why != why) {
    audit(Severity::warning, "EngineDown", "", "the engine is not reached, nothing is changed by that: " + why);
  }
  if (engine_.engine_up) save_contact();
  contact_lost_ = true;
  drop_calls();
  engine_.engine_up = false;
  engine_.listed = false;
  engine_.engine_why = why;
  touch_all();
}

/// Calls of a session that is over are no longer in flight; whether they were applied, the next list and inspects tell.
void Reconciler::Machine::drop_calls() {
  for (auto& [id, call] : calls_) {
    if (call.agent == nullptr) continue;
    AgentState& agent = *call.agent;
    agent.view.in_flight = InFlight::none;
    agent.call = 0;
    agent.last_activity = moment_;
    if (ContainerView* container = agent.container(call.object)) mark_dirty(agent, *container);
    hold_capacity(agent, false);
    touch(agent);
  }
  for (auto& [reference, image] : images_.by_reference) {
    for (const std::string& name : image.pull_waiting) {
      AgentState* agent = find(name);
      if (agent == nullptr) continue;
      agent->pulling.clear();
      if (agent->view.in_flight == InFlight::pull) agent->view.in_flight = InFlight::none;
      touch(*agent);
    }
    image.pull = 0;
    image.pull_waiting.clear();
    image.look = 0;
    image.waiting.clear();
  }
  images_.looks_wanted.clear();
  images_.probes.clear();
  strays_.clear();
  calls_.clear();
  lanes_.clear();
  list_call_ = 0;
}

void Reconciler::Machine::send_list() {
  list_wanted_ = false;
  next_list_.reset();
  CallInFlight call;
  call.step = Step::list;
  call.in_lane = false;  // one at a time by itself
  call.action = "list";
  list_call_ = begin(std::move(call), docker::ContainerList{}, request_timeout() * 2);
}

bool Reconciler::Machine::busy_since(const AgentState& agent, std::uint64_t begun) const {
  return agent.view.in_flight == InFlight::call || agent.last_activity >= begun;
}

void Reconciler::Machine::on_list(const std::vector<docker::ContainerSummary>& rows, std::uint64_t begun) {
  const bool first = !engine_.listed;
  const std::size_t before = by_container_.size();
  ++generation_;
  std::size_t shown = 0;
  for (const docker::ContainerSummary& row : rows) {
    const auto known = by_container_.find(row.id);
    if (known == by_container_.end()) {
      list_unknown(row, begun, first);
      continue;
    }
    Listed& listed = known->second;
    if (listed.seen != generation_) ++shown;
    listed.seen = generation_;
    if (listed.state == row.state && listed.name == std::hash<std::string>{}(row.name)) continue;
    AgentState& agent = *listed.agent;
    ContainerView* container = agent.container(row.id);
    if (container != nullptr && !busy_since(agent, begun)) list_known(agent, *container, row, first);
  }
  sweep(begun, shown < before);
  engine_.listed = true;
  summary_.last_list = now_.wall;
  next_list_ = now_.mono + (configuration_ ? configuration_->engine.relist_interval : std::chrono::seconds{60});
  if (!next_contact_save_) next_contact_save_ = now_.mono;
  if (!first) return;
  end_stops_of_the_gone();
  touch_all();
}

void Reconciler::Machine::list_known(AgentState& agent, ContainerView& container, const docker::ContainerSummary& row,
                                     bool first) {
  if (first) {
    container.state = row.state;
    remember_listed(agent, container);
    occupy(agent, container);
    hold_capacity(agent, false);
  }
  if (container.name != row.name) container.look_first = true;
  mark_dirty(agent, container);
}

void Reconciler::Machine::list_unknown(const docker::ContainerSummary& row, std::uint64_t begun, bool first) {
  const auto foreign = foreign_.find(row.id);
  if (foreign != foreign_.end()) {
    foreign->second.seen = generation_;
    if (foreign->second.live != is_live(row.state)) list_foreign(row, foreign->second.suspect);
    return;
  }
  const Ownership owner = owner_of(row.name, row.image_id, row.labels, identity_);
  switch (owner.owner) {
    case Owner::foreign: list_foreign(row, false); return;
    case Owner::probe: {
      const bool needed = std::any_of(images_.probes.begin(), images_.probes.end(), [&](const auto& probe) {
        return probe.second.container == row.id || (probe.second.call != 0 && probe.second.container.empty());
      });
      if (!needed) strays_.insert(row.id);
      return;
    }
    case Owner::suspect:
      if (owner.agent.empty()) {
        list_foreign(row, true);
        return;
      }
      break;
    case Owner::agent: break;
  }
  AgentState* agent = find(owner.agent);
  if (agent != nullptr && busy_since(*agent, begun)) {
    not_listed(owner.agent, row.id);  // the call's own answer, or a list after it, tells
    return;
  }
  adopt(row, owner, first);
}

void Reconciler::Machine::list_foreign(const docker::ContainerSummary& row, bool suspect) {
  ForeignContainer& foreign = foreign_[row.id];
  foreign = {generation_, is_live(row.state), suspect};
  const bool occupied = occupancy_.has(row.id);
  occupancy_.set({row.id, row.name, {}}, foreign.live ? bind_sources(row.mounts) : std::vector<std::string>{});
  if (occupied && !foreign.live) released_workspace();
}

void Reconciler::Machine::adopt(const docker::ContainerSummary& row, const Ownership& owner, bool first) {
  AgentState& agent = agent_of(owner.agent);
  ContainerView container;
  container.id = row.id;
  container.name = row.name;
  container.suspect = owner.owner == Owner::suspect;
  container.attempt = owner.attempt;
  container.state = row.state;
  container.run_hash = owner.run_hash;
  container.config_hash = owner.config_hash;
  container.schema = owner.schema;
  container.restarts = owner.restarts;
  container.failures = owner.failures;
  container.image_id = row.image_id;
  ContainerNotes notes;
  notes.binds = bind_sources(row.mounts);
  notes.image_id = owner.image_id;
  notes.unhurried = first;
  if (container.suspect) {
    audit(Severity::warning, "SuspectContainer", owner.agent,
          row.name + " carries this agent's labels and is not ours (" + owner.why +
              "); it is not touched. If nobody needs it: docker rm -f " + row.name);
  } else {
    const auto stop = stop_records_.find(row.id);
    if (stop != stop_records_.end()) recall_stop(container, stop->second);
    agent.records_dropped = false;  // there is something to end again
    agent.removed_at.reset();
    know(agent);
    if (!folder_.agents().contains(owner.agent) && !agent.judged) scan_wanted_ = engine_.scanned;
  }
  ContainerView& added = add_container(agent, std::move(container), std::move(notes));
  by_container_[row.id].seen = generation_;
  const bool has_deadline = agent.view.wanted && agent.view.wanted->active_deadline && added.live();
  // A list lags: a look-alike that it calls not live may have been started by now, and no event will say so again.
  const bool in_doubt = added.suspect ? !added.live() : !first || has_deadline || added.stop;
  if (in_doubt) mark_dirty(agent, added, first);
  judge(agent);
}

void Reconciler::Machine::remember_listed(AgentState& agent, const ContainerView& container) {
  Listed& listed = by_container_[container.id];
  listed.agent = &agent;
  listed.state = container.state;
  listed.name = std::hash<std::string>{}(container.name);
  if (container.suspect) {
    suspects_.insert(container.id);
  } else {
    suspects_.erase(container.id);
  }
}

/// What appeared since the list began it cannot tell of: the next one has to.
void Reconciler::Machine::sweep_unlisted(std::uint64_t begun) {
  for (auto& [name, appeared] : std::exchange(unlisted_, {})) {
    AgentState* agent = find(name);
    const bool told = agent == nullptr || !busy_since(*agent, begun);
    for (const auto& [id, moment] : appeared) {
      if (!told || moment >= begun) {
        unlisted_[name].emplace(id, moment);
        continue;
      }
      const auto known = by_container_.find(id);
      if (known != by_container_.end() && known->second.seen != generation_) gone(*known->second.agent, id, false);
    }
    if (!unlisted_.contains(name)) {
      if (agent != nullptr) touch(*agent);
    } else if (agent == nullptr || agent->call == 0) {
      want_list();
    }
  }
}

/// Of ours, what the list did not show: an inspect asks after it. Of others: it is gone.
void Reconciler::Machine::sweep(std::uint64_t begun, bool lacking) {
  sweep_unlisted(begun);
  std::vector<std::string> missing;
  if (lacking) {
    for (const auto& [id, listed] : by_container_) {
      if (listed.seen != generation_ && !busy_since(*listed.agent, begun)) missing.push_back(id);
    }
    std::sort(missing.begin(), missing.end());
  }
  for (const std::string& id : missing) {
    AgentState& agent = *by_container_.at(id).agent;
    if (ContainerView* container = agent.container(id); container != nullptr && !container->dirty) mark_dirty(agent, *container);
  }
  std::size_t suspects = 0;
  for (auto entry = foreign_.begin(); entry != foreign_.end();) {
    if (entry->second.seen == generation_) {
      if (entry->second.suspect) ++suspects;
      ++entry;
      continue;
    }
    if (occupancy_.erase(entry->first)) released_workspace();
    entry = foreign_.erase(entry);
  }
  summary_.foreign_containers = foreign_.size() - suspects;
  summary_.suspect_containers = suspects + suspects_.size();
}

}  // namespace cofferdam::reconciler
