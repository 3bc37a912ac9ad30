// Records: what is saved, what is waited for, and what happens when the state directory cannot be written.

#include <algorithm>

#include "reconciler/machine.hpp"

namespace cofferdam::reconciler {
namespace {

constexpr std::chrono::seconds files_interval{30};

std::string rest_after(const std::string& key, std::string_view prefix) {
  return key.rfind(prefix, 0) == 0 ? key.substr(prefix.size()) : std::string();
}

}  // namespace

void Reconciler::Machine::on(const StateLoaded& loaded) {
  engine_.state_known = loaded.known;
  engine_.state_error =
      loaded.known ? std::string() : "the state directory could not be read, nothing is done until it can: " + loaded.error;
  if (!loaded.known) {
    audit(Severity::error, "StateUnreadable", "", engine_.state_error);
    return;
  }
  const auto spoiled = [this](const std::string& key) {
    audit(Severity::warning, "RecordSpoiled", "", "the state record " + key + " cannot be read and counts as absent",
          {{"key", key}});
  };
  for (const StateRecord& record : loaded.records) {
    if (record.key == "engine") {
      contact_before_start_ = contact_record_from(record.bytes);
      if (!contact_before_start_) spoiled(record.key);
      const bool same_boot = contact_before_start_ && contact_before_start_->boot_id == now_.boot_id;
      if (same_boot && contact_before_start_->boot != WallTime{}) boot_ = contact_before_start_->boot;
      if (contact_before_start_ && contact_before_start_->directory) {
        DirectoryId directory = *contact_before_start_->directory;
        if (!same_boot) directory.device.reset();
        guard_.remember(directory);
      }
    } else if (const std::string name = rest_after(record.key, "agents/"); !name.empty()) {
      const auto parsed = agent_record_from(record.bytes);
      if (!parsed) {
        spoiled(record.key);
        continue;
      }
      AgentState& agent = agent_of(name);
      agent.record = *parsed;
      agent.record_there = true;
      agent.view.outcome = parsed->outcome;
      agent.view.accepted_run_hash = parsed->accepted_run_hash;
      agent.view.accepted_attempt = parsed->accepted_attempt;
      if (parsed->outcome) agent.highest_attempt = std::max(agent.highest_attempt, parsed->outcome->attempt);
      know(agent);
    } else if (const std::string id = rest_after(record.key, "stops/"); !id.empty()) {
      if (const auto parsed = stop_record_from(record.bytes)) {
        stop_records_[id] = *parsed;
        const auto known = by_container_.find(id);  // the list may have come first
        ContainerView* const container = known == by_container_.end() ? nullptr : known->second.agent->container(id);
        if (container != nullptr && !container->suspect) recall_stop(*container, *parsed);
      } else {
        spoiled(record.key);
      }
    } else if (const std::string file = rest_after(record.key, "files/"); !file.empty()) {
      folder_.restore(file, record.bytes);
      restored_files_[file] = record.bytes;
      saved_files_.insert(file);
    }
  }
  if (engine_.listed) end_stops_of_the_gone();
  if (engine_.engine_up && engine_.listed) next_contact_save_ = now_.mono;  // what was not saved before
  scan_wanted_ = true;
  touch_all();
}

/// A stop that an earlier life had begun.
void Reconciler::Machine::recall_stop(ContainerView& container, const StopRecord& record) {
  container.stop = Stop{};
  container.stop->cause = record.cause;
  container.stop->from_state = true;
  container.stop->may_have_killed = true;
}

void Reconciler::Machine::end_stops_of_the_gone() {
  std::vector<std::string> over;
  for (const auto& [id, record] : stop_records_) {
    if (!by_container_.contains(id)) over.push_back(id);
  }
  for (const std::string& id : over) end_stop_record(id);
}

std::uint64_t Reconciler::Machine::save(std::string key, std::string bytes, SaveInFlight what) {
  const std::uint64_t version = ++save_versions_;
  what.key = key;
  saves_[version] = std::move(what);
  effects_.emplace_back(Save{std::move(key), version, std::move(bytes)});
  return version;
}

void Reconciler::Machine::save_record(AgentState& agent, Purpose purpose) {
  save_record(agent, purpose, SaveInFlight{});
}

void Reconciler::Machine::save_record(AgentState& agent, Purpose purpose, SaveInFlight what) {
  agent.record_stale = false;
  agent.record_retry.reset();
  if (agent.record.empty() && !agent.record_there) return;
  what.purpose = purpose;
  what.agent = agent.view.agent;
  what.outcome = agent.record.outcome;
  what.ends = agent.record.empty();
  const std::string bytes = what.ends ? std::string() : to_bytes(agent.record);
  agent.record_there = !what.ends;
  agent.record_version = save("agents/" + agent.view.agent, bytes, std::move(what));
}

void Reconciler::Machine::on(const SaveDone& done) {
  const auto found = saves_.find(done.version);
  if (found == saves_.end() || found->second.key != done.key) return;
  SaveInFlight what = std::move(found->second);
  saves_.erase(found);
  saved(what, done);
}

void Reconciler::Machine::saved(SaveInFlight& what, const SaveDone& done) {
  if (what.purpose == Purpose::file) {
    if (done.ok) return;
    failed_files_.insert(what.container);
    files_retry_ = now_.mono + files_interval;
    audit(Severity::warning, "StateUnwritable", "",
          "the last good version of " + what.container + " could not be saved: " + done.error);
    return;
  }
  AgentState* agent = find(what.agent);
  if (agent == nullptr) return;
  touch(*agent);
  const bool awaited = agent->save == done.version;
  if (!done.ok) {
    if (awaited || what.purpose == Purpose::record) save_failed(*agent, what, done.error);
    return;
  }
  if (awaited) {
    agent->save = 0;
    agent->view.in_flight = InFlight::none;
  }
  agent->save_failures = 0;
  agent->state_unwritable.clear();
  if (what.purpose == Purpose::stop) {
    stop_records_[what.container] = StopRecord{what.agent, what.cause};
    ContainerView* container = agent->container(what.container);
    if (container == nullptr) {
      end_stop_record(what.container);
    } else if (!container->stop) {
      container->stop = Stop{};
      container->stop->cause = what.cause;
    }
    agent->stop_container.clear();
    return;
  }
  if (agent->record_version != done.version) return;  // a newer one is on its way
  if (what.outcome) agent->view.outcome = what.outcome;
  agent->view.outcome_save_retry.reset();
  if (what.purpose == Purpose::accepted) {
    agent->view.accepted_run_hash = what.accepted;
    agent->view.accepted_attempt = what.attempt;
    agent->view.accept_failed = false;
  }
  if (!what.container.empty() && !by_container_.contains(what.container)) end_stop_record(what.container);
}

/// Also after a deadline without an answer. What a stop waits for goes on in memory; what a removal waits for does not.
void Reconciler::Machine::save_failed(AgentState& agent, SaveInFlight& what, const std::string& error) {
  agent.save = 0;
  agent.view.in_flight = agent.view.in_flight == InFlight::save ? InFlight::none : agent.view.in_flight;
  ++agent.save_failures;
  if (agent.state_unwritable.empty()) {
    audit(Severity::warning, "StateUnwritable", agent.view.agent, "the record " + what.key + " could not be saved: " + error);
  }
  agent.state_unwritable = error.empty() ? "the state directory cannot be written" : error;
  const auto delay = std::chrono::seconds{std::min(60, 1 << std::min(agent.save_failures, 6))};
  switch (what.purpose) {
    case Purpose::stop:
      if (ContainerView* container = agent.container(what.container); container != nullptr && !container->stop) {
        container->stop = Stop{};
        container->stop->cause = what.cause;
      }
      agent.stop_container.clear();
      return;
    case Purpose::accepted: agent.view.accept_failed = true; break;
    case Purpose::outcome: agent.view.outcome_save_retry = now_.mono + delay; return;
    case Purpose::record:
    case Purpose::file:
    case Purpose::other: break;
  }
  agent.record_stale = true;
  agent.record_retry = now_.mono + delay;
}

void Reconciler::Machine::end_stop_record(const std::string& container_id) {
  if (stop_records_.erase(container_id) == 0) return;
  SaveInFlight what;
  what.ends = true;
  save("stops/" + container_id, {}, what);
}

void Reconciler::Machine::end_stop_records(AgentState& agent) {
  std::vector<std::string> ids;
  for (const auto& [id, record] : stop_records_) {
    if (record.agent == agent.view.agent && !by_container_.contains(id)) ids.push_back(id);
  }
  for (const std::string& id : ids) end_stop_record(id);
}

void Reconciler::Machine::save_contact() {
  next_contact_save_.reset();        // until there is a newer one: an engine that says nothing wakes nobody
  if (!engine_.state_known) return;  // it would replace what the life before kept of this boot, before that is read
  if (saved_contact_ == last_contact_ && saved_directory_ == guard_.whole_directory()) return;
  saved_contact_ = last_contact_;
  saved_directory_ = guard_.whole_directory();
  contact_saved_at_ = now_.mono;
  save("engine", to_bytes(ContactRecord{last_contact_, now_.boot_id, boot_, saved_directory_}), SaveInFlight{});
}

}  // namespace cofferdam::reconciler
