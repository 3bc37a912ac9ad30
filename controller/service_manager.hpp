#pragma once

// What the service manager is told, over NOTIFY_SOCKET; nothing where there is none. The watchdog is fed by the loop
// that decides, so that a loop that hangs is restarted, and an engine that hangs never is a reason.

#include <chrono>
#include <optional>
#include <string>

namespace cofferdam::controller {

class ServiceManager {
 public:
  /// Reads WATCHDOG_USEC and WATCHDOG_PID once.
  ServiceManager();

  void ready(const std::string& status);
  void reloading();
  void stopping();
  /// A line for `systemctl status`; the same line again is not sent.
  void status(const std::string& status);
  void feed_watchdog();
  /// How often to feed it: a third of what the service manager waits for. Unset: it waits for nothing.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval() const { return watchdog_interval_; }

 private:
  std::optional<std::chrono::microseconds> watchdog_interval_;
  std::string last_status_;
};

}  // namespace cofferdam::controller
