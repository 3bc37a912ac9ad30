#include "controller/clock.hpp"

#include <ctime>
#include <fstream>

namespace cofferdam::controller {

namespace {

std::chrono::nanoseconds read_clock(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

std::string read_boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id;
}

}  // namespace

reconciler::WallTime host_wall_time() {
  return reconciler::WallTime{read_clock(CLOCK_REALTIME)};
}

Clock::Clock() : boot_id_(read_boot_id()) {}

reconciler::Now Clock::now() const {
  reconciler::Now now;
  const auto since_boot = read_clock(CLOCK_BOOTTIME);
  now.mono = reconciler::Monotonic{since_boot};
  now.wall = host_wall_time() + offset_;
  now.boot_id = boot_id_;
  // What btime of /proc/stat is made of, without a file to read for each input, and following a clock that is set.
  now.boot = now.wall - since_boot;
  return now;
}

void Clock::engine_time(const std::optional<reconciler::WallTime>& engine) {
  offset_ = std::chrono::nanoseconds{0};
  if (!engine) return;
  const auto difference = *engine - host_wall_time();
  if (std::chrono::abs(difference) >= std::chrono::seconds{1}) offset_ = difference;
}

}  // namespace cofferdam::controller
