#include "reconciler/counting.hpp"

#include <algorithm>
#include <string_view>

namespace cofferdam::reconciler {
namespace {

using std::chrono::nanoseconds;

/// FNV-1a: small, and the same everywhere.
std::uint64_t hash_of(std::string_view agent, std::int64_t attempt) {
  std::uint64_t hash = 14695981039346656037ULL;
  const auto mix = [&hash](unsigned char byte) { hash = (hash ^ byte) * 1099511628211ULL; };
  for (const char c : agent) mix(static_cast<unsigned char>(c));
  for (int shift = 0; shift < 64; shift += 8) mix(static_cast<unsigned char>(static_cast<std::uint64_t>(attempt) >> shift));
  return hash;
}

bool inside(const std::vector<Outage>& spans, const WallTime& moment) {
  return std::any_of(spans.begin(), spans.end(), [&](const Outage& span) { return span.from <= moment && moment <= span.to; });
}

}  // namespace

nanoseconds backoff_delay(std::int64_t failures, const specs::Configuration::Backoff& backoff, const std::string& agent,
                          std::int64_t attempt) {
  if (failures <= 0) return nanoseconds{0};
  const nanoseconds most = backoff.max;
  nanoseconds delay = std::min<nanoseconds>(backoff.initial, most);
  for (std::int64_t doubled = 1; doubled < failures && delay < most; ++doubled) delay = std::min(delay * 2, most);
  const auto jitter = static_cast<std::int64_t>(hash_of(agent, attempt) % 201) - 100;  // per mille of ±10 %
  return std::min(delay + delay / 1000 * jitter, most);
}

Monotonic backoff_until(const std::optional<WallTime>& finished, nanoseconds delay, const Now& now) {
  if (!finished) return now.mono + delay;
  return now.mono + (delay - std::clamp<nanoseconds>(span_between(*finished, now.wall), nanoseconds{0}, delay));
}

Monotonic latched(const WallTime& since, nanoseconds span, const Now& now) {
  const nanoseconds uptime = std::max<nanoseconds>(span_between(now.boot, now.wall), nanoseconds{0});
  const nanoseconds most = now.boot == WallTime{} ? span : uptime;
  const nanoseconds elapsed =
      std::clamp<nanoseconds>(span_between(since, now.wall), nanoseconds{0}, std::max(most, nanoseconds{0}));
  return now.mono + (span - elapsed);
}

bool was_interrupted(const ContainerView& container, const EndEvidence& evidence, const Now& now) {
  if (container.stop || container.start_failed_code != 0) return false;
  if (!container.started_at || !container.finished_at) return false;
  const WallTime finished = *container.finished_at;
  const WallTime boot = evidence.boot.value_or(now.boot);
  // Where the clock jumped, a boot that nobody kept looks later than it was; but nothing that we saw run began before it.
  const bool older_than_boot = !evidence.seen_live && (boot == WallTime{} || *container.started_at < boot);

  // The engine wrote this end when the host came back.
  if (evidence.local && boot != WallTime{} && older_than_boot && boot <= finished) return true;
  // The host went down while nobody looked. What was started since cannot have gone down with it.
  if (evidence.local && older_than_boot && !evidence.boot_id_then.empty() && evidence.boot_id_then != now.boot_id &&
      evidence.last_contact_before_start && finished > *evidence.last_contact_before_start) {
    return true;
  }
  if (inside(evidence.outages, finished)) return true;

  const auto killed_by_others = [&](const WallTime& kill) {
    // The engine writes the event beside the end, now and then a moment after it.
    const nanoseconds before = span_between(kill, finished);
    return before >= std::chrono::seconds{-1} && before <= evidence.stop_timeout + std::chrono::seconds{5};
  };
  if (std::any_of(evidence.foreign_kills.begin(), evidence.foreign_kills.end(), killed_by_others)) return true;

  const bool by_signal = (container.exit_code == 137 || container.exit_code == 143) && !container.oom_killed;
  return (container.exit_code == 255 || by_signal) && inside(evidence.gaps, finished);
}

nanoseconds ran_for(const Outcome& outcome) {
  if (!outcome.started_at || !outcome.finished_at) return nanoseconds{0};
  const nanoseconds most = std::max(outcome.ran_at_most.value_or(nanoseconds::max()), nanoseconds{0});
  return std::clamp<nanoseconds>(span_between(*outcome.started_at, *outcome.finished_at), nanoseconds{0}, most);
}

Outcome outcome_of(const ContainerView& container, const specs::Configuration::Backoff& backoff) {
  Outcome outcome;
  outcome.attempt = container.attempt;
  outcome.container_id = container.id;
  outcome.run_hash = container.run_hash;
  outcome.config_hash = container.config_hash;
  outcome.schema = container.schema;
  outcome.restarts = container.restarts;
  outcome.start_failed = container.start_failed_code != 0;
  outcome.exit_code = outcome.start_failed ? container.start_failed_code : container.exit_code;
  outcome.oom_killed = container.oom_killed;
  outcome.started_at = container.started_at;
  outcome.finished_at = container.finished_at;
  outcome.ran_at_most = container.ran_at_most;
  outcome.interrupted = container.interrupted;
  if (container.stop) outcome.stopped = container.stop->cause;

  const std::int64_t before = ran_for(outcome) >= backoff.reset_after ? 0 : container.failures;
  const bool ordered =
      outcome.stopped && *outcome.stopped != StopCause::hardening_violated && *outcome.stopped != StopCause::out_of_band_update;
  outcome.failures = ordered ? before : before + 1;
  return outcome;
}

}  // namespace cofferdam::reconciler
