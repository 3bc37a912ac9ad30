// Rows 1 to 18: gates, surplus, unwanted.

#include "tests/reconciler/view_builder.hpp"

namespace cofferdam::reconciler {
namespace {

Stop term_answered(StopCause cause, seconds ago) {
  Stop stop = recorded(cause);
  stop.term_tried = stop.term_answered = at_start().mono - ago;
  stop.term_tries = 1;
  return stop;
}

ContainerView stopping(std::int64_t attempt, Stop stop) {
  ContainerView view = running(attempt);
  view.stop = std::move(stop);
  return view;
}

ContainerView dirty(ContainerView view) {
  view.dirty = true;
  return view;
}

TEST(DecideGates, DoesNothingWhileTheSandboxIsOff) {
  EngineView engine = ready_engine();
  engine.sandbox_enabled = false;
  for (const Want want : {Want::absent, Want::remove, Want::suspended, Want::present}) {
    const auto decision = Agent{want}.with(running(1)).prepared().decide(at_start(), engine);
    EXPECT_EQ(told(decision), "1 none");
    EXPECT_EQ(phase(decision), "unchanged/SandboxDisabled");
  }
}

TEST(DecideGates, DoesNothingBeforeStateFolderAndEngineAreKnown) {
  for (bool EngineView::* unknown : {&EngineView::state_known, &EngineView::scanned, &EngineView::listed}) {
    EngineView engine = ready_engine();
    engine.*unknown = false;
    EXPECT_EQ(told(Agent{Want::absent}.with(running(1)).decide(at_start(), engine)), "1 none");
    EXPECT_EQ(told(present().prepared().decide(at_start(), engine)), "1 none");
  }
}

TEST(DecideGates, SaysWhatItWaitsForAtTheStart) {
  EngineView engine = ready_engine();
  engine.listed = false;
  engine.engine_why = "unix:///x: refused";
  EXPECT_EQ(phase(present().decide(at_start(), engine)), "unchanged/EngineUnknown");
  EXPECT_EQ(present().decide(at_start(), engine).message, "unix:///x: refused");
  engine.state_known = false;
  EXPECT_EQ(phase(present().decide(at_start(), engine)), "unchanged/Starting");
}

TEST(DecideGates, WaitsForTheRequestInFlight) {
  for (const InFlight flight : {InFlight::call, InFlight::save, InFlight::check}) {
    auto agent = present().prepared();
    agent->in_flight = flight;
    EXPECT_EQ(told(agent.decide()), "2 none");
  }
}

TEST(DecideGates, KeepsPullingWhileTheImageIsWanted) {
  auto agent = present();
  agent.next().image = Preparation::Image::absent;
  agent->in_flight = InFlight::pull;
  EXPECT_EQ(told(agent.decide()), "2 none");
  EXPECT_EQ(phase(agent.decide()), "Pulling");
}

TEST(DecideGates, CancelsAPullThatNobodyWantsAnyMore) {
  for (const Want want : {Want::absent, Want::remove, Want::suspended, Want::denied}) {
    Agent agent{want};
    agent->in_flight = InFlight::pull;
    EXPECT_EQ(told(agent.decide()), "2 cancel pull") << name_of(want);
  }
}

TEST(DecideGates, CancelsAPullWhenAStopIsDue) {
  auto agent = present().edited();
  agent.next().image = Preparation::Image::absent;
  agent->in_flight = InFlight::pull;
  auto late = running(1);
  late.deadline = at_start().mono;
  EXPECT_EQ(told(agent.with(late).decide()), "2 cancel pull");
}

TEST(DecideGates, PullsForAReplacementWhileTheOldOneRuns) {
  auto agent = present().edited().with(running(1));
  agent.next().image = Preparation::Image::absent;
  agent->in_flight = InFlight::pull;
  EXPECT_EQ(told(agent.decide()), "2 none");
  EXPECT_EQ(phase(agent.decide()).substr(0, 7), "Running");
}

TEST(DecideGates, CarriesARecordedStopOutWithTermFirst) {
  const auto decision = Agent{Want::absent}.with(stopping(1, recorded(StopCause::spec_removed))).decide();
  EXPECT_EQ(told(decision), "3 kill TERM id-1");
  EXPECT_EQ(phase(decision), "Stopping/SpecRemoved");
}

TEST(DecideGates, TriesTermAgainAfterOneTwoFourSecondsAndAtMostSixty) {
  for (const auto& [tries, delay] : std::vector<std::pair<int, int>>{{1, 1}, {2, 2}, {3, 4}, {6, 32}, {7, 60}, {40, 60}}) {
    Stop stop = recorded(StopCause::suspended);
    stop.term_tries = tries;
    stop.term_tried = at_start().mono;
    const Agent agent = Agent{Want::suspended}.with(stopping(1, stop));
    const auto early = agent.decide(later(at_start(), seconds{delay} - std::chrono::milliseconds{1}));
    EXPECT_EQ(told(early), "3 none") << tries;
    EXPECT_EQ(early.wake_at, at_start().mono + seconds{delay}) << tries;
    EXPECT_EQ(told(agent.decide(later(at_start(), seconds{delay}))), "3 kill TERM id-1") << tries;
  }
}

TEST(DecideGates, KillsWhenTheStopTimeIsOver) {
  auto agent = Agent{Want::absent}.with(stopping(1, term_answered(StopCause::spec_removed, seconds{29})));
  agent.wanted().stop_timeout = seconds{30};
  EXPECT_EQ(told(agent.decide()), "3 none");
  EXPECT_EQ(agent.decide().wake_at, at_start().mono + seconds{1});
  EXPECT_EQ(told(agent.decide(later(at_start(), seconds{1}))), "3 kill KILL id-1");
}

TEST(DecideGates, GivesDuplicatesAndViolatorsAtMostTenSeconds) {
  for (const StopCause cause : {StopCause::duplicate, StopCause::started_by_others, StopCause::hardening_violated}) {
    auto agent = present().with(stopping(1, term_answered(cause, seconds{10})));
    agent.wanted().stop_timeout = seconds{300};
    EXPECT_EQ(told(agent.decide()), "3 kill KILL id-1") << name_of(cause);
  }
  auto own = present().with(stopping(1, term_answered(StopCause::outdated, seconds{10})));
  own.wanted().stop_timeout = seconds{300};
  EXPECT_EQ(told(own.decide()), "3 none");
}

TEST(DecideGates, KillsAgainAfterFiveTenAndAtMostSixtySeconds) {
  for (const auto& [tries, delay] : std::vector<std::pair<int, int>>{{1, 5}, {2, 10}, {4, 40}, {5, 60}, {9, 60}}) {
    Stop stop = term_answered(StopCause::spec_removed, seconds{100});
    stop.kill_tries = tries;
    stop.first_kill = stop.kill_tried = at_start().mono;
    const Agent agent = Agent{Want::absent}.with(stopping(1, stop));
    EXPECT_EQ(told(agent.decide(later(at_start(), seconds{delay} - std::chrono::milliseconds{1}))), "3 none") << tries;
    EXPECT_EQ(told(agent.decide(later(at_start(), seconds{delay}))), "3 kill KILL id-1") << tries;
  }
}

TEST(DecideGates, TellsWhatWillNotDieAfterThirtySeconds) {
  Stop stop = term_answered(StopCause::spec_removed, seconds{100});
  stop.kill_tries = 5;
  stop.first_kill = at_start().mono - seconds{30};
  stop.kill_tried = at_start().mono;
  EXPECT_EQ(phase(Agent{Want::absent}.with(stopping(1, stop)).decide()), "Stuck/WillNotDie");
}

TEST(DecideGates, LooksBeforeItKillsWhatAnsweredThatItDoesNotRun) {
  auto container = stopping(1, term_answered(StopCause::spec_removed, seconds{100}));
  container.look_first = true;
  container.dirty = true;
  EXPECT_EQ(told(Agent{Want::absent}.with(container).decide()), "6 inspect id-1");
}

TEST(DecideGates, LooksAtDirtyOnesWhileAStopWaits) {
  const auto agent =
      Agent{Want::absent}.with(dirty(stopping(2, term_answered(StopCause::spec_removed, seconds{1})))).with(exited(1, 0));
  EXPECT_EQ(told(agent.decide()), "6 inspect id-2");
}

TEST(DecideGates, StopsAnotherLiveOneWhileAStopWaits) {
  const auto agent = present().with(stopping(2, term_answered(StopCause::outdated, seconds{1}))).with(running(1));
  EXPECT_EQ(told(agent.decide()), "10 stop id-1 Duplicate");
}

TEST(DecideGates, StopsWhatIsPastItsDeadlineWhateverIsWanted) {
  for (const Want want : {Want::held, Want::never_good, Want::denied, Want::present}) {
    auto container = running(1);
    container.deadline = at_start().mono;
    EXPECT_EQ(told(Agent{want}.with(container).decide()), "4 stop id-1 DeadlineExceeded") << name_of(want);
    container.deadline = at_start().mono + seconds{1};
    const auto decision = Agent{want}.with(container).decide();
    EXPECT_EQ(decision.action, Action::none) << name_of(want);
    EXPECT_EQ(decision.wake_at, container.deadline) << name_of(want);
  }
}

TEST(DecideGates, StopsAViolatorIfPolicySaysSoAndTheBudgetAllows) {
  auto violator = running(1);
  violator.violated = true;
  auto agent = present().with(violator);
  EXPECT_EQ(told(agent.decide()), "4 stop id-1 HardeningViolated");
  EngineView report = ready_engine();
  report.on_violation = specs::OnViolation::report;
  EXPECT_EQ(told(agent.decide(at_start(), report)), "26 none");
  agent->violation_budget_left = false;
  EXPECT_EQ(told(agent.decide()), "26 none");
}

TEST(DecideGates, LeavesAnAgentAloneWhoseCallBudgetIsUsedUp) {
  auto agent = present().prepared();
  agent->budget_left = false;
  agent->budget_at = at_start().mono + seconds{20};
  EXPECT_EQ(told(agent.decide()), "5 none");
  EXPECT_EQ(phase(agent.decide()), "unchanged/Throttled");
  EXPECT_EQ(agent.decide().wake_at, at_start().mono + seconds{20});
}

TEST(DecideGates, StopsInSpiteOfAUsedUpBudget) {
  auto agent = Agent{Want::absent}.with(stopping(1, recorded(StopCause::spec_removed)));
  agent->budget_left = false;
  EXPECT_EQ(told(agent.decide()), "3 kill TERM id-1");
}

TEST(DecideGates, InspectsWhatIsDirtyOrEndedUnseenOrCreatedUnseen) {
  EXPECT_EQ(told(present().with(dirty(running(1))).decide()), "6 inspect id-1");
  for (auto unseen : {exited(1, 0), created(1)}) {
    unseen.inspected = false;
    EXPECT_EQ(told(present().with(unseen).decide()), "6 inspect id-1");
  }
  auto listed = running(1);
  listed.inspected = false;
  EXPECT_EQ(told(present().with(listed).decide()), "26 none") << "an agent in sync costs no inspect";
}

TEST(DecideGates, WaitsForTheRetryOfAFailedInspect) {
  auto container = dirty(running(1));
  container.inspect_retry = at_start().mono + seconds{5};
  container.inspect_failures = 1;
  const auto decision = present().edited().prepared().with(container).decide();
  EXPECT_EQ(told(decision), "6 none");
  EXPECT_EQ(phase(decision), "BackOff/inspect");
  EXPECT_EQ(decision.wake_at, container.inspect_retry);
  container.inspect_failures = 3;
  EXPECT_EQ(phase(present().with(container).decide()), "Stuck/inspect");
}

TEST(DecideGates, StopsADuplicateWhileAnInspectIsRetried) {
  auto container = dirty(running(2));
  container.inspect_retry = at_start().mono + seconds{5};
  EXPECT_EQ(told(present().with(container).with(running(1)).decide()), "10 stop id-1 Duplicate");
}

TEST(DecideGates, SavesTheOutcomeOfTheNewestThatEnded) {
  EXPECT_EQ(told(present().with(exited(2, 1)).with(exited(1, 1)).decide()), "7 save outcome id-2");
  EXPECT_EQ(told(present().with(created(3)).with(exited(2, 1)).with(ended(1, 1)).decide()), "7 save outcome id-2");
  auto failed_start = created(1);
  failed_start.start_failed_code = 127;
  EXPECT_EQ(told(present().with(failed_start).decide()), "7 save outcome id-1");
}

TEST(DecideGates, TakesASavedOutcomeAsTheVerdict) {
  const auto decision = present().with(exited(1, 1)).with(ended(1, 0)).decide();
  EXPECT_EQ(phase(decision), "Succeeded/Completed") << "a later end of the same container changes nothing";
}

TEST(DecideGates, RemovesNothingWhoseOutcomeIsUnsaved) {
  auto agent = Agent{Want::remove}.with(created(3)).with(exited(2, 1));
  agent->outcome_save_retry = at_start().mono + seconds{3};
  EXPECT_EQ(told(agent.decide()), "17 none");
  EXPECT_EQ(phase(agent.decide()), "Stopping/StateUnwritable");
  EXPECT_EQ(agent.decide().wake_at, at_start().mono + seconds{3});
  agent->want = Want::absent;
  EXPECT_EQ(told(agent.decide()), "17 remove id-3") << "a spec that is gone frees even so";
}

TEST(DecideGates, MakesTheNextAttemptBesideAnUnsavedOutcome) {
  auto agent = present().prepared().with(exited(1, 1));
  agent->outcome_save_retry = at_start().mono + seconds{3};
  EXPECT_EQ(told(agent.decide()), "52 create");
}

TEST(DecideGates, WaitsForTheRetryOfAFailedCall) {
  auto agent = present().prepared();
  agent->failed = FailedCall{"create", "", "container create: 500: no space", false, at_start().mono + seconds{4}};
  EXPECT_EQ(told(agent.decide()), "8 none");
  EXPECT_EQ(phase(agent.decide()), "BackOff/create");
  EXPECT_EQ(agent.decide().wake_at, at_start().mono + seconds{4});
  agent->failed->stuck = true;
  EXPECT_EQ(phase(agent.decide()), "Stuck/create");
  EXPECT_EQ(told(agent.decide(later(at_start(), seconds{4}))), "52 create");
}

TEST(DecideGates, TellsAFailedCallOfALiveAgentAsNotUpToDate) {
  auto agent = present().edited().with(running(1));
  agent->failed = FailedCall{"pull", "ImagePull", "refused", false, at_start().mono + seconds{4}};
  EXPECT_EQ(phase(agent.decide()), "Running");
  EXPECT_EQ(condition(agent.decide(), "UpToDate"), "False/ImagePull");
}

TEST(DecideGates, StopsForeignStartsWhileACallBacksOff) {
  auto agent = present().with(running(2)).with(running(1));
  agent->failed = FailedCall{"pull", "ImagePull", "refused", false, at_start().mono + seconds{4}};
  EXPECT_EQ(told(agent.decide()), "10 stop id-1 Duplicate");
  auto again = present().with(running(1)).with(ended(1, 0));
  again->failed = agent->failed;
  EXPECT_EQ(told(again.decide()), "12 stop id-1 StartedByOthers");
}

TEST(DecideGates, LeavesHeldAndNeverGoodAgentsAsTheyAre) {
  for (const Want want : {Want::held, Want::never_good}) {
    EXPECT_EQ(told(Agent{want}.edited().with(running(1)).decide()), "9 none");
    EXPECT_EQ(phase(Agent{want}.with(running(1)).decide()), "Running");
    EXPECT_EQ(told(Agent{want}.prepared().with(exited(1, 1)).with(ended(1, 1)).decide()), "9 none") << "nothing is restarted";
    EXPECT_EQ(told(Agent{want}.with(running(2)).with(running(1)).decide()), "10 stop id-1 Duplicate");
  }
}

TEST(DecideGates, TellsAFileThatWasNeverGood) {
  Agent agent{Want::never_good};
  agent->invalid = {{{"bot.yaml", 3, 5}, "spec.memoryMB", "found \"lots\"", "an integer", ""}};
  EXPECT_EQ(phase(agent.decide()), "Invalid/SpecInvalid");
  EXPECT_EQ(agent.decide().message, "bot.yaml:3:5: spec.memoryMB: found \"lots\"; an integer");
}

TEST(DecideSurplus, KeepsTheNewestOfSeveralLiveOnes) {
  EXPECT_EQ(told(present().with(running(3)).with(running(2)).with(running(1)).decide()), "10 stop id-2 Duplicate");
  EXPECT_EQ(told(present().with(created(4)).with(running(3)).with(running(2)).decide()), "10 stop id-2 Duplicate");
}

TEST(DecideSurplus, StopsAnOlderOneThatSomebodyStarted) {
  EXPECT_EQ(told(present().with(created(2)).with(running(1)).decide()), "11 stop id-1 StartedByOthers");
  EXPECT_EQ(told(present().with(ended(2, 0)).with(running(1)).decide()), "11 stop id-1 StartedByOthers");
}

TEST(DecideSurplus, WelcomesBackWhatWasInterrupted) {
  auto outcome = ended(1, 137);
  outcome.interrupted = true;
  EXPECT_EQ(told(present().with(running(1)).with(outcome).decide()), "12 drop outcome id-1");
  EXPECT_EQ(told(present().with(running(1)).with(ended(1, 1)).decide()), "12 drop outcome id-1");
}

TEST(DecideSurplus, StopsAFinishedOneThatSomebodyStartedAgain) {
  EXPECT_EQ(told(present().with(running(1)).with(ended(1, 0)).decide()), "12 stop id-1 StartedByOthers");
}

TEST(DecideSurplus, RemovesWhatWasMadeLateUnderTheNumberOfOneThatEnded) {
  auto late = created(1);
  late.id = "id-late";
  EXPECT_EQ(told(present().with(late).with(ended(1, 0)).decide()), "15 remove id-late");
  EXPECT_EQ(told(present().with(late).with(ended(1, 1)).decide()), "15 remove id-late");
  EXPECT_NE(told(present().with(created(1)).with(ended(1, 127)).decide()), "15 remove id-1") << "its own record";
}

ContainerView dead(std::int64_t attempt) {
  auto view = exited(attempt, 1);
  view.state = ContainerState::dead;
  return view;
}

TEST(DecideSurplus, RemovesADeadOneByForceOnceItsOutcomeIsKept) {
  EXPECT_EQ(told(present().with(dead(1)).decide()), "7 save outcome id-1");
  EXPECT_EQ(told(present().with(dead(1)).with(ended(1, 1)).decide()), "13 remove (forced) id-1");
}

TEST(DecideSurplus, CountsADeadOneAsGoneAfterAMinuteAndTriesEveryTenMinutes) {
  auto stubborn = dead(1);
  stubborn.removal_since = at_start().mono;
  stubborn.removal_retry = at_start().mono + seconds{70};
  auto agent = present().prepared().with(stubborn).with(ended(1, 1));
  EXPECT_EQ(phase(agent.decide(later(at_start(), seconds{59}))), "Stuck/RemovalFailed");
  const auto gone = agent.decide(later(at_start(), seconds{60}));
  EXPECT_EQ(told(gone), "52 create");
  EXPECT_EQ(gone.attempt, 2) << "its number stays taken";
  EXPECT_EQ(condition(gone, "Leftover"), "True/RemovalFailed");
  EXPECT_EQ(told(agent.decide(later(at_start(), seconds{70}))), "13 remove (forced) id-1");
}

TEST(DecideSurplus, WaitsAMinuteForTheCurrentOneBeingRemoved) {
  auto going = container(1, ContainerState::removing);
  going.removing_since = at_start().mono;
  auto agent = present().prepared().with(going);
  EXPECT_EQ(told(agent.decide()), "14 none");
  EXPECT_EQ(phase(agent.decide()), "Stopping");
  EXPECT_EQ(agent.decide().wake_at, at_start().mono + seconds{60});
  const auto gone = agent.decide(later(at_start(), seconds{60}));
  EXPECT_EQ(told(gone), "52 create");
  EXPECT_EQ(gone.attempt, 2);
}

TEST(DecideGates, SavesTheOutcomeOfWhatSomebodyElseRemovesWhileItIsStillThere) {
  auto going = exited(2, 137);
  going.state = ContainerState::removing;
  going.inspected = false;
  EXPECT_EQ(told(present().with(going).with(ended(1, 1)).decide()), "6 inspect id-2");
  going.inspected = true;
  EXPECT_EQ(told(present().with(going).with(ended(1, 1)).decide()), "7 save outcome id-2");
  EXPECT_EQ(told(present().with(going).with(ended(2, 137)).decide()), "14 none");
}

TEST(DecideSurplus, DoesNotWaitForAnOlderOneBeingRemoved) {
  EXPECT_EQ(told(present().with(running(2)).with(container(1, ContainerState::removing)).decide()), "26 none");
}

TEST(DecideSurplus, KeepsTheCurrentAndTheNewestOtherThatRan) {
  auto agent = present().with(running(4)).with(created(3)).with(exited(2, 1)).with(exited(1, 1)).with(ended(2, 1));
  EXPECT_EQ(told(agent.decide()), "15 remove id-3");
  auto rest = present().with(running(4)).with(exited(2, 1)).with(exited(1, 1)).with(ended(2, 1));
  EXPECT_EQ(told(rest.decide()), "15 remove id-1");
  EXPECT_EQ(told(present().with(running(4)).with(exited(2, 1)).with(ended(2, 1)).decide()), "26 none");
}

TEST(DecideUnwanted, StopsWhatIsNoLongerWanted) {
  EXPECT_EQ(told(Agent{Want::absent}.with(running(1)).decide()), "16 stop id-1 SpecRemoved");
  EXPECT_EQ(told(Agent{Want::remove}.with(running(1)).decide()), "16 stop id-1 SpecRemoved");
  EXPECT_EQ(told(Agent{Want::suspended}.with(container(1, ContainerState::paused)).decide()), "16 stop id-1 Suspended");
}

TEST(DecideUnwanted, RemovesWhatDoesNotRun) {
  for (const Want want : {Want::absent, Want::remove, Want::suspended}) {
    EXPECT_EQ(told(Agent{want}.with(created(1)).decide()), "17 remove id-1");
    EXPECT_EQ(told(Agent{want}.with(exited(1, 0)).with(ended(1, 0)).decide()), "17 remove id-1");
  }
}

TEST(DecideUnwanted, EndsTheRecordsOfAnAgentThatIsGone) {
  EXPECT_EQ(told(Agent{Want::absent}.with(ended(1, 0)).decide()), "18 drop records");
  EXPECT_EQ(phase(Agent{Want::absent}.decide()), "Removed");
  EXPECT_EQ(told(Agent{Want::remove}.with(ended(1, 0)).decide()), "18 none");
  EXPECT_EQ(phase(Agent{Want::remove}.decide()), "Removed");
  EXPECT_EQ(phase(Agent{Want::suspended}.with(ended(1, 0)).decide()), "Suspended");
}

TEST(DecideUnwanted, NamesALiveLookAlikeAndTheMend) {
  const auto decision = Agent{Want::absent}.with(suspect(ContainerState::running)).decide();
  EXPECT_EQ(told(decision), "18 none");
  EXPECT_EQ(phase(decision), "Stuck/SuspectContainer");
  EXPECT_NE(decision.message.find("docker rm -f look-alike"), std::string::npos);
}

}  // namespace
}  // namespace cofferdam::reconciler
