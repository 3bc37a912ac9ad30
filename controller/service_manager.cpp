#include "controller/service_manager.hpp"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <ctime>

namespace cofferdam::controller {

namespace {

/// A status is one line of the protocol.
std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

ServiceManager::ServiceManager() {
  std::uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) > 0 && microseconds > 0) {
    watchdog_interval_ = std::chrono::microseconds{std::max<std::uint64_t>(microseconds / 3, 1)};
  }
}

void ServiceManager::ready(const std::string& status) {
  last_status_ = one_line(status);
  sd_notify(0, ("READY=1\nSTATUS=" + last_status_).c_str());
}

void ServiceManager::reloading() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  const std::int64_t microseconds = time.tv_sec * 1'000'000LL + time.tv_nsec / 1000;
  sd_notify(0, ("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(microseconds)).c_str());
}

void ServiceManager::stopping() {
  sd_notify(0, "STOPPING=1\nSTATUS=stopping; containers are left as they are");
}

void ServiceManager::status(const std::string& status) {
  std::string line = one_line(status);
  if (line == last_status_) return;
  last_status_ = std::move(line);
  sd_notify(0, ("STATUS=" + last_status_).c_str());
}

void ServiceManager::feed_watchdog() {
  sd_notify(0, "WATCHDOG=1");
}

}  // namespace cofferdam::controller
