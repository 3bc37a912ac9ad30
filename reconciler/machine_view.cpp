// What the decision reads: filled just before each decision from what the machine knows of everybody.

#include <algorithm>

#include "reconciler/machine.hpp"

namespace cofferdam::reconciler {
namespace {

/// A look at a workspace that is older is not "just before" the create or the start.
constexpr std::chrono::seconds fresh{10};
constexpr std::chrono::minutes violation_window{10};
constexpr std::size_t violation_stops = 3;

}  // namespace

void Reconciler::Machine::fill(AgentState& agent) {
  AgentView& view = agent.view;
  view.budget_left = agent.budget.left(now_.mono);
  view.budget_at = view.budget_left ? std::nullopt : agent.budget.left_at();
  std::erase_if(violation_stops_, [this](Monotonic at) { return now_.mono - at >= violation_window; });
  view.violation_budget_left = violation_stops_.size() < violation_stops;
  const Current current = current_of(view);
  read_back(agent, current);
  const bool settled = current.container != nullptr && current.container->live() && view.wanted &&
                       current.container->config_hash == view.wanted->config_hash;
  if (view.wanted && configuration_ && !settled) {
    fill_preparation(agent);
  } else {
    busy_waiting_.erase(view.agent);
    capacity_waiting_.erase(view.agent);
  }
  latch_end(agent);
  update_rollout(agent);
}

/// One that was created, and looked at while something else or nothing was wanted, was never held against this version.
void Reconciler::Machine::read_back(AgentState& agent, const Current& current) {
  const AgentView& view = agent.view;
  if (current.container == nullptr || current.container->state != docker::ContainerState::created) return;
  const ContainerView& created = *current.container;
  const bool wanted = view.wanted && agent.wanted_spec && configuration_ && created.config_hash == view.wanted->config_hash &&
                      created.schema == view.wanted->schema;
  if (!wanted || !created.inspected || created.dirty || created.start_failed_code != 0) return;
  if (agent.notes[created.id].compared_for == created.config_hash) return;
  if (ContainerView* container = agent.container(created.id)) mark_dirty(agent, *container);
}

void Reconciler::Machine::fill_preparation(AgentState& agent) {
  AgentView& view = agent.view;
  Preparation& next = view.next;
  const Wanted& wanted = *view.wanted;
  const auto found = images_.by_reference.find(wanted.image);
  next.image = found == images_.by_reference.end() ? Preparation::Image::unknown : found->second.state;
  next.image_looked.reset();
  if (next.image == Preparation::Image::absent) next.image_looked = found->second.looked;
  next.pulled_for_attempt = agent.pulled_for == pull_key(agent);
  if (next.image == Preparation::Image::known) {
    const ImageVerdictKey key{found->second.facts.id, wanted.config_hash, configuration_number_,
                              images_.files.contains(found->second.facts.id)};
    if (!(agent.image_key == key)) {
      agent.image_key = key;
      judge_image(agent);
    }
  } else {
    agent.image_key = {};
    next.image_refused.clear();
    next.user = Preparation::User::unknown;
  }

  const bool stale = next.workspace_looked && now_.mono - *next.workspace_looked > fresh;
  if (stale && next.workspace == Preparation::Workspace::good) next.workspace = Preparation::Workspace::unchecked;
  if (stale) {
    for (ContainerView& container : view.containers) container.workspace_rechecked = false;
  }

  next.unlisted = unlisted_.contains(view.agent);
  const auto occupant = occupancy_.occupant_of(wanted.workspace, view.agent);
  next.workspace_busy.clear();
  if (occupant) {
    next.workspace_busy = wanted.workspace + " is mounted by the running container " + occupant->name +
                          (occupant->agent.empty() ? "" : " of agent " + occupant->agent);
    busy_waiting_.insert(view.agent);
  } else {
    busy_waiting_.erase(view.agent);
  }
  const auto discarded = agent.discarded.find(wanted.config_hash);
  next.limit_discarded = discarded == agent.discarded.end() ? std::string() : discarded->second;
  next.no_capacity = capacity_.lacking(view.agent, agent.wanted.memory_bytes, agent.wanted.nano_cpus, configuration_->policy);
  if (next.no_capacity.empty()) {
    capacity_waiting_.erase(view.agent);
  } else {
    capacity_waiting_.insert(view.agent);
  }
}

/// The next try and the end of the TTL are latched once for an end, so that a clock that jumps later moves nothing.
void Reconciler::Machine::latch_end(AgentState& agent) {
  AgentView& view = agent.view;
  const Current current = current_of(view);
  std::optional<Outcome> end;
  if (current.outcome != nullptr) {
    end = *current.outcome;
  } else if (current.container != nullptr &&
             ((current.container->ended() && current.container->inspected) || current.container->start_failed_code != 0)) {
    end = outcome_of(*current.container, engine_.backoff);
  }
  if (!end) {
    view.next_try.reset();
    view.ttl.reset();
    agent.end_latched_for.reset();
    return;
  }
  const auto ttl = view.wanted ? view.wanted->ttl_after_finished : std::nullopt;
  if (agent.end_latched_for != end->attempt || agent.end_latched_failures != end->failures) {
    const auto delay = backoff_delay(end->failures, engine_.backoff, view.agent, end->attempt);
    view.next_try.reset();
    if (delay.count() > 0) view.next_try = backoff_until(end->finished_at, delay, now_);
    agent.end_latched_ttl.reset();
    view.ttl.reset();
  }
  if (ttl != agent.end_latched_ttl || agent.end_latched_for != end->attempt) {
    view.ttl.reset();
    if (ttl) view.ttl = end->finished_at ? latched(*end->finished_at, *ttl, now_) : now_.mono + *ttl;
    agent.end_latched_ttl = ttl;
  }
  agent.end_latched_for = end->attempt;
  agent.end_latched_failures = end->failures;
}

bool Reconciler::Machine::outdated(const AgentState& agent) const {
  const AgentView& view = agent.view;
  const Current current = current_of(view);
  if (view.want != Want::present || !view.wanted || current.container == nullptr || !current.container->live()) return false;
  const ContainerView& container = *current.container;
  if (container.schema != view.wanted->schema || container.config_hash == view.wanted->config_hash) return false;
  const bool same_run = container.run_hash == view.wanted->run_hash ||
                        (view.accepted_attempt == container.attempt && view.accepted_run_hash == view.wanted->run_hash);
  return same_run && view.wanted->restart_policy == specs::RestartPolicy::always;
}

void Reconciler::Machine::update_rollout(AgentState& agent) {
  AgentView& view = agent.view;
  const bool is_outdated = outdated(agent);
  const bool rolls = rollout_.turn(view.agent);
  if (is_outdated || rolls || rollout_.waits(view.agent)) {  // one that ends while it waits leaves the queue
    const Current current = current_of(view);
    const bool leaves = view.want != Want::present;
    // It ended for good before it could be replaced: nobody waits for it to be Ready.
    const bool final = agent.status.phase == Phase::succeeded || agent.status.phase == Phase::failed;
    const std::string* const ended_with = current.container != nullptr ? &current.container->config_hash
                                          : current.outcome != nullptr ? &current.outcome->config_hash
                                                                       : nullptr;
    const bool over = final && view.wanted && ended_with != nullptr && *ended_with != view.wanted->config_hash;
    const bool ready = leaves || over ||
                       (!is_outdated && current.container != nullptr && current.container->inspected &&
                        current.container->state == docker::ContainerState::running);
    const std::int64_t most = configuration_ ? std::max<std::int64_t>(configuration_->rollout_max_concurrent, 1) : 1;
    for (const std::string& name : rollout_.update(view.agent, is_outdated, ready, most, now_.mono)) {
      if (name != view.agent) touch(name);
    }
    if (halted_told_ != rollout_.halted_by()) {
      halted_told_ = rollout_.halted_by();
      if (!halted_told_.empty()) {
        audit(Severity::warning, "RolloutHalted", halted_told_,
              "replaced for a changed default, it was not Ready within 5 minutes; no other agent is replaced until it is, its "
              "file is "
              "edited, or the configuration changes");
      }
    }
  }
  view.rollout_turn = rollout_.turn(view.agent);
}

}  // namespace cofferdam::reconciler
