#pragma once

// The one place that reads the time for the machine. The wall time is the engine's: the host's clock, corrected by the
// offset that was seen when the session began, because what is compared with it was written by the engine.

#include <chrono>
#include <optional>
#include <string>

#include "reconciler/time.hpp"

namespace cofferdam::controller {

class Clock {
 public:
  /// Reads the boot's facts once: they do not change while we live.
  Clock();

  [[nodiscard]] reconciler::Now now() const;
  /// Seen in /info. A difference of less than a second is the answer's own delay, not an offset.
  void engine_time(const std::optional<reconciler::WallTime>& engine);

 private:
  std::string boot_id_;
  std::chrono::nanoseconds offset_{0};
};

/// CLOCK_REALTIME of this host.
reconciler::WallTime host_wall_time();

}  // namespace cofferdam::controller
