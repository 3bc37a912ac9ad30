#include "reconciler/counting.hpp"

#include "tests/reconciler/view_builder.hpp"

namespace cofferdam::reconciler {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

const specs::Configuration::Backoff kBackoff;

TEST(Counting, DoublesTheDelayFromTheFirstToTheMostWithATenthOfJitter) {
  EXPECT_EQ(backoff_delay(0, kBackoff, "bot", 1).count(), 0);
  for (const auto& [failures, whole] :
       std::vector<std::pair<int, int>>{{1, 1}, {2, 2}, {3, 4}, {6, 32}, {7, 60}, {1000000, 60}}) {
    const auto delay = backoff_delay(failures, kBackoff, "bot", failures);
    EXPECT_GE(delay, seconds{whole} * 9 / 10) << failures;
    EXPECT_LE(delay, std::min(seconds{whole} * 11 / 10 + milliseconds{1000}, seconds{60} + milliseconds{0})) << failures;
    EXPECT_LE(delay, kBackoff.max);
  }
}

TEST(Counting, DrawsTheSameJitterAfterACrashAndAnotherForAnotherAgent) {
  EXPECT_EQ(backoff_delay(3, kBackoff, "bot", 4), backoff_delay(3, kBackoff, "bot", 4));
  EXPECT_NE(backoff_delay(3, kBackoff, "bot", 4), backoff_delay(3, kBackoff, "bob", 4));
  EXPECT_NE(backoff_delay(3, kBackoff, "bot", 4), backoff_delay(3, kBackoff, "bot", 5));
}

TEST(Counting, BearsTimesThatAreCenturiesApart) {
  const WallTime first = WallTime::min();
  const WallTime last = WallTime::max();
  EXPECT_EQ(span_between(first, last), std::chrono::nanoseconds::max());
  EXPECT_EQ(span_between(last, first), std::chrono::nanoseconds::min());
  Now now;
  now.wall = WallTime(std::chrono::hours(24 * 365 * 56));
  EXPECT_EQ(backoff_until(first, std::chrono::seconds{5}, now), now.mono);
  EXPECT_EQ(backoff_until(last, std::chrono::seconds{5}, now), now.mono + std::chrono::seconds{5});
  EXPECT_EQ(latched(first, std::chrono::seconds{5}, now), now.mono);
  ContainerView container;
  container.started_at = first;
  container.finished_at = last;
  container.failures = 3;
  EXPECT_EQ(outcome_of(container, {}).failures, 1) << "it ran for long";
  EndEvidence evidence;
  evidence.local = false;
  evidence.foreign_kills = {first};
  EXPECT_FALSE(was_interrupted(container, evidence, now));
  evidence.foreign_kills = {last};
  EXPECT_TRUE(was_interrupted(container, evidence, now));
}

TEST(Counting, MeasuresTheBackOffFromTheEndButNeverWaitsLongerThanTheDelay) {
  const Now now = at_start();
  EXPECT_EQ(backoff_until(now.wall - seconds{3}, seconds{10}, now), now.mono + seconds{7});
  EXPECT_EQ(backoff_until(now.wall - hours{9}, seconds{10}, now), now.mono);
  EXPECT_EQ(backoff_until(now.wall + hours{24 * 365}, seconds{10}, now), now.mono + seconds{10}) << "the clock was set back";
  EXPECT_EQ(backoff_until(std::nullopt, seconds{10}, now), now.mono + seconds{10});
}

TEST(Counting, LatchesADeadlineByTheEnginesTimeWithinTheHostsUptime) {
  const Now now = at_start();  // up for an hour
  EXPECT_EQ(latched(now.wall - seconds{20}, seconds{60}, now), now.mono + seconds{40});
  EXPECT_EQ(latched(now.wall + hours{1}, seconds{60}, now), now.mono + seconds{60});
  EXPECT_EQ(latched(now.wall - hours{24 * 365}, hours{2}, now), now.mono + hours{1}) << "nothing ran longer than the host";
}

ContainerView ended_at(WallTime started, WallTime finished, std::int64_t code) {
  auto view = exited(1, code);
  view.started_at = started;
  view.finished_at = finished;
  return view;
}

TEST(Counting, CallsAnEndAtTheHostsBootInterrupted) {
  const Now now = at_start();
  EXPECT_TRUE(was_interrupted(ended_at(now.boot - hours{1}, now.boot + seconds{9}, 0), {}, now));
  EXPECT_FALSE(was_interrupted(ended_at(now.boot - hours{1}, now.boot - seconds{9}, 0), {}, now)) << "it ended by itself before";
  EXPECT_FALSE(was_interrupted(ended_at(now.boot + seconds{1}, now.boot + seconds{9}, 0), {}, now));
  EndEvidence remote;
  remote.local = false;
  EXPECT_FALSE(was_interrupted(ended_at(now.boot - hours{1}, now.boot + seconds{9}, 0), remote, now));
}

TEST(Counting, CallsAnEndAfterOurLastContactInterruptedIfTheHostBootedSince) {
  const Now now = at_start();
  EndEvidence evidence;
  evidence.boot_id_then = "boot-0";
  evidence.last_contact_before_start = now.boot - hours{2};
  EXPECT_TRUE(was_interrupted(ended_at(now.boot - hours{3}, now.boot - hours{1}, 0), evidence, now));
  EXPECT_FALSE(was_interrupted(ended_at(now.boot - hours{4}, now.boot - hours{3}, 0), evidence, now));
  EXPECT_FALSE(was_interrupted(ended_at(now.boot + seconds{5}, now.boot + seconds{9}, 1), evidence, now))
      << "started since, it did not go down with the host";
  evidence.boot_id_then = now.boot_id;
  EXPECT_FALSE(was_interrupted(ended_at(now.boot - hours{3}, now.boot - hours{1}, 0), evidence, now));
}

TEST(Counting, HoldsAnEndAgainstTheBootAsItWasBeforeTheClockJumped) {
  const Now before = at_start();
  EndEvidence evidence;
  evidence.boot = before.boot;
  Now now = later(before, seconds{60});
  now.wall += hours{9000};
  now.boot += hours{9000};  // the boot is the clock less the uptime
  EXPECT_FALSE(was_interrupted(ended_at(before.wall, now.wall, 0), evidence, now)) << "the host has not booted since its start";
  EXPECT_TRUE(was_interrupted(ended_at(before.boot - hours{1}, before.boot + seconds{9}, 0), evidence, now));
}

TEST(Counting, HoldsNoBootAgainstWhatThisProcessSawRun) {
  const Now now = at_start();
  const ContainerView container = ended_at(now.boot - hours{9000}, now.boot + seconds{9}, 0);
  EndEvidence evidence;
  evidence.boot_id_then = "boot-0";
  evidence.last_contact_before_start = now.boot - hours{2};
  EXPECT_TRUE(was_interrupted(container, evidence, now));
  evidence.seen_live = true;
  EXPECT_FALSE(was_interrupted(container, evidence, now)) << "the clock jumped, and nothing was kept of the boot";
}

TEST(Counting, CallsAnEndInAnOutageInterrupted) {
  const Now now = at_start();
  EndEvidence evidence;
  evidence.outages = {{now.wall - seconds{20}, now.wall - seconds{10}}};
  EXPECT_TRUE(was_interrupted(ended_at(now.wall - seconds{60}, now.wall - seconds{15}, 0), evidence, now));
  EXPECT_FALSE(was_interrupted(ended_at(now.wall - seconds{60}, now.wall - seconds{21}, 1), evidence, now));
  EXPECT_FALSE(was_interrupted(ended_at(now.wall - seconds{60}, now.wall - seconds{9}, 1), evidence, now));
}

TEST(Counting, CallsAnEndSoonAfterAForeignKillInterrupted) {
  const Now now = at_start();
  EndEvidence evidence;
  evidence.foreign_kills = {now.wall - seconds{40}};
  EXPECT_TRUE(was_interrupted(ended_at(now.wall - seconds{60}, now.wall - seconds{25}, 0), evidence, now))
      << "10 s stop time + 5 s";
  EXPECT_FALSE(was_interrupted(ended_at(now.wall - seconds{60}, now.wall - seconds{24}, 0), evidence, now));
  EXPECT_FALSE(was_interrupted(ended_at(now.wall - seconds{60}, now.wall - seconds{42}, 0), evidence, now));
}

TEST(Counting, CallsADeathBySignalInAGapOfTheEventsInterrupted) {
  const Now now = at_start();
  EndEvidence evidence;
  evidence.gaps = {{now.wall - seconds{20}, now.wall - seconds{10}}};
  const auto in_gap = [&](std::int64_t code) { return ended_at(now.wall - seconds{60}, now.wall - seconds{15}, code); };
  for (const int code : {255, 137, 143}) EXPECT_TRUE(was_interrupted(in_gap(code), evidence, now)) << code;
  for (const int code : {0, 1}) EXPECT_FALSE(was_interrupted(in_gap(code), evidence, now)) << code;
  auto oom = in_gap(137);
  oom.oom_killed = true;
  EXPECT_FALSE(was_interrupted(oom, evidence, now));
  auto ours = in_gap(137);
  ours.stop = recorded(StopCause::suspended);
  EXPECT_FALSE(was_interrupted(ours, evidence, now));
}

TEST(Counting, GrowsFailuresByOwnEndsAndInterruptionsButNotByOrderedStops) {
  auto view = exited(3, 1);
  view.failures = 2;
  view.restarts = 1;
  EXPECT_EQ(outcome_of(view, kBackoff).failures, 3);
  EXPECT_EQ(outcome_of(view, kBackoff).restarts, 1);
  view.interrupted = true;
  EXPECT_EQ(outcome_of(view, kBackoff).failures, 3);
  view.stop = recorded(StopCause::spec_changed);
  EXPECT_EQ(outcome_of(view, kBackoff).failures, 2);
  view.stop = recorded(StopCause::hardening_violated);
  EXPECT_EQ(outcome_of(view, kBackoff).failures, 3);
}

TEST(Counting, ForgetsFailuresAfterALongRun) {
  auto view = exited(3, 1);
  view.failures = 5;
  view.started_at = *view.finished_at - kBackoff.reset_after;
  EXPECT_EQ(outcome_of(view, kBackoff).failures, 1);
  view.started_at = *view.finished_at + milliseconds{1};  // the engine writes such times
  EXPECT_EQ(outcome_of(view, kBackoff).failures, 6);
}

TEST(Counting, TakesTheExitCodeOfAFailedStart) {
  auto view = created(1);
  view.start_failed_code = 126;
  const auto outcome = outcome_of(view, kBackoff);
  EXPECT_TRUE(outcome.start_failed);
  EXPECT_EQ(outcome.exit_code, 126);
}

}  // namespace
}  // namespace cofferdam::reconciler
