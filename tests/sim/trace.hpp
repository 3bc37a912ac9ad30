#pragma once

// The run as a timeline for people, and as one number: the hash of every line, the same for the same plan in every
// build type. Lines are composed only where somebody reads them; the hash is fed with the facts themselves.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "tests/sim/random.hpp"

namespace cofferdam::sim {

/// Nanoseconds of true time since the simulation began; jumps of the wall clock do not touch it.
using SimTime = std::int64_t;

inline constexpr SimTime millisecond = 1'000'000;
inline constexpr SimTime second = 1000 * millisecond;
inline constexpr SimTime minute = 60 * second;
inline constexpr SimTime hour = 60 * minute;

/// "12.345678"
std::string seconds_text(SimTime time);

class Trace {
 public:
  explicit Trace(bool keep) : keep_(keep) {}

  void fact(std::uint64_t value) { hash_ = mixed(hash_ ^ value); }
  void fact(std::string_view text) { hash_ = mixed(hash_, text); }

  /// `compose` returns the line's text; it is called only when lines are kept.
  template <class Compose>
  void line(SimTime at, Compose&& compose) {
    if (!keep_) return;
    lines_.push_back(seconds_text(at) + "  " + compose());
  }

  [[nodiscard]] bool kept() const { return keep_; }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

 private:
  bool keep_;
  std::uint64_t hash_ = 0;
  std::vector<std::string> lines_;
};

}  // namespace cofferdam::sim
