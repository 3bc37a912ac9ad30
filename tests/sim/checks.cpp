// What the checks keep count of, the machine's own consistency, and the promises about any call (S2, S6).

#include "tests/sim/checks.hpp"

#include <algorithm>
#include <utility>

#include "reconciler/ownership.hpp"
#include "reconciler/records.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {

namespace label = reconciler::label;

namespace {

std::string label_of(const Container& container, std::string_view key) {
  const auto found = container.shown.config.labels.find(std::string(key));
  return found == container.shown.config.labels.end() ? std::string() : found->second;
}

bool is_changing(const std::string& operation) {
  return operation == "create" || operation == "start" || operation == "kill" || operation == "remove" || operation == "stop";
}

bool carries_our_labels(const Container& container) {
  return label_of(container, label::managed_by) == label::manager && label_of(container, label::instance) == "default";
}

}  // namespace

std::string Checks::agent_of(const Container& container) {
  return carries_our_labels(container) ? label_of(container, label::agent) : std::string();
}

void Checks::violated(const std::string& promise, const std::string& text) {
  const std::string line = promise + " at " + seconds_text(world_.schedule.now()) + ": " + text;
  world_.log().line(world_.schedule.now(), [&] { return "VIOLATED " + promise + ": " + text; });
  world_.log().fact(promise);
  violations_.push_back(line);
}

void Checks::before_input(Shell& shell, const reconciler::Input& input) {
  if (const auto* snapshot = std::get_if<specs::DirSnapshot>(&input)) shown_folder(*snapshot);
  if (const auto* reply = std::get_if<reconciler::Reply>(&input)) told_of(shell, *reply);
  if (const auto* look = std::get_if<reconciler::Verified>(&input)) {
    const auto found = attempts_.find(look->container_id);
    if (found != attempts_.end() && look->verdict == reconciler::Verified::Verdict::violated) found->second.told_violated = true;
  }
  if (const auto* session = std::get_if<reconciler::Session>(&input)) {
    if (session->state == reconciler::Session::State::down) {
      ++world_.statistics().rows["R10"];
      session_over_ = true;
      // Since when the engine was away nobody can tell: it last spoke then.
      if (!blind_now_) blind_now_ = Blind{last_contact_, 0, true};
      blind_now_->outage = true;
    }
    if (session->state == reconciler::Session::State::gap && !blind_now_) {
      blind_.push_back({last_contact_ - second, world_.schedule.now(), false});
    }
    if (session->state == reconciler::Session::State::up) {
      session_over_ = false;
      list_computed_ = -1;
      last_contact_ = world_.schedule.now();
    }
  }
  if (const auto* event = std::get_if<reconciler::Event>(&input); event != nullptr && event->epoch == shell.epoch()) {
    last_contact_ = world_.schedule.now();
    const auto found = attempts_.find(event->event.actor);
    if (found == attempts_.end()) return;
    if (event->event.action == "start") found->second.told_live = found->second.live;
    if (event->event.action == "rename") found->second.told_renamed = true;
  }
}

void Checks::told_of(Shell& shell, const reconciler::Reply& reply) {
  const auto found = in_flight_.find(reply.id);
  if (found == in_flight_.end()) {
    violated("world", "a reply without a call");
    return;
  }
  const Issued call = found->second;
  in_flight_.erase(found);
  --lanes_[call.lane];
  if (!call.agent.empty()) {
    --agents_[call.agent].in_flight;
    agents_[call.agent].last_reply = world_.schedule.now();
  }
  const auto* good = std::get_if<docker::Reply>(&reply.result);
  const auto* error = std::get_if<docker::Error>(&reply.result);
  const bool spoke = error == nullptr || error->error_class == docker::ErrorClass::status;
  if (spoke && reply.epoch == shell.epoch()) last_contact_ = world_.schedule.now();
  note_reply(call, reply, shell);
  if (error != nullptr && !call.agent.empty()) check_haste(call, *error);
  if (const auto attempt = attempts_.find(call.object);
      call.operation == "start" && error != nullptr && attempt != attempts_.end()) {
    if (docker::may_have_been_applied(*error)) attempt->second.start_unanswered = true;
    if (error->error_class != docker::ErrorClass::status) attempt->second.start_given_up = true;
  }
  if (good == nullptr || reply.epoch != shell.epoch()) return;
  if (const auto* rows = std::get_if<std::vector<docker::ContainerSummary>>(good); rows != nullptr) {
    if (!call.unfiltered_list) return;
    if (blind_now_) {
      blind_.push_back({blind_now_->from - second, world_.schedule.now(), blind_now_->outage});
      blind_now_.reset();
    }
    list_computed_ = std::max(list_computed_, call.computed);
    for (const auto& row : *rows) {
      const auto attempt = attempts_.find(row.id);
      if (attempt == attempts_.end()) continue;
      const AgentTruth& agent = agents_[attempt->second.agent];
      const bool idle = agent.in_flight == 0 && agent.last_issue < call.at && agent.last_reply < call.at;
      if (!idle) continue;
      if (attempt->second.live && attempt->second.live_since + 100 * millisecond <= call.computed)
        attempt->second.told_live = true;
      const auto container = world_.engine().find(row.id);
      if (container && container->shown.name == row.name && label_of(*container, label::name) != row.name) {
        attempt->second.told_renamed = true;
      }
    }
  }
  if (const auto* details = std::get_if<docker::ContainerDetails>(good); details != nullptr) {
    const auto attempt = attempts_.find(details->id);
    if (attempt == attempts_.end()) return;
    if (attempt->second.live && attempt->second.live_since <= call.computed) {
      attempt->second.told_live = true;
      attempt->second.told_since = attempt->second.live_since;
    }
    if (!outcome_is_saved(attempt->second) && looks_like_a_boot(attempt->second, *details)) attempt->second.with_the_host = true;
    attempt->second.failed_untold = attempt->second.start_unanswered = false;
    attempt->second.told_ended =
        !attempt->second.live && attempt->second.ended_at >= 0 && attempt->second.ended_at <= call.computed;
    const auto named = details->config.labels.find(std::string(label::name));
    if (named != details->config.labels.end() && named->second != details->name) attempt->second.told_renamed = true;
  }
}

void Checks::after_input(Shell& shell, const reconciler::Input& input, const reconciler::Effects& effects) {
  if (std::holds_alternative<reconciler::Shutdown>(input)) shut_down_ = true;
  check_machine(shell, input, effects);
  for (const auto& effect : effects) {
    if (const auto* call = std::get_if<reconciler::Call>(&effect)) {
      if (shut_down_) violated("machine", "a call after the shutdown: " + call->cause);
      if (call->id <= highest_call_) violated("machine", "the number of a call was used before");
      highest_call_ = std::max(highest_call_, call->id);
    }
    if (const auto* audit = std::get_if<reconciler::Audit>(&effect); audit != nullptr && audit->event == "InternalError") {
      violated("machine", audit->agent + ": " + audit->message);
    }
    if (const auto* save = std::get_if<reconciler::Save>(&effect); save != nullptr) {
      if (!save->bytes.empty()) {
        check_stop_record(*save);
      } else if (save->key.starts_with("agents/")) {
        AgentTruth& agent = agents_[save->key.substr(7)];
        // Of one that is there an outcome is taken back, and nothing forgotten.
        agent.records_end = agent.missing_scans >= 2 || agent.confirmed;
      }
    }
  }
}

/// What the machine believes of itself holds against what it was told and asked for.
void Checks::check_machine(const Shell& shell, const reconciler::Input& input, const reconciler::Effects& effects) {
  const auto calls = std::count_if(effects.begin(), effects.end(), [](const reconciler::Effect& effect) {
    return std::holds_alternative<reconciler::Call>(effect);
  });
  const reconciler::Summary& summary = shell.machine().summary();
  if (summary.calls_in_flight > in_flight_.size() + static_cast<std::size_t>(calls)) {
    violated("machine", "it counts " + std::to_string(summary.calls_in_flight) + " calls in flight, of " +
                            std::to_string(in_flight_.size()) + " and " + std::to_string(calls) + " new ones");
  }
  if (summary.ready && !(summary.listed && summary.state_known)) violated("machine", "it is ready and knows nothing");
  if (!std::holds_alternative<reconciler::Reply>(input) || ++replies_ % 16 != 0) return;
  for (const docker::ContainerSummary& owned : shell.machine().owned_containers()) {
    if (!attempts_.contains(owned.id)) violated("machine", owned.name + " counts as its own and never carried its labels");
  }
}

void Checks::check_target(const std::string& id, const std::string& operation) {
  const auto container = world_.engine().find(id);
  if (!container) return;
  const auto known = attempts_.find(id);
  const bool renamed = label_of(*container, label::name) != container->shown.name;
  const bool ours = carries_our_labels(*container) && is_a_controller(container->maker);
  const bool told = known == attempts_.end() || known->second.told_renamed;
  if (!ours || (renamed && told)) {
    violated("S2",
             operation + " of " + container->shown.name + ", which is not ours" + (ours ? " any more: it was renamed" : ""));
  }
}

void Checks::check_rates(const reconciler::Call& call, AgentTruth& agent) {
  const std::string operation = short_operation(call.request);
  const SimTime now = world_.schedule.now();
  const auto within = [now](std::deque<SimTime>& times, std::size_t most) {
    times.push_back(now);
    while (times.front() <= now - minute) times.pop_front();
    return times.size() <= most;
  };
  if (operation == "kill") {
    if (!within(agent.kills, 30)) violated("S6", "more than 30 kills for " + call.agent + " within a minute");
  } else if (is_changing(operation)) {
    if (!within(agent.changing, 20)) violated("S6", "more than 20 changing calls for " + call.agent + " within a minute");
  } else if (!within(agent.reading, 60)) {
    violated("S6", "more than 60 reading calls for " + call.agent + " within a minute");
  }
}

void Checks::issued(Shell&, const reconciler::Call& call) {
  const std::string operation = short_operation(call.request);
  Issued issued;
  issued.at = world_.schedule.now();
  issued.agent = call.agent;
  issued.operation = operation;
  issued.object = docker::object_of(call.request);
  issued.lane = call.lane;
  if (const auto* list = std::get_if<docker::ContainerList>(&call.request)) issued.unfiltered_list = list->labels.empty();
  in_flight_[call.id] = issued;
  const int in_lane = ++lanes_[call.lane];
  const auto lists = static_cast<int>(
      std::count_if(in_flight_.begin(), in_flight_.end(), [](const auto& entry) { return entry.second.unfiltered_list; }));
  if (lists > 1) violated("machine", "two lists at the same time");
  const int most = call.lane == reconciler::Lane::changes ? 8          // four times the two processors
                   : call.lane == reconciler::Lane::reads ? 8 + lists  // the list is one by itself
                   : call.lane == reconciler::Lane::pulls ? 3
                                                          : 1;
  if (in_lane > most) {
    violated("machine", "the lane of " + std::string(name_of(call.lane)) + " holds " + std::to_string(in_lane));
  }
  if (!call.agent.empty()) {
    AgentTruth& agent = agents_[call.agent];
    if (++agent.in_flight > 1 && operation != "list") violated("machine", "two calls for " + call.agent + " at the same time");
    agent.last_issue = world_.schedule.now();
    check_rates(call, agent);
    if (quiet_ && is_changing(operation)) ++agent.quiet_changes;
  } else if (quiet_ && is_changing(operation)) {
    violated("L1", "a changing call in the silence: " + operation + ": " + call.cause);
  }
  if (const auto* start = std::get_if<docker::ContainerStart>(&call.request)) {
    check_target(start->id, "start");
    if (const auto container = world_.engine().find(start->id)) check_start(*container);
  }
  if (const auto* kill = std::get_if<docker::ContainerKill>(&call.request)) {
    check_target(kill->id, "kill");
    if (const auto container = world_.engine().find(kill->id)) check_kill(*container);
  }
  if (const auto* remove = std::get_if<docker::ContainerRemove>(&call.request)) {
    check_target(remove->id, "remove");
    if (const auto container = world_.engine().find(remove->id)) check_remove(*container, remove->force);
  }
}

void Checks::arrives(Shell&, const reconciler::Call& call) {
  // Reads are true of the moment when the engine looks; a list is computed as it arrives.
  if (const auto found = in_flight_.find(call.id); found != in_flight_.end()) found->second.computed = world_.schedule.now();
}

void Checks::answered(Shell&, reconciler::CallId id, const docker::Result&) {
  if (const auto found = in_flight_.find(id); found != in_flight_.end()) found->second.computed = world_.schedule.now();
}

void Checks::saved(Shell&, const reconciler::Save& save, bool good) {
  if (save.key.starts_with("stops/") && !good) {
    if (const auto found = attempts_.find(save.key.substr(6)); found != attempts_.end()) found->second.stop_refused = true;
  }
  if (save.key.starts_with("agents/") && !good) {
    for (auto& [id, attempt] : attempts_) {
      if (attempt.agent == save.key.substr(7) && (attempt.ran || attempt.start_failed) && !attempt.live)
        attempt.outcome_refused = true;
    }
  }
  if (save.key.starts_with("files/") && save.bytes.empty()) {  // its agents are gone, or elsewhere: it named nobody
    last_good_names_.erase(save.key.substr(6));
    saved_names_.erase(save.key.substr(6));
  }
  if (save.key == "engine") (good ? contact_saved_ : contact_refused_) = world_.schedule.now();
  if (!save.key.starts_with("agents/") || !save.bytes.empty()) return;
  AgentTruth& agent = agents_[save.key.substr(7)];
  if (agent.records_end) (good ? agent.records_dropped : agent.dropped_in_memory) = world_.schedule.now();
}

bool Checks::starts_in_flight(const std::string& id) const {
  return std::any_of(in_flight_.begin(), in_flight_.end(),
                     [&](const auto& entry) { return entry.second.operation == "start" && entry.second.object == id; });
}

bool Checks::outcome_is_saved(const Attempt& attempt) const {
  const std::string* bytes = world_.state().find("agents/" + attempt.agent);
  if (bytes == nullptr) return false;
  const auto record = reconciler::agent_record_from(*bytes);
  return record && record->outcome && record->outcome->attempt >= attempt.number;
}

void Checks::changed(const Container& container, std::string_view what, Who who) {
  if (what == "create" && carries_our_labels(container)) {
    Attempt attempt;
    attempt.agent = agent_of(container);
    attempt.number = reconciler::number_of(container.shown.config.labels, label::attempt);
    attempt.run_hash = label_of(container, label::run_hash);
    attempt.config_hash = label_of(container, label::config_hash);
    attempt.restarts = reconciler::number_of(container.shown.config.labels, label::restarts);
    attempt.maker = container.maker;
    attempt.made = attempts_.size();
    if (const auto agent = agents_.find(attempt.agent); agent != agents_.end()) {
      attempt.dropped_in_memory = agent->second.dropped_in_memory;
      // It was asked for before that version was shown.
      const Version* const newest = agent->second.versions.empty() ? nullptr : &agent->second.versions.back();
      if (newest != nullptr && newest->config_hash == attempt.config_hash) attempt.accepted = newest->spec->run_hash;
    }
    const Attempt* before = before_it(attempt);
    attempt.due = before != nullptr && !before->live && !terminal(*before, agents_[attempt.agent]);
    attempts_[container.shown.id] = attempt;
  }
  const auto found = attempts_.find(container.shown.id);
  if (found == attempts_.end()) return;
  Attempt& attempt = found->second;
  if (what == "start") {
    const bool untold = attempt.excused || attempt.touched;
    attempt.verdict_excused = attempt.verdict_excused || (untold && outcome_is_saved(attempt));
    attempt.live = attempt.ran = true;
    attempt.told_live = false;
    attempt.live_since = world_.schedule.now();
    attempt.started_by = who;
    attempt.started_late = who == Who::controller && attempt.start_given_up && !starts_in_flight(container.shown.id);
    attempt.touched = attempt.stop_recorded = attempt.with_the_host = attempt.outcome_lost = attempt.told_ended = false;
    attempt.told_violated = false;
    // Its verdict may have been written before; or it was renamed and is not ours.
    attempt.excused = who != Who::controller || label_of(container, label::name) != container.shown.name;
  }
  if (what == "starting" && who != Who::controller) attempt.touched = true;
  if (what == "start-failed") {
    attempt.ended_by = who;
    attempt.failed_untold = !starts_in_flight(container.shown.id);
    // A start of ours that comes late fails once more: its end was told before.
    if (!attempt.start_failed || !outcome_is_saved(attempt)) attempt.ended_at = world_.schedule.now();
    attempt.start_failed = true;
    attempt.exit_code = container.shown.exit_code;
    attempt.own_end = true;
    if (quiet_) ++agents_[attempt.agent].quiet_ends;
  }
  if ((what == "create" || what == "update") && container.shown.host_config.restart_policy != "no")
    attempt.told_restart_policy = true;
  if (what == "rename") {
    attempt.renamed = label_of(container, label::name) != container.shown.name;
    attempt.excused = true;  // not ours any more: how it ends is nobody's verdict
  }
  if (what.starts_with("kill") && who != Who::controller) attempt.touched = true;
  if (what == "die") {
    attempt.live = attempt.told_live = false;
    attempt.ended_by = who;
    attempt.own_end = attempt.own_end || who == Who::itself;
    // Likewise, a start of ours that comes late: the end that is saved is the verdict.
    const bool again = attempt.started_by == Who::controller && attempt.ended_at >= 0 && outcome_is_saved(attempt);
    if (!again) {
      attempt.ended_at = world_.schedule.now();
      attempt.exit_code = container.shown.exit_code;
      attempt.oom = container.shown.oom_killed;
    }
    attempt.excused = attempt.excused || who == Who::engine || who == Who::host || !world_.engine().up();
    if (quiet_ && who == Who::itself) ++agents_[attempt.agent].quiet_ends;
  }
  if (what == "destroy") {
    attempt.outcome_saved = outcome_is_saved(attempt);
    if (who != Who::controller && !attempt.outcome_saved) attempt.excused = true;
    attempt.gone = true;
    attempt.gone_at = world_.schedule.now();
    attempt.live = attempt.told_live = false;
    // We asked for that before the state was lost, and nobody has read since how it ended.
    attempt.forgotten = attempt.forgotten || (attempt.outcome_lost && !attempt.outcome_saved && !attempt.told_ended);
    attempt.excused = attempt.excused || attempt.forgotten;
  }
}

}  // namespace cofferdam::sim
