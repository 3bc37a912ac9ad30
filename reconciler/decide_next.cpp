// The sections ended (rows 32 to 40) and next (41 to 52).

#include <algorithm>
#include <utility>

#include "reconciler/counting.hpp"
#include "reconciler/decider.hpp"
#include "specs/admission.hpp"

namespace cofferdam::reconciler {
namespace {

using std::chrono::seconds;

/// Rows 45, 30b and 50: what was refused or missing is looked at again.
constexpr seconds look_again{60};

std::string exit_words(const Outcome& outcome) {
  if (outcome.start_failed) {
    return "its command could not be started (exit code " + std::to_string(outcome.exit_code.value_or(0)) +
           (outcome.exit_code == 127 ? ": not found in the image)" : ": not executable)");
  }
  if (!outcome.exit_code) return "how it ended is not known";
  return "exit code " + std::to_string(*outcome.exit_code) + (outcome.oom_killed ? ", out of memory" : "");
}

}  // namespace

Decider::Verdict Decider::verdict(const Outcome& outcome) const {
  Verdict verdict;
  verdict.restarts = outcome.restarts;
  verdict.failures = outcome.failures;
  verdict.message = exit_words(outcome);
  const auto policy = view_.wanted ? view_.wanted->restart_policy : specs::RestartPolicy::never;
  const bool never = policy == specs::RestartPolicy::never;
  const auto next = [&verdict](std::string_view row, Phase phase, std::string reason) {
    verdict.row = row;
    verdict.phase = phase;
    verdict.reason = std::move(reason);
    return verdict;
  };
  const auto terminal = [&verdict, &next](std::string_view row, Phase phase, std::string reason) {
    verdict.terminal = true;
    return next(row, phase, std::move(reason));
  };

  if (view_.wanted && drift(hashes_of(outcome)) == Drift::edited) {
    verdict.restarts = verdict.failures = 0;
    verdict.backs_off = false;
    return next("32", Phase::pending, "SpecChanged");
  }
  if (outcome.stopped) {
    if (outcome.stopped == StopCause::hardening_violated) {
      if (outcome.released) return next("33", Phase::back_off, "HardeningViolated");
      verdict.message = "stopped: the kernel's state was weaker than asked; when mended: cofferdam release " + view_.agent;
      return terminal("34", Phase::failed, "HardeningViolated");
    }
    if (outcome.stopped == StopCause::deadline_exceeded) {
      verdict.message = "stopped at its activeDeadlineSeconds";
      return terminal("35", Phase::failed, "DeadlineExceeded");
    }
    if (outcome.stopped == StopCause::out_of_band_update) {
      if (never) return terminal("36", Phase::failed, "Interrupted");
      return next("36", Phase::back_off, "OutOfBandUpdate");
    }
    verdict.backs_off = false;
    return next("32", Phase::pending, std::string{name_of(*outcome.stopped)});
  }
  if (outcome.interrupted) {
    verdict.message = "interrupted: somebody else, the engine or the host ended it (" + exit_words(outcome) + ")";
    if (never) return terminal("36", Phase::failed, "Interrupted");
    return next("36", Phase::back_off, "Interrupted");
  }
  const bool failed = outcome.exit_code.value_or(-1) != 0;
  if (failed && view_.wanted && view_.wanted->active_deadline && ran_for(outcome) >= *view_.wanted->active_deadline) {
    return terminal("35", Phase::failed, "DeadlineExceeded");
  }
  if (!failed && policy != specs::RestartPolicy::always) return terminal("37", Phase::succeeded, "Completed");

  const std::string reason = outcome.start_failed ? "StartError"
                             : outcome.oom_killed ? "OOMKilled"
                             : failed             ? "Error"
                                                  : "Completed";
  if (never) return terminal("38", Phase::failed, reason);
  // A wanted version is known here: without one the policy is Never.
  if (view_.wanted->max_restarts && outcome.restarts >= *view_.wanted->max_restarts) {
    verdict.message =
        "restarted " + std::to_string(outcome.restarts) + " times, as often as maxRestarts allows; last: " + verdict.message;
    return terminal("38", Phase::failed, "MaxRestarts");
  }
  ++verdict.restarts;
  return next("39", Phase::back_off, reason);
}

Decision Decider::ended(const Outcome& outcome) {
  const Verdict seen = verdict(outcome);
  if (seen.terminal) return finished(outcome, seen);
  Decision decision = next(seen.restarts, seen.failures, seen.backs_off);
  decision.via = seen.row;
  if (decision.row == "41") return told(std::move(decision), Phase::back_off, seen.reason, seen.message);
  return decision;
}

Decision Decider::finished(const Outcome& outcome, const Verdict& verdict) {
  if (current_ != nullptr && view_.ttl) {
    if (!ahead(view_.ttl) && may_remove(*current_)) {
      return told(removal("40", *current_, "past its ttlSecondsAfterFinished"), verdict.phase, verdict.reason, verdict.message);
    }
    wake(view_.ttl);
  }
  Decision decision = told(wait(verdict.row, "finished"), verdict.phase, verdict.reason, verdict.message);
  if (!view_.wanted || view_.want != Want::present) return decision;
  const bool in_sync = drift(hashes_of(outcome)) == Drift::in_sync;
  return up_to_date(std::move(decision), in_sync ? Truth::yes : Truth::no, in_sync ? "" : "Outdated");
}

Decision Decider::next(std::int64_t restarts, std::int64_t failures, bool backs_off) {
  if (backs_off && ahead(view_.next_try)) {
    wake(view_.next_try);
    return told(wait("41", "its next try is ahead"), Phase::back_off);
  }
  if (Row row = not_startable()) return *row;
  if (Row row = image_missing()) return *row;
  if (Row row = workspace_missing()) return *row;
  if (!view_.next.no_capacity.empty()) {
    return told(wait("51", view_.next.no_capacity), Phase::pending, "NoCapacity", view_.next.no_capacity);
  }
  Decision decision = act("52", Action::create, attempt_ == 0 ? "nothing is there" : "the attempt before has ended");
  decision.attempt = highest_seen_ + 1;
  decision.restarts = restarts;
  decision.failures = failures;
  return told(std::move(decision), Phase::creating);
}

Row Decider::not_startable() {
  const Preparation& next = view_.next;
  if (!next.limit_discarded.empty()) {
    return told(wait("42", next.limit_discarded), Phase::stuck, "LimitDiscarded", next.limit_discarded);
  }
  if (const ContainerView* suspect = live_suspect(); suspect != nullptr) {
    return told(wait("43", "a look-alike is live"), Phase::stuck, "SuspectContainer",
                suspect->name +
                    " carries this agent's labels but is not ours, and runs; nothing is started beside it. Look at it, and if "
                    "nobody needs it: docker rm -f " +
                    suspect->name);
  }
  // S1: the rows above stop whatever else of this agent is live; until that is seen to have ended, nothing is started.
  for (const ContainerView* container : ours_) {
    if (container != current_ && container->live()) {
      return told(wait("44", container->name + " may still be live"), Phase::pending, "Stopping",
                  container->name + " is being stopped");
    }
  }
  if (next.unlisted) {
    return told(wait("44", "a container with its labels appeared"), Phase::pending, "Listing",
                "a container that carries this agent's labels was just seen; the engine's next list tells what it is");
  }
  if (!next.workspace_busy.empty()) {
    return told(wait("44", next.workspace_busy), Phase::pending, "WorkspaceBusy", next.workspace_busy);
  }
  return std::nullopt;
}

Row Decider::image_missing() {
  const Preparation& next = view_.next;
  if (!view_.wanted) return told(wait("47", "no admitted version is known"), Phase::pending);
  const Wanted& wanted = *view_.wanted;
  if (next.image == Preparation::Image::absent && wanted.pull_policy == specs::ImagePullPolicy::never) {
    const std::string message = wanted.image +
                                " is not on this engine and imagePullPolicy is Never; load it (docker pull, docker load), "
                                "or set imagePullPolicy: IfNotPresent";
    const auto again = next.image_looked ? std::optional<Monotonic>{*next.image_looked + look_again} : std::nullopt;
    if (!ahead(again)) {
      return told(act("45", Action::inspect_image, "is the image here now?"), Phase::stuck, "ImageNotPresent", message);
    }
    wake(again);
    return told(wait("45", "the image is absent"), Phase::stuck, "ImageNotPresent", message);
  }
  if (next.image == Preparation::Image::absent ||
      (wanted.pull_policy == specs::ImagePullPolicy::always && !next.pulled_for_attempt)) {
    return told(
        act("46", Action::pull, next.image == Preparation::Image::absent ? "the image is absent" : "imagePullPolicy is Always"),
        Phase::pulling, {}, "pulling " + wanted.image);
  }
  if (next.image == Preparation::Image::unknown) {
    return told(act("47", Action::inspect_image, "the image's facts are unknown"), Phase::pending);
  }
  if (next.image_refused.empty() && next.user == Preparation::User::unknown) {
    return told(act("47", Action::probe, "the user's numbers in this image are unknown"), Phase::pending);
  }
  if (!next.image_refused.empty()) {
    const specs::Problem& problem = next.image_refused.front();
    return told(wait("48", "the image is refused"), Phase::denied, specs::reason_of(problem), to_string(problem));
  }
  return std::nullopt;
}

Row Decider::workspace_missing() {
  const Preparation& next = view_.next;
  if (next.workspace == Preparation::Workspace::good) return std::nullopt;
  if (next.workspace == Preparation::Workspace::unchecked) {
    return told(act("49", Action::check_workspace, "the workspace is looked at before the attempt"), Phase::pending);
  }
  const bool hung = next.workspace == Preparation::Workspace::hung;
  const auto tell = [&](Decision decision) {
    if (hung) {
      return told(std::move(decision), Phase::stuck, "WorkspaceHung",
                  view_.wanted->workspace + " does not answer (a dead network file system?); mend the mount");
    }
    const bool known = !next.workspace_refused.empty();
    return told(std::move(decision), Phase::denied, known ? specs::reason_of(next.workspace_refused.front()) : "Workspace",
                known ? to_string(next.workspace_refused.front()) : std::string{});
  };
  const auto again = next.workspace_looked ? std::optional<Monotonic>{*next.workspace_looked + look_again} : std::nullopt;
  if (!ahead(again)) return tell(act("50", Action::check_workspace, "is the workspace good now?"));
  wake(again);
  return tell(wait("50", hung ? "the workspace does not answer" : "the workspace is refused"));
}

}  // namespace cofferdam::reconciler
