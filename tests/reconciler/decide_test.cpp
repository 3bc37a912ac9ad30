// Rows 19 to 52: denied, live, created, ended, next.

#include "tests/reconciler/view_builder.hpp"

namespace cofferdam::reconciler {
namespace {

using specs::ImagePullPolicy;
using specs::RestartPolicy;

Agent denied() {
  Agent agent{Want::denied};
  agent->refusals = {{{"bot.yaml", 9, 3}, "spec.networkMode", "host is never allowed", "use none", "network-host"}};
  return agent;
}

TEST(DecideDenied, StopsNothingThatRuns) {
  EXPECT_EQ(told(denied().edited().with(running(1)).decide()), "19 none");
  EXPECT_EQ(phase(denied().with(running(1)).decide()), "Running");
}

TEST(DecideDenied, RemovesWhatWasNotStartedYet) {
  EXPECT_EQ(told(denied().with(created(1)).decide()), "20 remove id-1");
  EXPECT_EQ(phase(denied().with(created(1)).decide()), "Denied/NetworkHost");
}

TEST(DecideDenied, StartsNothingAndTellsTheRule) {
  const auto decision = denied().prepared().decide();
  EXPECT_EQ(told(decision), "21 none");
  EXPECT_EQ(phase(decision), "Denied/NetworkHost");
  EXPECT_EQ(decision.message, "bot.yaml:9:3: spec.networkMode: host is never allowed; use none [network-host]");
  EXPECT_EQ(phase(denied().with(exited(1, 1)).with(ended(1, 1)).decide()), "Denied/NetworkHost");
}

TEST(DecideDenied, LeavesAFinishedOneFinished) {
  EXPECT_EQ(phase(denied().with(exited(1, 0)).with(ended(1, 0)).decide()), "Succeeded/Completed");
  EXPECT_EQ(told(denied().with(exited(1, 0)).with(ended(1, 0)).decide()), "37 none");
}

TEST(DecideLive, AcceptsASpecThatIsWrittenDifferentlyAndMeansTheSame) {
  EXPECT_EQ(told(present().written_differently().with(running(1)).decide()), "21b accept run-hash id-1");
  EXPECT_EQ(told(present().written_differently().with(ended(1, 0)).decide()), "21b accept run-hash");
  auto failing = present().written_differently().with(running(1));
  failing->accept_failed = true;
  EXPECT_EQ(told(failing.decide()), "26 none");
}

TEST(DecideLive, HoldsAnAcceptedRunHashAgainstTheAttemptItWasAcceptedFor) {
  auto agent = present().written_differently().outdated().with(running(1));
  agent->accepted_run_hash = "run-b";
  agent->accepted_attempt = 1;
  EXPECT_EQ(condition(agent.decide(), "UpToDate"), "False/Outdated");
  agent->accepted_attempt = 2;
  EXPECT_EQ(told(agent.prepared().decide()), "24 stop id-1 SpecChanged");
}

TEST(DecideLive, NeverStartsBesideAGhost) {
  auto ghost = running(1);
  ghost.ghost = true;
  EXPECT_EQ(told(present().edited().prepared().with(ghost).decide()), "22 none");
  EXPECT_EQ(phase(present().with(ghost).decide()), "Stuck/Ghost");
  EngineView remote = ready_engine();
  remote.local = false;
  EXPECT_EQ(told(present().with(ghost).decide(at_start(), remote)), "26 none") << "a remote pid says nothing here";
}

TEST(DecideLive, ReplacesContainerWhenItsSpecWasEdited) {
  const auto decision = present().edited().prepared().with(running(1)).decide();
  EXPECT_EQ(told(decision), "24 stop id-1 SpecChanged");
  EXPECT_EQ(condition(decision, "UpToDate"), "False/SpecChanged");
}

TEST(DecideLive, PreparesTheNewVersionWhileTheOldOneRuns) {
  auto agent = present().edited().with(running(1));
  EXPECT_EQ(told(agent.decide()), "47 inspect image");
  agent.next().image = Preparation::Image::absent;
  EXPECT_EQ(told(agent.decide()), "46 pull");
  EXPECT_EQ(phase(agent.decide()), "Running");
  agent.prepared().next().workspace = Preparation::Workspace::unchecked;
  EXPECT_EQ(told(agent.decide()), "49 check workspace");
}

TEST(DecideLive, KeepsTheOldOneWhileTheNewVersionCannotStart) {
  auto agent = present().edited().prepared().with(running(1));
  agent.next().image_refused = {
      {{"bot.yaml", 4, 3}, "spec.image", "declares volumes", "set policy.allowImageVolumes", "image-volumes"}};
  EXPECT_EQ(told(agent.decide()), "48 none");
  EXPECT_EQ(phase(agent.decide()), "Running");
  EXPECT_EQ(condition(agent.decide(), "UpToDate"), "False/ImageVolumes");
}

TEST(DecideLive, ReplacesAnOutdatedOneOnlyUnderAlwaysAndInItsTurn) {
  auto agent = present().outdated().prepared().with(running(1));
  EXPECT_EQ(told(agent.decide()), "26 none");
  EXPECT_EQ(condition(agent.decide(), "UpToDate"), "False/Outdated");
  agent.restart(RestartPolicy::always);
  EXPECT_EQ(told(agent.decide()), "26 none");
  agent->rollout_turn = true;
  EXPECT_EQ(told(agent.decide()), "24 stop id-1 Outdated");
  agent.restart(RestartPolicy::on_failure);
  EXPECT_EQ(told(agent.decide()), "26 none");
}

TEST(DecideLive, ComparesOnlyRunHashesAcrossSchemaNumbers) {
  auto older = running(1);
  older.schema = 0;
  older.config_hash = "hashed by other rules";
  EXPECT_EQ(condition(present().with(older).decide(), "UpToDate"), "True");
  EXPECT_EQ(told(present().written_differently().prepared().with(older).decide()), "24 stop id-1 SpecChanged");
}

TEST(DecideLive, TakesBackWhatTheEngineWasToldToRestart) {
  auto updated = running(1);
  updated.engine_restart_policy = true;
  EXPECT_EQ(told(present().with(updated).decide()), "25 stop id-1 OutOfBandUpdate");
  EXPECT_EQ(told(present().with(container(1, ContainerState::restarting)).decide()), "25 stop id-1 OutOfBandUpdate");
}

TEST(DecideLive, LeavesAnAgentInSyncAlone) {
  const auto decision = present().with(running(1)).decide();
  EXPECT_EQ(told(decision), "26 none");
  EXPECT_EQ(phase(decision), "Running");
  EXPECT_EQ(condition(decision, "UpToDate"), "True");
  EXPECT_FALSE(decision.wake_at);
}

TEST(DecideLive, SaysThatSomebodyPausedIt) {
  EXPECT_EQ(phase(present().with(container(1, ContainerState::paused)).decide()), "Running/PausedByOthers");
}

TEST(DecideCreated, RemovesACreatedOneWhoseSpecChanged) {
  EXPECT_EQ(told(present().edited().with(created(1)).decide()), "27 remove id-1");
  EXPECT_EQ(told(present().outdated().with(created(1)).decide()), "27 remove id-1");
  auto older = created(1);
  older.schema = 0;
  EXPECT_EQ(told(present().with(older).decide()), "27 remove id-1");
}

TEST(DecideCreated, NeverStartsWhatIsWeakerThanAsked) {
  auto weaker = created(1);
  weaker.weaker = "Memory: asked 512 MiB, got no limit";
  const auto decision = present().prepared().with(weaker).decide();
  EXPECT_EQ(told(decision), "28 note and remove id-1");
  EXPECT_EQ(phase(decision), "Stuck/LimitDiscarded");
}

TEST(DecideCreated, CountsAFailedStartOfTheCommandAsAnEnd) {
  auto failed = created(1);
  failed.start_failed_code = 127;
  auto outcome = ended(1, 127);
  outcome.start_failed = true;
  auto agent = present().prepared().with(failed).with(outcome);
  agent->next_try = at_start().mono + seconds{1};
  EXPECT_EQ(told(agent.decide()), "41 none");
  EXPECT_EQ(phase(agent.decide()), "BackOff/StartError");
  EXPECT_EQ(told(agent.decide(later(at_start(), seconds{1}))), "52 create");
  EXPECT_EQ(phase(agent.restart(RestartPolicy::never).decide()), "Failed/StartError");
}

TEST(DecideCreated, LooksAtTheWorkspaceOnceMoreBeforeTheStart) {
  auto container = created(1);
  EXPECT_EQ(told(present().prepared().with(container).decide()), "30 check workspace id-1");
  container.workspace_rechecked = true;
  EXPECT_EQ(told(present().prepared().with(container).decide()), "31 start id-1");
  EXPECT_EQ(phase(present().prepared().with(container).decide()), "Starting");
}

TEST(DecideCreated, DoesNotStartBesideALookAlikeOrInABusyWorkspace) {
  auto container = created(1);
  container.workspace_rechecked = true;
  EXPECT_EQ(phase(present().prepared().with(suspect(ContainerState::running)).with(container).decide()),
            "Stuck/SuspectContainer");
  EXPECT_EQ(told(present().prepared().with(suspect(ContainerState::exited)).with(container).decide()), "31 start id-1");
  auto busy = present().prepared().with(container);
  busy.next().workspace_busy = "other-container mounts /srv/w/bot";
  EXPECT_EQ(told(busy.decide()), "30 none");
  EXPECT_EQ(phase(busy.decide()), "Pending/WorkspaceBusy");
}

TEST(DecideCreated, DoesNotStartWhenTheSecondLookIsRefusedOrHangs) {
  auto agent = present().prepared().with(created(1));
  agent.next().workspace = Preparation::Workspace::refused;
  agent.next().workspace_refused = {
      {{"bot.yaml", 5, 3}, "spec.workspacePath", "is a symbolic link", "name the directory", "workspace-link"}};
  agent.next().workspace_looked = at_start().mono;
  EXPECT_EQ(told(agent.decide()), "30b none");
  EXPECT_EQ(phase(agent.decide()), "Denied/WorkspaceLink");
  EXPECT_EQ(agent.decide().wake_at, at_start().mono + seconds{60});
  EXPECT_EQ(told(agent.decide(later(at_start(), seconds{60}))), "50 check workspace");
  agent.next().workspace = Preparation::Workspace::hung;
  EXPECT_EQ(phase(agent.decide()), "Stuck/WorkspaceHung");
}

TEST(DecideCreated, NeverStartsWhileAnotherOfItsContainersMayBeLive) {
  auto ready = created(2);
  ready.workspace_rechecked = true;
  auto dying = running(1);
  dying.stop = recorded(StopCause::started_by_others);
  dying.look_first = true;  // answered 409, and the look has not cleared it
  EXPECT_EQ(told(present().prepared().with(ready).with(dying).decide()), "30 none");
}

/// Restart policy × end → what follows.
struct EndCase {
  RestartPolicy policy;
  Outcome outcome;
  std::string told;
  std::string phase;
};

TEST(DecideEnded, FollowsRestartPolicyAndEnd) {
  const auto oom = [] {
    auto outcome = ended(1, 137);
    outcome.oom_killed = true;
    return outcome;
  }();
  const auto interrupted = [] {
    auto outcome = ended(1, 0);
    outcome.interrupted = true;
    return outcome;
  }();
  const std::vector<EndCase> cases{
      {RestartPolicy::never, ended(1, 0), "37 none", "Succeeded/Completed"},
      {RestartPolicy::never, ended(1, 3), "38 none", "Failed/Error"},
      {RestartPolicy::never, oom, "38 none", "Failed/OOMKilled"},
      {RestartPolicy::never, interrupted, "36 none", "Failed/Interrupted"},
      {RestartPolicy::on_failure, ended(1, 0), "37 none", "Succeeded/Completed"},
      {RestartPolicy::on_failure, ended(1, 3), "41 none", "BackOff/Error"},
      {RestartPolicy::on_failure, oom, "41 none", "BackOff/OOMKilled"},
      {RestartPolicy::on_failure, interrupted, "41 none", "BackOff/Interrupted"},
      {RestartPolicy::always, ended(1, 0), "41 none", "BackOff/Completed"},
      {RestartPolicy::always, ended(1, 3), "41 none", "BackOff/Error"},
      {RestartPolicy::always, interrupted, "41 none", "BackOff/Interrupted"},
  };
  for (const auto& one : cases) {
    auto agent = present().restart(one.policy).prepared().with(exited(1, *one.outcome.exit_code)).with(one.outcome);
    agent->next_try = at_start().mono + seconds{1};
    EXPECT_EQ(told(agent.decide()), one.told) << one.phase;
    EXPECT_EQ(phase(agent.decide()), one.phase);
  }
}

TEST(DecideEnded, MakesTheNextAttemptAtOnceAfterAnOrderedStop) {
  for (const StopCause cause : {StopCause::spec_changed, StopCause::outdated, StopCause::suspended, StopCause::spec_removed,
                                StopCause::duplicate, StopCause::started_by_others}) {
    auto outcome = ended(1, 143);
    outcome.stopped = cause;
    outcome.restarts = 2;
    auto agent = present().restart(RestartPolicy::never).prepared().with(outcome);
    agent->next_try = at_start().mono + seconds{60};
    const auto decision = agent.decide();
    EXPECT_EQ(told(decision), "52 create") << name_of(cause);
    EXPECT_EQ(decision.restarts, 2) << name_of(cause);
  }
}

TEST(DecideEnded, StartsAFinishedAgentAfreshWhenItsSpecWasEdited) {
  auto outcome = ended(4, 0);
  outcome.restarts = 3;
  outcome.failures = 3;
  const auto decision = present().edited().prepared().with(outcome).decide();
  EXPECT_EQ(told(decision), "52 create");
  EXPECT_EQ(decision.attempt, 5);
  EXPECT_EQ(decision.restarts, 0);
  EXPECT_EQ(decision.failures, 0);
}

TEST(DecideEnded, NeverRunsAFinishedAgentAgainForTheSameSpec) {
  for (auto agent : {present().prepared().with(ended(1, 0)), present().outdated().prepared().with(ended(1, 0))}) {
    EXPECT_EQ(told(agent.decide()), "37 none");
    EXPECT_EQ(phase(agent.decide()), "Succeeded/Completed");
  }
}

TEST(DecideEnded, KeepsAStoppedViolatorUntilItIsReleased) {
  auto outcome = ended(1, 143);
  outcome.stopped = StopCause::hardening_violated;
  outcome.restarts = 1;
  EXPECT_EQ(told(present().prepared().with(outcome).decide()), "34 none");
  EXPECT_EQ(phase(present().prepared().with(outcome).decide()), "Failed/HardeningViolated");
  outcome.released = true;
  auto agent = present().restart(RestartPolicy::never).prepared().with(outcome);
  EXPECT_EQ(told(agent.decide()), "52 create");
  EXPECT_EQ(agent.decide().restarts, 1);
  agent->next_try = at_start().mono + seconds{2};
  EXPECT_EQ(phase(agent.decide()), "BackOff/HardeningViolated");
}

TEST(DecideEnded, FailsWhatWasStoppedAtItsDeadlineOrRanPastIt) {
  auto stopped = ended(1, 0);
  stopped.stopped = StopCause::deadline_exceeded;
  EXPECT_EQ(phase(present().prepared().with(stopped).decide()), "Failed/DeadlineExceeded");
  auto late = present().prepared().with(ended(1, 1));
  late.wanted().active_deadline = seconds{20};
  EXPECT_EQ(told(late.decide()), "35 none");
  late.wanted().active_deadline = seconds{21};
  EXPECT_EQ(told(late.decide()), "52 create");
  auto jumped = ended(1, 1);
  jumped.ran_at_most = seconds{3};
  auto brief = present().prepared().with(jumped);
  brief.wanted().active_deadline = seconds{20};
  EXPECT_EQ(told(brief.decide()), "52 create") << "the engine's clock jumped while it ran";
  auto done = present().prepared().with(ended(1, 0));
  done.wanted().active_deadline = seconds{20};
  EXPECT_EQ(phase(done.decide()), "Succeeded/Completed");
}

TEST(DecideEnded, RunsAgainAfterAnOutOfBandUpdateButNotUnderNever) {
  auto outcome = ended(1, 143);
  outcome.stopped = StopCause::out_of_band_update;
  outcome.restarts = 1;
  EXPECT_EQ(told(present().prepared().with(outcome).decide()), "52 create");
  EXPECT_EQ(present().prepared().with(outcome).decide().restarts, 1);
  EXPECT_EQ(phase(present().restart(RestartPolicy::never).with(outcome).decide()), "Failed/Interrupted");
}

TEST(DecideEnded, CountsOwnEndsAgainstMaxRestartsAndInterruptionsNot) {
  auto outcome = ended(1, 1);
  outcome.restarts = 2;
  auto agent = present().prepared().with(outcome);
  agent.wanted().max_restarts = 3;
  EXPECT_EQ(told(agent.decide()), "52 create");
  EXPECT_EQ(agent.decide().restarts, 3);
  agent.wanted().max_restarts = 2;
  EXPECT_EQ(told(agent.decide()), "38 none");
  EXPECT_EQ(phase(agent.decide()), "Failed/MaxRestarts");
  agent->outcome->interrupted = true;
  EXPECT_EQ(told(agent.decide()), "52 create");
  EXPECT_EQ(agent.decide().restarts, 2);
}

TEST(DecideEnded, RemovesAFinishedContainerPastItsTimeToLive) {
  auto agent = present().with(exited(1, 0)).with(ended(1, 0));
  agent->ttl = at_start().mono + seconds{5};
  EXPECT_EQ(told(agent.decide()), "37 none");
  EXPECT_EQ(agent.decide().wake_at, agent->ttl);
  EXPECT_EQ(told(agent.decide(later(at_start(), seconds{5}))), "40 remove id-1");
  EXPECT_EQ(phase(agent.decide(later(at_start(), seconds{5}))), "Succeeded/Completed");
  auto record = present().with(ended(1, 0));
  record->ttl = at_start().mono;
  EXPECT_EQ(told(record.decide()), "37 none") << "the record stays";
}

TEST(DecideNext, WaitsForTheBackOff) {
  auto agent = present().prepared().with(ended(1, 1));
  agent->next_try = at_start().mono + seconds{8};
  const auto decision = agent.decide();
  EXPECT_EQ(told(decision), "41 none");
  EXPECT_EQ(decision.wake_at, at_start().mono + seconds{8});
}

TEST(DecideNext, DoesNotRetryALimitThatThisEngineDiscards) {
  auto agent = present().prepared();
  agent.next().limit_discarded = "pids limit discarded";
  EXPECT_EQ(told(agent.decide()), "42 none");
  EXPECT_EQ(phase(agent.decide()), "Stuck/LimitDiscarded");
}

TEST(DecideNext, StartsNothingBesideALiveLookAlike) {
  EXPECT_EQ(told(present().prepared().with(suspect(ContainerState::paused)).decide()), "43 none");
  EXPECT_EQ(told(present().prepared().with(suspect(ContainerState::exited)).decide()), "52 create");
}

TEST(DecideNext, WaitsForABusyWorkspace) {
  auto agent = present().prepared();
  agent.next().workspace_busy = "x mounts it";
  EXPECT_EQ(told(agent.decide()), "44 none");
  EXPECT_EQ(phase(agent.decide()), "Pending/WorkspaceBusy");
}

TEST(DecideNext, StartsNothingBesideAContainerThatNoListHasToldOfYet) {
  auto agent = present().prepared();
  agent.next().unlisted = true;
  EXPECT_EQ(told(agent.decide()), "44 none");
  EXPECT_EQ(phase(agent.decide()), "Pending/Listing");
  agent.with(created(1));
  EXPECT_EQ(told(agent.decide()), "30 none");
}

TEST(DecideNext, NeverPullsUnderNeverAndLooksAgainEveryMinute) {
  auto agent = present();
  agent.wanted().pull_policy = ImagePullPolicy::never;
  agent.next().image = Preparation::Image::absent;
  agent.next().image_looked = at_start().mono;
  EXPECT_EQ(told(agent.decide()), "45 none");
  EXPECT_EQ(phase(agent.decide()), "Stuck/ImageNotPresent");
  EXPECT_EQ(agent.decide().wake_at, at_start().mono + seconds{60});
  EXPECT_EQ(told(agent.decide(later(at_start(), seconds{60}))), "45 inspect image");
}

TEST(DecideNext, PullsWhatIsAbsentAndUnderAlwaysOnceAnAttempt) {
  auto agent = present();
  agent.next().image = Preparation::Image::absent;
  EXPECT_EQ(told(agent.decide()), "46 pull");
  EXPECT_EQ(phase(agent.decide()), "Pulling");
  auto always = present().prepared();
  always.wanted().pull_policy = ImagePullPolicy::always;
  EXPECT_EQ(told(always.decide()), "46 pull");
  always.next().pulled_for_attempt = true;
  EXPECT_EQ(told(always.decide()), "52 create");
}

TEST(DecideNext, LearnsTheImageAndTheUserBeforeItCreates) {
  auto agent = present();
  EXPECT_EQ(told(agent.decide()), "47 inspect image");
  agent.next().image = Preparation::Image::known;
  EXPECT_EQ(told(agent.decide()), "47 probe image");
  agent.next().user = Preparation::User::known;
  EXPECT_EQ(told(agent.decide()), "49 check workspace");
}

TEST(DecideNext, RefusesAnImageByRule) {
  auto agent = present().prepared();
  agent.next().image_refused = {{{"bot.yaml", 4, 3}, "spec.image", "declares the volume /data", "…", "image-volumes"}};
  EXPECT_EQ(told(agent.decide()), "48 none");
  EXPECT_EQ(phase(agent.decide()), "Denied/ImageVolumes");
}

TEST(DecideNext, LooksAtARefusedOrHungWorkspaceEveryMinute) {
  auto agent = present().prepared();
  agent.next().workspace = Preparation::Workspace::refused;
  agent.next().workspace_looked = at_start().mono;
  EXPECT_EQ(told(agent.decide()), "50 none");
  EXPECT_EQ(phase(agent.decide()), "Denied/Workspace");
  EXPECT_EQ(told(agent.decide(later(at_start(), seconds{60}))), "50 check workspace");
}

TEST(DecideNext, WaitsWhenTheHostsCeilingsAreUsedUp) {
  auto agent = present().prepared();
  agent.next().no_capacity = "totalMemoryMB";
  EXPECT_EQ(told(agent.decide()), "51 none");
  EXPECT_EQ(phase(agent.decide()), "Pending/NoCapacity");
}

TEST(DecideNext, CreatesTheAttemptAfterTheHighestSeen) {
  EXPECT_EQ(present().prepared().decide().attempt, 1);
  auto agent = present().prepared().with(exited(2, 1)).with(ended(3, 1));
  EXPECT_EQ(told(agent.decide()), "52 create");
  EXPECT_EQ(agent.decide().attempt, 4);
  EXPECT_EQ(agent.decide().restarts, 1);
  EXPECT_EQ(phase(agent.decide()), "Creating");
}

}  // namespace
}  // namespace cofferdam::reconciler
