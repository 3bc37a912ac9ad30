// The promises about the end: L1, L3, D1, and the silence after it.

#include <algorithm>

#include "reconciler/ownership.hpp"
#include "specs/effective.hpp"
#include "tests/sim/checks.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {

using reconciler::Phase;

void Checks::converged() {
  std::set<std::string> all;
  for (const auto& [name, agent] : world_.intent()) all.insert(name);
  for (const auto& [id, attempt] : attempts_) {
    if (!attempt.gone && !attempt.agent.empty()) all.insert(attempt.agent);
  }
  for (const std::string& agent : all) check_agent(agent);
  quiet_ = true;
}

void Checks::check_agent(const std::string& agent) {
  const std::string wrong = mismatch(agent);
  std::string told = "no controller";
  if (world_.shell() != nullptr) {
    const auto status = world_.shell()->machine().status(agent);
    told = status ? std::string(name_of(status->phase)) + "/" + status->reason + ": " + status->message : "no status";
    check_told(agent, status ? &*status : nullptr);
  }
  if (!wrong.empty()) violated("L1", agent + ": " + wrong + "; told: " + told);
}

/// L3: who should run and does not is told with a reason, and whose old version runs on with one for that.
void Checks::check_told(const std::string& agent, const reconciler::AgentStatus* status) {
  const auto wanted = world_.intent().find(agent);
  if (wanted == world_.intent().end() || wanted->second.suspend || wanted->second.remove) return;
  if (status == nullptr) return violated("L3", agent + " has no status");
  // An end of a moment ago may still be on its way: the event, the look that it orders, the record.
  const bool runs = std::any_of(attempts_.begin(), attempts_.end(), [&](const auto& entry) {
    const Attempt& attempt = entry.second;
    const bool just_ended = attempt.ended_at >= 0 && attempt.ended_at > world_.schedule.now() - second;
    return attempt.agent == agent && (attempt.live || just_ended) && is_a_controller(attempt.maker);
  });
  if (status->phase == Phase::running) {
    if (!runs) violated("L3", agent + " does not run, and is told as Running");
    const auto& conditions = status->conditions;
    const auto up_to_date =
        std::find_if(conditions.begin(), conditions.end(), [](const auto& condition) { return condition.type == "UpToDate"; });
    if (up_to_date == conditions.end())
      return violated("L3", agent + " is told as Running without a word on whether it is up to date");
    if (up_to_date->status == reconciler::Truth::no && up_to_date->reason.empty()) {
      violated("L3", agent + " is not up to date, and no reason is told");
    }
    return;
  }
  const bool under_way = agents_[agent].last_issue + minute > world_.schedule.now();
  if (status->phase != Phase::succeeded && !under_way && status->reason.empty() && status->message.empty()) {
    violated("L3", agent + " does not run, and is told as " + std::string(name_of(status->phase)) + " without a reason");
  }
}

/// What is not as it should be; empty: nothing.
std::string Checks::mismatch(const std::string& agent) {
  std::vector<const Attempt*> live;
  std::vector<std::string> ours;
  std::int64_t newest_there = 0;
  const Attempt* newest = nullptr;
  const Attempt* newest_of_rivals = nullptr;
  const Attempt* perhaps = nullptr;  // the newest whose start was not answered in time, and that was gone before a look at it
  for (const auto& [id, attempt] : attempts_) {
    if (attempt.agent != agent) continue;
    const auto container = world_.engine().find(id);
    if (!attempt.gone && container && is_a_controller(container->maker)) {
      if (attempt.live) live.push_back(&attempt);
      ours.push_back(container->shown.name);
      const auto& labels = container->shown.config.labels;
      const auto named = labels.find(std::string(reconciler::label::name));
      const bool renamed = named == labels.end() || named->second != container->shown.name;
      if (!renamed) newest_there = std::max(newest_there, attempt.number);
    }
    if (!is_a_controller(attempt.maker) || attempt.forgotten) continue;
    if (attempt.renamed && !outcome_is_saved(attempt)) continue;                      // not ours any more: its end is no verdict
    if (attempt.gone && attempt.gone_at <= agents_[agent].records_dropped) continue;  // its verdict ended with those
    if (attempt.maker == Who::rival && attempt.gone && !outcome_is_saved(attempt)) continue;  // its maker alone may know
    const bool unanswered = attempt.start_given_up && attempt.gone && !attempt.ran && !attempt.start_failed;
    if (unanswered && outcome_is_saved(attempt) && (perhaps == nullptr || attempt.made > perhaps->made)) perhaps = &attempt;
    const Attempt*& latest = attempt.maker == Who::rival ? newest_of_rivals : newest;
    if ((attempt.ran || attempt.start_failed) && (latest == nullptr || attempt.made > latest->made)) latest = &attempt;
  }
  // A rival may use a number once more, for a spec of long ago.
  if (newest_of_rivals != nullptr && (newest == nullptr || newest_of_rivals->number > newest->number)) newest = newest_of_rivals;
  if (live.size() > 1) return "more than one container of it is live";
  const auto wanted = world_.intent().find(agent);
  const bool away = wanted == world_.intent().end() || wanted->second.suspend || wanted->second.remove;
  if (away) return ours.empty() ? std::string() : "it is not wanted, and " + ours.front() + " is there";

  const specs::AgentFile& file = parsed(yaml_of(wanted->second), wanted->second.file);
  if (!file.good()) return "the simulator wrote a spec that does not parse: " + to_string(file.problems.front());
  const specs::AgentSpec& spec = file.agents.front();
  const std::string hash = specs::make_effective(spec, *world_.configuration()).config_hash;
  if (live.size() == 1) {
    const Attempt& runs = *live.front();
    if (newest_there > runs.number) return "an older one runs, that somebody started";
    const bool outdated = runs.run_hash == spec.run_hash || runs.accepted == spec.run_hash;
    if (runs.config_hash == hash || (outdated && spec.restart_policy != specs::RestartPolicy::always)) return {};
    if (outdated && world_.shell() != nullptr) return "it runs with old defaults";
    return "what runs is not what its spec says";
  }
  if (world_.shell() == nullptr) return "no controller";
  const auto status = world_.shell()->machine().status(agent);
  if (!status) return "it does not run, and has no status";
  const bool finished = status->phase == Phase::succeeded || status->phase == Phase::failed;
  // Between two attempts of one that ends by itself.
  const bool between = newest != nullptr && newest->ended_by == Who::itself &&
                       newest->ended_at > world_.schedule.now() - 3 * minute -
                                              std::max(world_.plan.backoff_seconds, world_.plan.calm_seconds) * second;
  if (!finished && between) return {};
  // Never pulled, and nobody has loaded it.
  const bool absent = world_.engine().image(status->image) == nullptr;
  if (status->reason == "ImageNotPresent" && absent && spec.image_pull_policy == specs::ImagePullPolicy::never) return {};
  const EngineTraits& traits = world_.engine().traits();
  const bool discards = traits.drops_swap || traits.drops_pids || traits.drops_silently;
  if (status->reason == "LimitDiscarded" && discards) return {};
  if (!finished) return "it does not run";
  // Its start may have been applied before somebody removed it: that is an interruption, and final under Never.
  if (perhaps != nullptr && newest != nullptr && perhaps->made > newest->made) newest = perhaps;
  if (newest == nullptr && status->reason == "Interrupted" && spec.restart_policy == specs::RestartPolicy::never) return {};
  if (newest == nullptr) return "it never ran, and counts as finished";
  if (newest == perhaps && status->reason != "Interrupted") return "it counts as finished, and never ran";
  const bool by_itself = newest->own_end;
  const bool never = spec.restart_policy == specs::RestartPolicy::never;
  const bool by_deadline = newest->stop_cause == reconciler::StopCause::deadline_exceeded;
  if (by_itself || never || by_deadline) {
    const bool same_run = newest->run_hash == spec.run_hash || newest->accepted == spec.run_hash;
    if (!same_run && newest->config_hash != hash) return "it counts as finished for another spec";
    return finished_wrongly(*newest, spec);
  }
  // An end that somebody caused and nobody told of looks like its own.
  return newest->excused || newest->touched || newest->verdict_excused ? std::string()
                                                                       : "it counts as finished, and did not end by itself";
}

/// Why an attempt that ended by itself, or under Never, does not make its agent finished; empty: it does, for all that can be
/// known.
std::string Checks::finished_wrongly(const Attempt& newest, const specs::AgentSpec& spec) const {
  using reconciler::StopCause;
  if (newest.excused || newest.touched || newest.verdict_excused || newest.with_the_host) return {};
  const bool stopped_for_good =
      newest.stop_cause == StopCause::deadline_exceeded || newest.stop_cause == StopCause::hardening_violated;
  if (stopped_for_good) return {};
  if (spec.restart_policy == specs::RestartPolicy::never) {
    const bool row_32 = !newest.own_end && newest.ended_by == Who::controller && newest.stop_recorded &&
                        newest.stop_cause != StopCause::out_of_band_update;
    return row_32 ? "it counts as finished, and was stopped by " + std::string(name_of(*newest.stop_cause)) : std::string();
  }
  if (spec.restart_policy == specs::RestartPolicy::on_failure && newest.exit_code == 0) return {};
  if (spec.max_restarts && newest.restarts >= *spec.max_restarts) return {};
  // By the clock that jumped while it ran it ran for years, and no life that saw it begin is there.
  if (spec.active_deadline && clock_jumped_ >= newest.live_since && life_began_ > newest.live_since) return {};
  const bool too_long = spec.active_deadline && newest.exit_code != 0 &&
                        newest.ended_at - newest.live_since >= (spec.active_deadline->count() - 1) * second;
  return too_long ? std::string()
                  : "it counts as finished, and is to be run again after exit code " + std::to_string(newest.exit_code);
}

void Checks::silent() {
  if (world_.shell() != nullptr) note_rows(*world_.shell());
  for (const auto& [name, agent] : agents_) {
    const auto wanted = world_.intent().find(name);
    std::int64_t reasons = agent.quiet_ends;
    if (wanted != world_.intent().end()) {
      reasons += (wanted->second.deadline >= 0 ? 1 : 0) + (wanted->second.ttl >= 0 ? 1 : 0);
    }
    if (agent.quiet_changes > 6 * reasons) {
      violated("L1", std::to_string(agent.quiet_changes) + " changing calls for " + name + " in the silence, for " +
                         std::to_string(reasons) + " reasons");
    }
  }
  for (const auto& [name, agent] : world_.intent()) {
    const std::string wrong = mismatch(name);
    if (!wrong.empty()) violated("L1", name + " at the end of the silence: " + wrong);
    if (world_.shell() == nullptr) continue;
    const auto status = world_.shell()->machine().status(name);
    check_told(name, status ? &*status : nullptr);
  }
}

}  // namespace cofferdam::sim
