// The promises about starting: S1, S5, S7, S8.

#include <algorithm>
#include <utility>

#include "reconciler/ownership.hpp"
#include "tests/sim/checks.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {

void Checks::check_start(const Container& container) {
  const auto found = attempts_.find(container.shown.id);
  if (found == attempts_.end()) return;
  const Attempt& attempt = found->second;

  for (const auto& [id, other] : attempts_) {
    if (id == found->first || other.agent != attempt.agent || !other.live) continue;
    if (other.told_live || (other.started_by == Who::controller && !other.started_late)) {
      violated("S1", "start of " + container.shown.name + " while attempt " + std::to_string(other.number) + " (" +
                         id.substr(0, 12) + ") of " + other.agent + " is live");
    }
  }
  if (container.weakened) violated("S5", "start of " + container.shown.name + ", weaker than asked");

  for (const docker::MountPoint& mine : container.shown.mounts) {
    if (mine.type != "bind") continue;
    for (const auto& [id, other] : world_.engine().containers()) {
      if (id == container.shown.id || !other->live() || agent_of(*other) == attempt.agent) continue;
      const bool ours = other->maker == Who::controller && other->started_by == Who::controller;
      const bool listed = list_computed_ >= 0 && other->live_since + 100 * millisecond <= list_computed_;
      if (!listed && !ours) continue;
      for (const docker::MountPoint& theirs : other->shown.mounts) {
        const bool inside = theirs.source == mine.source || theirs.source.starts_with(mine.source + "/");
        if (inside)
          violated("S8", "start of " + container.shown.name + " while " + other->shown.name + " mounts " + theirs.source);
      }
    }
  }
  check_policy(container);
  if (container.shown.state != docker::ContainerState::created) return;
  check_rerun(container, attempt);
  check_pace(container, attempt);
}

/// The newest of the attempts before this one that ran, or of which nobody can know that it did not.
const Checks::Attempt* Checks::before_it(const Attempt& attempt) const {
  const Attempt* before = nullptr;
  for (const auto& [id, other] : attempts_) {
    const bool may_have_run = other.ran || other.start_failed || (other.gone && other.start_unanswered);
    if (other.agent != attempt.agent || !may_have_run) continue;
    // A create that is applied late brings a number once more.
    if (std::pair(other.number, other.made) >= std::pair(attempt.number, attempt.made)) continue;
    if (before == nullptr || std::pair(other.number, other.made) > std::pair(before->number, before->made)) before = &other;
  }
  return before;
}

/// S7: whether a finished agent is run again for the same spec.
void Checks::check_rerun(const Container& container, const Attempt& attempt) {
  const Attempt* before = before_it(attempt);
  if (before == nullptr || before->live || before->ended_by != Who::itself) return;
  if (attempt.due || before->failed_untold) return;
  if (attempt.maker == Who::rival) return;  // another of the same instance decided that it runs again
  if (before->run_hash != attempt.run_hash && before->config_hash != attempt.config_hash) return;
  const AgentTruth& agent = agents_[attempt.agent];
  if (before->excused || before->touched || before->stop_recorded || before->with_the_host) return;
  if (std::max(agent.records_dropped, attempt.dropped_in_memory) > before->ended_at) return;
  // Not seen to end, it may have been interrupted.
  for (const Blind& span : blind_) {
    if (before->ended_at < span.from || span.to < before->ended_at) continue;
    const bool by_signal = before->exit_code == 255 || before->exit_code == 137 || before->exit_code == 143;
    if (span.outage || by_signal) return;
  }
  if (terminal(*before, agent)) {
    violated("S7", "start of " + container.shown.name + ": attempt " + std::to_string(before->number) +
                       " had finished with exit code " + std::to_string(before->exit_code) + " and nothing changed");
  }
}

/// Whether this end cannot be told from one that the host's going down brought about, by what this life knows of the boots. What
/// it saw run, a boot did not end.
bool Checks::looks_like_a_boot(const Attempt& attempt, const docker::ContainerDetails& told) const {
  if (!world_.engine().traits().local || attempt.live || !told.started_at || !told.finished_at) return false;
  if (attempt.told_since == attempt.live_since || *told.started_at >= boots_.present) return false;
  return *told.finished_at >= boots_.present || (boots_.contact && *told.finished_at > *boots_.contact);
}

bool Checks::terminal(const Attempt& before, const AgentTruth& agent) const {
  if (agent.versions.empty()) return false;
  return !recently(agent, [&](const Version& version) {
    const specs::AgentSpec& spec = *version.spec;
    if (spec.run_hash != before.run_hash && version.config_hash != before.config_hash) return true;  // edited meanwhile
    switch (spec.restart_policy) {
      case specs::RestartPolicy::never: return false;
      case specs::RestartPolicy::on_failure:
        if (before.exit_code == 0) return false;
        break;
      case specs::RestartPolicy::always: break;
    }
    return !spec.max_restarts || before.restarts < *spec.max_restarts;
  });
}

}  // namespace cofferdam::sim
