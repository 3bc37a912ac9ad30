// The promises about how fast and how much: back-off and restarts (S6, S7), the deletion budget (S3), that nobody waits for
// another's trouble (L2); and that nothing is started that policy refuses (S5).

#include <algorithm>

#include "tests/sim/checks.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {

/// The attempts just before this one that ended by themselves, one after the other and with nothing between that would begin
/// the count anew. Newest first.
std::vector<const Checks::Attempt*> Checks::own_ends_before(const Attempt& attempt) const {
  std::vector<const Attempt*> earlier;
  for (const auto& [id, other] : attempts_) {
    if (other.agent == attempt.agent && other.number < attempt.number) earlier.push_back(&other);
  }
  std::sort(earlier.begin(), earlier.end(), [](const Attempt* a, const Attempt* b) { return a->number > b->number; });
  const SimTime resets = std::chrono::nanoseconds(world_.configuration()->backoff.reset_after).count();
  // Its records ended with it: no count outlives them.
  const SimTime forgotten = std::max(agents_.at(attempt.agent).records_dropped, attempt.dropped_in_memory);
  std::vector<const Attempt*> streak;
  for (const Attempt* one : earlier) {
    const bool same = one->run_hash == attempt.run_hash && one->config_hash == attempt.config_hash;
    const bool own = one->maker == Who::controller && (one->ran || one->start_failed) && !one->live && !one->started_late &&
                     one->own_end && one->ended_by == Who::itself && !one->excused && !one->touched && !one->stop_recorded;
    const bool in_a_row = streak.empty() || one->number + 1 == streak.back()->number;
    if (!same || !own || !in_a_row || one->ended_at < forgotten || (one->ran && one->ended_at - one->live_since >= resets)) break;
    streak.push_back(one);
  }
  return streak;
}

void Checks::check_pace(const Container& container, const Attempt& attempt) {
  const AgentTruth& agent = agents_[attempt.agent];
  const auto streak = own_ends_before(attempt);
  if (streak.empty() || streak.front()->number + 1 != attempt.number) return;
  if (clock_jumped_ >= streak.back()->live_since) return;
  if (attempt.maker == Who::rival) return;  // another of the same instance decided it
  const Attempt& last = *streak.front();
  if (agent.wanted_away > streak.back()->ended_at) return;

  const auto& backoff = world_.configuration()->backoff;
  const SimTime bound = std::chrono::nanoseconds(backoff.max).count();
  const SimTime most = std::min<SimTime>(bound, world_.plan.backoff_seconds * second);  // the silence has a longer one
  SimTime delay = std::min<SimTime>(std::chrono::nanoseconds(backoff.initial).count(), most);
  for (std::size_t doubled = 1; doubled < streak.size() && delay < most; ++doubled) delay = std::min(2 * delay, most);
  const SimTime earliest = last.ended_at + delay * 8 / 10;  // less the jitter, and what the clocks round
  if (world_.schedule.now() < earliest) {
    violated("S6", "start of " + container.shown.name + " " + seconds_text(world_.schedule.now() - last.ended_at) +
                       " s after the end of the one before, which was the " + std::to_string(streak.size()) + ". in a row");
  }
  if (!blind_.empty() && blind_.back().to > streak.back()->ended_at) return;  // some may count as interrupted
  if (!reboots_.empty() && (clock_jumped_ >= 0 || reboots_.back() >= streak.back()->live_since)) return;
  const bool bounded = !agent.versions.empty() && !recently(agent, [&](const Version& version) {
    const auto& bound = version.spec->max_restarts;
    return !bound || static_cast<std::int64_t>(streak.size()) <= *bound;
  });
  if (bounded) {
    violated("S7", "start of " + container.shown.name + ": it was run again " + std::to_string(streak.size() - 1) + " times");
  }
}

void Checks::check_policy(const Container& container) {
  const SimTime told = configuration_changed_ + second;
  if (world_.configuration()->policy.allowed_images.empty() || world_.schedule.now() < told) return;
  violated("S5", "start of " + container.shown.name + ", whose image policy refuses");
}

/// A changing call that fails is not repeated at once, whatever the reason.
void Checks::check_haste(const Issued& call, const docker::Error& error) {
  const std::string& operation = call.operation;
  const bool next_name = operation == "create" && error.status == 409;
  const bool done = operation == "remove" && error.status == 404;  // what a list shows again is removed again
  if (next_name || done || error.error_class == docker::ErrorClass::cancelled) return;
  if (operation != "create" && operation != "start" && operation != "remove") return;
  // Several that are superseded are removed one after another.
  std::deque<SimTime>& failed = agents_[call.agent].failed[operation == "remove" ? operation + call.object : operation];
  failed.push_back(world_.schedule.now());
  if (failed.size() > 5) failed.pop_front();
  if (failed.size() == 5 && failed.back() - failed.front() < 2 * second) {
    violated("S6", operation + " for " + call.agent + " failed five times within two seconds");
  }
}

/// That it went with no more others than the budget lets go. Only what one scan still named and the next did not is counted.
void Checks::check_budget(const AgentTruth& agent, const std::string& what) {
  if (agent.missed_in == 0 || agent.confirmed) return;
  const auto& budget = world_.configuration()->deletion;
  std::int64_t together = 0;
  for (const auto& [name, other] : agents_) {
    const bool free = recently(other, [](const Version& version) { return version.spec->remove; });
    if (other.missed_in == agent.missed_in && other.missing_scans >= 2 && !free && !other.confirmed) ++together;
  }
  const double fraction = budget.budget_fraction * static_cast<double>(agents_.size());
  if (together > budget.budget_count && static_cast<double>(together) > fraction + 1e-9) {
    violated("S3", what + ": it went with " + std::to_string(together - 1) + " others, more than the budget lets go");
  }
}

/// One agent is in trouble that lasts; all others are as they should be.
void Checks::undelayed(const std::string& troubled) {
  for (const auto& [name, agent] : world_.intent()) {
    if (name == troubled) continue;
    const std::string wrong = mismatch(name);
    if (!wrong.empty()) violated("L2", name + ": " + wrong + ", while " + troubled + " is in trouble");
  }
}

}  // namespace cofferdam::sim
