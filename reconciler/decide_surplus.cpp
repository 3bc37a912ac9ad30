// The sections surplus (rows 10 to 15), unwanted (16 to 18) and denied (19 to 21).

#include <algorithm>
#include <utility>

#include "reconciler/counting.hpp"
#include "reconciler/decider.hpp"
#include "specs/admission.hpp"

namespace cofferdam::reconciler {

using docker::ContainerState;
using std::chrono::seconds;

Row Decider::surplus() {
  if (Row row = duplicates()) return row;
  if (Row row = older_live()) return row;
  if (Row row = came_back()) return row;
  if (Row row = dead()) return row;
  if (Row row = being_removed()) return row;
  return superseded();
}

Row Decider::duplicates() {
  const ContainerView* newest = nullptr;
  for (const ContainerView* container : ours_) {
    if (!container->live()) continue;
    if (newest == nullptr) {
      newest = container;
    } else if (!container->stop) {
      return stop("10", *container, StopCause::duplicate, "attempt " + std::to_string(newest->attempt) + " is live too");
    }
  }
  return std::nullopt;
}

Row Decider::older_live() {
  if (current_ != nullptr && current_->live()) return std::nullopt;
  for (const ContainerView* container : ours_) {
    if (container == current_ || !container->live() || container->stop) continue;
    return stop("11", *container, StopCause::started_by_others,
                "attempt " + std::to_string(attempt_) + " is newer; somebody else started this one");
  }
  return std::nullopt;
}

Row Decider::came_back() {
  if (current_ == nullptr || !current_->live() || outcome_ == nullptr || current_->stop) return std::nullopt;
  if (outcome_->interrupted || !verdict(*outcome_).terminal) {
    return told(act("12", Action::drop_outcome, "it runs again, as it should", current_), Phase::running);
  }
  return stop("12", *current_, StopCause::started_by_others, "it had finished; somebody else started it again");
}

Row Decider::dead() {
  for (const ContainerView* container : ours_) {
    if (container->state != ContainerState::dead) continue;
    const bool verdict_kept = !container->ran() || (view_.outcome && view_.outcome->attempt >= container->attempt);
    if (!verdict_kept || !may_remove(*container)) continue;
    const std::string message =
        "the engine could not remove " + container->name + "; see its log (a busy mount is the usual reason)";
    if (!ahead(container->removal_retry)) {
      return told(removal("13", *container, "the engine left it dead"), Phase::stuck, "RemovalFailed", message);
    }
    wake(container->removal_retry);
    if (container->removal_since) wake(*container->removal_since + seconds{60});
    return told(wait("13", "waiting to remove " + container->name + " again"), Phase::stuck, "RemovalFailed", message);
  }
  return std::nullopt;
}

Row Decider::being_removed() {
  // Those that count as gone are not in ours_ any more: what is left is the current, for less than a minute.
  if (current_ == nullptr || current_->state != ContainerState::removing) return std::nullopt;
  if (current_->removing_since) wake(*current_->removing_since + seconds{60});
  return told(wait("14", current_->name + " is being removed"), Phase::stopping, {}, current_->name + " is being removed");
}

Row Decider::superseded() {
  bool evidence_kept = false;
  for (const ContainerView* container : ours_) {
    if (container == current_ || container->live() || container->state == ContainerState::removing) continue;
    const bool newest_that_ran = container->ran() && !evidence_kept;
    if (newest_that_ran) {
      evidence_kept = true;
      continue;
    }
    if (container->state == ContainerState::dead || !may_remove(*container)) continue;
    return removal("15", *container, "attempt " + std::to_string(container->attempt) + " is superseded");
  }
  return std::nullopt;
}

Row Decider::unwanted() {
  if (view_.want != Want::absent && view_.want != Want::remove && view_.want != Want::suspended) return std::nullopt;
  const bool suspended = view_.want == Want::suspended;
  const std::string why = suspended                    ? "spec.suspend is true"
                          : view_.want == Want::remove ? "spec.remove is true"
                                                       : "its spec is gone";

  for (const ContainerView* container : ours_) {
    if (container->live() && !container->stop) {
      return stop("16", *container, suspended ? StopCause::suspended : StopCause::spec_removed, why);
    }
  }
  for (const ContainerView* container : ours_) {
    if (container->live()) return told(wait("16", "waiting for " + container->name + " to stop"), Phase::stopping);
    if (!may_remove(*container)) {
      return told(wait("17", "its outcome is not saved yet"), Phase::stopping, "StateUnwritable",
                  "the outcome of " + container->name + " cannot be saved; make room in the state directory");
    }
    return told(removal("17", *container, why), Phase::stopping);
  }
  if (const ContainerView* suspect = live_suspect(); suspect != nullptr) {
    return told(wait("18", "a look-alike is live"), Phase::stuck, "SuspectContainer",
                suspect->name +
                    " carries this agent's labels but is not ours, and runs; look at it, and if nobody needs it: docker rm -f " +
                    suspect->name);
  }
  if (view_.want == Want::absent) return told(act("18", Action::drop_records, why), Phase::removed, {}, why);
  return told(wait("18", why), suspended ? Phase::suspended : Phase::removed, {}, why);
}

Row Decider::denied() {
  if (view_.want != Want::denied) return std::nullopt;
  const auto refused = [this](Decision decision) {
    const bool known = !view_.refusals.empty();
    return told(std::move(decision), Phase::denied, known ? specs::reason_of(view_.refusals.front()) : "Policy",
                known ? to_string(view_.refusals.front()) : std::string{});
  };
  if (current_ != nullptr && current_->live()) {
    return told(wait("19", "policy refuses its spec; what runs goes on"), Phase::running);
  }
  if (current_ != nullptr && current_->state == ContainerState::created && current_->start_failed_code == 0) {
    return refused(removal("20", *current_, "policy refuses its spec"));
  }
  if (const auto end = current_end()) {
    const Verdict seen = verdict(*end);
    if (seen.terminal) return finished(*end, seen);
  }
  return refused(wait("21", "policy refuses its spec"));
}

}  // namespace cofferdam::reconciler
