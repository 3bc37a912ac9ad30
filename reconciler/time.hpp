#pragma once

// Time is data: read once an input by the shell, handed in, never read here.

#include <chrono>
#include <cstdint>
#include <string>

namespace cofferdam::reconciler {

/// Tag of the monotonic time line; it has no now().
struct MonotonicTag {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicTag, duration>;
  static constexpr bool is_steady = true;
};

/// Since an arbitrary start that is the same for one life of the host (CLOCK_BOOTTIME); for timers and back-off.
using Monotonic = std::chrono::time_point<MonotonicTag, std::chrono::nanoseconds>;
/// UTC; for comparing with what the engine wrote. May jump both ways.
using WallTime = std::chrono::sys_time<std::chrono::nanoseconds>;

/// later - earlier, or the nearest span that fits: what an engine or a record says of a time may be anything from 1678 to 2261.
constexpr std::chrono::nanoseconds span_between(WallTime earlier, WallTime later) {
  std::int64_t span = 0;
  if (!__builtin_sub_overflow(later.time_since_epoch().count(), earlier.time_since_epoch().count(), &span)) {
    return std::chrono::nanoseconds{span};
  }
  return later < earlier ? std::chrono::nanoseconds::min() : std::chrono::nanoseconds::max();
}

struct Now {
  Monotonic mono{};
  WallTime wall{};      ///< the engine's clock: the host's, corrected by the offset seen at session start
  std::string boot_id;  ///< /proc/sys/kernel/random/boot_id
  WallTime boot{};      ///< when this host booted, by the wall clock (btime of /proc/stat)
};

}  // namespace cofferdam::reconciler
