// The words that people, records, labels and metrics know our enumerations by.

#include "reconciler/decide.hpp"
#include "reconciler/effects.hpp"
#include "reconciler/status.hpp"
#include "reconciler/view.hpp"

namespace cofferdam::reconciler {

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::pending: return "Pending";
    case Phase::pulling: return "Pulling";
    case Phase::creating: return "Creating";
    case Phase::starting: return "Starting";
    case Phase::running: return "Running";
    case Phase::succeeded: return "Succeeded";
    case Phase::failed: return "Failed";
    case Phase::back_off: return "BackOff";
    case Phase::stopping: return "Stopping";
    case Phase::removed: return "Removed";
    case Phase::suspended: return "Suspended";
    case Phase::denied: return "Denied";
    case Phase::invalid: return "Invalid";
    case Phase::stuck: return "Stuck";
  }
  return {};
}

std::string_view name_of(Truth truth) {
  switch (truth) {
    case Truth::yes: return "True";
    case Truth::no: return "False";
    case Truth::unknown: return "Unknown";
  }
  return {};
}

std::string_view name_of(Want want) {
  switch (want) {
    case Want::held: return "held";
    case Want::never_good: return "never good";
    case Want::absent: return "absent";
    case Want::remove: return "remove";
    case Want::suspended: return "suspended";
    case Want::denied: return "denied";
    case Want::present: return "present";
  }
  return {};
}

std::string_view name_of(StopCause cause) {
  switch (cause) {
    case StopCause::spec_removed: return "SpecRemoved";
    case StopCause::suspended: return "Suspended";
    case StopCause::spec_changed: return "SpecChanged";
    case StopCause::outdated: return "Outdated";
    case StopCause::out_of_band_update: return "OutOfBandUpdate";
    case StopCause::duplicate: return "Duplicate";
    case StopCause::started_by_others: return "StartedByOthers";
    case StopCause::hardening_violated: return "HardeningViolated";
    case StopCause::deadline_exceeded: return "DeadlineExceeded";
  }
  return {};
}

std::optional<StopCause> stop_cause_from(std::string_view name) {
  for (const auto cause : {StopCause::spec_removed, StopCause::suspended, StopCause::spec_changed, StopCause::outdated,
                           StopCause::out_of_band_update, StopCause::duplicate, StopCause::started_by_others,
                           StopCause::hardening_violated, StopCause::deadline_exceeded}) {
    if (name_of(cause) == name) return cause;
  }
  return std::nullopt;
}

std::string_view name_of(Action action) {
  switch (action) {
    case Action::none: return "none";
    case Action::kill_term: return "kill TERM";
    case Action::kill_kill: return "kill KILL";
    case Action::record_stop: return "stop";
    case Action::inspect: return "inspect";
    case Action::save_outcome: return "save outcome";
    case Action::drop_outcome: return "drop outcome";
    case Action::accept_run_hash: return "accept run-hash";
    case Action::remove: return "remove";
    case Action::remove_forced: return "remove (forced)";
    case Action::note_discarded: return "note and remove";
    case Action::check_workspace: return "check workspace";
    case Action::start: return "start";
    case Action::create: return "create";
    case Action::pull: return "pull";
    case Action::cancel_pull: return "cancel pull";
    case Action::inspect_image: return "inspect image";
    case Action::probe: return "probe image";
    case Action::drop_records: return "drop records";
  }
  return {};
}

std::string_view name_of(Lane lane) {
  switch (lane) {
    case Lane::changes: return "changes";
    case Lane::reads: return "reads";
    case Lane::pulls: return "pulls";
    case Lane::penalty: return "penalty";
  }
  return {};
}

}  // namespace cofferdam::reconciler
