// The driver of the table and its first section: gates (rows 1 to 9).

#include "reconciler/decide.hpp"

#include <algorithm>
#include <utility>

#include "reconciler/counting.hpp"
#include "reconciler/decider.hpp"

namespace cofferdam::reconciler {
namespace {

using docker::ContainerState;
using std::chrono::seconds;

/// 1, 2, 4 … 60 s after that many tries; a KILL begins at 5.
seconds retry_after(int tries, seconds first) {
  seconds delay = first;
  for (int doubled = 1; doubled < tries && delay < seconds{60}; ++doubled) delay *= 2;
  return std::min(delay, seconds{60});
}

/// Rows 13 and 14: one that the engine does not let go of for this long counts as gone.
constexpr seconds patience{60};

bool counts_as_gone(const ContainerView& container, bool current, const Now& now) {
  if (container.state == ContainerState::removing) {
    return !current || (container.removing_since && now.mono - *container.removing_since >= patience);
  }
  return container.state == ContainerState::dead && container.removal_since && now.mono - *container.removal_since >= patience &&
         container.removal_retry && *container.removal_retry > now.mono;
}

/// The record of an attempt stands for it, also where another of that number was made and never ran: its create was applied
/// long after it was given up, when the number had been used and its name was free again.
bool record_stands_for(const Outcome& outcome, const ContainerView& container) {
  if (outcome.attempt != container.attempt) return outcome.attempt > container.attempt;
  return container.state == ContainerState::created && container.id != outcome.container_id;
}

/// Ran and ended, or its start failed with 126 or 127.
bool is_over(const ContainerView& container) {
  return container.ran_to_its_end() || container.start_failed_code != 0;
}

}  // namespace

Current current_of(const AgentView& view) {
  Current current;
  for (const auto& container : view.containers) {
    if (container.suspect) continue;
    current.container = &container;  // highest attempt first
    current.attempt = container.attempt;
    break;
  }
  if (view.outcome && view.outcome->attempt >= current.attempt) {
    if (current.container != nullptr && record_stands_for(*view.outcome, *current.container)) current.container = nullptr;
    current.attempt = view.outcome->attempt;
    current.outcome = &*view.outcome;
  }
  return current;
}

Decision decide(const AgentView& view, const EngineView& engine, const Now& now) {
  return Decider(view, engine, now).decide();
}

Decider::Decider(const AgentView& view, const EngineView& engine, const Now& now) : view_(view), engine_(engine), now_(now) {
  const Current seen = current_of(view);
  highest_seen_ = seen.attempt;
  for (const auto& container : view.containers) {
    if (container.suspect) continue;
    if (counts_as_gone(container, container.attempt == seen.attempt, now)) {
      leftovers_.push_back(container.name);
      if (container.state == ContainerState::dead) wake(container.removal_retry);
      continue;
    }
    ours_.push_back(&container);
  }
  if (!ours_.empty()) {
    current_ = ours_.front();
    attempt_ = current_->attempt;
  }
  if (view.outcome && view.outcome->attempt >= attempt_) {
    if (current_ != nullptr && record_stands_for(*view.outcome, *current_)) current_ = nullptr;
    attempt_ = view.outcome->attempt;
    outcome_ = &*view.outcome;
  }
}

Decision Decider::decide() {
  Row row = gates();
  if (!row) row = surplus();
  if (!row) row = unwanted();
  if (!row) row = denied();
  if (!row) row = accept();
  if (!row) row = live();
  if (!row) row = created();
  if (!row) {
    const auto end = current_end();
    row = end ? ended(*end) : next(0, 0, false);
  }
  row->wake_at = wake_;
  if (!leftovers_.empty()) {
    row->conditions.push_back({"Leftover", Truth::yes, "RemovalFailed",
                               "the engine does not let go of " + leftovers_.front() +
                                   "; see `docker inspect` and the engine's log, and remove it by hand"});
  }
  return std::move(*row);
}

Row Decider::gates() {
  if (Row row = not_ready()) return row;
  if (Row row = in_flight()) return row;

  Row waiting = stopping();
  if (waiting && waiting->action != Action::none) return waiting;
  if (Row row = must_stop()) return row;
  if (Row row = throttled()) return waiting ? waiting : row;
  if (Row row = look()) {
    if (row->action != Action::none) return row;
    return unless_surplus(waiting ? *waiting : *row, false);
  }
  if (waiting) return unless_surplus(*waiting, false);

  if (Row row = keep_verdict()) return row;
  if (Row row = backing_off()) return unless_surplus(*row, true);
  if (Row row = nothing_wanted()) return unless_surplus(*row, false);
  return std::nullopt;
}

Decision Decider::unless_surplus(Decision waiting, bool returned_too) {
  if (Row row = duplicates()) return *row;
  if (Row row = older_live()) return *row;
  if (returned_too) {
    if (Row row = came_back()) return *row;
  }
  return waiting;
}

Row Decider::not_ready() {
  if (!engine_.sandbox_enabled) {
    Decision decision = wait("1", "the sandbox is off");
    decision.reason = "SandboxDisabled";
    decision.message = "sandbox.enabled is false: nothing is created, started, stopped or removed";
    return decision;
  }
  if (!engine_.state_known || !engine_.scanned) {
    Decision decision = wait("1", "starting");
    decision.reason = "Starting";
    decision.message = !engine_.state_known ? (engine_.state_error.empty() ? "reading the state directory" : engine_.state_error)
                                            : (engine_.scan_error.empty() ? "reading the spec directory" : engine_.scan_error);
    return decision;
  }
  if (!engine_.listed) {
    Decision decision = wait("1", "the engine's containers are not known");
    decision.reason = "EngineUnknown";
    decision.message = engine_.engine_why.empty() ? "waiting for the engine's first list" : engine_.engine_why;
    return decision;
  }
  return std::nullopt;
}

Row Decider::in_flight() {
  if (view_.in_flight == InFlight::none) return std::nullopt;
  Decision waiting = wait("2", "a request is in flight");
  if (view_.in_flight != InFlight::pull) return waiting;

  AgentView free = view_;
  free.in_flight = InFlight::none;
  const Decision otherwise = reconciler::decide(free, engine_, now_);
  static constexpr std::string_view urgent[] = {"3", "4", "6", "10", "11", "12", "16"};
  const bool must_act =
      otherwise.action != Action::none && std::find(std::begin(urgent), std::end(urgent), otherwise.row) != std::end(urgent);
  if (must_act || view_.want != Want::present) {
    return act("2", Action::cancel_pull, must_act ? otherwise.cause : "nobody wants the image any more");
  }
  wake(otherwise.wake_at);
  if (otherwise.phase == Phase::running) return told(waiting, Phase::running, otherwise.reason, otherwise.message);
  return told(waiting, Phase::pulling, {}, "pulling " + (view_.wanted ? view_.wanted->image : std::string{}));
}

seconds Decider::stop_time(StopCause cause) const {
  const seconds asked = view_.wanted ? view_.wanted->stop_timeout : seconds{10};
  const bool should_not_run =
      cause == StopCause::duplicate || cause == StopCause::started_by_others || cause == StopCause::hardening_violated;
  return should_not_run ? std::min(asked, seconds{10}) : asked;
}

Row Decider::stopping() {
  Row waiting;
  for (const ContainerView* container : ours_) {
    if (!container->live() || !container->stop || container->look_first) continue;
    const Stop& stop = *container->stop;
    const std::string cause{name_of(stop.cause)};
    const bool will_not_die = stop.first_kill && now_.mono - *stop.first_kill >= seconds{30};
    const auto tell = [&](Decision decision) {
      if (!will_not_die) return told(std::move(decision), Phase::stopping, cause, "stopping " + container->name);
      return told(std::move(decision), Phase::stuck, "WillNotDie",
                  container->name +
                      " still runs 30 s after KILL; the engine or the kernel holds it (a hung mount, a dead disk): see "
                      "`docker inspect` and the engine's log");
    };
    std::optional<Monotonic> due;
    Action action = Action::kill_term;
    if (!stop.term_answered) {
      if (stop.term_tried) due = *stop.term_tried + retry_after(stop.term_tries, seconds{1});
    } else {
      action = Action::kill_kill;
      due = *stop.term_answered + stop_time(stop.cause);
      if (stop.kill_tried) due = *stop.kill_tried + retry_after(stop.kill_tries, seconds{5});
    }
    if (!ahead(due)) {
      return tell(act("3", action, "stop (" + cause + ") of attempt " + std::to_string(container->attempt), container));
    }
    wake(due);
    if (stop.first_kill && !will_not_die) wake(*stop.first_kill + seconds{30});
    if (!waiting) waiting = tell(wait("3", "waiting for " + container->name + " to stop"));
  }
  return waiting;
}

Row Decider::must_stop() {
  for (const ContainerView* container : ours_) {
    if (!container->live() || container->stop || container->look_first) continue;
    if (container->violated && engine_.on_violation == specs::OnViolation::stop && view_.violation_budget_left) {
      return stop("4", *container, StopCause::hardening_violated, "hardening violated: " + container->violation);
    }
    if (container->deadline && !ahead(container->deadline)) {
      return stop("4", *container, StopCause::deadline_exceeded, "past its activeDeadlineSeconds");
    }
    wake(container->deadline);
  }
  return std::nullopt;
}

Row Decider::throttled() {
  if (view_.budget_left) return std::nullopt;
  wake(view_.budget_at);
  Decision decision = wait("5", "this agent's call budget is used up");
  decision.reason = "Throttled";
  decision.message = "too many engine calls for this agent within a minute; it goes on by itself";
  return decision;
}

Row Decider::look() {
  Row waiting;
  for (const auto& container : view_.containers) {
    // A list that calls live what a record calls ended may lag.
    const bool recorded = view_.outcome && view_.outcome->attempt >= container.attempt;
    const bool unknown = !container.inspected && (!container.live() || recorded);
    const bool again = container.look_again && !ahead(container.look_again);
    if (!container.suspect) wake(container.look_again);
    if (!container.dirty && (container.suspect || !(unknown || again))) continue;
    if (!ahead(container.inspect_retry)) {
      const std::string_view why = container.dirty ? "something happened to it"
                                   : unknown       ? "its state is not known"
                                                   : "its removal may have failed";
      return act("6", Action::inspect, std::string{why}, &container);
    }
    wake(container.inspect_retry);
    const bool left_over = std::find(ours_.begin(), ours_.end(), &container) == ours_.end();
    if (waiting || (left_over && !container.dirty)) continue;
    Decision decision = wait("6", "the last inspect of " + container.name + " failed");
    const bool stuck = container.inspect_failures >= 3;
    waiting = told(std::move(decision), stuck ? Phase::stuck : Phase::back_off, "inspect", container.inspect_error);
  }
  return waiting;
}

Row Decider::keep_verdict() {
  for (const ContainerView* container : ours_) {
    if (!is_over(*container)) continue;
    if (view_.outcome && view_.outcome->attempt >= container->attempt) return std::nullopt;
    if (!ahead(view_.outcome_save_retry)) {
      return act("7", Action::save_outcome, "attempt " + std::to_string(container->attempt) + " ended", container);
    }
    wake(view_.outcome_save_retry);
    unsaved_ = container->attempt;
    return std::nullopt;  // ours_ is ordered: the highest attempt that ended
  }
  return std::nullopt;
}

Row Decider::backing_off() {
  if (!view_.failed || !ahead(view_.failed->retry)) return std::nullopt;
  const FailedCall& failed = *view_.failed;
  wake(failed.retry);
  Decision decision = wait("8", failed.what + " failed, and its next try is ahead");
  const std::string reason = failed.reason.empty() ? failed.what : failed.reason;
  if (current_ != nullptr && current_->live()) {
    return up_to_date(told(std::move(decision), Phase::running, {}, failed.message), Truth::no, reason, failed.message);
  }
  return told(std::move(decision), failed.stuck ? Phase::stuck : Phase::back_off, reason, failed.message);
}

Row Decider::nothing_wanted() {
  if (view_.want != Want::held && view_.want != Want::never_good) return std::nullopt;
  if (view_.want == Want::held) {
    return as_seen(wait("9", view_.held_message.empty() ? "its removal is held" : view_.held_message));
  }
  Decision decision = wait("9", "its file was never good");
  const std::string message = view_.invalid.empty() ? std::string{} : to_string(view_.invalid.front());
  if (view_.containers.empty() && !view_.outcome) return told(std::move(decision), Phase::invalid, "SpecInvalid", message);
  return as_seen(std::move(decision));
}

// Building decisions.

Decision Decider::act(std::string_view row, Action action, std::string cause, const ContainerView* container) const {
  Decision decision;
  decision.row = row;
  decision.action = action;
  decision.cause = std::move(cause);
  if (container != nullptr) decision.container = container->id;
  return decision;
}

Decision Decider::wait(std::string_view row, std::string cause) const {
  return act(row, Action::none, std::move(cause));
}

Decision Decider::stop(std::string_view row, const ContainerView& container, StopCause cause, std::string why) const {
  Decision decision = act(row, Action::record_stop, std::move(why), &container);
  decision.stop_cause = cause;
  return told(std::move(decision), Phase::stopping, std::string{name_of(cause)}, "stopping " + container.name);
}

Decision Decider::removal(std::string_view row, const ContainerView& container, std::string why) const {
  const Action action = container.state == ContainerState::dead ? Action::remove_forced : Action::remove;
  return act(row, action, std::move(why), &container);
}

Decision Decider::told(Decision decision, Phase phase, std::string reason, std::string message) {
  decision.phase = phase;
  decision.reason = std::move(reason);
  decision.message = std::move(message);
  return decision;
}

Decision Decider::up_to_date(Decision decision, Truth truth, std::string reason, std::string message) {
  decision.conditions.push_back({"UpToDate", truth, std::move(reason), std::move(message)});
  return decision;
}

Decision Decider::as_seen(Decision decision) const {
  if (current_ != nullptr && current_->live()) return told(std::move(decision), Phase::running);
  if (current_ != nullptr && current_->state == ContainerState::created && current_->start_failed_code == 0) {
    return told(std::move(decision), Phase::creating);
  }
  if (const auto end = current_end()) {
    const Verdict seen = verdict(*end);
    return told(std::move(decision), seen.terminal ? seen.phase : Phase::pending, seen.reason, seen.message);
  }
  return told(std::move(decision), Phase::pending);
}

// Reading the view.

Decider::Hashes Decider::hashes_of(const ContainerView& container) {
  return {container.run_hash, container.config_hash, container.schema, container.attempt};
}

Decider::Hashes Decider::hashes_of(const Outcome& outcome) {
  return {outcome.run_hash, outcome.config_hash, outcome.schema, outcome.attempt};
}

bool Decider::accepted(const Hashes& hashes) const {
  if (!view_.wanted) return false;
  if (hashes.run_hash == view_.wanted->run_hash) return true;
  return view_.accepted_attempt == hashes.attempt && view_.accepted_run_hash == view_.wanted->run_hash;
}

bool Decider::same_config(const Hashes& hashes) const {
  if (!view_.wanted) return false;
  if (hashes.schema != view_.wanted->schema) return accepted(hashes);
  return hashes.config_hash == view_.wanted->config_hash;
}

Decider::Drift Decider::drift(const Hashes& hashes) const {
  if (same_config(hashes)) return Drift::in_sync;
  return accepted(hashes) ? Drift::outdated : Drift::edited;
}

bool Decider::may_remove(const ContainerView& container) const {
  return !unsaved_ || container.attempt < *unsaved_ || view_.want == Want::absent;
}

const ContainerView* Decider::live_suspect() const {
  for (const auto& container : view_.containers) {
    if (container.suspect && container.live()) return &container;
  }
  return nullptr;
}

std::optional<Outcome> Decider::current_end() const {
  if (outcome_ != nullptr) return *outcome_;
  if (current_ == nullptr) return std::nullopt;
  if (!is_over(*current_)) return std::nullopt;
  return outcome_of(*current_, engine_.backoff);
}

std::optional<Outcome> Decider::end_before(const ContainerView& created) const {
  for (const ContainerView* container : ours_) {
    if (container->attempt >= created.attempt || !is_over(*container)) continue;
    if (view_.outcome && view_.outcome->attempt >= container->attempt) break;
    return outcome_of(*container, engine_.backoff);
  }
  return view_.outcome;
}

void Decider::wake(const std::optional<Monotonic>& at) {
  if (at && *at > now_.mono && (!wake_ || *at < *wake_)) wake_ = at;
}

}  // namespace cofferdam::reconciler
