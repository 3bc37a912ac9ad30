// The rules that each call of the controller is held against, as it passes.

#include <algorithm>
#include <charconv>

#include "tests/e2e/world.hpp"
#include "tests/engine/chaos/observer.hpp"

namespace cofferdam::test::chaos {

namespace {

constexpr int calls_a_minute = 20;
constexpr seconds minute{58};          // less than the controller's own, by what a call may take until it is seen
constexpr seconds notice{2};           // a list is not held against what happened while it was being made
constexpr seconds lately_absent{120};  // after which an agent's records must be there again

/// The id in ".../containers/ID/what?query", and what.
std::pair<std::string, std::string> container_of(const std::string& target) {
  static const std::string folder = "/containers/";
  const auto begin = target.find(folder);
  if (begin == std::string::npos) return {};
  std::string rest = target.substr(begin + folder.size());
  rest = rest.substr(0, rest.find('?'));
  const auto slash = rest.find('/');
  return {rest.substr(0, slash), slash == std::string::npos ? "" : rest.substr(slash + 1)};
}

std::string short_id(const std::string& id) {
  return id.substr(0, 12);
}

}  // namespace

void Observer::asked(const Asked& asked) {
  ++observations_;
  if (asked.method == "GET" || asked.method == "HEAD") return;
  if (asked.target.find("/containers/create") != std::string::npos) {
    ++changing_calls_;
    judge_create(asked);
    return;
  }
  const auto [id, what] = container_of(asked.target);
  if (id.empty() || what == "wait") return;
  ++changing_calls_;
  const std::string change = asked.method == "DELETE" ? "remove" : what;
  find_out(id, change);
  judge_change(asked, id, change);
}

void Observer::judge_create(const Asked& asked) {
  const Json body = Json::parse(asked.body, nullptr, false);
  const Json labels = body.is_object() ? body["Labels"] : Json();
  if (!labels.is_object()) {
    timeline_.violation("S2", "a create without labels: " + asked.target);
    return;
  }
  const std::string agent = labels.value("cofferdam.agent", "");
  const std::string task = labels.value("cofferdam.task", "");
  const std::string name = labels.value("cofferdam.name", "");
  timeline_.note("controller: create " + name + " of " + task);
  if (labels.value("cofferdam.role", "") == "probe") return;
  const std::lock_guard lock(mutex_);
  const auto version = version_of(task);
  if (!version || !agents_[agent].allowed.contains(*version)) {
    std::string allowed;
    for (const int one : agents_[agent].allowed) allowed += " " + task_of(one);
    timeline_.violation("S4", "create of " + name + " from " + task + ", in force may be:" + allowed);
  }
  count_call(asked, agent);
}

void Observer::judge_change(const Asked& asked, const std::string& id, const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (decoys_.contains(id)) {
    timeline_.violation("S2", what + " of decoy " + short_id(id));
    return;
  }
  const auto found = seen_.find(id);
  if (found == seen_.end()) {
    // Gone by now, or the daemon did not say: nothing can be held against it.
    ++overlooked_;
    timeline_.note("controller: " + what + " " + short_id(id) + ", unknown here");
    return;
  }
  Seen& seen = found->second;
  const auto query = asked.target.find('?');
  timeline_.note("controller: " + what + " " + (seen.probe ? "probe" : seen.agent + "-" + std::to_string(seen.attempt)) + " (" +
                 short_id(id) + ")" + (query == std::string::npos ? "" : asked.target.substr(query)));
  if (seen.probe) return;
  const auto renamed = renamed_.find(id);
  if (renamed != renamed_.end() && listed_since(asked.life, renamed->second)) {
    timeline_.violation("S2", what + " of " + short_id(id) + ", which no longer has its own name");
  }
  if (what == "start") judge_start(asked, id, seen);
  if (what == "kill" || what == "stop" || what == "remove") judge_stop(asked, id, seen);
  if (what == "remove") judge_remove(id, seen);
  if (what == "start" || what == "remove") count_call(asked, seen.agent);
}

void Observer::judge_start(const Asked& asked, const std::string& id, Seen& seen) {
  for (const auto& [other, another] : seen_) {
    if (other == id || another.agent != seen.agent || !another.started || another.started_by_others || another.gone) continue;
    if (has_processes(other)) {
      timeline_.violation("S1", "start of " + seen.agent + "-" + std::to_string(seen.attempt) + " while attempt " +
                                    std::to_string(another.attempt) + " (" + short_id(other) + ") is live");
    }
  }
  const Agent& agent = agents_[seen.agent];
  if (seen.version && agent.finished_version == *seen.version) {
    timeline_.violation("S7", "start of " + seen.agent + ", which had finished " + task_of(*seen.version));
  }
  judge_workspace(asked, id, seen);
  seen.started = true;
}

void Observer::judge_workspace(const Asked& asked, const std::string& id, const Seen& seen) {
  for (const auto& [squatter, where] : squatters_) {
    const bool inside = where.first == seen.workspace || where.first.starts_with(seen.workspace + "/");
    if (seen.workspace.empty() || !inside || !listed_since(asked.life, where.second) || !has_processes(squatter)) continue;
    timeline_.violation(
        "S8", "start of " + seen.agent + " (" + short_id(id) + ") in a workspace that " + short_id(squatter) + " has mounted");
  }
}

void Observer::judge_stop(const Asked& asked, const std::string& id, const Seen& seen) {
  const bool ends = asked.method != "DELETE" || asked.target.find("force=1") != std::string::npos;
  if (ends && agents_[seen.agent].protected_container == id && has_processes(id)) {
    timeline_.violation("S4", "a stop of " + seen.agent + "-" + std::to_string(seen.attempt) + " while its file is broken");
  }
}

void Observer::judge_remove(const std::string& id, const Seen& seen) {
  const Agent& agent = agents_[seen.agent];
  const bool absent = agent.absent || Clock::now() - agent.absent_until < lately_absent;
  const bool superseded = std::any_of(seen_.begin(), seen_.end(), [&](const auto& entry) {
    return entry.second.agent == seen.agent && entry.second.attempt > seen.attempt && entry.second.started;
  });
  if (absent || superseded || !seen.ran || seen.attempt <= recorded_attempt(seen.agent)) return;
  timeline_.violation("S9", "remove of " + seen.agent + "-" + std::to_string(seen.attempt) + " (" + short_id(id) +
                                ") whose outcome is not saved");
}

void Observer::count_call(const Asked& asked, const std::string& agent) {
  auto& calls = agents_[agent].calls[asked.life];
  while (!calls.empty() && asked.at - calls.front() > minute) calls.pop_front();
  calls.push_back(asked.at);
  if (calls.size() > calls_a_minute) {
    timeline_.violation("S6", std::to_string(calls.size()) + " changing calls for " + agent + " in a minute");
  }
}

bool Observer::listed_since(int life, Clock::time_point moment) const {
  const auto found = lists_.find(life);
  return found != lists_.end() && found->second.before > moment + notice;
}

/// The attempt whose outcome is in the state directory; 0 where none is.
int Observer::recorded_attempt(const std::string& agent) const {
  const std::string record = read_file(places_.state + "/agents/" + agent);
  const auto at = record.find("\nattempt ");
  int attempt = 0;
  if (at != std::string::npos) std::from_chars(record.data() + at + 9, record.data() + record.size(), attempt);
  return attempt;
}

}  // namespace cofferdam::test::chaos
