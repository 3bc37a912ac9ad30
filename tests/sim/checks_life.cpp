// What the checks know of the controller's lives: what each begins with, and what the one before took with it.

#include "reconciler/records.hpp"
#include "tests/sim/checks.hpp"
#include "tests/sim/shell.hpp"
#include "tests/sim/world.hpp"

namespace cofferdam::sim {

void Checks::life_begins(Shell&) {
  for (const auto& [number, call] : in_flight_) {
    if (const auto attempt = attempts_.find(call.object); call.operation == "start" && attempt != attempts_.end())
      attempt->second.start_given_up = true;
  }
  in_flight_.clear();
  lanes_.clear();
  highest_call_ = 0;
  list_computed_ = -1;
  shut_down_ = false;
  life_began_ = world_.schedule.now();
  shown_.clear();
  named_since_.clear();
  shown_directory_ = 0;
  shown_count_ = 0;
  for (auto& [name, agent] : agents_) {
    agent.missing_scans = 0;
    agent.missed_in = 0;
    agent.failed.clear();
    agent.confirmed = false;
    agent.mass_missing = false;  // what was held is not remembered: the first scan is judged anew
    agent.in_flight = 0;
    agent.changing.clear();
    agent.reading.clear();
    agent.kills.clear();
    agent.dropped_in_memory = -1;
  }
  for (auto& [id, attempt] : attempts_) {
    attempt.told_live = attempt.told_renamed = attempt.told_ended = false;
    attempt.stop_first_saved = -1;
    attempt.excused = attempt.excused || attempt.stop_refused;  // the cause of its stop could not be saved, and is forgotten
    attempt.stop_refused = false;
    attempt.told_since = -1;
    attempt.start_unanswered = attempt.start_unanswered && outcome_is_saved(attempt);
    // Gone, and nothing could be kept of it.
    attempt.forgotten = attempt.forgotten || (attempt.gone && attempt.outcome_refused && !outcome_is_saved(attempt));
    attempt.excused = attempt.excused || attempt.forgotten;
  }
  const reconciler::Now now = world_.host.now(life_began_);
  boots_ = {now.boot, std::nullopt};
  if (const std::string* bytes = world_.state().find("engine"); bytes != nullptr) {
    const auto record = reconciler::contact_record_from(*bytes);
    if (record && record->boot_id == now.boot_id) boots_.present = record->boot;
    // It is saved once a minute: an older one excuses nothing, unless it could not be written.
    const bool kept = contact_saved_ + 2 * minute >= last_contact_ || contact_refused_ > contact_saved_;
    if (record && record->boot_id != now.boot_id && kept) boots_.contact = record->contact;
  }
  if (!blind_now_) blind_now_ = Blind{last_contact_ - minute, 0, false};
  restored();
}

/// What is in force at first is what the state kept: a version shown to the life before may have gone unsaved with it. Nor does
/// anybody know what such a file named.
void Checks::restored() {
  saved_names_.clear();
  for (const auto& [key, bytes] : world_.state().records()) {
    if (!key.starts_with("files/")) continue;
    const specs::AgentFile& file = parsed(bytes, key.substr(6));
    saved_names_[key.substr(6)] = {file.names.begin(), file.names.end()};
    if (!file.good() || world_.state().unknown) continue;
    for (const specs::AgentSpec& spec : file.agents)
      show_version(agents_[spec.name], std::make_shared<const specs::AgentSpec>(spec), true);
  }
}

void Checks::life_ends(Shell& shell) {
  note_rows(shell);
  // One that never read the state writes no contact either: it would replace what it has not read.
  if (!shell.machine().summary().state_known) contact_refused_ = world_.schedule.now();
  if (!blind_now_) blind_now_ = Blind{last_contact_ - minute, 0, false};  // the contact is saved once a minute
}

void Checks::configuration_changed() {
  configuration_changed_ = world_.schedule.now();
}

void Checks::host_reboots() {
  reboots_.push_back(world_.schedule.now());
}

void Checks::clock_jumps() {
  clock_jumped_ = world_.schedule.now();
}

void Checks::state_was_lost() {
  saved_names_.clear();
  for (auto& [id, attempt] : attempts_) {
    const auto container = world_.engine().find(id);
    const auto is = [&](docker::ContainerState state) { return container && container->shown.state == state; };
    attempt.forgotten = attempt.forgotten || attempt.gone;
    attempt.outcome_lost = attempt.outcome_lost || (attempt.ended_at >= 0 && !attempt.live);
    // What is being removed may be gone before anybody looks; what the engine left dead is removed, and not read again.
    const bool leaves = is(docker::ContainerState::removing) || is(docker::ContainerState::dead);
    attempt.excused = attempt.excused || attempt.gone || leaves || attempt.stop_recorded;
  }
}

}  // namespace cofferdam::sim
