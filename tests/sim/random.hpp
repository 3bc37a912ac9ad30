#pragma once

// Numbers that depend on nothing but their seed: the same on every compiler, library and build type. The standard's
// distributions are not used, since each library draws them in its own way.

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace cofferdam::sim {

/// One step of SplitMix64: a good mix of every bit.
constexpr std::uint64_t mixed(std::uint64_t value) {
  value += 0x9E3779B97F4A7C15ULL;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBULL;
  return value ^ (value >> 31U);
}

constexpr std::uint64_t mixed(std::uint64_t value, std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL ^ value;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return mixed(hash);
}

class Random {
 public:
  explicit constexpr Random(std::uint64_t seed) : state_(mixed(seed)) {}

  constexpr std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15ULL;
    return mixed(state_);
  }
  /// [0, bound); bound at least 1.
  constexpr std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  /// [low, high]
  constexpr std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(high - low) + 1));
  }
  constexpr bool one_in(std::uint64_t n) { return below(n) == 0; }
  constexpr bool chance(std::int64_t per_mille) { return between(0, 999) < per_mille; }

  template <class T, std::size_t N>
  constexpr const T& pick(const T (&choices)[N]) {
    return choices[below(N)];
  }

 private:
  std::uint64_t state_;
};

}  // namespace cofferdam::sim
