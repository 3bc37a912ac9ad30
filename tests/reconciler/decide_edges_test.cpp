// The table's edges: two of a kind, facts that are not known yet, and no wanted version at all. decide() is total, and takes
// each side of every condition somewhere (tests/coverage.sh).

#include "tests/reconciler/view_builder.hpp"

namespace cofferdam::reconciler {
namespace {

using specs::ImagePullPolicy;
using specs::RestartPolicy;

const Monotonic soon = at_start().mono + seconds{5};

/// TERM was answered a second ago: its stop time is not over.
ContainerView stopping(std::int64_t attempt) {
  ContainerView view = running(attempt);
  view.stop = recorded(StopCause::spec_removed);
  view.stop->term_tried = view.stop->term_answered = at_start().mono - seconds{1};
  view.stop->term_tries = 1;
  return view;
}

/// Its kill was answered that it does not run, and no look has told yet whether that is so.
ContainerView doubted(std::int64_t attempt) {
  ContainerView view = stopping(attempt);
  view.look_first = true;
  return view;
}

ContainerView dead(std::int64_t attempt) {
  ContainerView view = exited(attempt, 1);
  view.state = ContainerState::dead;
  return view;
}

ContainerView never_ran(ContainerView view) {
  view.started_at.reset();
  return view;
}

ContainerView start_failed(std::int64_t attempt, int code) {
  ContainerView view = created(attempt);
  view.start_failed_code = code;
  view.exit_code = code;
  return view;
}

/// The last save of its outcome failed, and the next try is ahead.
Agent unsaved(Agent agent) {
  agent->outcome_save_retry = soon;
  return agent;
}

Agent without_version(Agent agent) {
  agent->wanted.reset();
  return agent;
}

ContainerView being_removed(std::int64_t attempt, seconds look_again) {
  ContainerView view = exited(attempt, 137);
  view.state = ContainerState::removing;
  view.removing_since = at_start().mono;
  view.look_again = at_start().mono + look_again;
  return view;
}

TEST(DecideGates, LooksAgainAtWhatIsBeingRemovedForItsRemovalMayFailUntold) {
  auto agent = Agent{Want::absent}.with(being_removed(1, seconds{8})).with(ended(1, 137));
  EXPECT_EQ(told(agent.decide()), "14 none");
  EXPECT_EQ(agent.decide().wake_at, at_start().mono + seconds{8});
  EXPECT_EQ(told(agent.decide(later(at_start(), seconds{8}))), "6 inspect id-1");
}

TEST(DecideGates, LooksAtWhatAListCallsLiveAndARecordEnded) {
  auto listed = running(2);
  listed.inspected = false;
  EXPECT_EQ(told(present().with(listed).with(ended(2, 0)).decide()), "6 inspect id-2");
  EXPECT_EQ(told(present().with(listed).with(ended(1, 0)).decide()), "26 none") << "an agent in sync costs no inspect";
  listed.inspected = true;
  EXPECT_EQ(told(present().with(listed).with(ended(2, 0)).decide()), "12 stop id-2 StartedByOthers");
}

TEST(DecideGates, LooksAgainAlsoAtWhatCountsAsGoneButIsNotHeldUpByIt) {
  auto left = being_removed(1, seconds{600});
  auto agent = present().prepared().with(left);
  const auto minutes_later = later(at_start(), seconds{500});
  EXPECT_EQ(told(agent.decide(minutes_later)), "52 create");
  EXPECT_EQ(told(agent.decide(later(at_start(), seconds{600}))), "6 inspect id-1");
  left.inspect_retry = at_start().mono + seconds{700};
  EXPECT_EQ(told(present().prepared().with(left).decide(later(at_start(), seconds{600}))), "52 create");
  left.dirty = true;
  EXPECT_EQ(told(present().prepared().with(left).decide(later(at_start(), seconds{600}))), "6 none")
      << "something happened to it";
}

TEST(DecideGates, CountsAFailedStartAsAnEndAlsoWhereSomebodysRemovalLeftItDead) {
  auto failed = container(1, ContainerState::dead);
  failed.start_failed_code = 126;
  EXPECT_EQ(told(present().prepared().with(failed).decide()), "7 save outcome id-1");
}

TEST(DecideCreated, RemovesWhatWasMadeAfterTheLastAttemptThatItsPolicyAllows) {
  auto next = created(2);
  next.workspace_rechecked = true;
  auto agent = present().prepared().with(next).with(exited(1, 1)).with(ended(1, 1));
  EXPECT_EQ(told(agent.decide()), "31 start id-2");
  agent.restart(RestartPolicy::never);
  EXPECT_EQ(told(agent.decide()), "27 remove id-2");
  EXPECT_EQ(phase(agent.decide()), "Failed/Error");
  EXPECT_EQ(told(present().prepared().restart(RestartPolicy::never).with(next).with(ended(1, 1)).decide()), "27 remove id-2");
  auto unsaved = present().prepared().restart(RestartPolicy::never).with(next).with(exited(1, 0));
  unsaved->outcome_save_retry = later(at_start(), seconds{1}).mono;
  EXPECT_EQ(told(unsaved.decide()), "27 remove id-2") << "an end that could not be saved yet holds too";
  auto between = present().prepared().restart(RestartPolicy::never).with(created(3)).with(created(2)).with(exited(1, 0));
  between->outcome_save_retry = later(at_start(), seconds{1}).mono;
  EXPECT_EQ(told(between.decide()), "27 remove id-3") << "also where another that never ran is between";
  auto newer = present().prepared().restart(RestartPolicy::never).with(created(3)).with(exited(2, 0)).with(ended(1, 1));
  newer->outcome_save_retry = later(at_start(), seconds{1}).mono;
  EXPECT_EQ(phase(newer.decide()), "Succeeded/Completed") << "the newest end";
}

TEST(DecideEdges, SaysWhyStateAndFolderCannotBeRead) {
  EngineView engine = ready_engine();
  engine.scanned = false;
  EXPECT_EQ(present().decide(at_start(), engine).message, "reading the spec directory");
  engine.scan_error = "agents.d: permission denied";
  EXPECT_EQ(present().decide(at_start(), engine).message, "agents.d: permission denied");
  engine.state_known = false;
  EXPECT_EQ(present().decide(at_start(), engine).message, "reading the state directory");
  engine.state_error = "state: no such directory";
  EXPECT_EQ(present().decide(at_start(), engine).message, "state: no such directory");
}

TEST(DecideEdges, TellsTheStopThatWaitsWhereTheBudgetIsUsedUp) {
  auto agent = Agent{Want::absent}.with(stopping(1));
  agent->budget_left = false;
  EXPECT_EQ(told(agent.decide()), "3 none");
}

TEST(DecideEdges, DoesNotWakeForABudgetThatIsBackAlready) {
  auto agent = present();
  agent->budget_left = false;
  agent->budget_at = at_start().mono - seconds{1};
  EXPECT_FALSE(agent.decide().wake_at);
}

TEST(DecideEdges, TellsOfTheNewestOfTwoThatAreBeingStopped) {
  const auto decision = Agent{Want::absent}.with(stopping(2)).with(stopping(1)).decide();
  EXPECT_EQ(told(decision), "3 none");
  EXPECT_EQ(decision.message, "stopping cofferdam-default-bot-2");
}

TEST(DecideEdges, GivesAnOutOfBandUpdateItsWholeStopTime) {
  auto container = stopping(1);
  container.stop->cause = StopCause::out_of_band_update;
  container.stop->term_answered = at_start().mono - seconds{10};
  auto agent = present().with(container);
  agent.wanted().stop_timeout = seconds{20};
  EXPECT_EQ(told(agent.decide()), "3 none");
}

TEST(DecideEdges, LooksBeforeItStopsWhatIsPastItsDeadline) {
  auto container = running(1);
  container.deadline = at_start().mono;
  container.look_first = container.dirty = true;
  EXPECT_EQ(told(present().with(container).decide()), "6 inspect id-1");
}

TEST(DecideEdges, TellsOfTheNewestOfTwoFailedInspects) {
  auto newer = created(2);
  auto older = exited(1, 1);
  for (auto* container : {&newer, &older}) {
    container->dirty = true;
    container->inspect_retry = soon;
  }
  newer.inspect_error = "newer";
  older.inspect_error = "older";
  EXPECT_EQ(present().with(newer).with(older).decide().message, "newer");
}

TEST(DecideEdges, StopsAnOlderOneWhileACallBacksOff) {
  auto agent = present().with(created(2)).with(running(1));
  agent->failed = FailedCall{"start", "", "500", false, soon};
  EXPECT_EQ(told(agent.decide()), "11 stop id-1 StartedByOthers");
}

TEST(DecideEdges, HasNoVerdictOnWhatNeverRan) {
  const auto decision = present().prepared().with(never_ran(exited(1, 0))).decide();
  EXPECT_EQ(told(decision), "52 create");
  EXPECT_EQ(decision.attempt, 2);
}

TEST(DecideEdges, ShowsAHeldAgentAsItWasLastSeen) {
  const auto held = [] { return Agent{Want::held}; };
  EXPECT_EQ(phase(held().with(created(1)).decide()), "Creating");
  EXPECT_EQ(phase(held().with(ended(1, 0)).decide()), "Succeeded/Completed");
  EXPECT_EQ(phase(held().with(start_failed(1, 127)).with(ended(1, 127)).decide()), "Pending/Error");
  EXPECT_EQ(phase(held().with(never_ran(exited(1, 0))).decide()), "Pending");
  EXPECT_EQ(phase(held().with(container(1, ContainerState::removing)).decide()), "Pending");
}

TEST(DecideEdges, HoldsAnAcceptedRunHashAgainstTheOneThatIsWanted) {
  auto agent = present().edited().prepared().with(running(1));
  agent->accepted_attempt = 1;
  agent->accepted_run_hash = "run-c";
  EXPECT_EQ(told(agent.decide()), "24 stop id-1 SpecChanged");
}

TEST(DecideEdges, CountsAStartThatFailedThoughItsOutcomeIsUnsaved) {
  auto agent = unsaved(present().prepared().with(start_failed(1, 126)));
  agent->next_try = soon;
  const auto decision = agent.decide();
  EXPECT_EQ(phase(decision), "BackOff/StartError");
  EXPECT_EQ(decision.message, "its command could not be started (exit code 126: not executable)");
}

// Surplus.

TEST(DecideEdges, WaitsForOneBeingRemovedSinceNobodyKnowsWhen) {
  const auto decision = present().prepared().with(container(1, ContainerState::removing)).decide();
  EXPECT_EQ(told(decision), "14 none");
  EXPECT_FALSE(decision.wake_at);
}

TEST(DecideEdges, RemovesADeadOneThatNeverRanWithoutAVerdict) {
  EXPECT_EQ(told(present().with(never_ran(dead(1))).decide()), "13 remove (forced) id-1");
}

TEST(DecideEdges, TriesADeadOneAgainThatFailedLongAgo) {
  auto container = dead(1);
  container.removal_since = at_start().mono - seconds{90};
  EXPECT_EQ(told(present().with(container).with(ended(1, 1)).decide()), "13 remove (forced) id-1");
  container.removal_since.reset();
  container.removal_retry = soon;
  const auto decision = present().with(container).with(ended(1, 1)).decide();
  EXPECT_EQ(told(decision), "13 none");
  EXPECT_EQ(decision.wake_at, soon);
}

TEST(DecideEdges, KeepsADeadOneWhoseOutcomeIsUnsaved) {
  EXPECT_EQ(told(unsaved(present().prepared().with(dead(1))).decide()), "52 create");
  EXPECT_EQ(told(unsaved(present().prepared().with(dead(2)).with(ended(1, 1))).decide()), "52 create");
  EXPECT_EQ(told(unsaved(present().prepared().with(never_ran(dead(2))).with(exited(1, 1))).decide()), "52 create")
      << "the one before it is evidence that no record stands for yet";
  EXPECT_EQ(told(unsaved(present().with(running(4)).with(exited(3, 1)).with(dead(2))).decide()), "26 none");
}

TEST(DecideEdges, RemovesOnlyWhatIsOlderThanAnUnsavedOutcome) {
  EXPECT_EQ(told(unsaved(present().with(running(4)).with(exited(2, 1)).with(created(1))).decide()), "15 remove id-1");
  EXPECT_EQ(told(unsaved(present().with(running(4)).with(created(3)).with(exited(2, 1))).decide()), "26 none");
}

TEST(DecideEdges, LeavesOneBeingRemovedAloneThatHasTheCurrentsNumber) {
  EXPECT_EQ(told(present().with(running(2)).with(container(2, ContainerState::removing)).decide()), "26 none");
}

TEST(DecideEdges, DoesNotRecordAStopTwice) {
  EXPECT_EQ(told(present().with(doubted(1)).with(ended(1, 0)).decide()), "26 none");
  const auto decision = Agent{Want::absent}.with(doubted(1)).decide();
  EXPECT_EQ(told(decision), "16 none");
  EXPECT_EQ(phase(decision), "Stopping");
}

TEST(DecideEdges, DeniesTheNextAttemptOfAStartThatFailed) {
  const auto decision = Agent{Want::denied}.with(start_failed(1, 127)).with(ended(1, 127)).decide();
  EXPECT_EQ(told(decision), "21 none");
  EXPECT_EQ(phase(decision), "Denied/Policy");
}

// Live, created, ended.

TEST(DecideEdges, KeepsTheOldOneWhileTheNewVersionMayNotStart) {
  auto agent = present().edited().prepared().with(running(1));
  agent.next().limit_discarded = "pids limit discarded";
  EXPECT_EQ(told(agent.decide()), "42 none");
  EXPECT_EQ(phase(agent.decide()), "Running");
  EXPECT_EQ(condition(agent.decide(), "UpToDate"), "False/LimitDiscarded");
}

TEST(DecideEdges, StartsWhatWasLookedAtForThisStart) {
  auto container = created(1);
  container.workspace_rechecked = true;
  auto agent = present().prepared().with(container);
  agent.next().workspace = Preparation::Workspace::refused;
  EXPECT_EQ(told(agent.decide()), "31 start id-1");
}

TEST(DecideEdges, TakesAnEndWithoutItsTimesForNoDeadline) {
  for (std::optional<WallTime> Outcome::* unknown : {&Outcome::started_at, &Outcome::finished_at}) {
    auto outcome = ended(1, 1);
    outcome.*unknown = std::nullopt;
    auto agent = present().prepared().with(outcome);
    agent.wanted().active_deadline = seconds{1};
    EXPECT_EQ(told(agent.decide()), "52 create");
  }
}

TEST(DecideEdges, KeepsAFinishedOnePastItsTimeToLiveWhoseOutcomeIsUnsaved) {
  auto agent = unsaved(present().with(exited(1, 0)));
  agent->ttl = at_start().mono;
  EXPECT_EQ(told(agent.decide()), "37 none");
  EXPECT_EQ(phase(agent.decide()), "Succeeded/Completed");
}

TEST(DecideEdges, LooksAtOnceWhereItHasNotLookedYet) {
  auto image = present();
  image.wanted().pull_policy = ImagePullPolicy::never;
  image.next().image = Preparation::Image::absent;
  EXPECT_EQ(told(image.decide()), "45 inspect image");
  auto workspace = present().prepared();
  workspace.next().workspace = Preparation::Workspace::refused;
  EXPECT_EQ(told(workspace.decide()), "50 check workspace");
}

// Without a wanted version.

TEST(DecideEdges, StartsNothingWhereNoVersionIsKnown) {
  EXPECT_EQ(told(without_version(present()).decide()), "47 none");
  EXPECT_EQ(told(without_version(present()).with(created(1)).decide()), "27 remove id-1");
  EXPECT_EQ(told(without_version(present()).with(ended(1, 0)).decide()), "37 none");
}

TEST(DecideEdges, StopsWhatRunsOnlyWhereAVersionIsKnown) {
  const auto decision = without_version(present()).with(running(1)).decide();
  EXPECT_EQ(decision.action, Action::none);
  EXPECT_EQ(phase(decision), "Running");
}

TEST(DecideEdges, TellsAPullWhoseImageIsNotKnown) {
  auto agent = without_version(present());
  agent->in_flight = InFlight::pull;
  EXPECT_EQ(told(agent.decide()), "2 none");
  EXPECT_EQ(phase(agent.decide()), "Pulling");
}

TEST(DecideEdges, ShowsTheEndOfAnAgentThatWasNeverGood) {
  EXPECT_EQ(phase(without_version(Agent{Want::never_good}).with(ended(1, 3)).decide()), "Failed/Error");
}

TEST(DecideEdges, LeavesADeniedFinishedOneFinishedWithoutAVersion) {
  EXPECT_EQ(told(without_version(Agent{Want::denied}).with(ended(1, 0)).decide()), "37 none");
}

}  // namespace
}  // namespace cofferdam::reconciler
