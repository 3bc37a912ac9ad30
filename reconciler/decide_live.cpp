// The sections live (rows 21b to 26) and created (27 to 31), for an agent that is to be present.

#include <utility>

#include "reconciler/counting.hpp"
#include "reconciler/decider.hpp"

namespace cofferdam::reconciler {

using docker::ContainerState;
using std::chrono::seconds;

Row Decider::accept() {
  std::optional<Hashes> hashes;
  if (current_ != nullptr) {
    hashes = hashes_of(*current_);
  } else if (outcome_ != nullptr) {
    hashes = hashes_of(*outcome_);
  }
  if (!hashes || view_.accept_failed || !same_config(*hashes) || accepted(*hashes)) return std::nullopt;
  return act("21b", Action::accept_run_hash, "the spec is written differently and means the same", current_);
}

Row Decider::live() {
  if (current_ == nullptr || !current_->live()) return std::nullopt;
  if (current_->ghost && engine_.local) {
    return told(
        wait("22", "the engine calls it running, and it has no process"), Phase::stuck, "Ghost",
        current_->name + " is running for the engine and has no process; restart the engine, or: docker rm -f " + current_->name);
  }
  const Drift drifted = drift(hashes_of(*current_));
  const bool always = view_.wanted && view_.wanted->restart_policy == specs::RestartPolicy::always;
  const bool replace = drifted == Drift::edited || (drifted == Drift::outdated && always && view_.rollout_turn);
  if (replace) {
    if (Row row = prepare_replacement()) return row;
    const StopCause cause = drifted == Drift::edited ? StopCause::spec_changed : StopCause::outdated;
    Decision decision =
        stop("24", *current_, cause, drifted == Drift::edited ? "its spec was edited" : "a default of the configuration changed");
    return up_to_date(std::move(decision), Truth::no, std::string{name_of(cause)});
  }
  if (current_->state == ContainerState::restarting || current_->engine_restart_policy) {
    return stop("25", *current_, StopCause::out_of_band_update, "somebody gave it a restart policy of the engine's");
  }
  const bool paused = current_->state == ContainerState::paused;
  Decision decision = told(wait("26", "runs as its spec says"), Phase::running, paused ? "PausedByOthers" : "",
                           paused ? "somebody paused it; docker unpause " + current_->name : "");
  if (drifted == Drift::in_sync) return up_to_date(std::move(decision), Truth::yes);
  return up_to_date(std::move(decision), Truth::no, "Outdated",
                    always ? "a default of the configuration changed; it is replaced when its turn comes"
                           : "a default of the configuration changed; under this restartPolicy it finishes as it is");
}

Row Decider::prepare_replacement() {
  Row row = not_startable();
  if (!row) row = image_missing();
  if (!row) row = workspace_missing();
  if (!row) return std::nullopt;
  row->via = "23";
  const std::string reason = row->reason.empty() ? std::string{name_of(row->phase.value_or(Phase::pending))} : row->reason;
  const std::string message = row->message.empty() ? row->cause : row->message;
  return up_to_date(told(std::move(*row), Phase::running, {}, "the new version waits: " + message), Truth::no, reason, message);
}

Row Decider::created() {
  if (current_ == nullptr || current_->state != ContainerState::created || current_->start_failed_code != 0) return std::nullopt;
  const ContainerView& container = *current_;
  if (!same_config(hashes_of(container)) || container.schema != view_.wanted->schema) {
    return told(removal("27", container, "its spec changed before it was started"), Phase::creating);
  }
  if (const auto end = end_before(container)) {
    // Made for a next attempt that is not due any more (maxRestarts was lowered meanwhile, say).
    const Verdict before = verdict(*end);
    if (before.terminal) {
      return told(removal("27", container, "attempt " + std::to_string(end->attempt) + " was the last"), before.phase,
                  before.reason, before.message);
    }
  }
  if (!container.weaker.empty()) {
    return told(act("28", Action::note_discarded, container.weaker, &container), Phase::stuck, "LimitDiscarded",
                container.weaker);
  }
  if (Row row = not_startable()) {
    row->row = "30";
    return row;
  }
  const bool refused =
      view_.next.workspace == Preparation::Workspace::refused || view_.next.workspace == Preparation::Workspace::hung;
  if (refused && !container.workspace_rechecked) {
    Row row = workspace_missing();
    if (row->action == Action::none) row->row = "30b";
    return row;
  }
  if (!container.workspace_rechecked) {
    return told(act("30", Action::check_workspace, "its workspace is looked at once more before the start", &container),
                Phase::starting);
  }
  return told(act("31", Action::start, "attempt " + std::to_string(container.attempt) + " is ready", &container),
              Phase::starting);
}

}  // namespace cofferdam::reconciler
