#pragma once

// Counters, back-off, deadlines and the question whose end it was (docs/semantics.md, "Counting").

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "reconciler/view.hpp"

namespace cofferdam::reconciler {

/// initial × 2^(failures-1), at most max, with a jitter of ±10 % that is a hash of agent and attempt, so that it is the
/// same after a crash. Zero failures: no delay.
std::chrono::nanoseconds backoff_delay(std::int64_t failures, const specs::Configuration::Backoff& backoff,
                                       const std::string& agent, std::int64_t attempt);

/// The moment of the next try: now + clamp(finished + delay − engine's time, 0, delay).
Monotonic backoff_until(const std::optional<WallTime>& finished, std::chrono::nanoseconds delay, const Now& now);

/// The moment when a deadline or TTL that began at `since` is over, as seen at adoption: elapsed = engine's time − since,
/// clamped to [0, uptime of the host where known].
Monotonic latched(const WallTime& since, std::chrono::nanoseconds span, const Now& now);

/// What tells a foreign end from the agent's own.
struct Outage {
  WallTime from{};
  WallTime to{};  ///< the first contact after it
};
struct EndEvidence {
  std::optional<WallTime> last_contact_before_start;  ///< persisted: our last engine contact in an earlier life
  std::string boot_id_then;                           ///< persisted with it
  std::optional<WallTime> boot;                       ///< of the host, by the clock of that time; unset: as now says
  std::vector<Outage> outages;                        ///< of the engine, that we lived through
  std::vector<Outage> gaps;                           ///< of the event stream
  std::vector<WallTime> foreign_kills;  ///< kills of this container with TERM, KILL or its stop signal that are not ours
  std::chrono::seconds stop_timeout{10};
  bool local = true;
  bool seen_live = false;  ///< since this start, by this process: it outlived every boot before now
};
bool was_interrupted(const ContainerView& container, const EndEvidence& evidence, const Now& now);

/// From its start to its end by the engine's clock, where that did not jump meanwhile: never longer than this host's own clock
/// allows, never negative (StartedAt can be later than FinishedAt; observed).
std::chrono::nanoseconds ran_for(const Outcome& outcome);

/// The verdict about an ended container, or one whose start failed with 126 or 127. `reset_after`: running that long sets
/// failures to 0.
Outcome outcome_of(const ContainerView& container, const specs::Configuration::Backoff& backoff);

}  // namespace cofferdam::reconciler
